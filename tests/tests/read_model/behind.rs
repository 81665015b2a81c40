//! A read model over all streams says how many events it has yet to take in.

use tests::backend::Backend;
use tests::consumers::{
    ReadModelConsumer, announced, consumer, hear, hear_all, publish, rename, set_head, spoil, tick,
    user,
};
use tests::on_each_backend;

on_each_backend! {
    news_that_nobody_heard_of_count_until_a_walk
    what_is_parked_or_owed_counts_after_the_walk_has_passed_it
    what_is_owed_and_then_parked_counts_once
}

/// Of the streams of users.
async fn behind(backend: &Backend, consumer: &ReadModelConsumer) -> u64 {
    let live = consumer.table.live().await.expect("readable");
    let reads = |stream: &str| stream.starts_with("user-");
    let behind = consumer.table.behind(&live, &backend.heads(), reads).await;
    behind.expect("readable")
}

async fn news_that_nobody_heard_of_count_until_a_walk(backend: &Backend) {
    let timeline = consumer(backend, "timeline");
    assert_eq!(behind(backend, &timeline).await, 0);
    let (first, version) = user(backend, 2).await;
    user(backend, 0).await;
    assert_eq!(behind(backend, &timeline).await, 3 + 1);
    hear_all(&timeline, &[announced(&first, version)]).await;
    assert_eq!(behind(backend, &timeline).await, 1);
    hear_all(&timeline, &[tick()]).await;
    assert_eq!(behind(backend, &timeline).await, 0);
    rename(backend, &first, "Mei").await;
    assert_eq!(behind(backend, &timeline).await, 0, "it is not published");
    publish(backend, &first).await;
    assert_eq!(behind(backend, &timeline).await, 1);
    let (live, heads) = (timeline.table.live().await, backend.heads());
    let live = live.expect("readable");
    let others = timeline.table.behind(&live, &heads, |_| false);
    assert_eq!(others.await.expect("readable"), 0);
}

async fn what_is_parked_or_owed_counts_after_the_walk_has_passed_it(backend: &Backend) {
    let timeline = consumer(backend, "timeline");
    let (poisoned, _) = user(backend, 2).await;
    spoil(backend, &poisoned, 2).await;
    // It takes in nothing of what it cannot get to the end of.
    let (ahead, _) = user(backend, 0).await;
    set_head(backend, &ahead, 2).await;
    hear(&timeline, &[tick()]).await;
    assert_eq!(behind(backend, &timeline).await, 2 + 2);
    // The publisher could not read that far.
    set_head(backend, &poisoned, 1).await;
    assert_eq!(behind(backend, &timeline).await, 1 + 2);
}

async fn what_is_owed_and_then_parked_counts_once(backend: &Backend) {
    let timeline = consumer(backend, "timeline");
    let (stream, version) = user(backend, 2).await;
    set_head(backend, &stream, 5).await;
    hear(&timeline, &[tick()]).await;
    assert_eq!(behind(backend, &timeline).await, 5);
    spoil(backend, &stream, 2).await;
    hear_all(&timeline, &[announced(&stream, version)]).await;
    assert_eq!(behind(backend, &timeline).await, 5 - 1);
}
