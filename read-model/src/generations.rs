//! The generations of a read model: one is shown, one may be in the making, and the one before may be kept to go back to. One
//! item names them, so that a switch is one write. Projections write them all.

use crate::dynamodb::{Item, PARTITION, SORT, failure, text};
use crate::{DynamoDbDocuments, ReadModelError, Shards};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// How long queries go on with the generation that they found live. Whatever is no longer live is still written for as long as
/// it is kept.
const SHOWN_FOR: Duration = Duration::from_secs(2);

/// One generation of a read model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// Begins all of its keys; the first, 0, begins none.
    pub number: u32,
    /// Over how many partitions its keys are spread.
    pub shards: Shards,
}

/// A generation in the making.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Building {
    /// Which one.
    pub generation: Generation,
    /// The stream that says who asked for it, and why: `ops-<uuid>`.
    pub rebuild: String,
    /// Since when it is written: RFC 3339 in UTC. It holds everything once all that was published until then is applied.
    pub since: String,
}

/// A generation that nobody writes any more; its items are to be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// Which one.
    pub generation: Generation,
    /// Since when: RFC 3339 in UTC. Whoever was at work then may still write some of it.
    pub since: String,
}

/// Which generations there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generations {
    /// The one that queries show.
    pub live: Generation,
    /// The one in the making.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub building: Option<Building>,
    /// The one that was live before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Generation>,
    /// Those that are being deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<Gone>,
    /// The streams of rebuilds that are to begin when no other is being built, in the order in which they were heard of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<String>,
    /// The stream of the rebuild that each number was given to, so that none is begun twice.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub made: BTreeMap<u32, String>,
    /// The greatest number that was ever given to one.
    #[serde(default)]
    pub last: u32,
    /// Goes up with every write of this item.
    #[serde(default)]
    pub revision: u64,
}

impl Generation {
    /// A key of this generation.
    pub(crate) fn key(self, key: &str) -> String {
        match self.number {
            0 => key.to_owned(),
            number => format!("g{number}/{key}"),
        }
    }

    /// Whether a key is one of this generation, and not of another one, or of all of them.
    pub(crate) fn has(self, key: &str) -> bool {
        let number = key
            .strip_prefix('g')
            .and_then(|key| key.split_once('/'))
            .and_then(|(number, _)| number.parse::<u32>().ok());
        let is_of_all = [KEY, STARTED, CLEARING].contains(&key);
        number.unwrap_or(0) == self.number && !is_of_all
    }
}

impl Generations {
    /// All that projections write.
    pub fn written(&self) -> impl Iterator<Item = Generation> {
        let building = self.building.as_ref().map(|building| building.generation);
        [Some(self.live), building, self.kept].into_iter().flatten()
    }
}

/// The table of a read model, with all generations.
#[derive(Clone, Debug)]
pub struct ReadModelTable {
    pub(crate) client: Client,
    pub(crate) table: String,
    shown: Arc<Mutex<Option<(SystemTime, Generation)>>>,
}

impl ReadModelTable {
    /// The table of this name.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
            shown: Arc::default(),
        }
    }

    /// One of its generations.
    pub fn documents(&self, generation: Generation) -> DynamoDbDocuments {
        DynamoDbDocuments::of(self.client.clone(), &self.table, generation)
    }

    /// The generation that queries show. It may be one that was live a moment ago, which is written all the same.
    ///
    /// # Errors
    /// The store failed.
    pub async fn live(&self) -> Result<DynamoDbDocuments, ReadModelError> {
        let known = *self
            .shown
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        // OK because it is no `Instant`: one may stand still while a sandbox is frozen, for hours.
        let is_fresh = |since: SystemTime| since.elapsed().is_ok_and(|ago| ago < SHOWN_FOR);
        if let Some((_, generation)) = known.filter(|(since, _)| is_fresh(*since)) {
            return Ok(self.documents(generation));
        }
        let live = self.generations().await?.live;
        *self
            .shown
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner()) = Some((SystemTime::now(), live));
        Ok(self.documents(live))
    }

    /// Which generations there are, as the last write left them.
    ///
    /// # Errors
    /// The store failed.
    pub async fn generations(&self) -> Result<Generations, ReadModelError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .consistent_read(true)
            .set_key(Some(key()))
            .send()
            .await
            .map_err(failure)?;
        let read = found.item.map(serde_dynamo::from_item).transpose();
        read.map(Option::unwrap_or_default)
            .map_err(|why| ReadModelError::Corrupt {
                document: KEY.to_owned(),
                why: why.into(),
            })
    }

    /// Puts `next` in place of the generations that were read, with the revision after theirs.
    ///
    /// # Errors
    /// [`ReadModelError::Conflict`] when others are there by now.
    pub async fn put(
        &self,
        next: Generations,
        in_place_of: &Generations,
    ) -> Result<Generations, ReadModelError> {
        let next = Generations {
            revision: in_place_of.revision + 1,
            ..next
        };
        let mut item: Item = serde_dynamo::to_item(&next).map_err(failure)?;
        item.extend(key());
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .expression_attribute_names("#revision", "revision");
        let put = match in_place_of.revision {
            0 => put.condition_expression("attribute_not_exists(#revision)"),
            revision => put
                .condition_expression("#revision = :revision")
                .expression_attribute_values(":revision", AttributeValue::N(revision.to_string())),
        };
        let Err(error) = put.send().await else {
            return Ok(next);
        };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => {
                // Our own write whose reply was lost is no conflict.
                if self.generations().await? == next {
                    return Ok(next);
                }
                Err(ReadModelError::Conflict)
            }
            _ => Err(failure(error)),
        }
    }
}

/// The partition of the item that names the generations.
const KEY: &str = "generations";
/// The partition of the item that says since when there is this table.
pub(crate) const STARTED: &str = "started";
/// The partition of the items that say how far the deletion of generations is.
pub(crate) const CLEARING: &str = "clearing";

fn key() -> Item {
    Item::from([
        (PARTITION.to_owned(), text(KEY)),
        (SORT.to_owned(), text(KEY)),
    ])
}
