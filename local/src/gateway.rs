//! The HTTP API: finds the route, asks its function, and gives its answer. Its own refusals look like
//! those of API Gateway: `{"message"}`.

use crate::http_event::{decode, http_event};
use crate::mail::Mails;
use crate::sources::parameter;
use crate::template::Route;
use crate::workers::{Failure, Workers};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

const MAX_BODY: usize = 10 * 1024 * 1024;
/// An HTTP API waits no longer for a function.
const PATIENCE: Duration = Duration::from_secs(30);

/// The API in front of the functions.
#[derive(Clone)]
pub struct Gateway {
    routes: Arc<[Route]>,
    functions: Workers,
    mails: Mails,
}

/// What a function answers to an HTTP API.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    #[serde(default)]
    headers: BTreeMap<String, Value>,
    #[serde(default)]
    multi_value_headers: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    cookies: Vec<String>,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

impl Gateway {
    /// Serves these routes.
    pub fn new(routes: Vec<Route>, functions: Workers, mails: Mails) -> Self {
        let routes = routes.into();
        Gateway {
            routes,
            functions,
            mails,
        }
    }

    /// The server in front.
    pub fn router(&self) -> Router {
        Router::new().fallback(serve).with_state(self.clone())
    }

    async fn ask(&self, request: Request, source: SocketAddr) -> Response {
        if !is_addressed(&request) {
            return refuse(StatusCode::BAD_REQUEST, "Bad Request");
        }
        let (parts, body) = request.into_parts();
        let Some((route, path)) = find(&self.routes, &parts.method, parts.uri.path()) else {
            return refuse(StatusCode::NOT_FOUND, "Not Found");
        };
        // OK because reading fails only on what is too large, or when nobody waits for an answer.
        let Ok(body) = to_bytes(body, MAX_BODY).await else {
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        };
        let mut event = http_event(&parts, &body, source.ip(), &key(route), &path);
        if route.is_open
            && let Some(context) = event["requestContext"].as_object_mut()
        {
            context.remove("authorizer");
        }
        let asked = self.functions.invoke(&route.function, &event);
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(answer)) => response(&answer).unwrap_or_else(|| {
                tracing::error!(function = route.function, "the answer is no HTTP response");
                refuse(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }),
            Ok(Err(Failure::TooLarge)) => {
                refuse(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large")
            }
            Ok(Err(Failure::Timeout)) | Err(_) => {
                refuse(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
            }
            Ok(Err(Failure::Crash | Failure::Error(_))) => {
                refuse(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }
        }
    }
}

async fn serve(
    State(gateway): State<Gateway>,
    ConnectInfo(source): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    if request.method() == Method::GET && request.uri().path() == "/mail" {
        return gateway.mails.show(request.headers());
    }
    gateway.ask(request, source).await
}

/// The most specific route that fits, and what its parameters stand for.
fn find<'a>(
    routes: &'a [Route],
    method: &Method,
    path: &str,
) -> Option<(&'a Route, Vec<(String, String)>)> {
    let fitting = routes
        .iter()
        .filter(|route| route.method == "ANY" || route.method == method.as_str());
    let fitting = fitting.filter_map(|route| Some((route, fit(&route.path, path)?)));
    // Literal segments go before parameters, parameters before `{name+}`, all before `$default`.
    let rank = |(route, _): &(&Route, _)| {
        let kind = |segment| match parameter(segment) {
            None if segment == "$default" => 3,
            None => 0,
            Some(name) if name.ends_with('+') => 2,
            Some(_) => 1,
        };
        let kinds: Vec<u8> = route.path.split('/').map(kind).collect();
        (kinds, route.method == "ANY")
    };
    fitting.min_by_key(rank)
}

fn fit(route: &str, path: &str) -> Option<Vec<(String, String)>> {
    if route == "$default" {
        return Some(Vec::new());
    }
    let mut parameters = Vec::new();
    let mut rest = path.split('/');
    for segment in route.split('/') {
        let found = rest.next()?;
        match parameter(segment) {
            None if segment == decode(found) => {}
            None => return None,
            Some(_) if found.is_empty() => return None,
            Some(name) => match name.strip_suffix('+') {
                None => parameters.push((name.to_owned(), decode(found))),
                Some(name) => {
                    let whole: Vec<&str> = std::iter::once(found).chain(rest.by_ref()).collect();
                    parameters.push((name.to_owned(), decode(&whole.join("/"))));
                }
            },
        }
    }
    rest.next().is_none().then_some(parameters)
}

fn key(route: &Route) -> String {
    match route.path.as_str() {
        "$default" => "$default".to_owned(),
        path => format!("{} {path}", route.method),
    }
}

/// `None` if the function's answer cannot be given as it is.
fn response(answer: &[u8]) -> Option<Response> {
    let value: Value = serde_json::from_slice(answer).ok()?;
    if value.get("statusCode").is_none() {
        // An answer that is no HTTP response is taken as the body of one.
        let body = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        return Some(([(header::CONTENT_TYPE, "application/json")], body).into_response());
    }
    let answer: Answer = serde_json::from_value(value).ok()?;
    let body = answer.body.unwrap_or_default();
    let body = if answer.is_base64_encoded {
        Bytes::from(BASE64_STANDARD.decode(body).ok()?)
    } else {
        Bytes::from(body)
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(answer.status_code).ok()?;
    let single = answer.headers.into_iter().map(|(name, value)| {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        (name, value)
    });
    let many = answer.multi_value_headers.into_iter();
    let many = many.map(|(name, values)| (name, values.join(",")));
    for (name, value) in single.chain(many) {
        let name: HeaderName = name.parse().ok()?;
        // The server says by itself how the body is framed.
        if name != header::CONTENT_LENGTH
            && name != header::TRANSFER_ENCODING
            && name != header::CONNECTION
        {
            response.headers_mut().insert(name, value.parse().ok()?);
        }
    }
    for cookie in answer.cookies {
        response
            .headers_mut()
            .append(header::SET_COOKIE, cookie.parse().ok()?);
    }
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response
        .headers_mut()
        .entry(header::CONTENT_TYPE)
        .or_insert(plain);
    Some(response)
}

/// Whether the request names a host and a path as a URL does; the service lets no other through.
fn is_addressed(request: &Request) -> bool {
    let host = request.headers().get("host").map(|host| host.to_str());
    let is_host = |host: &str| {
        let authority = host.parse::<Authority>();
        authority.is_ok_and(|authority| authority.port().is_some() || !host.contains(':'))
    };
    request.uri().path().starts_with('/') && host.is_none_or(|host| host.is_ok_and(is_host))
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "message": message }))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: &str, path: &str) -> Route {
        let [method, path, function] = [method, path, "F"].map(str::to_owned);
        Route {
            method,
            path,
            function,
            is_open: false,
        }
    }

    fn found(method: Method, path: &str) -> Option<(String, Vec<(String, String)>)> {
        let routes = [
            route("ANY", "$default"),
            route("GET", "/files/{path+}"),
            route("GET", "/users/{id}"),
            route("GET", "/users/me"),
            route("ANY", "/users/{id}"),
            route("PUT", "/users/{id}/name"),
        ];
        find(&routes, &method, path).map(|(route, path)| (key(route), path))
    }

    #[test]
    fn the_most_specific_route_is_found() {
        for (method, path, expected) in [
            (Method::GET, "/users/me", "GET /users/me"),
            (Method::GET, "/users/7", "GET /users/{id}"),
            (Method::DELETE, "/users/7", "ANY /users/{id}"),
            (Method::PUT, "/users/7/name", "PUT /users/{id}/name"),
            (Method::GET, "/users/7/name", "$default"),
            (Method::GET, "/users/", "$default"),
            (Method::GET, "/", "$default"),
            (Method::GET, "/files/a/b", "GET /files/{path+}"),
        ] {
            assert_eq!(
                found(method, path).map(|(key, _)| key).as_deref(),
                Some(expected),
                "{path}"
            );
        }
        assert!(find(&[route("GET", "/users")], &Method::GET, "/other").is_none());
    }

    #[test]
    fn parameters_are_decoded() {
        let parameters = |path| found(Method::GET, path).unwrap().1;
        assert_eq!(
            parameters("/users/a%20b"),
            [("id".to_owned(), "a b".to_owned())]
        );
        assert_eq!(
            parameters("/files/a/b"),
            [("path".to_owned(), "a/b".to_owned())]
        );
    }

    #[tokio::test]
    async fn the_functions_answer_is_given_as_it_is() {
        let answer = json!({
            "statusCode": 202, "headers": { "etag": "\"1\"", "content-length": 99 }, "cookies": ["a=1", "b=2"],
            "body": "aGk=", "isBase64Encoded": true,
        });
        let response = response(answer.to_string().as_bytes()).unwrap();
        assert_eq!(response.status(), 202);
        assert_eq!(response.headers()["etag"], "\"1\"");
        assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
        assert!(!response.headers().contains_key("content-length"));
        assert_eq!(to_bytes(response.into_body(), 9).await.unwrap(), "hi");
    }

    #[tokio::test]
    async fn an_answer_without_a_status_is_a_body() {
        let response = response(b"{\"a\":1}").unwrap();
        assert_eq!(
            (response.status(), &response.headers()["content-type"]),
            (StatusCode::OK, &"application/json".parse().unwrap())
        );
        assert_eq!(
            to_bytes(response.into_body(), 9).await.unwrap(),
            "{\"a\":1}"
        );
    }

    #[test]
    fn an_answer_that_is_no_response_is_refused() {
        for answer in [
            json!({ "statusCode": 9 }),
            json!({ "statusCode": 200, "headers": { "a b": "" } }),
        ] {
            assert!(
                response(answer.to_string().as_bytes()).is_none(),
                "{answer}"
            );
        }
        assert!(response(b"no JSON").is_none());
    }

    async fn ask(routes: Vec<Route>, functions: Workers, body: Vec<u8>) -> (StatusCode, Value) {
        let gateway = Gateway::new(routes, functions, Mails::default());
        let request = Request::post("/users").body(Body::from(body)).unwrap();
        let response = gateway
            .ask(request, SocketAddr::from(([127, 0, 0, 1], 9)))
            .await;
        let status = response.status();
        let body = to_bytes(response.into_body(), 999).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn the_gateways_own_refusals_are_messages() {
        let none = Workers::new(&[]);
        let routes = vec![route("POST", "/users")];
        let (status, body) = ask(Vec::new(), none.clone(), Vec::new()).await;
        assert_eq!(
            (status.as_u16(), body),
            (404, json!({ "message": "Not Found" }))
        );
        let (status, body) = ask(routes.clone(), none.clone(), vec![b' '; MAX_BODY + 1]).await;
        assert_eq!(
            (status.as_u16(), body),
            (413, json!({ "message": "Request Entity Too Large" }))
        );
        let (status, body) = ask(routes, none, Vec::new()).await;
        assert_eq!(
            (status.as_u16(), body),
            (500, json!({ "message": "Internal Server Error" }))
        );
    }
}
