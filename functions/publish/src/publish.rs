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
            item = ?record.change.keys,
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Mutex;

    /// Refuses the details that hold one of these, each so many times; remembers what it took.
    #[derive(Default)]
    struct Fake {
        refusals: Mutex<Vec<&'static str>>,
        taken: Mutex<Vec<String>>,
        requests: Mutex<Vec<usize>>,
    }

    impl Bus for Fake {
        async fn put(&self, entries: &[Entry]) -> BTreeSet<usize> {
            self.requests.lock().expect("no panic").push(entries.len());
            let mut refused = BTreeSet::new();
            for (index, entry) in entries.iter().enumerate() {
                let mut refusals = self.refusals.lock().expect("no panic");
                match refusals.iter().position(|part| entry.detail.contains(part)) {
                    Some(refusal) => {
                        refusals.remove(refusal);
                        refused.insert(index);
                    }
                    None => self
                        .taken
                        .lock()
                        .expect("no panic")
                        .push(entry.detail_type.clone()),
                }
            }
            refused
        }
    }

    fn record(
        sequence_number: &str,
        stream: &str,
        operation: &str,
        events: &str,
    ) -> serde_json::Value {
        let id = "01a1fc61-f200-7601-907e-c103a0f5cda3";
        json!({
            "eventID": sequence_number, "eventName": operation, "eventSource": "aws:dynamodb", "awsRegion": "us-east-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1.0, "SequenceNumber": sequence_number, "SizeBytes": 1,
                "StreamViewType": "NEW_IMAGE", "Keys": { "stream": { "S": stream }, "version": { "N": "3" } },
                "NewImage": {
                    "stream": { "S": stream }, "version": { "N": "3" }, "id": { "S": id },
                    "timestamp": { "S": "2026-11-21T04:33:59.810629Z" }, "events": { "S": events },
                    "command_id": { "S": id }, "fingerprint": { "S": "f" }, "actor": { "S": "local" },
                    "correlation_id": { "S": id }, "source": { "S": "http" },
                },
            },
        })
    }

    const ONE: &str = r#"[{"id":"01a1fc61-f202-72bb-b4b9-5bacd9cefb5a","type":"UserCreated","schema_version":1,"data":{"name":"Sarah"}}]"#;
    const TWO: &str = r#"[{"id":"01a1fc61-f202-72bb-b4b9-5bacd9cefb5a","type":"UserNameCorrected","schema_version":1,"data":{}},
        {"id":"01a1fc61-f202-72bb-b4b9-5bacd9cefb5b","type":"UserEmailCorrected","schema_version":1,"data":{}}]"#;

    async fn failures(bus: &Fake, records: Vec<serde_json::Value>) -> Vec<String> {
        let batch: Event = serde_json::from_value(json!({ "Records": records })).expect("a batch");
        let answer = publish(bus, batch).await;
        answer
            .batch_item_failures
            .into_iter()
            .filter_map(|failure| failure.item_identifier)
            .collect()
    }

    #[tokio::test]
    async fn every_event_is_announced_and_nothing_personal() {
        let bus = Fake::default();
        let failed = failures(
            &bus,
            vec![
                record("1", "user-1", "INSERT", ONE),
                record("2", "user-2", "INSERT", TWO),
            ],
        )
        .await;
        assert!(failed.is_empty());
        assert_eq!(
            *bus.taken.lock().expect("no panic"),
            ["UserCreated", "UserNameCorrected", "UserEmailCorrected"]
        );
        let commit =
            commit(serde_json::from_value(record("1", "user-1", "INSERT", ONE)).expect("a record"));
        let entries = announce(0, &commit.expect("readable").expect("an insert"));
        assert!(
            entries[0].detail.contains(r#""version":3"#)
                && entries[0].detail.contains("/users/1/history")
        );
        assert!(!entries[0].detail.contains("Sarah"));
    }

    #[tokio::test]
    async fn only_what_was_refused_is_put_again() {
        let bus = Fake {
            refusals: Mutex::new(vec!["user-2"]),
            ..Fake::default()
        };
        let records =
            ["user-1", "user-2", "user-3"].map(|stream| record(stream, stream, "INSERT", ONE));
        assert!(failures(&bus, records.into()).await.is_empty());
        assert_eq!(*bus.requests.lock().expect("no panic"), [3, 1]);
    }

    #[tokio::test]
    async fn what_stays_refused_fails_from_its_record_on() {
        let bus = Fake {
            refusals: Mutex::new(vec!["user-2"; ATTEMPTS as usize]),
            ..Fake::default()
        };
        let records =
            ["user-1", "user-2", "user-3"].map(|stream| record(stream, stream, "INSERT", ONE));
        assert_eq!(failures(&bus, records.into()).await, ["user-2"]);
    }

    #[tokio::test]
    async fn a_record_that_cannot_be_read_fails_and_the_others_are_published() {
        let bus = Fake::default();
        let records = vec![
            record("1", "user-1", "INSERT", "no json"),
            record("2", "user-2", "INSERT", ONE),
        ];
        assert_eq!(failures(&bus, records).await, ["1"]);
        assert_eq!(bus.taken.lock().expect("no panic").len(), 1);
    }

    #[tokio::test]
    async fn a_changed_or_removed_event_is_no_news() {
        let bus = Fake::default();
        let records = vec![
            record("1", "user-1", "MODIFY", ONE),
            record("2", "user-2", "REMOVE", ONE),
        ];
        assert!(failures(&bus, records).await.is_empty());
        assert!(bus.taken.lock().expect("no panic").is_empty());
    }
}
