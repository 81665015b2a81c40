//! The event log on DynamoDB: what every log must do, on DynamoDB Local and on the embedded DynamoDB, and what is its own.

use aws_sdk_dynamodb::types::AttributeValue;
use decider::Claim;
use event_store::{
    AppendError, Batch, Cache, ClaimChange, Commit, EventLog, ExecuteError, Hash, Metadata,
    Position, Stamp, StoreError,
};
use serde_json::value::RawValue;
use tests::account::{self, Command, unkeyed};
use tests::backend::Backend;
use tests::on_each_backend;
use tests::users::{create, run, stream};
use uuid::Uuid;

mod conformance_on_dynamodb_local {
    event_store::conformance_tests!(tests::backend::Backend::dynamodb_local().await);
}

mod conformance_on_embedded {
    event_store::conformance_tests!(tests::backend::Backend::embedded().await);
}

on_each_backend! {
    our_own_commit_is_known_without_its_token
    a_retry_finds_its_own_commit
    a_retry_finds_its_own_transaction
    a_retry_that_meets_a_transaction_finds_its_own_commit
    a_retry_that_is_throttled_may_have_landed_before
    a_stream_over_a_megabyte_takes_more_than_one_page
    what_is_refused_for_its_size_is_not_sent
    an_empty_range_asks_nothing
    an_undecodable_commit_is_corrupt_and_not_skipped
    a_commit_without_events_is_corrupt_and_not_skipped
    claims_need_a_table
}

fn commit(version: u64, bytes: usize) -> Commit {
    let at = Position {
        stream: "user-1".into(),
        version,
    };
    let stamp = Stamp {
        id: Uuid::now_v7(),
        timestamp: chrono::Utc::now(),
    };
    let event = event_store::StoredEvent {
        id: Uuid::now_v7(),
        kind: "Something".into(),
        schema_version: 1,
        data: RawValue::from_string(format!("\"{}\"", "x".repeat(bytes))).expect("JSON"),
        effective_at: None,
    };
    let metadata = Metadata::new("tests", "tests");
    Commit::new(at, Hash::default(), &stamp, &metadata, &[event], None).expect("it has JSON")
}

fn claiming(commit: Commit) -> Batch {
    let claim = Claim {
        kind: "email",
        canonical: "a".into(),
    };
    Batch {
        claims: vec![(commit.stream.clone(), ClaimChange::Take(claim))],
        ..Batch::of(commit)
    }
}

async fn all(log: &impl EventLog, stream: &str) -> Result<Vec<Commit>, StoreError> {
    log.read(stream, 1..=u64::MAX, usize::MAX).await
}

async fn our_own_commit_is_known_without_its_token(backend: &Backend) {
    let log = backend.log();
    let ours = commit(1, 1);
    // The service forgets a transaction's token after ten minutes; a first try without one stands for that.
    log.append(&Batch::of(ours.clone()))
        .await
        .expect("appended");
    log.append(&claiming(ours.clone()))
        .await
        .expect("it is there");
    assert_eq!(all(&log, "user-1").await.expect("readable"), [ours]);
}

async fn a_retry_finds_its_own_commit(backend: &Backend) {
    let log = backend.log_that_loses_one_reply_to(&["PutItem"]).await;
    log.append(&Batch::of(commit(1, 1)))
        .await
        .expect("the retry finds its own commit");
    assert_eq!(
        backend.requests.clear(),
        ["PutItem", "PutItem"],
        "the reply was lost"
    );
    assert_eq!(all(&log, "user-1").await.expect("readable").len(), 1);
}

async fn a_retry_finds_its_own_transaction(backend: &Backend) {
    let log = backend
        .log_that_loses_one_reply_to(&["TransactWriteItems"])
        .await;
    // A clock that was compared with the service's needs no read before a create.
    all(&log, "user-1").await.expect("readable");
    backend.requests.clear();
    let id = Uuid::now_v7();
    let created = run(&log, &backend.clock, id, &create("sarah@example.com"))
        .await
        .expect("created");
    assert_eq!((created.version, created.replayed), (1, false));
    assert_eq!(
        backend.requests.clear(),
        ["TransactWriteItems", "TransactWriteItems"],
        "the reply was lost"
    );
    assert_eq!(all(&log, &stream(id)).await.expect("readable").len(), 1);
}

/// Deposits 7 in a new account, over a wire that loses the reply and refuses the retries with this error.
async fn deposited(
    backend: &Backend,
    error: &'static str,
) -> Result<u64, ExecuteError<tests::account::Refusal>> {
    let (clock, log, cache) = (&backend.clock, backend.log(), Cache::none());
    let (open, deposit) = (Command::Open("1"), Command::Deposit(1, 7));
    let opened = account::run(&cache, &log, clock, &unkeyed(), "account-1", &open).await;
    opened.expect("opened");
    let lossy = backend
        .log_that_loses_a_put_and_refuses_its_retry(error)
        .await;
    let done = account::run(&cache, &lossy, clock, &unkeyed(), "account-1", &deposit).await;
    let account = account::load(&log, "account-1").await;
    assert_eq!(account.state.balance, 7, "once");
    done.map(|done| done.version)
}

async fn a_retry_that_meets_a_transaction_finds_its_own_commit(backend: &Backend) {
    let done = deposited(backend, "TransactionConflictException").await;
    assert_eq!(done.expect("deposited"), 2);
}

async fn a_retry_that_is_throttled_may_have_landed_before(backend: &Backend) {
    let done = deposited(backend, "ThrottlingException").await;
    let is_unknown = matches!(done, Err(ExecuteError::Store(StoreError::Throttled(_))));
    assert!(is_unknown, "{done:?}");
}

async fn a_stream_over_a_megabyte_takes_more_than_one_page(backend: &Backend) {
    let log = backend.log();
    for version in 1..=12 {
        let large = commit(version, 200 * 1024);
        log.append(&Batch::of(large)).await.expect("appended");
    }
    backend.requests.clear();
    assert_eq!(all(&log, "user-1").await.expect("readable").len(), 12);
    assert!(backend.requests.clear().len() > 1);
}

async fn what_is_refused_for_its_size_is_not_sent(backend: &Backend) {
    let log = backend.log();
    let large = Batch {
        commits: (0..11)
            .map(|number| Commit {
                stream: format!("user-{number}"),
                ..commit(1, 395 * 1024)
            })
            .collect(),
        ..Batch::default()
    };
    backend.requests.clear();
    for batch in [Batch::of(commit(1, 400 * 1024)), large] {
        let refused = log.append(&batch).await;
        let is_too_large = matches!(
            refused,
            Err(AppendError::Store(StoreError::TooLarge { .. }))
        );
        assert!(is_too_large, "{refused:?}");
    }
    assert_eq!(backend.requests.clear(), [] as [&str; 0]);
}

async fn an_empty_range_asks_nothing(backend: &Backend) {
    let log = backend.log();
    backend.requests.clear();
    let empty = std::ops::RangeInclusive::new(1, 0);
    assert_eq!(log.read("user-1", empty, 1).await.expect("readable"), []);
    assert_eq!(log.newest("user-1", 1..=1, 0).await.expect("readable"), []);
    assert_eq!(backend.requests.clear(), [] as [&str; 0]);
}

/// Appends three commits, and spoils the second behind the scenes.
async fn with_one_spoilt(backend: &Backend, update: &str) {
    let log = backend.log();
    for version in 1..=3 {
        log.append(&Batch::of(commit(version, 1)))
            .await
            .expect("appended");
    }
    let spoilt = backend
        .client
        .update_item()
        .table_name(backend.table("events"))
        .key("stream", AttributeValue::S("user-1".into()))
        .key("version", AttributeValue::N("2".into()))
        .update_expression(update);
    spoilt.send().await.expect("spoilt");
}

async fn an_undecodable_commit_is_corrupt_and_not_skipped(backend: &Backend) {
    with_one_spoilt(backend, "REMOVE metadata").await;
    let log = backend.log();
    for read in [
        all(&log, "user-1").await,
        log.newest("user-1", 1..=u64::MAX, 2).await,
    ] {
        let is_corrupt = matches!(&read, Err(StoreError::Corrupt { version: 2, .. }));
        assert!(is_corrupt, "{read:?}");
    }
}

async fn a_commit_without_events_is_corrupt_and_not_skipped(backend: &Backend) {
    with_one_spoilt(backend, "REMOVE events").await;
    let events = backend.log().events("user-1", 1..=u64::MAX).await;
    let is_corrupt = matches!(&events, Err(StoreError::Corrupt { version: 2, .. }));
    assert!(is_corrupt, "{events:?}");
}

async fn claims_need_a_table(backend: &Backend) {
    let log = event_store::DynamoDbEventLog::new(backend.client.clone(), backend.table("events"));
    let refused = log.append(&claiming(commit(1, 1))).await;
    let is_refused = matches!(refused, Err(AppendError::Store(StoreError::NoClaims)));
    assert!(is_refused, "{refused:?}");
    assert_eq!(all(&log, "user-1").await.expect("readable"), []);
}
