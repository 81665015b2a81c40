//! Whatever is changed behind the service's back, `verify` names the stream and the place.

mod forger;

use event_store::{Finding, What};
use forger::{Forger, Tampering};
use indicatif::ProgressBar;
use ops::Reading;
use ops::verify::{Summary, verify};
use std::collections::BTreeMap;
use std::thread;

const TAMPERINGS: usize = 1_000;
/// Each on a store of its own, side by side.
const PARTS: u64 = 4;
const SEED: u64 = 20_261_121;

async fn verified(forger: &Forger, segments: u16) -> (Vec<Finding>, Summary) {
    let (log, heads) = (forger.backend.log(), forger.backend.heads());
    let reading = Reading {
        segments,
        progress: ProgressBar::hidden(),
    };
    verify(&log, &heads, &[], &reading)
        .await
        .expect("it can be read")
}

#[test]
fn a_thousand_random_tamperings_are_all_named() {
    let parts: Vec<_> = (0..PARTS)
        .map(|part| thread::spawn(move || part_of_them(SEED + part)))
        .collect();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for part in parts {
        for kind in part.join().expect("all were named") {
            *kinds.entry(kind).or_default() += 1;
        }
    }
    println!("{kinds:?}");
    assert_eq!(kinds.values().sum::<usize>(), TAMPERINGS);
    assert!(kinds.values().all(|count| *count >= 50), "{kinds:?}");
}

/// A share of the tamperings, on a store of its own; their kinds.
#[tokio::main(flavor = "current_thread")]
async fn part_of_them(seed: u64) -> Vec<&'static str> {
    let mut forger = Forger::new(seed).await;
    let (findings, summary) = verified(&forger, 4).await;
    assert_eq!(findings, []);
    assert_eq!((summary.streams, summary.without_head), (10, 0));
    let mut kinds = Vec::new();
    for round in 0..TAMPERINGS / PARTS as usize {
        let Tampering {
            kind,
            stream,
            versions,
            detail,
        } = forger.tamper(round).await;
        kinds.push(kind);
        let segments = [1, 1, 1, 4][round / 16 % 4];
        let (findings, _) = verified(&forger, segments).await;
        let context = format!("seed {seed}, round {round}: {kind}, {detail}: {findings:?}");
        let mut named = findings.iter().map(|finding| finding.version);
        assert!(
            named.any(|version| versions.contains(&version)),
            "unnamed, {versions:?}, {context}"
        );
        assert!(
            findings.iter().all(|finding| finding.stream == stream),
            "too much, {context}"
        );
        forger.undo().await;
    }
    assert_eq!(verified(&forger, 4).await.0, [], "all undone");
    kinds
}

#[tokio::test]
async fn a_deleted_snapshot_is_no_finding() {
    let mut forger = Forger::new(SEED).await;
    assert!(forger.delete_snapshots().await >= 10);
    assert_eq!(verified(&forger, 4).await.0, []);
}

#[tokio::test]
async fn what_the_publisher_has_not_seen_is_counted_and_no_finding() {
    let forger = Forger::new(SEED).await;
    forger.delete_head(0).await;
    let (findings, summary) = verified(&forger, 4).await;
    assert_eq!((findings, summary.without_head), (vec![], 1));
}

#[tokio::test]
async fn a_stream_that_is_gone_is_named_by_its_head_alone() {
    let mut forger = Forger::new(SEED).await;
    let stream = forger.delete_stream(3).await;
    let (findings, _) = verified(&forger, 4).await;
    let [finding] = &findings[..] else {
        panic!("one finding: {findings:?}");
    };
    assert_eq!((&finding.stream, finding.version), (&stream, 1));
    assert!(matches!(finding.what, What::CutOff { .. }));
}
