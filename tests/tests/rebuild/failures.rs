//! What fails holds up nothing else, and what is at work already is not begun once more.

use super::{cancel, change, items, numbers, start, users};
use aws_sdk_dynamodb::types::AttributeValue;
use consumer::{Consume, Own, Ring, Settings};
use event_store::{Head, Heads};
use read_model::{DynamoDbDocuments, Generations, ReadModelError, ReadModelTable};
use serde_json::json;
use std::error::Error;
use std::sync::Mutex;
use std::time::Duration;
use tests::backend::Backend;
use tests::consumers::{
    AT_ONCE, announced, applied_in, ask, consumer, consumer_that, hear, hear_all, rename, tick,
};
use tests::on_each_backend;

on_each_backend! {
    what_fails_in_one_generation_holds_up_no_other
    while_messages_delete_what_is_gone_a_tick_sends_no_more_of_them
    only_what_is_gone_is_deleted_and_only_once_nobody_writes_it
    a_generation_that_owes_a_stream_is_not_switched_to
    a_stream_that_fails_in_one_generation_is_brought_up_in_the_others
    of_two_who_change_the_generations_one_is_told
    a_tick_leaves_a_rebuild_that_began_a_moment_ago_to_its_messages
}

async fn what_fails_in_one_generation_holds_up_no_other(backend: &Backend) {
    users(backend, 3).await;
    let consumer = consumer(backend, "users");
    hear_all(&consumer, &[tick()]).await;
    let id = start(backend, &consumer).await;
    while consumer.queue.next().is_some() {}
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let spoil = backend.client.put_item().table_name(backend.table("users"));
    let spoil = spoil.item("pk", text("walk")).item("sk", text("000"));
    spoil.send().await.expect("spoilt");
    assert_eq!(hear(&consumer, &[tick()]).await, ["0"]);
    change(backend, &consumer, id, "switched").await;
    assert_eq!(numbers(&consumer).await, (1, None, Some(0), 0));
}

async fn while_messages_delete_what_is_gone_a_tick_sends_no_more_of_them(backend: &Backend) {
    users(backend, 2).await;
    let mut consumer = consumer(backend, "users");
    let id = start(backend, &consumer).await;
    hear_all(&consumer, &[]).await;
    // More than one page of what is deleted.
    for number in 0..9 {
        let text = |value: String| AttributeValue::S(value);
        let put = backend.client.put_item().table_name(backend.table("users"));
        let put = put.item("pk", text(format!("g1/list#large#{number}")));
        let put = put.item("sk", text("a".to_owned()));
        let put = put.item("padding", text("x".repeat(390 * 1024)));
        put.send().await.expect("put");
    }
    cancel(backend, &consumer, id).await;
    consumer.settings = Settings {
        tick: Duration::ZERO,
        slice: Duration::ZERO,
        ..AT_ONCE
    };
    assert_eq!(hear(&consumer, &[tick()]).await, [""; 0]);
    assert_eq!(consumer.queue.len(), 1);
    assert_eq!(hear(&consumer, &[tick()]).await, [""; 0]);
    assert_eq!(consumer.queue.len(), 1);
    // They were lost.
    assert!(consumer.queue.next().is_some());
    consumer.settings.stalled = Duration::ZERO;
    hear_all(&consumer, &[tick()]).await;
    assert_eq!(items(backend, "g1/").await, 0);
    assert_eq!(items(backend, "clearing").await, 0);
    assert_eq!(numbers(&consumer).await, (0, None, None, 0));
}

async fn only_what_is_gone_is_deleted_and_only_once_nobody_writes_it(backend: &Backend) {
    users(backend, 3).await;
    let mut consumer = consumer(backend, "users");
    hear_all(&consumer, &[tick()]).await;
    let before = items(backend, "").await;
    let live = serde_json::to_string(&Own::Clear { generation: 0 });
    hear_all(&consumer, &[live.expect("JSON")]).await;
    assert_eq!(items(backend, "").await, before);
    let id = start(backend, &consumer).await;
    hear_all(&consumer, &[]).await;
    // Who began with a batch a moment ago may be at work for so long.
    consumer.settings.batch = Duration::from_secs(600);
    cancel(backend, &consumer, id).await;
    hear_all(&consumer, &[tick()]).await;
    assert_eq!(numbers(&consumer).await, (0, None, None, 1));
    assert!(items(backend, "g1/").await > 0);
}

async fn a_generation_that_owes_a_stream_is_not_switched_to(backend: &Backend) {
    let users = users(backend, 3).await;
    let (stream, version) = &users[0];
    // A head beyond its stream: the walk cannot get there.
    let head = backend.heads().head(stream).await.expect("readable");
    let head = head.expect("there");
    let beyond = Head {
        version: version + 1,
        ..head.clone()
    };
    let put = backend.heads().put(&beyond, Some(&head)).await;
    assert!(put.expect("put"));
    let consumer = consumer(backend, "users");
    let id = start(backend, &consumer).await;
    hear_all(&consumer, &[]).await;
    change(backend, &consumer, id, "switched").await;
    hear_all(&consumer, &[tick()]).await;
    assert_eq!(numbers(&consumer).await, (0, Some(1), None, 0));
    // What was missing comes.
    rename(backend, stream, "Mei").await;
    hear_all(&consumer, &[tick()]).await;
    assert_eq!(numbers(&consumer).await, (1, None, Some(0), 0));
    let live = super::generations(&consumer).await.live;
    assert_eq!(applied_in(&consumer, live, stream).await, Some(version + 1));
}

/// Fails in the first generation, and remembers the others that it was rung in.
struct FailsInTheFirst(Mutex<Vec<u32>>);

impl Consume for FailsInTheFirst {
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
        documents: &DynamoDbDocuments,
        _: &str,
        _: u64,
        _: Ring,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        match documents.generation().number {
            0 => Err("not here".into()),
            number => {
                self.0.lock().expect("no panic").push(number);
                Ok(())
            }
        }
    }
}

async fn a_stream_that_fails_in_one_generation_is_brought_up_in_the_others(backend: &Backend) {
    let consumer = consumer_that(backend, FailsInTheFirst(Mutex::default()));
    let id = uuid::Uuid::now_v7();
    let said = ask(backend, id, "StartRebuild", json!({ "consumer": "users" })).await;
    assert_eq!(hear(&consumer, &[said]).await, [""; 0]);
    assert_eq!(hear(&consumer, &[announced("user-1", 1)]).await, ["0"]);
    assert_eq!(*consumer.consume.0.lock().expect("no panic"), [1]);
}

async fn of_two_who_change_the_generations_one_is_told(backend: &Backend) {
    let lossy = backend.client_that_loses_one_reply_to(&["PutItem"]).await;
    let lossy = ReadModelTable::new(lossy, backend.table("users"));
    let table = backend.read_model();
    let with = |waiting: &str| Generations {
        waiting: vec![waiting.to_owned()],
        ..Generations::default()
    };
    let mut known = Generations::default();
    for round in ["one", "other"] {
        // Its own write, of which the reply was lost, is no other's.
        let next = lossy.put(with(round), &known).await.expect("put");
        let late = table.put(with("late"), &known).await;
        assert!(matches!(late, Err(ReadModelError::Conflict)), "{late:?}");
        known = table.generations().await.expect("readable");
        assert_eq!(next, known);
    }
}

async fn a_tick_leaves_a_rebuild_that_began_a_moment_ago_to_its_messages(backend: &Backend) {
    users(backend, 3).await;
    let mut consumer = consumer(backend, "users");
    consumer.settings.batch = Duration::from_secs(600);
    start(backend, &consumer).await;
    let sent = consumer.queue.len();
    assert_eq!(hear(&consumer, &[tick()]).await, [""; 0]);
    assert_eq!(consumer.queue.len(), sent);
    assert_eq!(items(backend, "g1/").await, 0);
}
