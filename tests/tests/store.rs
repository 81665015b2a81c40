//! What every event log must do, run on DynamoDB Local and on the embedded DynamoDB.

use chrono::{DateTime, TimeDelta, Utc};
use decider::Claim;
use event_store::{
    AppendError, ClaimChange, Clock, ClockOff, Commit, EventLog, StoreError, StoredEvent,
};
use serde_json::json;
use std::sync::Mutex;
use tests::backend::Backend;
use tests::on_each_backend;
use tests::users::{create, metadata, rename, run, stream};
use uuid::Uuid;

on_each_backend! {
    a_commit_is_read_as_it_was_appended
    a_version_is_taken_once
    the_first_version_is_taken_once_even_beside_claims
    our_own_commit_is_no_conflict
    our_own_commit_with_claims_is_no_conflict
    our_own_commit_is_known_without_its_token
    a_lost_reply_is_no_conflict
    a_lost_reply_to_a_transaction_is_no_conflict
    a_stream_over_a_megabyte_is_read_whole
    a_range_is_read_in_order_up_to_its_limit
    a_claim_has_one_holder_until_it_is_released
    a_transaction_is_never_half_done
    a_holder_may_claim_again
    a_foreign_claim_is_not_released
    an_item_over_400_kb_is_refused_before_it_is_sent
    an_undecodable_commit_is_corrupt_and_not_skipped
    timestamps_never_go_back_in_a_stream
    a_clock_that_is_far_off_writes_nothing
}

fn commit(stream: &str, version: u64, events: usize) -> Commit {
    let event = |index| StoredEvent {
        id: Uuid::now_v7(),
        kind: "Something".into(),
        schema_version: 1,
        data: json!({ "index": index, "text": "Zoë \u{1F980}" }),
        effective_at: (index == 1).then_some(DateTime::UNIX_EPOCH + TimeDelta::microseconds(5)),
    };
    Commit {
        stream: stream.into(),
        version,
        id: Uuid::now_v7(),
        timestamp: DateTime::UNIX_EPOCH + TimeDelta::microseconds(1_234_567),
        events: (0..events).map(event).collect(),
        metadata: metadata(Uuid::now_v7()),
    }
}

fn email(value: &str) -> Claim {
    Claim {
        kind: "email",
        canonical: value.into(),
    }
}

async fn all(log: &impl EventLog, stream: &str) -> Vec<Commit> {
    log.read(stream, 1..=u64::MAX, usize::MAX)
        .await
        .expect("readable")
}

async fn a_commit_is_read_as_it_was_appended(backend: &Backend) {
    let log = backend.log();
    let mut full = commit("user-1", 1, 2);
    full.metadata.causation_id = Some(Uuid::now_v7());
    full.metadata.traceparent =
        Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
    full.metadata.reason = Some("because".into());
    let bare = commit("user-1", 3, 1);
    log.append(&full, &[]).await.expect("appended");
    log.append(&bare, &[]).await.expect("appended");
    log.append(&commit("user-2", 1, 1), &[])
        .await
        .expect("appended");
    assert_eq!(all(&log, "user-1").await, [full, bare]);
    assert_eq!(all(&log, "user-3").await, []);
}

async fn a_version_is_taken_once(backend: &Backend) {
    let log = backend.log();
    let first = commit("user-1", 1, 1);
    log.append(&first, &[]).await.expect("appended");
    let second = log.append(&commit("user-1", 1, 1), &[]).await;
    assert!(matches!(second, Err(AppendError::Conflict)), "{second:?}");
    assert_eq!(all(&log, "user-1").await, [first]);
}

async fn the_first_version_is_taken_once_even_beside_claims(backend: &Backend) {
    let log = backend.log();
    log.append(&commit("user-1", 1, 1), &[ClaimChange::Take(email("a"))])
        .await
        .expect("appended");
    log.append(&commit("user-2", 1, 1), &[ClaimChange::Take(email("b"))])
        .await
        .expect("appended");
    let second = log
        .append(&commit("user-1", 1, 1), &[ClaimChange::Take(email("b"))])
        .await;
    assert!(
        matches!(second, Err(AppendError::Conflict)),
        "the stream is judged before the claim: {second:?}"
    );
}

async fn our_own_commit_is_no_conflict(backend: &Backend) {
    let log = backend.log();
    let ours = commit("user-1", 1, 1);
    log.append(&ours, &[]).await.expect("appended");
    log.append(&ours, &[]).await.expect("it is there");
    assert_eq!(all(&log, "user-1").await, [ours]);
}

async fn our_own_commit_with_claims_is_no_conflict(backend: &Backend) {
    let log = backend.log();
    let ours = commit("user-1", 1, 1);
    let claims = [ClaimChange::Take(email("a"))];
    log.append(&ours, &claims).await.expect("appended");
    log.append(&ours, &claims).await.expect("it is there");
    assert_eq!(all(&log, "user-1").await, [ours]);
}

async fn our_own_commit_is_known_without_its_token(backend: &Backend) {
    let log = backend.log();
    let ours = commit("user-1", 1, 1);
    // The service forgets a transaction's token after ten minutes; a first try without one stands for that.
    log.append(&ours, &[]).await.expect("appended");
    log.append(&ours, &[ClaimChange::Take(email("a"))])
        .await
        .expect("it is there");
    assert_eq!(all(&log, "user-1").await, [ours]);
}

async fn a_lost_reply_is_no_conflict(backend: &Backend) {
    let log = backend.log_that_loses_one_reply_to("PutItem").await;
    backend.requests.clear();
    log.append(&commit("user-1", 1, 1), &[])
        .await
        .expect("the retry finds its own commit");
    assert_eq!(
        backend.requests.clear(),
        ["PutItem", "PutItem"],
        "the reply was lost"
    );
    assert_eq!(all(&log, "user-1").await.len(), 1);
}

async fn a_lost_reply_to_a_transaction_is_no_conflict(backend: &Backend) {
    let log = backend
        .log_that_loses_one_reply_to("TransactWriteItems")
        .await;
    let id = Uuid::now_v7();
    backend.requests.clear();
    let created = run(&log, &backend.clock, id, &create("sarah@example.com"))
        .await
        .expect("created");
    assert_eq!((created.version, created.replayed), (1, false));
    assert_eq!(
        backend.requests.clear(),
        ["TransactWriteItems", "TransactWriteItems"],
        "the reply was lost"
    );
    assert_eq!(all(&log, &stream(id)).await.len(), 1);
}

async fn a_stream_over_a_megabyte_is_read_whole(backend: &Backend) {
    let log = backend.log();
    for version in 1..=12 {
        let mut large = commit("user-1", version, 1);
        large.events[0].data = json!({ "text": "x".repeat(200 * 1024) });
        log.append(&large, &[]).await.expect("appended");
    }
    backend.requests.clear();
    let versions: Vec<_> = all(&log, "user-1")
        .await
        .iter()
        .map(|commit| commit.version)
        .collect();
    assert_eq!(versions, (1..=12).collect::<Vec<_>>());
    assert!(
        backend.requests.clear().len() > 1,
        "it took more than one page"
    );
}

async fn a_range_is_read_in_order_up_to_its_limit(backend: &Backend) {
    let log = backend.log();
    for version in 1..=12 {
        log.append(&commit("user-1", version, 1), &[])
            .await
            .expect("appended");
    }
    let read = async |from, to, limit| -> Vec<u64> {
        let commits = log
            .read("user-1", from..=to, limit)
            .await
            .expect("readable");
        commits.iter().map(|commit| commit.version).collect()
    };
    assert_eq!(
        read(9, 11, usize::MAX).await,
        [9, 10, 11],
        "versions are numbers, not texts"
    );
    assert_eq!(read(2, u64::MAX, 3).await, [2, 3, 4]);
    assert_eq!(read(13, u64::MAX, 3).await, [] as [u64; 0]);
}

async fn a_claim_has_one_holder_until_it_is_released(backend: &Backend) {
    let log = backend.log();
    let take = [ClaimChange::Take(email("a"))];
    log.append(&commit("user-1", 1, 1), &take)
        .await
        .expect("free");
    let taken = log.append(&commit("user-2", 1, 1), &take).await;
    assert!(
        matches!(taken, Err(AppendError::ClaimTaken { kind: "email" })),
        "{taken:?}"
    );
    log.append(&commit("user-1", 2, 1), &[ClaimChange::Release(email("a"))])
        .await
        .expect("held");
    log.append(&commit("user-2", 1, 1), &take)
        .await
        .expect("free again");
}

async fn a_transaction_is_never_half_done(backend: &Backend) {
    let log = backend.log();
    log.append(&commit("user-1", 1, 1), &[ClaimChange::Take(email("a"))])
        .await
        .expect("free");
    let both = [ClaimChange::Take(email("b")), ClaimChange::Take(email("a"))];
    let half = log.append(&commit("user-2", 1, 1), &both).await;
    assert!(
        matches!(half, Err(AppendError::ClaimTaken { .. })),
        "{half:?}"
    );
    assert_eq!(all(&log, "user-2").await, [], "no commit");
    log.append(&commit("user-3", 1, 1), &[ClaimChange::Take(email("b"))])
        .await
        .expect("no claim");
}

async fn a_holder_may_claim_again(backend: &Backend) {
    let log = backend.log();
    let take = [ClaimChange::Take(email("a"))];
    log.append(&commit("user-1", 1, 1), &take)
        .await
        .expect("free");
    log.append(&commit("user-1", 2, 1), &take)
        .await
        .expect("its own");
}

async fn a_foreign_claim_is_not_released(backend: &Backend) {
    let log = backend.log();
    log.append(&commit("user-1", 1, 1), &[ClaimChange::Take(email("a"))])
        .await
        .expect("free");
    let foreign = log
        .append(&commit("user-2", 1, 1), &[ClaimChange::Release(email("a"))])
        .await;
    assert!(
        matches!(foreign, Err(AppendError::Store(StoreError::Corrupt { .. }))),
        "{foreign:?}"
    );
    let taken = log
        .append(&commit("user-3", 1, 1), &[ClaimChange::Take(email("a"))])
        .await;
    assert!(
        matches!(taken, Err(AppendError::ClaimTaken { .. })),
        "it is still held: {taken:?}"
    );
}

async fn an_item_over_400_kb_is_refused_before_it_is_sent(backend: &Backend) {
    let log = backend.log();
    let sized = |bytes| {
        let mut large = commit("user-1", 1, 2);
        large.events[0].data = json!("x".repeat(bytes));
        large
    };
    backend.requests.clear();
    let refused = log.append(&sized(400 * 1024), &[]).await;
    assert!(
        matches!(
            refused,
            Err(AppendError::Store(StoreError::TooLarge { .. }))
        ),
        "{refused:?}"
    );
    assert_eq!(backend.requests.clear(), [] as [&str; 0]);
    log.append(&sized(399 * 1024 - 512), &[])
        .await
        .expect("just below the limit");
}

async fn an_undecodable_commit_is_corrupt_and_not_skipped(backend: &Backend) {
    let log = backend.log();
    log.append(&commit("user-1", 1, 1), &[])
        .await
        .expect("appended");
    let broken = backend
        .client
        .update_item()
        .table_name(backend.table("events"))
        .key(
            "stream",
            aws_sdk_dynamodb::types::AttributeValue::S("user-1".into()),
        )
        .key(
            "version",
            aws_sdk_dynamodb::types::AttributeValue::N("1".into()),
        )
        .update_expression("REMOVE events");
    broken.send().await.expect("broken");
    let read = log.read("user-1", 1..=u64::MAX, usize::MAX).await;
    assert!(
        matches!(&read, Err(StoreError::Corrupt { version: 1, .. })),
        "{read:?}"
    );
}

/// Tells times that it is given, last first.
struct Told(Mutex<Vec<Result<DateTime<Utc>, ClockOff>>>);

impl Clock for Told {
    fn now(&self) -> Result<DateTime<Utc>, ClockOff> {
        self.0
            .lock()
            .expect("nobody panicked")
            .pop()
            .expect("a time is left")
    }
}

async fn timestamps_never_go_back_in_a_stream(backend: &Backend) {
    let (log, id) = (backend.log(), Uuid::now_v7());
    let at = |seconds| Ok(DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds));
    let clock = Told(Mutex::new(vec![at(300), at(100), at(200)]));
    run(&log, &clock, id, &create("sarah@example.com"))
        .await
        .expect("created");
    run(&log, &clock, id, &rename("Sara"))
        .await
        .expect("renamed");
    run(&log, &clock, id, &rename("Sally"))
        .await
        .expect("renamed");
    let stamped: Vec<_> = all(&log, &stream(id))
        .await
        .iter()
        .map(|commit| commit.timestamp.timestamp())
        .collect();
    assert_eq!(stamped, [200, 200, 300]);
}

async fn a_clock_that_is_far_off_writes_nothing(backend: &Backend) {
    let (log, id) = (backend.log(), Uuid::now_v7());
    let off = || Err(ClockOff { seconds: 61 });
    let refused = run(
        &log,
        &Told(Mutex::new(vec![off(), off()])),
        id,
        &create("sarah@example.com"),
    )
    .await;
    assert!(
        matches!(
            refused,
            Err(event_store::ExecuteError::Store(StoreError::ClockOff(_)))
        ),
        "{refused:?}"
    );
    assert_eq!(all(&log, &stream(id)).await, []);
}
