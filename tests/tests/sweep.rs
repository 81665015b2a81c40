//! The sweep on the real store: what the stream of the events table did not carry is published all the same, and once.

use aws_sdk_dynamodb::types::AttributeValue;
use edge::Announcement;
use event_store::{Heads, SEEN_SHARDS, Seen, SeenStreams, Segment};
use publish::{Bus, Entry, Sweeper, Swept, tick};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};
use tests::backend::Backend;
use tests::consumers::{announced, applied, consumer, hear_all, rename, user};
use tests::on_each_backend;

on_each_backend! {
    what_was_never_published_is_published_once
    what_the_stream_may_still_carry_is_left_to_it
    what_the_bus_refuses_is_found_the_next_time
    heads_that_no_walk_finds_are_put_where_it_does
    a_run_that_has_no_time_says_so
    all_segments_together_miss_nothing
    a_tick_is_one_announcement_that_names_no_stream_of_events
}

/// Takes announcements, or refuses them all.
#[derive(Default)]
struct Fake {
    refuses: bool,
    taken: Mutex<Vec<Announcement>>,
}

impl Bus for &Fake {
    async fn put(&self, entries: &[Entry]) -> BTreeSet<usize> {
        if self.refuses {
            return (0..entries.len()).collect();
        }
        let said = entries
            .iter()
            .map(|entry| serde_json::from_str(&entry.detail));
        let said = said.map(|said| said.expect("an announcement"));
        self.taken.lock().expect("no panic").extend(said);
        BTreeSet::new()
    }
}

impl Fake {
    /// The versions of each stream that were announced, in order, since this was asked last.
    fn take(&self) -> BTreeMap<String, Vec<u64>> {
        let mut announced = BTreeMap::<_, Vec<_>>::new();
        for said in std::mem::take(&mut *self.taken.lock().expect("no panic")) {
            announced.entry(said.stream).or_default().push(said.version);
        }
        announced
    }
}

const ALL: Segment = Segment { index: 0, of: 1 };

fn sweeper<'a>(backend: &Backend, bus: &'a Fake) -> Sweeper<&'a Fake> {
    Sweeper {
        bus,
        heads: backend.heads(),
        log: backend.log(),
        grace: Duration::ZERO,
    }
}

async fn sweep(sweeper: &Sweeper<&Fake>) -> Swept {
    let later = SystemTime::now() + Duration::from_secs(60);
    sweeper.sweep(ALL, later).await.expect("swept")
}

async fn version(backend: &Backend, stream: &str) -> u64 {
    let head = backend.heads().head(stream).await.expect("readable");
    head.map_or(0, |head| head.version)
}

/// The head of a stream as if nothing of it had been seen.
async fn forget(backend: &Backend, stream: &str) {
    let delete = backend
        .client
        .delete_item()
        .table_name(backend.table("heads"));
    let delete = delete.key("stream", AttributeValue::S(stream.to_owned()));
    delete.send().await.expect("deleted");
}

async fn what_was_never_published_is_published_once(backend: &Backend) {
    let bus = Fake::default();
    let (seen, _) = user(backend, 1).await;
    let (behind, _) = user(backend, 1).await;
    rename(backend, &behind, "Mei").await;
    rename(backend, &behind, "Maya").await;
    let (unseen, _) = user(backend, 2).await;
    forget(backend, &unseen).await;
    let sweeper = sweeper(backend, &bus);
    let swept = sweep(&sweeper).await;
    assert_eq!((swept.streams, swept.published), (3, 5));
    let announced_versions = BTreeMap::from([
        (behind.clone(), vec![3, 4]),
        (unseen.clone(), vec![1, 2, 3]),
    ]);
    assert_eq!(bus.take(), announced_versions, "not {seen}");
    assert_eq!(
        (
            version(backend, &behind).await,
            version(backend, &unseen).await
        ),
        (4, 3)
    );
    assert_eq!(sweep(&sweeper).await.published, 0);
    assert_eq!(bus.take(), BTreeMap::new());
    // A consumer hears of it as of any other.
    let consumer = consumer(backend, "users");
    hear_all(&consumer, &[announced(&behind, 4)]).await;
    assert_eq!(applied(&consumer, &behind).await, Some(4));
}

async fn what_the_stream_may_still_carry_is_left_to_it(backend: &Backend) {
    let bus = Fake::default();
    let (stream, _) = user(backend, 0).await;
    rename(backend, &stream, "Mei").await;
    let mut sweeper = sweeper(backend, &bus);
    sweeper.grace = Duration::from_secs(600);
    assert_eq!(sweep(&sweeper).await.published, 0);
    assert_eq!(version(backend, &stream).await, 1);
    sweeper.grace = Duration::ZERO;
    assert_eq!(sweep(&sweeper).await.published, 1);
}

async fn what_the_bus_refuses_is_found_the_next_time(backend: &Backend) {
    let (stream, _) = user(backend, 0).await;
    rename(backend, &stream, "Mei").await;
    let refusing = Fake {
        refuses: true,
        ..Fake::default()
    };
    assert_eq!(sweep(&sweeper(backend, &refusing)).await.published, 0);
    assert_eq!(version(backend, &stream).await, 1);
    assert!(!tick(&&refusing).await);
    let bus = Fake::default();
    assert_eq!(sweep(&sweeper(backend, &bus)).await.published, 1);
}

async fn heads_that_no_walk_finds_are_put_where_it_does(backend: &Backend) {
    let (stream, _) = user(backend, 0).await;
    let (other, _) = user(backend, 0).await;
    let update = backend
        .client
        .update_item()
        .table_name(backend.table("heads"));
    update
        .key("stream", AttributeValue::S(stream.clone()))
        .update_expression("REMOVE #seen, #shard")
        .expression_attribute_names("#seen", "seen")
        .expression_attribute_names("#shard", "shard")
        .send()
        .await
        .expect("as it was");
    // One that somebody spoilt holds up no other.
    let spoilt = backend.client.put_item().table_name(backend.table("heads"));
    let spoilt = spoilt.item("stream", AttributeValue::S("user-spoilt".to_owned()));
    spoilt.send().await.expect("spoilt");
    let bus = Fake::default();
    assert_eq!(found(backend).await, std::slice::from_ref(&other));
    let swept = sweep(&sweeper(backend, &bus)).await;
    assert_eq!((swept.placed, swept.published), (1, 0));
    let mut both = vec![stream, other];
    both.sort();
    assert_eq!(found(backend).await, both);
    assert_eq!(sweep(&sweeper(backend, &bus)).await.placed, 0);
}

/// The streams that a walk finds.
async fn found(backend: &Backend) -> Vec<String> {
    let mut found = Vec::new();
    for shard in 0..SEEN_SHARDS {
        let seen = backend
            .heads()
            .seen(shard, "", "9", 100)
            .await
            .expect("readable");
        found.extend(seen.into_iter().map(|Seen { stream, .. }| stream));
    }
    found.sort();
    found
}

async fn a_run_that_has_no_time_says_so(backend: &Backend) {
    let bus = Fake::default();
    // More than a page of 1 MB.
    let (stream, _) = user(backend, 0).await;
    for version in 2..6 {
        let put = backend
            .client
            .put_item()
            .table_name(backend.table("events"));
        put.item("stream", AttributeValue::S(format!("zzz-{version}")))
            .item("version", AttributeValue::N("1".to_owned()))
            .item("events", AttributeValue::S("x".repeat(390 * 1024)))
            .send()
            .await
            .expect("put");
    }
    let swept = sweeper(backend, &bus)
        .sweep(ALL, SystemTime::now())
        .await
        .expect("swept");
    assert!(swept.unfinished);
    // What cannot be read holds up nothing else.
    rename(backend, &stream, "Mei").await;
    let swept = sweep(&sweeper(backend, &bus)).await;
    assert_eq!(
        (swept.streams, swept.published, swept.unfinished),
        (5, 1, false)
    );
}

async fn all_segments_together_miss_nothing(backend: &Backend) {
    let bus = Fake::default();
    let mut streams = BTreeSet::new();
    for _ in 0..9 {
        let (stream, _) = user(backend, 0).await;
        forget(backend, &stream).await;
        streams.insert(stream);
    }
    let sweeper = sweeper(backend, &bus);
    let later = SystemTime::now() + Duration::from_secs(60);
    for index in 0..4 {
        sweeper
            .sweep(Segment { index, of: 4 }, later)
            .await
            .expect("swept");
    }
    assert_eq!(bus.take().into_keys().collect::<BTreeSet<_>>(), streams);
}

async fn a_tick_is_one_announcement_that_names_no_stream_of_events(_: &Backend) {
    let bus = Fake::default();
    assert!(tick(&&bus).await);
    let said = bus.taken.lock().expect("no panic").remove(0);
    assert!(said.is_tick());
    assert_eq!(
        (said.stream.as_str(), said.kind.as_str(), said.version),
        ("ops-tick", "Tick", 0)
    );
}
