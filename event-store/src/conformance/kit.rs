//! What the checks are written with.

use crate::{
    AppendError, Batch, ClaimChange, Commit, Done, EventLog, Hash, Metadata, Position, Stamp,
    StoreError, StoredEvent,
};
use chrono::{DateTime, TimeDelta, Utc};
use decider::Claim;
use serde_json::value::RawValue;
use std::ops::RangeInclusive;
use uuid::Uuid;

/// So many race at a time.
pub(super) const RACERS: usize = 32;
pub(super) const EVERY: RangeInclusive<u64> = 1..=u64::MAX;

/// The name of a stream that nobody has used.
pub(super) fn stream() -> String {
    crate::stream_name("conformance", Uuid::now_v7())
}

/// A value that nobody has claimed.
pub(super) fn value() -> Claim {
    Claim {
        kind: "email",
        canonical: format!("{}@example.com", Uuid::now_v7()),
    }
}

pub(super) fn take(stream: &str, claim: &Claim) -> (String, ClaimChange) {
    (stream.to_owned(), ClaimChange::Take(claim.clone()))
}

pub(super) fn release(stream: &str, claim: &Claim) -> (String, ClaimChange) {
    (stream.to_owned(), ClaimChange::Release(claim.clone()))
}

/// The first commit of a stream that nobody has used.
pub(super) fn first() -> Commit {
    commit(&stream(), 1)
}

/// A commit of one event.
pub(super) fn commit(stream: &str, version: u64) -> Commit {
    commit_of(stream, version, &[r#"{"text":"Zoë 🦀"}"#])
}

/// A commit of an event of each data, which is JSON.
pub(super) fn commit_of(stream: &str, version: u64, data: &[&str]) -> Commit {
    let stamp = Stamp {
        id: Uuid::now_v7(),
        timestamp: moment(),
    };
    let events: Vec<_> = data.iter().map(|data| event(data)).collect();
    let metadata = Metadata::new("conformance", "tests");
    let at = position(stream, version);
    Commit::new(at, Hash::default(), &stamp, &metadata, &events, None).expect("it has JSON")
}

/// A commit that takes exactly so many bytes.
pub(super) fn commit_of_size(stream: &str, version: u64, bytes: usize) -> Commit {
    let of = |length| commit_of(stream, version, &[&format!("\"{}\"", "x".repeat(length))]);
    of(bytes - of(0).size())
}

pub(super) fn event(data: &str) -> StoredEvent {
    StoredEvent {
        id: Uuid::now_v7(),
        kind: "Something".into(),
        schema_version: 1,
        data: RawValue::from_string(data.to_owned()).expect("it is JSON"),
        effective_at: None,
    }
}

pub(super) fn position(stream: &str, version: u64) -> Position {
    Position {
        stream: stream.to_owned(),
        version,
    }
}

/// Some time in the past, with microseconds.
pub(super) fn moment() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::microseconds(1_234_567)
}

/// A new command, done in this commit and known for a minute.
pub(super) fn done_in(commit: &Commit) -> Done {
    Done {
        command_id: Uuid::now_v7(),
        at: position(&commit.stream, commit.version),
        now: moment(),
        until: moment() + TimeDelta::minutes(1),
    }
}

pub(super) fn versions(commits: &[Commit]) -> Vec<u64> {
    commits.iter().map(|commit| commit.version).collect()
}

pub(super) async fn all(log: &impl EventLog, stream: &str) -> Vec<Commit> {
    let read = log.read(stream, EVERY, usize::MAX).await;
    read.expect("the stream is readable")
}

/// Appends what nothing forbids.
pub(super) async fn append(log: &impl EventLog, batch: Batch) {
    log.append(&batch)
        .await
        .expect("nothing forbids this batch");
}

/// Appends a batch to a log that loses the first reply.
pub(super) async fn append_despite_loss(log: &impl EventLog, batch: &Batch) {
    match log.append(batch).await {
        Err(AppendError::Store(StoreError::Aws(_))) => {
            let again = log.append(batch).await;
            again.expect("the first try landed");
        }
        other => other.expect("the log repeated it by itself"),
    }
}

/// Appends them all at once, and counts who won; all others must have lost as `is_loss` says.
pub(super) async fn race(
    log: &impl EventLog,
    batches: &[Batch],
    is_loss: impl Fn(&AppendError) -> bool,
) -> usize {
    let racers = batches.iter().map(|batch| log.append(batch));
    let mut won = 0;
    for outcome in futures_util::future::join_all(racers).await {
        match outcome {
            Ok(()) => won += 1,
            Err(error) => assert!(is_loss(&error), "{error:?}"),
        }
    }
    if won == 0 {
        // OK because a store may refuse all transactions that meet; one that comes alone wins.
        append(log, batches[0].clone()).await;
        won = 1;
    }
    won
}

/// Whether nobody holds a value.
pub(super) async fn is_free(log: &impl EventLog, claim: &Claim) -> bool {
    let mut batch = Batch::of(first());
    batch.claims = vec![take(&batch.commits[0].stream, claim)];
    match log.append(&batch).await {
        Ok(()) => {}
        Err(AppendError::ClaimTaken { .. }) => return false,
        Err(error) => panic!("{error:?}"),
    }
    batch.commits.clear();
    batch.claims = vec![release(&batch.claims[0].0, claim)];
    append(log, batch).await;
    true
}

macro_rules! assert_err {
    ($result:expr, $pattern:pat) => {
        let result = $result;
        assert!(
            matches!(&result, Err($pattern)),
            "{result:?} should be {}",
            stringify!($pattern)
        );
    };
}
pub(super) use assert_err;
