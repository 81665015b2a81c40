//! Where a command over several streams is torn, `verify` names each part that is missing; and no part else.

use aws_sdk_dynamodb::types::AttributeValue;
use event_store::{
    Batch, Cache, Commit, EventLog, ExecuteError, Finding, Hash, Metadata, Position, Stamp,
    StoredEvent, What, advance,
};
use futures_util::future::join_all;
use indicatif::ProgressBar;
use ops::Reading;
use ops::verify::{Summary, verify};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use tests::account::{Command, Transfer, TransferEvent, run, transfer, unkeyed};
use tests::backend::Backend;
use tests::on_each_backend;
use uuid::Uuid;

on_each_backend! {
    each_commit_of_a_transfer_is_missed_by_the_others
    two_of_three_are_missed_by_the_third
    a_stream_that_is_gone_is_missed_by_all_that_had_a_part_in_it
    another_commit_in_its_place_does_not_hide_what_is_missing
    an_edited_part_is_named_as_edited_alone
    parts_that_no_command_wrote_are_missing_and_stop_nothing
    hundreds_of_transfers_are_whole
    transfers_that_are_made_meanwhile_are_not_taken_for_torn
}

const ACCOUNTS: [&str; 4] = ["account-1", "account-2", "account-3", "account-4"];
const FROM: &str = "account-1";
const TO: &str = "account-2";

/// Accounts with plenty in them.
async fn opened(backend: &Backend) {
    for account in ACCOUNTS {
        act(backend, account, &Command::Open(account)).await;
        act(backend, account, &Command::Deposit(2, 1_000_000)).await;
    }
}

async fn act(backend: &Backend, account: &str, command: &Command) {
    let (cache, log) = (Cache::none(), backend.log());
    let done = run(&cache, &log, &backend.clock, &unkeyed(), account, command).await;
    done.expect("done");
}

/// So many transfers from the first account to the second, with other commits between; where the commits of each lie.
async fn transfers(backend: &Backend, count: usize) -> Vec<[Position; 3]> {
    opened(backend).await;
    let mut made = Vec::new();
    for number in 1..=count {
        let name = format!("transfer-{number}");
        let names = [name.as_str(), FROM, TO];
        let answers = transfer(&backend.log(), &backend.clock, &unkeyed(), names, 1).await;
        let answers = answers.expect("made");
        made.push(std::array::from_fn(|part| {
            at(names[part], answers[part].version)
        }));
        act(backend, TO, &Command::Deposit(number % 3 + 1, 1)).await;
        act(backend, FROM, &Command::Withdraw(1)).await;
    }
    made
}

fn at(stream: &str, version: u64) -> Position {
    Position {
        stream: stream.to_owned(),
        version,
    }
}

async fn verified(backend: &Backend, named: &[&str], segments: u16) -> (Vec<Finding>, Summary) {
    let (log, heads) = (backend.log(), backend.heads());
    let named: Vec<_> = named.iter().map(|name| (*name).to_owned()).collect();
    let reading = Reading {
        segments,
        progress: ProgressBar::hidden(),
    };
    let verified = verify(&log, &heads, &named, &reading).await;
    verified.expect("it can be read")
}

/// Where parts are missing, each with one that names it; and what else was found.
fn sorted(findings: Vec<Finding>) -> (Vec<(Position, Position)>, Vec<Finding>) {
    let (mut missing, mut others) = (Vec::new(), Vec::new());
    for finding in findings {
        match finding.what {
            What::MissingPart { of } => missing.push((at(&finding.stream, finding.version), of)),
            _ => others.push(finding),
        }
    }
    (missing, others)
}

async fn commit_at(backend: &Backend, at: &Position) -> Commit {
    let versions = at.version..=at.version;
    let mut found = backend.log().read(&at.stream, versions, 1).await;
    found.as_mut().expect("readable").remove(0)
}

async fn delete(backend: &Backend, at: &Position) -> Commit {
    let commit = commit_at(backend, at).await;
    let delete = backend.client.delete_item();
    delete
        .table_name(backend.table("events"))
        .key("stream", AttributeValue::S(at.stream.clone()))
        .key("version", AttributeValue::N(at.version.to_string()))
        .send()
        .await
        .expect("deleted");
    commit
}

async fn put(backend: &Backend, commit: Commit) {
    let put = backend.client.put_item();
    put.table_name(backend.table("events"))
        .set_item(Some(serde_dynamo::to_item(&commit).expect("an item")))
        .send()
        .await
        .expect("put");
}

async fn each_commit_of_a_transfer_is_missed_by_the_others(backend: &Backend) {
    let made = transfers(backend, 2).await;
    for parts in &made {
        for missing in parts {
            let others: Vec<_> = parts.iter().filter(|part| *part != missing).collect();
            let commit = delete(backend, missing).await;
            let [one, other] = [0, 1].map(|index| others[index].stream.as_str());
            let forms = [&[][..], &[one], &[other], &[one, other]];
            let runs = forms.map(|named| verified(backend, named, 3));
            for (named, (findings, summary)) in forms.iter().zip(join_all(runs).await) {
                let (found, rest) = sorted(findings);
                let [(position, of)] = &found[..] else {
                    panic!("one part: {found:?}");
                };
                assert_eq!((position, summary.torn), (missing, 1));
                assert!(others.contains(&of), "{of:?} names {missing:?}");
                // The chain of its stream shows it, too, where that goes on.
                let shows = named.is_empty() && missing.stream != parts[0].stream;
                let gap = Finding {
                    stream: missing.stream.clone(),
                    version: missing.version,
                    what: What::Removed {
                        to: missing.version,
                    },
                };
                assert_eq!(rest, Vec::from_iter(shows.then_some(gap)));
            }
            put(backend, commit).await;
        }
    }
    assert_eq!(verified(backend, &[], 3).await.0, []);
}

async fn two_of_three_are_missed_by_the_third(backend: &Backend) {
    let made = transfers(backend, 2).await;
    for left in &made[1] {
        let mut gone: Vec<_> = made[1].iter().filter(|part| *part != left).collect();
        let mut deleted = Vec::new();
        for part in &gone {
            deleted.push(delete(backend, part).await);
        }
        let (mut found, _) = sorted(verified(backend, &[], 2).await.0);
        found.sort_by_key(|(position, _)| position.stream.clone());
        gone.sort_by_key(|position| position.stream.clone());
        let expected = gone.into_iter().map(|part| (part.clone(), left.clone()));
        assert_eq!(found, Vec::from_iter(expected));
        for commit in deleted {
            put(backend, commit).await;
        }
    }
}

async fn a_stream_that_is_gone_is_missed_by_all_that_had_a_part_in_it(backend: &Backend) {
    let made = transfers(backend, 5).await;
    let (log, heads) = (backend.log(), backend.heads());
    let commits = log.read(TO, 1..=u64::MAX, usize::MAX).await.expect("read");
    advance(&heads, &log, TO, &commits).await.expect("linked");
    for commit in &commits {
        delete(backend, &at(&commit.stream, commit.version)).await;
    }
    let (findings, summary) = verified(backend, &[], 3).await;
    let (found, rest) = sorted(findings);
    let found: Vec<_> = found.into_iter().map(|(position, _)| position).collect();
    let unique: BTreeSet<_> = found.iter().map(|position| position.version).collect();
    let expected = made.iter().map(|parts| parts[2].version);
    assert_eq!((unique.len(), summary.torn), (found.len(), 5));
    assert_eq!(unique, expected.collect());
    assert!(found.iter().all(|position| position.stream == TO));
    let [Finding { stream, what, .. }] = &rest[..] else {
        panic!("the head: {rest:?}");
    };
    assert!(stream == TO && matches!(what, What::CutOff { .. }));
}

async fn another_commit_in_its_place_does_not_hide_what_is_missing(backend: &Backend) {
    opened(backend).await;
    let names = ["transfer-1", FROM, TO];
    let answers = transfer(&backend.log(), &backend.clock, &unkeyed(), names, 1).await;
    let missing = at(TO, answers.expect("made")[2].version);
    delete(backend, &missing).await;
    act(backend, TO, &Command::Deposit(1, 1)).await;
    let (found, rest) = sorted(verified(backend, &[], 2).await.0);
    let found: Vec<_> = found.into_iter().map(|(position, _)| position).collect();
    assert_eq!((found, rest), (vec![missing.clone()], vec![]));
    // Nor does that of another transfer, which is whole.
    delete(backend, &missing).await;
    let names = ["transfer-2", "account-3", TO];
    let answers = transfer(&backend.log(), &backend.clock, &unkeyed(), names, 1).await;
    assert_eq!(answers.expect("made")[2].version, missing.version);
    let (found, rest) = sorted(verified(backend, &[], 2).await.0);
    let found: Vec<_> = found.into_iter().map(|(position, _)| position).collect();
    assert_eq!((found, rest), (vec![missing], vec![]));
}

async fn an_edited_part_is_named_as_edited_alone(backend: &Backend) {
    let made = transfers(backend, 2).await;
    for part in &made[0] {
        let commit = commit_at(backend, part).await;
        for metadata in ["{}".to_owned(), commit.metadata.replace("account", "user")] {
            let commit = commit.clone();
            put(backend, Commit { metadata, ..commit }).await;
            let (findings, _) = verified(backend, &[], 2).await;
            let found: Vec<_> = findings.into_iter().map(|found| found.what).collect();
            assert_eq!(found, [What::Edited]);
        }
        put(backend, commit).await;
    }
}

async fn parts_that_no_command_wrote_are_missing_and_stop_nothing(backend: &Backend) {
    transfers(backend, 1).await;
    let id = Uuid::now_v7();
    let made =
        StoredEvent::encode::<Transfer>(id, &TransferEvent::Made { amount: 1 }).expect("JSON");
    let timestamp = "2026-11-21T10:00:00Z".parse().expect("a time");
    let mut parts = vec![at("transfer-9", 1), at("", 1), at(&"x".repeat(2_049), 1)];
    parts.extend((0..2_000).map(|version| at(FROM, version)));
    let metadata = Metadata { parts, ..unkeyed() };
    let (here, stamp) = (at("transfer-9", 1), Stamp { id, timestamp });
    let forged = Commit::new(here, Hash::default(), &stamp, &metadata, &[made], None);
    let forged = Batch::of(forged.expect("a commit"));
    backend.log().append(&forged).await.expect("put");
    for named in [&[][..], &["transfer-9"]] {
        let (findings, summary) = verified(backend, named, 2).await;
        let (found, rest) = sorted(findings);
        assert_eq!((found.len(), summary.torn, rest), (99, 1, vec![]));
    }
}

/// Makes transfers between accounts until it is enough, and says how many.
async fn make(backend: &Backend, writer: usize, is_enough: impl Fn(usize) -> bool) -> usize {
    let (log, mut rng) = (backend.log(), fastrand::Rng::with_seed(writer as u64));
    let (mut made, mut tried) = (0, 0);
    while !is_enough(made) {
        tried += 1;
        let name = format!("transfer-{writer}-{tried}");
        let mut accounts = ACCOUNTS;
        rng.shuffle(&mut accounts);
        let names = [name.as_str(), accounts[0], accounts[1]];
        match transfer(&log, &backend.clock, &unkeyed(), names, 1).await {
            Ok(_) => made += 1,
            Err(ExecuteError::Conflict) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    made
}

async fn hundreds_of_transfers_are_whole(backend: &Backend) {
    opened(backend).await;
    assert_eq!(make(backend, 1, |made| made == 200).await, 200);
    for (named, segments) in [(&[][..], 1), (&[], 4), (&ACCOUNTS, 1), (&[FROM], 1)] {
        let (findings, summary) = verified(backend, named, segments).await;
        assert_eq!((findings, summary.torn), (vec![], 0));
    }
}

async fn transfers_that_are_made_meanwhile_are_not_taken_for_torn(backend: &Backend) {
    opened(backend).await;
    let stop = AtomicBool::new(false);
    let writers = (0..4).map(|writer| make(backend, writer, |_| stop.load(Ordering::SeqCst)));
    let verifier = async {
        for round in 0..16 {
            let named = &ACCOUNTS[..[0, 0, 1, 4][round % 4]];
            let segments = [1, 3, 1, 1][round % 4];
            let (findings, summary) = verified(backend, named, segments).await;
            assert_eq!((findings, summary.torn), (vec![], 0));
        }
        stop.store(true, Ordering::SeqCst);
    };
    let (made, ()) = tokio::join!(join_all(writers), verifier);
    let made: usize = made.into_iter().sum();
    assert!(made > 20, "{made} were made");
}
