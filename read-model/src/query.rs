//! One document, as new as the caller needs it.

use crate::progress::Progress;
use crate::project::document_id;
use crate::{Documents, ReadModelError};
use decider::{Decider, Projection};
use event_store::EventLog;
use serde::de::DeserializeOwned;
use std::error::Error;

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
/// [`ReadModelError::Ahead`] when the stream itself does not have the version that is asked for.
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
    let new_enough = match at_least {
        AtLeast::Any => progress.document.is_some(),
        AtLeast::Version(wanted) => progress.document.is_some() && progress.applied >= wanted,
        AtLeast::Head => false,
    };
    if !new_enough {
        progress = progress.advance(log, stream, u64::MAX).await?;
    }
    let version = progress.applied;
    match (progress.document, at_least) {
        (Some(_), AtLeast::Version(wanted)) if version < wanted => Err(ReadModelError::Ahead {
            stream: stream.to_owned(),
            version: wanted,
            head: version,
        }),
        (document, _) => Ok(document.map(|document| Shown { document, version })),
    }
}
