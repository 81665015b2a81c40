//! A proxy before a DynamoDB: it takes requests, passes them on, and gives back the replies.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use std::future::Future;

/// The DynamoDB that requests are passed on to.
#[derive(Clone)]
pub struct Upstream {
    endpoint: String,
    client: reqwest::Client,
}

/// What it replied, as far as the SDK looks at it.
pub struct Reply {
    status: StatusCode,
    date: Option<HeaderValue>,
    /// JSON.
    pub body: Bytes,
}

impl Upstream {
    /// The DynamoDB at `endpoint`.
    pub fn new(endpoint: &str) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            client: reqwest::Client::new(),
        }
    }

    /// Passes a request on.
    pub async fn pass(&self, headers: &HeaderMap, body: impl Into<reqwest::Body>) -> Reply {
        let mut request = self.client.post(&self.endpoint).body(body);
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
        Reply {
            status: reply.status(),
            date: reply.headers().get("date").cloned(),
            body: reply.bytes().await.expect("a body"),
        }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body).into_response();
        if let Some(date) = self.date {
            response.headers_mut().insert("date", date);
        }
        response
    }
}

/// What a request asks for: `PutItem`.
pub fn operation(headers: &HeaderMap) -> &str {
    let target = headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok());
    target
        .and_then(|target| target.rsplit('.').next())
        .unwrap_or_default()
}

/// Answers requests on a port of its own; the endpoint.
pub async fn serve<F, A>(answer: F) -> String
where
    F: Fn(HeaderMap, Bytes) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response> + Send + 'static,
{
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    let endpoint = format!("http://{}", listener.local_addr().expect("it is bound"));
    let router = axum::Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    endpoint
}
