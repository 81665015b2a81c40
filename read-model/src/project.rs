//! The projection runtime: brings one document up to a version.

use crate::{Documents, ReadModelError, RowChange, StoredDocument};
use decider::{Decider, Projection};
use event_store::{EventLog, stream_id};
use serde::{Serialize, de::DeserializeOwned};
use std::error::Error;

/// How often a document is tried that another process is writing, too.
const ATTEMPTS: usize = 5;

/// Brings the document of `stream` up to `version`, at least, and its index rows with it. A stream whose events are all
/// none of today's has no document.
///
/// # Errors
/// Any error leaves the document as it was, or done up to index rows that it lists: the same call finishes them.
pub async fn project<P>(
    log: &impl EventLog,
    documents: &impl Documents,
    stream: &str,
    version: u64,
) -> Result<(), ReadModelError>
where
    P: Projection<
            Source: Decider<Event: DeserializeOwned>,
            Document: Serialize + DeserializeOwned,
            Error: Error + Send + Sync + 'static,
        >,
{
    let id = stream_id(stream);
    for _ in 0..ATTEMPTS {
        let stored = documents.get(id, true).await?;
        if let Some(unsettled) = stored.as_ref().filter(|stored| !stored.pending.is_empty()) {
            documents.settle(unsettled).await?;
        }
        let applied = stored.as_ref().map_or(0, |stored| stored.applied);
        if applied >= version {
            return Ok(());
        }
        let before = stored.as_ref().map(read::<P::Document>).transpose()?;
        let entries_before = before.as_ref().map(P::entries).unwrap_or_default();
        let (after, applied_now) = advance::<P>(log, before, applied, stream, version).await?;
        if applied_now < version {
            return Err(ReadModelError::Ahead {
                stream: stream.to_owned(),
                version,
                head: applied_now,
            });
        }
        // OK because what is none of today's events so far is read again, with the first that is one.
        let Some(after) = after else {
            return Ok(());
        };
        let next = StoredDocument {
            id: id.to_owned(),
            applied: applied_now,
            document: serde_json::to_string(&after).map_err(|why| corrupt(id, why))?,
            pending: RowChange::between(&entries_before, &P::entries(&after), id),
        };
        match documents.put(&next, applied).await {
            Ok(()) if next.pending.is_empty() => return Ok(()),
            Ok(()) => return documents.settle(&next).await,
            Err(ReadModelError::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    Err(ReadModelError::Conflict)
}

/// Folds the commits after `applied`, up to the one that holds version `to`, onto a document.
pub(crate) async fn advance<P>(
    log: &impl EventLog,
    mut document: Option<P::Document>,
    mut applied: u64,
    stream: &str,
    to: u64,
) -> Result<(Option<P::Document>, u64), ReadModelError>
where
    P: Projection<Source: Decider<Event: DeserializeOwned>, Error: Error + Send + Sync + 'static>,
{
    for commit in log.read(stream, applied + 1..=to, usize::MAX).await? {
        for recorded in commit.recorded::<P::Source>()? {
            let version = recorded.version;
            let next = P::fold(document, &recorded).map_err(|why| ReadModelError::Poison {
                stream: stream.to_owned(),
                version,
                why: why.into(),
            })?;
            document = Some(next);
        }
        applied = commit.last_version()?;
    }
    Ok((document, applied))
}

/// A stored document as its projection knows it.
pub(crate) fn read<D: DeserializeOwned>(stored: &StoredDocument) -> Result<D, ReadModelError> {
    serde_json::from_str(&stored.document).map_err(|why| corrupt(&stored.id, why))
}

fn corrupt(id: &str, why: serde_json::Error) -> ReadModelError {
    ReadModelError::Corrupt {
        id: id.to_owned(),
        why: why.into(),
    }
}
