//! Events that nobody can read today are errors, and are not skipped.

use crate::streams::commit;
use event_store::{Cache, ExecuteError, MemoryEventLog, StoreError, StoredEvent, Stream};
use serde_json::json;
use tests::doors::{Door, Event, run, stored};

/// Asserts that whoever reads an event, at version 2 of a commit, is told this of it.
async fn assert_corrupt(event: StoredEvent, told: &str) {
    let what = format!("event {} of type {}: {told}", event.id, event.kind);
    let assert = |error: StoreError| match error {
        StoreError::Corrupt {
            stream,
            version,
            why,
        } => {
            assert_eq!((stream.as_str(), version), ("door-1", 2));
            assert!(why.starts_with(&what), "{why} should begin with: {what}");
        }
        other => panic!("{other:?}"),
    };
    let knocked = stored("Knocked", 1, &json!({}));
    let commit = commit("door-1", 1, &[knocked.clone(), event, knocked]);
    assert(commit.recorded::<Door>().expect_err("it is not skipped"));
    let log = MemoryEventLog::default();
    log.tamper(commit);
    let loaded = Stream::<Door>::load(&log, "door-1").await;
    assert(
        loaded
            .map(|stream| stream.version)
            .expect_err("it is not skipped"),
    );
    let replayed = Stream::<Door>::replay(&log, "door-1", 3).await;
    assert(
        replayed
            .map(|stream| stream.version)
            .expect_err("it is not skipped"),
    );
    let placed = vec![Event::Placed {
        side: "north".into(),
    }];
    match run(&Cache::<Door>::none(), &log, "door-1", None, placed).await {
        Err(ExecuteError::Store(error)) => assert(error),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_event_that_its_upcaster_refuses_is_corrupt() {
    let labelled = |data| stored("Labelled", 1, &data);
    assert_corrupt(
        labelled(json!({ "label": "north" })),
        "a label has two parts",
    )
    .await;
    let no_number = labelled(json!({ "label": "north 12" }));
    assert_corrupt(no_number, "a label begins with a number").await;
    assert_corrupt(labelled(json!({ "number": 12 })), "missing field `label`").await;
}

#[tokio::test]
async fn a_schema_version_that_is_not_known_is_corrupt() {
    // All of it reads as today's, if nobody looks at the version.
    let data =
        json!({ "number": 12, "label": "12 north", "side": "north", "turns": 1, "by": "Sarah" });
    for (kind, known, found) in [
        ("Labelled", "[1, 2]", 3),
        ("Labelled", "[1, 2]", 0),
        ("Locked", "[1, 2]", 3),
        ("Knocked", "[1, 2]", 3),
        ("Placed", "[1]", 2),
        ("Opened", "[1]", 2),
    ] {
        let told = format!("schema versions {known} are known, found {found}");
        assert_corrupt(stored(kind, found, &data), &told).await;
    }
}

#[tokio::test]
async fn the_shape_of_another_schema_version_is_corrupt() {
    let number = json!({ "number": 12 });
    assert_corrupt(stored("Labelled", 1, &number), "missing field `label`").await;
    let label = json!({ "label": "12 north" });
    assert_corrupt(stored("Labelled", 2, &label), "missing field `number`").await;
}

#[tokio::test]
async fn a_type_that_is_no_longer_written_has_no_shape_of_today() {
    let told = "unknown variant `Bolted`";
    assert_corrupt(stored("Bolted", 2, &json!({})), told).await;
    assert_corrupt(
        stored("Painted", 1, &json!({})),
        "unknown variant `Painted`",
    )
    .await;
}
