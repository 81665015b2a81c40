//! What somebody put into a store is an error, whatever it is: it stops no process, and keeps none busy for ever.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chrono::Utc;
use decider::{Decider, Idempotency};
use event_store::{
    Cache, Commit, Hash, Head, Heads, MemoryEventLog, MemoryHeads, Metadata, Part, Position,
    ServiceClock, Stamp, StoreError, StoredEvent, Stream, advance, execute,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::time::Duration;
use uuid::Uuid;

/// A sum.
struct Sum<const LEDGER: bool>;

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
enum Event {
    Added(u64),
}

impl<const LEDGER: bool> Decider for Sum<LEDGER> {
    const CATEGORY: &'static str = "sum";
    const IDEMPOTENCY: Idempotency = if LEDGER {
        Idempotency::Ledger
    } else {
        Idempotency::Ring
    };
    type State = u64;
    type Command = usize;
    type Event = Event;
    type Error = ();

    fn decide(events: &usize, _: &u64) -> Result<Vec<Event>, ()> {
        Ok((0..*events).map(|_| Event::Added(1)).collect())
    }

    fn evolve(sum: u64, Event::Added(more): &Event) -> u64 {
        sum + more
    }
}

/// A whole commit at a version of `sum-1`, of events of these types, with this ring in a snapshot.
fn forged(version: u64, kinds: &[&str], ring: Option<&[u8]>) -> Commit {
    let event = |kind: &&str| StoredEvent {
        id: Uuid::now_v7(),
        kind: (*kind).into(),
        schema_version: 1,
        data: RawValue::from_string("1".into()).expect("JSON"),
        effective_at: None,
    };
    let at = Position {
        stream: "sum-1".into(),
        version,
    };
    let stamp = Stamp {
        id: Uuid::now_v7(),
        timestamp: Utc::now(),
    };
    let snapshot = ring.map(|ring| {
        let ring = STANDARD_NO_PAD.encode(ring);
        format!(r#"{{"evolve_version":1,"ring":"{ring}","state":1}}"#)
    });
    let events: Vec<_> = kinds.iter().map(event).collect();
    let metadata = Metadata::new("tests", "tests");
    Commit::new(at, Hash::default(), &stamp, &metadata, &events, snapshot).expect("it has JSON")
}

const FIRST: [u8; 4] = [0; 4];

#[tokio::test]
async fn a_commit_at_any_version_is_corrupt_where_it_does_not_follow() {
    for version in [2, 1_000_000, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
        for kinds in [&["Added"][..], &["Unknown"], &["Added", "Unknown"]] {
            let log = MemoryEventLog::default();
            log.tamper(forged(version, kinds, None));
            let read = async {
                let loaded = Stream::<Sum<false>>::load(&log, "sum-1").await;
                let replayed = Stream::<Sum<false>>::replay(&log, "sum-1", u64::MAX).await;
                [loaded, replayed].map(|read| read.map(|stream| stream.version))
            };
            let read = tokio::time::timeout(Duration::from_secs(60), read).await;
            for read in read.expect("it comes to an end") {
                let is_corrupt = matches!(read, Err(StoreError::Corrupt { .. }));
                assert!(is_corrupt, "{version}: {read:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_snapshot_at_the_last_version_of_all_is_passed_over() {
    for kinds in [&["Added"][..], &["Added", "Added"]] {
        let log = MemoryEventLog::default();
        let commit = forged(u64::MAX, kinds, Some(&FIRST));
        assert!(commit.last_version().is_err());
        assert!(commit.recorded::<Sum<false>>().is_ok());
        log.tamper(commit);
        let (cache, metadata) = (Cache::<Sum<false>>::none(), Metadata::new("tests", "tests"));
        let part = Part::new("sum-1", &1, &cache);
        let done = execute(&log, &ServiceClock::default(), &metadata, part).await;
        assert!(done.is_err(), "{done:?}");
    }
}

#[tokio::test]
async fn a_head_at_any_version_stops_no_publisher() {
    let (log, heads) = (MemoryEventLog::default(), MemoryHeads::default());
    let head = Head {
        stream: "sum-1".into(),
        version: u64::MAX,
        hash: Hash::default(),
    };
    assert!(heads.put(&head, None).await.expect("kept"));
    let commit = forged(1, &["Added"], None);
    let advanced = advance(&heads, &log, "sum-1", &[commit]).await;
    advanced.expect("it is known to be before the head");
}

/// Appends so many commits of 50 events to `sum-1`.
async fn grow<const LEDGER: bool>(log: &MemoryEventLog, commits: usize) {
    let cache = Cache::<Sum<LEDGER>>::new(1 << 20);
    for _ in 0..commits {
        let (part, metadata) = (
            Part::new("sum-1", &50, &cache),
            Metadata::new("tests", "tests"),
        );
        let done = execute(log, &ServiceClock::default(), &metadata, part).await;
        done.expect("appended");
    }
}

#[tokio::test]
async fn a_ring_that_reaches_far_back_is_cut() {
    let log = MemoryEventLog::default();
    let far = [&FIRST[..], &[1, 2, 3, 4, 0xff, 0xff]].concat();
    log.tamper(forged(70_000, &["Added"], Some(&far)));
    grow::<false>(&log, 1).await;
}

/// What an aggregate's ring held when it went over to a ledger stays, and gets older.
#[tokio::test]
async fn an_aggregate_may_go_over_to_a_ledger() {
    let log = MemoryEventLog::default();
    grow::<false>(&log, 2).await;
    grow::<true>(&log, (1 << 16) / 50 + 2).await;
    let sum = Stream::<Sum<true>>::load(&log, "sum-1").await;
    assert_eq!(sum.expect("readable").version, 50 * 1_314);
}

/// The same events, of which it makes something else.
struct Double;

impl Decider for Double {
    const CATEGORY: &'static str = "sum";
    const EVOLVE_VERSION: u32 = 2;
    type State = u64;
    type Command = usize;
    type Event = Event;
    type Error = ();

    fn decide(_: &usize, _: &u64) -> Result<Vec<Event>, ()> {
        Ok(Vec::new())
    }

    fn evolve(sum: u64, Event::Added(more): &Event) -> u64 {
        sum + 2 * more
    }
}

#[tokio::test]
async fn a_snapshot_of_another_evolve_is_passed_over() {
    let log = MemoryEventLog::default();
    grow::<false>(&log, 1).await;
    let sum = Stream::<Sum<false>>::load(&log, "sum-1").await;
    let sum = sum.expect("readable");
    assert_eq!((sum.state, sum.passed_over), (50, 0));
    let double = Stream::<Double>::load(&log, "sum-1").await;
    let double = double.expect("readable");
    assert_eq!((double.state, double.passed_over), (100, 1));
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_read_is_passed_over() {
    let spoils = [
        ("{", "no JSON"),
        (
            r#"{"evolve_version":1,"ring":"AAAAAA","state":"x"}"#,
            "state",
        ),
        (r#"{"evolve_version":1,"ring":"AAAAA","state":7}"#, "ring"),
        (
            r#"{"evolve_version":1,"ring":"AAAAAAAAAAD//w","state":7}"#,
            "far",
        ),
        (r#"{"evolve_version":1,"state":7}"#, "no ring"),
    ];
    for (snapshot, why) in spoils {
        let log = MemoryEventLog::default();
        let whole = forged(1, &["Added"], None);
        let (stamp, metadata) = (whole.stamp(), whole.metadata());
        let at = Position {
            stream: whole.stream.clone(),
            version: 1,
        };
        let events = whole.events().expect("readable");
        let (stamp, metadata) = (stamp.expect("readable"), metadata.expect("readable"));
        let snapshot = Some(snapshot.to_owned());
        let commit = Commit::new(at, Hash::default(), &stamp, &metadata, &events, snapshot);
        log.tamper(commit.expect("it has JSON"));
        let sum = Stream::<Sum<false>>::load(&log, "sum-1").await;
        let sum = sum.expect("readable");
        assert_eq!((sum.state, sum.passed_over), (1, 1), "{why}");
    }
}
