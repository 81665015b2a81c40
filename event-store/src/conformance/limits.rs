//! What is too large is refused whole, and what is just within the limits is taken.

use super::Fixture;
use super::kit::*;
use crate::schema::{MAX_ITEM, MAX_TRANSACTION_ITEMS};
use crate::{AppendError, Batch, EventLog, StoreError};

/// Every log takes what [`Commit::size`](crate::Commit::size) counts as the most, and nothing beyond.
pub async fn an_item_over_400_kb_is_refused(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let name = stream();
    let sized = |bytes| Batch::of(commit_of_size(&name, 1, bytes));
    let refused = log.append(&sized(MAX_ITEM + 1)).await;
    assert_err!(refused, AppendError::Store(StoreError::TooLarge { .. }));
    assert_eq!(all(&log, &name).await, []);
    append(&log, sized(MAX_ITEM)).await;
}

/// Commits, claims, streams that stay and the command all count.
pub async fn a_batch_over_100_items_is_refused(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let mut batch = Batch {
        commits: (3..MAX_TRANSACTION_ITEMS).map(|_| first()).collect(),
        unchanged: vec![position(&stream(), 0)],
        ..Batch::default()
    };
    let (name, claim) = (batch.commits[0].stream.clone(), value());
    batch.claims = vec![take(&name, &claim), take(&name, &value())];
    batch.done = Some(done_in(&batch.commits[0]));
    let refused = log.append(&batch).await;
    assert_err!(refused, AppendError::Store(StoreError::TooLarge { .. }));
    assert_eq!(all(&log, &name).await, []);
    assert!(is_free(&log, &claim).await);
    batch.claims.pop();
    append(&log, batch).await;
    assert!(!is_free(&log, &claim).await);
}

/// Each item is within its own limit, and they are too much together.
pub async fn a_batch_over_4_mb_is_refused(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let largest = |_| commit_of_size(&stream(), 1, MAX_ITEM);
    let mut batch = Batch {
        commits: (0..11).map(largest).collect(),
        ..Batch::default()
    };
    let refused = log.append(&batch).await;
    assert_err!(refused, AppendError::Store(StoreError::TooLarge { .. }));
    for commit in &batch.commits {
        assert_eq!(all(&log, &commit.stream).await, []);
    }
    batch.commits.pop();
    append(&log, batch.clone()).await;
    let last = batch.commits.last().expect("ten are left");
    assert_eq!(all(&log, &last.stream).await.len(), 1);
}

/// A transaction takes each item once.
pub async fn a_batch_names_each_stream_and_each_claim_once(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let (ours, other, claim) = (first(), first(), value());
    let (name, there) = (ours.stream.as_str(), other.stream.as_str());
    let two_commits = Batch {
        commits: vec![ours.clone(), commit(name, 2)],
        ..Batch::default()
    };
    let also_unchanged = Batch {
        unchanged: vec![position(name, 0)],
        ..Batch::of(ours.clone())
    };
    for twice in [two_commits, also_unchanged] {
        let refused = log.append(&twice).await;
        assert_err!(refused, AppendError::Store(StoreError::Twice { .. }));
    }
    for claims in [
        [take(name, &claim), take(there, &claim)],
        [release(name, &claim), take(there, &claim)],
        [take(name, &claim), release(name, &claim)],
    ] {
        let twice = Batch {
            commits: vec![ours.clone(), other.clone()],
            claims: claims.into(),
            ..Batch::default()
        };
        assert_err!(log.append(&twice).await, AppendError::ClaimTaken { .. });
    }
    assert_eq!(all(&log, name).await, []);
    assert!(is_free(&log, &claim).await);
}
