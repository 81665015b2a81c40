//! Heads on the real store: never moved back, whatever is repeated, lost or raced.

use event_store::{
    Commit, DynamoDbHeads, EventLog, Hash, Head, Heads, SEEN_SHARDS, SeenStreams, Segment, advance,
};
use tests::backend::Backend;
use tests::on_each_backend;
use tests::users::{create, rename, run, stream};
use uuid::Uuid;

on_each_backend! {
    a_head_is_put_only_in_place_of_the_one_that_was_read
    a_head_follows_its_stream_and_what_is_missing_is_read
    a_lost_reply_is_no_failure
    all_heads_are_found_by_segments
    all_items_of_a_stream_come_in_order_and_in_one_segment
    streams_are_seen_in_the_order_of_their_news
    heads_are_found_by_name
    heads_that_a_batch_left_out_are_asked_for_again
}

fn head(stream: &str, version: u64) -> Head {
    let byte = u8::try_from(version).expect("small");
    Head {
        stream: stream.into(),
        version,
        hash: Hash::try_from([byte; 32].as_slice()).expect("32 bytes"),
    }
}

/// A stream of this many commits.
async fn commits(backend: &Backend, count: usize) -> (String, Vec<Commit>) {
    let (log, id) = (backend.log(), Uuid::now_v7());
    let email = format!("{id}@example.com");
    run(&log, &backend.clock, id, &create(&email))
        .await
        .expect("created");
    for at in 1..count {
        run(&log, &backend.clock, id, &rename(&format!("Mei {at}")))
            .await
            .expect("renamed");
    }
    let commits = log.read(&stream(id), 1..=u64::MAX, usize::MAX).await;
    (stream(id), commits.expect("readable"))
}

async fn a_head_is_put_only_in_place_of_the_one_that_was_read(backend: &Backend) {
    let heads = backend.heads();
    let (one, two, three) = (head("user-1", 1), head("user-1", 2), head("user-1", 3));
    assert_eq!(heads.head("user-1").await.expect("read"), None);
    assert!(heads.put(&one, None).await.expect("put"));
    assert!(!heads.put(&two, None).await.expect("refused"));
    assert!(heads.put(&three, Some(&one)).await.expect("put"));
    assert!(!heads.put(&two, Some(&one)).await.expect("refused"));
    // One of the same version, but of another chain.
    let other = Head {
        hash: one.hash,
        ..three.clone()
    };
    assert!(!heads.put(&two, Some(&other)).await.expect("refused"));
    assert_eq!(heads.head("user-1").await.expect("read"), Some(three));
}

async fn a_head_follows_its_stream_and_what_is_missing_is_read(backend: &Backend) {
    let (name, commits) = commits(backend, 5).await;
    let (log, heads) = (backend.log(), backend.heads());
    for (last, reached) in [(1, 1), (4, 4), (2, 4)] {
        let brought = &commits[last..=last];
        advance(&heads, &log, &name, brought).await.expect("linked");
        let head = heads.head(&name).await.expect("read").expect("kept");
        let reached = &commits[reached];
        assert_eq!(
            (head.version, head.hash),
            (reached.version, reached.chain.hash)
        );
    }
    // What was seen already costs one read.
    backend.requests.clear();
    advance(&heads, &log, &name, &commits).await.expect("known");
    assert_eq!(backend.requests.clear(), ["GetItem"]);
}

async fn a_lost_reply_is_no_failure(backend: &Backend) {
    let (name, commits) = commits(backend, 2).await;
    let client = backend.client_that_loses_one_reply_to(&["PutItem"]).await;
    let heads = DynamoDbHeads::new(client, backend.table("heads"));
    let advanced = advance(&heads, &backend.log(), &name, &commits).await;
    advanced.expect("the first try landed");
    let head = backend.heads().head(&name).await.expect("read");
    assert_eq!(head.expect("kept").version, 2);
}

async fn all_heads_are_found_by_segments(backend: &Backend) {
    let heads = backend.heads();
    let mut put: Vec<_> = (1..=20)
        .map(|version| head(&format!("user-{version}"), version))
        .collect();
    for head in &put {
        assert!(heads.put(head, None).await.expect("put"));
    }
    let mut found = Vec::new();
    for index in 0..3 {
        let page = heads.scan(Segment { index, of: 3 }, None).await;
        found.extend(page.expect("read").items);
    }
    put.sort_by(|one, other| one.stream.cmp(&other.stream));
    found.sort_by(|one, other| one.stream.cmp(&other.stream));
    assert_eq!(found, put);
}

async fn all_items_of_a_stream_come_in_order_and_in_one_segment(backend: &Backend) {
    let mut expected = Vec::new();
    for _ in 0..6 {
        let (name, commits) = commits(backend, 3).await;
        expected.extend(commits.iter().map(|commit| (name.clone(), commit.version)));
    }
    let mut found = Vec::new();
    for index in 0..3 {
        let page = backend.log().scan(Segment { index, of: 3 }, None).await;
        let items = page.expect("read").items;
        assert!(items.iter().all(|stored| stored.commit.is_ok()));
        let places = items
            .into_iter()
            .map(|stored| (stored.stream, stored.version));
        let places: Vec<_> = places.collect();
        // Each stream is one run, in order.
        let mut runs = places.chunk_by(|one, other| one.0 == other.0);
        assert!(runs.all(|run| run.len() == 3 && run.is_sorted()));
        found.extend(places);
    }
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

async fn streams_are_seen_in_the_order_of_their_news(backend: &Backend) {
    let heads = backend.heads();
    // All of one shard: their names have the same sum.
    let names = ["user-af", "user-be", "user-cd", "user-dc"];
    for name in names {
        assert!(heads.put(&head(name, 1), None).await.expect("put"));
    }
    let (one, two) = (head("user-be", 1), head("user-be", 2));
    assert!(heads.put(&two, Some(&one)).await.expect("put"));
    let mut shards = Vec::new();
    for shard in 0..SEEN_SHARDS {
        shards.push(heads.seen(shard, "", "9", 100).await.expect("read"));
    }
    shards.retain(|seen| !seen.is_empty());
    let [seen] = &shards[..] else {
        panic!("they are in one shard: {shards:?}");
    };
    let found: Vec<_> = seen
        .iter()
        .map(|seen| (seen.stream.as_str(), seen.version))
        .collect();
    assert_eq!(
        found,
        [
            ("user-af", 1),
            ("user-cd", 1),
            ("user-dc", 1),
            ("user-be", 2)
        ]
    );
    // Page by page, from place to place; and not beyond the moment that is asked for.
    let shard = "user-af".bytes().fold(0, u8::wrapping_add) % SEEN_SHARDS;
    let page = heads.seen(shard, &seen[0].at, "9", 2).await.expect("read");
    assert_eq!(page, seen[1..3]);
    let page = heads.seen(shard, "", &seen[1].at, 100).await.expect("read");
    assert_eq!(page, seen[..2]);
    assert_eq!(
        heads.seen(shard, &seen[3].at, "9", 2).await.expect("read"),
        []
    );
}

async fn heads_are_found_by_name(backend: &Backend) {
    let heads = backend.heads();
    let names: Vec<_> = (1..=120).map(|at| format!("user-{at}")).collect();
    for name in &names[..110] {
        assert!(heads.put(&head(name, 1), None).await.expect("put"));
    }
    let found = heads.heads(&names).await.expect("read");
    assert_eq!(found.len(), 110);
    assert_eq!(heads.estimate().await.expect("read"), 110);
}

async fn heads_that_a_batch_left_out_are_asked_for_again(backend: &Backend) {
    let put = backend.heads().put(&head("user-1", 1), None).await;
    assert!(put.expect("put"));
    let client = backend.client_whose_first_batch_is_left().await;
    let heads = DynamoDbHeads::new(client, backend.table("heads"));
    let found = heads.heads(&["user-1".to_owned()]).await;
    assert_eq!(found.expect("read").len(), 1);
}
