//! A value has one holder at a time, and changes hands with a commit or not at all.

use super::Fixture;
use super::kit::*;
use crate::{AppendError, Batch, Commit, EventLog, StoreError};
use decider::Claim;

fn taking(commit: Commit, claim: &Claim) -> Batch {
    Batch {
        claims: vec![take(&commit.stream, claim)],
        ..Batch::of(commit)
    }
}

fn releasing(commit: Commit, claim: &Claim) -> Batch {
    Batch {
        claims: vec![release(&commit.stream, claim)],
        ..Batch::of(commit)
    }
}

/// Whoever comes second is told the kind; after a release it is anybody's.
pub async fn a_claim_has_one_holder_until_it_is_released(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let (holder, second, claim) = (first(), first(), value());
    append(&log, taking(holder.clone(), &claim)).await;
    let refused = log.append(&taking(second.clone(), &claim)).await;
    assert_err!(refused, AppendError::ClaimTaken { kind: "email" });
    assert_eq!(all(&log, &second.stream).await, []);
    append(&log, releasing(commit(&holder.stream, 2), &claim)).await;
    append(&log, taking(second, &claim)).await;
    assert!(!is_free(&log, &claim).await);
}

/// It has what it asks for.
pub async fn a_holder_may_claim_again(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let (holder, claim) = (first(), value());
    append(&log, taking(holder.clone(), &claim)).await;
    append(&log, taking(commit(&holder.stream, 2), &claim)).await;
}

/// Somebody's books are wrong; the holder keeps the value.
pub async fn a_foreign_claim_is_not_released(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let (other, claim) = (first(), value());
    append(&log, taking(first(), &claim)).await;
    let refused = log.append(&releasing(other.clone(), &claim)).await;
    assert_err!(refused, AppendError::Store(StoreError::Corrupt { .. }));
    assert_eq!(all(&log, &other.stream).await, []);
    assert!(!is_free(&log, &claim).await);
}

/// Nothing is lost where there is nothing.
pub async fn a_claim_that_is_gone_may_be_released(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let (ours, claim) = (first(), value());
    append(&log, releasing(ours.clone(), &claim)).await;
    assert_eq!(all(&log, &ours.stream).await, [ours]);
    assert!(is_free(&log, &claim).await);
}

/// Where a stream has moved on, what its old state made of claims says nothing.
pub async fn the_stream_is_judged_before_its_claims(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let (ours, claim) = (first(), value());
    append(&log, Batch::of(ours.clone())).await;
    append(&log, taking(first(), &claim)).await;
    let both = log.append(&taking(commit(&ours.stream, 1), &claim)).await;
    assert_err!(both, AppendError::Conflict);
}

/// Nobody shares a value, under any interleaving.
pub async fn of_32_claims_of_one_value_one_wins(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let claim = value();
    let batches: Vec<_> = (0..RACERS).map(|_| taking(first(), &claim)).collect();
    let is_loss = |error: &AppendError| {
        matches!(
            error,
            AppendError::ClaimTaken { .. } | AppendError::Conflict
        )
    };
    assert_eq!(race(&log, &batches, is_loss).await, 1);
    let mut there = 0;
    for batch in &batches {
        there += all(&log, &batch.commits[0].stream).await.len();
    }
    assert_eq!(there, 1);
    assert!(!is_free(&log, &claim).await);
}

/// A repair moves claims alone, while the stream stays as it was read.
pub async fn claims_may_change_without_a_commit(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let (ours, old, new) = (first(), value(), value());
    append(&log, taking(ours.clone(), &old)).await;
    let change = |version| Batch {
        unchanged: vec![position(&ours.stream, version)],
        claims: vec![release(&ours.stream, &old), take(&ours.stream, &new)],
        ..Batch::default()
    };
    assert_err!(log.append(&change(0)).await, AppendError::Conflict);
    assert!(!is_free(&log, &old).await && is_free(&log, &new).await);
    append(&log, change(1)).await;
    append(&log, change(1)).await;
    assert!(is_free(&log, &old).await && !is_free(&log, &new).await);
    assert_eq!(all(&log, &ours.stream).await, [ours]);
}

/// The conditions fail on what the first try wrote.
pub async fn our_own_commit_with_claims_is_no_conflict(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let (ours, claim) = (first(), value());
    append(&log, taking(ours.clone(), &claim)).await;
    append(&log, taking(ours.clone(), &claim)).await;
    assert_eq!(all(&log, &ours.stream).await, [ours]);
}
