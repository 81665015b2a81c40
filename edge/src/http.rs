//! Reading requests of the HTTP API, and answering them.

use crate::{Invalid, Problem};
use aws_lambda_events::event::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::http::{HeaderName, HeaderValue, StatusCode, header};
use lambda_http::request::RequestContext;
use lambda_http::{Body, Request, RequestExt, Response};
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// How far an answer is behind.
const BEHIND: HeaderName = HeaderName::from_static("strangelog-behind");

/// The route of the template that a request was matched to: `GET /users/{id}`.
pub fn route_key(request: &Request) -> String {
    gateway_context(request)
        .and_then(|context| context.route_key.clone())
        .unwrap_or_default()
}

/// What the HTTP API says of a request, in payload format 2.0.
pub(crate) fn gateway_context(request: &Request) -> Option<&ApiGatewayV2httpRequestContext> {
    if let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() {
        Some(context)
    } else {
        None
    }
}

/// The `{id}` of the path.
///
/// # Errors
/// It is no UUID.
pub fn stream_id(request: &Request) -> Result<Uuid, Problem> {
    let id = request
        .path_parameters_ref()
        .and_then(|parameters| parameters.first("id"));
    uuid(id.unwrap_or_default())
}

/// The UUID in its usual form: braces, URNs and the form without hyphens would be other names for one stream.
///
/// # Errors
/// It is none, and the field is called `id`.
pub fn uuid(text: &str) -> Result<Uuid, Problem> {
    const USUAL: usize = 36;
    let id = Some(text).filter(|text| text.len() == USUAL);
    id.and_then(|id| Uuid::try_parse(id).ok())
        .ok_or_else(|| Problem::invalid([Invalid::new("id", "must be a UUID")]))
}

/// The parameters of the query, all of them among those `known`.
///
/// # Errors
/// Every one that is unknown or given twice.
pub fn parameters(request: &Request, known: &[&str]) -> Result<BTreeMap<String, String>, Problem> {
    let mut parameters = BTreeMap::new();
    let mut wrong = Vec::new();
    for (name, value) in request
        .query_string_parameters_ref()
        .into_iter()
        .flat_map(|query| query.iter())
    {
        if !known.contains(&name) {
            let why = match known {
                [] => "unknown, there are no parameters here".to_owned(),
                known => format!("unknown, must be one of: {}", known.join(", ")),
            };
            wrong.push(Invalid::new(name, why));
        } else if parameters
            .insert(name.to_owned(), value.to_owned())
            .is_some()
        {
            wrong.push(Invalid::new(name, "must be given once"));
        }
    }
    if wrong.is_empty() {
        Ok(parameters)
    } else {
        Err(Problem::invalid(wrong))
    }
}

/// How many seconds the caller would rather wait than be answered without what was asked for: `Prefer: wait=2` (RFC 7240).
/// What is no such preference is passed over, as the RFC asks.
pub fn wait(request: &Request) -> Option<u64> {
    let lines = request.headers().get_all("prefer").into_iter();
    let lines = lines.filter_map(|line| line.to_str().ok());
    let mut preferences = lines
        .flat_map(|line| line.split(','))
        .filter_map(|preference| {
            // OK because parameters of a preference follow it, and a wait has none.
            let (preference, _) = preference.split_once(';').unwrap_or((preference, ""));
            preference.split_once('=')
        });
    let is_wait = |name: &str| name.trim().eq_ignore_ascii_case("wait");
    let (_, seconds) = preferences.find(|(name, _)| is_wait(name))?;
    let seconds = seconds.trim();
    let quoted = seconds
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let seconds = quoted.unwrap_or(seconds);
    let digits = seconds.bytes().all(|byte| byte.is_ascii_digit());
    seconds.parse().ok().filter(|_| digits)
}

/// A response in the making.
pub struct Answer(Response<()>);

impl Answer {
    /// With this status and no headers.
    pub fn new(status: StatusCode) -> Self {
        let mut response = Response::new(());
        *response.status_mut() = status;
        Self(response)
    }

    /// Adds a header; a value that no header may have is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.0.headers_mut().insert(name, value);
        }
        self
    }

    /// Says which version of a stream the answer speaks of.
    #[must_use]
    pub fn version(self, version: u64) -> Self {
        self.header(header::ETAG, format!("\"{version}\""))
    }

    /// Says how many events the streams that it speaks of have beyond what it shows.
    #[must_use]
    pub fn behind(self, events: u64) -> Self {
        self.header(BEHIND, events.to_string())
    }

    /// With this text as its body.
    pub fn body(self, text: String) -> Response<Body> {
        self.0.map(|()| Body::Text(text))
    }
}

/// An answer with a JSON body.
pub fn json(answer: Answer, body: &Value) -> Response<Body> {
    answer
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(lines: &[&str]) -> Option<u64> {
        let mut request = Request::default();
        for line in lines {
            let value = HeaderValue::from_str(line).expect("a header");
            request.headers_mut().append("prefer", value);
        }
        wait(&request)
    }

    #[test]
    fn a_preference_to_wait_is_found_among_others() {
        for lines in [
            &["wait=2"][..],
            &["Wait = \"2\""],
            &["respond-async, wait=2; x=y, return=minimal"],
            &["respond-async", "wait=2", "wait=3"],
        ] {
            assert_eq!(waits(lines), Some(2), "{lines:?}");
        }
    }

    #[test]
    fn what_is_no_preference_to_wait_is_passed_over() {
        for line in [
            "",
            "wait",
            "wait=",
            "wait=-1",
            "wait=+1",
            "wait=1.5",
            "wait=soon",
            "waits=1",
        ] {
            assert_eq!(waits(&[line]), None, "{line}");
        }
    }
}
