//! Walks that somebody died in, that fail, or that have no time.

use consumer::{Consume, ConsumerError, Left, Ring, Walked, progress};
use domain::Users;
use event_store::{Hash, Head, Heads, seen_shard, stream_id};
use read_model::{
    Counts, Documents, DynamoDbDocuments, Generation, RowChange, StoredDocument, listed,
};
use serde_json::json;
use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tests::backend::Backend;
use tests::consumers::{
    InProcess, announced, ask, consumer, consumer_that, hear, hear_all, tick, user,
};
use tests::on_each_backend;

on_each_backend! {
    rows_that_were_not_written_are_written_by_a_walk
    what_is_owed_is_tried_once_for_each_slice
    a_checkpoint_does_not_pass_more_than_it_can_owe
    when_the_time_is_up_a_walk_ends_amid_a_page
    an_operation_with_the_id_of_a_user_is_found_by_a_walk
    a_walk_that_ends_where_it_stood_is_no_longer_under_way
}

async fn a_walk_that_ends_where_it_stood_is_no_longer_under_way(backend: &Backend) {
    user(backend, 0).await;
    let mut consumer = consumer(backend, "users");
    consumer.settings.page = 1;
    hear_all(&consumer, &[]).await;
    let live = Generation::default();
    let begun = consumer.table.start("2026-11-21T00:00:00Z").await;
    begun.expect("begun");
    let slice = async || {
        let left = consumer.walk(live, 0, 1, Instant::now()).await;
        left.expect("walked")
    };
    assert_eq!(slice().await, Left::More, "a page that is full");
    while slice().await == Left::More {}
    let checkpoints = consumer.table.checkpoints(live).await.expect("readable");
    assert!(!checkpoints.is_empty());
    assert!(
        checkpoints.iter().all(|one| !one.is_under_way),
        "the next tick would wait for it: {checkpoints:?}"
    );
}

async fn rows_that_were_not_written_are_written_by_a_walk(backend: &Backend) {
    let (stream, version) = user(backend, 0).await;
    let consumer = consumer(backend, "users");
    assert_eq!(
        hear(&consumer, &[announced(&stream, version)]).await,
        [""; 0]
    );
    // As if who wrote the document had died before its rows, and the message was lost.
    let documents = consumer.table.live().await.expect("readable");
    let stored = documents.get(stream_id(&stream), true).await;
    let stored = stored.expect("readable").expect("there");
    let come = |row: &read_model::Row| RowChange {
        row: row.clone(),
        gone: false,
    };
    let unsettled = StoredDocument {
        pending: stored.rows.iter().map(come).collect(),
        ..stored.clone()
    };
    let none = Counts::new();
    let put = documents.put(&unsettled, Some(&stored), &none).await;
    put.expect("put");
    for row in &stored.rows {
        let text = |value: &str| aws_sdk_dynamodb::types::AttributeValue::S(value.to_owned());
        let delete = backend.client.delete_item();
        let delete = delete.table_name(backend.table("users"));
        let delete = delete.key("pk", text(&row.partition));
        let deleted = delete.key("sk", text(&row.sort)).send().await;
        deleted.expect("deleted");
    }
    hear_all(&consumer, &[tick()]).await;
    let page = listed::<Users>(&consumer.log, &documents, "all", None, 9).await;
    assert_eq!(page.expect("listed").documents.len(), 1);
    let stored = documents.get(stream_id(&stream), true).await;
    assert_eq!(stored.expect("readable").expect("there").pending, []);
}

/// Fails at some streams until it is mended, and counts how often.
#[derive(Default)]
struct Failing {
    at: Vec<String>,
    is_mended: AtomicBool,
    fails: AtomicU32,
}

impl Consume for Failing {
    fn name(&self) -> &str {
        "users"
    }

    fn reads(&self, category: &str) -> bool {
        category == "user"
    }

    fn is_pure(&self) -> bool {
        true
    }

    async fn consume(
        &self,
        _: &DynamoDbDocuments,
        stream: &str,
        _: u64,
        _: Ring,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        if self.is_mended.load(Ordering::Relaxed) || !self.at.iter().any(|at| at == stream) {
            return Ok(());
        }
        self.fails.fetch_add(1, Ordering::Relaxed);
        Err("not now".into())
    }
}

/// So many streams of one shard, as the publisher saw them.
async fn heads(backend: &Backend, count: usize) -> Vec<String> {
    let names = (0..).map(|number| format!("user-{number}"));
    let names = names.filter(|name| seen_shard(name) == 0);
    let names: Vec<_> = names.take(count).collect();
    for name in &names {
        let head = Head {
            stream: name.clone(),
            version: 1,
            hash: Hash::default(),
        };
        assert!(backend.heads().put(&head, None).await.expect("put"));
    }
    names
}

async fn walk(consumer: &InProcess<Failing>, time: Duration) -> Result<Left, ConsumerError> {
    let until = Instant::now() + time;
    consumer.walk(Generation::default(), 0, 1, until).await
}

async fn live(consumer: &InProcess<Failing>) -> Walked {
    progress(&consumer.table).await.expect("readable").live
}

const LONG: Duration = Duration::from_secs(30);

async fn what_is_owed_is_tried_once_for_each_slice(backend: &Backend) {
    let failing = Failing {
        at: heads(backend, 10).await[..1].to_vec(),
        ..Failing::default()
    };
    let mut consumer = consumer_that(backend, failing);
    consumer.settings.page = 1;
    for fails in 1..=2 {
        let left = walk(&consumer, LONG).await;
        assert_eq!(left.expect("walked"), Left::Nothing);
        assert_eq!(consumer.consume.fails.load(Ordering::Relaxed), fails);
    }
    let owed = live(&consumer).await.owed;
    assert_eq!((owed.len(), owed[0].attempts), (1, 2));
}

async fn a_checkpoint_does_not_pass_more_than_it_can_owe(backend: &Backend) {
    let failing = Failing {
        at: heads(backend, 210).await,
        ..Failing::default()
    };
    let consumer = consumer_that(backend, failing);
    for _ in 0..2 {
        let failed = walk(&consumer, LONG).await;
        assert!(matches!(failed, Err(ConsumerError::TooMany { .. })));
        let live = live(&consumer).await;
        assert_eq!((live.streams, live.owed.len()), (200, 200));
    }
    consumer.consume.is_mended.store(true, Ordering::Relaxed);
    assert_eq!(walk(&consumer, LONG).await.expect("walked"), Left::Nothing);
    let live = live(&consumer).await;
    assert_eq!((live.streams, live.owed), (210, vec![]));
}

async fn when_the_time_is_up_a_walk_ends_amid_a_page(backend: &Backend) {
    heads(backend, 40).await;
    let consumer = consumer_that(backend, Failing::default());
    for (streams, left) in [(16, Left::More), (32, Left::More), (40, Left::Nothing)] {
        let walked = walk(&consumer, Duration::ZERO).await;
        assert_eq!(walked.expect("walked"), left);
        assert_eq!(live(&consumer).await.streams, streams);
    }
}

async fn an_operation_with_the_id_of_a_user_is_found_by_a_walk(backend: &Backend) {
    let (stream, version) = user(backend, 0).await;
    let consumer = consumer(backend, "users");
    hear_all(&consumer, &[announced(&stream, version)]).await;
    let id = stream_id(&stream).parse().expect("a UUID");
    ask(backend, id, "StartRebuild", json!({ "consumer": "users" })).await;
    hear_all(&consumer, &[tick()]).await;
    let generations = consumer.table.generations().await.expect("readable");
    assert!(generations.building.is_some());
}
