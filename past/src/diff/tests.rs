use super::*;
use crate::{DocumentOf, StateOf, stored};
use domain::account::Command::{self, CloseAccount, DepositMoney, OpenAccount, WithdrawMoney};
use domain::money::{Amount, Money};
use domain::{Account, Accounts, User};
use event_store::{Batch, Cache, MemoryEventLog, Metadata, Part, ServiceClock, execute};
use serde_json::json;

const STREAM: &str = "account-01a1e50a-5950-7a61-8fa4-5be3d833d61d";

/// Opened with 1000, then 500 in, 200 out, 1300 out, closed: versions 1 to 5.
async fn account() -> MemoryEventLog {
    let log = MemoryEventLog::default();
    let deposit = |amount| DepositMoney {
        amount: Amount::of(amount),
        description: None,
    };
    let withdraw = |amount| WithdrawMoney {
        amount: Amount::of(amount),
        description: None,
    };
    let open = OpenAccount {
        account_number: "ACC-1".into(),
        currency: "EUR".into(),
        initial_deposit: Some(Money::of(1000)),
        owner: None,
        overdraft_limit: Money::of(0),
    };
    let close = CloseAccount { reason: None };
    for command in [open, deposit(500), withdraw(200), withdraw(1300), close] {
        append(&log, &command).await;
    }
    log
}

async fn append(log: &MemoryEventLog, command: &Command) {
    let (clock, cache) = (ServiceClock::default(), Cache::<Account>::none());
    let metadata = Metadata::new("sarah", "http");
    let appended = execute(log, &clock, &metadata, Part::new(STREAM, command, &cache)).await;
    appended.expect("it is allowed");
}

/// Appends a commit of events of these types, schema versions and data.
async fn commit(log: &MemoryEventLog, stream: &str, version: u64, events: &[(&str, u32, Value)]) {
    let batch = Batch::of(stored::commit(stream, version, events));
    log.append(&batch).await.expect("it is new");
}

async fn between<F: Fold>(log: &MemoryEventLog, from: u64, to: u64) -> Diff {
    let between = Between {
        from: Moment::Version(from),
        to: Moment::Version(to),
        limit: 20,
        place: None,
    };
    let found = diff::<F>(log, STREAM, &between, Utc::now()).await;
    found.expect("there are such versions")
}

fn told(diff: &Diff) -> Value {
    let told = diff.changes.iter();
    told.map(|change| json!([change.path, change.kind, change.from, change.to, change.by]))
        .collect()
}

#[tokio::test]
async fn a_change_names_the_events_that_did_it() {
    let log = account().await;
    let found = between::<StateOf<Account>>(&log, 1, 5).await;
    assert_eq!(
        told(&found),
        json!([
            ["/status", "changed", "open", "closed", [5]],
            ["/balance", "changed", 1000, 0, [2, 3, 4]],
        ])
    );
    let versions: Vec<_> = found
        .page
        .events
        .iter()
        .map(|event| &event["version"])
        .collect();
    assert_eq!(json!(versions), json!([2, 3, 4, 5]));
}

#[tokio::test]
async fn a_patch_turns_each_state_into_each_other() {
    let log = account().await;
    for (from, to) in (0..=5).flat_map(|from| (0..=5).map(move |to| (from, to))) {
        let found = between::<StateOf<Account>>(&log, from, to).await;
        let mut patched = found.from.state.clone();
        json_patch::patch(&mut patched, &found.patch).expect("it applies");
        assert_eq!(patched, found.to.state, "{from} to {to}");
        assert_eq!(found.changes.is_empty(), found.from.state == found.to.state);
        let shown = found.page.events.len() as u64;
        assert_eq!(shown, from.abs_diff(to), "{from} to {to}");
    }
}

#[tokio::test]
async fn before_the_first_event_there_is_nothing_and_then_all_is_added() {
    let log = account().await;
    let found = between::<StateOf<Account>>(&log, 0, 1).await;
    assert!(
        found
            .changes
            .iter()
            .all(|change| change.kind == Kind::Added && change.by == [1])
    );
    let paths: Vec<_> = found
        .changes
        .iter()
        .map(|change| change.path.as_str())
        .collect();
    assert!(
        paths.contains(&"/balance") && paths.contains(&"/status"),
        "{paths:?}"
    );
    assert_eq!(found.from.timestamp, None);
    let back = between::<StateOf<Account>>(&log, 1, 0).await;
    assert_eq!(back.changes.len(), found.changes.len());
    let is_removed = |change: &Change| change.kind == Kind::Removed && change.by == [1];
    assert!(back.changes.iter().all(is_removed), "{:?}", back.changes);
}

#[tokio::test]
async fn a_later_page_of_events_says_what_those_did() {
    let log = account().await;
    let mut between = Between {
        from: Moment::Version(1),
        to: Moment::Version(5),
        limit: 2,
        place: None,
    };
    let mut found = Vec::new();
    loop {
        let page = diff::<StateOf<Account>>(&log, STREAM, &between, Utc::now()).await;
        let page = page.expect("there are such versions");
        found.push(told(&page)[1][4].clone());
        between.place = page.page.next;
        if between.place.is_none() {
            break;
        }
    }
    assert_eq!(json!(found), json!([[2, 3], [4]]));
}

#[tokio::test]
async fn a_page_that_begins_amid_a_commit_says_what_its_own_events_did() {
    let log = MemoryEventLog::default();
    let opened = json!({ "account_number": "1", "owner": null, "currency": "EUR", "initial_deposit": 1000, "overdraft_limit": 0 });
    let of = |amount| json!({ "amount": amount, "currency": "EUR", "description": null });
    let (deposit, withdraw) = (
        ("MoneyDeposited", 1, of(500)),
        ("MoneyWithdrawn", 1, of(200)),
    );
    commit(&log, STREAM, 1, &[("AccountOpened", 1, opened)]).await;
    commit(&log, STREAM, 2, &[deposit.clone(), withdraw, deposit]).await;
    let mut between = Between {
        from: Moment::Version(1),
        to: Moment::Version(4),
        limit: 1,
        place: None,
    };
    for version in 2..=4 {
        let page = diff::<StateOf<Account>>(&log, STREAM, &between, Utc::now()).await;
        let page = page.expect("there are such versions");
        assert_eq!(
            told(&page),
            json!([["/balance", "changed", 1000, 1800, [version]]])
        );
        between.place = page.page.next;
    }
}

#[tokio::test]
async fn what_follows_an_event_that_cannot_be_read_is_said_of_none() {
    let log = account().await;
    let mut bad = log.read(STREAM, 3..=3, 1).await.expect("there").remove(0);
    bad.events = bad.events.replace("\"amount\"", "\"much\"");
    log.tamper(bad);
    let found = between::<StateOf<Account>>(&log, 1, 5).await;
    assert_eq!(
        told(&found),
        json!([
            ["/status", "changed", "open", "closed", []],
            ["/balance", "changed", 1000, 0, [2]],
        ])
    );
    assert_eq!(found.page.events.len(), 4);
}

#[tokio::test]
async fn two_documents_are_compared_as_states_are() {
    let log = account().await;
    let found = between::<DocumentOf<Accounts>>(&log, 2, 5).await;
    let paths: Vec<_> = found
        .changes
        .iter()
        .map(|change| change.path.as_str())
        .collect();
    for path in ["/balance", "/status", "/version", "/updated_at"] {
        assert!(paths.contains(&path), "{path} in {paths:?}");
    }
    let mut patched = found.from.state.clone();
    json_patch::patch(&mut patched, &found.patch).expect("it applies");
    assert_eq!(patched, found.to.state);
}

#[tokio::test]
async fn what_is_not_there_cannot_be_compared() {
    let log = account().await;
    let between = |to| Between {
        from: Moment::Version(1),
        to,
        limit: 20,
        place: None,
    };
    let ahead = between(Moment::Version(6));
    let found = diff::<StateOf<Account>>(&log, STREAM, &ahead, Utc::now()).await;
    assert!(matches!(
        found,
        Err(PastError::Ahead {
            version: 6,
            head: 5
        })
    ));
    let now = between(Moment::Time(Utc::now()));
    let found = diff::<StateOf<Account>>(&log, "account-none", &now, Utc::now()).await;
    assert!(matches!(found, Err(PastError::Unknown { .. })));
}

#[test]
fn a_path_is_touched_by_what_is_above_it_and_below_it() {
    assert!(meet("/a", "/a") && meet("/a/b", "/a") && meet("/a", "/a/b") && meet("", "/a"));
    assert!(!meet("/a", "/ab") && !meet("/ab", "/a") && !meet("/a/b", "/a/c"));
}

#[test]
fn a_name_is_escaped_in_a_path() {
    let found = changes(&json!({}), &json!({ "a/b~c": 1 }));
    assert_eq!(found[0].path, "/a~1b~0c");
}

#[tokio::test]
async fn an_old_event_that_is_two_of_todays_is_one_step() {
    let log = MemoryEventLog::default();
    let held = json!({ "name": "Sarah", "email": "sarah@example.com", "phone": null });
    let with = |more: Value| {
        let mut data = held.clone();
        let more = more.as_object().expect("an object").clone();
        data.as_object_mut().expect("an object").extend(more);
        data
    };
    let suspended = json!({ "old": "active", "new": "suspended", "reason": "r" });
    let gone = with(json!({ "status": "suspended", "reason": "r" }));
    for (version, kind, schema_version, data) in [
        (1, "UserCreated", 2, held.clone()),
        (2, "UserStatusChanged", 1, suspended),
        (3, "UserDeleted", 1, gone.clone()),
        (4, "UserRestored", 1, gone),
    ] {
        commit(&log, "user-1", version, &[(kind, schema_version, data)]).await;
    }
    let between = Between {
        from: Moment::Version(3),
        to: Moment::Version(4),
        limit: 20,
        place: None,
    };
    let found = diff::<StateOf<User>>(&log, "user-1", &between, Utc::now()).await;
    let found = found.expect("there are such versions");
    let status = found.changes.iter().find(|change| change.path == "/status");
    let status = status.expect("it is suspended again");
    assert_eq!(
        (&status.to, &status.by),
        (&Some(json!("suspended")), &vec![4])
    );
}
