//! The projection runtime: brings one document, its index rows and its counters up to a version.

use crate::counters::pause;
use crate::parking::Poison;
use crate::steps::Steps;
use crate::{Documents, ReadModelError, StoredDocument, Trouble, build};
use decider::{Decider, Projection};
use event_store::{Commit, EventLog, StoreError, stream_id};
use serde::{Serialize, de::DeserializeOwned};
use std::error::Error;
use std::ops::RangeInclusive;

/// How often a document is tried that another process is writing, too.
const ATTEMPTS: u32 = 5;

/// Brings the document of `stream` up to `version`, at least, and its index rows and counters with it. A stream whose
/// events are all none of today's has no document.
///
/// An event that can never be applied parks the stream: the document has all before it, and says what is wrong. Then
/// messages are heard without any work, until [`redrive`] or another build.
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
    bring::<P>(log, documents, stream, version, Why::News).await
}

/// The same for a stream that may be parked: it is tried again.
///
/// # Errors
/// As [`project`].
pub async fn redrive<P>(
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
    bring::<P>(log, documents, stream, version, Why::Redrive).await
}

/// Folds the document of `stream` from its first event and writes it with all of its index rows over whatever is there, up to
/// `version` and to where it was, at least. What was counted stays counted, and is not counted again.
///
/// # Errors
/// As [`project`], and [`ReadModelError::Counted`] where another fold has counted.
pub async fn project_anew<P>(
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
    bring::<P>(log, documents, stream, version, Why::Anew).await
}

#[derive(Clone, Copy, PartialEq)]
enum Why {
    News,
    Redrive,
    Anew,
}

async fn bring<P>(
    log: &impl EventLog,
    documents: &impl Documents,
    stream: &str,
    version: u64,
    why: Why,
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
        let parked = stored.as_ref().and_then(StoredDocument::parked);
        let is_ours = |trouble: &Trouble| trouble.parked_by.as_deref() == Some(build());
        if why == Why::News && parked.is_some_and(is_ours) {
            return Ok(());
        }
        let steps = Steps {
            log,
            documents,
            stream,
            trouble: stored.as_ref().and_then(|stored| stored.trouble.clone()),
            anew: why == Why::Anew || stored.as_ref().is_some_and(was_made_anew),
            stored,
        };
        match steps.catch_up::<P>(version).await {
            Err(ReadModelError::Conflict) => pause(attempt).await,
            done => return done,
        }
    }
    Err(ReadModelError::Conflict)
}

/// Whether a document was being made anew when it was parked: it stayed as it was, and that is further.
fn was_made_anew(stored: &StoredDocument) -> bool {
    let parked = stored.parked();
    parked.is_some_and(|trouble| trouble.version <= stored.applied)
}

/// At most `limit` commits of a stream up to the first that cannot be read, and what is wrong with that.
pub(crate) async fn readable(
    log: &impl EventLog,
    stream: &str,
    versions: RangeInclusive<u64>,
    limit: usize,
) -> Result<(Vec<Commit>, Option<Poison>), ReadModelError> {
    let from = *versions.start();
    match log.read(stream, versions, limit).await {
        Err(error @ StoreError::Corrupt { version, .. }) if version >= from => {
            let poison = Poison::of(error.into())?;
            let before = log.read(stream, from..=version - 1, limit).await?;
            Ok((before, Some(poison)))
        }
        read => Ok((read?, None)),
    }
}

/// What the document of a stream is known by.
pub fn document_id<P: Projection>(stream: &str) -> &str {
    if P::SHARED { stream } else { stream_id(stream) }
}

/// The stream of a document with this id.
pub fn stream<P: Projection>(id: &str) -> String {
    if P::SHARED {
        return id.to_owned();
    }
    format!("{}-{id}", P::Source::CATEGORY)
}
