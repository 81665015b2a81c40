//! Documents that were made under another fold: nothing of an old one is shown, and nothing is counted twice.

use aws_sdk_dynamodb::types::AttributeValue;
use event_store::Cache;
use read_model::{
    AtLeast, Counts, Documents, ReadModelError, Row, StoredDocument, found, listed, project,
    project_anew, show,
};
use tests::account::{Account, Command, run, unkeyed};
use tests::backend::Backend;
use tests::on_each_backend;
use tests::turnover::{Numbers, Turnover};

on_each_backend! {
    a_document_of_another_fold_is_folded_anew_with_its_rows
    a_document_of_a_build_that_noted_no_fold_is_folded_anew
    a_fold_that_was_taken_back_is_folded_anew_too
    a_query_folds_a_document_of_another_fold_from_the_start
    a_list_shows_no_document_of_another_fold_as_it_is_and_leaves_none_out
    a_document_that_cannot_be_folded_anew_is_left_out_of_a_list
    a_late_writer_of_the_old_fold_writes_over_no_new_one
    what_was_counted_under_another_fold_is_not_counted_again
    what_was_never_counted_is_counted_from_the_start
    what_was_never_counted_is_counted_when_it_is_made_anew
    what_is_made_anew_is_not_counted_again
    a_document_that_has_counted_stays_so_when_later_events_count_nothing
}

const NAME: &str = "account-a";

async fn done(backend: &Backend, name: &str, command: &Command) {
    let (log, clock, cache) = (backend.log(), &backend.clock, Cache::<Account>::none());
    run(&cache, &log, clock, &unkeyed(), name, command)
        .await
        .expect("executed");
}

/// An account of two events.
async fn account(backend: &Backend, name: &'static str) {
    done(backend, name, &Command::Open(name)).await;
    done(backend, name, &Command::Deposit(1, 5)).await;
}

async fn ring<const FOLD: u32>(backend: &Backend, version: u64) -> Result<(), ReadModelError> {
    project::<Numbers<FOLD>>(&backend.log(), &backend.documents(), NAME, version).await
}

async fn stored(backend: &Backend, id: &str) -> StoredDocument {
    let stored = backend.documents().get(id, true).await;
    stored.expect("readable").expect("there")
}

async fn rows(backend: &Backend, partition: &str) -> Vec<Row> {
    let rows = backend.documents().rows(partition, None, 10).await;
    rows.expect("readable")
}

async fn list<const FOLD: u32>(backend: &Backend) -> Vec<String> {
    let (log, documents) = (backend.log(), backend.documents());
    let page = listed::<Numbers<FOLD>>(&log, &documents, "all", None, 10).await;
    page.expect("listed").documents
}

async fn a_document_of_another_fold_is_folded_anew_with_its_rows(backend: &Backend) {
    account(backend, NAME).await;
    ring::<1>(backend, 2).await.expect("projected");
    assert_eq!(rows(backend, "first#1:account-a").await.len(), 1);
    // An announcement of what it has applied already is enough.
    ring::<2>(backend, 1).await.expect("projected");
    let anew = stored(backend, "a").await;
    assert_eq!((anew.fold, anew.applied), (2, 2));
    assert_eq!(anew.document.as_deref(), Some("\"2:account-a\""));
    assert_eq!(anew.pending, []);
    assert_eq!(rows(backend, "first#1:account-a").await, []);
    assert_eq!(rows(backend, "second#2:account-a").await.len(), 1);
    assert_eq!(list::<2>(backend).await, ["2:account-a"]);
}

async fn a_document_of_a_build_that_noted_no_fold_is_folded_anew(backend: &Backend) {
    account(backend, NAME).await;
    ring::<1>(backend, 2).await.expect("projected");
    let update = backend
        .client
        .update_item()
        .table_name(backend.table("users"));
    update
        .key("pk", AttributeValue::S("document#a".into()))
        .key("sk", AttributeValue::S("document".into()))
        .update_expression("REMOVE #fold, #rows")
        .expression_attribute_names("#fold", "fold")
        .expression_attribute_names("#rows", "rows")
        .send()
        .await
        .expect("as it was");
    assert_eq!(stored(backend, "a").await.fold, 0);
    assert_eq!(list::<1>(backend).await, ["1:account-a"]);
    ring::<1>(backend, 2).await.expect("projected");
    let anew = stored(backend, "a").await;
    assert_eq!((anew.fold, anew.rows.len()), (1, 2));
    assert_eq!(anew.pending, []);
}

async fn a_fold_that_was_taken_back_is_folded_anew_too(backend: &Backend) {
    account(backend, NAME).await;
    ring::<2>(backend, 2).await.expect("projected");
    ring::<1>(backend, 2).await.expect("projected");
    assert_eq!(
        stored(backend, "a").await.document.as_deref(),
        Some("\"1:account-a\"")
    );
    assert_eq!(rows(backend, "second#2:account-a").await, []);
}

async fn a_query_folds_a_document_of_another_fold_from_the_start(backend: &Backend) {
    account(backend, NAME).await;
    ring::<1>(backend, 1).await.expect("projected");
    let (log, documents) = (backend.log(), backend.documents());
    for at_least in [AtLeast::Any, AtLeast::Version(1), AtLeast::Head] {
        let shown = show::<Numbers<2>>(&log, &documents, NAME, at_least).await;
        let shown = shown.expect("shown").expect("there");
        assert_eq!((shown.document.as_str(), shown.version), ("2:account-a", 2));
    }
}

async fn a_list_shows_no_document_of_another_fold_as_it_is_and_leaves_none_out(backend: &Backend) {
    account(backend, NAME).await;
    ring::<1>(backend, 2).await.expect("projected");
    assert_eq!(list::<2>(backend).await, ["2:account-a"]);
    // Its other row has another name under this fold, and leads here no more.
    let (log, documents) = (backend.log(), backend.documents());
    let old = decider::Entry::Found {
        by: "first",
        value: "1:account-a".into(),
    };
    let led = found::<Numbers<2>>(&log, &documents, &old).await;
    assert_eq!(led.expect("found"), [] as [String; 0]);
}

async fn a_document_that_cannot_be_folded_anew_is_left_out_of_a_list(backend: &Backend) {
    account(backend, NAME).await;
    done(backend, NAME, &Command::Withdraw(1)).await;
    ring::<1>(backend, 3).await.expect("projected");
    account(backend, "account-b").await;
    let (log, documents) = (backend.log(), backend.documents());
    project::<Numbers<1>>(&log, &documents, "account-b", 2)
        .await
        .expect("projected");
    assert_eq!(list::<3>(backend).await, ["3:account-b"]);
}

async fn a_late_writer_of_the_old_fold_writes_over_no_new_one(backend: &Backend) {
    account(backend, NAME).await;
    ring::<1>(backend, 1).await.expect("projected");
    let old = stored(backend, "a").await;
    ring::<2>(backend, 1).await.expect("projected");
    let late = StoredDocument {
        applied: 2,
        ..old.clone()
    };
    let refused = backend
        .documents()
        .put(&late, Some(&old), &Counts::new())
        .await;
    assert!(
        matches!(refused, Err(ReadModelError::Conflict)),
        "{refused:?}"
    );
}

async fn what_was_counted_under_another_fold_is_not_counted_again(backend: &Backend) {
    account(backend, NAME).await;
    let (log, documents) = (backend.log(), backend.documents());
    project::<Turnover<1>>(&log, &documents, NAME, 1)
        .await
        .expect("counted");
    let before = documents.counters(" ", "~").await.expect("readable");
    project::<Turnover<2>>(&log, &documents, NAME, 2)
        .await
        .expect("heard");
    let parked = stored(backend, NAME).await;
    let trouble = parked.parked().expect("it is parked");
    assert_eq!(trouble.version, 2);
    assert!(
        trouble.why.contains("strangelog rebuild"),
        "{}",
        trouble.why
    );
    let refused = project_anew::<Turnover<2>>(&log, &documents, NAME, 2).await;
    let counted = matches!(
        refused,
        Err(ReadModelError::Counted {
            found: 1,
            wanted: 2,
            ..
        })
    );
    assert!(counted, "{refused:?}");
    let after = documents.counters(" ", "~").await.expect("readable");
    assert_eq!((after, stored(backend, NAME).await.fold), (before, 1));
}

/// An account of two events, of which a projection that had no counters yet has applied the first.
async fn uncounted(backend: &Backend) {
    account(backend, NAME).await;
    let uncounted = StoredDocument {
        id: NAME.to_owned(),
        applied: 1,
        fold: 1,
        document: Some("{}".to_owned()),
        rows: vec![],
        pending: vec![],
        counted: false,
        trouble: None,
    };
    let put = backend
        .documents()
        .put(&uncounted, None, &Counts::new())
        .await;
    put.expect("written");
}

async fn is_counted_from_the_start(backend: &Backend) {
    let documents = backend.documents();
    let counters = documents.counters(" ", "~").await.expect("readable");
    assert_eq!(
        counters.into_iter().collect::<Vec<_>>(),
        [
            ("accounts".to_owned(), 1),
            ("balance".to_owned(), 5),
            ("version#0001".to_owned(), 1),
            ("version#0002".to_owned(), 1)
        ]
    );
}

async fn what_was_never_counted_is_counted_from_the_start(backend: &Backend) {
    uncounted(backend).await;
    project::<Turnover<2>>(&backend.log(), &backend.documents(), NAME, 2)
        .await
        .expect("counted");
    is_counted_from_the_start(backend).await;
}

async fn what_was_never_counted_is_counted_when_it_is_made_anew(backend: &Backend) {
    uncounted(backend).await;
    project_anew::<Turnover<2>>(&backend.log(), &backend.documents(), NAME, 2)
        .await
        .expect("counted");
    is_counted_from_the_start(backend).await;
}

async fn what_is_made_anew_is_not_counted_again(backend: &Backend) {
    account(backend, NAME).await;
    let (log, documents) = (backend.log(), backend.documents());
    project::<Turnover<1>>(&log, &documents, NAME, 2)
        .await
        .expect("counted");
    let before = documents.counters(" ", "~").await.expect("readable");
    let kept = stored(backend, NAME).await;
    project_anew::<Turnover<1>>(&log, &documents, NAME, 2)
        .await
        .expect("made");
    let after = documents.counters(" ", "~").await.expect("readable");
    assert_eq!((&after, stored(backend, NAME).await), (&before, kept));
    // What is new is counted on the way.
    done(backend, NAME, &Command::Deposit(1, 7)).await;
    project_anew::<Turnover<1>>(&log, &documents, NAME, 3)
        .await
        .expect("made");
    let after = documents.counters(" ", "~").await.expect("readable");
    assert_eq!(after["balance"], before["balance"] + 7);
    assert_eq!(after["accounts"], 1);
}

async fn a_document_that_has_counted_stays_so_when_later_events_count_nothing(backend: &Backend) {
    account(backend, NAME).await;
    let (log, documents) = (backend.log(), backend.documents());
    project::<Numbers<1>>(&log, &documents, NAME, 1)
        .await
        .expect("projected");
    let first = stored(backend, "a").await;
    let counted = StoredDocument {
        counted: true,
        ..first.clone()
    };
    documents
        .put(&counted, Some(&first), &Counts::new())
        .await
        .expect("written");
    project::<Numbers<1>>(&log, &documents, NAME, 2)
        .await
        .expect("projected");
    let last = stored(backend, "a").await;
    assert_eq!((last.applied, last.counted), (2, true));
}
