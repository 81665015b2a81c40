//! Deliveries on the real store: each of them is listed once, page by page, with what keeps it.

use deliveries::{Consumers, Deliveries, Delivery, Lag, Place, Status};
use event_store::{DynamoDbEventLog, DynamoDbHeads};
use read_model::{Counts, Documents, ReadModelTable, RowChange, StoredDocument};
use std::collections::BTreeSet;
use tests::backend::Backend;
use tests::consumers::{
    ReadModelConsumer, announced, consumer, hear, hear_all, publish, rename, set_head, spoil, tick,
    user,
};
use tests::on_each_backend;

on_each_backend! {
    what_the_publisher_has_not_seen_nobody_has_processed
    a_consumer_that_is_not_deployed_is_in_no_list
    pages_hold_each_delivery_once_over_consumers_and_shards
    what_is_owed_is_listed_once_and_page_by_page
    what_is_parked_has_failed_until_it_is_redriven
    rows_that_are_not_written_are_being_processed
    what_was_seen_before_a_mailing_began_asks_for_none
    a_place_belongs_to_its_list
    idle_consumers_share_what_is_read_of_the_streams
    a_page_opens_no_consumer_whose_turn_is_over
}

type All = Deliveries<DynamoDbEventLog, DynamoDbHeads>;

fn all(backend: &Backend) -> All {
    Deliveries {
        log: backend.log(),
        heads: backend.heads(),
        consumers: Consumers::new(backend.client.clone(), backend.table("")),
    }
}

/// A consumer in a table of its own.
async fn deployed(backend: &Backend, name: &str) -> ReadModelConsumer {
    let mut consumer = consumer(backend, name);
    if name != "users" {
        backend.create_consumer(name).await;
        consumer.table = ReadModelTable::new(backend.client.clone(), backend.table(name));
    }
    consumer
}

/// What is not completed, from all pages of so many.
async fn paged(
    all: &All,
    consumer: Option<&str>,
    status: Option<Status>,
    limit: usize,
) -> Vec<Delivery> {
    let (mut found, mut from) = (Vec::new(), None);
    loop {
        let look = all.look(consumer, from).await.expect("readable");
        let page = look.behind(status, limit).await;
        let (page, next) = page.expect("readable");
        assert!(page.len() <= limit, "{} on a page of {limit}", page.len());
        found.extend(page);
        let Some(next) = next else {
            return found;
        };
        let read = Place::parse(&next.to_text());
        assert_eq!(read.as_ref(), Some(&next), "callers can go on from there");
        from = read;
    }
}

fn names(found: &[Delivery]) -> BTreeSet<(&str, &str)> {
    let names: BTreeSet<_> = found
        .iter()
        .map(|delivery| (delivery.consumer.as_str(), delivery.stream.as_str()))
        .collect();
    assert_eq!(names.len(), found.len(), "each is listed once: {found:?}");
    names
}

async fn lags(all: &All, consumer: Option<&str>) -> Vec<Lag> {
    let look = all.look(consumer, None).await.expect("readable");
    look.lags().await.expect("readable")
}

async fn lag(all: &All, consumer: &str) -> Lag {
    let mut lags = lags(all, Some(consumer)).await;
    assert_eq!(lags.len(), 1);
    lags.remove(0)
}

/// The status, and what was applied.
async fn of_stream(all: &All, stream: &str) -> (Vec<(String, Status, u64)>, Option<(u64, u64)>) {
    let found = all
        .of_stream(stream)
        .await
        .expect("readable")
        .expect("it has events");
    let data = found.data.into_iter();
    let data = data.map(|delivery| (delivery.consumer, delivery.status, delivery.applied));
    (data.collect(), found.processed_by_nobody)
}

async fn what_the_publisher_has_not_seen_nobody_has_processed(backend: &Backend) {
    let (all, users) = (all(backend), deployed(backend, "users").await);
    let (stream, _) = user(backend, 0).await;
    rename(backend, &stream, "Mei").await;
    let found = all
        .of_stream(&stream)
        .await
        .expect("readable")
        .expect("it has events");
    assert_eq!((found.version, found.published), (2, 1));
    assert_eq!(found.processed_by_nobody, Some((1, 2)));
    assert!(found.data[0].since.is_some());
    hear_all(&users, &[announced(&stream, 1)]).await;
    let is = |status, applied| vec![("users".to_owned(), status, applied)];
    assert_eq!(
        of_stream(&all, &stream).await,
        (is(Status::Pending, 1), Some((2, 2)))
    );
    publish(backend, &stream).await;
    assert_eq!(
        of_stream(&all, &stream).await,
        (is(Status::Pending, 1), Some((2, 2)))
    );
    hear_all(&users, &[announced(&stream, 2)]).await;
    assert_eq!(
        of_stream(&all, &stream).await,
        (is(Status::Completed, 2), None)
    );
    let unknown = all
        .of_stream("user-00000000-0000-7000-8000-000000000000")
        .await;
    assert_eq!(unknown.expect("readable"), None);
}

async fn a_consumer_that_is_not_deployed_is_in_no_list(backend: &Backend) {
    let (stream, _) = user(backend, 0).await;
    let count = async |all: &All| {
        let of_stream = of_stream(all, &stream).await.0.len();
        let lags = lags(all, None).await.len();
        (of_stream, paged(all, None, None, 10).await.len(), lags)
    };
    assert_eq!(count(&all(backend)).await, (1, 1, 1));
    deployed(backend, "search").await;
    assert_eq!(count(&all(backend)).await, (2, 2, 2));
    let mut without = all(backend);
    without.consumers = without.consumers.without("search");
    assert_eq!(count(&without).await, (1, 1, 1));
    for name in ["search", "accounts", "nobody"] {
        assert_eq!(paged(&without, Some(name), None, 10).await, []);
        assert_eq!(lags(&without, Some(name)).await, []);
    }
}

async fn pages_hold_each_delivery_once_over_consumers_and_shards(backend: &Backend) {
    let all = all(backend);
    let (users, search) = (
        deployed(backend, "users").await,
        deployed(backend, "search").await,
    );
    let mut streams = BTreeSet::new();
    for at in 0..24 {
        streams.insert(user(backend, at % 2).await.0);
    }
    let both = ["search", "users"];
    let expected: BTreeSet<_> = both
        .iter()
        .flat_map(|consumer| streams.iter().map(|stream| (*consumer, stream.as_str())))
        .collect();
    for limit in [1, 2, 5, 24, 48, 100] {
        let found = paged(&all, None, None, limit).await;
        assert_eq!(names(&found), expected, "{limit} a page");
        let pending =
            |delivery: &Delivery| delivery.status == Status::Pending && delivery.since.is_some();
        assert!(found.iter().all(pending));
    }
    assert_eq!(paged(&all, None, Some(Status::Failed), 5).await, []);
    let before = lag(&all, "users").await;
    assert_eq!((before.pending, before.failed, before.more), (24, 0, false));
    assert!(
        before.oldest.is_some() && before.walked_to.is_none(),
        "{before:?}"
    );
    hear_all(&users, &[tick()]).await;
    let of_search: BTreeSet<_> = expected
        .iter()
        .filter(|(name, _)| *name == "search")
        .copied()
        .collect();
    assert_eq!(names(&paged(&all, None, None, 3).await), of_search);
    assert_eq!(paged(&all, Some("users"), None, 3).await, []);
    let after = lag(&all, "users").await;
    assert_eq!((after.pending, after.oldest), (0, None));
    hear_all(&search, &[tick()]).await;
    assert_eq!(paged(&all, None, None, 3).await, []);
}

async fn what_is_owed_is_listed_once_and_page_by_page(backend: &Backend) {
    let (all, users) = (all(backend), deployed(backend, "users").await);
    let mut streams = Vec::new();
    for _ in 0..12 {
        let (stream, version) = user(backend, 0).await;
        // Beyond its last event, where no walk can get.
        set_head(backend, &stream, version + 1).await;
        streams.push(stream);
    }
    hear(&users, &[tick()]).await;
    let expected: BTreeSet<_> = streams
        .iter()
        .map(|stream| ("users", stream.as_str()))
        .collect();
    let assert_listed = async || {
        for limit in [1, 2, 5, 100] {
            let found = paged(&all, None, None, limit).await;
            assert_eq!(names(&found), expected, "{limit} a page");
            assert!(
                found
                    .iter()
                    .all(|delivery| delivery.status == Status::Failed),
                "{found:?}"
            );
        }
        let lag = lag(&all, "users").await;
        assert_eq!((lag.failed, lag.pending), (12, 0));
    };
    assert_listed().await;
    // What has moved since is not listed twice.
    set_head(backend, &streams[0], 1).await;
    rename(backend, &streams[0], "Mei").await;
    publish(backend, &streams[0]).await;
    assert_listed().await;
    hear_all(&users, &[announced(&streams[0], 2)]).await;
    assert_eq!(paged(&all, None, None, 5).await.len(), 11);
}

async fn what_is_parked_has_failed_until_it_is_redriven(backend: &Backend) {
    let (all, users) = (all(backend), deployed(backend, "users").await);
    let mut poisoned = BTreeSet::new();
    for _ in 0..5 {
        let (stream, _) = user(backend, 2).await;
        spoil(backend, &stream, 2).await;
        poisoned.insert(stream);
    }
    let (sound, _) = user(backend, 1).await;
    hear_all(&users, &[tick()]).await;
    let expected: BTreeSet<_> = poisoned
        .iter()
        .map(|stream| ("users", stream.as_str()))
        .collect();
    for limit in [1, 2, 5, 100] {
        for status in [None, Some(Status::Failed)] {
            let found = paged(&all, None, status, limit).await;
            assert_eq!(names(&found), expected, "{limit} a page");
            for delivery in found {
                assert_eq!((delivery.status, delivery.applied), (Status::Failed, 1));
                let failed = delivery.failed.expect("a reason");
                assert_eq!(
                    (failed.version, failed.parked, failed.attempts),
                    (2, true, 1)
                );
            }
        }
        assert_eq!(paged(&all, None, Some(Status::Pending), limit).await, []);
    }
    let lag = lag(&all, "users").await;
    assert_eq!((lag.failed, lag.pending), (5, 0));
    assert!(lag.oldest.is_some());
    let first = poisoned.first().expect("five");
    let (data, nobody) = of_stream(&all, first).await;
    assert_eq!(data, [("users".to_owned(), Status::Failed, 1)]);
    assert_eq!(nobody, Some((2, 3)));
    assert_eq!(of_stream(&all, &sound).await.1, None);
}

async fn rows_that_are_not_written_are_being_processed(backend: &Backend) {
    let (all, users) = (all(backend), deployed(backend, "users").await);
    let (stream, version) = user(backend, 0).await;
    hear_all(&users, &[announced(&stream, version)]).await;
    assert_eq!(paged(&all, None, None, 5).await, []);
    let documents = users.table.live().await.expect("readable");
    let id = stream.strip_prefix("user-").expect("a user");
    let done = documents
        .get(id, true)
        .await
        .expect("readable")
        .expect("there");
    let undone = StoredDocument {
        pending: RowChange::between(&[], &done.rows),
        ..done.clone()
    };
    let written = documents.put(&undone, Some(&done), &Counts::new()).await;
    written.expect("written");
    let found = paged(&all, None, Some(Status::Processing), 5).await;
    assert_eq!(names(&found), BTreeSet::from([("users", stream.as_str())]));
    hear_all(&users, &[tick()]).await;
    assert_eq!(paged(&all, None, None, 5).await, []);
}

async fn what_was_seen_before_a_mailing_began_asks_for_none(backend: &Backend) {
    let all = all(backend);
    backend.create_consumer("welcome").await;
    let table = ReadModelTable::new(backend.client.clone(), backend.table("welcome"));
    let (before, _) = user(backend, 0).await;
    let begun = event_store::rfc3339(chrono::Utc::now());
    table.start(&begun).await.expect("begun");
    assert_eq!(paged(&all, Some("welcome"), None, 5).await, []);
    let (after, _) = user(backend, 0).await;
    let found = paged(&all, Some("welcome"), None, 5).await;
    assert_eq!(names(&found), BTreeSet::from([("welcome", after.as_str())]));
    let status = async |stream| of_stream(&all, stream).await.0.pop().expect("welcome").1;
    assert_eq!(status(&before).await, Status::Completed);
    assert_eq!(status(&after).await, Status::Pending);
}

async fn a_place_belongs_to_its_list(backend: &Backend) {
    let all = all(backend);
    deployed(backend, "search").await;
    user(backend, 0).await;
    user(backend, 0).await;
    let look = all.look(Some("search"), None).await.expect("readable");
    let (page, next) = look.behind(None, 1).await.expect("readable");
    assert_eq!(page.len(), 1);
    let place = next.expect("another page");
    assert!(place.is_of(None) && place.is_of(Some("search")) && !place.is_of(Some("users")));
    for text in [
        "",
        "x",
        "e30",
        "eyJjb25zdW1lciI6Im5vYm9keSIsInNoYXJkIjpudWxsLCJhZnRlciI6IiJ9",
    ] {
        assert_eq!(Place::parse(text), None, "{text}");
    }
}

async fn idle_consumers_share_what_is_read_of_the_streams(backend: &Backend) {
    let all = all(backend);
    let count = async || {
        backend.requests.clear();
        let look = all.look(None, None).await.expect("readable");
        look.behind(None, 20).await.expect("readable");
        look.lags().await.expect("readable");
        let requests = backend.requests.clear();
        let of = |operation| requests.iter().filter(|sent| *sent == operation).count();
        let counts = (of("GetItem"), of("Query"));
        assert_eq!(requests.len(), counts.0 + counts.1, "{requests:?}");
        counts
    };
    // The shards of the streams with news are read once for all; of each consumer its checkpoints, and what it parked, in
    // four shards, for the page and for the lag. A mailing has the place where it began, too. What is deployed is asked of
    // each that there may be.
    let known = domain::registry::consumers().len();
    assert_eq!(count().await, (known + 1, 8 + 9));
    deployed(backend, "search").await;
    assert_eq!(count().await, (known + 2, 8 + 2 * 9));
    backend.create_consumer("welcome").await;
    assert_eq!(count().await, (known + 4, 8 + 3 * 9));
}

async fn a_page_opens_no_consumer_whose_turn_is_over(backend: &Backend) {
    let all = all(backend);
    deployed(backend, "search").await;
    user(backend, 0).await;
    user(backend, 0).await;
    let amid = async |consumer| {
        let look = all.look(Some(consumer), None).await.expect("readable");
        let (_, next) = look.behind(None, 1).await.expect("readable");
        next.expect("another page")
    };
    let places = [None, Some(amid("search").await), Some(amid("users").await)];
    let known = domain::registry::consumers().len();
    for (place, opened) in places.into_iter().zip([2, 2, 1]) {
        backend.requests.clear();
        let look = all.look(None, place.clone()).await.expect("readable");
        let requests = backend.requests.clear();
        let of = |operation| requests.iter().filter(|sent| *sent == operation).count();
        // What is deployed is asked of each that there may be.
        let counts = (of("GetItem"), of("Query"));
        assert_eq!(counts, (known + opened, opened), "{place:?}");
        let (page, _) = look.behind(None, 20).await.expect("readable");
        let left = if place.is_some() { 2 * opened - 1 } else { 4 };
        assert_eq!(page.len(), left, "{place:?}");
    }
}
