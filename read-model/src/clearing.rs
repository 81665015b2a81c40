//! Deletes the items of a generation that nobody writes any more, in slices, each of which goes on where the last one ended.

use crate::dynamodb::{Item, PARTITION, SORT, failure, text};
use crate::generations::CLEARING;
use crate::{Generation, ReadModelError, ReadModelTable};
use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, WriteRequest};
use chrono::Utc;
use event_store::rfc3339;
use std::collections::HashMap;
use std::time::Instant;

/// How far a slice got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleared {
    /// Nothing is left.
    All,
    /// The time was up.
    Some,
}

/// How many items one BatchWriteItem takes.
const BATCH: usize = 25;

impl ReadModelTable {
    /// Deletes items of a generation until none is left, or the time is up. It reads the whole table, of which no key begins
    /// with a generation: half a read unit for 4 KB, and a write unit for each KB deleted.
    ///
    /// # Errors
    /// The store failed; the next call goes on where this one was.
    pub async fn clear(
        &self,
        generation: Generation,
        until: Instant,
    ) -> Result<Cleared, ReadModelError> {
        let noted = self.noted(generation).await?;
        let mut from = noted.and_then(|noted| noted.get(TO)?.as_m().ok().cloned());
        loop {
            let page = self
                .client
                .scan()
                .table_name(&self.table)
                .projection_expression("#pk, #sk")
                .expression_attribute_names("#pk", PARTITION)
                .expression_attribute_names("#sk", SORT)
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(failure)?;
            let of_it = |item: &Item| {
                let partition = item.get(PARTITION).and_then(|key| key.as_s().ok());
                partition.is_some_and(|partition| generation.has(partition))
            };
            let keys: Vec<_> = page
                .items
                .unwrap_or_default()
                .into_iter()
                .filter(of_it)
                .collect();
            for keys in keys.chunks(BATCH) {
                self.delete(keys).await?;
            }
            from = page.last_evaluated_key;
            let Some(to) = &from else {
                self.delete(&[place(generation)]).await?;
                return Ok(Cleared::All);
            };
            if Instant::now() >= until {
                self.note_cleared(generation, to).await?;
                return Ok(Cleared::Some);
            }
        }
    }

    async fn delete(&self, keys: &[Item]) -> Result<(), ReadModelError> {
        let requests = keys.iter().map(|key| {
            let delete = DeleteRequest::builder().set_key(Some(key.clone())).build();
            delete.map(|delete| WriteRequest::builder().delete_request(delete).build())
        });
        let requests: Result<Vec<_>, _> = requests.collect();
        let mut left = HashMap::from([(self.table.clone(), requests.map_err(failure)?)]);
        for attempt in 0.. {
            if left.is_empty() {
                break;
            }
            if attempt > 0 {
                crate::counters::pause(u32::min(attempt, 6)).await;
            }
            let answer = self
                .client
                .batch_write_item()
                .set_request_items(Some(left))
                .send()
                .await
                .map_err(failure)?;
            left = answer.unprocessed_items.unwrap_or_default();
        }
        Ok(())
    }

    /// When a slice noted how far it got, if there is more to delete: RFC 3339 in UTC.
    ///
    /// # Errors
    /// The store failed.
    pub async fn cleared_at(
        &self,
        generation: Generation,
    ) -> Result<Option<String>, ReadModelError> {
        let noted = self.noted(generation).await?;
        Ok(noted.and_then(|noted| noted.get(AT)?.as_s().ok().cloned()))
    }

    async fn noted(&self, generation: Generation) -> Result<Option<Item>, ReadModelError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .consistent_read(true)
            .set_key(Some(place(generation)))
            .send()
            .await
            .map_err(failure)?;
        Ok(found.item)
    }

    async fn note_cleared(&self, generation: Generation, to: &Item) -> Result<(), ReadModelError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(place(generation)))
            .item(TO, AttributeValue::M(to.clone()))
            .item(AT, text(rfc3339(Utc::now())));
        put.send().await.map(drop).map_err(failure)
    }
}

/// Up to which key its items are gone.
const TO: &str = "to";
/// When that was noted.
const AT: &str = "at";

fn place(generation: Generation) -> Item {
    Item::from([
        (PARTITION.to_owned(), text(CLEARING)),
        (SORT.to_owned(), text(generation.number.to_string())),
    ])
}
