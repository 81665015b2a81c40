//! From stream records to the bus: every entry's failure is read, retried, and at last reported for its record. The heads of
//! the streams follow, as far as the bus took their events, so that nothing that is wrong with them holds up an event.

use crate::announce::{announce, put};
use crate::bus::Bus;
use crate::heads::keep;
use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use event_store::{Commit, EventLog, Heads, StoreError};
use std::collections::{BTreeMap, BTreeSet};

/// Publishes a batch; the answer names the first record that must come again, and Lambda sends all from there on.
pub async fn publish(
    bus: &impl Bus,
    heads: &impl Heads,
    log: &impl EventLog,
    batch: Event,
) -> DynamoDbEventResponse {
    let sequence_numbers: Vec<_> = batch
        .records
        .iter()
        .map(|record| record.change.sequence_number.clone().unwrap_or_default())
        .collect();
    let mut failed = BTreeSet::new();
    let (mut commits, mut entries) = (Vec::new(), Vec::new());
    for (index, record) in batch.records.into_iter().enumerate() {
        let read = commit(record).and_then(|commit| {
            let announced = commit.as_ref().map(|commit| {
                announce(index, commit).map_err(|error: StoreError| error.to_string())
            });
            Ok(commit.zip(announced.transpose()?))
        });
        match read {
            Ok(Some((commit, announced))) => {
                commits.push((index, commit));
                entries.extend(announced);
            }
            Ok(None) => {}
            Err(error) => {
                tracing::error!(
                    error,
                    sequence_number = sequence_numbers[index],
                    "record cannot be read"
                );
                failed.insert(index);
            }
        }
    }
    let refused = put(bus, entries).await;
    let refused: BTreeSet<_> = refused.iter().map(|entry| entry.record).collect();
    let taken = taken(commits, &refused);
    failed.extend(refused);
    failed.extend(keep(bus, heads, log, taken).await);
    let mut answer = DynamoDbEventResponse::default();
    if let Some(first) = failed.first() {
        let mut failure = DynamoDbBatchItemFailure::default();
        failure.item_identifier = Some(sequence_numbers[*first].clone());
        answer.batch_item_failures.push(failure);
    }
    answer
}

/// The commits of a batch but those that the bus refused, and those that follow one of them: a head that passed one would hide
/// from the sweep that it was never published.
fn taken(mut commits: Vec<(usize, Commit)>, refused: &BTreeSet<usize>) -> Vec<(usize, Commit)> {
    let mut first_refused = BTreeMap::<String, u64>::new();
    for (record, commit) in &commits {
        if refused.contains(record) {
            let first = first_refused.entry(commit.stream.clone());
            let first = first.or_insert(commit.version);
            *first = commit.version.min(*first);
        }
    }
    commits.retain(|(_, commit)| {
        let refused = first_refused.get(&commit.stream);
        refused.is_none_or(|refused| commit.version < *refused)
    });
    commits
}

/// The commit that a record speaks of. A record that is no INSERT speaks of somebody who changed what is never changed.
fn commit(record: EventRecord) -> Result<Option<Commit>, String> {
    if record.event_name != "INSERT" {
        tracing::error!(
            alarm = "tampering",
            operation = record.event_name,
            item = ?record.change.keys,
            "an event was changed or removed"
        );
        return Ok(None);
    }
    let read = serde_dynamo::from_item(record.change.new_image);
    read.map(Some)
        .map_err(|error: serde_dynamo::Error| error.to_string())
}

#[cfg(test)]
#[path = "publish_tests.rs"]
mod tests;
