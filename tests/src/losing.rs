//! An event log from which replies do not always come back.

use chrono::{DateTime, Utc};
use event_store::{AppendError, Batch, Commit, EventLog, Position, StoreError};
use fastrand::Rng;
use std::ops::RangeInclusive;
use std::sync::Mutex;
use uuid::Uuid;

/// A log that loses some of the appends of commands that can be sent again: before they get there, or on the way back.
pub struct Losing<L> {
    /// Where all is kept.
    pub log: L,
    /// Chooses which.
    pub rng: Mutex<Rng>,
    /// One in so many is lost each way.
    pub one_in: u32,
}

impl<L> Losing<L> {
    fn loses(&self, batch: &Batch) -> Result<(), AppendError> {
        let mut rng = self.rng.lock().expect("nobody panicked");
        if batch.done.is_some() && rng.u32(..self.one_in) == 0 {
            return Err(StoreError::Aws("nobody knows".into()).into());
        }
        Ok(())
    }
}

impl<L: EventLog> EventLog for Losing<L> {
    async fn append(&self, batch: &Batch) -> Result<(), AppendError> {
        self.loses(batch)?;
        let appended = self.log.append(batch).await;
        self.loses(batch)?;
        appended
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
