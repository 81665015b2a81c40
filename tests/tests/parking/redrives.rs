//! What was parked is tried again: when somebody asks for it, or another build comes; and what is there is made anew.

use crate::{NAME, account, all_parked, assert_parked, kept, ring, rows, spoil, stored};
use aws_sdk_dynamodb::types::AttributeValue;
use read_model::{
    Documents, DynamoDbDocuments, ReadModelError, StoredDocument, project, project_anew, redrive,
};
use tests::account::Command;
use tests::backend::Backend;
use tests::fussy::{Fussy, PANICS, REFUSED};
use tests::on_each_backend;

on_each_backend! {
    a_redrive_tries_again_and_counts_how_often
    a_redrive_with_a_mended_fold_goes_on_in_order_and_the_stream_leaves_the_list
    a_redrive_may_stop_at_the_next_poison
    another_build_tries_again_by_itself
    a_document_is_made_anew_with_all_of_its_rows
    what_is_made_anew_and_meets_poison_stays_as_it_was
    what_is_made_anew_and_fails_halfway_stays_as_it_was
    a_late_writer_writes_over_no_document_that_other_trouble_has_parked
}

async fn try_again<const MENDED: bool>(backend: &Backend, version: u64) {
    let (log, documents) = (backend.log(), backend.documents());
    let redriven = redrive::<Fussy<MENDED>>(&log, &documents, NAME, version).await;
    redriven.expect("tried");
}

async fn a_redrive_tries_again_and_counts_how_often(backend: &Backend) {
    account(backend, &[Command::Withdraw(REFUSED), Command::Withdraw(1)]).await;
    ring(backend, 5).await;
    let since = stored(backend).await.trouble.expect("parked").since;
    for attempts in 2..4 {
        // Even if it does not know how far the stream has come.
        try_again::<false>(backend, 1).await;
        assert_parked(backend, 3, 4, "thirteen").await;
        let trouble = stored(backend).await.trouble.expect("parked");
        assert_eq!((trouble.attempts, &trouble.since), (attempts, &since));
        assert_eq!(rows(backend, "parked").await.len(), 1);
    }
}

async fn a_redrive_with_a_mended_fold_goes_on_in_order_and_the_stream_leaves_the_list(
    backend: &Backend,
) {
    account(
        backend,
        &[Command::Withdraw(REFUSED), Command::Withdraw(PANICS)],
    )
    .await;
    ring(backend, 4).await;
    try_again::<true>(backend, 5).await;
    let stored = stored(backend).await;
    assert_eq!((stored.applied, &stored.trouble), (5, &None));
    assert_eq!(kept(&stored).versions, [1, 2, 3, 4, 5]);
    assert_eq!(rows(backend, "parked").await, []);
    assert_eq!(rows(backend, "odd").await.len(), 1);
    assert_eq!(rows(backend, "events").await.len(), 5);
}

async fn a_redrive_may_stop_at_the_next_poison(backend: &Backend) {
    account(backend, &[Command::Withdraw(REFUSED), Command::Withdraw(1)]).await;
    ring(backend, 5).await;
    spoil(backend, 5, "events", AttributeValue::Bool(true)).await;
    try_again::<true>(backend, 5).await;
    assert_parked(backend, 4, 5, "cannot be read").await;
    assert_eq!(stored(backend).await.trouble.expect("parked").attempts, 1);
}

async fn another_build_tries_again_by_itself(backend: &Backend) {
    account(backend, &[Command::Withdraw(REFUSED), Command::Withdraw(1)]).await;
    ring(backend, 4).await;
    let update = backend
        .client
        .update_item()
        .table_name(backend.table("users"));
    let other = update
        .key("pk", AttributeValue::S("document#a".into()))
        .key("sk", AttributeValue::S("document".into()))
        .update_expression("SET trouble.parked_by = :other")
        .expression_attribute_values(":other", AttributeValue::S("the build before".into()));
    other.send().await.expect("parked by another");
    let (log, documents) = (backend.log(), backend.documents());
    project::<Fussy<true>>(&log, &documents, NAME, 4)
        .await
        .expect("projected");
    let stored = stored(backend).await;
    assert_eq!((stored.applied, stored.trouble), (4, None));
    assert_eq!(all_parked(backend).await, [] as [String; 0]);
}

async fn a_document_is_made_anew_with_all_of_its_rows(backend: &Backend) {
    account(backend, &[Command::Withdraw(1)]).await;
    ring(backend, 4).await;
    let before = stored(backend).await;
    let (log, documents) = (backend.log(), backend.documents());
    // What it never was, and an index row that is away.
    let wrong = StoredDocument {
        document: Some("{}".into()),
        ..before.clone()
    };
    let counts = read_model::Counts::new();
    documents
        .put(&wrong, Some(&before), &counts)
        .await
        .expect("written");
    let row = before.rows[0].clone();
    let away = backend
        .client
        .delete_item()
        .table_name(backend.table("users"));
    away.key("pk", AttributeValue::S(row.partition))
        .key("sk", AttributeValue::S(row.sort))
        .send()
        .await
        .expect("deleted");
    project_anew::<Fussy<false>>(&log, &documents, NAME, 1)
        .await
        .expect("made");
    assert_eq!(stored(backend).await, before);
    assert_eq!(rows(backend, "even").await, before.rows);
}

async fn what_is_made_anew_and_meets_poison_stays_as_it_was(backend: &Backend) {
    account(backend, &[Command::Withdraw(REFUSED), Command::Withdraw(1)]).await;
    let (log, documents) = (backend.log(), backend.documents());
    project::<Fussy<true>>(&log, &documents, NAME, 5)
        .await
        .expect("projected");
    let before = stored(backend).await;
    project_anew::<Fussy<false>>(&log, &documents, NAME, 5)
        .await
        .expect("tried");
    let after = stored(backend).await;
    assert_eq!((after.applied, &after.document), (5, &before.document));
    assert_eq!(after.parked().map(|trouble| trouble.version), Some(4));
    project_anew::<Fussy<true>>(&log, &documents, NAME, 5)
        .await
        .expect("made");
    assert_eq!(stored(backend).await, before);
    assert_eq!(rows(backend, "parked").await, []);
    // A redrive takes it up, too: it goes on with what was asked for.
    project_anew::<Fussy<false>>(&log, &documents, NAME, 5)
        .await
        .expect("tried");
    try_again::<false>(backend, 5).await;
    let trouble = stored(backend).await.trouble.expect("parked");
    assert_eq!((trouble.version, trouble.attempts), (4, 2));
    try_again::<true>(backend, 5).await;
    assert_eq!(stored(backend).await, before);
    assert_eq!(rows(backend, "parked").await, []);
}

async fn what_is_made_anew_and_fails_halfway_stays_as_it_was(backend: &Backend) {
    // More than one step takes.
    account(backend, &[const { Command::Withdraw(1) }; 52]).await;
    ring(backend, 55).await;
    let before = stored(backend).await;
    let client = backend
        .client_that_loses_a_reply_and_refuses_its_retry(&["PutItem"], "ValidationException")
        .await;
    let failing = DynamoDbDocuments::new(client, backend.table("users"));
    project_anew::<Fussy<false>>(&backend.log(), &failing, NAME, 55)
        .await
        .expect_err("nobody knows");
    assert_eq!(stored(backend).await, before);
}

async fn a_late_writer_writes_over_no_document_that_other_trouble_has_parked(backend: &Backend) {
    account(backend, &[Command::Withdraw(REFUSED)]).await;
    ring(backend, 4).await;
    let (documents, counts) = (backend.documents(), read_model::Counts::new());
    let before = stored(backend).await;
    // It was tried as often, and is as far.
    let mut other = before.clone();
    let trouble = other.trouble.as_mut().expect("parked");
    trouble.since = "2026-11-21T00:00:00.000000Z".to_owned();
    let put = documents.put(&other, Some(&before), &counts).await;
    put.expect("written");
    let late = documents.put(&before, Some(&before), &counts).await;
    assert!(matches!(late, Err(ReadModelError::Conflict)), "{late:?}");
}
