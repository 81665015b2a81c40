//! A stream as it was loaded: the state, and what the next commit needs to know.

use crate::ring::Ring;
use crate::snapshot::{self, Unusable};
use crate::{Commit, EventLog, Hash, RING, StoreError, event};
use chrono::{DateTime, Utc};
use decider::Decider;
use futures_util::future::try_join;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::de::DeserializeOwned;
use std::ops::RangeInclusive;
use uuid::Uuid;

/// A commit that is this many events after the last snapshot carries one; so the newest so many commits hold one.
pub const SNAPSHOT_EVERY: usize = 4;
/// A replay reads so many versions at a time, and so many such pieces side by side.
const PIECE: u64 = 512;
const SIDE_BY_SIDE: usize = 8;

/// The fold of a stream's commits up to a version.
pub struct Stream<D: Decider> {
    /// What the events amount to.
    pub state: D::State,
    /// How many events there are.
    pub version: u64,
    /// When the last commit was recorded; [`DateTime::UNIX_EPOCH`] if there is none.
    pub timestamp: DateTime<Utc>,
    /// How many snapshots could not be used on the way here.
    pub passed_over: usize,
    pub(crate) hash: Hash,
    pub(crate) ring: Ring,
    /// How many events came after the snapshot that this began with.
    pub(crate) since_snapshot: u64,
}

impl<D: Decider> Default for Stream<D> {
    fn default() -> Self {
        Self {
            state: D::State::default(),
            version: 0,
            timestamp: DateTime::UNIX_EPOCH,
            passed_over: 0,
            hash: Hash::default(),
            ring: Ring::default(),
            since_snapshot: 0,
        }
    }
}

impl<D: Decider> Clone for Stream<D> {
    fn clone(&self) -> Self {
        Self {
            state: self.state.clone(),
            ring: self.ring.clone(),
            ..*self
        }
    }
}

impl<D: Decider<State: DeserializeOwned, Event: DeserializeOwned>> Stream<D> {
    /// Loads a stream: one read of [`SNAPSHOT_EVERY`] commits, however long the stream is, if its snapshots are in order.
    ///
    /// # Errors
    /// As [`EventLog::read`]; a gap between versions is [`StoreError::Corrupt`].
    ///
    /// # Example: the state of a cart
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cart.rs"));
    /// use event_store::{Cache, MemoryEventLog, Metadata, Part, ServiceClock, Stream, execute};
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
    /// let cart = Stream::<Cart>::load(&log, "cart-1").await?;
    /// assert_eq!((cart.version, cart.state.items.len()), (2, 2));
    ///
    /// let earlier = Stream::<Cart>::replay(&log, "cart-1", 1).await?;
    /// assert_eq!(earlier.state.items, ["a lamp"]);
    ///
    /// let nothing = Stream::<Cart>::load(&log, "cart-2").await?;
    /// assert_eq!((nothing.version, nothing.state), (0, State::default()));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn load(log: &impl EventLog, name: &str) -> Result<Self, StoreError> {
        let mut stream = Self::default();
        stream.catch_up(log, name).await?;
        Ok(stream)
    }

    /// Folds a stream from its first event on, up to the commit that holds the version `to`, and looks at no snapshot: a
    /// commit is folded whole, so that the version may be a later one of the same command.
    ///
    /// # Errors
    /// As [`Stream::load`].
    pub async fn replay(log: &impl EventLog, name: &str, to: u64) -> Result<Self, StoreError> {
        let latest = log.newest(name, 1..=to, RING).await?;
        let mut stream = Self::default();
        if let Some(oldest) = latest.last() {
            stream
                .replay_events(log, name, 1..=oldest.version - 1)
                .await?;
        }
        stream.follow(latest)?;
        Ok(stream)
    }

    /// Reads what it has not seen, and says whether there was anything.
    ///
    /// # Errors
    /// As [`Stream::load`].
    pub async fn catch_up(&mut self, log: &impl EventLog, name: &str) -> Result<bool, StoreError> {
        self.catch_up_to(log, name, u64::MAX).await
    }

    /// Reads what it has not seen up to the version `to`, and says whether there was anything.
    pub(crate) async fn catch_up_to(
        &mut self,
        log: &impl EventLog,
        name: &str,
        to: u64,
    ) -> Result<bool, StoreError> {
        let due = self.version + 1;
        let (mut newest, mut usable) = (Vec::<Commit>::new(), None);
        for limit in [SNAPSHOT_EVERY, RING] {
            let before = newest.last().map_or(to, |oldest| oldest.version - 1);
            let mut page = log.newest(name, due..=before, limit).await?;
            if let Some(last) = page.first_mut() {
                last.cut(to)?;
            }
            let (seen, is_last) = (newest.len(), page.len() < limit);
            newest.extend(page);
            usable = self.newest_snapshot(&newest, seen);
            let reaches = newest.last().is_none_or(|oldest| oldest.version <= due);
            if usable.is_some() || is_last || reaches {
                break;
            }
        }
        let found = !newest.is_empty();
        if let Some((index, stream)) = usable {
            *self = stream;
            newest.truncate(index);
        } else if let Some(oldest) = newest.last().filter(|oldest| oldest.version > due) {
            self.replay_events(log, name, due..=oldest.version - 1)
                .await?;
        }
        self.follow(newest)?;
        Ok(found)
    }

    /// Applies commits that were read newest first.
    fn follow(&mut self, newest: Vec<Commit>) -> Result<(), StoreError> {
        newest
            .iter()
            .rev()
            .try_for_each(|commit| self.apply(commit))
    }

    /// The first usable snapshot among commits, newest first, from index `seen` on, as the stream that it makes.
    fn newest_snapshot(&mut self, newest: &[Commit], seen: usize) -> Option<(usize, Self)> {
        for (index, commit) in newest.iter().enumerate().skip(seen) {
            let follower = index.checked_sub(1).and_then(|next| newest.get(next));
            match snapshot::open::<D>(commit, follower) {
                Ok(mut stream) => {
                    stream.passed_over = self.passed_over;
                    return Some((index, stream));
                }
                Err(Unusable::Absent) => {}
                Err(why) => {
                    self.passed_over += 1;
                    let (stream, version) = (&commit.stream, commit.version);
                    tracing::warn!(stream, version, %why, "a snapshot is passed over");
                }
            }
        }
        None
    }

    /// Folds events whose commits matter no more, except for the first.
    async fn replay_events(
        &mut self,
        log: &impl EventLog,
        name: &str,
        versions: RangeInclusive<u64>,
    ) -> Result<(), StoreError> {
        let (from, to) = versions.into_inner();
        let first = async {
            match from {
                1 if to > 0 => log.read(name, 1..=1, 1).await,
                _ => Ok(Vec::new()),
            }
        };
        let starts = (from..=to).step_by(PIECE as usize);
        let piece = |start: u64| async move {
            let end = to.min(start.saturating_add(PIECE - 1));
            Ok::<_, StoreError>((start, log.events(name, start..=end).await?))
        };
        let pieces = starts.map(piece);
        let mut pieces = stream::iter(pieces).buffered(SIDE_BY_SIDE);
        let fold = async {
            while let Some((start, piece)) = pieces.try_next().await? {
                // OK because it does not go on to look for what was cut out: that may be as long as there are numbers.
                if start > self.version + 1 {
                    return Err(self.missing(name));
                }
                for (version, events) in piece {
                    self.evolve(name, version, &events)?;
                }
            }
            Ok(())
        };
        for first in try_join(first, fold).await?.0 {
            self.remember(first.head()?.command_id, 1);
        }
        Ok(())
    }

    fn missing(&self, name: &str) -> StoreError {
        StoreError::corrupt(name, self.version + 1, "the commit that was due is missing")
    }

    fn apply(&mut self, commit: &Commit) -> Result<(), StoreError> {
        self.evolve(&commit.stream, commit.version, &commit.events)?;
        let head = commit.head()?;
        self.timestamp = head.timestamp;
        self.hash = commit.chain.hash;
        self.remember(head.command_id, commit.version);
        Ok(())
    }

    /// Folds the events of the commit that begins at `version`.
    fn evolve(&mut self, name: &str, version: u64, json: &str) -> Result<(), StoreError> {
        let (stored, events) = event::read::<D>(name, version, json)?;
        if version != self.version + 1 || stored == 0 {
            let due = self.version + 1;
            let why = format!("a commit of 1 or more events was due at version {due}");
            return Err(StoreError::corrupt(name, version, why));
        }
        for event in &events {
            self.state = D::evolve(std::mem::take(&mut self.state), event);
        }
        // OK because an event keeps its version, whatever upcasters make of it.
        self.version += stored;
        self.since_snapshot += stored;
        Ok(())
    }
}

impl<D: Decider> Stream<D> {
    /// The versions of the commits that may be those of a command.
    pub(crate) fn remembered(&self, command_id: Uuid) -> Vec<u64> {
        self.ring.find(command_id)
    }

    /// The command's commit begins at `version`.
    pub(crate) fn remember(&mut self, command_id: Uuid, version: u64) {
        self.ring.push(command_id, version, D::IDEMPOTENCY);
    }
}
