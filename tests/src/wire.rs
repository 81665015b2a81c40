//! The way to DynamoDB: what goes over it is counted, and what comes back can be lost.

use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use std::sync::atomic::{AtomicUsize, Ordering};
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

    async fn losing(
        operations: &'static [&'static str],
        error: Option<&'static str>,
        endpoint: &str,
    ) -> Self {
        let seen = Arc::new(AtomicUsize::new(0));
        let (upstream, client) = (endpoint.to_owned(), reqwest::Client::new());
        let pass = move |headers: HeaderMap, body: Bytes| {
            let (seen, upstream, client) = (seen.clone(), upstream.clone(), client.clone());
            async move {
                let target = headers
                    .get("x-amz-target")
                    .and_then(|target| target.to_str().ok())
                    .unwrap_or_default();
                let operation = target.rsplit('.').next().unwrap_or_default();
                let is_one = operations.contains(&operation);
                let before = if is_one {
                    seen.fetch_add(1, Ordering::SeqCst)
                } else {
                    usize::MAX
                };
                if let (1..=2, Some(error)) = (before, error) {
                    let body = format!(
                        r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{error}","message":"again"}}"#
                    );
                    return (StatusCode::BAD_REQUEST, body).into_response();
                }
                let mut request = client.post(&upstream).body(body);
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
                let status = reply.status();
                let date = reply.headers().get("date").cloned();
                let body = reply.bytes().await.expect("a body");
                if before == 0 {
                    return StatusCode::INTERNAL_SERVER_ERROR.into_response();
                }
                let mut response: Response = (status, body).into_response();
                if let Some(date) = date {
                    response.headers_mut().insert("date", date);
                }
                response
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let endpoint = format!("http://{}", listener.local_addr().expect("it is bound"));
        let router = axum::Router::new().fallback(pass);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { endpoint }
    }
}
