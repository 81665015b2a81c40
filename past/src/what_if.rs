//! What a command would have come to, or what events that never were would have made of a stream.

use crate::fold::{Fold, reached};
use crate::{Change, Moment, PastError, StateOf, changes};
use chrono::{DateTime, Utc};
use domain::{Aggregate, FieldError, Refusal, parse, parse_event};
use event_store::{EventLog, StoredEvent, rfc3339};
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// What is supposed.
#[derive(Clone, Debug, PartialEq)]
pub enum Supposed {
    /// A command of this type, with these fields.
    Command(String, Map<String, Value>),
    /// Events, each of a type and with its data. They are taken at their word: no rule is asked whether they could have been.
    Events(Vec<(String, Value)>),
}

/// What would have come of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// Whether there is a rule against it.
    pub accepted: bool,
    /// The version that the stream was at; 0 before its first event.
    pub version: u64,
    /// When that was recorded: RFC 3339 in UTC.
    pub timestamp: Option<String>,
    /// Whether that stays so.
    pub settled: bool,
    /// The events, which were not written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<Value>>,
    /// The state after them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Value>,
    /// What they would have changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<Change>>,
    /// What would have had to be unique: whether others held it then is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unchecked: Option<Vec<&'static str>>,
    /// The rule that refuses it.
    #[serde(skip)]
    pub refusal: Option<Refusal>,
}

impl Outcome {
    /// What is told of it, over HTTP and on a command line: a refusal as the command itself would be answered there.
    #[must_use]
    pub fn told(&self) -> Map<String, Value> {
        let told = match json!(self) {
            Value::Object(told) => told,
            _ => Map::new(),
        };
        let refusal = self.refusal.as_ref();
        let refusal = refusal.map(|refusal| ("refusal".to_owned(), problem(self.version, refusal)));
        told.into_iter().chain(refusal).collect()
    }
}

/// What would have come of something, had it been asked of `stream`, or happened to it, at `moment`. A command is decided by what
/// decides in production; nothing is written. The inner error names each field that is not as it must be.
///
/// # Errors
/// [`PastError::Ahead`] for a version that the stream does not have.
pub async fn what_if<A: Aggregate>(
    log: &impl EventLog,
    stream: &str,
    moment: Moment,
    supposed: Supposed,
    now: DateTime<Utc>,
) -> Result<Result<Outcome, Vec<FieldError>>, PastError> {
    let then = reached::<StateOf<A>>(log, stream, moment).await?;
    let version = then.version;
    let decided = match supposed {
        Supposed::Command(kind, fields) => command::<A>(&kind, fields).map(|command| {
            let outcome = A::outcome(&command, &then.value);
            outcome.map_err(|error| Refusal::of(&error))
        }),
        Supposed::Events(given) => events::<A>(given).map(|events| {
            let state = A::fold(then.value.clone(), &events);
            Ok((events, state))
        }),
    };
    let decided = match decided {
        Ok(decided) => decided,
        Err(invalid) => return Ok(Err(invalid)),
    };
    let mut outcome = Outcome {
        accepted: decided.is_ok(),
        version,
        timestamp: (version > 0).then(|| rfc3339(then.timestamp)),
        settled: moment.is_settled(now),
        events: None,
        state: None,
        changes: None,
        unchecked: None,
        refusal: None,
    };
    match decided {
        Err(refusal) => outcome.refusal = Some(refusal),
        Ok((events, state)) => {
            let after = version + events.len() as u64;
            let told = (version + 1..).zip(&events).map(|(version, event)| {
                let event = StoredEvent::encode::<A>(Uuid::nil(), event)?;
                let (kind, schema_version, data) = (event.kind, event.schema_version, event.data);
                Ok(json!({ "version": version, "type": kind, "schema_version": schema_version, "data": data }))
            });
            let told: Result<Vec<_>, serde_json::Error> = told.collect();
            let (before, state_after) = (
                StateOf::<A>::json(&then.value, version)?,
                StateOf::<A>::json(&state, after)?,
            );
            let held = A::claims(&then.value);
            let claims = A::claims(&state).into_iter();
            let new = claims.filter(|claim| !held.contains(claim));
            outcome.unchecked = Some(new.map(|claim| claim.kind).collect());
            outcome.changes = Some(changes(&before, &state_after));
            outcome.events = Some(told?);
            outcome.state = Some(state_after);
        }
    }
    Ok(Ok(outcome))
}

/// The problem details of a refusal, at this version of its stream: 404 where there is nothing that the command could be for.
fn problem(version: u64, refusal: &Refusal) -> Value {
    let mut members = refusal.members.clone();
    let status = if version == 0 { 404 } else { 409 };
    let said = [
        ("version", json!(version)),
        (
            "type",
            json!(format!("urn:strangelog:problem:{}", refusal.code)),
        ),
        ("title", json!(refusal.code.replace('-', " "))),
        ("status", json!(status)),
        ("detail", json!(refusal.detail)),
    ];
    members.extend(said.map(|(member, value)| (member.to_owned(), value)));
    Value::Object(members)
}

/// Reads a command of one of the types that callers may send.
fn command<A: Aggregate>(
    kind: &str,
    fields: Map<String, Value>,
) -> Result<A::Command, Vec<FieldError>> {
    let known: Vec<_> = A::ROUTES.iter().map(|(_, command)| *command).collect();
    if !known.contains(&kind) {
        return Err(vec![FieldError {
            field: "command.type".to_owned(),
            why: format!("must be one of: {}", known.join(", ")),
        }]);
    }
    parse::<A>(kind, fields).map_err(|errors| {
        let within = errors.into_iter().map(|error| FieldError {
            field: format!("command.data.{}", error.field),
            ..error
        });
        within.collect()
    })
}

/// Reads events of today.
fn events<A: Aggregate>(given: Vec<(String, Value)>) -> Result<Vec<A::Event>, Vec<FieldError>> {
    let (mut events, mut invalid) = (Vec::new(), Vec::new());
    for (at, (kind, data)) in given.into_iter().enumerate() {
        if !A::EVENT_TYPES.contains(&kind.as_str()) {
            invalid.push(FieldError {
                field: format!("events[{at}].type"),
                why: format!("must be one of: {}", A::EVENT_TYPES.join(", ")),
            });
            continue;
        }
        match parse_event::<A>(&kind, &data) {
            Ok(event) => events.push(event),
            Err(FieldError { field, why }) => {
                let dot = if field.is_empty() { "" } else { "." };
                invalid.push(FieldError {
                    field: format!("events[{at}].data{dot}{field}"),
                    why,
                });
            }
        }
    }
    if invalid.is_empty() {
        Ok(events)
    } else {
        Err(invalid)
    }
}

#[cfg(test)]
mod tests;
