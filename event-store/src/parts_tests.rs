use super::*;
use crate::{Metadata, Stamp, StoredEvent};
use chrono::DateTime;
use serde_json::value::RawValue;

const STREAMS: [&str; 3] = ["transfer-1", "account-1", "account-2"];

fn at(stream: &str, version: u64) -> Position {
    Position {
        stream: stream.into(),
        version,
    }
}

fn commit_of(command_id: Uuid, at: Position, parts: &[Position]) -> Commit {
    let event = StoredEvent {
        id: Uuid::now_v7(),
        kind: "Made".into(),
        schema_version: 1,
        data: RawValue::NULL.to_owned(),
        effective_at: None,
    };
    let stamp = Stamp {
        id: Uuid::now_v7(),
        timestamp: DateTime::UNIX_EPOCH,
    };
    let metadata = Metadata {
        parts: parts.to_vec(),
        ..Metadata::new("tests", "tests").keyed(command_id, "f")
    };
    Commit::new(at, Hash::default(), &stamp, &metadata, &[event], None).expect("a commit")
}

/// The commits of one command over three streams, at this version of each.
fn transfer_of(command_id: Uuid, version: u64) -> Vec<Commit> {
    let parts = STREAMS.map(|stream| at(stream, version));
    let commits = parts.iter().cloned();
    let commits = commits.map(|at| commit_of(command_id, at, &parts));
    commits.collect()
}

fn transfer(version: u64) -> Vec<Commit> {
    transfer_of(Uuid::now_v7(), version)
}

fn left<'a>(commits: impl IntoIterator<Item = &'a Commit>) -> Vec<Position> {
    let mut incomplete = Incomplete::default();
    commits
        .into_iter()
        .for_each(|commit| incomplete.commit(commit));
    incomplete.finish()
}

#[test]
fn whole_commands_in_any_order_leave_nothing() {
    for seed in 0..50 {
        let mut commits: Vec<_> = (1..=20).flat_map(transfer).collect();
        fastrand::Rng::with_seed(seed).shuffle(&mut commits);
        assert_eq!(left(&commits), []);
    }
}

#[test]
fn a_command_is_forgotten_with_its_last_commit() {
    let mut incomplete = Incomplete::default();
    for version in 1..=20 {
        for (commit, kept) in transfer(version).iter().zip([1, 1, 0]) {
            incomplete.commit(commit);
            assert_eq!(incomplete.commands.len(), kept);
        }
    }
}

#[test]
fn whichever_commits_are_missing_another_one_is_left() {
    let one = transfer(1);
    for missing in 0..3 {
        let mut torn = transfer(2);
        torn.remove(missing);
        let expected = at(&torn[0].stream, 2);
        assert_eq!(left(one.iter().chain(&torn)), [expected]);
        torn.remove(0);
        let expected = at(&torn[0].stream, 2);
        assert_eq!(left(one.iter().chain(&torn)), [expected]);
    }
}

#[test]
fn a_commit_that_comes_twice_counts_once() {
    let transfer = transfer(1);
    let twice = [&transfer[0], &transfer[0], &transfer[1]];
    assert_eq!(left(twice), [at("transfer-1", 1)]);
}

#[test]
fn a_commit_that_is_not_among_its_own_parts_stands_in_for_none() {
    let id = Uuid::now_v7();
    let whole = transfer_of(id, 1);
    let parts = Parts::of(&whole[0]).expect("parts");
    let stranger = commit_of(id, at("transfer-9", 1), parts.positions());
    for missing in 0..3 {
        let mut torn = whole.clone();
        torn.remove(missing);
        assert_eq!(left(torn.iter().chain([&stranger])).len(), 1);
    }
}

#[test]
fn a_command_that_came_again_does_not_make_its_first_time_whole() {
    let id = Uuid::now_v7();
    let (first, again) = (transfer_of(id, 1), transfer_of(id, 2));
    let torn = [&first[0], &again[1], &again[2]];
    assert_eq!(left(torn), [at("account-1", 2), at("transfer-1", 1)]);
    let parts = Parts::of(&first[0]).expect("parts");
    assert!(parts.has(&first[1]));
    assert!(!parts.has(&again[1]), "its own first time is gone");
}

#[test]
fn a_commit_of_another_command_or_of_none_is_no_part() {
    let (first, other) = (transfer(1), transfer(1));
    let parts = Parts::of(&first[0]).expect("parts");
    assert_eq!(parts.positions(), STREAMS.map(|stream| at(stream, 1)));
    assert!(first.iter().all(|commit| parts.has(commit)));
    assert!(!other.iter().any(|commit| parts.has(commit)));
    let mut unreadable = first[1].clone();
    unreadable.metadata = "{}".into();
    unreadable.chain.hash = unreadable.hash();
    assert!(!parts.has(&unreadable));
    let mixed = [&first[0], &other[1], &first[2], &other[0]];
    assert_eq!(left(mixed).len(), 2);
}

#[test]
fn an_edited_commit_names_nothing_and_is_not_missing() {
    let mut commits = transfer(1);
    let parts = Parts::of(&commits[0]).expect("parts");
    commits[1].metadata = commits[1].metadata.replace("account-2", "account-3");
    assert_eq!(Parts::of(&commits[1]), None);
    assert!(parts.has(&commits[1]), "it is reported as edited");
    assert_eq!(left([&commits[1]]), []);
    assert_eq!(left(&commits), [at("transfer-1", 1)], "to be looked at");
}

#[test]
fn a_list_of_parts_that_no_command_wrote_does_no_harm() {
    let id = Uuid::now_v7();
    let thousands: Vec<_> = (1..=5_000)
        .map(|version| at("account-1", version))
        .collect();
    let forged = commit_of(id, at("account-1", 1), &thousands);
    let parts = Parts::of(&forged).expect("parts");
    assert_eq!(parts.positions().len(), MAX_TRANSACTION_ITEMS);
    let elsewhere = commit_of(id, at("account-9", 1), &thousands[..3]);
    let twice = [at("account-1", 1), at("account-1", 1)];
    let twice = commit_of(id, at("account-1", 1), &twice);
    for forged in [forged, elsewhere, twice] {
        let expected = at(&forged.stream, 1);
        assert_eq!(left([&forged, &forged]), [expected]);
    }
    let alone = commit_of(id, at("account-1", 1), &thousands[..1]);
    assert_eq!(left([&alone]), []);
}

#[test]
fn no_item_lies_under_a_name_that_no_table_takes() {
    assert!(at("transfer-1", 0).is_possible());
    assert!(at(&"x".repeat(MAX_NAME), 1).is_possible());
    assert!(!at("", 1).is_possible());
    assert!(!at(&"x".repeat(MAX_NAME + 1), 1).is_possible());
}
