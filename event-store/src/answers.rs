//! What is answered to a command, and to its copies.

use crate::{Commit, EventLog, ExecuteError, Metadata, Participant, Position, StoreError};
use decider::Idempotency;
use uuid::Uuid;

/// What came of a command, in one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The stream's version after it.
    pub version: u64,
    /// The events that it appended; none when it was already done.
    pub event_ids: Vec<Uuid>,
    /// The command had been executed before, and this is the answer it had then.
    pub replayed: bool,
}

/// Whether a ledger remembers the command.
pub(crate) fn has_ledger<L, E>(metadata: &Metadata, parts: &[&mut dyn Participant<L, E>]) -> bool {
    // OK because any of the parts may be the only one that writes.
    let mut parts = parts.iter();
    metadata.fingerprint.is_some() && parts.any(|part| part.idempotency() == Idempotency::Ledger)
}

/// The answers that a command had before, if one of the streams remembers it.
pub(crate) async fn remembered<L: EventLog, E>(
    log: &L,
    metadata: &Metadata,
    parts: &[&mut dyn Participant<L, E>],
) -> Result<Option<Vec<Appended>>, ExecuteError<E>> {
    if metadata.fingerprint.is_none() {
        return Ok(None);
    }
    for part in parts {
        for version in part.remembered(metadata.command_id) {
            for commit in log.read(part.name(), version..=version, 1).await? {
                if commit.metadata()?.command_id == metadata.command_id {
                    return answers(log, metadata, parts, &commit).await.map(Some);
                }
            }
        }
    }
    Ok(None)
}

/// The answers that a command had whose first commit lies there.
pub(crate) async fn first_answer<L: EventLog, E>(
    log: &L,
    metadata: &Metadata,
    parts: &[&mut dyn Participant<L, E>],
    at: Position,
) -> Result<Vec<Appended>, ExecuteError<E>> {
    let commit = commit_at(log, &at, "a command was done here, and nothing is here").await?;
    answers(log, metadata, parts, &commit).await
}

/// The commit that must lie there; if it does not, `why` it must.
async fn commit_at(log: &impl EventLog, at: &Position, why: &str) -> Result<Commit, StoreError> {
    let there = log
        .read(&at.stream, at.version..=at.version, 1)
        .await?
        .pop();
    there.ok_or_else(|| StoreError::corrupt(&at.stream, at.version, why))
}

async fn answers<L: EventLog, E>(
    log: &L,
    metadata: &Metadata,
    parts: &[&mut dyn Participant<L, E>],
    first: &Commit,
) -> Result<Vec<Appended>, ExecuteError<E>> {
    let known = first.metadata()?;
    let is_ours = parts.iter().any(|part| part.name() == first.stream);
    if known.fingerprint != metadata.fingerprint || !is_ours {
        return Err(ExecuteError::CommandIdReused);
    }
    let mut answers = Vec::new();
    for part in parts {
        let elsewhere = known.parts.iter().find(|at| at.stream == part.name());
        answers.push(match elsewhere {
            _ if part.name() == first.stream => Appended::before(first)?,
            Some(at) => {
                let why = "the other commits of its command are there, and it is not";
                Appended::before(&commit_at(log, at, why).await?)?
            }
            None => Appended {
                replayed: true,
                ..Appended::nothing(part.version())
            },
        });
    }
    Ok(answers)
}

impl Appended {
    pub(crate) fn nothing(version: u64) -> Self {
        Self {
            version,
            event_ids: Vec::new(),
            replayed: false,
        }
    }

    fn before(commit: &Commit) -> Result<Self, StoreError> {
        let events = commit.events()?;
        Ok(Self {
            version: commit.last_version()?,
            event_ids: events.iter().map(|event| event.id).collect(),
            replayed: true,
        })
    }
}
