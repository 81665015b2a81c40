//! Why a question about the past has no answer.

use event_store::StoreError;

/// Why a question about the past has no answer.
#[derive(Debug, thiserror::Error)]
pub enum PastError {
    /// The stream has no events: check its name.
    #[error("nothing is known of {stream}")]
    Unknown {
        /// The stream's name.
        stream: String,
    },
    /// The stream never had so many events: ask for its head, or for less.
    #[error("version {version} was asked for, the stream is at version {head}")]
    Ahead {
        /// The version that was asked for.
        version: u64,
        /// The stream's.
        head: u64,
    },
    /// A projection of this build refuses an event: its read model parks the stream there.
    #[error("event {version} cannot be applied: {why}")]
    Poison {
        /// The event's version.
        version: u64,
        /// What the projection says.
        why: String,
    },
    /// What an event or a state is has no JSON form.
    #[error("it has no JSON form")]
    NoJson(#[from] serde_json::Error),
    /// The store failed, or what it keeps cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}
