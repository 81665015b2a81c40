//! A stream as it was: at a version, and which version that was at a moment.

use crate::{EventLog, StoreError, Stream};
use chrono::{DateTime, Utc};
use decider::Decider;
use serde::de::DeserializeOwned;

impl<D: Decider<State: DeserializeOwned, Event: DeserializeOwned>> Stream<D> {
    /// Loads a stream as it was at the version `to`, even in the middle of a commit; as it is, if it never got so far.
    /// That takes the reads of [`Stream::load`], however long the stream is.
    ///
    /// # Errors
    /// As [`Stream::load`].
    ///
    /// # Example: a cart before the rug
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cart.rs"));
    /// use event_store::{
    ///     Cache, MemoryEventLog, Metadata, Part, ServiceClock, Stream, execute, version_at,
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (log, clock) = (MemoryEventLog::default(), ServiceClock::default());
    /// let cache = Cache::<Cart>::none();
    /// for item in ["a lamp", "a rug"] {
    ///     let add = Command::AddItem { item: item.into() };
    ///     let metadata = Metadata::new("sarah", "http");
    ///     execute(&log, &clock, &metadata, Part::new("cart-1", &add, &cache)).await?;
    /// }
    /// let before = Stream::<Cart>::load_at(&log, "cart-1", 1).await?;
    /// assert_eq!(before.state.items, ["a lamp"]);
    /// assert_eq!(version_at(&log, "cart-1", before.timestamp).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn load_at(log: &impl EventLog, name: &str, to: u64) -> Result<Self, StoreError> {
        let mut stream = Self::default();
        stream.catch_up_to(log, name, to).await?;
        Ok(stream)
    }
}

/// The version of a stream at a moment: that of the last commit recorded until then, or 0 before the first. Timestamps
/// never go back in a stream, so it is found by halves: about log2(version) reads of one commit each.
///
/// # Errors
/// As [`EventLog::newest`].
pub async fn version_at(
    log: &impl EventLog,
    name: &str,
    moment: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let Some(last) = log.newest(name, 1..=u64::MAX, 1).await?.pop() else {
        return Ok(0);
    };
    if last.stamp()?.timestamp <= moment {
        return last.last_version();
    }
    let (mut known, mut last_possible) = (0, last.version - 1);
    while known < last_possible {
        let middle = known + (last_possible - known).div_ceil(2);
        // OK because a commit begins right after what is known.
        let commit = log.newest(name, known + 1..=middle, 1).await?.pop();
        let commit = commit.ok_or_else(|| {
            StoreError::corrupt(name, known + 1, "the commit that was due is missing")
        })?;
        if commit.stamp()?.timestamp <= moment {
            known = commit.last_version()?;
        } else {
            last_possible = commit.version - 1;
        }
    }
    Ok(known)
}
