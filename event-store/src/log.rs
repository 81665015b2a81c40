//! The port to wherever commits are kept.

use crate::{AppendError, ClaimChange, Commit, StoreError};
use std::future::Future;
use std::ops::RangeInclusive;

/// Keeps commits, and the claims that go with them.
pub trait EventLog: Send + Sync {
    /// Appends a commit and changes claims, all or nothing, if the stream has no commit of this version.
    ///
    /// # Errors
    /// [`AppendError::Conflict`] when another commit has this version, [`AppendError::ClaimTaken`] when another
    /// stream holds a value. A commit that turns out to be there already (its own id is found) is a success.
    fn append(
        &self,
        commit: &Commit,
        claims: &[ClaimChange],
    ) -> impl Future<Output = Result<(), AppendError>> + Send;

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
}
