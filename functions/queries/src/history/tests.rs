use super::*;
use decider::Upcaster;
use event_store::{Hash, Metadata, Stamp};
use serde::Deserialize;
use std::time::SystemTime;
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

/// A commit of events of these types, schema versions and data.
fn commit(version: u64, events: Value) -> Commit {
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
    let at = event_store::Position {
        stream: "lift-1".into(),
        version,
    };
    let stamp = Stamp {
        id: Uuid::now_v7(),
        timestamp: SystemTime::UNIX_EPOCH.into(),
    };
    let metadata = Metadata::new("sarah", "http");
    Commit::new(at, Hash::default(), &stamp, &metadata, &stored, None).expect("it has JSON")
}

/// Two commits: an event of two, one of none and one of today; then a stop.
fn commits() -> [Commit; 2] {
    let old = json!([["Moved", 1, 3], ["Called", 1, 3], ["Moved", 2, { "to": 4 }]]);
    [commit(1, old), commit(4, json!([["Stopped", 1, null]]))]
}

const START: Position = Position { commit: 1, skip: 0 };

/// These members of the events of a page.
fn members(page: &Value, names: &[&str]) -> Value {
    let events = page["data"].as_array().expect("events").iter();
    let member = |event: &Value| names.iter().map(|name| event[*name].clone()).collect();
    events.map(member).collect::<Vec<Value>>().into()
}

#[test]
fn an_event_keeps_its_stored_shape_and_shows_todays() {
    let page = page::<Lift>(&commits(), START, 20, Form::Today).expect("readable");
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
    assert_eq!(page["next_cursor"], Value::Null);
}

#[test]
fn what_was_stored_is_shown_alone_unless_today_is_asked_for() {
    let commits = commits();
    let show = |form| page::<Lift>(&commits, START, 20, form).expect("readable");
    let (mut today, stored) = (show(Form::Today), show(Form::Stored));
    for event in today["data"].as_array_mut().expect("events") {
        let event = event.as_object_mut().expect("an event");
        event.remove("today").expect("today's form");
    }
    assert_eq!(today, stored);
}

#[test]
fn a_page_counts_stored_events_in_either_form() {
    for form in [Form::Stored, Form::Today] {
        let first = page::<Lift>(&commits(), START, 2, form).expect("readable");
        assert_eq!(members(&first, &["version"]), json!([[1], [2]]));
        let cursor = Cursor::parse(first["next_cursor"].as_str().expect("a text"));
        let from = Position::of(&cursor.expect("a cursor")).expect("a position");
        let second = page::<Lift>(&commits(), from, 2, form).expect("readable");
        assert_eq!(members(&second, &["version"]), json!([[3], [4]]));
        assert_eq!(second["next_cursor"], Value::Null);
    }
}

#[test]
fn what_no_upcaster_understands_is_shown_as_stored_and_is_not_skipped_today() {
    let commits = [commit(1, json!([["Moved", 1, "up"]]))];
    let stored = page::<Lift>(&commits, START, 20, Form::Stored).expect("readable");
    assert_eq!(members(&stored, &["data"]), json!([["up"]]));
    let today = page::<Lift>(&commits, START, 20, Form::Today);
    assert_eq!(today.expect_err("it is corrupt").code(), "internal");
}

#[test]
fn a_form_is_stored_or_today() {
    let of = |value: Option<&str>| {
        let value = value.map(|value| ("form".to_owned(), value.to_owned()));
        form(&value.into_iter().collect())
    };
    assert_eq!(of(None).ok(), Some(Form::Stored));
    assert_eq!(of(Some("stored")).ok(), Some(Form::Stored));
    assert_eq!(of(Some("today")).ok(), Some(Form::Today));
    for other in ["", "Today", "tomorrow"] {
        let problem = of(Some(other)).expect_err("it is neither");
        assert_eq!(problem.code(), "invalid-fields", "{other}");
    }
}
