//! A command that a batch names is done once, for as long as it is remembered.

use super::Fixture;
use super::kit::*;
use crate::{AppendError, Batch, Commit, Done, EventLog};
use chrono::TimeDelta;
use uuid::Uuid;

fn doing(commit: Commit, done: &Done) -> Batch {
    Batch {
        done: Some(Done {
            at: position(&commit.stream, commit.version),
            ..done.clone()
        }),
        ..Batch::of(commit)
    }
}

/// Known from the write on, free from `until` on, even where the store tidies up days later.
pub async fn a_command_is_known_until_it_expires(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let (ours, second) = (first(), TimeDelta::seconds(1));
    let done = done_in(&ours);
    let known = async |at| log.done(done.command_id, at).await.expect("readable");
    assert_eq!(known(done.now).await, None);
    append(&log, doing(ours.clone(), &done)).await;
    let at = Some(position(&ours.stream, 1));
    assert_eq!(known(done.now).await, at);
    assert_eq!(known(done.until - second).await, at);
    assert_eq!(known(done.until + second).await, None);
    let other = log.done(Uuid::now_v7(), done.now).await;
    assert_eq!(other.expect("readable"), None);

    let later = Done {
        now: done.until + second,
        until: done.until + TimeDelta::minutes(1),
        ..done.clone()
    };
    let again = commit(&ours.stream, 2);
    append(&log, doing(again.clone(), &later)).await;
    let at = Some(position(&again.stream, 2));
    assert_eq!(known(later.now).await, at);
}

/// A copy, decided elsewhere, learns where the first one lies; that comes before any conflict.
pub async fn a_command_is_done_once(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let ours = first();
    let done = done_in(&ours);
    append(&log, doing(ours.clone(), &done)).await;
    for copy in [commit(&ours.stream, 2), first(), commit(&ours.stream, 1)] {
        match log.append(&doing(copy, &done)).await {
            Err(AppendError::Done(at)) => assert_eq!(at, position(&ours.stream, 1)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(all(&log, &ours.stream).await, [ours]);
}

/// Copies that race on streams of their own: the command alone keeps them apart.
pub async fn of_32_copies_of_a_command_one_is_done(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let done = done_in(&first());
    let batches: Vec<_> = (0..RACERS).map(|_| doing(first(), &done)).collect();
    let is_loss =
        |error: &AppendError| matches!(error, AppendError::Done(_) | AppendError::Conflict);
    assert_eq!(race(&log, &batches, is_loss).await, 1);
    let known = log.done(done.command_id, done.now).await;
    let known = known.expect("readable").expect("it was done");
    for batch in &batches {
        let name = &batch.commits[0].stream;
        let is_known = known.stream == *name;
        assert_eq!(all(&log, name).await.len(), usize::from(is_known));
    }
}

/// The first try landed: that is no copy.
pub async fn our_own_command_is_no_conflict(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let ours = first();
    let done = done_in(&ours);
    append(&log, doing(ours.clone(), &done)).await;
    append(&log, doing(ours.clone(), &done)).await;
    assert_eq!(all(&log, &ours.stream).await, [ours]);
}
