//! The projection runtime: brings one document, its index rows and its counters up to a version.

use crate::counters::pause;
use crate::progress::{Progress, STEP};
use crate::{Documents, ReadModelError, StoredDocument};
use decider::{Decider, Projection};
use event_store::{Commit, EventLog, stream_id};
use serde::{Serialize, de::DeserializeOwned};
use std::error::Error;

/// How often a document is tried that another process is writing, too.
const ATTEMPTS: u32 = 5;

/// Brings the document of `stream` up to `version`, at least, and its index rows and counters with it. A stream whose
/// events are all none of today's has no document.
///
/// # Errors
/// Any error leaves the document as it was, or done up to some commit, or up to index rows that it lists: the same call
/// goes on from there.
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
    for attempt in 0..ATTEMPTS {
        let stored = documents.get(document_id::<P>(stream), true).await?;
        if let Some(unsettled) = stored.as_ref().filter(|stored| !stored.pending.is_empty()) {
            documents.settle(unsettled).await?;
        }
        match catch_up::<P>(log, documents, stream, stored, version).await {
            Err(ReadModelError::Conflict) => pause(attempt).await,
            done => return done,
        }
    }
    Err(ReadModelError::Conflict)
}

/// Writes what the stored document has not seen: in one step, unless those are too many counters for one.
async fn catch_up<P>(
    log: &impl EventLog,
    documents: &impl Documents,
    stream: &str,
    mut stored: Option<StoredDocument>,
    version: u64,
) -> Result<(), ReadModelError>
where
    P: Projection<
            Source: Decider<Event: DeserializeOwned>,
            Document: Serialize + DeserializeOwned,
            Error: Error + Send + Sync + 'static,
        >,
{
    let mut progress = Progress::<P>::after(stored.as_ref())?;
    if progress.applied >= version {
        return Ok(());
    }
    // OK because what is folded anew gets at least as far as it was.
    let to = version.max(stored.as_ref().map_or(0, |stored| stored.applied));
    let commits = log
        .read(stream, progress.applied + 1..=to, usize::MAX)
        .await?;
    let head = commits
        .last()
        .map_or(Ok(progress.applied), Commit::last_version)?;
    if head < version {
        return Err(ReadModelError::Ahead {
            stream: stream.to_owned(),
            version,
            head,
        });
    }
    for commit in &commits {
        progress.apply(commit)?;
        if progress.counts.len() < STEP && progress.applied < head {
            continue;
        }
        // OK because what is none of today's events so far is read again, with the first that is one.
        let Some(next) = progress.step(
            document_id::<P>(stream),
            stored.as_ref(),
            documents.shards(),
        )?
        else {
            continue;
        };
        let counts = progress.take_counts();
        documents.put(&next, stored.as_ref(), &counts).await?;
        if !next.pending.is_empty() {
            documents.settle(&next).await?;
        }
        stored = Some(next);
    }
    Ok(())
}

/// What the document of a stream is known by.
pub fn document_id<P: Projection>(stream: &str) -> &str {
    if P::SHARED { stream } else { stream_id(stream) }
}

/// The stream of a document with this id.
pub(crate) fn stream<P: Projection>(id: &str) -> String {
    if P::SHARED {
        return id.to_owned();
    }
    format!("{}-{id}", P::Source::CATEGORY)
}
