use super::*;
use domain::{Account, User};
use event_store::{Cache, MemoryEventLog, Metadata, Part, ServiceClock, execute, stream_name};

const ID: Uuid = Uuid::from_u128(7);

/// An account that was opened with 6000, and of which 5500 were drawn: versions 1 and 2.
async fn account() -> (MemoryEventLog, String) {
    let (log, stream) = (MemoryEventLog::default(), stream_name("account", ID));
    for (kind, fields) in [
        (
            "OpenAccount",
            json!({ "account_number": "1", "currency": "EUR", "initial_deposit": 6000 }),
        ),
        ("WithdrawMoney", json!({ "amount": 5500 })),
    ] {
        let command = parse::<Account>(kind, object(fields)).expect("a command");
        let (clock, cache) = (ServiceClock::default(), Cache::<Account>::none());
        let metadata = Metadata::new("sarah", "http");
        let appended = execute(
            &log,
            &clock,
            &metadata,
            Part::new(&stream, &command, &cache),
        )
        .await;
        appended.expect("it is allowed");
    }
    (log, stream)
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

fn withdraw(amount: i64) -> Supposed {
    Supposed::Command(
        "WithdrawMoney".to_owned(),
        object(json!({ "amount": amount })),
    )
}

async fn ask(version: u64, supposed: Supposed) -> Result<Outcome, Vec<FieldError>> {
    let (log, stream) = account().await;
    let moment = Moment::Version(version);
    let before = log
        .read(&stream, 1..=u64::MAX, 100)
        .await
        .expect("readable");
    let outcome = what_if::<Account>(&log, &stream, moment, supposed, Utc::now()).await;
    let after = log
        .read(&stream, 1..=u64::MAX, 100)
        .await
        .expect("readable");
    assert_eq!(before, after, "nothing is written");
    outcome.expect("there is such a version")
}

#[tokio::test]
async fn a_command_is_decided_on_the_state_of_its_moment() {
    let then = ask(1, withdraw(5000)).await.expect("it can be read");
    assert!(then.accepted);
    let expected = json!({ "version": 2, "type": "MoneyWithdrawn", "schema_version": 1, "data": { "amount": 5000, "currency": "EUR" } });
    assert_eq!(json!(then.events), json!([expected]));
    assert_eq!(then.state.expect("a state")["balance"], 1000);
    assert_eq!(json!(then.changes)[0]["path"], "/balance");
    assert_eq!(then.unchecked, Some(vec![]), "its number is its own");
    assert!(then.settled && then.timestamp.is_some());

    let now = ask(2, withdraw(5000)).await.expect("it can be read");
    assert!(!now.accepted);
    let told = now.told();
    assert_eq!(told["refusal"]["status"], 409);
    assert_eq!(
        told["refusal"]["type"],
        "urn:strangelog:problem:insufficient-funds"
    );
    assert_eq!(told["refusal"]["balance"], 500);
    let refusal = now.refusal.expect("a rule");
    assert_eq!(refusal.code, "insufficient-funds");
    assert_eq!(refusal.members["balance"], 500);
    assert_eq!((now.events, now.state), (None, None));
}

#[tokio::test]
async fn made_up_events_are_taken_at_their_word() {
    let (log, stream) = account().await;
    let close = || Supposed::Command("CloseAccount".to_owned(), Map::new());
    let supposed = Supposed::Events(vec![
        (
            "MoneyWithdrawn".to_owned(),
            json!({ "amount": 500, "currency": "EUR" }),
        ),
        ("AccountClosed".to_owned(), json!({})),
    ]);
    let moment = Moment::Version(2);
    let closed = what_if::<Account>(&log, &stream, moment, supposed, Utc::now()).await;
    let closed = closed.expect("readable").expect("events");
    assert_eq!(closed.state.expect("a state")["status"], "closed");
    assert_eq!(closed.events.expect("events")[1]["version"], 4);
    let refused = what_if::<Account>(&log, &stream, moment, close(), Utc::now()).await;
    let refused = refused.expect("readable").expect("a command");
    assert_eq!(refused.refusal.expect("a rule").code, "balance-not-zero");
}

#[tokio::test]
async fn each_field_that_is_not_as_it_must_be_is_named() {
    let command = |kind: &str, fields| Supposed::Command(kind.to_owned(), object(fields));
    let events = |kind: &str, data| Supposed::Events(vec![(kind.to_owned(), data)]);
    let second = |kind: &str| {
        let closed = ("AccountClosed".to_owned(), json!({}));
        Supposed::Events(vec![closed, (kind.to_owned(), json!({}))])
    };
    for (supposed, expected) in [
        (
            command("WithdrawMoney", json!({ "amount": 0 })),
            "command.data.amount",
        ),
        (
            command("WithdrawMoney", json!({ "amount": 1, "x": 1 })),
            "command.data.x",
        ),
        (command("CreateUser", json!({})), "command.type"),
        // OK because it is one side of a transfer, which nobody can ask for alone.
        (command("SendMoney", json!({})), "command.type"),
        (events("MoneyLost", json!({})), "events[0].type"),
        (events("MoneyWithdrawn", json!({})), "events[0].data"),
        (second("MoneyLost"), "events[1].type"),
        (second("MoneyWithdrawn"), "events[1].data"),
    ] {
        let errors = ask(1, supposed.clone()).await.expect_err("it is wrong");
        assert_eq!(errors[0].field, expected, "{supposed:?}");
        assert!(!errors[0].why.is_empty());
    }
}

#[tokio::test]
async fn a_stream_that_is_not_there_may_begin() {
    let log = MemoryEventLog::default();
    let stream = stream_name("user", ID);
    let fields = object(json!({ "name": "Sarah", "email": "sarah@example.com" }));
    let create = Supposed::Command("CreateUser".to_owned(), fields);
    let now = Utc::now();
    let created = what_if::<User>(&log, &stream, Moment::Time(now), create, now).await;
    let created = created.expect("readable").expect("a command");
    assert!(created.accepted && created.version == 0);
    assert_eq!((created.timestamp, created.settled), (None, false));
    assert_eq!(
        created.state.expect("a state")["email"],
        "sarah@example.com"
    );
    assert_eq!(
        created.unchecked,
        Some(vec!["email"]),
        "whether another had it is not known"
    );
    let delete = Supposed::Command("DeleteUser".to_owned(), object(json!({ "reason": "r" })));
    let refused = what_if::<User>(&log, &stream, Moment::Time(now), delete, now).await;
    let refused = refused.expect("readable").expect("a command");
    assert_eq!(refused.refusal.expect("a rule").code, "unknown-user");
}

#[tokio::test]
async fn a_version_that_is_yet_to_come_has_no_state() {
    let (log, stream) = account().await;
    let moment = Moment::Version(3);
    let outcome = what_if::<Account>(&log, &stream, moment, withdraw(1), Utc::now()).await;
    assert!(matches!(
        outcome,
        Err(PastError::Ahead {
            version: 3,
            head: 2
        })
    ));
}

#[tokio::test]
async fn what_is_already_so_is_accepted_and_changes_nothing() {
    let (log, stream) = account().await;
    let moment = Moment::Version(2);
    let empty = vec![
        (
            "MoneyWithdrawn".to_owned(),
            json!({ "amount": 500, "currency": "EUR" }),
        ),
        ("AccountClosed".to_owned(), json!({})),
    ];
    let closed = parse::<Account>("CloseAccount", Map::new()).expect("a command");
    let fields = object(json!({ "amount": 500 }));
    for command in [
        parse::<Account>("WithdrawMoney", fields).expect("a command"),
        closed,
    ] {
        let (clock, cache) = (ServiceClock::default(), Cache::<Account>::none());
        let metadata = Metadata::new("sarah", "http");
        let part = Part::new(&stream, &command, &cache);
        execute(&log, &clock, &metadata, part)
            .await
            .expect("it is allowed");
    }
    let now = Utc::now();
    let close = || Supposed::Command("CloseAccount".to_owned(), Map::new());
    let again = what_if::<Account>(&log, &stream, Moment::Version(4), close(), now).await;
    let again = again.expect("readable").expect("a command");
    assert!(again.accepted, "it is closed already");
    assert_eq!(
        (again.events, json!(again.changes)),
        (Some(vec![]), json!([]))
    );
    let supposed = what_if::<Account>(&log, &stream, moment, Supposed::Events(empty), now).await;
    let supposed = supposed.expect("readable").expect("events");
    assert_eq!(supposed.state, again.state, "by events as by commands");
}
