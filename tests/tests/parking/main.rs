//! Poison parks its own stream, and nothing else: all before it is kept, and what follows waits until somebody mends it.

mod redrives;

use aws_sdk_dynamodb::types::AttributeValue;
use event_store::Cache;
use read_model::{
    AtLeast, Counts, Documents, ReadModelError, Row, RowChange, StoredDocument, build, note,
    parked, project, redrive, show,
};
use tests::account::{Account, Command, run, unkeyed};
use tests::backend::Backend;
use tests::fussy::{Fussy, GROWS, Kept, PANICS, PANICS_LATER, REFUSED};
use tests::on_each_backend;

on_each_backend! {
    an_event_that_is_refused_parks_its_stream_where_it_is
    the_first_event_may_be_poison
    a_panic_in_the_fold_is_poison
    a_panic_in_the_index_rows_is_poison
    a_document_that_is_too_large_is_poison
    an_event_that_nobody_can_read_is_poison
    a_commit_that_nobody_can_read_is_poison
    a_commit_that_is_gone_is_poison
    messages_for_a_parked_stream_are_heard_without_reading_the_log
    other_streams_go_on
    a_late_writer_writes_over_no_parked_document
    a_parked_document_is_shown_as_far_as_it_is
    a_query_that_meets_poison_says_so
    a_failure_of_the_moment_is_noted_and_forgotten
    a_note_harms_no_document
}

const NAME: &str = "account-a";

async fn done(backend: &Backend, name: &str, commands: &[Command]) {
    let (log, clock, cache) = (
        backend.log(),
        &backend.clock,
        Cache::<Account>::new(1 << 20),
    );
    for command in commands {
        let executed = run(&cache, &log, clock, &unkeyed(), name, command).await;
        executed.expect("executed");
    }
}

/// An account of three events, and then of those that these commands make.
async fn account(backend: &Backend, commands: &[Command]) {
    let open = [Command::Open(NAME), Command::Deposit(2, 500)];
    done(backend, NAME, &open).await;
    done(backend, NAME, commands).await;
}

async fn ring(backend: &Backend, version: u64) {
    let (log, documents) = (backend.log(), backend.documents());
    let projected = project::<Fussy<false>>(&log, &documents, NAME, version).await;
    projected.expect("heard");
}

async fn stored(backend: &Backend) -> StoredDocument {
    let stored = backend.documents().get("a", true).await;
    stored.expect("readable").expect("there")
}

fn kept(stored: &StoredDocument) -> Kept {
    serde_json::from_str(stored.document.as_deref().expect("a document")).expect("readable")
}

async fn rows(backend: &Backend, list: &str) -> Vec<Row> {
    let documents = backend.documents();
    let mut rows = Vec::new();
    for shard in 0..documents.shards().lists {
        let partition = format!("list#{list}#{shard}");
        rows.extend(
            documents
                .rows(&partition, None, 1000)
                .await
                .expect("readable"),
        );
    }
    rows
}

async fn all_parked(backend: &Backend) -> Vec<String> {
    let page = parked(&backend.documents(), None, 10).await;
    let documents = page.expect("readable").documents.into_iter();
    documents.map(|stored| stored.id).collect()
}

/// Asserts that the document has all up to `applied`, and that the event `poison` parked it, for this reason.
async fn assert_parked(backend: &Backend, applied: u64, poison: u64, why: &str) {
    let stored = stored(backend).await;
    assert_eq!(stored.applied, applied);
    let trouble = stored.parked().expect("it is parked");
    assert_eq!(trouble.version, poison);
    assert!(trouble.why.contains(why), "{}", trouble.why);
    assert_eq!(trouble.parked_by.as_deref(), Some(build()));
    assert_eq!(all_parked(backend).await, ["a"]);
    assert_eq!(stored.pending, []);
    let Some(_) = stored.document else {
        assert_eq!(applied, 0);
        return;
    };
    assert_eq!(kept(&stored).versions, Vec::from_iter(1..=applied));
    let marks = rows(backend, "events").await.len();
    assert_eq!(marks as u64, applied);
}

async fn an_event_that_is_refused_parks_its_stream_where_it_is(backend: &Backend) {
    account(
        backend,
        &[
            Command::Withdraw(1),
            Command::Withdraw(REFUSED),
            Command::Withdraw(1),
        ],
    )
    .await;
    ring(backend, 6).await;
    assert_parked(backend, 4, 5, "thirteen is not taken").await;
    let trouble = stored(backend).await.trouble.expect("parked");
    assert_eq!(trouble.attempts, 1);
}

async fn the_first_event_may_be_poison(backend: &Backend) {
    account(backend, &[]).await;
    spoil(backend, 1, "events", AttributeValue::S("{".into())).await;
    ring(backend, 3).await;
    assert_parked(backend, 0, 1, "cannot be read").await;
    let (log, documents) = (backend.log(), backend.documents());
    let shown = show::<Fussy<false>>(&log, &documents, NAME, AtLeast::Any).await;
    assert!(
        matches!(shown, Err(ReadModelError::Parked { version: 1, .. })),
        "{shown:?}"
    );
}

async fn a_panic_in_the_fold_is_poison(backend: &Backend) {
    account(backend, &[Command::Withdraw(PANICS), Command::Withdraw(1)]).await;
    ring(backend, 5).await;
    assert_parked(backend, 3, 4, "panicked").await;
}

async fn a_panic_in_the_index_rows_is_poison(backend: &Backend) {
    account(
        backend,
        &[Command::Withdraw(1), Command::Deposit(1, PANICS_LATER)],
    )
    .await;
    ring(backend, 5).await;
    assert_parked(backend, 4, 5, "panicked").await;
}

async fn a_document_that_is_too_large_is_poison(backend: &Backend) {
    let grow = |by| Command::Deposit(1, by);
    account(
        backend,
        &[grow(390_000), grow(GROWS), grow(20_000), grow(GROWS)],
    )
    .await;
    ring(backend, 7).await;
    assert_parked(backend, 5, 6, "at most").await;
}

async fn spoil(backend: &Backend, version: u64, attribute: &str, value: AttributeValue) {
    let update = backend
        .client
        .update_item()
        .table_name(backend.table("events"));
    let spoilt = update
        .key("stream", AttributeValue::S(NAME.into()))
        .key("version", AttributeValue::N(version.to_string()))
        .update_expression("SET #attribute = :value")
        .expression_attribute_names("#attribute", attribute)
        .expression_attribute_values(":value", value);
    spoilt.send().await.expect("spoilt");
}

async fn an_event_that_nobody_can_read_is_poison(backend: &Backend) {
    account(backend, &[Command::Withdraw(1), Command::Withdraw(2)]).await;
    let events = r#"[{"id":"01a1fc61-f202-72bb-b4b9-5bacd9cefb5a","type":"Withdrawn","schema_version":1,"data":{"amount":"sarah@example.com"}}]"#;
    spoil(backend, 4, "events", AttributeValue::S(events.into())).await;
    ring(backend, 5).await;
    assert_parked(backend, 3, 4, "of type Withdrawn cannot be read").await;
    let trouble = stored(backend).await.trouble.expect("parked");
    assert!(!trouble.why.contains("sarah"), "{}", trouble.why);
}

async fn a_commit_that_nobody_can_read_is_poison(backend: &Backend) {
    account(backend, &[Command::Withdraw(1), Command::Withdraw(2)]).await;
    spoil(backend, 4, "events", AttributeValue::Bool(true)).await;
    ring(backend, 5).await;
    assert_parked(backend, 3, 4, "cannot be read").await;
}

async fn a_commit_that_is_gone_is_poison(backend: &Backend) {
    account(backend, &[Command::Withdraw(1), Command::Withdraw(2)]).await;
    let gone = backend
        .client
        .delete_item()
        .table_name(backend.table("events"));
    gone.key("stream", AttributeValue::S(NAME.into()))
        .key("version", AttributeValue::N("4".into()))
        .send()
        .await
        .expect("deleted");
    ring(backend, 5).await;
    assert_parked(backend, 3, 4, "missing").await;
}

async fn messages_for_a_parked_stream_are_heard_without_reading_the_log(backend: &Backend) {
    account(backend, &[Command::Withdraw(REFUSED), Command::Withdraw(1)]).await;
    ring(backend, 4).await;
    let before = stored(backend).await;
    backend.requests.clear();
    for version in [5, 4, 1, 99] {
        ring(backend, version).await;
    }
    assert_eq!(backend.requests.clear(), ["GetItem"; 4]);
    assert_eq!(stored(backend).await, before);
}

async fn other_streams_go_on(backend: &Backend) {
    account(backend, &[Command::Withdraw(REFUSED)]).await;
    done(
        backend,
        "account-b",
        &[Command::Open("b"), Command::Deposit(1, 5)],
    )
    .await;
    ring(backend, 4).await;
    let (log, documents) = (backend.log(), backend.documents());
    let projected = project::<Fussy<false>>(&log, &documents, "account-b", 2).await;
    projected.expect("projected");
    let other = documents.get("b", true).await.expect("readable");
    assert_eq!(other.map(|stored| stored.applied), Some(2));
    assert_eq!(all_parked(backend).await, ["a"]);
}

async fn a_late_writer_writes_over_no_parked_document(backend: &Backend) {
    account(backend, &[Command::Withdraw(REFUSED), Command::Withdraw(1)]).await;
    ring(backend, 3).await;
    let documents = backend.documents();
    let before = stored(backend).await;
    ring(backend, 4).await;
    let parked = stored(backend).await;
    assert_eq!(parked.applied, before.applied);
    redrive::<Fussy<false>>(&backend.log(), &documents, NAME, 4)
        .await
        .expect("tried");
    let tried = stored(backend).await;
    let late = StoredDocument {
        applied: 4,
        ..before.clone()
    };
    for over in [&before, &parked] {
        let refused = documents.put(&late, Some(over), &Counts::new()).await;
        let conflict = matches!(refused, Err(ReadModelError::Conflict));
        assert!(conflict, "{refused:?}");
        // Nor does one who has rows to settle say of the other's that they are done.
        let slow = StoredDocument {
            pending: vec![RowChange {
                row: parked.rows[0].clone(),
                gone: false,
            }],
            ..over.clone()
        };
        let unsettled = StoredDocument {
            pending: slow.pending.clone(),
            ..tried.clone()
        };
        documents
            .put(&unsettled, Some(&tried), &Counts::new())
            .await
            .expect("written");
        documents.settle(&slow).await.expect("settled");
        assert_eq!(stored(backend).await.pending, slow.pending);
    }
}

async fn a_parked_document_is_shown_as_far_as_it_is(backend: &Backend) {
    account(backend, &[Command::Withdraw(REFUSED), Command::Withdraw(1)]).await;
    ring(backend, 5).await;
    let (log, documents) = (backend.log(), backend.documents());
    for at_least in [AtLeast::Any, AtLeast::Version(3)] {
        let shown = show::<Fussy<false>>(&log, &documents, NAME, at_least).await;
        assert_eq!(shown.expect("shown").map(|shown| shown.version), Some(3));
    }
    for at_least in [AtLeast::Version(4), AtLeast::Version(5), AtLeast::Head] {
        let shown = show::<Fussy<false>>(&log, &documents, NAME, at_least).await;
        let held = matches!(
            shown,
            Err(ReadModelError::Parked {
                applied: 3,
                version: 4,
                ..
            })
        );
        assert!(held, "{shown:?}");
    }
    let shown = show::<Fussy<false>>(&log, &documents, NAME, AtLeast::Version(6)).await;
    assert!(
        matches!(shown, Err(ReadModelError::Ahead { head: 5, .. })),
        "{shown:?}"
    );
}

async fn a_query_that_meets_poison_says_so(backend: &Backend) {
    account(backend, &[Command::Withdraw(REFUSED)]).await;
    let (log, documents) = (backend.log(), backend.documents());
    let shown = show::<Fussy<false>>(&log, &documents, NAME, AtLeast::Any).await;
    assert_eq!(shown.expect("shown").map(|shown| shown.version), Some(3));
    let shown = show::<Fussy<false>>(&log, &documents, NAME, AtLeast::Version(4)).await;
    assert!(
        matches!(shown, Err(ReadModelError::Parked { version: 4, .. })),
        "{shown:?}"
    );
}

async fn a_failure_of_the_moment_is_noted_and_forgotten(backend: &Backend) {
    account(backend, &[]).await;
    let documents = backend.documents();
    for attempts in 1..4 {
        note(&documents, "a", 3, "dynamodb throttles")
            .await
            .expect("noted");
        let trouble = stored(backend).await.trouble.expect("noted");
        assert_eq!((trouble.attempts, trouble.version), (attempts, 3));
        assert_eq!(
            (trouble.why.as_str(), trouble.parked_by),
            ("dynamodb throttles", None)
        );
    }
    assert_eq!(stored(backend).await.applied, 0);
    ring(backend, 3).await;
    let stored = stored(backend).await;
    assert_eq!((stored.applied, stored.trouble), (3, None));
}

async fn a_note_harms_no_document(backend: &Backend) {
    account(backend, &[Command::Withdraw(1), Command::Withdraw(REFUSED)]).await;
    ring(backend, 3).await;
    let before = stored(backend).await;
    let documents = backend.documents();
    note(&documents, "a", 3, "too late")
        .await
        .expect("passed over");
    assert_eq!(stored(backend).await, before);
    // A writer who read the document before the note was made does not see it.
    note(&documents, "a", 4, "in time").await.expect("noted");
    let next = StoredDocument {
        applied: 4,
        ..before.clone()
    };
    let counts = Counts::new();
    documents
        .put(&next, Some(&before), &counts)
        .await
        .expect("written");
    assert_eq!(stored(backend).await.trouble, None);
    ring(backend, 5).await;
    let parked = stored(backend).await;
    note(&documents, "a", 5, "parked it is")
        .await
        .expect("passed over");
    assert_eq!(stored(backend).await, parked);
}
