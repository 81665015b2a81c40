//! One document, as new as the caller needs it.

use crate::project::{advance, read};
use crate::{Documents, ReadModelError};
use decider::{Decider, Projection};
use event_store::{EventLog, stream_id};
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
/// and nothing is written. `None` when the stream is empty, or its events are all none of today's.
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
    let stored = documents.get(stream_id(stream), false).await?;
    let mut version = stored.as_ref().map_or(0, |stored| stored.applied);
    let mut document = stored.as_ref().map(read::<P::Document>).transpose()?;
    let new_enough = match at_least {
        AtLeast::Any => document.is_some(),
        AtLeast::Version(wanted) => document.is_some() && version >= wanted,
        AtLeast::Head => false,
    };
    if !new_enough {
        (document, version) = advance::<P>(log, document, version, stream, u64::MAX).await?;
    }
    match (document, at_least) {
        (Some(_), AtLeast::Version(wanted)) if version < wanted => Err(ReadModelError::Ahead {
            stream: stream.to_owned(),
            version: wanted,
            head: version,
        }),
        (document, _) => Ok(document.map(|document| Shown { document, version })),
    }
}
