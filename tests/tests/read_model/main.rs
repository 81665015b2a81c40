//! The projection runtime on the real store: whatever comes, in whatever order, the document is the fold of its stream.

mod batches;
mod behind;
mod compared;
mod deliveries;
mod lists;

use aws_sdk_dynamodb::types::AttributeValue;
use decider::{Entry, Projection};
use domain::{User, Users};
use event_store::{EventLog, stream_id};
use read_model::{
    AtLeast, Counts, Documents, ReadModelError, Row, RowChange, Shards, StoredDocument, project,
    show,
};
use serde_json::json;
use tests::backend::Backend;
use tests::on_each_backend;
use tests::users::{command, create, rename, run, stream};
use uuid::Uuid;

on_each_backend! {
    a_doorbell_brings_a_document_up_to_its_version
    doorbells_may_be_lost_doubled_and_late
    a_doorbell_ahead_of_the_store_fails_and_writes_nothing
    a_commit_that_is_gone_is_not_passed_over
    two_projections_at_once_end_in_the_same_place
    rows_left_over_by_a_crash_are_finished_by_a_redelivery
    a_late_writer_brings_no_row_back_and_takes_none_away
    a_query_folds_what_the_document_has_not_seen
}

async fn user(backend: &Backend, email: &str) -> Uuid {
    let id = Uuid::now_v7();
    run(&backend.log(), &backend.clock, id, &create(email))
        .await
        .expect("created");
    id
}

async fn change(backend: &Backend, id: Uuid, kind: &str, data: serde_json::Value) {
    run(&backend.log(), &backend.clock, id, &command(kind, data))
        .await
        .expect("changed");
}

async fn ring(backend: &Backend, id: Uuid, version: u64) -> Result<(), ReadModelError> {
    project::<Users>(&backend.log(), &backend.documents(), &stream(id), version).await
}

async fn stored(backend: &Backend, id: Uuid) -> Option<StoredDocument> {
    backend
        .documents()
        .get(&id.to_string(), true)
        .await
        .expect("readable")
}

/// Asserts that the document and the index rows are what the stream's events fold to.
async fn assert_in_step(backend: &Backend, id: Uuid) {
    let commits = backend
        .log()
        .read(&stream(id), 1..=u64::MAX, usize::MAX)
        .await
        .expect("readable");
    let mut document = None;
    let mut all_entries = Vec::new();
    for recorded in commits
        .iter()
        .flat_map(|commit| commit.recorded::<User>().expect("readable"))
    {
        let next = Users::fold(document, &recorded).expect("in order");
        all_entries.extend(Users::entries(&next));
        document = Some(next);
    }
    let document = document.expect("there are events");
    let entries = Users::entries(&document);
    let stored = stored(backend, id).await.expect("there is a document");
    assert_eq!(
        stored.document,
        Some(serde_json::to_string(&document).expect("json"))
    );
    assert_eq!(
        stored.applied,
        commits
            .last()
            .expect("there are commits")
            .last_version()
            .expect("readable")
    );
    assert_eq!(stored.pending, []);
    let rows: Vec<_> = entries
        .iter()
        .map(|entry| Row::of(entry, &stored.id, Shards::default()))
        .collect();
    assert_eq!(stored.rows, rows);
    for entry in all_entries {
        let row = Row::of(&entry, stream_id(&stream(id)), Shards::default());
        let rows = backend
            .documents()
            .rows(&row.partition, None, 1000)
            .await
            .expect("readable");
        assert_eq!(rows.contains(&row), entries.contains(&entry), "{row:?}");
    }
}

async fn a_doorbell_brings_a_document_up_to_its_version(backend: &Backend) {
    let id = user(backend, "sarah@example.com").await;
    run(&backend.log(), &backend.clock, id, &rename("Sara"))
        .await
        .expect("renamed");
    ring(backend, id, 1).await.expect("projected");
    assert_eq!(stored(backend, id).await.expect("there").applied, 1);
    ring(backend, id, 2).await.expect("projected");
    assert_in_step(backend, id).await;
}

async fn doorbells_may_be_lost_doubled_and_late(backend: &Backend) {
    let id = user(backend, "sarah@example.com").await;
    run(&backend.log(), &backend.clock, id, &rename("Sara"))
        .await
        .expect("renamed");
    change(
        backend,
        id,
        "ChangeUserStatus",
        json!({ "status": "suspended", "reason": "spam" }),
    )
    .await;
    change(
        backend,
        id,
        "ChangeUserStatus",
        json!({ "status": "active", "reason": "no spam" }),
    )
    .await;
    change(
        backend,
        id,
        "ChangeUserEmail",
        json!({ "email": "sara@example.com" }),
    )
    .await;
    change(backend, id, "DeleteUser", json!({ "reason": "asked to" })).await;
    for version in [2, 1, 2, 6, 3, 6, 5] {
        ring(backend, id, version).await.expect("projected");
    }
    assert_in_step(backend, id).await;
}

async fn a_doorbell_ahead_of_the_store_fails_and_writes_nothing(backend: &Backend) {
    let id = user(backend, "sarah@example.com").await;
    let ahead = ring(backend, id, 2).await;
    assert!(
        matches!(
            ahead,
            Err(ReadModelError::Ahead {
                version: 2,
                head: 1,
                ..
            })
        ),
        "{ahead:?}"
    );
    assert_eq!(stored(backend, id).await, None);
}

async fn a_commit_that_is_gone_is_not_passed_over(backend: &Backend) {
    let id = user(backend, "sarah@example.com").await;
    for name in ["Sara", "Sally"] {
        let renamed = run(&backend.log(), &backend.clock, id, &rename(name)).await;
        renamed.expect("renamed");
    }
    ring(backend, id, 1).await.expect("projected");
    let (stream, version) = (AttributeValue::S(stream(id)), AttributeValue::N("2".into()));
    let delete = backend
        .client
        .delete_item()
        .table_name(backend.table("events"));
    let delete = delete.key("stream", stream).key("version", version);
    delete.send().await.expect("deleted");
    ring(backend, id, 3).await.expect("heard");
    let stored = stored(backend, id).await.expect("there");
    let parked = stored.parked().map(|trouble| trouble.version);
    assert_eq!((stored.applied, parked), (1, Some(2)));
}

async fn two_projections_at_once_end_in_the_same_place(backend: &Backend) {
    let id = user(backend, "sarah@example.com").await;
    for round in 0..8 {
        let status = if round % 2 == 0 {
            "suspended"
        } else {
            "active"
        };
        change(
            backend,
            id,
            "ChangeUserStatus",
            json!({ "status": status, "reason": "spam" }),
        )
        .await;
        let (one, two, three) = tokio::join!(
            ring(backend, id, round + 2),
            ring(backend, id, round + 1),
            ring(backend, id, round + 2)
        );
        one.and(two).and(three).expect("projected");
    }
    assert_in_step(backend, id).await;
}

async fn rows_left_over_by_a_crash_are_finished_by_a_redelivery(backend: &Backend) {
    let id = user(backend, "sarah@example.com").await;
    ring(backend, id, 1).await.expect("projected");
    // The crash: the document was written, its rows were not.
    let documents = backend.documents();
    let done = stored(backend, id).await.expect("there");
    let row = Row::of(
        &Entry::Found {
            by: "email",
            value: "sarah@example.com".into(),
        },
        &id.to_string(),
        Shards::default(),
    );
    let gone = StoredDocument {
        pending: vec![RowChange {
            row: row.clone(),
            gone: true,
        }],
        ..done.clone()
    };
    documents.settle(&gone).await.expect("the row is away");
    assert_eq!(
        documents
            .rows(&row.partition, None, 1)
            .await
            .expect("readable"),
        []
    );
    let crashed = StoredDocument {
        pending: vec![RowChange { row, gone: false }],
        ..done
    };
    documents
        .put(&crashed, Some(&crashed), &Counts::new())
        .await
        .expect("as after a crash");
    ring(backend, id, 1).await.expect("redelivered");
    assert_in_step(backend, id).await;
}

async fn a_late_writer_brings_no_row_back_and_takes_none_away(backend: &Backend) {
    let id = user(backend, "sarah@example.com").await;
    ring(backend, id, 1).await.expect("projected");
    let created = stored(backend, id).await.expect("there");
    let late = |pending| StoredDocument {
        pending,
        ..created.clone()
    };
    let come = late(RowChange::between(&[], &created.rows));
    let go = late(RowChange::between(&created.rows, &[]));
    change(
        backend,
        id,
        "ChangeUserStatus",
        json!({ "status": "suspended", "reason": "spam" }),
    )
    .await;
    ring(backend, id, 2).await.expect("projected");
    backend
        .documents()
        .settle(&come)
        .await
        .expect("too late to matter");
    change(
        backend,
        id,
        "ChangeUserStatus",
        json!({ "status": "active", "reason": "no spam" }),
    )
    .await;
    ring(backend, id, 3).await.expect("projected");
    let active: Vec<_> = go
        .pending
        .into_iter()
        .filter(|change| change.row.partition.contains("active"))
        .collect();
    assert_eq!(active.len(), 1);
    backend
        .documents()
        .settle(&late(active))
        .await
        .expect("too late to matter");
    assert_in_step(backend, id).await;
}

async fn a_query_folds_what_the_document_has_not_seen(backend: &Backend) {
    let (log, documents) = (backend.log(), backend.documents());
    let id = user(backend, "sarah@example.com").await;
    let shows = async |at_least| {
        let shown = show::<Users>(&log, &documents, &stream(id), at_least).await;
        shown.map(|shown| shown.map(|shown| shown.version))
    };
    assert_eq!(
        shows(AtLeast::Any).await.expect("shown"),
        Some(1),
        "absent, so the store is asked"
    );
    ring(backend, id, 1).await.expect("projected");
    run(&log, &backend.clock, id, &rename("Sara"))
        .await
        .expect("renamed");
    assert_eq!(shows(AtLeast::Any).await.expect("shown"), Some(1));
    assert_eq!(shows(AtLeast::Version(1)).await.expect("shown"), Some(1));
    assert_eq!(shows(AtLeast::Version(2)).await.expect("shown"), Some(2));
    assert_eq!(shows(AtLeast::Head).await.expect("shown"), Some(2));
    assert!(matches!(
        shows(AtLeast::Version(3)).await,
        Err(ReadModelError::Ahead { head: 2, .. })
    ));
    assert_eq!(
        stored(backend, id).await.expect("there").applied,
        1,
        "a query writes nothing"
    );
    let nobody = show::<Users>(&log, &documents, &stream(Uuid::now_v7()), AtLeast::Any).await;
    assert_eq!(nobody.expect("shown"), None);
}
