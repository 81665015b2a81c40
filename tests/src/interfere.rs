//! An event log before which somebody else is always a little faster.

use chrono::{DateTime, Utc};
use event_store::{AppendError, Batch, Commit, EventLog, Position, StoreError};
use std::ops::RangeInclusive;
use std::sync::Mutex;
use uuid::Uuid;

/// A log that appends batches of others, one before each append of ours.
pub struct Interfering<L> {
    /// Where all is kept.
    pub log: L,
    /// What others append, last first.
    pub others: Mutex<Vec<Batch>>,
}

impl<L: EventLog> EventLog for Interfering<L> {
    async fn append(&self, batch: &Batch) -> Result<(), AppendError> {
        let other = self.others.lock().expect("nobody panicked").pop();
        if let Some(other) = other {
            self.log.append(&other).await.expect("the others are first");
        }
        self.log.append(batch).await
    }

    async fn read(
        &self,
        stream: &str,
        versions: RangeInclusive<u64>,
        limit: usize,
    ) -> Result<Vec<Commit>, StoreError> {
        self.log.read(stream, versions, limit).await
    }

    async fn newest(
        &self,
        stream: &str,
        versions: RangeInclusive<u64>,
        limit: usize,
    ) -> Result<Vec<Commit>, StoreError> {
        self.log.newest(stream, versions, limit).await
    }

    async fn done(
        &self,
        command_id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Option<Position>, StoreError> {
        self.log.done(command_id, now).await
    }
}
