//! The port to wherever documents and their index rows are kept.

use crate::ReadModelError;
use decider::Entry;
use serde::{Deserialize, Serialize};
use std::future::Future;

/// Over how many partitions a list is spread; each takes 1,000 writes a second. Never changed without a rebuild.
const SHARDS: u8 = 4;

/// Keeps the documents of one read model.
pub trait Documents: Send + Sync {
    /// The document of the stream with this id; `consistent` sees every write that was done before.
    fn get(
        &self,
        id: &str,
        consistent: bool,
    ) -> impl Future<Output = Result<Option<StoredDocument>, ReadModelError>> + Send;

    /// The documents of these streams, in any order; those that are not there are left out.
    fn get_all(
        &self,
        ids: &[String],
    ) -> impl Future<Output = Result<Vec<StoredDocument>, ReadModelError>> + Send;

    /// Writes a document over the one that had applied the version `over`; 0 stands for none.
    ///
    /// # Errors
    /// [`ReadModelError::Conflict`] if that is not the one that is there.
    fn put(
        &self,
        document: &StoredDocument,
        over: u64,
    ) -> impl Future<Output = Result<(), ReadModelError>> + Send;

    /// Writes the index rows that a document lists as pending, and then that they are done. A row that a later
    /// version has written stays as it is, so that doing it twice, or too late, does no harm.
    fn settle(
        &self,
        document: &StoredDocument,
    ) -> impl Future<Output = Result<(), ReadModelError>> + Send;

    /// At most `limit` rows of a partition, greatest sort key first, all of them below `below`.
    fn rows(
        &self,
        partition: &str,
        below: Option<&str>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Row>, ReadModelError>> + Send;
}

/// A document beside what its keeping needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredDocument {
    /// The stream's id.
    pub id: String,
    /// The version of the last event that was applied.
    pub applied: u64,
    /// The document, in JSON.
    pub document: String,
    /// Index rows that are still to be written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<RowChange>,
}

/// An index row that comes or goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowChange {
    /// Where the row is.
    pub row: Row,
    /// The row leaves. A mark of it stays for a while, so that a late writer cannot bring it back.
    pub gone: bool,
}

/// The key of an index row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Row {
    /// The partition key.
    pub partition: String,
    /// The sort key; it ends in the id of the stream.
    pub sort: String,
}

impl Row {
    /// The row of `entry` for the stream with this id.
    pub fn of(entry: &Entry, id: &str) -> Self {
        match entry {
            Entry::Listed { list, sort } => {
                let shard = id.bytes().fold(0, u8::wrapping_add) % SHARDS;
                Self {
                    partition: list_partition(list, shard),
                    sort: format!("{sort}#{id}"),
                }
            }
            Entry::Found { by, value } => Self {
                partition: format!("{by}#{value}"),
                sort: format!("#{id}"),
            },
        }
    }

    /// The id of the stream that it leads to.
    pub fn id(&self) -> &str {
        self.sort
            .rsplit_once('#')
            .map_or(self.sort.as_str(), |(_, id)| id)
    }
}

/// The partitions that a list is spread over.
pub(crate) fn list_partitions(list: &str) -> impl Iterator<Item = String> {
    (0..SHARDS).map(move |shard| list_partition(list, shard))
}

fn list_partition(list: &str, shard: u8) -> String {
    format!("list#{list}#{shard}")
}

impl RowChange {
    /// What has to change for a document that was found by `before` to be found by `after`.
    pub fn between(before: &[Entry], after: &[Entry], id: &str) -> Vec<Self> {
        let come = after
            .iter()
            .filter(|entry| !before.contains(entry))
            .map(|entry| (entry, false));
        let go = before
            .iter()
            .filter(|entry| !after.contains(entry))
            .map(|entry| (entry, true));
        come.chain(go)
            .map(|(entry, gone)| Self {
                row: Row::of(entry, id),
                gone,
            })
            .collect()
    }
}
