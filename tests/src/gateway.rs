//! Calls of the HTTP API as the gateway hands them to a function.

use crate::http::Answer;
use lambda_http::request::from_str;
use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};
use uuid::Uuid;

/// A call by somebody who has passed the gateway.
#[derive(Clone, Debug)]
pub struct Call {
    /// The route's key: `POST /accounts/{id}/deposits`.
    pub route: &'static str,
    /// What `{id}` stands for.
    pub id: Option<Uuid>,
    /// The `Idempotency-Key`.
    pub key: Option<String>,
    /// The version in `If-Match`.
    pub expected: Option<u64>,
    /// JSON.
    pub body: Value,
    /// The token's subject.
    pub caller: String,
    /// The token's scopes.
    pub scopes: &'static str,
}

impl Call {
    /// A call of a route without an id, by a caller who may write to every account.
    pub fn new(route: &'static str, body: Value) -> Self {
        Self {
            route,
            id: None,
            key: None,
            expected: None,
            body,
            caller: "tests".to_owned(),
            scopes: "accounts:write",
        }
    }

    /// A call of a route with an id.
    pub fn on(id: Uuid, route: &'static str, body: Value) -> Self {
        Self {
            id: Some(id),
            ..Self::new(route, body)
        }
    }

    /// The same under a key.
    #[must_use]
    pub fn keyed(self, key: impl Into<String>) -> Self {
        Self {
            key: Some(key.into()),
            ..self
        }
    }

    /// The same by a caller who may write only to what is their own.
    #[must_use]
    pub fn by_owner(self, caller: &str) -> Self {
        self.by(caller, "self")
    }

    /// The same, if its stream is at this version.
    #[must_use]
    pub fn expecting(self, version: u64) -> Self {
        Self {
            expected: Some(version),
            ..self
        }
    }

    /// The same by a caller with these scopes.
    #[must_use]
    pub fn by(self, caller: &str, scopes: &'static str) -> Self {
        Self {
            caller: caller.to_owned(),
            scopes,
            ..self
        }
    }

    /// What the function is given.
    pub fn request(&self) -> Request {
        let Self { route, caller, .. } = self;
        let id = self.id.unwrap_or_default().to_string();
        let (method, path) = route.split_once(' ').expect("a method and a path");
        let path = path.replace("{id}", &id);
        let claims = json!({ "sub": caller, "scope": self.scopes });
        let mut event = json!({
            "version": "2.0", "routeKey": route, "rawPath": path, "rawQueryString": "",
            "headers": { "content-type": "application/json" },
            "requestContext": {
                "accountId": "1", "apiId": "a", "domainName": "d", "domainPrefix": "p", "requestId": "r", "stage": "$default",
                "routeKey": route, "time": "16/Nov/2026:15:47:03 +0000", "timeEpoch": 1_794_844_023_120_u64,
                "authorizer": { "jwt": { "claims": claims, "scopes": [] } },
                "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "::1", "userAgent": "t" },
            },
            "body": self.body.to_string(), "isBase64Encoded": false,
        });
        if self.id.is_some() {
            event["pathParameters"] = json!({ "id": id });
        }
        if let Some(key) = &self.key {
            event["headers"]["idempotency-key"] = json!(key);
        }
        if let Some(version) = self.expected {
            event["headers"]["if-match"] = json!(format!("\"{version}\""));
        }
        from_str(&event.to_string()).expect("an event of the gateway")
    }
}

/// What a caller sees of a function's response.
pub fn answer(response: &Response<Body>) -> Answer {
    let headers = response.headers().iter().map(|(name, value)| {
        let value = value.to_str().unwrap_or_default();
        (name.to_string(), value.to_owned())
    });
    Answer {
        status: response.status(),
        headers: headers.collect(),
        body: serde_json::from_slice(response.body()).unwrap_or_default(),
    }
}
