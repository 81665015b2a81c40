use super::*;
use decider::Upcaster;
use event_store::{Batch, Hash, MemoryEventLog, Stamp};
use serde::Deserialize;
use uuid::Uuid;

/// Says on which floor it is, and where it stopped.
enum Lift {}

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
enum Event {
    Moved { to: i32 },
    Stopped,
}

impl Decider for Lift {
    const CATEGORY: &'static str = "lift";
    const UPCASTERS: &'static [Upcaster<Event>] = &[
        Upcaster {
            kind: "Moved",
            schema_version: 1,
            read: |json| {
                let to = serde_json::from_str(json).map_err(|error| error.to_string())?;
                Ok(vec![Event::Moved { to }, Event::Stopped])
            },
        },
        Upcaster {
            kind: "Called",
            schema_version: 1,
            read: |_| Ok(vec![]),
        },
    ];
    type State = ();
    type Command = ();
    type Event = Event;
    type Error = ();

    fn decide((): &(), (): &()) -> Result<Vec<Event>, ()> {
        Ok(vec![])
    }

    fn evolve((): (), _: &Event) {}
}

/// A commit of events of these types, schema versions and data, so many seconds after 1970, by an actor.
fn commit_by(actor: &str, second: i64, version: u64, events: Value) -> Commit {
    let Value::Array(events) = events else {
        panic!("a list of events")
    };
    let stored = events.into_iter().map(|event| {
        let mut stored = json!({ "id": Uuid::now_v7() });
        for (at, name) in ["type", "schema_version", "data"].iter().enumerate() {
            stored[*name] = event[at].clone();
        }
        serde_json::from_str(&stored.to_string()).expect("a stored event")
    });
    let stored: Vec<StoredEvent> = stored.collect();
    let position = event_store::Position {
        stream: "lift-1".into(),
        version,
    };
    let stamp = Stamp {
        id: Uuid::now_v7(),
        timestamp: at(second),
    };
    let metadata = Metadata::new(actor, "http");
    Commit::new(position, Hash::default(), &stamp, &metadata, &stored, None).expect("it has JSON")
}

fn commit(version: u64, events: Value) -> Commit {
    commit_by("sarah", 0, version, events)
}

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).expect("a time")
}

/// Two commits: an event of two, one of none and one of today; then a stop.
fn commits() -> [Commit; 2] {
    let old = json!([["Moved", 1, 3], ["Called", 1, 3], ["Moved", 2, { "to": 4 }]]);
    [commit(1, old), commit(4, json!([["Stopped", 1, null]]))]
}

async fn log(commits: impl IntoIterator<Item = Commit>) -> MemoryEventLog {
    let log = MemoryEventLog::default();
    for commit in commits {
        log.append(&Batch::of(commit)).await.expect("it is new");
    }
    log
}

async fn page(
    commits: impl IntoIterator<Item = Commit>,
    place: Option<Place>,
    limit: usize,
    filter: Filter,
) -> Result<Page, PastError> {
    history::<Lift>(&log(commits).await, "lift-1", &filter, place, limit).await
}

fn today() -> Filter {
    let form = Form::Today;
    Filter {
        form,
        ..Filter::default()
    }
}

/// These members of the events of a page.
fn members(page: &Page, names: &[&str]) -> Value {
    let member = |event: &Value| names.iter().map(|name| event[*name].clone()).collect();
    page.events
        .iter()
        .map(member)
        .collect::<Vec<Value>>()
        .into()
}

fn versions(page: &Page) -> Vec<u64> {
    let versions = page.events.iter().map(|event| event["version"].as_u64());
    versions
        .map(|version| version.expect("a version"))
        .collect()
}

#[tokio::test]
async fn an_event_keeps_its_stored_shape_and_shows_todays() {
    let page = page(commits(), None, 20, today()).await.expect("readable");
    let names = ["version", "type", "schema_version", "data", "today"];
    let moved = |to: u8| json!({ "type": "Moved", "data": { "to": to } });
    let stopped = json!({ "type": "Stopped", "data": null });
    let expected = json!([
        [1, "Moved", 1, 3, [moved(3), stopped]],
        [2, "Called", 1, 3, []],
        [3, "Moved", 2, { "to": 4 }, [moved(4)]],
        [4, "Stopped", 1, null, [stopped]],
    ]);
    assert_eq!(members(&page, &names), expected);
    assert_eq!(page.next, None);
}

#[tokio::test]
async fn what_was_stored_is_shown_alone_unless_today_is_asked_for() {
    let commits = commits();
    let stored = page(commits.clone(), None, 20, Filter::default()).await;
    let mut shown = page(commits, None, 20, today()).await.expect("readable");
    for event in &mut shown.events {
        let event = event.as_object_mut().expect("an event");
        event.remove("today").expect("today's form");
    }
    assert_eq!(shown, stored.expect("readable"));
}

#[tokio::test]
async fn a_page_counts_stored_events_in_either_form() {
    for filter in [Filter::default(), today()] {
        let first = page(commits(), None, 2, filter.clone()).await;
        let first = first.expect("readable");
        assert_eq!(versions(&first), [1, 2]);
        assert!(first.next.is_some());
        let second = page(commits(), first.next, 2, filter).await;
        let second = second.expect("readable");
        assert_eq!(versions(&second), [3, 4]);
        assert_eq!(second.next, None);
    }
}

#[tokio::test]
async fn what_no_upcaster_understands_is_shown_as_stored_and_is_not_skipped_today() {
    let commits = [commit(1, json!([["Moved", 1, "up"]]))];
    let stored = page(commits.clone(), None, 20, Filter::default()).await;
    let stored = stored.expect("readable");
    assert_eq!(members(&stored, &["data"]), json!([["up"]]));
    let shown = page(commits, None, 20, today()).await;
    assert!(matches!(
        shown,
        Err(PastError::Store(StoreError::Corrupt { version: 1, .. }))
    ));
}

#[tokio::test]
async fn a_commit_that_cannot_be_read_hides_no_other() {
    let mut broken = commit(2, json!([["Stopped", 1, null]]));
    broken.events = "[".to_owned();
    let stop = |version| commit(version, json!([["Stopped", 1, null]]));
    let commits = [stop(1), broken, stop(3)];
    let page = page(commits, None, 20, Filter::default())
        .await
        .expect("readable");
    assert_eq!(versions(&page), [1, 2, 3]);
    assert!(page.events[1]["unreadable"].is_string());
}

/// Sarah and Mei by turns, one event of two types each second: version 1 at second 1.
fn busy(many: u64) -> Vec<Commit> {
    let commit = |version: u64| {
        let actor = if version % 2 == 1 { "sarah" } else { "mei" };
        let event = if version.is_multiple_of(3) {
            json!([["Stopped", 1, null]])
        } else {
            json!([["Moved", 2, { "to": 1 }]])
        };
        commit_by(actor, version as i64, version, event)
    };
    (1..=many).map(commit).collect()
}

#[tokio::test]
async fn a_history_is_shown_from_one_moment_to_another_both_of_them_among_it() {
    let version = |version| Some(Moment::Version(version));
    let time = |second| Some(Moment::Time(at(second)));
    for (from, to, expected) in [
        (version(3), version(5), 3..=5),
        (time(3), time(5), 3..=5),
        (version(3), time(5), 3..=5),
        (None, version(2), 1..=2),
        (time(9), None, 9..=10),
        (version(0), None, 1..=10),
        (time(0), None, 1..=10),
        (time(10), time(10), 10..=10),
    ] {
        let filter = Filter {
            from,
            to,
            ..Filter::default()
        };
        let whole = page(busy(10), None, 20, filter.clone())
            .await
            .expect("readable");
        let expected: Vec<_> = expected.collect();
        assert_eq!(versions(&whole), expected, "{filter:?}");
        assert_eq!(whole.next, None, "{filter:?}");
        let (mut place, mut found) = (None, Vec::new());
        loop {
            let page = page(busy(10), place, 1, filter.clone())
                .await
                .expect("readable");
            found.extend(versions(&page));
            place = page.next;
            if place.is_none() {
                break;
            }
        }
        assert_eq!(found, expected, "{filter:?} one by one");
    }
    for filter in [
        Filter {
            from: version(11),
            ..Filter::default()
        },
        Filter {
            from: time(11),
            ..Filter::default()
        },
        Filter {
            from: version(5),
            to: version(4),
            ..Filter::default()
        },
    ] {
        let page = page(busy(10), None, 20, filter).await.expect("readable");
        assert_eq!(page, Page::default());
    }
}

#[tokio::test]
async fn a_moment_in_the_middle_of_a_commit_begins_there() {
    let filter = |from, to| Filter {
        from: Some(Moment::Version(from)),
        to: Some(Moment::Version(to)),
        ..Filter::default()
    };
    let shown = page(commits(), None, 20, filter(2, 3))
        .await
        .expect("readable");
    assert_eq!(versions(&shown), [2, 3]);
}

#[tokio::test]
async fn a_history_may_be_that_of_one_type_or_of_one_actor() {
    let of = |kind: Option<&str>, actor: Option<&str>| Filter {
        kind: kind.map(str::to_owned),
        actor: actor.map(str::to_owned),
        ..Filter::default()
    };
    for (filter, expected) in [
        (of(Some("Stopped"), None), vec![3, 6, 9]),
        (of(None, Some("mei")), vec![2, 4, 6, 8, 10]),
        (of(Some("Stopped"), Some("mei")), vec![6]),
        (of(Some("Stopped"), Some("jonas")), vec![]),
    ] {
        let page = page(busy(10), None, 20, filter.clone())
            .await
            .expect("readable");
        assert_eq!(versions(&page), expected, "{filter:?}");
        assert_eq!(page.next, None, "{filter:?}");
    }
}

#[tokio::test]
async fn a_page_looks_at_so_many_commits_and_goes_on_in_the_next_one() {
    let many = MOST as u64 + 200;
    let mut commits = busy(many);
    commits.push(commit_by(
        "jonas",
        many as i64 + 1,
        many + 1,
        json!([["Stopped", 1, null]]),
    ));
    let filter = Filter {
        actor: Some("jonas".to_owned()),
        ..Filter::default()
    };
    let log = log(commits).await;
    let first = history::<Lift>(&log, "lift-1", &filter, None, 20)
        .await
        .expect("readable");
    assert_eq!(versions(&first), [0; 0]);
    assert!(first.next.is_some());
    let second = history::<Lift>(&log, "lift-1", &filter, first.next, 20).await;
    let second = second.expect("readable");
    assert_eq!(versions(&second), [many + 1]);
    assert_eq!(second.next, None);
}

#[tokio::test]
async fn a_stream_without_events_is_unknown_however_it_is_asked_for() {
    for from in [None, Some(Moment::Version(3)), Some(Moment::Time(at(3)))] {
        let filter = Filter {
            from,
            ..Filter::default()
        };
        let nothing = page([], None, 20, filter).await;
        assert!(
            matches!(nothing, Err(PastError::Unknown { .. })),
            "{from:?}"
        );
    }
}

#[tokio::test]
async fn a_place_of_another_question_does_not_lead_out_of_this_one() {
    for from in [Moment::Version(5), Moment::Time(at(5))] {
        let filter = Filter {
            from: Some(from),
            to: Some(Moment::Version(7)),
            ..Filter::default()
        };
        for commit in [1, 3, 6, 9] {
            let place = Some(Place { commit, skip: 0 });
            let page = page(busy(10), place, 20, filter.clone()).await;
            let expected: Vec<_> = (commit.max(5)..=7).collect();
            assert_eq!(
                versions(&page.expect("readable")),
                expected,
                "{from} {commit}"
            );
        }
    }
}
