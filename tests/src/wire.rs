//! The way to DynamoDB: what goes over it is counted, and what comes back can be lost.

use crate::proxy::{Upstream, operation, serve};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use axum::Json;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// The operations that were sent, in order, each retry by itself.
#[derive(Clone, Debug, Default)]
pub struct Requests(Arc<Mutex<Vec<String>>>);

impl Requests {
    /// Takes what was counted so far.
    pub fn clear(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("nobody panicked"))
    }
}

impl Intercept for Requests {
    fn name(&self) -> &'static str {
        "Requests"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let target = context
            .request()
            .headers()
            .get("x-amz-target")
            .unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default();
        self.0
            .lock()
            .expect("nobody panicked")
            .push(operation.to_owned());
        Ok(())
    }
}

/// A proxy before a DynamoDB.
pub struct Wire {
    /// Where it listens.
    pub endpoint: String,
}

impl Wire {
    /// Passes everything on, and answers the first of these operations with a 500 after it was done.
    pub async fn losing_one_reply_to(operations: &'static [&'static str], endpoint: &str) -> Self {
        Self::losing(operations, None, endpoint).await
    }

    /// The same, and refuses the two of these operations that come next with this error.
    pub async fn losing_one_reply_and_refusing_its_retry(
        operations: &'static [&'static str],
        error: &'static str,
        endpoint: &str,
    ) -> Self {
        Self::losing(operations, Some(error), endpoint).await
    }

    /// Passes everything on but the first batch, of which nothing is processed.
    pub async fn leaving_the_first_batch_unprocessed(endpoint: &str) -> Self {
        let (is_left, upstream) = (Arc::new(AtomicBool::new(false)), Upstream::new(endpoint));
        let endpoint = serve(move |headers, body| {
            let (is_left, upstream) = (is_left.clone(), upstream.clone());
            async move {
                let left = match operation(&headers) {
                    "BatchGetItem" => Some("UnprocessedKeys"),
                    "BatchWriteItem" => Some("UnprocessedItems"),
                    _ => None,
                };
                match left {
                    Some(left) if !is_left.swap(true, Ordering::SeqCst) => {
                        let batch: Value = serde_json::from_slice(&body).expect("JSON");
                        Json(json!({ left: batch["RequestItems"] })).into_response()
                    }
                    _ => upstream.pass(&headers, body).await.into_response(),
                }
            }
        });
        Self {
            endpoint: endpoint.await,
        }
    }

    async fn losing(
        operations: &'static [&'static str],
        error: Option<&'static str>,
        endpoint: &str,
    ) -> Self {
        let (seen, upstream) = (Arc::new(AtomicUsize::new(0)), Upstream::new(endpoint));
        let endpoint = serve(move |headers, body| {
            let (seen, upstream) = (seen.clone(), upstream.clone());
            async move {
                let before = if operations.contains(&operation(&headers)) {
                    seen.fetch_add(1, Ordering::SeqCst)
                } else {
                    usize::MAX
                };
                if let (1..=2, Some(error)) = (before, error) {
                    let body = format!(
                        r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{error}","message":"again","CancellationReasons":[{{"Code":"TransactionConflict"}}]}}"#
                    );
                    return (StatusCode::BAD_REQUEST, body).into_response();
                }
                let reply = upstream.pass(&headers, body).await;
                if before == 0 {
                    return StatusCode::INTERNAL_SERVER_ERROR.into_response();
                }
                reply.into_response()
            }
        });
        Self {
            endpoint: endpoint.await,
        }
    }
}
