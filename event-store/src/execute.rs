//! Load, decide, append; and once more when another writer was first.

use crate::schema::{MAX_EVENT, MAX_EVENTS};
use crate::{
    AppendError, ClaimChange, Clock, Commit, EventLog, ExecuteError, Metadata, StoreError,
    StoredEvent, Stream,
};
use decider::Decider;
use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;
use uuid::Uuid;

/// How often a command is decided before it is given up as a conflict.
const ATTEMPTS: u32 = 3;

/// A command, and all that goes with it.
pub struct Request<'a, C> {
    /// The stream's name.
    pub stream: &'a str,
    /// What is asked for.
    pub command: &'a C,
    /// Who asks.
    pub metadata: Metadata,
    /// The version that the stream must be at, if the caller cares.
    pub expected: Option<u64>,
    /// The stream is likely to be empty: nothing is read until that turns out to be wrong.
    pub creates: bool,
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The stream's version after it.
    pub version: u64,
    /// The events that it appended; none when it was already done.
    pub event_ids: Vec<Uuid>,
    /// The command had been executed before, and this is the answer it had then.
    pub replayed: bool,
}

/// Executes a command: at most one commit, whatever happens on the way.
///
/// A refusal that was decided on an assumption about the stream is checked against the stream before it is returned.
///
/// # Errors
/// Nothing was appended, unless the error is [`StoreError::Aws`]: then nobody knows, and the same request may be
/// sent again.
pub async fn execute<D>(
    log: &impl EventLog,
    clock: &impl Clock,
    request: &Request<'_, D::Command>,
) -> Result<Appended, ExecuteError<D::Error>>
where
    D: Decider<Event: Serialize + DeserializeOwned>,
{
    let mut stream = Stream::<D>::default();
    let mut assumed = request.creates && clock.is_checked();
    if !assumed {
        stream.catch_up(log, request.stream).await?;
    }
    let mut attempt = 0;
    while attempt < ATTEMPTS {
        match decide(&stream, clock, request) {
            Ok(Decision::Append(commit, claims)) => {
                attempt += 1;
                match log.append(&commit, &claims).await {
                    Ok(()) => return Ok(Appended::of(&commit)),
                    Err(AppendError::Conflict) => pause(attempt).await,
                    Err(AppendError::ClaimTaken { kind }) => {
                        return Err(ExecuteError::ClaimTaken { kind });
                    }
                    Err(AppendError::Store(error)) => return Err(error.into()),
                }
            }
            // OK because the stream is then read, and this branch taken once only.
            Ok(Decision::Answer(_)) | Err(_) if assumed => {}
            Ok(Decision::Answer(answer)) => return Ok(answer),
            Err(error) => return Err(error),
        }
        stream.catch_up(log, request.stream).await?;
        assumed = false;
    }
    Err(ExecuteError::Conflict)
}

enum Decision {
    Append(Box<Commit>, Vec<ClaimChange>),
    Answer(Appended),
}

fn decide<D>(
    stream: &Stream<D>,
    clock: &impl Clock,
    request: &Request<'_, D::Command>,
) -> Result<Decision, ExecuteError<D::Error>>
where
    D: Decider<Event: Serialize + DeserializeOwned>,
{
    let version = stream.version;
    if let Some(first) = stream.remembered(request.metadata.command_id) {
        if first.fingerprint != request.metadata.fingerprint {
            return Err(ExecuteError::CommandIdReused);
        }
        return Ok(Decision::Answer(Appended {
            version: first.version,
            event_ids: first.event_ids.clone(),
            replayed: true,
        }));
    }
    if request.expected.is_some_and(|expected| expected != version) {
        return Err(ExecuteError::Stale { found: version });
    }
    let events = D::decide(request.command, &stream.state)
        .map_err(|error| ExecuteError::Rejected { error, version })?;
    if events.is_empty() {
        return Ok(Decision::Answer(Appended {
            version,
            event_ids: Vec::new(),
            replayed: false,
        }));
    }
    let commit = commit(stream, clock, request, &events)?;
    let after = D::fold(stream.state.clone(), &events);
    let claims = ClaimChange::between(&D::claims(&stream.state), &D::claims(&after));
    Ok(Decision::Append(Box::new(commit), claims))
}

fn commit<D: Decider<Event: Serialize>>(
    stream: &Stream<D>,
    clock: &impl Clock,
    request: &Request<'_, D::Command>,
    events: &[D::Event],
) -> Result<Commit, StoreError> {
    within("events", MAX_EVENTS, events.len())?;
    let version = stream.version + 1;
    let corrupt = |error: serde_json::Error| StoreError::Corrupt {
        stream: request.stream.to_owned(),
        version,
        why: error.to_string(),
    };
    let events = events
        .iter()
        .map(|event| {
            let stored = StoredEvent::encode(clock.new_id(), event).map_err(corrupt)?;
            within(
                "bytes in an event",
                MAX_EVENT,
                stored.data.to_string().len(),
            )?;
            Ok(stored)
        })
        .collect::<Result<_, StoreError>>()?;
    Ok(Commit {
        stream: request.stream.to_owned(),
        version,
        id: clock.new_id(),
        timestamp: clock.now()?.max(stream.timestamp),
        events,
        metadata: request.metadata.clone(),
    })
}

fn within(unit: &'static str, limit: usize, found: usize) -> Result<(), StoreError> {
    if found > limit {
        return Err(StoreError::TooLarge { unit, limit, found });
    }
    Ok(())
}

impl Appended {
    fn of(commit: &Commit) -> Self {
        Self {
            version: commit.last_version(),
            event_ids: commit.events.iter().map(|event| event.id).collect(),
            replayed: false,
        }
    }
}

/// Full jitter, so that writers who met once do not meet again.
async fn pause(attempt: u32) {
    tokio::time::sleep(Duration::from_millis(fastrand::u64(0..20 << attempt))).await;
}
