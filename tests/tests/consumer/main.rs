//! A consumer on the real store: whatever it does not hear of, it finds by walking.

mod walks;

use consumer::{Consume, Left, Own, Ring, Settings, progress};
use domain::Users;
use event_store::{Cache, DynamoDbEventLog, EventLog};
use read_model::{AtLeast, Documents, DynamoDbDocuments, Generation, listed, project, show};
use std::error::Error;
use std::time::{Duration, Instant};
use tests::account::{Command, run, unkeyed};
use tests::backend::Backend;
use tests::consumers::{
    AT_ONCE, ReadModelConsumer, announced, applied, consumer, consumer_that, hear, hear_all,
    publish, rename, set_head, tick, user,
};
use tests::fussy::{Fussy, PANICS, PANICS_LATER};
use tests::on_each_backend;

on_each_backend! {
    a_new_consumer_has_all_of_history_after_a_tick
    what_no_message_told_is_found_by_a_tick
    a_tick_without_news_reads_little_and_writes_nothing
    what_a_tick_has_no_time_for_is_done_by_the_pool
    a_stream_that_fails_is_owed_and_holds_up_no_other
    what_is_nearer_than_the_grace_is_left_to_its_message
    of_two_walks_at_one_place_one_goes_on
    a_message_that_cannot_be_read_fails_alone
    a_panic_ends_no_other_message_of_its_batch
    what_the_consumer_does_not_read_fails
}

/// Creates users, each with a commit more than the one before, and publishes them.
async fn users(backend: &Backend, count: usize) -> Vec<(String, u64)> {
    let mut made = Vec::new();
    for at in 0..count {
        made.push(user(backend, at % 3).await);
    }
    made
}

async fn assert_all_there(consumer: &ReadModelConsumer, users: &[(String, u64)]) {
    for (stream, version) in users {
        assert_eq!(applied(consumer, stream).await, Some(*version), "{stream}");
    }
}

async fn a_new_consumer_has_all_of_history_after_a_tick(backend: &Backend) {
    let users = users(backend, 25).await;
    let consumer = consumer(backend, "users");
    hear_all(&consumer, &[tick()]).await;
    assert_all_there(&consumer, &users).await;
    let documents = consumer.table.live().await.expect("readable");
    let page = listed::<Users>(&consumer.log, &documents, "all", None, 100).await;
    assert_eq!(page.expect("listed").documents.len(), 25);
    let walked = progress(&consumer.table).await.expect("readable").live;
    assert_eq!((walked.streams, walked.owed.len()), (25, 0));
}

async fn what_no_message_told_is_found_by_a_tick(backend: &Backend) {
    let (one, _) = user(backend, 0).await;
    let consumer = consumer(backend, "users");
    hear_all(&consumer, &[tick()]).await;
    rename(backend, &one, "Mei").await;
    publish(backend, &one).await;
    assert_eq!(applied(&consumer, &one).await, Some(1), "nobody told");
    hear_all(&consumer, &[tick()]).await;
    assert_eq!(applied(&consumer, &one).await, Some(2));
}

async fn a_tick_without_news_reads_little_and_writes_nothing(backend: &Backend) {
    users(backend, 5).await;
    let consumer = consumer(backend, "users");
    hear_all(&consumer, &[tick()]).await;
    backend.requests.clear();
    hear_all(&consumer, &[tick()]).await;
    let mut sent = backend.requests.clear();
    sent.sort();
    // The generations twice, the checkpoints twice, and each shard of the index.
    let expected = [vec!["GetItem"; 2], vec!["Query"; 10]].concat();
    assert_eq!(sent, expected);
}

async fn what_a_tick_has_no_time_for_is_done_by_the_pool(backend: &Backend) {
    let users = users(backend, 12).await;
    let mut consumer = consumer(backend, "users");
    // A page is looked at whatever the time, so that there is always some progress.
    consumer.settings = Settings {
        page: 1,
        tick: Duration::ZERO,
        slice: Duration::ZERO,
        ..AT_ONCE
    };
    assert_eq!(hear(&consumer, &[tick()]).await, [""; 0]);
    assert_eq!(consumer.queue.len(), 2, "a chain for each worker");
    // While they are at work, a tick sends no more of them.
    assert_eq!(hear(&consumer, &[tick()]).await, [""; 0]);
    assert_eq!(consumer.queue.len(), 2);
    hear_all(&consumer, &[]).await;
    assert_all_there(&consumer, &users).await;
}

async fn a_stream_that_fails_is_owed_and_holds_up_no_other(backend: &Backend) {
    let users = users(backend, 10).await;
    // A head beyond its stream: the walk cannot get there.
    let (ahead, version) = &users[3];
    set_head(backend, ahead, version + 1).await;
    let consumer = consumer(backend, "users");
    hear_all(&consumer, &[tick()]).await;
    let others: Vec<_> = users
        .iter()
        .filter(|(stream, _)| stream != ahead)
        .cloned()
        .collect();
    assert_all_there(&consumer, &others).await;
    hear_all(&consumer, &[tick()]).await;
    let owed = progress(&consumer.table).await.expect("readable").live.owed;
    assert_eq!(
        (owed.len(), &owed[0].stream, owed[0].attempts),
        (1, ahead, 2)
    );
    assert!(owed[0].why.contains("has no version"), "{}", owed[0].why);
    // What was missing comes.
    rename(backend, ahead, "Mei").await;
    hear_all(&consumer, &[tick()]).await;
    assert_eq!(applied(&consumer, ahead).await, Some(version + 1));
    assert_eq!(
        progress(&consumer.table).await.expect("readable").live.owed,
        []
    );
}

async fn what_is_nearer_than_the_grace_is_left_to_its_message(backend: &Backend) {
    let users = users(backend, 3).await;
    let mut consumer = consumer(backend, "users");
    consumer.settings.grace = Duration::from_secs(600);
    hear_all(&consumer, &[tick()]).await;
    assert_eq!(applied(&consumer, &users[0].0).await, None);
    let (stream, version) = &users[0];
    hear_all(&consumer, &[announced(stream, *version)]).await;
    assert_eq!(applied(&consumer, stream).await, Some(*version));
    // A clock that went back finds its checkpoint ahead.
    consumer.settings.grace = Duration::ZERO;
    hear_all(&consumer, &[tick()]).await;
    consumer.settings.grace = Duration::from_secs(600);
    hear_all(&consumer, &[tick()]).await;
}

async fn of_two_walks_at_one_place_one_goes_on(backend: &Backend) {
    let users = users(backend, 8).await;
    let consumer = consumer(backend, "users");
    both_walk(&consumer).await;
    assert_all_there(&consumer, &users).await;
    // There are checkpoints by now.
    for (stream, _) in &users {
        rename(backend, stream, "Maya").await;
        publish(backend, stream).await;
    }
    both_walk(&consumer).await;
}

async fn both_walk(consumer: &ReadModelConsumer) {
    let live = Generation::default();
    let until = Instant::now() + Duration::from_secs(30);
    let (one, other) = tokio::join!(
        consumer.walk(live, 0, 1, until),
        consumer.walk(live, 0, 1, until)
    );
    let ends = [one.expect("walked"), other.expect("walked")];
    assert!(ends.contains(&Left::Overtaken), "{ends:?}");
    hear_all(consumer, &[tick()]).await;
}

async fn a_message_that_cannot_be_read_fails_alone(backend: &Backend) {
    let (stream, version) = user(backend, 0).await;
    let consumer = consumer(backend, "users");
    let bodies = [
        "no json".to_owned(),
        announced(&stream, version),
        announced(&stream, 9),
    ];
    // The third rings for the second, too: they are of one stream.
    assert_eq!(hear(&consumer, &bodies).await, ["0", "1", "2"]);
    assert_eq!(hear(&consumer, &bodies[..2]).await, ["0"]);
    assert_eq!(applied(&consumer, &stream).await, Some(version));
    let documents = consumer.table.live().await.expect("readable");
    let shown = show::<Users>(&consumer.log, &documents, &stream, AtLeast::Any).await;
    assert!(shown.expect("shown").is_some());
}

/// Keeps what panics at some events of accounts.
struct Panicky(DynamoDbEventLog);

impl Consume for Panicky {
    fn name(&self) -> &str {
        "users"
    }

    fn reads(&self, category: &str) -> bool {
        category == "account"
    }

    fn is_pure(&self) -> bool {
        true
    }

    async fn consume(
        &self,
        documents: &DynamoDbDocuments,
        stream: &str,
        version: u64,
        _: Ring,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        project::<Fussy<false>>(&self.0, documents, stream, version).await?;
        Ok(())
    }
}

async fn a_panic_ends_no_other_message_of_its_batch(backend: &Backend) {
    let (log, clock, cache) = (backend.log(), &backend.clock, Cache::none());
    for (stream, last) in [
        ("account-a", Command::Deposit(1, PANICS_LATER)),
        ("account-b", Command::Withdraw(PANICS)),
        ("account-c", Command::Withdraw(1)),
    ] {
        for command in [Command::Open(stream), Command::Deposit(1, 500), last] {
            let done = run(&cache, &log, clock, &unkeyed(), stream, &command).await;
            done.expect("executed");
        }
    }
    let consumer = consumer_that(backend, Panicky(backend.log()));
    let bodies = ["account-a", "account-b", "account-c"].map(|stream| announced(stream, 3));
    assert_eq!(hear(&consumer, &bodies).await, [""; 0]);
    for (id, expected) in [("a", (2, true)), ("b", (2, true)), ("c", (3, false))] {
        let stored = backend.documents().get(id, true).await.expect("readable");
        let stored = stored.expect("there");
        assert_eq!(
            (stored.applied, stored.parked().is_some()),
            expected,
            "{id}"
        );
    }
}

async fn what_the_consumer_does_not_read_fails(backend: &Backend) {
    let consumer = consumer(backend, "users");
    let bodies = [
        announced("account-1", 1),
        r#"{"own":"walk","generation":9,"chain":0,"of":1}"#.to_owned(),
    ];
    assert_eq!(
        hear(&consumer, &bodies).await,
        ["0"],
        "there is no generation 9 any more"
    );
    let clear = Own::Clear { generation: 3 };
    let body = serde_json::to_string(&clear).expect("JSON");
    assert_eq!(hear(&consumer, &[body]).await, [""; 0]);
    assert_eq!(
        consumer
            .log
            .read("account-1", 1..=9, 9)
            .await
            .expect("readable"),
        []
    );
}
