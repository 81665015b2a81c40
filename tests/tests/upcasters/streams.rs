//! Streams that hold events of both times.

use chrono::DateTime;
use event_store::{
    Batch, Cache, Commit, EventLog, ExecuteError, Hash, MemoryEventLog, Metadata, Position, Stamp,
    StoredEvent, Stream, rfc3339,
};
use serde_json::json;
use tests::backend::Backend;
use tests::doors::{Before, Door, Event, Old, run, stored};
use tests::on_each_backend;
use uuid::Uuid;

on_each_backend! {
    a_stream_that_began_before_goes_on_without_a_gap
    a_long_stream_that_began_before_is_replayed
}

/// A commit at a version of a stream, at a time of its own.
pub fn commit(name: &str, version: u64, events: &[StoredEvent]) -> Commit {
    let at = Position {
        stream: name.to_owned(),
        version,
    };
    let stamp = Stamp {
        id: Uuid::now_v7(),
        timestamp: DateTime::from_timestamp_micros(version.cast_signed()).expect("a time"),
    };
    let metadata = Metadata::new("tests", "tests");
    Commit::new(at, Hash::default(), &stamp, &metadata, events, None).expect("it has JSON")
}

fn labelled(number: u32) -> Event {
    Event::Labelled { number }
}

fn placed(side: &str) -> Event {
    Event::Placed { side: side.into() }
}

fn secured(by: &str) -> Event {
    Event::Secured { by: by.into() }
}

fn locked(turns: u32) -> Event {
    Event::Locked { turns }
}

fn opened(degrees: u32) -> Event {
    let by = "Sarah".into();
    Event::Opened { by, degrees }
}

fn opened_before() -> Old {
    Old::Opened { by: "Sarah".into() }
}

fn labelled_before() -> Old {
    let label = "12 north".into();
    Old::Labelled { label }
}

/// Each event that may be stored, with what it is today.
fn every_kind() -> Vec<(StoredEvent, Vec<Event>)> {
    let labelled_before = stored("Labelled", 1, &json!({ "label": "12 north" }));
    let opened_before = stored("Opened", 1, &json!({ "by": "Sarah" }));
    let mut kinds = vec![
        (labelled_before, vec![labelled(12), placed("north")]),
        (stored("Knocked", 1, &json!({})), vec![]),
        (stored("Bolted", 1, &json!({})), vec![secured("a bolt")]),
        (stored("Locked", 1, &json!({ "turns": 4 })), vec![locked(2)]),
        (opened_before, vec![opened(0)]),
    ];
    for event in [
        labelled(7),
        placed("south"),
        secured("a key"),
        locked(3),
        opened(90),
    ] {
        let stored = StoredEvent::encode::<Door>(Uuid::now_v7(), &event).expect("it has JSON");
        kinds.push((stored, vec![event]));
    }
    kinds
}

/// All sequences of so many kinds.
fn mixes(length: u32) -> impl Iterator<Item = Vec<(StoredEvent, Vec<Event>)>> {
    let kinds = every_kind();
    (0..kinds.len().pow(length)).map(move |number| {
        let digit = |place| number / kinds.len().pow(place) % kinds.len();
        (0..length)
            .map(|place| kinds[digit(place)].clone())
            .collect()
    })
}

#[test]
fn what_is_written_is_a_schema_version_after_what_is_read_by_an_upcaster() {
    let written = every_kind().into_iter().skip(5);
    let versions = written.map(|(stored, _)| (stored.kind, stored.schema_version));
    let expected = [
        ("Labelled", 2),
        ("Placed", 1),
        ("Secured", 1),
        ("Locked", 2),
        ("Opened", 1),
    ];
    let expected = expected.map(|(kind, version)| (kind.to_owned(), version));
    assert_eq!(versions.collect::<Vec<_>>(), expected);
}

#[test]
fn todays_events_have_the_id_the_version_and_the_time_of_what_was_stored() {
    for mix in mixes(3) {
        let events: Vec<_> = mix.iter().map(|(stored, _)| stored.clone()).collect();
        let commit = commit("door-1", 5, &events);
        assert_eq!(commit.last_version().expect("readable"), 7);
        let recorded = commit.recorded::<Door>().expect("readable");
        let found = recorded.into_iter().map(|recorded| {
            assert_eq!(
                recorded.timestamp,
                rfc3339(commit.stamp().expect("one").timestamp)
            );
            (recorded.id, recorded.version, recorded.event)
        });
        let expected = mix.iter().zip(5..).flat_map(|((stored, today), version)| {
            let of = move |event: &Event| (stored.id.to_string(), version, event.clone());
            today.iter().map(of)
        });
        assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    }
}

/// One commit with an old event in it is read event by event, the one beside it all at once.
#[tokio::test]
async fn any_mix_is_folded_alike_whether_it_lies_in_one_commit_or_in_many() {
    for mix in (1..=3).flat_map(mixes) {
        let events: Vec<_> = mix.iter().map(|(stored, _)| stored.clone()).collect();
        let today: Vec<_> = mix.iter().flat_map(|(_, today)| today.clone()).collect();
        let log = MemoryEventLog::default();
        log.tamper(commit("door-1", 1, &events));
        for (event, version) in events.iter().zip(1..) {
            log.tamper(commit("door-2", version, std::slice::from_ref(event)));
        }
        for name in ["door-1", "door-2"] {
            let loaded = Stream::<Door>::load(&log, name).await.expect("readable");
            assert_eq!(
                (loaded.version, &loaded.state),
                (events.len() as u64, &today)
            );
            let replayed = Stream::<Door>::replay(&log, name, u64::MAX).await;
            assert_eq!(replayed.expect("readable").state, today);
        }
    }
}

/// The versions of a stream's commits, each with that of its last event.
async fn versions(log: &impl EventLog, name: &str) -> Vec<(u64, u64)> {
    let commits = log.read(name, 1..=u64::MAX, usize::MAX).await;
    let commits = commits.expect("readable");
    let versions = commits.iter().map(|commit| {
        let last = commit.last_version().expect("readable");
        (commit.version, last)
    });
    versions.collect()
}

async fn a_stream_that_began_before_goes_on_without_a_gap(backend: &Backend) {
    let (log, name) = (backend.log(), "door-1");
    let (before, now) = (Cache::<Before>::none(), Cache::<Door>::new(1 << 20));
    for events in [
        vec![labelled_before(), Old::Knocked {}],
        vec![opened_before(), Old::Bolted {}],
        vec![Old::Knocked {}],
    ] {
        let done = run(&before, &log, name, None, events).await;
        done.expect("appended");
    }
    let mut today = vec![labelled(12), placed("north"), opened(0), secured("a bolt")];
    let loaded = Stream::<Door>::load(&log, name).await.expect("readable");
    assert_eq!((loaded.version, loaded.state), (5, today.clone()));
    assert_eq!(loaded.passed_over, 1, "the snapshot of doors as they were");

    // This fails, because versions count what is stored, and not today's four events.
    let stale = run(&now, &log, name, Some(4), vec![opened(1)]).await;
    assert!(
        matches!(stale, Err(ExecuteError::Stale { found: 5 })),
        "{stale:?}"
    );
    for (version, degrees) in [(5, 45), (6, 90), (7, 0)] {
        let done = run(&now, &log, name, Some(version), vec![opened(degrees)]).await;
        assert_eq!(done.expect("appended").version, version + 1);
        today.push(opened(degrees));
    }
    let contiguous = [(1, 2), (3, 4), (5, 5), (6, 6), (7, 7), (8, 8)];
    assert_eq!(versions(&log, name).await, contiguous);
    let loaded = Stream::<Door>::load(&log, name).await.expect("readable");
    assert_eq!((loaded.version, loaded.state), (8, today.clone()));
    assert_eq!(
        loaded.passed_over, 0,
        "doors of today took one of their own"
    );
    let replayed = Stream::<Door>::replay(&log, name, 8).await;
    assert_eq!(replayed.expect("readable").state, today);
}

/// So long that it is read in pieces, without their commits.
async fn a_long_stream_that_began_before_is_replayed(backend: &Backend) {
    let (log, name, mut today) = (backend.log(), "door-1", Vec::new());
    for version in (1..=300).step_by(3) {
        let events = every_kind().into_iter().cycle().skip(version).take(3);
        let (events, each): (Vec<_>, Vec<_>) = events.unzip();
        today.extend(each.concat());
        let batch = Batch::of(commit(name, version as u64, &events));
        log.append(&batch).await.expect("appended");
    }
    let loaded = Stream::<Door>::load(&log, name).await.expect("readable");
    assert_eq!((loaded.version, &loaded.state), (300, &today));
    let replayed = Stream::<Door>::replay(&log, name, 300).await;
    assert_eq!(replayed.expect("readable").state, today);
}

/// What was kept reads as a state of today, and means another.
#[tokio::test]
async fn a_snapshot_of_doors_as_they_were_is_passed_over() {
    let (log, name) = (MemoryEventLog::default(), "door-1");
    let turned = vec![Old::Locked { turns: 4 }; 4];
    let done = run(&Cache::<Before>::none(), &log, name, None, turned).await;
    done.expect("appended");
    let loaded = Stream::<Door>::load(&log, name).await.expect("readable");
    assert_eq!((loaded.state, loaded.passed_over), (vec![locked(2); 4], 1));
}

#[tokio::test]
async fn a_commit_whose_events_are_none_today_is_a_commit() {
    let (log, name) = (MemoryEventLog::default(), "door-1");
    let knocks = vec![Old::Knocked {}, Old::Knocked {}];
    let done = run(&Cache::<Before>::none(), &log, name, None, knocks).await;
    done.expect("appended");
    let loaded = Stream::<Door>::load(&log, name).await.expect("readable");
    assert_eq!((loaded.version, loaded.state), (2, vec![]));
    let done = run(&Cache::<Door>::none(), &log, name, Some(2), vec![opened(1)]).await;
    assert_eq!(done.expect("appended").version, 3);
    assert_eq!(versions(&log, name).await, [(1, 2), (3, 3)]);
}

#[tokio::test]
async fn what_is_stored_is_not_edited() {
    let (log, name) = (MemoryEventLog::default(), "door-1");
    let old = vec![labelled_before(), Old::Knocked {}, opened_before()];
    let done = run(&Cache::<Before>::none(), &log, name, None, old).await;
    done.expect("appended");
    let before = log.read(name, 1..=1, 1).await.expect("readable");
    let done = run(&Cache::<Door>::none(), &log, name, None, vec![opened(1)]).await;
    done.expect("appended");
    assert_eq!(log.read(name, 1..=1, 1).await.expect("readable"), before);
}
