//! A command as it comes over HTTP: its type, its fields, and what the headers say.

use domain::Aggregate;
use edge::{Invalid, Problem, body, parameters, route_key, stream_id, uuid};
use lambda_http::Request;
use lambda_http::http::{HeaderMap, Method, StatusCode, header};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

/// The longest `Idempotency-Key`.
const MAX_KEY: usize = 255;

/// A command, not yet looked into.
#[derive(Debug, PartialEq)]
pub struct Call {
    /// Its type: `CreateUser`.
    pub command: &'static str,
    /// Its data.
    pub fields: Map<String, Value>,
    /// The id of the stream it is for.
    pub id: Uuid,
    /// The path has no id: the stream is to begin.
    pub creates: bool,
    /// The same for every copy of the command.
    pub command_id: Uuid,
    /// Not the same for another command under the same key; without a key there is no other.
    pub fingerprint: Option<String>,
    /// From `If-Match`.
    pub expected: Option<u64>,
    /// From `X-Correlation-Id`.
    pub correlation_id: Option<Uuid>,
    /// From `traceparent`.
    pub traceparent: Option<String>,
}

impl Call {
    /// Reads a request of the caller `subject`.
    ///
    /// # Errors
    /// 400, 404, 413, 415 or 422, as design has it.
    pub fn read<A: Aggregate>(request: &Request, subject: &str) -> Result<Self, Problem> {
        let route = route_key(request);
        let command = A::ROUTES
            .iter()
            .find(|(key, _)| *key == route)
            .map(|(_, command)| *command);
        let command = command.ok_or_else(|| {
            Problem::new(
                StatusCode::NOT_FOUND,
                "no-such-route",
                format!("no command has the route {route}"),
            )
        })?;
        let creates = !route.contains("{id}");
        let mut fields = body(request)?;
        // A DELETE has no body to speak of; the other commands take nothing from the query.
        let known: &[&str] = if request.method() == Method::DELETE {
            &["reason"]
        } else {
            &[]
        };
        for (name, value) in parameters(request, known)? {
            if fields.insert(name.clone(), value.into()).is_some() {
                return Err(Problem::invalid([Invalid::new(name, "must be given once")]));
            }
        }
        let given = if creates {
            let id = fields.remove("id");
            id.map(|id| uuid(id.as_str().unwrap_or_default()))
                .transpose()?
        } else {
            Some(stream_id(request)?)
        };
        let fingerprint = fingerprint(command, given, &fields);
        let key = idempotency_key(request.headers())?;
        let path_id = given.filter(|_| !creates);
        let command_id = key.map_or_else(Uuid::now_v7, |key| {
            command_id(subject, &route, path_id, key)
        });
        // OK because a repeated create then meets its own stream.
        let derived = || key.map_or_else(Uuid::now_v7, |_| command_id);
        let id = given.unwrap_or_else(derived);
        Ok(Self {
            command,
            fields,
            id,
            creates,
            command_id,
            fingerprint: key.map(|_| fingerprint),
            expected: expected(request.headers())?,
            correlation_id: text(request.headers(), "x-correlation-id")
                .and_then(|id| Uuid::try_parse(id).ok()),
            traceparent: text(request.headers(), "traceparent")
                .filter(|value| is_traceparent(value))
                .map(str::to_owned),
        })
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The key as it is, or as the string of a structured field (draft-ietf-httpapi-idempotency-key-header).
fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = value.to_str().unwrap_or_default().trim();
    let key = key
        .strip_prefix('"')
        .and_then(|key| key.strip_suffix('"'))
        .unwrap_or(key);
    if key.is_empty() || key.len() > MAX_KEY {
        let why = format!("must be 1 to {MAX_KEY} visible ASCII characters");
        return Err(Problem::invalid([Invalid::new("Idempotency-Key", why)]));
    }
    Ok(Some(key))
}

fn expected(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else {
        return Ok(None);
    };
    let quoted = value
        .to_str()
        .ok()
        .and_then(|value| value.trim().strip_prefix('"')?.strip_suffix('"'));
    match quoted.and_then(|version| version.parse().ok()) {
        Some(version) => Ok(Some(version)),
        None => Err(Problem::invalid([Invalid::new(
            "If-Match",
            "must be a version in quotes, such as \"3\"",
        )])),
    }
}

/// The route is the method and the path, but for the id, which has more than one spelling.
fn command_id(subject: &str, route: &str, id: Option<Uuid>, key: &str) -> Uuid {
    let id = id.map(|id| id.to_string()).unwrap_or_default();
    let mut hash = Sha256::new();
    for part in [subject, route, &id, key] {
        // OK because the length before each part keeps two lists of parts from running together.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    Builder::from_custom_bytes(half(&hash.finalize())).into_uuid()
}

fn fingerprint(command: &str, id: Option<Uuid>, fields: &Map<String, Value>) -> String {
    let mut command = serde_json::json!([command, id, fields]);
    // OK because the order of an object's members says nothing.
    command.sort_all_objects();
    format!(
        "{:032x}",
        u128::from_be_bytes(half(&Sha256::digest(command.to_string())))
    )
}

/// 128 bits of a hash are enough to tell commands apart.
fn half(hash: &[u8]) -> [u8; 16] {
    std::array::from_fn(|index| hash[index])
}

/// W3C Trace Context, section 3.2: a header that is not of this form is to be ignored.
fn is_traceparent(value: &str) -> bool {
    let lengths: Vec<_> = value.split('-').map(str::len).collect();
    lengths == [2, 32, 16, 2]
        && value
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'))
}
