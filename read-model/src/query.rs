//! One document, as new as the caller needs it.

use crate::progress::Progress;
use crate::project::document_id;
use crate::{Documents, ReadModelError, StoredDocument};
use decider::{Decider, Projection};
use event_store::{EventLog, StoreError};
use serde::de::DeserializeOwned;
use std::error::Error;
use std::time::{Duration, Instant};

/// How new a document must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtLeast {
    /// As it is.
    Any,
    /// With this version applied.
    Version(u64),
    /// With all that is in the store.
    Head,
}

/// A document, and the version that it shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown<D> {
    /// The document.
    pub document: D,
    /// The version of the last event that it includes.
    pub version: u64,
}

/// The document of `stream`; where the read model is behind, the missing commits are folded onto it there and then,
/// and nothing is written; a document of another fold is folded anew. `None` when the stream is empty, or its events are
/// all none of today's.
///
/// # Errors
/// [`ReadModelError::Ahead`] when the stream itself does not have the version that is asked for, and
/// [`ReadModelError::Parked`] when it has, but poison keeps the document from it.
pub async fn show<P>(
    log: &impl EventLog,
    documents: &impl Documents,
    stream: &str,
    at_least: AtLeast,
) -> Result<Option<Shown<P::Document>>, ReadModelError>
where
    P: Projection<
            Source: Decider<Event: DeserializeOwned>,
            Document: DeserializeOwned,
            Error: Error + Send + Sync + 'static,
        >,
{
    let stored = documents.get(document_id::<P>(stream), false).await?;
    let mut progress = Progress::<P>::after(stored.as_ref())?;
    let parked = stored.as_ref().and_then(StoredDocument::parked);
    let mut held = parked.map(|trouble| trouble.version);
    let wanted = match at_least {
        AtLeast::Any => 0,
        AtLeast::Version(wanted) => wanted,
        AtLeast::Head => u64::MAX,
    };
    let is_enough =
        |progress: &Progress<P>| progress.document.is_some() && progress.applied >= wanted;
    if !is_enough(&progress) && held.is_none() {
        let (further, poison) = Progress::advance(stored.as_ref(), log, stream, u64::MAX).await?;
        progress = further;
        held = poison.map(|poison| poison.version);
    }
    let (stream, applied) = (stream.to_owned(), progress.applied);
    if let Some(version) = held.filter(|_| !is_enough(&progress)) {
        let head = head(log, &stream, applied).await?;
        return Err(match at_least {
            AtLeast::Version(version) if version > head => ReadModelError::Ahead {
                stream,
                version,
                head,
            },
            _ => ReadModelError::Parked {
                stream,
                applied,
                version,
            },
        });
    }
    match (progress.document, at_least) {
        (Some(_), AtLeast::Version(version)) if applied < version => Err(ReadModelError::Ahead {
            stream,
            version,
            head: applied,
        }),
        (document, _) => Ok(document.map(|document| Shown {
            document,
            version: applied,
        })),
    }
}

/// Waits until the read model itself has `version` of a stream, and lists show it too; says whether that came in time.
/// It does not come while the stream is parked.
///
/// # Errors
/// The store failed.
pub async fn wait_for<P: Projection>(
    documents: &impl Documents,
    stream: &str,
    version: u64,
    patience: Duration,
) -> Result<bool, ReadModelError> {
    let started = Instant::now();
    loop {
        let stored = documents.get(document_id::<P>(stream), false).await?;
        if let Some(stored) = &stored {
            if stored.applied >= version && stored.pending.is_empty() {
                return Ok(true);
            }
            if stored.parked().is_some() {
                return Ok(false);
            }
        }
        let left = patience.saturating_sub(started.elapsed());
        if left.is_zero() {
            return Ok(false);
        }
        // OK because those who wait for the same thing should not ask for it all at once.
        let pause = Duration::from_millis(fastrand::u64(50..100));
        tokio::time::sleep(pause.min(left)).await;
    }
}

/// The version of the last event of a stream, of which `applied` is known to be there.
pub async fn head(log: &impl EventLog, stream: &str, applied: u64) -> Result<u64, ReadModelError> {
    let newest = log.newest(stream, applied + 1..=u64::MAX, 1).await;
    match newest {
        // OK because what cannot be read is there.
        Err(StoreError::Corrupt { version, .. }) => Ok(version.max(applied)),
        newest => match newest?.first() {
            Some(commit) => Ok(commit.last_version().unwrap_or(commit.version)),
            None => Ok(applied),
        },
    }
}
