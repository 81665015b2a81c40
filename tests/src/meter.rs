//! A proxy before a DynamoDB that meters what passes: each request with the units that the service reports.

use crate::proxy::{Upstream, operation, serve};
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// What was asked of DynamoDB, and what it is billed.
#[derive(Clone, Debug, PartialEq)]
pub struct Billed {
    /// `PutItem`.
    pub operation: String,
    /// Capacity units.
    pub units: f64,
    /// The same for each table, its indexes with it.
    pub tables: BTreeMap<String, f64>,
}

/// What says what it consumed. Reading a stream does not.
const METERED: [&str; 10] = [
    "BatchGetItem",
    "BatchWriteItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "Scan",
    "TransactGetItems",
    "TransactWriteItems",
    "UpdateItem",
];

/// The proxy; its clones are one.
#[derive(Clone, Debug)]
pub struct Meter {
    /// Where it listens.
    pub endpoint: String,
    billed: Arc<Mutex<Vec<Billed>>>,
}

impl Meter {
    /// A meter before `upstream`.
    pub async fn before(upstream: &str) -> Self {
        let billed: Arc<Mutex<Vec<Billed>>> = Arc::default();
        let (upstream, noted) = (Upstream::new(upstream), billed.clone());
        let endpoint = serve(move |headers, body| {
            let (upstream, noted) = (upstream.clone(), noted.clone());
            async move { pass(&upstream, &noted, &headers, &body).await }
        });
        Self {
            endpoint: endpoint.await,
            billed,
        }
    }

    /// Takes what was billed so far.
    pub fn take(&self) -> Vec<Billed> {
        std::mem::take(&mut self.billed.lock().expect("nobody panicked"))
    }
}

async fn pass(
    upstream: &Upstream,
    noted: &Mutex<Vec<Billed>>,
    headers: &HeaderMap,
    body: &Bytes,
) -> Response {
    let operation = operation(headers);
    if !METERED.contains(&operation) {
        return upstream.pass(headers, body.clone()).await.into_response();
    }
    let mut asked: Value = serde_json::from_slice(body).expect("a request is JSON");
    asked["ReturnConsumedCapacity"] = json!("TOTAL");
    let reply = upstream.pass(headers, asked.to_string()).await;
    let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let consumed = &answer["ConsumedCapacity"];
    let consumed = consumed
        .as_array()
        .cloned()
        .unwrap_or_else(|| vec![consumed.clone()]);
    let mut tables = BTreeMap::new();
    for of_table in &consumed {
        let name = of_table["TableName"].as_str().unwrap_or_default();
        let units = of_table["CapacityUnits"].as_f64().unwrap_or_default();
        *tables.entry(name.to_owned()).or_default() += units;
    }
    noted.lock().expect("nobody panicked").push(Billed {
        operation: operation.to_owned(),
        units: tables.values().sum(),
        tables,
    });
    reply.into_response()
}
