//! The HTTP API as a caller sees it, over the client that DynamoDB is spoken to with, too.

use crate::exit::Stop;
use anyhow::Context;
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use http::{Method, Request, header};
use serde_json::Value;
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(35);

/// An API at an address.
pub struct Api {
    connector: Connector,
    base: String,
    token: Option<String>,
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// 202, one hopes.
    pub status: u16,
    /// Whether it is the answer to an earlier request of the same key.
    pub is_replayed: bool,
    /// Null where it is no JSON.
    pub body: Value,
}

impl Api {
    /// The API at `base`; a token goes along with every request.
    ///
    /// # Errors
    /// `base` is no address.
    pub fn new(base: &str, token: Option<String>) -> anyhow::Result<Self> {
        if !(base.starts_with("http://") || base.starts_with("https://")) {
            let why = format!("--api must be an address such as https://example.com, found {base}");
            return Err(Stop::Usage(why).into());
        }
        let ring = tls::rustls_provider::CryptoMode::Ring;
        Ok(Self {
            connector: Connector::builder()
                .tls_provider(tls::Provider::Rustls(ring))
                .build(),
            base: base.trim_end_matches('/').to_owned(),
            token,
        })
    }

    /// Sends a request.
    ///
    /// # Errors
    /// No answer came.
    pub async fn send(
        &self,
        method: &Method,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                SdkBody::from(body.to_string())
            }
            None => SdkBody::empty(),
        };
        let request = request.body(body).context("no such request can be sent")?;
        let request = request.try_into().context("no such request can be sent")?;
        let answered = tokio::time::timeout(PATIENCE, async {
            let answer = self.connector.call(request).await?;
            let status = answer.status().as_u16();
            let is_replayed = answer.headers().get("idempotent-replayed") == Some("true");
            let body = ByteStream::new(answer.into_body()).collect().await?;
            Ok::<_, anyhow::Error>(Answer {
                status,
                is_replayed,
                body: serde_json::from_slice(&body.into_bytes()).unwrap_or_default(),
            })
        });
        let answered = answered
            .await
            .with_context(|| format!("no answer within {PATIENCE:?}"))?;
        answered
            .with_context(|| format!("{method} {path}: is {} the address of the API?", self.base))
    }
}

impl Answer {
    /// The last part of a problem's type, or nothing.
    pub fn problem(&self) -> &str {
        let kind = self.body["type"].as_str().unwrap_or_default();
        kind.strip_prefix("urn:strangelog:problem:")
            .unwrap_or_default()
    }
}
