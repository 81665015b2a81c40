//! The event that an HTTP API makes of a request: payload format 2.0.

use crate::intrinsics::{ACCOUNT, REGION};
use axum::body::Bytes;
use axum::extract::Query;
use axum::http::header::{CONTENT_TYPE, COOKIE, HOST, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::Utc;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use std::net::IpAddr;
use uuid::Uuid;

/// A call without a token is made in this name,
const SUBJECT: &str = "local";
/// and with all scopes.
const SCOPES: [&str; 6] = [
    "users:read",
    "users:write",
    "accounts:read",
    "accounts:write",
    "audit:read",
    "ops:write",
];

/// Makes the event. `route` is the route's key, `path` what its parameters stand for.
pub fn http_event(
    parts: &Parts,
    body: &Bytes,
    source: IpAddr,
    route: &str,
    path: &[(String, String)],
) -> Value {
    let headers = &parts.headers;
    let now = Utc::now();
    let request = Uuid::now_v7().to_string();
    let raw_path = decode(parts.uri.path());
    let mut event = json!({
        "version": "2.0",
        "routeKey": route,
        "rawPath": raw_path,
        "rawQueryString": parts.uri.query().unwrap_or_default(),
        "headers": joined(headers, source, &request),
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "authorizer": { "jwt": { "claims": { "sub": SUBJECT }, "scopes": SCOPES } },
            "domainName": format!("local.execute-api.{REGION}.amazonaws.com"),
            "domainPrefix": "local",
            "http": {
                "method": parts.method.as_str(),
                "path": raw_path,
                "protocol": "HTTP/1.1",
                "sourceIp": source.to_string(),
                "userAgent": header(headers, &USER_AGENT).unwrap_or_default(),
            },
            "requestId": request,
            "routeKey": route,
            "stage": "$default",
            "time": now.format("%d/%b/%Y:%H:%M:%S %z").to_string(),
            "timeEpoch": now.timestamp_millis(),
        },
        "isBase64Encoded": false,
    });
    let cookies: Vec<&str> = values(headers, &COOKIE)
        .flat_map(|line| line.split(';'))
        .map(str::trim)
        .collect();
    if !cookies.is_empty() {
        event["cookies"] = cookies.into();
    }
    if !path.is_empty() {
        event["pathParameters"] = path.iter().cloned().collect();
    }
    if let Some(query) = query(parts) {
        event["queryStringParameters"] = query.into();
    }
    if !body.is_empty() {
        let (body, is_encoded) = text(headers, body);
        event["body"] = body.into();
        event["isBase64Encoded"] = is_encoded.into();
    }
    event
}

/// An HTTP API hands paths on decoded.
pub fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Each name once, its values joined by commas; cookies go elsewhere.
fn joined(headers: &HeaderMap, source: IpAddr, request: &str) -> Map<String, Value> {
    let mut joined: Map<String, Value> = headers
        .keys()
        .filter(|name| **name != COOKIE)
        .map(|name| {
            (
                name.to_string(),
                values(headers, name).collect::<Vec<_>>().join(",").into(),
            )
        })
        .collect();
    let port = header(headers, &HOST)
        .and_then(|host| host.rsplit_once(':'))
        .map_or("80", |(_, port)| port);
    joined.insert("x-forwarded-port".to_owned(), port.into());
    joined.insert("x-forwarded-proto".to_owned(), "http".into());
    joined.insert("x-forwarded-for".to_owned(), source.to_string().into());
    joined.insert(
        "x-amzn-trace-id".to_owned(),
        format!("Root={request}").into(),
    );
    joined
}

/// Decoded; the values of one name joined by commas.
fn query(parts: &Parts) -> Option<Map<String, Value>> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).ok()?;
    let mut query: Map<String, Value> = Map::new();
    for (name, value) in pairs {
        let value = match query.get(&name).and_then(Value::as_str) {
            Some(earlier) => format!("{earlier},{value}"),
            None => value,
        };
        query.insert(name, value.into());
    }
    (!query.is_empty()).then_some(query)
}

/// The body, and whether it is base64: so it is handed on unless it is declared as text. A form is no
/// text to an HTTP API, and a form is what curl declares if nobody tells it otherwise.
fn text(headers: &HeaderMap, body: &Bytes) -> (String, bool) {
    let declared = header(headers, &CONTENT_TYPE).unwrap_or("text/plain");
    let declared = declared
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_lowercase();
    let is_text = declared.starts_with("text/")
        || [
            "application/json",
            "application/javascript",
            "application/xml",
        ]
        .contains(&declared.as_str())
        || declared.ends_with("+json")
        || declared.ends_with("+xml");
    match std::str::from_utf8(body) {
        Ok(body) if is_text => (body.to_owned(), false),
        Ok(_) | Err(_) => (BASE64_STANDARD.encode(body), true),
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    values(headers, name).next()
}

/// What is not ASCII cannot be handed on as JSON without guessing, and is left out.
fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;
    use std::net::Ipv4Addr;

    fn event(uri: &str, headers: &[(&str, &str)], body: &[u8]) -> Value {
        let mut request = Request::put(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let path = [("id".to_owned(), "7".to_owned())];
        http_event(
            &parts,
            &Bytes::copy_from_slice(body),
            Ipv4Addr::LOCALHOST.into(),
            "PUT /users/{id}",
            &path,
        )
    }

    #[test]
    fn a_request_becomes_a_version_2_event() {
        let headers = [
            ("Host", "localhost:3000"),
            ("X-Many", "a"),
            ("X-Many", "b"),
            ("Cookie", "c=1; d=2"),
            ("Content-Type", "application/json"),
            ("User-Agent", "curl"),
        ];
        let event = event(
            "/users/7%20a?q=a%20b&q=c&empty=",
            &headers,
            b"{\"name\":\"S\xc3\xa9\"}",
        );
        assert_eq!(event["version"], "2.0");
        assert_eq!(event["routeKey"], "PUT /users/{id}");
        assert_eq!(event["rawPath"], "/users/7 a");
        assert_eq!(event["rawQueryString"], "q=a%20b&q=c&empty=");
        assert_eq!(
            event["queryStringParameters"],
            json!({ "q": "a b,c", "empty": "" })
        );
        assert_eq!(event["pathParameters"], json!({ "id": "7" }));
        assert_eq!(event["cookies"], json!(["c=1", "d=2"]));
        assert_eq!(event["headers"]["x-many"], "a,b");
        assert_eq!(event["headers"]["host"], "localhost:3000");
        assert_eq!(event["headers"].get("cookie"), None);
        assert_eq!(
            (&event["body"], &event["isBase64Encoded"]),
            (&json!("{\"name\":\"Sé\"}"), &json!(false))
        );
        let context = &event["requestContext"];
        assert_eq!(context["http"]["method"], "PUT");
        assert_eq!(context["http"]["sourceIp"], "127.0.0.1");
        assert_eq!(context["http"]["userAgent"], "curl");
        assert_eq!(
            (&context["stage"], &context["routeKey"]),
            (&json!("$default"), &event["routeKey"])
        );
        assert!(context["timeEpoch"].is_i64() && context["requestId"].is_string());
    }

    #[test]
    fn a_call_is_made_as_local_with_every_scope() {
        let event = event("/users/7", &[], b"");
        let jwt = &event["requestContext"]["authorizer"]["jwt"];
        assert_eq!(jwt["claims"], json!({ "sub": "local" }));
        assert_eq!(jwt["scopes"].as_array().map(Vec::len), Some(6));
    }

    #[test]
    fn what_is_absent_is_left_out() {
        let event = event("/users/7", &[], b"");
        for key in ["body", "cookies", "queryStringParameters"] {
            assert_eq!(event.get(key), None, "{key}");
        }
        assert_eq!(event["isBase64Encoded"], false);
    }

    #[test]
    fn what_is_no_text_comes_as_base64() {
        let form = event(
            "/users/7",
            &[("Content-Type", "application/x-www-form-urlencoded")],
            b"{}",
        );
        assert_eq!(
            (&form["body"], &form["isBase64Encoded"]),
            (&json!("e30="), &json!(true))
        );
        let bytes = event("/users/7", &[("Content-Type", "application/json")], b"\xff");
        assert_eq!(
            (&bytes["body"], &bytes["isBase64Encoded"]),
            (&json!("/w=="), &json!(true))
        );
        let problem = event(
            "/users/7",
            &[(
                "Content-Type",
                "application/merge-patch+json; charset=utf-8",
            )],
            b"{}",
        );
        assert_eq!(problem["isBase64Encoded"], false);
    }
}
