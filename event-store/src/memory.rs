//! An event log and heads in memory: for examples, for tests that need no DynamoDB, and for simulations.

use crate::{
    AppendError, Batch, ClaimChange, Commit, Done, EventLog, Head, Heads, Position, StoreError,
};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// Keeps all there is in this process; its clones share it.
///
/// # Example: a reply that is lost
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cart.rs"));
/// use event_store::{
///     Cache, ExecuteError, MemoryEventLog, Metadata, Part, ServiceClock, StoreError, execute,
/// };
/// use uuid::Uuid;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (log, clock) = (MemoryEventLog::default(), ServiceClock::default());
/// let (cache, add) = (Cache::<Cart>::none(), Command::AddItem { item: "a lamp".into() });
/// let metadata = Metadata::new("sarah", "http").keyed(Uuid::now_v7(), "hash of the body");
///
/// // This fails, although the commit is there: nobody knows, and the caller has to ask again.
/// log.lose_replies(1);
/// let unknown = execute(&log, &clock, &metadata, Part::new("cart-1", &add, &cache)).await;
/// assert!(matches!(unknown, Err(ExecuteError::Store(StoreError::Aws(_)))));
///
/// let again = execute(&log, &clock, &metadata, Part::new("cart-1", &add, &cache)).await?;
/// assert_eq!((again.version, again.replayed), (1, true));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryEventLog {
    kept: Arc<Mutex<Kept>>,
    loses_replies: Arc<Mutex<u32>>,
}

#[derive(Debug, Default)]
struct Kept {
    commits: BTreeMap<(String, u64), Commit>,
    claims: HashMap<(&'static str, String), String>,
    done: HashMap<Uuid, Done>,
}

impl MemoryEventLog {
    /// Does what the next `replies` appends want, and then says that nobody knows.
    pub fn lose_replies(&self, replies: u32) {
        *lock(&self.loses_replies) = replies;
    }

    /// Puts a commit in place of the one at its version: what no service may do.
    pub fn tamper(&self, commit: Commit) {
        let key = (commit.stream.clone(), commit.version);
        lock(&self.kept).commits.insert(key, commit);
    }
}

/// Keeps heads in this process; its clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryHeads(Arc<Mutex<(HashMap<String, Head>, usize)>>);

impl MemoryHeads {
    /// How many heads were written.
    pub fn writes(&self) -> usize {
        lock(&self.0).1
    }
}

impl Heads for MemoryHeads {
    async fn head(&self, stream: &str) -> Result<Option<Head>, StoreError> {
        Ok(lock(&self.0).0.get(stream).cloned())
    }

    async fn put(&self, head: &Head, in_place_of: Option<&Head>) -> Result<bool, StoreError> {
        let (heads, writes) = &mut *lock(&self.0);
        if heads.get(&head.stream) != in_place_of {
            return Ok(false);
        }
        heads.insert(head.stream.clone(), head.clone());
        *writes += 1;
        Ok(true)
    }
}

impl EventLog for MemoryEventLog {
    async fn append(&self, batch: &Batch) -> Result<(), AppendError> {
        batch.check()?;
        lock(&self.kept).append(batch)?;
        let mut losses = lock(&self.loses_replies);
        if *losses > 0 {
            *losses -= 1;
            return Err(StoreError::Aws("the reply was lost".into()).into());
        }
        Ok(())
    }

    async fn read(
        &self,
        stream: &str,
        versions: RangeInclusive<u64>,
        limit: usize,
    ) -> Result<Vec<Commit>, StoreError> {
        Ok(lock(&self.kept)
            .range(stream, versions)
            .take(limit)
            .collect())
    }

    async fn newest(
        &self,
        stream: &str,
        versions: RangeInclusive<u64>,
        limit: usize,
    ) -> Result<Vec<Commit>, StoreError> {
        Ok(lock(&self.kept)
            .range(stream, versions)
            .rev()
            .take(limit)
            .collect())
    }

    async fn done(
        &self,
        command_id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Option<Position>, StoreError> {
        Ok(lock(&self.kept).done(command_id, now))
    }
}

impl Kept {
    fn append(&mut self, batch: &Batch) -> Result<(), AppendError> {
        let at = |commit: &Commit| (commit.stream.clone(), commit.version);
        let is_ours = |commit: &Commit| {
            self.commits
                .get(&at(commit))
                .is_some_and(|old| old.chain == commit.chain)
        };
        if batch.commits.iter().any(is_ours) {
            return Ok(());
        }
        if let Some(done) = &batch.done
            && let Some(at) = self.done(done.command_id, done.now)
        {
            return Err(AppendError::Done(at));
        }
        let moved_on = |at: &Position| {
            self.commits
                .contains_key(&(at.stream.clone(), at.version + 1))
        };
        if batch
            .commits
            .iter()
            .any(|commit| self.commits.contains_key(&at(commit)))
            || batch.unchanged.iter().any(moved_on)
        {
            return Err(AppendError::Conflict);
        }
        for (stream, change) in &batch.claims {
            let claim = change.claim();
            let holder = self.claims.get(&(claim.kind, claim.canonical.clone()));
            if holder.is_some_and(|holder| holder != stream) {
                return Err(match change {
                    ClaimChange::Take(claim) => AppendError::ClaimTaken { kind: claim.kind },
                    ClaimChange::Release(_) => {
                        StoreError::corrupt(stream, 0, "another stream holds what it would release")
                            .into()
                    }
                });
            }
        }
        for commit in &batch.commits {
            self.commits.insert(at(commit), commit.clone());
        }
        for (stream, change) in &batch.claims {
            let claim = change.claim();
            let key = (claim.kind, claim.canonical.clone());
            match change {
                ClaimChange::Take(_) => self.claims.insert(key, stream.clone()),
                ClaimChange::Release(_) => self.claims.remove(&key),
            };
        }
        self.done.extend(
            batch
                .done
                .iter()
                .map(|done| (done.command_id, done.clone())),
        );
        Ok(())
    }

    fn range(
        &self,
        stream: &str,
        versions: RangeInclusive<u64>,
    ) -> impl DoubleEndedIterator<Item = Commit> {
        let is_empty = versions.is_empty();
        let (from, to) = versions.into_inner();
        // OK because a map refuses a range that ends before it begins.
        let keys = (stream.to_owned(), from)..=(stream.to_owned(), to.max(from));
        let within = (!is_empty).then(|| self.commits.range(keys));
        within
            .into_iter()
            .flatten()
            .map(|(_, commit)| commit.clone())
    }

    fn done(&self, command_id: Uuid, now: DateTime<Utc>) -> Option<Position> {
        let done = self.done.get(&command_id)?;
        (done.until > now).then(|| done.at.clone())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // OK because nothing under the locks leaves them half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
