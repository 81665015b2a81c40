//! `POST /{collection}/{id}/what-if`: what a command would have come to at a moment, or what events that never were would have
//! made of the stream. Nothing is written.

use crate::answer::{Queries, owned};
use crate::moment::{either, unanswerable};
use chrono::{DateTime, Utc};
use domain::{Aggregate, FieldError};
use edge::{Answer, Caller, Invalid, Problem, body, json, parameters, stream_id};
use event_store::{EventLog, SeenStreams, stream_name};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use past::{Moment, Supposed, what_if};
use read_model::Documents;
use serde_json::{Map, Value};

/// How many events may be supposed.
const MOST: usize = 50;

/// The events and the state, or the rule that refuses.
///
/// # Errors
/// 409 for a version that is yet to come, 422 for a field that is not as it must be.
pub async fn answer<A: Aggregate>(
    queries: &Queries<impl EventLog, impl Documents, impl SeenStreams>,
    request: &Request,
    caller: &Caller,
) -> Result<Response<Body>, Problem> {
    let id = stream_id(request)?;
    owned::<A>(queries, caller, "audit:read", id).await?;
    parameters(request, &[])?;
    let now = Utc::now();
    let (moment, supposed) = asked(body(request)?, now)?;
    let stream = stream_name(A::CATEGORY, id);
    let outcome = what_if::<A>(&queries.log, &stream, moment, supposed, now).await;
    let outcome = outcome.map_err(|error| unanswerable(error, "version"))?;
    let outcome = outcome.map_err(|errors| {
        let invalid = |FieldError { field, why }| Invalid::new(field, why);
        Problem::invalid(errors.into_iter().map(invalid))
    })?;
    let told = Value::Object(outcome.told());
    Ok(json(Answer::new(StatusCode::OK), &told))
}

/// When, and what is supposed.
fn asked(
    mut fields: Map<String, Value>,
    now: DateTime<Utc>,
) -> Result<(Moment, Supposed), Problem> {
    let invalid = |field: &str, why: &str| Problem::invalid([Invalid::new(field, why)]);
    let (at, version) = (fields.remove("at"), fields.remove("version"));
    let (command, events) = (fields.remove("command"), fields.remove("events"));
    let unknown = fields.keys().map(|name| {
        let why = "unknown, must be one of: at, version, command, events";
        Invalid::new(name, why)
    });
    let unknown: Vec<_> = unknown.collect();
    if !unknown.is_empty() {
        return Err(Problem::invalid(unknown));
    }
    let at = at.as_ref().map(|at| at.as_str().unwrap_or_default());
    let moment = either(at, version.map(|version| version.as_u64()), now)?;
    match (command, events) {
        (Some(_), Some(_)) => Err(invalid("events", "must not be given beside command")),
        (None, None) => Err(invalid("command", "is required, or events")),
        (Some(command), None) => {
            let (kind, data) = typed(command, "command")?;
            match data {
                Value::Object(fields) => Ok((moment, Supposed::Command(kind, fields))),
                Value::Null => Ok((moment, Supposed::Command(kind, Map::new()))),
                _ => Err(invalid("command.data", "must be an object")),
            }
        }
        (None, Some(Value::Array(events))) if (1..=MOST).contains(&events.len()) => {
            let typed = events
                .into_iter()
                .enumerate()
                .map(|(at, event)| typed(event, &format!("events[{at}]")));
            Ok((moment, Supposed::Events(typed.collect::<Result<_, _>>()?)))
        }
        (None, Some(_)) => Err(invalid(
            "events",
            &format!("must be a list of 1 to {MOST} events"),
        )),
    }
}

/// The type and the data of a command or an event.
fn typed(value: Value, field: &str) -> Result<(String, Value), Problem> {
    let invalid = |why: &str| Problem::invalid([Invalid::new(field, why)]);
    let Value::Object(mut members) = value else {
        return Err(invalid("must be an object with a type and data"));
    };
    let (kind, data) = (members.remove("type"), members.remove("data"));
    match (kind, members.keys().next()) {
        (_, Some(other)) => Err(invalid(&format!("has type and data alone, not {other}"))),
        (Some(Value::String(kind)), None) => Ok((kind, data.unwrap_or_default())),
        (_, None) => Err(invalid("must have a type, a string")),
    }
}
