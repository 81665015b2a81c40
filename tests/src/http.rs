//! The HTTP API as a caller sees it.

use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::collections::BTreeMap;

/// An API at an address.
#[derive(Clone)]
pub struct Api {
    base: String,
    client: reqwest::Client,
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// 202, one hopes.
    pub status: StatusCode,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Null where it is no JSON.
    pub body: Value,
}

impl Api {
    /// The API at `base`, without a slash at its end.
    pub fn new(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            client: reqwest::Client::new(),
        }
    }

    /// Sends a request; an error says that no whole answer came.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> reqwest::Result<Answer> {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.base))
            .body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let headers = answer.headers().iter();
        let headers = headers.map(|(name, value)| {
            (
                name.to_string(),
                value.to_str().unwrap_or_default().to_owned(),
            )
        });
        let headers = headers.collect();
        let body = serde_json::from_slice(&answer.bytes().await?).unwrap_or_default();
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    /// Gets a path.
    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await.expect("an answer")
    }

    /// Sends JSON, as `curl -d` does.
    pub async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        let form = ("content-type", "application/x-www-form-urlencoded");
        self.send(method, path, &[form], body.to_string())
            .await
            .expect("an answer")
    }
}

impl Answer {
    /// The id that the body speaks of.
    pub fn id(&self) -> String {
        self.body["id"].as_str().expect("an id").to_owned()
    }

    /// The last part of a problem's type, or nothing.
    pub fn problem(&self) -> &str {
        self.body["type"]
            .as_str()
            .unwrap_or_default()
            .rsplit(':')
            .next()
            .unwrap_or_default()
    }

    /// The fields that a problem names, in order.
    pub fn invalid(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().into_iter().flatten();
        let mut fields: Vec<_> = errors
            .map(|error| error["field"].as_str().unwrap_or_default())
            .collect();
        fields.sort_unstable();
        fields
    }
}
