//! Of two commits at one version one is written; a commit that is repeated is written once.

use super::Fixture;
use super::kit::*;
use crate::{AppendError, Batch, EventLog};

/// The second writer is told, and changes nothing.
pub async fn a_version_is_taken_once(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let first = first();
    append(&log, Batch::of(first.clone())).await;
    let second = log.append(&Batch::of(commit(&first.stream, 1))).await;
    assert_err!(second, AppendError::Conflict);
    assert_eq!(all(&log, &first.stream).await, [first]);
}

/// A lost race: whoever is told that it won has written what is there.
pub async fn of_32_writers_at_one_version_one_wins(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let name = stream();
    append(&log, Batch::of(commit(&name, 1))).await;
    let batches: Vec<_> = (0..RACERS).map(|_| Batch::of(commit(&name, 2))).collect();
    let is_loss = |error: &AppendError| matches!(error, AppendError::Conflict);
    assert_eq!(race(&log, &batches, is_loss).await, 1);
    let there = all(&log, &name).await;
    assert_eq!(versions(&there), [1, 2]);
    for batch in batches {
        let is_there = log.append(&batch).await.is_ok();
        assert_eq!(is_there, batch.commits[0] == there[1], "one of them won");
    }
}

/// The condition fails on the very commit that it is for.
pub async fn our_own_commit_is_no_conflict(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let ours = first();
    append(&log, Batch::of(ours.clone())).await;
    append(&log, Batch::of(ours.clone())).await;
    append(&log, Batch::of(commit(&ours.stream, 2))).await;
    append(&log, Batch::of(ours.clone())).await;
    let there = all(&log, &ours.stream).await;
    assert_eq!((there.len(), &there[0]), (2, &ours));
}

/// The write landed, its reply did not.
pub async fn a_lost_reply_is_no_conflict(fixture: &impl Fixture) {
    let log = fixture.log_that_loses_a_reply().await;
    let ours = first();
    append_despite_loss(&log, &Batch::of(ours.clone())).await;
    assert_eq!(all(&log, &ours.stream).await, [ours]);
}

/// A batch of nothing is no mistake.
pub async fn an_empty_batch_is_nothing(fixture: &impl Fixture) {
    append(&fixture.log().await, Batch::default()).await;
}
