//! Keeps the heads of the streams that a batch brings news of.

use crate::announce::{announce, put};
use crate::bus::Bus;
use edge::causes;
use event_store::{Commit, EventLog, HeadError, Heads, StoreError, advance_telling};
use futures_util::{StreamExt, stream};
use std::collections::{BTreeMap, BTreeSet};

/// How many heads are written side by side.
const SIDE_BY_SIDE: usize = 16;

/// Advances the head of each stream over its commits, given with their records; the records of those that failed. What the
/// stream of the table did not bring before them is published, too: nobody else will find it, once the head has passed.
pub async fn keep(
    bus: &impl Bus,
    heads: &impl Heads,
    log: &impl EventLog,
    commits: Vec<(usize, Commit)>,
) -> BTreeSet<usize> {
    let mut streams: BTreeMap<String, (BTreeSet<usize>, Vec<Commit>)> = BTreeMap::new();
    for (record, commit) in commits {
        let (records, commits) = streams.entry(commit.stream.clone()).or_default();
        records.insert(record);
        commits.push(commit);
    }
    let kept = stream::iter(streams).map(|(stream, (records, mut commits))| async move {
        commits.sort_by_key(|commit| commit.version);
        let missed = async |commits: &[Commit]| publish_missed(bus, &stream, commits).await;
        match advance_telling(heads, log, &stream, &commits, missed).await {
            Ok(()) => BTreeSet::new(),
            Err(HeadError::Broken(broken)) => {
                let (version, why) = (broken.version, broken.why);
                tracing::error!(
                    alarm = "tampering",
                    stream,
                    version,
                    why,
                    "a stream does not hold together"
                );
                BTreeSet::new()
            }
            // OK because it would not be read the next time either, and hold up the events of all streams.
            Err(HeadError::Store(StoreError::Corrupt { version, why, .. })) => {
                tracing::error!(
                    alarm = "tampering",
                    stream,
                    version,
                    why,
                    "the head of a stream cannot be read"
                );
                BTreeSet::new()
            }
            Err(error) => {
                tracing::warn!(stream, error = causes(&error), "a head was not kept");
                records
            }
        }
    });
    let failed: Vec<_> = kept.buffer_unordered(SIDE_BY_SIDE).collect().await;
    failed.into_iter().flatten().collect()
}

/// Whether the bus took what it never had.
async fn publish_missed(bus: &impl Bus, stream: &str, commits: &[Commit]) -> bool {
    let (from, count) = (commits.first().map(|first| first.version), commits.len());
    tracing::warn!(stream, from, count, "commits had not been brought");
    let mut entries = Vec::new();
    for commit in commits {
        match announce(0, commit) {
            Ok(announced) => entries.extend(announced),
            // OK because it would not be read the next time either, and hold up the events of all streams.
            Err(error) => {
                let version = commit.version;
                tracing::error!(
                    alarm = "tampering",
                    stream,
                    version,
                    error = causes(&error),
                    "a commit cannot be read"
                );
            }
        }
    }
    put(bus, entries).await.is_empty()
}
