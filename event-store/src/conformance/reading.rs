//! Commits are read as they were written, in order, from any part of a stream, whatever its size.

use super::Fixture;
use super::kit::*;
use crate::{Batch, Commit, EventLog, Hash, Metadata, Stamp};
use chrono::TimeDelta;
use std::ops::RangeInclusive;
use uuid::Uuid;

/// Texts, chain, digest and snapshot come back byte for byte, and what was absent is absent.
pub async fn a_commit_is_read_as_it_was_appended(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let name = stream();
    let metadata = Metadata {
        causation_id: Some(Uuid::now_v7()),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        reason: Some("because of \"Zoë\" \u{1F980}".into()),
        parts: vec![position(&name, 1), position("other", 7)],
        ..Metadata::new("conformance", "tests").keyed(Uuid::now_v7(), "fingerprint")
    };
    let stamp = Stamp {
        id: Uuid::now_v7(),
        timestamp: moment(),
    };
    let mut events = vec![event(r#"{"b":1.50,"a":[1e3]}"#), event("null")];
    events[1].effective_at = Some(moment() - TimeDelta::days(1));
    let snapshot = Some(r#"{ "spaced" : "\u00eb" }"#.to_owned());
    let previous = Hash::of(&[b"the commit before"]);
    let full = Commit::new(
        position(&name, 1),
        previous,
        &stamp,
        &metadata,
        &events,
        snapshot,
    );
    let full = full.expect("it has JSON");
    let bare = commit(&name, 3);
    assert!(full.digest.is_some() && bare.digest.is_none());
    append(&log, Batch::of(full.clone())).await;
    append(&log, Batch::of(bare.clone())).await;
    append(&log, Batch::of(first())).await;

    let read = all(&log, &name).await;
    assert_eq!(read, [full.clone(), bare.clone()]);
    assert_eq!(read[0].hash(), read[0].chain.hash, "the chain is whole");
    assert!(read[0].has_its_snapshot());
    let newest = log.newest(&name, EVERY, usize::MAX).await;
    assert_eq!(newest.expect("readable"), [bare.clone(), full.clone()]);
    let texts = log.events(&name, EVERY).await.expect("readable");
    assert_eq!(texts, [(1, full.events), (3, bare.events)]);
    assert_eq!(all(&log, &stream()).await, [], "a stream that nobody wrote");
}

/// A page of DynamoDB ends at a megabyte; no way of reading ends there.
pub async fn a_stream_over_a_megabyte_is_read_whole(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let name = stream();
    for version in 1..=12 {
        let large = commit_of_size(&name, version, 200 * 1024);
        append(&log, Batch::of(large)).await;
    }
    let upwards: Vec<u64> = (1..=12).collect();
    let downwards: Vec<u64> = (1..=12).rev().collect();
    assert_eq!(versions(&all(&log, &name).await), upwards);
    let newest = log.newest(&name, EVERY, usize::MAX).await;
    assert_eq!(versions(&newest.expect("readable")), downwards);
    let events = log.events(&name, EVERY).await.expect("readable");
    let of_events: Vec<_> = events.iter().map(|(version, _)| *version).collect();
    assert_eq!(of_events, upwards);

    let first_9 = log.read(&name, EVERY, 9).await.expect("readable");
    assert_eq!(versions(&first_9), upwards[..9], "a limit over two pages");
    let last_9 = log.newest(&name, EVERY, 9).await.expect("readable");
    assert_eq!(versions(&last_9), downwards[..9]);
}

/// Versions are numbers and not texts; a range holds both its ends.
pub async fn a_range_is_read_in_order_up_to_its_limit(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let name = stream();
    for version in 1..=12 {
        append(&log, Batch::of(commit(&name, version))).await;
    }
    let read = async |range: RangeInclusive<u64>, limit| {
        versions(&log.read(&name, range, limit).await.expect("readable"))
    };
    let newest = async |range: RangeInclusive<u64>, limit| {
        versions(&log.newest(&name, range, limit).await.expect("readable"))
    };
    assert_eq!(read(9..=11, usize::MAX).await, [9, 10, 11]);
    assert_eq!(read(2..=u64::MAX, 3).await, [2, 3, 4]);
    assert_eq!(read(0..=2, 3).await, [1, 2]);
    assert_eq!(newest(9..=11, usize::MAX).await, [11, 10, 9]);
    assert_eq!(newest(EVERY, 3).await, [12, 11, 10]);
    assert_eq!(newest(1..=10, 1).await, [10]);
    let events = log.events(&name, 9..=10).await.expect("readable");
    assert_eq!(events.len(), 2);
    assert_eq!((events[0].0, events[1].0), (9, 10));
}

/// Nothing is asked for, nothing is found, and nothing goes wrong.
pub async fn an_empty_range_holds_nothing(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let name = stream();
    append(&log, Batch::of(commit(&name, 1))).await;
    append(&log, Batch::of(commit(&name, 2))).await;
    for (from, to, limit) in [(2, 1, 9), (1, 0, 9), (0, 0, 9), (3, u64::MAX, 9), (1, 2, 0)] {
        let range = RangeInclusive::new(from, to);
        let read = log.read(&name, range.clone(), limit).await;
        assert_eq!(read.expect("readable"), [], "{range:?} up to {limit}");
        let newest = log.newest(&name, range.clone(), limit).await;
        assert_eq!(newest.expect("readable"), [], "{range:?} up to {limit}");
        if limit > 0 {
            let events = log.events(&name, range.clone()).await;
            assert_eq!(events.expect("readable"), [], "{range:?}");
        }
    }
}

/// The newest commit that begins at or before a version is the one that holds it.
pub async fn a_version_inside_a_commit_is_found(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let name = stream();
    for version in [1, 4, 7] {
        append(&log, Batch::of(commit_of(&name, version, &["1", "2", "3"]))).await;
    }
    for (version, begins) in [(1, 1), (3, 1), (4, 4), (6, 4), (9, 7)] {
        let found = log.newest(&name, 1..=version, 1).await.expect("readable");
        assert_eq!(versions(&found), [begins], "holds version {version}");
    }
}
