//! How far a consumer has walked along the streams that were seen: one item for each generation and shard, in the consumer's
//! own table, and deleted with the generation.

use crate::dynamodb::{Item, PARTITION, SORT, failure, text};
use crate::generations::STARTED;
use crate::{Generation, ReadModelError, ReadModelTable, Row, documents};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use serde::{Deserialize, Serialize};

/// The partition of a generation's checkpoints.
const WALK: &str = "walk";

/// Where the walk along one shard stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Which shard.
    pub shard: u8,
    /// The last place of the index that was looked at.
    pub seen: String,
    /// How many places were.
    pub walked: u64,
    /// Streams before that place that failed for the time being, and are tried again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owed: Vec<Owed>,
    /// There was more to walk along when it was written.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_under_way: bool,
    /// When it was written: RFC 3339 in UTC.
    pub at: String,
    /// Goes up with every write of this item.
    pub revision: u64,
}

/// A stream that a walk has passed, and that is not as far as it was seen to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    /// Its name.
    pub stream: String,
    /// How far it was seen to be.
    pub version: u64,
    /// How often it was tried.
    pub attempts: u32,
    /// What was said the last time; nothing personal.
    pub why: String,
}

impl ReadModelTable {
    /// The checkpoints of a generation, by shard; shards that nobody has walked along are left out.
    ///
    /// # Errors
    /// The store failed.
    pub async fn checkpoints(
        &self,
        generation: Generation,
    ) -> Result<Vec<Checkpoint>, ReadModelError> {
        // OK because they are few and short: one page has them all, and more pages are read all the same.
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("#pk = :walk")
            .expression_attribute_names("#pk", PARTITION)
            .expression_attribute_values(":walk", text(generation.key(WALK)))
            .into_paginator()
            .items()
            .send();
        let mut checkpoints = Vec::new();
        while let Some(item) = pages.next().await {
            let item = item.map_err(failure)?;
            checkpoints.push(serde_dynamo::from_item(item).map_err(|why| {
                ReadModelError::Corrupt {
                    document: WALK.to_owned(),
                    why: why.into(),
                }
            })?);
        }
        Ok(checkpoints)
    }

    /// Writes a checkpoint over the one that was read, of which it has the revision; `false` if another walk has moved it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn advance(
        &self,
        generation: Generation,
        checkpoint: &mut Checkpoint,
    ) -> Result<bool, ReadModelError> {
        let known = checkpoint.revision;
        checkpoint.revision += 1;
        let mut item: Item = serde_dynamo::to_item(&*checkpoint).map_err(failure)?;
        item.insert(PARTITION.to_owned(), text(generation.key(WALK)));
        item.insert(SORT.to_owned(), text(format!("{:03}", checkpoint.shard)));
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item));
        let put = match known {
            0 => put
                .condition_expression("attribute_not_exists(#pk)")
                .expression_attribute_names("#pk", PARTITION),
            known => put
                .condition_expression("#revision = :known")
                .expression_attribute_names("#revision", "revision")
                .expression_attribute_values(
                    ":known",
                    aws_sdk_dynamodb::types::AttributeValue::N(known.to_string()),
                ),
        };
        let Err(error) = put.send().await else {
            return Ok(true);
        };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(failure(error)),
        }
    }

    /// Since when there is this table: the first time that it was asked for decides, and is `now` then.
    ///
    /// # Errors
    /// The store failed.
    pub async fn start(&self, now: &str) -> Result<String, ReadModelError> {
        if let Some(started) = self.started().await? {
            return Ok(started);
        }
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .item(PARTITION, text(STARTED))
            .item(SORT, text(STARTED))
            .item(AT, text(now))
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", PARTITION);
        let Err(error) = put.send().await else {
            return Ok(now.to_owned());
        };
        match error.as_service_error() {
            // OK because nobody takes it away again.
            Some(PutItemError::ConditionalCheckFailedException(_)) => {
                Ok(self.started().await?.unwrap_or_else(|| now.to_owned()))
            }
            _ => Err(failure(error)),
        }
    }

    /// The moment that [`ReadModelTable::start`] noted, if it did: a consumer with effects outside leaves out what is older.
    ///
    /// # Errors
    /// The store failed.
    pub async fn started(&self) -> Result<Option<String>, ReadModelError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .consistent_read(true)
            .key(PARTITION, text(STARTED))
            .key(SORT, text(STARTED))
            .send()
            .await
            .map_err(failure)?;
        let at = found
            .item
            .and_then(|item| item.get(AT)?.as_s().ok().cloned());
        Ok(at)
    }

    /// The ids of all documents in a list of a generation, in the order of no document.
    ///
    /// # Errors
    /// The store failed.
    pub async fn ids(
        &self,
        generation: Generation,
        list: &str,
    ) -> Result<Vec<String>, ReadModelError> {
        /// How many rows are read at a time.
        const PAGE: usize = 1000;
        let documents = self.documents(generation);
        let mut ids = Vec::new();
        for partition in documents::list_partitions(list, generation.shards) {
            let mut below = None;
            loop {
                let rows =
                    crate::Documents::rows(&documents, &partition, below.as_deref(), PAGE).await?;
                let is_last = rows.len() < PAGE;
                below = rows.last().map(|row| row.sort.clone());
                ids.extend(rows.iter().map(Row::id).map(str::to_owned));
                if is_last {
                    break;
                }
            }
        }
        Ok(ids)
    }
}

const AT: &str = "at";
