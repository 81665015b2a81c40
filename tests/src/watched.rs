//! An event log whose reads are counted, or fail.

use event_store::{AppendError, Batch, Commit, EventLog, Position, StoreError};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A log that asks before each read, in either order, whether it may.
pub struct Watched<L, F> {
    /// Where all is kept.
    pub log: L,
    /// Says what the read fails with, if it must.
    pub before: F,
}

impl<L, F> EventLog for Watched<L, F>
where
    L: EventLog,
    F: Fn() -> Result<(), StoreError> + Send + Sync,
{
    async fn append(&self, batch: &Batch) -> Result<(), AppendError> {
        self.log.append(batch).await
    }

    async fn read(
        &self,
        stream: &str,
        versions: RangeInclusive<u64>,
        limit: usize,
    ) -> Result<Vec<Commit>, StoreError> {
        (self.before)()?;
        self.log.read(stream, versions, limit).await
    }

    async fn newest(
        &self,
        stream: &str,
        versions: RangeInclusive<u64>,
        limit: usize,
    ) -> Result<Vec<Commit>, StoreError> {
        (self.before)()?;
        self.log.newest(stream, versions, limit).await
    }

    async fn done(
        &self,
        command_id: uuid::Uuid,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<Option<Position>, StoreError> {
        self.log.done(command_id, now).await
    }
}

/// Counts what is read of a log.
#[must_use]
pub fn counted<L: EventLog>(
    log: L,
    reads: &AtomicUsize,
) -> Watched<L, impl Fn() -> Result<(), StoreError> + Send + Sync + '_> {
    let before = || {
        reads.fetch_add(1, Ordering::Relaxed);
        Ok(())
    };
    Watched { log, before }
}
