//! The streams that a sandbox saw last, so that it may decide without reading: a guess that the write puts to the test.

use crate::Stream;
use chrono::{DateTime, TimeDelta, Utc};
use decider::Decider;
use lru::LruCache;
use serde::Serialize;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How long a stream is kept after it was last seen.
const KEPT_FOR: TimeDelta = TimeDelta::minutes(15);
/// How many commits in a row must be this sandbox's own before a stream is guessed again, after a guess was wrong.
pub(crate) const OWN_IN_A_ROW: u8 = 3;
/// In place of a number of own commits: no guess was made yet, so that nothing is known.
pub(crate) const UNTRIED: u8 = u8::MAX;
/// What an entry takes besides its state and its name, in bytes: the ring and the list's own links.
const OVERHEAD: usize = 1_500;

/// Streams of one aggregate, bounded in bytes and in age. It promises nothing: whoever must know reads the log.
///
/// # Example: a command that reads nothing
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cart.rs"));
/// use event_store::{Cache, MemoryEventLog, Metadata, Part, ServiceClock, execute};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (log, clock) = (MemoryEventLog::default(), ServiceClock::default());
/// let cache = Cache::<Cart>::new(32 << 20); // one for as long as the process lives
/// assert_eq!(cache.size(), (0, 0));
/// let add = Command::AddItem { item: "a lamp".into() };
/// let metadata = Metadata::new("sarah", "http");
/// execute(&log, &clock, &metadata, Part::new("cart-1", &add, &cache)).await?;
///
/// // The next command on the cart is decided on what is kept, and its write tells whether that was right.
/// let (streams, bytes) = cache.size();
/// assert_eq!(streams, 1);
/// assert!(bytes < 32 << 20);
/// # Ok(())
/// # }
/// ```
pub struct Cache<D: Decider> {
    kept: Mutex<Kept<D>>,
    max_bytes: usize,
    /// The latest guess was right.
    guesses_hold: AtomicBool,
}

struct Kept<D: Decider> {
    streams: LruCache<String, Entry<D>>,
    bytes: usize,
}

struct Entry<D: Decider> {
    stream: Arc<Stream<D>>,
    own_in_a_row: u8,
    seen: DateTime<Utc>,
    bytes: usize,
}

/// A stream as it was when it was last seen.
pub(crate) struct Seen<D: Decider> {
    pub stream: Arc<Stream<D>>,
    pub own_in_a_row: u8,
}

impl<D: Decider> Cache<D> {
    /// A cache that takes about `max_bytes` of memory; with 0 it keeps nothing.
    pub fn new(max_bytes: usize) -> Self {
        let kept = Kept {
            streams: LruCache::unbounded(),
            bytes: 0,
        };
        Self {
            kept: Mutex::new(kept),
            max_bytes,
            guesses_hold: AtomicBool::new(true),
        }
    }

    /// A cache that keeps nothing: every command reads its stream.
    pub fn none() -> Self {
        Self::new(0)
    }

    /// How many streams there are, and how many bytes they are taken for.
    pub fn size(&self) -> (usize, usize) {
        let kept = self.kept();
        (kept.streams.len(), kept.bytes)
    }

    pub(crate) fn get(&self, name: &str, now: DateTime<Utc>) -> Option<Seen<D>> {
        let mut kept = self.kept();
        let entry = kept.streams.get(name)?;
        if !entry.is_fresh(now) {
            kept.remove(name);
            return None;
        }
        Some(Seen {
            stream: Arc::clone(&entry.stream),
            own_in_a_row: entry.own_in_a_row,
        })
    }

    /// Whether a stream may be guessed that no guess was made of yet. Where another sandbox wrote to one stream, others
    /// will have written to the next; to find out by a guess at each would cost a refused write per stream and sandbox.
    pub(crate) fn grants_trust(&self) -> bool {
        self.guesses_hold.load(Ordering::Relaxed)
    }

    /// A guess was right, or wrong.
    pub(crate) fn judge(&self, held: bool) {
        self.guesses_hold.store(held, Ordering::Relaxed);
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept<D>> {
        // OK because nothing under the lock leaves the books half done.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Decider<State: Serialize>> Cache<D> {
    pub(crate) fn put(&self, name: &str, seen: Seen<D>, now: DateTime<Utc>) {
        if self.max_bytes == 0 {
            return;
        }
        let Some(bytes) = json_len(&seen.stream.state) else {
            return;
        };
        let bytes = OVERHEAD + name.len() + bytes;
        let entry = Entry {
            stream: seen.stream,
            own_in_a_row: seen.own_in_a_row,
            seen: now,
            bytes,
        };
        let mut kept = self.kept();
        // Two commands of one sandbox may end in another order than they began.
        let is_older = |known: &Entry<D>| known.stream.version > entry.stream.version;
        if kept.streams.peek(name).is_some_and(is_older) {
            return;
        }
        if bytes > self.max_bytes {
            return kept.remove(name);
        }
        kept.bytes += bytes;
        if let Some(old) = kept.streams.put(name.to_owned(), entry) {
            kept.bytes -= old.bytes;
        }
        while kept.bytes > self.max_bytes || kept.oldest_is_stale(now) {
            kept.drop_oldest();
        }
    }
}

impl<D: Decider> Kept<D> {
    fn oldest_is_stale(&self, now: DateTime<Utc>) -> bool {
        self.streams
            .peek_lru()
            .is_some_and(|(_, oldest)| !oldest.is_fresh(now))
    }

    fn drop_oldest(&mut self) {
        if let Some((_, entry)) = self.streams.pop_lru() {
            self.bytes -= entry.bytes;
        }
    }

    fn remove(&mut self, name: &str) {
        if let Some(entry) = self.streams.pop(name) {
            self.bytes -= entry.bytes;
        }
    }
}

impl<D: Decider> Entry<D> {
    /// A clock that was set back is no reason to keep it longer.
    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        (now - self.seen).abs() <= KEPT_FOR
    }
}

/// The length of a value's JSON, in bytes; `None` for one that has no JSON, of which nobody can say how large it is.
fn json_len(value: &impl Serialize) -> Option<usize> {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value).ok()?;
    Some(count.0)
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
