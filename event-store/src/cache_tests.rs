use super::*;
use crate::{Clock, ClockOff, MemoryEventLog, Metadata, Part, Participant, execute};
use std::collections::HashMap;
use std::convert::Infallible;
use uuid::Uuid;

/// Its state has JSON only where no key is a pair.
struct Grid;

impl Decider for Grid {
    const CATEGORY: &'static str = "grid";
    type State = (String, HashMap<(u8, u8), u8>);
    type Command = ();
    type Event = ();
    type Error = ();

    fn decide((): &(), _: &Self::State) -> Result<Vec<()>, ()> {
        Ok(Vec::new())
    }

    fn evolve(state: Self::State, (): &()) -> Self::State {
        state
    }
}

/// Puts a grid of so many bytes.
fn put(cache: &Cache<Grid>, name: &str, bytes: usize, pairs: &[(u8, u8)]) {
    let pairs = pairs.iter().map(|pair| (*pair, 0)).collect();
    let stream = Stream {
        state: ("x".repeat(bytes), pairs),
        ..Stream::default()
    };
    let seen = Seen {
        stream: Arc::new(stream),
        own_in_a_row: 0,
    };
    cache.put(name, seen, DateTime::UNIX_EPOCH);
}

#[test]
fn what_cannot_be_measured_is_not_kept() {
    let cache = Cache::new(10_000);
    for name in ["grid-1", "grid-2", "grid-3"] {
        put(&cache, name, 100_000, &[(1, 2)]);
    }
    assert_eq!(cache.size(), (0, 0));
}

#[test]
fn what_is_too_large_drives_out_nothing_else() {
    let cache = Cache::new(10_000);
    put(&cache, "grid-1", 10, &[]);
    put(&cache, "grid-2", 10, &[]);
    put(&cache, "grid-3", 20_000, &[]);
    put(&cache, "grid-2", 20_000, &[]);
    assert_eq!(cache.size().0, 1);
    assert!(cache.get("grid-1", DateTime::UNIX_EPOCH).is_some());
}

#[test]
fn what_was_seen_earlier_replaces_nothing_newer() {
    let cache = Cache::<Grid>::new(10_000);
    let at = |version| Seen {
        stream: Arc::new(Stream {
            version,
            ..Stream::default()
        }),
        own_in_a_row: 0,
    };
    for version in [2, 3, 1] {
        cache.put("grid-1", at(version), DateTime::UNIX_EPOCH);
    }
    let kept = cache.get("grid-1", DateTime::UNIX_EPOCH);
    assert_eq!(kept.map(|seen| seen.stream.version), Some(3));
}

#[test]
fn what_is_put_again_is_counted_once() {
    let cache = Cache::new(10_000);
    put(&cache, "grid-1", 10, &[]);
    let once = cache.size();
    put(&cache, "grid-1", 10, &[]);
    assert_eq!(cache.size(), once);
}

#[test]
fn a_clock_that_was_set_back_keeps_nothing_longer() {
    let cache = Cache::new(10_000);
    put(&cache, "grid-1", 10, &[]);
    let before = DateTime::UNIX_EPOCH - KEPT_FOR - TimeDelta::seconds(1);
    assert!(cache.get("grid-1", before).is_none());
    assert_eq!(cache.size(), (0, 0));
}

struct Counter;

#[derive(Serialize, serde::Deserialize)]
#[serde(tag = "type", content = "data")]
enum Event {
    Counted,
}

impl Decider for Counter {
    const CATEGORY: &'static str = "counter";
    type State = u64;
    type Command = ();
    type Event = Event;
    type Error = Infallible;

    fn decide((): &(), _: &u64) -> Result<Vec<Event>, Infallible> {
        Ok(vec![Event::Counted])
    }

    fn evolve(count: u64, Event::Counted: &Event) -> u64 {
        count + 1
    }
}

struct Machine;

impl Clock for Machine {
    fn now(&self) -> Result<DateTime<Utc>, ClockOff> {
        Ok(Utc::now())
    }
}

async fn count(log: &MemoryEventLog, cache: &Cache<Counter>, name: &str) {
    let command_id = Uuid::now_v7();
    let metadata = Metadata {
        command_id,
        fingerprint: None,
        actor: "test".into(),
        correlation_id: command_id,
        causation_id: None,
        traceparent: None,
        source: "test".into(),
        reason: None,
        parts: Vec::new(),
    };
    let part = Part::new(name, &(), cache);
    let counted = execute(log, &Machine, &metadata, part).await;
    counted.expect("nobody else writes meanwhile");
}

fn is_guessed(cache: &Cache<Counter>, name: &str) -> bool {
    let mut part = Part::new(name, &(), cache);
    Participant::<MemoryEventLog, Infallible>::guess(&mut part, Utc::now())
}

#[tokio::test]
async fn after_a_wrong_guess_streams_that_were_not_tried_are_read() {
    let (log, one, other) = (
        &MemoryEventLog::default(),
        &Cache::new(1 << 20),
        &Cache::new(1 << 20),
    );
    for (cache, name) in [(one, "a"), (one, "b"), (other, "a"), (other, "b")] {
        count(log, cache, name).await;
    }
    assert!(is_guessed(one, "b"), "nothing speaks against it");
    count(log, one, "a").await;
    assert!(!is_guessed(one, "a"), "it was wrong");
    assert!(!is_guessed(one, "b"), "it may be wrong, too");
    // The first of them learns of the other's commit.
    for _ in 0..OWN_IN_A_ROW {
        assert!(!is_guessed(one, "b"));
        count(log, one, "b").await;
    }
    assert!(is_guessed(one, "b"), "it is the only writer again");
    count(log, one, "c").await;
    assert!(!is_guessed(one, "c"), "no guess was right since");
    count(log, one, "b").await;
    count(log, one, "d").await;
    assert!(is_guessed(one, "d"), "one was");
}
