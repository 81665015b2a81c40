//! Which streams the publisher saw anything new of, and when: what consumers walk along, so that none depends on messages.

use crate::dynamodb::failure;
use crate::heads_dynamodb::decode;
use crate::schema::{SEEN, SEEN_INDEX, SHARD, STREAM, VERSION};
use crate::upkeep::{Key, Page, Segment};
use crate::{DynamoDbEventLog, DynamoDbHeads, Head, Position, StoreError};
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use std::collections::HashMap;
use std::future::Future;

/// Over how many partitions of the index heads are spread; each takes 1,000 write units a second, and a head takes 2.
pub const SEEN_SHARDS: u8 = 8;

/// Comes after every place in the index, of these years: there is no end to what is asked for.
pub const SEEN_LATEST: &str = "~";

/// A stream with news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its name.
    pub stream: String,
    /// The version of the last event that the publisher saw.
    pub version: u64,
    /// Orders the index: when the publisher saw it, as RFC 3339 in UTC with microseconds, `#` and the stream.
    pub at: String,
}

/// Streams in the order in which the publisher last saw something new of them. One that moves, moves towards the end.
pub trait SeenStreams: Send + Sync {
    /// At most `limit` streams of a shard, seen after `after` and not after `until`, which are both places in the index.
    ///
    /// # Errors
    /// The store could not do its work.
    fn seen(
        &self,
        shard: u8,
        after: &str,
        until: &str,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Seen>, StoreError>> + Send;

    /// The heads of these streams, in any order, as they were a moment ago; those that have none are left out.
    ///
    /// # Errors
    /// The store could not do its work.
    fn heads(
        &self,
        streams: &[String],
    ) -> impl Future<Output = Result<Vec<Seen>, StoreError>> + Send;
}

/// The shard of a stream in the index, which never changes.
#[must_use]
pub fn seen_shard(stream: &str) -> u8 {
    stream.bytes().fold(0, u8::wrapping_add) % SEEN_SHARDS
}

impl SeenStreams for DynamoDbHeads {
    async fn seen(
        &self,
        shard: u8,
        after: &str,
        until: &str,
        limit: usize,
    ) -> Result<Vec<Seen>, StoreError> {
        let mut seen = Vec::new();
        let mut from = None;
        while seen.len() < limit {
            let page = self
                .client
                .query()
                .table_name(&self.table)
                .index_name(SEEN_INDEX)
                .key_condition_expression("#shard = :shard AND #seen BETWEEN :after AND :until")
                .expression_attribute_names("#shard", SHARD)
                .expression_attribute_names("#seen", SEEN)
                .expression_attribute_values(":shard", AttributeValue::S(shard.to_string()))
                // OK because a space comes before all that a place holds: this is the first key after `after`.
                .expression_attribute_values(":after", AttributeValue::S(format!("{after} ")))
                .expression_attribute_values(":until", AttributeValue::S(until.to_owned()))
                .set_limit(i32::try_from(limit - seen.len()).ok())
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(failure)?;
            let items = page.items.unwrap_or_default();
            seen.extend(items.iter().filter_map(read));
            from = page.last_evaluated_key;
            if from.is_none() {
                break;
            }
        }
        Ok(seen)
    }

    async fn heads(&self, streams: &[String]) -> Result<Vec<Seen>, StoreError> {
        /// What one BatchGetItem takes.
        const BATCH: usize = 100;
        let mut heads = Vec::new();
        for streams in streams.chunks(BATCH) {
            let keys = streams.iter().map(|stream| {
                HashMap::from([(STREAM.to_owned(), AttributeValue::S(stream.clone()))])
            });
            let wanted = KeysAndAttributes::builder()
                .set_keys(Some(keys.collect()))
                .build()
                .map_err(|error| StoreError::Aws(error.into()))?;
            let mut wanted = Some(HashMap::from([(self.table.clone(), wanted)]));
            while let Some(request) = wanted.take().filter(|request| !request.is_empty()) {
                let answer = self
                    .client
                    .batch_get_item()
                    .set_request_items(Some(request))
                    .send()
                    .await
                    .map_err(failure)?;
                let found = answer.responses.into_iter().flatten();
                let items: Vec<_> = found.flat_map(|(_, items)| items).collect();
                heads.extend(items.iter().filter_map(read));
                wanted = answer.unprocessed_keys;
            }
        }
        Ok(heads)
    }
}

impl DynamoDbHeads {
    /// About how many streams there are, as DynamoDB counts them every six hours.
    ///
    /// # Errors
    /// The store could not do its work.
    pub async fn estimate(&self) -> Result<u64, StoreError> {
        let table = self.client.describe_table().table_name(&self.table);
        let table = table.send().await.map_err(failure)?.table;
        let count = table.and_then(|table| table.item_count).unwrap_or_default();
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// A page of the heads that are not in the index, each of which may be one that cannot be read.
    ///
    /// # Errors
    /// The store could not do its work.
    pub async fn unplaced(
        &self,
        segment: Segment,
        from: Option<Key>,
    ) -> Result<Page<Result<Head, StoreError>>, StoreError> {
        // OK because it need not be consistent: one that is missed has been written since.
        let found = self
            .client
            .scan()
            .table_name(&self.table)
            .filter_expression("attribute_not_exists(#seen)")
            .expression_attribute_names("#seen", SEEN)
            .segment(segment.index)
            .total_segments(segment.of)
            .set_exclusive_start_key(from)
            .send()
            .await
            .map_err(failure)?;
        let items = found.items.unwrap_or_default().into_iter();
        Ok(Page {
            items: items.map(decode_any).collect(),
            next: found.last_evaluated_key,
        })
    }
}

impl DynamoDbEventLog {
    /// A page of where commits lie; those of one stream come in order, and in one segment. It reads what was written a second
    /// ago, and misses what is newer.
    ///
    /// # Errors
    /// The store could not do its work.
    pub async fn places(
        &self,
        segment: Segment,
        from: Option<Key>,
    ) -> Result<Page<Position>, StoreError> {
        let found = self
            .client
            .scan()
            .table_name(&self.events)
            .projection_expression("#stream, #version")
            .expression_attribute_names("#stream", STREAM)
            .expression_attribute_names("#version", VERSION)
            .segment(segment.index)
            .total_segments(segment.of)
            .set_exclusive_start_key(from)
            .send()
            .await
            .map_err(failure)?;
        let place = |item: HashMap<String, AttributeValue>| {
            let version = item.get(VERSION)?.as_n().ok()?.parse().ok()?;
            let stream = item.get(STREAM)?.as_s().ok()?.clone();
            Some(Position { stream, version })
        };
        let items = found.items.unwrap_or_default().into_iter();
        Ok(Page {
            // OK because an item without a version is none that was ever committed, and `verify` finds it.
            items: items.filter_map(place).collect(),
            next: found.last_evaluated_key,
        })
    }
}

/// A head that nothing is known of but its item.
fn decode_any(item: HashMap<String, AttributeValue>) -> Result<Head, StoreError> {
    let stream = item.get(STREAM).and_then(|stream| stream.as_s().ok());
    let stream = stream.cloned().unwrap_or_default();
    decode(&stream, item)
}

/// A head as the index has it; one that was written before there was an index has no place in it.
fn read(item: &HashMap<String, AttributeValue>) -> Option<Seen> {
    let text = |name| item.get(name).and_then(|value| value.as_s().ok());
    let version = item.get(VERSION).and_then(|version| version.as_n().ok());
    Some(Seen {
        stream: text(STREAM)?.clone(),
        version: version?.parse().ok()?,
        at: text(SEEN).cloned().unwrap_or_default(),
    })
}
