//! `GET /{collection}/{id}/history`: the events of one stream, oldest first.

use crate::answer::{Queries, failed, owned, unknown};
use crate::list::{limit, no_cursor};
use decider::Decider;
use domain::Aggregate;
use edge::{Answer, Caller, Invalid, Problem, json, parameters, stream_id};
use event_store::{
    Commit, EventLog, Metadata, SeenStreams, StoreError, StoredEvent, rfc3339, stream_name,
};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response, tracing};
use read_model::{Cursor, Documents};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A page of events, as they were stored, and with `form=today` as they are read, too.
///
/// # Errors
/// 404 for an unknown stream, 422 for a parameter that is not as it must be.
pub async fn answer<A: Aggregate>(
    queries: &Queries<impl EventLog, impl Documents, impl SeenStreams>,
    request: &Request,
    caller: &Caller,
) -> Result<Response<Body>, Problem> {
    let id = stream_id(request)?;
    owned::<A>(queries, caller, "audit:read", id).await?;
    let parameters = parameters(request, &["limit", "cursor", "form"])?;
    let limit = limit(&parameters)?;
    let form = form(&parameters)?;
    let from = parameters
        .get("cursor")
        .map_or(Ok(Position { commit: 1, skip: 0 }), |text| {
            Cursor::parse(text)
                .as_ref()
                .and_then(Position::of)
                .ok_or_else(no_cursor)
        })?;
    let stream = stream_name(A::CATEGORY, id);
    // OK because each commit read has an event for the page, the first one too: a cursor points at one.
    let commits = queries
        .log
        .read(&stream, from.commit..=u64::MAX, limit + 1)
        .await
        .map_err(|error| failed(error.into()))?;
    if commits.is_empty() && from.commit == 1 {
        return Err(unknown(&id.to_string()));
    }
    let page = page::<A>(&commits, from, limit, form)?;
    Ok(json(Answer::new(StatusCode::OK), &page))
}

/// What is shown of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// What was stored.
    Stored,
    /// That, and the events of today that it is.
    Today,
}

fn form(parameters: &BTreeMap<String, String>) -> Result<Form, Problem> {
    match parameters.get("form").map(String::as_str) {
        None | Some("stored") => Ok(Form::Stored),
        Some("today") => Ok(Form::Today),
        Some(_) => Err(Problem::invalid([Invalid::new(
            "form",
            "must be one of: stored, today",
        )])),
    }
}

/// Where an event stands: the version of its commit's first event, and how many stand before it in the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Position {
    commit: u64,
    skip: u64,
}

impl Position {
    fn of(cursor: &Cursor) -> Option<Self> {
        let (commit, skip) = cursor.as_str().split_once('#')?;
        Some(Self {
            commit: commit.parse().ok()?,
            skip: skip.parse().ok()?,
        })
    }

    fn cursor(self) -> Cursor {
        Cursor::new(format!("{}#{}", self.commit, self.skip))
    }
}

/// The events that stand at `from` and after it, `limit` at most, and where those after them begin.
fn page<D>(commits: &[Commit], from: Position, limit: usize, form: Form) -> Result<Value, Problem>
where
    D: Decider<Event: Serialize + DeserializeOwned>,
{
    let corrupt = |error: StoreError| failed(error.into());
    let mut data = Vec::new();
    for commit in commits {
        let events = match commit.events() {
            Ok(events) => events.into_iter().map(Some).collect(),
            // OK because one commit that cannot be read hides no other.
            Err(StoreError::Corrupt { .. }) => vec![None],
            Err(error) => return Err(corrupt(error)),
        };
        for (event, skip) in events.iter().zip(0..) {
            let position = Position {
                commit: commit.version,
                skip,
            };
            if position < from {
                continue;
            }
            if data.len() == limit {
                return Ok(json!({ "data": data, "next_cursor": position.cursor().to_text() }));
            }
            let Some(event) = event else {
                data.push(unreadable(&commit.stream, commit.version));
                continue;
            };
            let metadata = &commit.metadata().map_err(corrupt)?;
            let timestamp = &rfc3339(commit.stamp().map_err(corrupt)?.timestamp);
            let version = commit.version + skip;
            let mut view = view(commit, metadata, timestamp, event, version);
            if form == Form::Today {
                view["today"] = today::<D>(event, &commit.stream, version)?;
            }
            data.push(view);
        }
    }
    Ok(json!({ "data": data, "next_cursor": null }))
}

/// What is shown of what cannot be read.
pub fn unreadable(stream: &str, version: u64) -> Value {
    tracing::error!(stream, version, "what is stored cannot be read");
    json!({
        "stream": stream, "version": version,
        "unreadable": "what is stored cannot be read; strangelog verify says what is wrong with the stream",
    })
}

/// An event as callers see it, in the shape in which it was stored.
pub fn view(
    commit: &Commit,
    metadata: &Metadata,
    timestamp: &str,
    event: &StoredEvent,
    version: u64,
) -> Value {
    json!({
        "id": event.id,
        "stream": commit.stream,
        "version": version,
        "type": event.kind,
        "schema_version": event.schema_version,
        "timestamp": timestamp,
        "effective_at": event.effective_at.map(rfc3339),
        "actor": metadata.actor,
        "reason": metadata.reason,
        "command_id": metadata.command_id,
        "correlation_id": metadata.correlation_id,
        "causation_id": metadata.causation_id,
        "source": metadata.source,
        "data": event.data,
    })
}

/// The events of today that a stored one is.
fn today<D>(stored: &StoredEvent, stream: &str, version: u64) -> Result<Value, Problem>
where
    D: Decider<Event: Serialize + DeserializeOwned>,
{
    let events = stored
        .decode::<D>(stream, version)
        .map_err(|error| failed(error.into()))?;
    let views = events.iter().map(|event| {
        let event = StoredEvent::encode::<D>(stored.id, event)?;
        Ok(json!({ "type": event.kind, "data": event.data }))
    });
    let views: Result<Value, serde_json::Error> = views.collect();
    views.map_err(|error| {
        tracing::error!(stream, version, %error, "event cannot be written");
        Problem::internal()
    })
}

#[cfg(test)]
mod tests;
