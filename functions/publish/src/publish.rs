//! From stream records to the bus: every entry's failure is read, retried, and at last reported for its record.

use crate::pack::pack;
use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use domain::Aggregate;
use domain::registry::{self, AggregateVisitor};
use edge::{Announcement, SOURCE, causes};
use event_store::Commit;
use lambda_runtime::tracing;
use std::collections::BTreeSet;
use std::time::Duration;

/// How often an entry is put before its record is left to the stream's own retries.
const ATTEMPTS: u32 = 3;

/// Takes announcements; a port, so that a simulation can stand in.
pub trait Bus {
    /// Puts entries that fit one request; says which of them, by position, were not taken.
    fn put(&self, entries: &[Entry]) -> impl Future<Output = BTreeSet<usize>> + Send;
}

/// One event for the bus, and the stream record that it came of.
#[derive(Clone, Debug)]
pub struct Entry {
    record: usize,
    detail_type: String,
    detail: String,
}

/// A bus of Amazon EventBridge.
pub struct EventBridgeBus {
    /// Speaks to the service.
    pub client: Client,
    /// The name of the bus.
    pub name: String,
}

impl Bus for EventBridgeBus {
    async fn put(&self, entries: &[Entry]) -> BTreeSet<usize> {
        let requested = entries.iter().map(|entry| {
            PutEventsRequestEntry::builder()
                .event_bus_name(&self.name)
                .source(SOURCE)
                .detail_type(&entry.detail_type)
                .detail(&entry.detail)
                .build()
        });
        match self
            .client
            .put_events()
            .set_entries(Some(requested.collect()))
            .send()
            .await
        {
            Ok(answer) => {
                let results = answer.entries.unwrap_or_default();
                let refused = |index: &usize| {
                    results
                        .get(*index)
                        .is_none_or(|result| result.event_id.is_none())
                };
                let refused: BTreeSet<_> = (0..entries.len()).filter(refused).collect();
                if let Some(result) = refused.first().and_then(|first| results.get(*first)) {
                    tracing::warn!(
                        count = refused.len(),
                        code = result.error_code,
                        "the bus refused entries"
                    );
                }
                refused
            }
            Err(error) => {
                tracing::warn!(error = causes(&error), "the bus did not answer");
                (0..entries.len()).collect()
            }
        }
    }
}

/// Publishes a batch; the answer names the first record that must come again, and Lambda sends all from there on.
pub async fn publish(bus: &impl Bus, batch: Event) -> DynamoDbEventResponse {
    let sequence_numbers: Vec<_> = batch
        .records
        .iter()
        .map(|record| record.change.sequence_number.clone().unwrap_or_default())
        .collect();
    let mut failed = BTreeSet::new();
    let mut entries = Vec::new();
    for (index, record) in batch.records.into_iter().enumerate() {
        match commit(record) {
            Ok(Some(commit)) => entries.extend(announce(index, &commit)),
            Ok(None) => {}
            Err(error) => {
                tracing::error!(%error, sequence_number = sequence_numbers[index], "record cannot be read");
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
    let mut answer = DynamoDbEventResponse::default();
    if let Some(first) = failed.first() {
        let mut failure = DynamoDbBatchItemFailure::default();
        failure.item_identifier = Some(sequence_numbers[*first].clone());
        answer.batch_item_failures.push(failure);
    }
    answer
}

/// The commit that a record speaks of. A record that is no INSERT speaks of somebody who changed what is never changed.
fn commit(record: EventRecord) -> Result<Option<Commit>, serde_dynamo::Error> {
    if record.event_name != "INSERT" {
        tracing::error!(
            alarm = "tampering",
            operation = record.event_name,
            "an event was changed or removed"
        );
        return Ok(None);
    }
    serde_dynamo::from_item(record.change.new_image).map(Some)
}

fn announce(record: usize, commit: &Commit) -> Vec<Entry> {
    struct Collection;
    impl AggregateVisitor for Collection {
        type Output = &'static str;

        fn visit<A: Aggregate>(self) -> &'static str {
            A::COLLECTION
        }
    }
    let category = commit.stream.split('-').next().unwrap_or_default();
    let collection = registry::aggregate(category, Collection).unwrap_or(category);
    Announcement::of(commit, collection)
        .into_iter()
        .map(|announcement| Entry {
            record,
            detail_type: announcement.kind.clone(),
            // OK because a struct of texts and numbers has a JSON form.
            detail: serde_json::to_string(&announcement).expect("an announcement has a JSON form"),
        })
        .collect()
}
