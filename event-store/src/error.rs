//! What can go wrong, and who should do what about it.

use crate::{ClockOff, Position};
use std::error::Error;

/// The store could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// DynamoDB asks for patience: try again later. What was asked may have happened, if this was asked again by itself.
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
    /// Nothing was written: a commit, or all that goes with it, exceeds a limit of [`crate::schema`].
    #[error("at most {limit} {unit} are allowed, found {found}")]
    TooLarge {
        /// What is counted.
        unit: &'static str,
        /// How much is allowed.
        limit: usize,
        /// How much there is.
        found: usize,
    },
    /// Nothing was written: the aggregate claims unique values, or keeps a ledger, and the log was made without claims.
    #[error("unique values and ledgers need an event log with claims")]
    NoClaims,
    /// Nothing was written: a command may write to each stream once.
    #[error("a command may write to a stream once, this one wants to write to {stream} twice")]
    Twice {
        /// The stream.
        stream: String,
    },
    /// Nothing was written: this machine's clock is not to be trusted.
    #[error(transparent)]
    ClockOff(#[from] ClockOff),
    /// Any other failure of the service or the way to it; what was asked may have happened or not.
    #[error("dynamodb failed")]
    Aws(#[source] Box<dyn Error + Send + Sync>),
}

impl StoreError {
    /// What is stored at a version of a stream cannot be read, and why.
    pub(crate) fn corrupt(stream: &str, version: u64, why: impl ToString) -> Self {
        Self::Corrupt {
            stream: stream.to_owned(),
            version,
            why: why.to_string(),
        }
    }
}

/// An append did not happen.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Another commit has this version, or another transaction was at work: load again, decide again.
    #[error("another commit came first")]
    Conflict,
    /// The command was done before: its first commit is there.
    #[error("the command was done before")]
    Done(Position),
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

/// A command was not executed; nothing was appended, but see [`StoreError::Aws`] and
/// [`StoreError::Throttled`].
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
