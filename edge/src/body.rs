//! The JSON body of a request.

use crate::Problem;
use lambda_http::Request;
use lambda_http::http::{StatusCode, header};
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::fmt;

/// The largest body that a request may have, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// The members of the JSON object in the body of a request, none of them named twice; none without a body.
///
/// # Errors
/// 400, 413 or 415.
pub fn body(request: &Request) -> Result<Map<String, Value>, Problem> {
    let bytes: &[u8] = request.body();
    if bytes.len() > MAX_BODY {
        let detail = format!(
            "a body may have at most {MAX_BODY} bytes, this one has {}",
            bytes.len()
        );
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body-too-large",
            detail,
        ));
    }
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    let media = request.headers().get(header::CONTENT_TYPE);
    let media = media
        .and_then(|media| media.to_str().ok())
        .unwrap_or_default();
    let media = media
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    // OK because the form type is what `curl -d` sends when it is not told otherwise.
    let is_json = media.is_empty()
        || media == "application/json"
        || media.starts_with("application/") && media.ends_with("+json")
        || media == "application/x-www-form-urlencoded";
    if !is_json {
        let detail = format!("needed application/json, found {media}");
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not-json",
            detail,
        ));
    }
    serde_json::from_slice(bytes)
        .map(|Fields(fields)| fields)
        .map_err(|error| {
            let detail = format!("the body must be one JSON object: {error}");
            Problem::new(StatusCode::BAD_REQUEST, "not-json", detail)
        })
}

/// A JSON object that names no member twice: which of the two was meant, nobody can say.
struct Fields(Map<String, Value>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Fields;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut members: M) -> Result<Fields, M::Error> {
                let mut fields = Map::new();
                while let Some((name, value)) = members.next_entry::<String, Value>()? {
                    if fields.contains_key(&name) {
                        return Err(M::Error::custom(format_args!("{name} is given twice")));
                    }
                    fields.insert(name, value);
                }
                Ok(Fields(fields))
            }
        }
        from.deserialize_map(Members)
    }
}
