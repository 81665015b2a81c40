//! While commands run, nothing is taken for a tampering, and no claim is harmed.

use aws_sdk_dynamodb::types::AttributeValue;
use event_store::{Clock, EventLog, ExecuteError, Segment, Stream, advance};
use futures_util::future::join_all;
use indicatif::ProgressBar;
use ops::Reading;
use ops::claims::{What, claims};
use ops::verify::verify;
use serde_json::json;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tests::backend::Backend;
use tests::users::{command, create, rename, run, stream};
use uuid::Uuid;

fn reading() -> Reading {
    Reading {
        segments: 3,
        progress: ProgressBar::hidden(),
    }
}

/// Runs `work` while writers rename users and move their emails within a pool that is too small for them all; the users,
/// and how many commands were done.
async fn under_writers<F: Future<Output = ()>>(
    backend: &Backend,
    work: impl FnOnce(Vec<Uuid>) -> F,
) -> (Vec<Uuid>, usize) {
    let mut users = Vec::new();
    for number in 0..6 {
        let id = Uuid::now_v7();
        let email = format!("first-{number}@example.com");
        let created = run(&backend.log(), &backend.clock, id, &create(&email)).await;
        created.expect("created");
        users.push(id);
    }
    let stop = AtomicBool::new(false);
    let writers = users.iter().enumerate().map(|(number, id)| {
        let (log, stop) = (backend.log(), &stop);
        async move {
            let (mut rng, mut done) = (fastrand::Rng::with_seed(number as u64), 0);
            while !stop.load(Ordering::SeqCst) {
                let email = format!("pool-{}@example.com", rng.u8(..5));
                let wanted = match rng.u8(..4) {
                    0 => rename(&format!("Sarah {done}")),
                    _ => command("ChangeUserEmail", json!({ "email": email })),
                };
                match run(&log, &backend.clock, *id, &wanted).await {
                    Ok(_) => done += 1,
                    Err(ExecuteError::ClaimTaken { .. } | ExecuteError::Conflict) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
            done
        }
    });
    let worked = async {
        work(users.clone()).await;
        stop.store(true, Ordering::SeqCst);
    };
    let (done, ()) = tokio::join!(join_all(writers), worked);
    let done = done.into_iter().sum();
    (users, done)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clean_table_under_live_writers_has_no_findings() {
    let backend = Backend::embedded().await;
    let verified = |users: Vec<Uuid>| {
        let (log, heads) = (backend.log(), backend.heads());
        async move {
            let names: Vec<_> = users.iter().map(|id| stream(*id)).collect();
            let stop = AtomicBool::new(false);
            let publisher = async {
                while !stop.load(Ordering::SeqCst) {
                    for name in &names {
                        let commits = log.newest(name, 1..=u64::MAX, 1).await;
                        let commits = commits.expect("readable");
                        advance(&heads, &log, name, &commits).await.expect("linked");
                    }
                }
            };
            let verifier = async {
                for round in 0..30 {
                    let named = &names[..round % 3];
                    let (findings, summary) = verify(&log, &heads, named, &reading())
                        .await
                        .expect("it can be read");
                    assert_eq!(findings, []);
                    assert!(summary.streams >= named.len() as u64);
                }
                stop.store(true, Ordering::SeqCst);
            };
            tokio::join!(publisher, verifier);
        }
    };
    let (_, done) = under_writers(&backend, verified).await;
    assert!(done > 30, "{done} commands were done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repair_finds_and_harms_nothing_while_commands_run() {
    let backend = Backend::embedded().await;
    let repaired = |_| {
        let log = backend.log();
        async move {
            for _ in 0..10 {
                let (findings, _) = claims(&log, true, false, &reading())
                    .await
                    .expect("it can be read");
                let is_wrong = |what: &What| {
                    // OK because a claim that moves each time it is looked at is not harmed.
                    !matches!(what, What::Unsettled { .. })
                };
                let wrong = findings.iter().filter(|finding| is_wrong(&finding.what));
                assert_eq!(wrong.count(), 0, "{findings:?}");
            }
        }
    };
    let (users, done) = under_writers(&backend, repaired).await;
    assert!(done > 30, "{done} commands were done");
    assert!(backend.clock.is_checked());
    holds_what_the_streams_hold(&backend, &users).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_is_made_again_only_for_those_who_still_hold_it() {
    let backend = Backend::embedded().await;
    let (log, stop) = (backend.log(), AtomicBool::new(false));
    let mut users = Vec::new();
    for number in 0..6 {
        let id = Uuid::now_v7();
        let email = format!("user-{number}@example.com");
        let created = run(&log, &backend.clock, id, &create(&email)).await;
        created.expect("created");
        users.push(id);
    }
    // Each moves on to emails that nobody else wants, and never comes back to one.
    let writers = users.iter().enumerate().map(|(number, id)| {
        let (log, stop, clock) = (&log, &stop, &backend.clock);
        async move {
            let (mut rng, mut done) = (fastrand::Rng::with_seed(number as u64), 0);
            while !stop.load(Ordering::SeqCst) {
                // So that a stream stands still for long enough now and then.
                tokio::time::sleep(Duration::from_millis(rng.u64(..80))).await;
                done += 1;
                let email = format!("user-{number}-{done}@example.com");
                let change = command("ChangeUserEmail", json!({ "email": email }));
                match run(log, clock, *id, &change).await {
                    Ok(_) | Err(ExecuteError::Conflict) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
        }
    });
    let spoiler = async {
        while !stop.load(Ordering::SeqCst) {
            let page = log.rows(Segment { index: 0, of: 1 }, None).await;
            for row in page.expect("readable").items {
                let delete = backend.client.delete_item();
                let delete = delete.table_name(backend.table("claims"));
                let key = AttributeValue::S(row.key);
                delete.key("claim", key).send().await.expect("deleted");
            }
        }
    };
    let repaired = async {
        let (mut mended, mut rounds) = (0, 0);
        while mended < 15 && rounds < 300 {
            rounds += 1;
            let (findings, _) = claims(&log, true, true, &reading())
                .await
                .expect("it can be read");
            for finding in &findings {
                let is_expected =
                    matches!(finding.what, What::Missing { .. } | What::Unsettled { .. });
                assert!(is_expected, "{findings:?}");
                mended += usize::from(finding.mended);
            }
        }
        stop.store(true, Ordering::SeqCst);
        mended
    };
    let (_, (), mended) = tokio::join!(join_all(writers), spoiler, repaired);
    assert!(mended >= 15, "{mended} were mended");
    claims(&log, true, true, &reading())
        .await
        .expect("repaired");
    holds_what_the_streams_hold(&backend, &users).await;
}

/// The claims are those of the streams, all of them and no others.
async fn holds_what_the_streams_hold(backend: &Backend, users: &[Uuid]) {
    let log = backend.log();
    let mut held = BTreeMap::new();
    for id in users {
        let loaded = Stream::<domain::User>::load(&log, &stream(*id)).await;
        let loaded = loaded.expect("readable");
        for claim in <domain::User as decider::Decider>::claims(&loaded.state) {
            let key = log.claim_key(&claim).expect("a key");
            assert_eq!(held.insert(key, stream(*id)), None, "two hold {claim:?}");
        }
    }
    let scan = backend.client.scan().table_name(backend.table("claims"));
    let rows = scan.send().await.expect("readable").items.expect("rows");
    let rows = rows.iter().map(|row| {
        let text = |name: &str| row[name].as_s().expect("a text").clone();
        (text("claim"), text("stream"))
    });
    let rows: BTreeMap<_, _> = rows.collect();
    assert_eq!(rows, held);
}
