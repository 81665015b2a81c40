//! Counters on the real store: whatever comes, in whatever order, each event counts once.

use event_store::{Cache, DynamoDbEventLog, EventLog, schema::MAX_EVENTS};
use read_model::{
    Counts, Documents, DynamoDbDocuments, MAX_COUNTERS, ReadModelError, StoredDocument, project,
};
use tests::account::{Account, Command, run, unkeyed};
use tests::backend::Backend;
use tests::on_each_backend;
use tests::turnover::{Numbers, Turnover, counted};
use tokio::task::JoinSet;

on_each_backend! {
    doorbells_may_be_lost_doubled_and_late
    sixteen_doorbells_at_once_count_each_event_once
    a_lost_reply_counts_once
    a_lost_reply_amid_other_transactions_counts_once
    a_crash_after_the_write_counts_once
    the_same_step_written_again_is_a_conflict_and_counts_nothing
    a_long_history_is_counted_in_steps
    the_largest_commit_fits_into_a_step_that_is_all_but_full
    a_sum_may_be_wider_than_any_of_its_events
    a_commit_of_too_many_counters_is_poison_and_counts_nothing_of_itself
    a_table_made_anew_has_the_same_numbers
    counters_are_read_by_a_range_of_names
    counters_of_more_than_one_page_are_all_read
    a_step_without_counters_is_one_put_of_one_unit
}

async fn done(backend: &Backend, name: &str, command: &Command) {
    done_with(&Cache::none(), backend, name, command).await;
}

async fn done_with(cache: &Cache<Account>, backend: &Backend, name: &str, command: &Command) {
    let (log, clock) = (backend.log(), &backend.clock);
    run(cache, &log, clock, &unkeyed(), name, command)
        .await
        .expect("executed");
}

/// An account with so many deposits of 5 and then a withdrawal of 3, one commit each.
async fn account(backend: &Backend, name: &'static str, deposits: usize) -> u64 {
    let cache = Cache::new(1 << 20);
    done_with(&cache, backend, name, &Command::Open(name)).await;
    for _ in 0..deposits {
        done_with(&cache, backend, name, &Command::Deposit(1, 5)).await;
    }
    done_with(&cache, backend, name, &Command::Withdraw(3)).await;
    deposits as u64 + 2
}

async fn ring(backend: &Backend, name: &str, version: u64) -> Result<(), ReadModelError> {
    ring_on(&backend.log(), &backend.documents(), name, version).await
}

async fn ring_on(
    log: &DynamoDbEventLog,
    documents: &DynamoDbDocuments,
    name: &str,
    version: u64,
) -> Result<(), ReadModelError> {
    project::<Turnover<1>>(log, documents, name, version).await
}

async fn all(backend: &Backend) -> Counts {
    let counters = backend.documents().counters(" ", "~").await;
    counters.expect("readable")
}

/// What the counters must be, of these streams.
async fn expected(backend: &Backend, names: &[&str]) -> Counts {
    let mut sums = Counts::new();
    for name in names {
        let commits = backend.log().read(name, 1..=u64::MAX, usize::MAX).await;
        let events: Vec<_> = commits
            .expect("readable")
            .iter()
            .flat_map(|commit| commit.recorded::<Account>().expect("readable"))
            .collect();
        for (counter, by) in counted(&events) {
            *sums.entry(counter).or_default() += by;
        }
    }
    sums.retain(|_, by| *by != 0);
    sums
}

async fn doorbells_may_be_lost_doubled_and_late(backend: &Backend) {
    account(backend, "account-a", 5).await;
    account(backend, "account-b", 3).await;
    for version in [2, 1, 2, 6, 3, 7, 5] {
        ring(backend, "account-a", version).await.expect("counted");
    }
    for version in [5, 1] {
        ring(backend, "account-b", version).await.expect("counted");
    }
    let counters = all(backend).await;
    assert_eq!(counters["accounts"], 2);
    assert_eq!(counters["balance"], 5 * 5 - 3 + 3 * 5 - 3);
    assert_eq!(
        counters,
        expected(backend, &["account-a", "account-b"]).await
    );
}

async fn sixteen_doorbells_at_once_count_each_event_once(backend: &Backend) {
    let names = ["account-a", "account-b", "account-c"];
    let mut doorbells = JoinSet::new();
    for name in names {
        let head = account(backend, name, 6).await;
        if name != "account-c" {
            ring(backend, name, 1).await.expect("counted");
        }
        for number in 0..16 {
            let (log, documents) = (backend.log(), backend.documents());
            let version = head - number % head;
            doorbells.spawn(async move { ring_on(&log, &documents, name, version).await });
        }
    }
    for outcome in doorbells.join_all().await {
        // One that never came through is delivered again.
        assert!(
            matches!(outcome, Ok(()) | Err(ReadModelError::Conflict)),
            "{outcome:?}"
        );
    }
    for name in names {
        ring(backend, name, 8).await.expect("counted");
    }
    assert_eq!(all(backend).await, expected(backend, &names).await);
}

async fn a_lost_reply_counts_once(backend: &Backend) {
    let head = account(backend, "account-a", 2).await;
    let client = backend.client_that_loses_one_reply_to(&["TransactWriteItems"]);
    let losing = DynamoDbDocuments::new(client.await, backend.table("users"));
    ring_on(&backend.log(), &losing, "account-a", head)
        .await
        .expect("counted");
    assert_eq!(all(backend).await, expected(backend, &["account-a"]).await);
}

async fn a_lost_reply_amid_other_transactions_counts_once(backend: &Backend) {
    let head = account(backend, "account-a", 2).await;
    let client = backend.client_that_loses_a_reply_and_refuses_its_retry(
        &["TransactWriteItems"],
        "TransactionCanceledException",
    );
    let losing = DynamoDbDocuments::new(client.await, backend.table("users"));
    ring_on(&backend.log(), &losing, "account-a", head)
        .await
        .expect("counted");
    assert_eq!(all(backend).await, expected(backend, &["account-a"]).await);
}

async fn a_crash_after_the_write_counts_once(backend: &Backend) {
    let head = account(backend, "account-a", 2).await;
    let client = backend.client_that_loses_a_reply_and_refuses_its_retry(
        &["TransactWriteItems"],
        "ValidationException",
    );
    let losing = DynamoDbDocuments::new(client.await, backend.table("users"));
    ring_on(&backend.log(), &losing, "account-a", head)
        .await
        .expect_err("nobody knows");
    ring(backend, "account-a", head).await.expect("redelivered");
    assert_eq!(all(backend).await, expected(backend, &["account-a"]).await);
}

async fn the_same_step_written_again_is_a_conflict_and_counts_nothing(backend: &Backend) {
    let head = account(backend, "account-a", 2).await;
    ring(backend, "account-a", 1).await.expect("counted");
    let documents = backend.documents();
    let stored = async || documents.get("account-a", true).await.expect("readable");
    let before = stored().await;
    ring(backend, "account-a", head).await.expect("counted");
    let after = stored().await.expect("there");
    let counts = Counts::from([("balance".to_owned(), 7)]);
    for over in [None, before.as_ref()] {
        let again = documents.put(&after, over, &counts).await;
        assert!(matches!(again, Err(ReadModelError::Conflict)), "{again:?}");
    }
    assert_eq!(all(backend).await, expected(backend, &["account-a"]).await);
}

async fn a_long_history_is_counted_in_steps(backend: &Backend) {
    let head = account(backend, "account-a", 298).await;
    backend.requests.clear();
    ring(backend, "account-a", head).await.expect("counted");
    let requests = backend.requests.clear();
    let steps = requests
        .iter()
        .filter(|operation| *operation == "TransactWriteItems");
    assert_eq!(steps.count(), 7, "48 commits, then 49 each time");
    let counters = all(backend).await;
    assert_eq!(counters.len(), 302);
    assert_eq!(counters, expected(backend, &["account-a"]).await);
}

async fn the_largest_commit_fits_into_a_step_that_is_all_but_full(backend: &Backend) {
    // The counters of 47 commits, and those of all accounts: 49. The next commit has one for each event, and none more.
    let mut head = account(backend, "account-a", 45).await;
    done(backend, "account-a", &Command::Deposit(MAX_EVENTS - 1, 1)).await;
    head += MAX_EVENTS as u64 - 1;
    backend.requests.clear();
    ring(backend, "account-a", head).await.expect("counted");
    let requests = backend.requests.clear();
    assert_eq!(requests, ["GetItem", "Query", "TransactWriteItems"]);
    let counters = all(backend).await;
    assert_eq!(counters.len(), MAX_COUNTERS - 1);
    assert_eq!(counters, expected(backend, &["account-a"]).await);
}

/// In one commit, in one stream, and over several.
async fn a_sum_may_be_wider_than_any_of_its_events(backend: &Backend) {
    let names = ["account-a", "account-b", "account-c"];
    for (name, commits) in names.into_iter().zip([&[1, 1][..], &[1, 1], &[2]]) {
        done(backend, name, &Command::Open(name)).await;
        for events in commits {
            let most = Command::Deposit(*events, i64::MAX.unsigned_abs());
            done(backend, name, &most).await;
        }
        ring(backend, name, 3).await.expect("counted");
    }
    let counters = all(backend).await;
    assert_eq!(counters["balance"], 6 * i128::from(i64::MAX));
    assert_eq!(counters, expected(backend, &names).await);
}

async fn a_commit_of_too_many_counters_is_poison_and_counts_nothing_of_itself(backend: &Backend) {
    let head = account(backend, "account-a", 1).await;
    let before = expected(backend, &["account-a"]).await;
    done(backend, "account-a", &Command::Deposit(MAX_EVENTS, 1)).await;
    ring(backend, "account-a", head + 1).await.expect("heard");
    let stored = backend.documents().get("account-a", true).await;
    let stored = stored.expect("readable").expect("there");
    let parked = stored.parked().map(|trouble| trouble.version);
    assert_eq!((stored.applied, parked), (3, Some(4)));
    assert_eq!(all(backend).await, before);
}

async fn a_table_made_anew_has_the_same_numbers(backend: &Backend) {
    let names = ["account-a", "account-b"];
    let head = account(backend, "account-a", 60).await;
    for version in [20, 3, head] {
        ring(backend, "account-a", version).await.expect("counted");
    }
    let head_of_b = account(backend, "account-b", 4).await;
    ring(backend, "account-b", head_of_b)
        .await
        .expect("counted");
    let before = all(backend).await;
    backend.empty_read_model().await;
    assert_eq!(all(backend).await, Counts::new());
    for (name, head) in names.into_iter().zip([head, head_of_b]) {
        ring(backend, name, head).await.expect("counted");
    }
    assert_eq!(all(backend).await, before);
    assert_eq!(before, expected(backend, &names).await);
}

async fn counters_are_read_by_a_range_of_names(backend: &Backend) {
    for name in ["account-a", "account-b", "account-c"] {
        let head = account(backend, name, 3).await;
        ring(backend, name, head).await.expect("counted");
    }
    let documents = backend.documents();
    let names = async |from, to| {
        let counters = documents.counters(from, to).await.expect("readable");
        counters.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(
        names("version#0002", "version#0003").await,
        [("version#0002".into(), 3), ("version#0003".into(), 3)]
    );
    assert_eq!(names("b", "balance").await, [("balance".into(), 36)]);
    assert_eq!(names("x", "y").await, []);
}

async fn counters_of_more_than_one_page_are_all_read(backend: &Backend) {
    const STEPS: usize = 12;
    let documents = backend.documents();
    let mut before = None;
    for step in 0..STEPS {
        let document = StoredDocument {
            applied: step as u64 + 1,
            ..StoredDocument::default()
        };
        let long = "x".repeat(1000);
        let counts = (0..MAX_COUNTERS).map(|at| (format!("{step:02}#{at:02}#{long}"), 1));
        let counts = counts.collect();
        let put = documents.put(&document, before.as_ref(), &counts).await;
        put.expect("counted");
        before = Some(document);
    }
    assert_eq!(all(backend).await.len(), STEPS * MAX_COUNTERS);
}

// On the embedded DynamoDB only: DynamoDB Local bills 2 units for each table of a transaction, whatever it writes there.
#[tokio::test]
async fn a_step_costs_two_units_for_its_document_and_for_each_counter_that_changes() {
    let backend = &Backend::embedded().await;
    account(backend, "account-a", 3).await;
    let (client, meter) = backend.metered_client().await;
    let documents = DynamoDbDocuments::new(client, backend.table("users"));
    for (version, counters) in [
        (1, &["accounts", "version#0001"][..]),
        (2, &["balance", "version#0002"]),
        (4, &["balance", "version#0003", "version#0004"]),
    ] {
        ring_on(&backend.log(), &documents, "account-a", version)
            .await
            .expect("counted");
        let billed: Vec<_> = meter.take();
        let units = 2.0 * (1.0 + counters.len() as f64);
        assert_eq!(billed.len(), 2, "{billed:?}");
        assert_eq!(
            (billed[1].operation.as_str(), billed[1].units),
            ("TransactWriteItems", units),
            "{counters:?}"
        );
    }
}

async fn a_step_without_counters_is_one_put_of_one_unit(backend: &Backend) {
    let head = account(backend, "account-a", 3).await;
    let (client, meter) = backend.metered_client().await;
    let documents = DynamoDbDocuments::new(client, backend.table("users"));
    let log = backend.log();
    for version in [1, head] {
        meter.take();
        project::<Numbers<1>>(&log, &documents, "account-a", version)
            .await
            .expect("projected");
    }
    let billed = meter.take();
    let operations = billed.iter().map(|request| request.operation.as_str());
    assert_eq!(operations.collect::<Vec<_>>(), ["GetItem", "PutItem"]);
    assert_eq!(billed[1].units, 1.0);
}
