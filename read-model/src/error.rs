//! What can go wrong with a read model.

use event_store::StoreError;
use std::error::Error;

/// A document was not read or not written.
#[derive(Debug, thiserror::Error)]
pub enum ReadModelError {
    /// Others wrote the document each time we tried; the message will come again.
    #[error("conflict did not settle")]
    Conflict,
    /// The message speaks of a version that the stream does not have.
    #[error("stream {stream} has no version {version}")]
    Ahead {
        /// The stream.
        stream: String,
        /// The version that was asked for.
        version: u64,
        /// The version that it has.
        head: u64,
    },
    /// The event cannot be applied to its document: the projection or the history is at fault.
    #[error("event {version} of {stream} cannot be applied: {why}")]
    Poison {
        /// The stream.
        stream: String,
        /// The event's version.
        version: u64,
        /// What the projection says of it, without what is in it.
        why: String,
    },
    /// Poison keeps the document from the version that was asked for.
    #[error("{stream} is parked at version {applied}")]
    Parked {
        /// The stream.
        stream: String,
        /// The version that the document has.
        applied: u64,
        /// The version of the event that could not be applied.
        version: u64,
    },
    /// The projection has changed since its document went into counters, from which nothing can be taken out again: the
    /// read model must be made anew, all of it.
    #[error(
        "document {document} was counted under fold {found}, this build has {wanted}: `strangelog rebuild` makes it anew"
    )]
    Counted {
        /// The document's id.
        document: String,
        /// The number of the stored document.
        found: u32,
        /// The number of the projection.
        wanted: u32,
    },
    /// What is stored cannot be read.
    #[error("{document} cannot be read")]
    Corrupt {
        /// The id or key of the document, or the counter.
        document: String,
        /// What is wrong.
        #[source]
        why: Box<dyn Error + Send + Sync>,
    },
    /// The event log failed.
    #[error(transparent)]
    Log(#[from] StoreError),
    /// DynamoDB failed.
    #[error("dynamodb failed")]
    Aws(#[source] Box<dyn Error + Send + Sync>),
}
