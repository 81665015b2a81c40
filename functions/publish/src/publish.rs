//! From stream records to the bus: every entry's failure is read, retried, and at last reported for its record. The heads of
//! the streams follow, so that nothing that is wrong with them holds up an event.

use crate::bus::{Bus, Entry};
use crate::heads::keep;
use crate::pack::pack;
use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use domain::Aggregate;
use domain::registry::{self, AggregateVisitor};
use edge::Announcement;
use event_store::{Commit, EventLog, Heads, StoreError};
use lambda_runtime::tracing;
use std::collections::BTreeSet;
use std::time::Duration;

/// How often an entry is put before its record is left to the stream's own retries.
const ATTEMPTS: u32 = 3;

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
            let announced = commit.as_ref().map(|commit| announce(index, commit));
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
    for attempt in 1..=ATTEMPTS {
        let mut left = Vec::new();
        for pack in pack(&entries, |entry| {
            entry.detail.len() + entry.detail_type.len()
        }) {
            let refused = bus.put(pack).await;
            left.extend(
                refused
                    .into_iter()
                    .filter_map(|index| pack.get(index).cloned()),
            );
        }
        entries = left;
        if entries.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50 << attempt)).await;
    }
    failed.extend(entries.iter().map(|entry| entry.record));
    failed.extend(keep(heads, log, commits).await);
    let mut answer = DynamoDbEventResponse::default();
    if let Some(first) = failed.first() {
        let mut failure = DynamoDbBatchItemFailure::default();
        failure.item_identifier = Some(sequence_numbers[*first].clone());
        answer.batch_item_failures.push(failure);
    }
    answer
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

fn announce(record: usize, commit: &Commit) -> Result<Vec<Entry>, String> {
    struct Collection;
    impl AggregateVisitor for Collection {
        type Output = &'static str;

        fn visit<A: Aggregate>(self) -> &'static str {
            A::COLLECTION
        }
    }
    let category = commit.stream.split('-').next().unwrap_or_default();
    let collection = registry::aggregate(category, Collection).unwrap_or(category);
    let announced = Announcement::of(commit, collection);
    let announced = announced.map_err(|error: StoreError| error.to_string())?;
    let entries = announced.into_iter().map(|announcement| Entry {
        record,
        detail_type: announcement.kind.clone(),
        // OK because a struct of texts and numbers has a JSON form.
        detail: serde_json::to_string(&announcement).expect("an announcement has a JSON form"),
    });
    Ok(entries.collect())
}

#[cfg(test)]
#[path = "publish_tests.rs"]
mod tests;
