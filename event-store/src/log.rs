//! The port to wherever commits are kept.

use crate::{AppendError, Batch, Commit, Position, StoreError};
use chrono::{DateTime, Utc};
use std::future::Future;
use std::ops::RangeInclusive;
use uuid::Uuid;

/// Keeps commits, the claims that go with them, and which commands were done.
///
/// # Example: a log of one's own
/// The checks of `event_store::conformance` (with the feature `conformance`) say whether it keeps these promises.
/// ```
/// use chrono::{DateTime, Utc};
/// use event_store::{AppendError, Batch, Commit, EventLog, MemoryEventLog, Position, StoreError};
/// use std::ops::RangeInclusive;
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use uuid::Uuid;
///
/// /// Counts the reads of another log.
/// struct Counted<L> {
///     log: L,
///     reads: AtomicUsize,
/// }
///
/// impl<L: EventLog> EventLog for Counted<L> {
///     async fn append(&self, batch: &Batch) -> Result<(), AppendError> {
///         batch.check()?; // what every log asks first
///         self.log.append(batch).await
///     }
///
///     async fn read(
///         &self,
///         stream: &str,
///         versions: RangeInclusive<u64>,
///         limit: usize,
///     ) -> Result<Vec<Commit>, StoreError> {
///         self.reads.fetch_add(1, Ordering::Relaxed);
///         self.log.read(stream, versions, limit).await
///     }
///
///     async fn newest(
///         &self,
///         stream: &str,
///         versions: RangeInclusive<u64>,
///         limit: usize,
///     ) -> Result<Vec<Commit>, StoreError> {
///         self.reads.fetch_add(1, Ordering::Relaxed);
///         self.log.newest(stream, versions, limit).await
///     }
///
///     async fn done(
///         &self,
///         command_id: Uuid,
///         now: DateTime<Utc>,
///     ) -> Result<Option<Position>, StoreError> {
///         self.log.done(command_id, now).await
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), StoreError> {
/// let log = Counted { log: MemoryEventLog::default(), reads: AtomicUsize::new(0) };
/// assert_eq!(log.events("cart-1", 1..=u64::MAX).await?, []);
/// assert_eq!(log.reads.into_inner(), 1);
/// # Ok(())
/// # }
/// ```
pub trait EventLog: Send + Sync {
    /// Writes a batch, all or nothing.
    ///
    /// # Errors
    /// [`AppendError::Conflict`] when another commit has a version that this one wants,
    /// [`AppendError::Done`] when the command is known already, [`AppendError::ClaimTaken`] when another stream holds
    /// a value, and those of [`Batch::check`]. A batch that turns out to be there already (one of its commits is found,
    /// by its chain) is a success.
    fn append(&self, batch: &Batch) -> impl Future<Output = Result<(), AppendError>> + Send;

    /// The commits of a stream whose first event has a version in `versions`, oldest first, at most `limit` of
    /// them; among them every one that was appended before the call.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when one of them cannot be read.
    fn read(
        &self,
        stream: &str,
        versions: RangeInclusive<u64>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Commit>, StoreError>> + Send;

    /// The same, newest first.
    ///
    /// # Errors
    /// As [`EventLog::read`].
    fn newest(
        &self,
        stream: &str,
        versions: RangeInclusive<u64>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Commit>, StoreError>> + Send;

    /// All of [`EventLog::read`], where nothing but the events is needed: their versions with their JSON.
    ///
    /// # Errors
    /// As [`EventLog::read`].
    fn events(
        &self,
        stream: &str,
        versions: RangeInclusive<u64>,
    ) -> impl Future<Output = Result<Vec<(u64, String)>, StoreError>> + Send {
        async move {
            let commits = self.read(stream, versions, usize::MAX).await?;
            Ok(commits
                .into_iter()
                .map(|commit| (commit.version, commit.events))
                .collect())
        }
    }

    /// Where the first commit of a command lies, if it was written as [`Batch::done`] and is not forgotten.
    ///
    /// # Errors
    /// The store could not do its work.
    fn done(
        &self,
        command_id: Uuid,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<Option<Position>, StoreError>> + Send;
}
