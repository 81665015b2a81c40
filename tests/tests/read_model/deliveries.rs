//! Messages as queues bring them: in any order, several times, late, mixed, or not at all.

use crate::{assert_in_step, change, ring, stored, user};
use decider::{Projection, Recorded};
use event_store::{
    Batch, Cache, Commit, EventLog, Hash, MemoryEventLog, Metadata, Position, Stamp, StoreError,
    StoredEvent,
};
use futures_util::future::join_all;
use read_model::{Documents, DynamoDbDocuments, ReadModelError, Row, project, wait_for};
use serde_json::json;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tests::account::{Account, Command, Event, run, unkeyed};
use tests::backend::Backend;
use tests::fussy::Fussy;
use tests::on_each_backend;
use tests::users::{rename, stream};
use tests::watched::Watched;

on_each_backend! {
    whatever_order_messages_come_in_the_documents_are_the_folds_of_their_streams
    a_message_that_is_lost_is_made_up_for_by_the_next
    a_long_history_is_marked_in_pieces
    a_long_stream_is_taken_in_piece_by_piece
    a_crash_amid_the_marks_of_a_step_is_made_up_for
    a_user_costs_as_many_units_as_its_document_and_its_rows
    the_read_model_is_there_once_its_rows_are_written
}

async fn whatever_order_messages_come_in_the_documents_are_the_folds_of_their_streams(
    backend: &Backend,
) {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    println!("seed {seed}");
    for round in 0..3 {
        let mut messages = Vec::new();
        let mut users = Vec::new();
        for number in 0..3 {
            let id = user(backend, &format!("sarah{round}{number}@example.com")).await;
            let mut head = 1;
            for step in 0..random.u64(1..8) {
                let (log, clock) = (backend.log(), &backend.clock);
                let status = if step % 2 == 0 { "suspended" } else { "active" };
                if random.bool() && step % 2 == 0 {
                    let renamed = rename(&format!("Sara {step}"));
                    let renamed = tests::users::run(&log, clock, id, &renamed).await;
                    renamed.expect("renamed");
                    head += 1;
                }
                let status = json!({ "status": status, "reason": "spam" });
                change(backend, id, "ChangeUserStatus", status).await;
                head += 1;
            }
            for version in 1..=head {
                let copies = random.usize(0..3).max(usize::from(version == head));
                messages.extend(std::iter::repeat_n((id, version), copies));
            }
            users.push(id);
        }
        random.shuffle(&mut messages);
        while !messages.is_empty() {
            let batch = random.usize(1..=messages.len().min(6));
            let batch: Vec<_> = messages.drain(..batch).collect();
            let rung = batch
                .iter()
                .map(|(id, version)| ring(backend, *id, *version));
            let rung = join_all(rung).await;
            for (message, rung) in batch.into_iter().zip(rung) {
                match rung {
                    Ok(()) => {}
                    Err(ReadModelError::Conflict) => messages.push(message),
                    Err(error) => panic!("seed {seed}: {error:?}"),
                }
            }
        }
        for id in users {
            assert_in_step(backend, id).await;
        }
    }
}

async fn a_message_that_is_lost_is_made_up_for_by_the_next(backend: &Backend) {
    let id = user(backend, "sarah@example.com").await;
    let (log, clock) = (backend.log(), &backend.clock);
    for name in ["Sara", "Sally", "Sadie"] {
        let renamed = tests::users::run(&log, clock, id, &rename(name)).await;
        renamed.expect("renamed");
    }
    ring(backend, id, 1).await.expect("projected");
    ring(backend, id, 4).await.expect("projected");
    assert_in_step(backend, id).await;
    // Hours later.
    ring(backend, id, 2).await.expect("heard");
    assert_in_step(backend, id).await;
}

const NAME: &str = "account-a";

/// An account of 1 + 50 × `commits` events.
async fn account(backend: &Backend, commits: usize) -> u64 {
    let (log, clock, cache) = (
        backend.log(),
        &backend.clock,
        Cache::<Account>::new(1 << 20),
    );
    let mut commands = vec![Command::Open(NAME)];
    commands.resize(commits + 1, Command::Deposit(50, 1));
    for command in &commands {
        let done = run(&cache, &log, clock, &unkeyed(), NAME, command).await;
        done.expect("executed");
    }
    1 + 50 * commits as u64
}

/// The marks of the account: one for each version.
async fn marks(backend: &Backend) -> Vec<Row> {
    let documents = backend.documents();
    let mut marks = Vec::new();
    for shard in 0..documents.shards().lists {
        let partition = format!("list#events#{shard}");
        let rows = documents.rows(&partition, None, 10_000).await;
        marks.extend(rows.expect("readable"));
    }
    marks
}

async fn a_long_history_is_marked_in_pieces(backend: &Backend) {
    let head = account(backend, 8).await;
    backend.requests.clear();
    let (log, documents) = (backend.log(), backend.documents());
    project::<Fussy<true>>(&log, &documents, NAME, head)
        .await
        .expect("projected");
    let requests = backend.requests.clear();
    let steps = requests.iter().filter(|request| *request == "UpdateItem");
    assert_eq!(steps.count(), 8, "51 marks, then 50 each time");
    assert_eq!(marks(backend).await.len() as u64, head);
    let stored = documents.get("a", true).await.expect("readable");
    let stored = stored.expect("there");
    assert_eq!((stored.applied, stored.rows.len()), (head, 1));
    assert_eq!(stored.pending, []);
}

async fn a_crash_amid_the_marks_of_a_step_is_made_up_for(backend: &Backend) {
    let head = account(backend, 1).await;
    let client = backend
        .client_that_loses_a_reply_and_refuses_its_retry(&["PutItem"], "ValidationException");
    let losing = DynamoDbDocuments::new(client.await, backend.table("users"));
    let log = backend.log();
    project::<Fussy<true>>(&log, &losing, NAME, head)
        .await
        .expect_err("the document is written, nobody knows");
    assert_eq!(marks(backend).await, []);
    project::<Fussy<true>>(&log, &backend.documents(), NAME, head)
        .await
        .expect("redelivered");
    assert_eq!(marks(backend).await.len() as u64, head);
}

async fn a_user_costs_as_many_units_as_its_document_and_its_rows(backend: &Backend) {
    let id = user(backend, "sarah@example.com").await;
    let (client, meter) = backend.metered_client().await;
    let documents = DynamoDbDocuments::new(client, backend.table("users"));
    let log = backend.log();
    let mut billed = Vec::new();
    for version in [1, 2] {
        if version == 2 {
            let renamed = tests::users::run(&log, &backend.clock, id, &rename("Sara")).await;
            renamed.expect("renamed");
        }
        meter.take();
        project::<domain::Users>(&log, &documents, &stream(id), version)
            .await
            .expect("projected");
        let requests = meter.take().into_iter();
        let writes = requests.filter(|request| request.operation != "GetItem");
        billed.push(writes.map(|request| request.units).sum::<f64>());
    }
    assert_eq!(
        billed,
        [5.0, 1.0],
        "a document, three rows and that they are done; a document"
    );
}

async fn the_read_model_is_there_once_its_rows_are_written(backend: &Backend) {
    let id = user(backend, "sarah@example.com").await;
    let documents = backend.documents();
    let arrives = async |version, patience| {
        let patience = Duration::from_millis(patience);
        let there = wait_for::<domain::Users>(&documents, &stream(id), version, patience).await;
        there.expect("readable")
    };
    assert!(!arrives(1, 120).await);
    let (there, rung) = tokio::join!(arrives(1, 10_000), ring(backend, id, 1));
    rung.expect("projected");
    assert!(there);
    assert!(!arrives(2, 0).await);
    // As after a crash: the document is there, its rows are not.
    let done = stored(backend, id).await.expect("there");
    let unsettled = read_model::StoredDocument {
        pending: read_model::RowChange::between(&[], &done.rows),
        ..done.clone()
    };
    let counts = read_model::Counts::new();
    let written = documents.put(&unsettled, Some(&done), &counts).await;
    written.expect("written");
    assert!(!arrives(1, 0).await);
    documents.settle(&unsettled).await.expect("settled");
    assert!(arrives(1, 0).await);
}

/// How many events an account has.
enum Number {}

impl Projection for Number {
    const NAME: &'static str = "number";
    type Source = Account;
    type Document = u64;
    type Error = Infallible;

    fn fold(document: Option<u64>, _: &Recorded<Event>) -> Result<u64, Infallible> {
        Ok(document.unwrap_or_default() + 1)
    }
}

async fn a_long_stream_is_taken_in_piece_by_piece(backend: &Backend) {
    // Every other read fails: as if the time was up.
    let is_tired = AtomicBool::new(false);
    let log = Watched {
        log: MemoryEventLog::default(),
        before: || match is_tired.fetch_xor(true, Ordering::Relaxed) {
            true => Err(StoreError::Throttled("tired".into())),
            false => Ok(()),
        },
    };
    let mut previous = Hash::default();
    for version in 1..=1001 {
        let id = uuid::Uuid::now_v7();
        let event = StoredEvent::encode::<Account>(id, &Event::Withdrawn { amount: version });
        let at = Position {
            stream: "account-a".to_owned(),
            version,
        };
        let stamp = Stamp {
            id,
            timestamp: chrono::DateTime::UNIX_EPOCH,
        };
        let (metadata, events) = (Metadata::new("tests", "tests"), [event.expect("JSON")]);
        let commit = Commit::new(at, previous, &stamp, &metadata, &events, None);
        let commit = commit.expect("a commit");
        previous = commit.chain.hash;
        log.append(&Batch::of(commit)).await.expect("kept");
    }
    let documents = backend.documents();
    let mut seen = Vec::new();
    while seen.last() != Some(&1001) {
        let projected = project::<Number>(&log, &documents, "account-a", 1001).await;
        let stored = documents.get("a", true).await.expect("readable");
        let applied = stored.expect("there").applied;
        assert_eq!(projected.is_ok(), applied == 1001);
        assert!(seen.last().is_none_or(|before| *before < applied));
        seen.push(applied);
    }
    assert_eq!(seen, [500, 1000, 1001]);
}
