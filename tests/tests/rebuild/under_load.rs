//! While a read model is made anew, and switched, and switched back, nobody sees anything but what there was or is.

use crate::{assert_same, change, numbers, start, users};
use consumer::Settings;
use domain::Users;
use event_store::Stream;
use read_model::{AtLeast, Owed, ReadModelTable, listed, show};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tests::backend::Backend;
use tests::consumers::{AT_ONCE, announced, ask, consumer, hear, hear_all, publish, rename, tick};
use tests::on_each_backend;

on_each_backend! {
    a_rebuild_under_load_never_shows_anything_half_built
}

/// What a reader must never see: an answer that is not the fold of its version, or a list that leaves somebody out.
async fn hammer(backend: &Backend, users: &[(String, u64)], done: &AtomicBool) -> usize {
    let (log, table) = (backend.log(), backend.read_model());
    let mut asked = 0;
    while !done.load(Ordering::Relaxed) {
        let documents = table.live().await.expect("readable");
        let (stream, _) = &users[asked % users.len()];
        let shown = show::<Users>(&log, &documents, stream, AtLeast::Any).await;
        let shown = shown.expect("shown").expect("there");
        let folded = Stream::<domain::User>::replay(&log, stream, shown.version).await;
        assert_eq!(shown.document.state, folded.expect("replayed").state);
        let page = listed::<Users>(&log, &documents, "all", None, 100).await;
        let ids: BTreeSet<_> = page
            .expect("listed")
            .documents
            .into_iter()
            .map(|user| user.id)
            .collect();
        for (stream, _) in users {
            assert!(
                ids.contains(event_store::stream_id(stream)),
                "{stream} is left out of {:?}, where are {ids:?}, and is owed: {:?}",
                documents.generation(),
                owed(&table).await
            );
        }
        asked += 1;
        tokio::task::yield_now().await;
    }
    asked
}

/// What the generation that is shown owes, and why.
async fn owed(table: &ReadModelTable) -> Vec<Owed> {
    let live = table.live().await.expect("readable");
    let checkpoints = table.checkpoints(live.generation()).await;
    let checkpoints = checkpoints.expect("readable").into_iter();
    checkpoints.flat_map(|one| one.owed).collect()
}

async fn a_rebuild_under_load_never_shows_anything_half_built(backend: &Backend) {
    let users = users(backend, 10).await;
    let mut consumer = consumer(backend, "users");
    // OK because a walk may owe a stream that the store was too busy for: what is told by name is there, or fails.
    for (stream, version) in &users {
        hear_all(&consumer, &[announced(stream, *version)]).await;
    }
    hear_all(&consumer, &[tick()]).await;
    consumer.settings = Settings {
        page: 1,
        slice: Duration::ZERO,
        ..AT_ONCE
    };
    let done = AtomicBool::new(false);
    let work = async {
        let id = start(backend, &consumer).await;
        let begun = Instant::now();
        let mut asked_for = vec!["switched", "switched-back", "switched"].into_iter();
        let mut at = 0;
        while begun.elapsed() < Duration::from_secs(4) {
            let (stream, _) = &users[at % users.len()];
            rename(backend, stream, &format!("Mei {at}")).await;
            let version = publish(backend, stream).await;
            // One in three is never told.
            if at % 3 > 0 {
                assert_eq!(
                    hear(&consumer, &[announced(stream, version)]).await,
                    [""; 0]
                );
            }
            if let Some(own) = consumer.queue.next() {
                assert_eq!(hear(&consumer, &[own]).await, [""; 0]);
            }
            if at % 25 == 24 {
                assert_eq!(hear(&consumer, &[tick()]).await, [""; 0]);
                if let Some(status) = asked_for.next() {
                    let said = ask(backend, id, "ChangeRebuild", json!({ "status": status })).await;
                    assert_eq!(hear(&consumer, &[said]).await, [""; 0]);
                }
            }
            at += 1;
        }
        for status in asked_for {
            change(backend, &consumer, id, status).await;
        }
        hear_all(&consumer, &[tick()]).await;
        hear_all(&consumer, &[tick()]).await;
        done.store(true, Ordering::Relaxed);
    };
    let ((), asked) = tokio::join!(work, hammer(backend, &users, &done));
    assert!(asked > 10);
    assert_eq!(numbers(&consumer).await, (1, None, Some(0), 0));
    assert_same(backend, &consumer, 0, 1).await;
}
