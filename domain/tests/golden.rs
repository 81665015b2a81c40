//! Freezes the JSON of each event type: what was once stored is read for ever. A shape that must change gets a file of
//! the next version and an upcaster; a file that is here is never edited, nor taken away.

use decider::{Decider, Upcaster};
use domain::account;
use domain::money::{Amount, Id, Money};
use domain::registry::{self, AggregateVisitor};
use domain::user::{self, Held};
use domain::values::Status;
use domain::{Account, Aggregate, Operation, Personal, Transfer, User, operation, transfer};
use serde_json::Value;
use std::collections::BTreeSet;
use std::{fs, path::PathBuf};
use uuid::Uuid;

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
    }
}

/// Each type with a value for every field, no two alike.
fn users() -> Vec<user::Event> {
    use user::Event;
    let Held { name, email, phone } = held();
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
            status: Status::Suspended,
            reason: "asked for it\nby mail".into(),
        },
        Event::UserRestored {
            held: held(),
            reason: "deleted by mistake".into(),
        },
    ]
}

fn id(number: u128) -> Id {
    Id(Uuid::from_u128(
        0x01a1_e50a_5950_7a61_8fa4_5be3_d833_d600 + number,
    ))
}

fn accounts() -> Vec<account::Event> {
    use account::Event;
    vec![
        Event::AccountOpened {
            account_number: "DE89 3704 0044 0532 0130 00".into(),
            owner: Some("sarah".into()),
            currency: "EUR".into(),
            initial_deposit: Money::of(100_000),
            overdraft_limit: Money::of(50_000),
        },
        Event::MoneyDeposited {
            amount: Amount::of(1_250),
            currency: "EUR".into(),
            description: Some("salary\nof May".into()),
        },
        Event::MoneyWithdrawn {
            amount: Amount::of(1_251),
            currency: "EUR".into(),
            description: Some("rent".into()),
        },
        Event::AccountClosed {
            reason: Some("moved away".into()),
        },
        Event::MoneySent {
            transfer: id(1),
            to: id(2),
            amount: Amount::of(1_252),
            currency: "EUR".into(),
        },
        Event::MoneyReceived {
            transfer: id(1),
            from: id(3),
            amount: Amount::of(1_253),
            currency: "EUR".into(),
        },
    ]
}

fn transfers() -> Vec<transfer::Event> {
    vec![transfer::Event::TransferMade {
        from: id(1),
        to: id(2),
        amount: Amount::of(1_250),
        currency: "EUR".into(),
    }]
}

fn operations() -> Vec<operation::Event> {
    use operation::Event;
    vec![
        Event::RebuildStarted {
            consumer: "users".into(),
            stream: Some("user-01a1e50a-5950-7a61-8fa4-5be3d833d601".into()),
            reason: "a fold was fixed".into(),
        },
        Event::RebuildSwitched {
            reason: "no document differs".into(),
        },
        Event::RebuildSwitchedBack {
            reason: "a list is wrong".into(),
        },
        Event::RebuildCancelled {
            reason: "begun by mistake".into(),
        },
        Event::KeptDiscarded {
            reason: "a week went well".into(),
        },
        Event::RedriveRequested {
            consumer: "welcome".into(),
            stream: Some("user-01a1e50a-5950-7a61-8fa4-5be3d833d602".into()),
            reason: "the event can be read now".into(),
        },
        Event::ClaimsRepairRequested {
            reason: "the claims table was restored".into(),
        },
    ]
}

/// Asserts that `events`, one of each type, are written as their golden files have it.
fn are_written_as_ever<A: Aggregate<Event: PartialEq + std::fmt::Debug>>(events: Vec<A::Event>) {
    let mut types = BTreeSet::new();
    for event in events {
        let json = serde_json::to_value(&event).expect("an event is JSON");
        let kind = json["type"].as_str().expect("a type").to_owned();
        let version = A::schema_version(&kind);
        let path = folder(A::CATEGORY).join(format!("{kind}.v{version}.json"));
        let text = fs::read_to_string(&path)
            .unwrap_or_else(|_| panic!("no {} freezes\n{json:#}", path.display()));
        let golden: Value = serde_json::from_str(&text).expect("a golden file is JSON");
        assert_eq!(json, golden, "{}", path.display());
        let read: A::Event = serde_json::from_value(golden).expect("a stored event");
        assert_eq!(read, event);
        types.insert(kind);
    }
    assert!(types.iter().eq(&all_types::<A>()), "one of each type");
}

fn all_types<A: Aggregate>() -> BTreeSet<String> {
    A::EVENT_TYPES.iter().map(ToString::to_string).collect()
}

#[test]
fn each_event_is_written_and_read_as_its_golden_file_has_it() {
    are_written_as_ever::<User>(users());
    are_written_as_ever::<Account>(accounts());
    are_written_as_ever::<Transfer>(transfers());
    are_written_as_ever::<Operation>(operations());
}

#[test]
fn absent_options_are_null_or_omitted_as_they_always_were() {
    use user::Event;
    let created = Event::UserCreated {
        name: known("Sarah"),
        email: Personal::Erased,
        phone: None,
    };
    let changed = Event::UserEmailChanged {
        old: Personal::Erased,
        new: known("sara@example.com"),
        reason: None,
    };
    for (event, json) in [
        (
            created,
            r#"{"type":"UserCreated","data":{"name":"Sarah","email":{"erased":true},"phone":null}}"#,
        ),
        (
            changed,
            r#"{"type":"UserEmailChanged","data":{"old":{"erased":true},"new":"sara@example.com"}}"#,
        ),
    ] {
        assert_eq!(serde_json::to_string(&event).expect("JSON"), json);
        let read: Event = serde_json::from_str(json).expect("an event");
        assert_eq!(read, event);
    }
}

#[test]
fn every_type_and_version_that_was_ever_written_has_a_golden_file_that_can_be_read() {
    struct Golden;
    impl AggregateVisitor for Golden {
        type Output = ();
        fn visit<A: Aggregate>(self) {
            let mut found = BTreeSet::new();
            for file in fs::read_dir(folder(A::CATEGORY)).expect("a folder of golden files") {
                let path = file.expect("a file").path();
                let name = path.file_stem().expect("a name").to_string_lossy();
                let (kind, version) = name.split_once(".v").expect("a type and a version");
                let version: u32 = version.parse().expect("a version");
                let text = fs::read_to_string(&path).expect("a golden file");
                let json: Value = serde_json::from_str(&text).expect("a golden file is JSON");
                assert_eq!(json["type"], kind);
                if let Some(old) = upcaster::<A>(kind, version) {
                    (old.read)(&json["data"].to_string()).expect("an event that was once stored");
                } else {
                    assert_eq!(version, A::schema_version(kind), "{name} needs an upcaster");
                    let event: A::Event =
                        serde_json::from_value(json.clone()).expect("a stored event");
                    assert_eq!(serde_json::to_value(&event).expect("JSON"), json);
                }
                found.insert((kind.to_owned(), version));
            }
            let written = all_types::<A>().into_iter().map(|kind| {
                let version = A::schema_version(&kind);
                (kind, version)
            });
            let once = A::UPCASTERS
                .iter()
                .map(|old| (old.kind.to_owned(), old.schema_version));
            assert_eq!(found, written.chain(once).collect());
        }
    }
    for (category, _) in registry::AGGREGATES {
        registry::aggregate(category, Golden).expect("a registered aggregate");
    }
}

fn upcaster<A: Aggregate>(kind: &str, version: u32) -> Option<&'static Upcaster<A::Event>> {
    A::UPCASTERS
        .iter()
        .find(|old| (old.kind, old.schema_version) == (kind, version))
}

#[test]
fn a_type_is_written_or_retired_and_its_versions_have_no_gap() {
    struct Versions;
    impl AggregateVisitor for Versions {
        type Output = ();
        fn visit<A: Aggregate>(self) {
            for old in A::UPCASTERS {
                let before: Vec<u32> = (1..old.schema_version).collect();
                for version in before {
                    assert!(upcaster::<A>(old.kind, version).is_some(), "{}", old.kind);
                }
                let twice = A::UPCASTERS.iter().filter(|other| {
                    (other.kind, other.schema_version) == (old.kind, old.schema_version)
                });
                assert_eq!(twice.count(), 1, "{} has one reader", old.kind);
            }
        }
    }
    for (category, _) in registry::AGGREGATES {
        registry::aggregate(category, Versions).expect("a registered aggregate");
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
                // What is asked of deliveries is an operation, too.
                let paths = [A::COLLECTION, "deliveries"].map(|path| format!(" /{path}"));
                let is_operation = A::CATEGORY == Operation::CATEGORY;
                let paths = if is_operation {
                    &paths[..]
                } else {
                    &paths[..1]
                };
                assert!(paths.iter().any(|path| route.contains(path)), "{route}");
            }
        }
    }
    for (category, _) in registry::AGGREGATES {
        registry::aggregate(category, Routes).expect("a registered aggregate");
    }
}
