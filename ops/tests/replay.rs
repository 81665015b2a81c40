//! A history file against this build: what is as it was, and what would be decided otherwise.

use domain::{Account, User};
use event_store::{
    Cache, Chain, Commit, EventLog, Hash, MemoryEventLog, Metadata, Part, Position, ServiceClock,
    StoredEvent, execute,
};
use ops::replay::{Finding, Outcome, Summary, What, replay};
use serde_json::{Value, json};
use uuid::Uuid;

/// The commits of some commands, each with its fields.
async fn commits<A: domain::Aggregate>(stream: &str, commands: &[(&str, Value)]) -> Vec<Commit> {
    let (log, clock, cache) = (
        MemoryEventLog::default(),
        ServiceClock::default(),
        Cache::<A>::none(),
    );
    for (kind, fields) in commands {
        let fields = fields.as_object().expect("fields").clone();
        let command = domain::parse::<A>(kind, fields).expect("a valid command");
        let part = Part::new(stream, &command, &cache);
        let metadata = Metadata::new("mei", "tests");
        if execute(&log, &clock, &metadata, part).await.is_err() {
            panic!("{kind} is refused");
        }
    }
    log.read(stream, 1..=u64::MAX, 99).await.expect("readable")
}

async fn account() -> Vec<Commit> {
    let open = json!({ "account_number": "A-1", "currency": "EUR", "initial_deposit": 10_000 });
    let amount = |amount: u64| json!({ "amount": amount });
    let commands = [
        ("OpenAccount", open),
        ("DepositMoney", amount(5_000)),
        (
            "WithdrawMoney",
            json!({ "amount": 2_000, "description": "rent" }),
        ),
        ("WithdrawMoney", amount(1_000)),
        ("WithdrawMoney", amount(12_000)),
        ("CloseAccount", json!({ "reason": "moved away" })),
    ];
    commits::<Account>("account-1", &commands).await
}

async fn user() -> Vec<Commit> {
    let reason = |fields: Value| {
        let mut fields = fields;
        fields["reason"] = "why not".into();
        fields
    };
    let commands = [
        (
            "CreateUser",
            json!({ "name": "Sarah", "email": "sarah@example.com" }),
        ),
        ("ChangeUserName", reason(json!({ "name": "Sarah Lindt" }))),
        (
            "CorrectUser",
            reason(json!({ "name": "Sara Lindt", "email": "sara@example.com" })),
        ),
        ("ChangeUserStatus", reason(json!({ "status": "suspended" }))),
        ("DeleteUser", reason(json!({}))),
        ("RestoreUser", reason(json!({}))),
    ];
    commits::<User>("user-1", &commands).await
}

/// The file of some streams, as `export` writes it.
fn file(streams: &[&[Commit]]) -> String {
    let mut lines = vec![json!({
        "format": "strangelog-history", "version": 1, "exported_at": "2026-11-21T15:47:00Z", "streams": null,
    }).to_string()];
    for commit in streams.iter().copied().flatten() {
        let Commit {
            stream,
            version,
            events,
            metadata,
            chain,
            ..
        } = commit;
        let Chain { previous, hash } = chain;
        let snapshot = match (&commit.snapshot, commit.digest) {
            (Some(snapshot), Some(digest)) => {
                format!(r#","digest":"{digest}","snapshot":{snapshot}"#)
            }
            _ => String::new(),
        };
        lines.push(format!(
            r#"{{"stream":"{stream}","version":{version},"events":{events},"metadata":{metadata},"previous":"{previous}","hash":"{hash}"{snapshot}}}"#
        ));
    }
    let commits = lines.len() - 1;
    lines.push(json!({ "end": true, "streams": streams.len(), "commits": commits }).to_string());
    lines.join("\n")
}

fn replayed(streams: &[&[Commit]]) -> (Vec<Finding>, Summary) {
    replay(file(streams).as_bytes(), |_| {}).expect("a whole file")
}

/// The same commits with others in front, tied together anew: well written, whatever they say.
fn chained(commits: Vec<Commit>) -> Vec<Commit> {
    let mut previous = Hash::default();
    let mut version = 1;
    let chained = commits.into_iter().map(|mut commit| {
        commit.version = version;
        commit.chain.previous = previous;
        commit.chain.hash = commit.hash();
        previous = commit.chain.hash;
        version = commit.last_version().expect("events") + 1;
        commit
    });
    chained.collect()
}

#[tokio::test]
async fn a_history_of_this_build_comes_out_the_same() {
    let (account, user) = (account().await, user().await);
    let (findings, summary) = replayed(&[&account, &user]);
    assert_eq!(findings, []);
    let snapshots = account
        .iter()
        .chain(&user)
        .filter(|commit| commit.snapshot.is_some());
    let snapshots = snapshots.count() as u64;
    assert!(snapshots >= 2, "{snapshots}");
    let expected = Summary {
        streams: 2,
        commits: 12,
        events: 14,
        decisions_same: 12,
        snapshots_same: snapshots,
        ..Summary::default()
    };
    assert_eq!(summary, expected);
}

#[tokio::test]
async fn a_decision_that_the_rules_of_today_refuse_is_named() {
    let mut commits = account().await;
    commits.truncate(2);
    // As a build whose limit was another one would have written it.
    let event = domain::account::Event::MoneyWithdrawn {
        amount: domain::money::Amount::of(50_000),
        currency: "EUR".into(),
        description: None,
    };
    let event = StoredEvent::encode::<Account>(Uuid::now_v7(), &event).expect("it has JSON");
    let at = Position {
        stream: "account-1".into(),
        version: 3,
    };
    let (stamp, metadata) = (
        commits[1].stamp().expect("a stamp"),
        Metadata::new("mei", "tests"),
    );
    let overdraft = Commit::new(at, commits[1].chain.hash, &stamp, &metadata, &[event], None);
    commits.push(overdraft.expect("it has JSON"));
    let (findings, summary) = replayed(&[&commits]);
    let [finding] = &findings[..] else {
        panic!("one finding is due: {findings:?}")
    };
    assert_eq!((finding.stream.as_str(), finding.version), ("account-1", 3));
    let What::DecidedOtherwise { recorded, today } = &finding.what else {
        panic!("{finding}")
    };
    assert_eq!(recorded[0]["type"], "MoneyWithdrawn");
    let Outcome::Refused(refusal) = today else {
        panic!("{finding}")
    };
    assert_eq!(refusal["code"], "insufficient-funds");
    assert_eq!(refusal["balance"], 15_000);
    let said = "it is refused: the balance of 15000 may not fall below 0, and 50000 was asked for";
    assert!(finding.to_string().ends_with(said), "{finding}");
    let decisions = (
        summary.decisions_same,
        summary.decisions_otherwise,
        summary.decisions_untold,
    );
    assert_eq!(decisions, (2, 1, 0));
}

#[tokio::test]
async fn a_decision_that_would_come_to_other_events_is_named() {
    let commits = account().await;
    // The first deposit, recorded for an account in another currency.
    let mut other = commits[..2].to_vec();
    other[1].events = other[1].events.replace("EUR", "USD");
    let (findings, _) = replayed(&[&chained(other)]);
    let [finding] = &findings[..] else {
        panic!("one finding is due: {findings:?}")
    };
    let What::DecidedOtherwise {
        today: Outcome::Events(today),
        recorded,
    } = &finding.what
    else {
        panic!("{finding}")
    };
    assert_eq!(
        (
            &today[0]["data"]["currency"],
            &recorded[0]["data"]["currency"]
        ),
        (&json!("EUR"), &json!("USD"))
    );
}

#[tokio::test]
async fn what_this_build_cannot_read_ends_what_can_be_told_of_its_stream() {
    let mut commits = account().await;
    commits[1].events = commits[1].events.replace("MoneyDeposited", "MoneyFound");
    let (findings, summary) = replayed(&[&chained(commits)]);
    let [finding] = &findings[..] else {
        panic!("one finding is due: {findings:?}")
    };
    assert!(
        matches!(&finding.what, What::Undecodable { why } if why.contains("MoneyFound")),
        "{finding}"
    );
    assert_eq!((summary.decisions_same, summary.decisions_untold), (1, 4));
}

#[tokio::test]
async fn what_was_changed_in_the_file_or_the_store_is_named() {
    let commits = account().await;
    let mut edited = commits.clone();
    edited[2].metadata = edited[2].metadata.replace("mei", "ida");
    let mut gap = commits.clone();
    gap.remove(1);
    for (changed, version, why) in [(edited, 3, "edited"), (gap, 2, "removed")] {
        let (findings, _) = replayed(&[&changed]);
        let named = findings.iter().any(|finding| {
            let is_it =
                matches!(&finding.what, What::NotAsWritten { why: said } if said.starts_with(why));
            finding.version == version && is_it
        });
        assert!(named, "{why}: {findings:?}");
    }
}

#[tokio::test]
async fn a_snapshot_that_would_be_folded_otherwise_is_named_and_one_of_another_fold_is_counted() {
    let commits = account().await;
    let (at, commit) = commits
        .iter()
        .enumerate()
        .find(|(_, commit)| commit.snapshot.is_some())
        .expect("one");
    let snapshot = commit.snapshot.as_deref().expect("a snapshot");
    for (changed, expected) in [
        (
            snapshot.replace(r#""balance":12000"#, r#""balance":1"#),
            (1, 0),
        ),
        (
            snapshot.replace(r#""evolve_version":1"#, r#""evolve_version":9"#),
            (0, 1),
        ),
    ] {
        assert_ne!(changed, snapshot);
        let mut commits = commits.clone();
        let Commit {
            stream,
            version,
            chain,
            ..
        } = &commits[at];
        let place = Position {
            stream: stream.clone(),
            version: *version,
        };
        let (stamp, metadata) = (
            commit.stamp().expect("a stamp"),
            commit.metadata().expect("metadata"),
        );
        let events = commit.events().expect("events");
        let written = Commit::new(
            place,
            chain.previous,
            &stamp,
            &metadata,
            &events,
            Some(changed),
        );
        commits[at] = written.expect("it has JSON");
        commits.truncate(at + 1);
        let (findings, summary) = replayed(&[&commits]);
        let folds = findings
            .iter()
            .filter(|finding| matches!(finding.what, What::FoldsOtherwise { .. }));
        assert_eq!(
            (folds.count(), summary.snapshots_of_another_fold),
            expected,
            "{findings:?}"
        );
    }
}

#[tokio::test]
async fn streams_whose_commits_do_not_stand_together_are_refused() {
    let (account, user) = (account().await, user().await);
    let torn = file(&[&account[..2], &user, &account[2..]]);
    let error = replay(torn.as_bytes(), |_| {}).expect_err("torn");
    assert!(
        format!("{error:#}").contains("the commits of account-1 do not stand together"),
        "{error:#}"
    );
}

#[tokio::test]
async fn an_aggregate_that_this_build_does_not_know_is_named_once() {
    let mut commits = account().await;
    commits
        .iter_mut()
        .for_each(|commit| commit.stream = "pension-1".into());
    let (findings, _) = replayed(&[&chained(commits)]);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].what, What::UnknownAggregate);
}
