//! Reads a table's stream from its beginning and gives its records to a function, in order. A batch
//! that fails is tried again; what fails for good is kept and logged, never passed over in silence.

use crate::dynamodb::DynamoDb;
use crate::intrinsics::REGION;
use crate::template::StreamMapping;
use crate::workers::{Failure, Workers};
use anyhow::Context;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How long to wait after nothing was found.
const IDLE: Duration = Duration::from_millis(50);
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// One function's way through one stream.
pub struct StreamReader {
    mapping: StreamMapping,
    database: Arc<DynamoDb>,
    api: Workers,
    progress: Progress,
}

/// How far a reader has come.
#[derive(Clone)]
pub struct Progress {
    /// The number of the round that began last.
    begun: watch::Sender<u64>,
    /// The number of the last round that found nothing.
    idle: watch::Sender<u64>,
    /// Whether records are passed over, as if the stream had been trimmed.
    loses: Arc<AtomicBool>,
    given_up: Arc<Mutex<Vec<Value>>>,
}

#[derive(Default)]
struct Shards {
    arn: String,
    /// The next iterator of each shard that is being read.
    open: HashMap<String, String>,
    done: HashSet<String>,
}

impl StreamReader {
    /// A reader that has read nothing yet.
    pub fn new(mapping: StreamMapping, database: Arc<DynamoDb>, api: Workers) -> Self {
        let progress = Progress {
            begun: watch::Sender::new(0),
            idle: watch::Sender::new(0),
            loses: Arc::default(),
            given_up: Arc::default(),
        };
        StreamReader {
            mapping,
            database,
            api,
            progress,
        }
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Reads for ever.
    pub async fn run(self) {
        let mut shards = Shards::default();
        loop {
            self.progress.begun.send_modify(|round| *round += 1);
            let wait = match self.round(&mut shards).await {
                Ok(true) => continue,
                Ok(false) => {
                    let round = *self.progress.begun.borrow();
                    self.progress.idle.send_replace(round);
                    IDLE
                }
                Err(error) => {
                    tracing::error!(table = self.mapping.table, error = %format!("{error:#}"), "cannot read the stream");
                    // An iterator may have expired; what is read twice does no harm.
                    shards = Shards::default();
                    LONGEST_WAIT
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Reads each shard once; whether there was anything.
    async fn round(&self, shards: &mut Shards) -> anyhow::Result<bool> {
        if shards.open.is_empty() {
            self.find(shards).await?;
        }
        let mut found = false;
        for (shard, iterator) in shards.open.clone() {
            let request = json!({ "ShardIterator": iterator, "Limit": self.mapping.batch_size });
            let mut page = self.call("GetRecords", &request).await?;
            if let Value::Array(mut records) = page["Records"].take()
                && !records.is_empty()
            {
                found = true;
                records
                    .iter_mut()
                    .for_each(|record| complete(record, &shards.arn));
                if !self.progress.loses.load(Ordering::Relaxed) {
                    self.give(records).await;
                }
            }
            match page["NextShardIterator"].as_str() {
                Some(next) => {
                    shards.open.insert(shard, next.to_owned());
                }
                None => {
                    found = true;
                    shards.open.remove(&shard);
                    shards.done.insert(shard);
                    self.find(shards).await?;
                }
            }
        }
        Ok(found)
    }

    /// Opens each shard whose parent has been read. An EndingSequenceNumber is not looked at: the
    /// embedded database shows one for an open shard too.
    async fn find(&self, shards: &mut Shards) -> anyhow::Result<()> {
        shards.arn = self.database.stream(&self.mapping.table).await?;
        let mut listed = Vec::new();
        let mut request = json!({ "StreamArn": shards.arn });
        loop {
            let mut answer = self.call("DescribeStream", &request).await?;
            let mut description = answer["StreamDescription"].take();
            if let Value::Array(page) = description["Shards"].take() {
                listed.extend(page);
            }
            match description["LastEvaluatedShardId"].as_str() {
                Some(last) => request["ExclusiveStartShardId"] = last.into(),
                None => break,
            }
        }
        let id = |shard: &Value| shard["ShardId"].as_str().unwrap_or_default().to_owned();
        let ids: HashSet<String> = listed.iter().map(id).collect();
        for shard in &listed {
            let parent = shard["ParentShardId"].as_str().unwrap_or_default();
            let is_next = !ids.contains(parent) || shards.done.contains(parent);
            let shard = id(shard);
            if !is_next || shards.done.contains(&shard) || shards.open.contains_key(&shard) {
                continue;
            }
            let request = json!({ "StreamArn": shards.arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON" });
            let answer = self.call("GetShardIterator", &request).await?;
            let iterator = answer["ShardIterator"]
                .as_str()
                .context("a shard has no iterator")?;
            shards.open.insert(shard, iterator.to_owned());
        }
        Ok(())
    }

    async fn call(&self, operation: &str, request: &Value) -> anyhow::Result<Value> {
        let operation = format!("DynamoDBStreams_20120810.{operation}");
        let answer = self.database.call(&operation, request).await?;
        answer.map_err(|refusal| anyhow::anyhow!("{operation}: {refusal:?}"))
    }

    /// Gives a batch to the function until each of its records is done or given up.
    async fn give(&self, batch: Vec<Value>) {
        let mut batches = vec![(batch, 0)];
        let mut wait = FIRST_WAIT;
        while let Some((mut batch, tries)) = batches.pop() {
            let function = &self.mapping.function;
            let answer = self
                .api
                .invoke(function, &json!({ "Records": batch }))
                .await;
            let failed = answer.map(|answer| {
                if self.mapping.partial {
                    first_failed(&answer, &batch)
                } else {
                    None
                }
            });
            let counted = match failed {
                Ok(None) => {
                    wait = FIRST_WAIT;
                    continue;
                }
                Ok(Some(first)) => {
                    batch.drain(..first);
                    // Records that got through are progress, so what is left starts anew.
                    if first > 0 { 1 } else { tries + 1 }
                }
                // A process that was killed says nothing of the records.
                Err(Failure::Crash | Failure::Timeout) => tries,
                Err(Failure::Error(_) | Failure::TooLarge) => tries + 1,
            };
            tracing::warn!(
                function,
                records = batch.len(),
                tries = counted,
                "stream batch failed"
            );
            if counted > tries && self.mapping.bisect && batch.len() > 1 {
                let second = batch.split_off(batch.len() / 2);
                batches.push((second, tries));
                batches.push((batch, tries));
            } else if self.mapping.retries.is_some_and(|most| counted > most) {
                self.give_up(batch);
                continue;
            } else {
                batches.push((batch, counted));
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// Stands in for the destination on failure.
    fn give_up(&self, batch: Vec<Value>) {
        for record in &batch {
            let keys = &record["dynamodb"]["Keys"];
            tracing::error!(function = self.mapping.function, %keys, "a stream record is given up");
        }
        let mut given_up = self
            .progress
            .given_up
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        given_up.extend(batch);
    }
}

impl Progress {
    /// Waits for a whole round that begins after now and finds nothing.
    pub async fn caught_up(&self) {
        let now = *self.begun.borrow();
        // OK because it fails only when the reader is gone, and then there is nothing to wait for.
        let _ = self.idle.subscribe().wait_for(|round| *round > now).await;
    }

    /// From now on loses what is read, or no more: so does a stream whose function is down for longer than it keeps
    /// records. What the reader has in hand is not lost, so let it catch up first.
    pub fn lose(&self, loses: bool) {
        self.loses.store(loses, Ordering::Relaxed);
    }

    /// The records that were given up.
    pub fn given_up(&self) -> Vec<Value> {
        self.given_up
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Adds what Lambda adds to a record.
fn complete(record: &mut Value, arn: &str) {
    record["eventSourceARN"] = arn.into();
    record["eventSource"] = "aws:dynamodb".into();
    record["awsRegion"] = REGION.into();
}

/// Where the lowest record lies that failed. Like AWS, an answer that cannot be read, or names a
/// record that was not in the batch, fails them all.
fn first_failed(answer: &[u8], batch: &[Value]) -> Option<usize> {
    if answer.is_empty() {
        return None;
    }
    let Ok(answer) = serde_json::from_slice::<Value>(answer) else {
        return Some(0);
    };
    let failed = answer["batchItemFailures"].as_array().into_iter().flatten();
    let position = |item: &Value| {
        let number = &item["itemIdentifier"];
        batch
            .iter()
            .position(|record| record["dynamodb"]["SequenceNumber"] == *number)
    };
    failed.map(|item| position(item).unwrap_or(0)).min()
}

#[cfg(test)]
#[path = "streams_tests.rs"]
mod tests;
