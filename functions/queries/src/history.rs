//! `GET /{collection}/{id}/history`: the events of one stream, oldest first.

use crate::answer::{Queries, failed, unknown};
use crate::list::{limit, no_cursor};
use domain::Aggregate;
use edge::{Answer, Caller, Problem, json, parameters, stream_id};
use event_store::{Commit, EventLog, StoreError, rfc3339, stream_name};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use read_model::{Cursor, Documents};
use serde_json::{Value, json};

/// A page of events.
///
/// # Errors
/// 404 for an unknown stream.
pub async fn answer<A: Aggregate>(
    queries: &Queries<impl EventLog, impl Documents>,
    request: &Request,
    caller: &Caller,
) -> Result<Response<Body>, Problem> {
    let id = stream_id(request)?;
    caller.may("audit:read", Some(&id.to_string()))?;
    let parameters = parameters(request, &["limit", "cursor"])?;
    let limit = limit(&parameters)?;
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
    let mut events = Vec::new();
    for commit in &commits {
        events.extend(views(commit).map_err(|error| failed(error.into()))?);
    }
    let mut events = events
        .into_iter()
        .skip_while(|(position, _)| *position < from);
    let data: Vec<_> = events.by_ref().take(limit).map(|(_, view)| view).collect();
    let next_cursor = events
        .next()
        .map(|(position, _)| position.cursor().to_text());
    Ok(json(
        Answer::new(StatusCode::OK),
        &json!({ "data": data, "next_cursor": next_cursor }),
    ))
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

/// The events of a commit as callers see them, as they were stored.
fn views(commit: &Commit) -> Result<Vec<(Position, Value)>, StoreError> {
    let metadata = commit.metadata()?;
    let timestamp = rfc3339(commit.stamp()?.timestamp);
    let views = commit.events()?.into_iter().zip(0..).map(|(event, skip)| {
        let position = Position {
            commit: commit.version,
            skip,
        };
        let view = json!({
            "id": event.id,
            "stream": commit.stream,
            "version": commit.version + skip,
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
        });
        (position, view)
    });
    Ok(views.collect())
}
