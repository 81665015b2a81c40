//! What can go wrong with a consumer.

use event_store::StoreError;
use read_model::ReadModelError;
use std::error::Error;

/// Why a message must come again.
#[derive(Debug, thiserror::Error)]
pub enum ConsumerError {
    /// It is none of ours.
    #[error("the message cannot be read")]
    Unread(#[source] serde_json::Error),
    /// The rule lets through what the consumer does not read.
    #[error("{consumer} reads nothing of {stream}")]
    Foreign {
        /// The consumer.
        consumer: String,
        /// The stream.
        stream: String,
    },
    /// The event store failed.
    #[error(transparent)]
    Log(#[from] StoreError),
    /// The consumer's table failed.
    #[error(transparent)]
    Table(#[from] ReadModelError),
    /// What the consumer does failed.
    #[error("{0}")]
    Consume(#[source] Box<dyn Error + Send + Sync>),
    /// The consumer's own queue failed.
    #[error("the queue did not take a message")]
    Queue(#[source] Box<dyn Error + Send + Sync>),
    /// More failed than a checkpoint can name: it stays where it is.
    #[error("{failed} streams failed at once, the last one with: {why}")]
    TooMany {
        /// How many.
        failed: usize,
        /// What the last one said.
        why: String,
    },
}

/// How much of an error is kept beside a stream, in characters.
const MOST_SAID: usize = 200;

impl ConsumerError {
    /// What is kept of it beside a stream: nothing that quotes what is stored, which may be personal.
    pub(crate) fn in_brief(&self) -> String {
        let corrupt = match self {
            Self::Log(error) | Self::Table(ReadModelError::Log(error)) => Some(error),
            Self::Consume(error) => match error.downcast_ref() {
                Some(ReadModelError::Log(error)) => Some(error),
                _ => error.downcast_ref(),
            },
            _ => None,
        };
        if let Some(StoreError::Corrupt { version, .. }) = corrupt {
            return format!("it is corrupt at version {version}");
        }
        // OK because what lies behind it is in no word of it.
        self.to_string().chars().take(MOST_SAID).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_quotes_nothing_that_is_stored() {
        let corrupt = || StoreError::Corrupt {
            stream: "user-1".to_owned(),
            version: 3,
            why: "invalid type: string \"Sarah\"".to_owned(),
        };
        for error in [
            ConsumerError::Log(corrupt()),
            ConsumerError::Table(corrupt().into()),
            ConsumerError::Consume(corrupt().into()),
            ConsumerError::Consume(ReadModelError::from(corrupt()).into()),
        ] {
            assert!(error.to_string().contains("Sarah"));
            assert_eq!(error.in_brief(), "it is corrupt at version 3");
        }
        let conflict = ConsumerError::Consume(ReadModelError::Conflict.into());
        assert_eq!(conflict.in_brief(), "conflict did not settle");
    }
}
