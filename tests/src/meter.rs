//! A proxy before a DynamoDB that meters what passes: each request with the units that the service reports.

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// What was asked of DynamoDB, and what it is billed.
#[derive(Clone, Debug, PartialEq)]
pub struct Billed {
    /// `PutItem`.
    pub operation: String,
    /// Capacity units.
    pub units: f64,
}

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
        let (upstream, client, noted) =
            (upstream.to_owned(), reqwest::Client::new(), billed.clone());
        let pass = move |headers: HeaderMap, body: Bytes| {
            let (upstream, client, noted) = (upstream.clone(), client.clone(), noted.clone());
            async move { pass(&upstream, &client, &noted, &headers, &body).await }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let endpoint = format!("http://{}", listener.local_addr().expect("it is bound"));
        let router = axum::Router::new().fallback(pass);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { endpoint, billed }
    }

    /// Takes what was billed so far.
    pub fn take(&self) -> Vec<Billed> {
        std::mem::take(&mut self.billed.lock().expect("nobody panicked"))
    }
}

async fn pass(
    upstream: &str,
    client: &reqwest::Client,
    noted: &Mutex<Vec<Billed>>,
    headers: &HeaderMap,
    body: &Bytes,
) -> Response {
    let target = headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok());
    let operation = target
        .and_then(|target| target.rsplit('.').next())
        .unwrap_or_default();
    let mut asked: Value = serde_json::from_slice(body).expect("a request is JSON");
    asked["ReturnConsumedCapacity"] = json!("TOTAL");
    let mut request = client.post(upstream).body(asked.to_string());
    for name in [
        "x-amz-target",
        "content-type",
        "authorization",
        "x-amz-date",
    ] {
        if let Some(value) = headers.get(name) {
            request = request.header(name, value);
        }
    }
    let reply = request.send().await.expect("upstream answers");
    let (status, date) = (reply.status(), reply.headers().get("date").cloned());
    let body = reply.bytes().await.expect("a body");
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    let consumed = &answer["ConsumedCapacity"];
    let tables = consumed
        .as_array()
        .cloned()
        .unwrap_or_else(|| vec![consumed.clone()]);
    let units = tables
        .iter()
        .filter_map(|table| table["CapacityUnits"].as_f64())
        .sum();
    noted.lock().expect("nobody panicked").push(Billed {
        operation: operation.to_owned(),
        units,
    });
    let mut response: Response = (status, body).into_response();
    if let Some(date) = date {
        response.headers_mut().insert("date", date);
    }
    response
}
