//! Rebuilds on the real store: beside what is shown, under load, and never half shown.

mod asked;
mod failures;
mod under_load;

use aws_sdk_dynamodb::types::AttributeValue;
use consumer::{Settings, progress};
use read_model::{Documents, Generation, Generations};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;
use tests::backend::Backend;
use tests::consumers::{
    AT_ONCE, ReadModelConsumer, announced, ask, consumer, hear, hear_all, publish, rename, tick,
    user,
};
use tests::on_each_backend;
use uuid::Uuid;

on_each_backend! {
    a_rebuild_is_built_switched_to_and_back_and_all_generations_are_fed
    what_is_let_go_is_deleted_and_nothing_else
    a_rebuild_that_is_cancelled_while_it_is_built_leaves_nothing
    a_switch_that_is_asked_for_early_is_done_once_all_is_there
    a_walk_that_ends_before_everybody_knows_of_a_rebuild_is_put_off
    a_second_rebuild_waits_for_the_first
    counters_are_the_same_after_a_rebuild
    a_rebuild_that_is_killed_at_any_moment_comes_to_the_same
}

async fn generations(consumer: &ReadModelConsumer) -> Generations {
    consumer.table.generations().await.expect("readable")
}

/// The numbers that are live, in the making, kept and gone.
async fn numbers(consumer: &ReadModelConsumer) -> (u32, Option<u32>, Option<u32>, usize) {
    let found = generations(consumer).await;
    let building = found.building.map(|building| building.generation.number);
    let kept = found.kept.map(|kept| kept.number);
    (found.live.number, building, kept, found.gone.len())
}

async fn users(backend: &Backend, count: usize) -> Vec<(String, u64)> {
    let mut made = Vec::new();
    for at in 0..count {
        made.push(user(backend, at % 3).await);
    }
    made
}

async fn start(backend: &Backend, consumer: &ReadModelConsumer) -> Uuid {
    let id = Uuid::now_v7();
    let name = consumer::Consume::name(&consumer.consume).to_owned();
    let said = ask(backend, id, "StartRebuild", json!({ "consumer": name })).await;
    assert_eq!(hear(consumer, &[said]).await, [""; 0]);
    id
}

async fn change(backend: &Backend, consumer: &ReadModelConsumer, id: Uuid, status: &str) {
    let said = ask(backend, id, "ChangeRebuild", json!({ "status": status })).await;
    hear_all(consumer, &[said]).await;
}

async fn cancel(backend: &Backend, consumer: &ReadModelConsumer, id: Uuid) {
    let said = ask(backend, id, "CancelRebuild", json!({})).await;
    hear_all(consumer, &[said]).await;
}

async fn is_built(consumer: &ReadModelConsumer) -> bool {
    progress(&consumer.table).await.expect("readable").is_built
}

/// Asserts that two generations hold the same: documents, rows and counters.
async fn assert_same(backend: &Backend, consumer: &ReadModelConsumer, one: u32, other: u32) {
    let keys = |number| keys(backend, number);
    assert_eq!(keys(one).await, keys(other).await);
    let of = |number| Generation {
        number,
        shards: AT_ONCE.shards,
    };
    let first = Generation::default();
    let of = |number| if number == 0 { first } else { of(number) };
    let counters = async |number| {
        let documents = consumer.table.documents(of(number));
        documents.counters(" ", "~").await.expect("readable")
    };
    assert_eq!(counters(one).await, counters(other).await);
}

/// The ids and versions of the documents of a generation.
async fn keys(backend: &Backend, number: u32) -> BTreeSet<(String, String)> {
    let prefix = match number {
        0 => "document#".to_owned(),
        number => format!("g{number}/document#"),
    };
    let found = backend.client.scan().table_name(backend.table("users"));
    let items = found.send().await.expect("read").items.unwrap_or_default();
    let documents = items.into_iter().filter_map(|item| {
        let id = item["pk"].as_s().ok()?.strip_prefix(&prefix)?.to_owned();
        Some((id, item["document"].as_s().ok()?.clone()))
    });
    documents.collect()
}

/// How many items there are whose partition begins so.
async fn items(backend: &Backend, prefix: &str) -> usize {
    let found = backend.client.scan().table_name(backend.table("users"));
    let items = found.send().await.expect("read").items.unwrap_or_default();
    let begins = |item: &&std::collections::HashMap<String, AttributeValue>| {
        item["pk"].as_s().is_ok_and(|key| key.starts_with(prefix))
    };
    items.iter().filter(begins).count()
}

async fn a_rebuild_is_built_switched_to_and_back_and_all_generations_are_fed(backend: &Backend) {
    let users = users(backend, 12).await;
    let consumer = consumer(backend, "users");
    hear_all(&consumer, &[tick()]).await;
    let id = start(backend, &consumer).await;
    assert_eq!(numbers(&consumer).await, (0, Some(1), None, 0));
    assert!(!is_built(&consumer).await);
    hear_all(&consumer, &[]).await;
    assert!(is_built(&consumer).await);
    assert_same(backend, &consumer, 0, 1).await;
    assert_eq!(
        numbers(&consumer).await,
        (0, Some(1), None, 0),
        "nobody asked for more"
    );
    change(backend, &consumer, id, "switched").await;
    assert_eq!(numbers(&consumer).await, (1, None, Some(0), 0));
    assert_eq!(generations(&consumer).await.live.shards, AT_ONCE.shards);
    let (stream, version) = &users[0];
    rename(backend, stream, "Mei").await;
    publish(backend, stream).await;
    hear_all(&consumer, &[announced(stream, version + 1)]).await;
    assert_same(backend, &consumer, 0, 1).await;
    change(backend, &consumer, id, "switched-back").await;
    assert_eq!(numbers(&consumer).await, (0, None, Some(1), 0));
    change(backend, &consumer, id, "switched").await;
    assert_eq!(numbers(&consumer).await, (1, None, Some(0), 0));
}

async fn what_is_let_go_is_deleted_and_nothing_else(backend: &Backend) {
    users(backend, 12).await;
    let mut consumer = consumer(backend, "users");
    hear_all(&consumer, &[tick()]).await;
    let id = start(backend, &consumer).await;
    hear_all(&consumer, &[]).await;
    change(backend, &consumer, id, "switched").await;
    let (old, new) = (items(backend, "").await, items(backend, "g1/").await);
    assert!(new > 12 && old > new);
    cancel(backend, &consumer, id).await;
    assert_eq!(numbers(&consumer).await, (1, None, None, 1));
    consumer.settings = Settings {
        tick: Duration::ZERO,
        ..AT_ONCE
    };
    hear_all(&consumer, &[tick()]).await;
    assert_eq!(numbers(&consumer).await, (1, None, None, 0));
    assert_eq!(items(backend, "g1/").await, new);
    // What says which generations there are, and since when there is the table.
    assert_eq!(items(backend, "").await, new + 2);
}

async fn a_rebuild_that_is_cancelled_while_it_is_built_leaves_nothing(backend: &Backend) {
    users(backend, 12).await;
    let mut consumer = consumer(backend, "users");
    hear_all(&consumer, &[tick()]).await;
    consumer.settings = Settings {
        page: 1,
        slice: Duration::ZERO,
        ..AT_ONCE
    };
    let before = items(backend, "").await;
    let id = start(backend, &consumer).await;
    let slice = consumer.queue.next().expect("a walk");
    assert_eq!(hear(&consumer, &[slice]).await, [""; 0]);
    assert!(items(backend, "g1/").await > 0 && !is_built(&consumer).await);
    cancel(backend, &consumer, id).await;
    assert!(consumer.queue.is_empty(), "the walks have ended");
    hear_all(&consumer, &[tick()]).await;
    assert_eq!(numbers(&consumer).await, (0, None, None, 0));
    assert_eq!(items(backend, "g1/").await, 0);
    // The item of the generations, which was not there, and a checkpoint or two.
    assert!(items(backend, "").await > before);
}

async fn a_switch_that_is_asked_for_early_is_done_once_all_is_there(backend: &Backend) {
    users(backend, 6).await;
    let consumer = consumer(backend, "users");
    hear_all(&consumer, &[tick()]).await;
    let id = start(backend, &consumer).await;
    let walks: Vec<_> = std::iter::from_fn(|| consumer.queue.next()).collect();
    change(backend, &consumer, id, "switched").await;
    assert_eq!(
        numbers(&consumer).await,
        (0, Some(1), None, 0),
        "nothing is built"
    );
    // No tick is needed.
    hear_all(&consumer, &walks).await;
    assert_eq!(numbers(&consumer).await, (1, None, Some(0), 0));
    assert_same(backend, &consumer, 0, 1).await;
}

async fn a_walk_that_ends_before_everybody_knows_of_a_rebuild_is_put_off(backend: &Backend) {
    users(backend, 6).await;
    let mut consumer = consumer(backend, "users");
    hear_all(&consumer, &[tick()]).await;
    consumer.settings.batch = Duration::from_secs(600);
    start(backend, &consumer).await;
    assert_eq!(consumer.queue.delays(), [Duration::ZERO; 2]);
    let walks: Vec<_> = std::iter::from_fn(|| consumer.queue.next()).collect();
    assert_eq!(hear(&consumer, &walks).await, [""; 0]);
    assert!(!is_built(&consumer).await);
    let delays = consumer.queue.delays();
    assert_eq!(delays.len(), 2);
    let then = Duration::from_secs(300)..Duration::from_secs(602);
    assert!(
        delays.iter().all(|delay| then.contains(delay)),
        "{delays:?}"
    );
}

async fn a_second_rebuild_waits_for_the_first(backend: &Backend) {
    users(backend, 6).await;
    let consumer = consumer(backend, "users");
    let one = start(backend, &consumer).await;
    let other = start(backend, &consumer).await;
    hear_all(&consumer, &[]).await;
    assert_eq!(
        generations(&consumer).await.waiting,
        [format!("ops-{other}")]
    );
    change(backend, &consumer, one, "switched").await;
    assert_eq!(numbers(&consumer).await, (1, Some(2), Some(0), 0));
    change(backend, &consumer, other, "switched").await;
    assert_eq!(numbers(&consumer).await, (2, None, Some(1), 1));
    // A late message of the first.
    hear_all(&consumer, &[announced(&format!("ops-{one}"), 2), tick()]).await;
    assert_eq!(numbers(&consumer).await, (2, None, Some(1), 0));
    assert_same(backend, &consumer, 1, 2).await;
}

async fn counters_are_the_same_after_a_rebuild(backend: &Backend) {
    users(backend, 9).await;
    let consumer = consumer(backend, "statistics");
    hear_all(&consumer, &[tick()]).await;
    start(backend, &consumer).await;
    hear_all(&consumer, &[]).await;
    // All of it once more: nothing counts twice.
    start(backend, &consumer).await;
    hear_all(&consumer, &[tick()]).await;
    let counters = consumer
        .table
        .documents(Generation::default())
        .counters(" ", "~")
        .await;
    assert!(!counters.expect("readable").is_empty());
    assert_same(backend, &consumer, 0, 1).await;
}

async fn a_rebuild_that_is_killed_at_any_moment_comes_to_the_same(backend: &Backend) {
    users(backend, 10).await;
    let mut consumer = consumer(backend, "users");
    hear_all(&consumer, &[tick()]).await;
    consumer.settings = Settings {
        page: 1,
        stalled: Duration::ZERO,
        ..AT_ONCE
    };
    let id = Uuid::now_v7();
    let started = ask(backend, id, "StartRebuild", json!({ "consumer": "users" })).await;
    // Whatever is done dies after so many milliseconds, and what it told itself is lost.
    for life in 1..15 {
        for said in [started.clone(), tick()] {
            let _ = tokio::time::timeout(Duration::from_millis(life * 3), hear(&consumer, &[said]))
                .await;
            while consumer.queue.next().is_some() {}
        }
    }
    let switched = ask(
        backend,
        id,
        "ChangeRebuild",
        json!({ "status": "switched" }),
    )
    .await;
    for life in 1..8 {
        let _ = tokio::time::timeout(
            Duration::from_millis(life * 3),
            hear(&consumer, std::slice::from_ref(&switched)),
        )
        .await;
    }
    hear_all(&consumer, &[tick(), started]).await;
    hear_all(&consumer, &[tick()]).await;
    assert_eq!(numbers(&consumer).await, (1, None, Some(0), 0));
    assert_same(backend, &consumer, 0, 1).await;
}
