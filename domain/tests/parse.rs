//! `parse`: whatever is wrong with a command, each bad field is named, all at once.

use domain::user::Command;
use domain::values::Status;
use domain::{User, parse};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn fields(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn errors(command: &str, value: Value) -> Vec<(String, String)> {
    let errors = parse::<User>(command, fields(value)).expect_err("a refusal");
    errors
        .into_iter()
        .map(|error| (error.field, error.why))
        .collect()
}

#[track_caller]
fn refused(command: &str, value: Value, expected: &[(&str, &str)]) {
    let found = errors(command, value);
    let found: Vec<_> = found
        .iter()
        .map(|(field, why)| (field.as_str(), why.as_str()))
        .collect();
    assert_eq!(found, expected);
}

const NO_NAME: (&str, &str) = ("name", "is required: 1 to 200 characters");
const NO_EMAIL: (&str, &str) = ("email", "is required: an email address");
const NO_REASON: (&str, &str) = ("reason", "is required: 1 to 500 characters");
const NO_STATUS: (&str, &str) = ("status", "is required: active or suspended");

#[test]
fn a_command_is_read_trimmed_and_composed() {
    let given = json!({"name": " Zoe\u{308} ", "email": " Zoe@Example.com\n"});
    let read = parse::<User>("CreateUser", fields(given));
    let wanted = Command::CreateUser {
        name: "Zo\u{eb}".into(),
        email: "Zoe@Example.com".into(),
        phone: None,
    };
    assert_eq!(read, Ok(wanted));
    let read = parse::<User>(
        "ChangeUserStatus",
        fields(json!({"status": "suspended", "reason": "fraud"})),
    );
    let wanted = Command::ChangeUserStatus {
        status: Some(Status::Suspended),
        reason: "fraud".into(),
    };
    assert_eq!(read, Ok(wanted));
}

#[test]
fn an_empty_body_names_every_required_field() {
    refused("CreateUser", json!({}), &[NO_EMAIL, NO_NAME]);
    refused("ChangeUserName", json!({}), &[NO_NAME, NO_REASON]);
    refused("ChangeUserEmail", json!({}), &[NO_EMAIL]);
    refused("ChangeUserStatus", json!({}), &[NO_REASON, NO_STATUS]);
    let neither = ("name", "is required unless email is given");
    refused("CorrectUser", json!({}), &[neither, NO_REASON]);
    refused("DeleteUser", json!({}), &[NO_REASON]);
    refused("RestoreUser", json!({}), &[NO_REASON]);
}

#[test]
fn every_bad_field_is_named_at_once() {
    let given = json!({"name": 5, "email": "nobody", "phone": "call me", "colour": "red"});
    let found = errors("CreateUser", given);
    let named: Vec<_> = found.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(named, ["colour", "email", "name", "phone"]);
    assert_eq!(found[1].1, "must be an email address: value is missing `@`");
    assert_eq!(found[2].1, "must be a string");
}

#[test]
fn an_unknown_field_is_refused_with_the_known_ones() {
    let given = json!({"name": "Sarah", "emial": "sarah@example.com"});
    let unknown = (
        "emial",
        "unknown field `emial`, expected one of `name`, `email`, `phone`",
    );
    refused("CreateUser", given, &[NO_EMAIL, unknown]);
}

#[test]
fn a_wrong_type_is_refused_without_repeating_the_value() {
    for wrong in [
        json!(4915112345678_u64),
        json!(null),
        json!(true),
        json!(["x"]),
        json!({"x": 1}),
    ] {
        let given = json!({"name": "Sarah", "email": wrong});
        refused("CreateUser", given, &[("email", "must be a string")]);
    }
}

#[test]
fn a_status_that_does_not_exist_is_refused() {
    let given = json!({"status": "frozen"});
    let frozen = ("status", "must be active or suspended");
    refused("ChangeUserStatus", given, &[NO_REASON, frozen]);
    for wrong in [json!(5), json!(["active"]), json!({"active": null})] {
        let found = errors(
            "ChangeUserStatus",
            json!({"status": wrong, "reason": "why"}),
        );
        assert_eq!(found[0].0, "status");
        assert!(found[0].1.ends_with("expected a string"), "{found:?}");
    }
}

#[test]
fn a_null_stands_for_an_absent_option() {
    let given = json!({"name": null, "email": "sarah@example.com", "reason": "typo"});
    let wanted = Command::CorrectUser {
        name: None,
        email: Some("sarah@example.com".into()),
        reason: "typo".into(),
    };
    assert_eq!(parse::<User>("CorrectUser", fields(given)), Ok(wanted));
}

#[test]
fn an_unknown_command_is_refused() {
    let found = errors("PromoteUser", json!({}));
    assert_eq!(found[0].0, "type");
    assert!(found[0].1.starts_with("unknown variant `PromoteUser`"));
}

#[test]
fn a_body_of_nothing_but_unknown_fields_gets_a_short_answer() {
    let many: Map<String, Value> = (0..5000).map(|n| (format!("x{n}"), json!(n))).collect();
    assert_eq!(errors("CreateUser", Value::Object(many)).len(), 20);
}

proptest! {
    #[test]
    fn no_text_makes_parse_panic(name in ".*", email in ".*", phone in ".*", reason in ".*") {
        let given = json!({"name": name, "email": email, "phone": phone});
        let _ = parse::<User>("CreateUser", fields(given));
        let given = json!({"name": name, "email": email, "reason": reason});
        let _ = parse::<User>("CorrectUser", fields(given));
    }
}
