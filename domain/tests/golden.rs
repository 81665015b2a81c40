//! Freezes the JSON of each event type: what was once stored is read for ever. A shape that must change gets a file of
//! the next version and an upcaster; a file that is here is never edited.

use decider::Decider;
use domain::registry::{self, AggregateVisitor};
use domain::user::{Event, Held};
use domain::values::Status;
use domain::{Aggregate, Personal, User};
use serde_json::Value;
use std::collections::BTreeSet;
use std::{fs, path::PathBuf};

fn folder(category: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("golden")
        .join(category)
}

fn known<T: for<'a> From<&'a str>>(text: &str) -> Personal<T> {
    Personal::Known(text.into())
}

fn held() -> Held {
    Held {
        name: known("Sarah Connor"),
        email: known("Sarah@example.com"),
        phone: Some(known("+49 30 123456")),
        status: Status::Suspended,
    }
}

/// Each type with a value for every field, no two alike.
fn users() -> Vec<Event> {
    let Held {
        name, email, phone, ..
    } = held();
    vec![
        Event::UserCreated { name, email, phone },
        Event::UserNameChanged {
            old: known("Sarah"),
            new: known("Sara"),
            reason: "married".into(),
        },
        Event::UserEmailChanged {
            old: known("sarah@example.com"),
            new: known("sara@example.com"),
            reason: Some("new provider".into()),
        },
        Event::UserStatusChanged {
            old: Status::Active,
            new: Status::Suspended,
            reason: "fraud".into(),
        },
        Event::UserNameCorrected {
            old: known("Srah"),
            new: known("Sarah"),
            reason: "typo".into(),
        },
        Event::UserEmailCorrected {
            old: known("srah@example.com"),
            new: known("sarah@example.com"),
            reason: "typo".into(),
        },
        Event::UserDeleted {
            held: held(),
            reason: "asked for it\nby mail".into(),
        },
        Event::UserRestored {
            held: held(),
            reason: "deleted by mistake".into(),
        },
    ]
}

#[test]
fn each_event_of_a_user_is_written_and_read_as_it_always_was() {
    for event in users() {
        let json = serde_json::to_value(&event).expect("an event is JSON");
        let path = folder(User::CATEGORY).join(format!(
            "{}.v1.json",
            json["type"].as_str().expect("a type")
        ));
        let text = fs::read_to_string(&path).expect("a golden file");
        let golden: Value = serde_json::from_str(&text).expect("a golden file is JSON");
        assert_eq!(json, golden, "{}", path.display());
        assert_eq!(
            serde_json::from_value::<Event>(golden).expect("an old event"),
            event
        );
    }
}

#[test]
fn absent_options_are_omitted() {
    let created = Event::UserCreated {
        name: known("Sarah"),
        email: Personal::Erased,
        phone: None,
    };
    let json = serde_json::to_string(&created).expect("an event is JSON");
    assert_eq!(
        json,
        r#"{"type":"UserCreated","data":{"name":"Sarah","email":{"erased":true}}}"#
    );
    assert_eq!(
        serde_json::from_str::<Event>(&json).expect("an event"),
        created
    );
    let json =
        r#"{"type":"UserEmailChanged","data":{"old":{"erased":true},"new":"sara@example.com"}}"#;
    let changed = Event::UserEmailChanged {
        old: Personal::Erased,
        new: known("sara@example.com"),
        reason: None,
    };
    assert_eq!(
        serde_json::to_string(&changed).expect("an event is JSON"),
        json
    );
    assert_eq!(
        serde_json::from_str::<Event>(json).expect("an event"),
        changed
    );
}

#[test]
fn every_event_type_has_a_golden_file_that_can_be_read() {
    struct Golden;
    impl AggregateVisitor for Golden {
        type Output = ();
        fn visit<A: Aggregate>(self) {
            let mut found = BTreeSet::new();
            for file in fs::read_dir(folder(A::CATEGORY)).expect("a folder of golden files") {
                let path = file.expect("a file").path();
                let text = fs::read_to_string(&path).expect("a golden file");
                let json: Value = serde_json::from_str(&text).expect("a golden file is JSON");
                let event: A::Event = serde_json::from_value(json.clone()).expect("a stored event");
                assert_eq!(
                    serde_json::to_value(&event).expect("an event is JSON"),
                    json
                );
                let kind = json["type"].as_str().expect("a type").to_owned();
                let name = path
                    .file_name()
                    .and_then(|name| name.to_str())
                    .expect("a name");
                assert_eq!(name, format!("{kind}.v1.json"));
                found.insert(kind);
            }
            assert_eq!(
                found,
                A::EVENT_TYPES.iter().map(ToString::to_string).collect()
            );
        }
    }
    for (category, _) in registry::AGGREGATES {
        registry::aggregate(category, Golden).expect("a registered aggregate");
    }
}

#[test]
fn every_route_leads_to_a_command_of_its_own() {
    struct Routes;
    impl AggregateVisitor for Routes {
        type Output = ();
        fn visit<A: Aggregate>(self) {
            for (route, command) in A::ROUTES {
                let fields =
                    serde_json::Map::from_iter([("no such field".to_owned(), Value::Null)]);
                let errors = domain::parse::<A>(command, fields)
                    .err()
                    .expect("a refusal");
                assert!(
                    errors.iter().any(|error| error.field == "no such field"),
                    "{route} leads to {command}"
                );
                assert!(route.contains(&format!(" /{}", A::COLLECTION)));
            }
        }
    }
    for (category, _) in registry::AGGREGATES {
        registry::aggregate(category, Routes).expect("a registered aggregate");
    }
}
