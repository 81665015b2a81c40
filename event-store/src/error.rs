//! What can go wrong, and who should do what about it.

use crate::ClockOff;
use std::error::Error;

/// The store could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// DynamoDB asks for patience: try again later.
    #[error("dynamodb throttles")]
    Throttled(#[source] Box<dyn Error + Send + Sync>),
    /// What is stored cannot be read; never skipped, a person has to look.
    #[error("stream {stream} is corrupt at version {version}: {why}")]
    Corrupt {
        /// The stream.
        stream: String,
        /// The commit's first version.
        version: u64,
        /// What is wrong.
        why: String,
    },
    /// Nothing was written: the commit exceeds a limit of [`crate::schema`].
    #[error("a commit may have at most {limit} {unit}, this one has {found}")]
    TooLarge {
        /// What is counted.
        unit: &'static str,
        /// How much is allowed.
        limit: usize,
        /// How much there is.
        found: usize,
    },
    /// Nothing was written: this machine's clock is not to be trusted.
    #[error(transparent)]
    ClockOff(#[from] ClockOff),
    /// Any other failure of the service or the way to it; what was asked may have happened or not.
    #[error("dynamodb failed")]
    Aws(#[source] Box<dyn Error + Send + Sync>),
}

/// An append did not happen.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Another commit has this version, or another transaction was at work: load again, decide again.
    #[error("another commit came first")]
    Conflict,
    /// Another stream holds a value that this commit claims.
    #[error("another stream holds this {kind}")]
    ClaimTaken {
        /// The kind of claim.
        kind: &'static str,
    },
    /// The store could not do its work.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A command was not executed; nothing was appended, but see [`StoreError::Aws`].
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError<E> {
    /// The decider refused it; `version` is that of the stream it was decided on, 0 for an empty one.
    #[error("refused: {error}")]
    Rejected {
        /// The rule that refused.
        error: E,
        /// The stream's version.
        version: u64,
    },
    /// The caller expected another version.
    #[error("the stream is at version {found}")]
    Stale {
        /// The stream's version.
        found: u64,
    },
    /// The caller used one command id for two different commands.
    #[error("this command id was used for another command")]
    CommandIdReused,
    /// Another stream holds a value that the command needs for itself.
    #[error("another stream holds this {kind}")]
    ClaimTaken {
        /// The kind of claim.
        kind: &'static str,
    },
    /// Others wrote to the stream each time we tried.
    #[error("conflict did not settle")]
    Conflict,
    /// The store could not do its work.
    #[error(transparent)]
    Store(#[from] StoreError),
}
