//! The port to wherever documents, their index rows and counters are kept.

use crate::{ReadModelError, compact};
use decider::Entry;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::future::Future;

/// Over how many partitions the keys of a generation are spread; each takes 1,000 write units a second. A generation keeps
/// those that it was begun with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shards {
    /// Of each list.
    pub lists: u8,
    /// Of the counters, by the document that counts: a counter in a transaction takes 2 units.
    pub counters: u8,
}

impl Default for Shards {
    fn default() -> Self {
        Self {
            lists: 4,
            counters: 16,
        }
    }
}

/// How much is added to each counter; none of the sums is zero. They are wider than what an event adds, so that no number
/// of events is too much for one.
pub type Counts = BTreeMap<String, i128>;

/// Keeps the documents of one generation of a read model.
pub trait Documents: Send + Sync {
    /// Over how many partitions its keys are spread.
    fn shards(&self) -> Shards {
        Shards::default()
    }

    /// The document with this id; `consistent` sees every write that was done before.
    fn get(
        &self,
        id: &str,
        consistent: bool,
    ) -> impl Future<Output = Result<Option<StoredDocument>, ReadModelError>> + Send;

    /// The documents with these ids, in any order; those that are not there are left out.
    fn get_all(
        &self,
        ids: &[String],
    ) -> impl Future<Output = Result<Vec<StoredDocument>, ReadModelError>> + Send;

    /// Writes a document over the one that was read, or where there was none, and adds to counters, of which there are
    /// at most [`MAX_COUNTERS`]: all of it, or nothing.
    ///
    /// # Errors
    /// [`ReadModelError::Conflict`] if another document is there, even one of our own whose reply was lost.
    fn put(
        &self,
        document: &StoredDocument,
        over: Option<&StoredDocument>,
        counts: &Counts,
    ) -> impl Future<Output = Result<(), ReadModelError>> + Send;

    /// Notes a failure of the moment on the document with this id, if it does not have the version by now and is not parked.
    /// Other writers do not see it: one that gets further removes it. Where nothing is noted, nothing is lost but the reason.
    fn note(
        &self,
        _id: &str,
        _trouble: &Trouble,
    ) -> impl Future<Output = Result<(), ReadModelError>> + Send {
        std::future::ready(Ok(()))
    }

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

    /// The counters whose names are not below `from` and not above `to`, as text; those that never counted are left out.
    fn counters(
        &self,
        from: &str,
        to: &str,
    ) -> impl Future<Output = Result<Counts, ReadModelError>> + Send;
}

/// A transaction takes 100 items, of which the document is one.
pub const MAX_COUNTERS: usize = 99;

/// A document beside what its keeping needs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoredDocument {
    /// The stream's id, or its name where other sources keep documents beside it.
    pub id: String,
    /// The version of the last event that was applied.
    pub applied: u64,
    /// The [`FOLD_VERSION`](decider::Projection::FOLD_VERSION) that it was made under; 0 where none was noted yet.
    #[serde(default, skip_serializing_if = "is_none_yet")]
    pub fold: u32,
    /// The document, in JSON; none before the first of today's events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// The index rows that it has, so that those of another fold can be removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "compact::rows")]
    pub rows: Vec<Row>,
    /// Index rows that are still to be written.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        with = "compact::changes"
    )]
    pub pending: Vec<RowChange>,
    /// Its events went into counters, and cannot be taken out again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub counted: bool,
    /// What keeps the events after `applied` from it, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
}

/// Why a stream is behind for one consumer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// The version of the event that could not be applied.
    pub version: u64,
    /// What was said of it; nothing personal.
    pub why: String,
    /// Since when: RFC 3339 in UTC.
    pub since: String,
    /// How often it was tried.
    pub attempts: u32,
    /// The build that parked the stream: messages wait for a redrive or another build. None where the next message may
    /// bring it on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked_by: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_none_yet(fold: &u32) -> bool {
    *fold == 0
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
    /// The sort key; it ends in the id of the document.
    pub sort: String,
}

impl Row {
    /// The row of `entry` for the document with this id.
    pub fn of(entry: &Entry, id: &str, shards: Shards) -> Self {
        match entry {
            Entry::Listed { list, sort } => Self {
                partition: list_partition(list, shard(id, shards.lists)),
                sort: format!("{sort}#{id}"),
            },
            Entry::Found { by, value } => Self {
                partition: format!("{by}#{value}"),
                sort: format!("#{id}"),
            },
        }
    }

    /// The id of the document that it leads to.
    pub fn id(&self) -> &str {
        self.sort
            .rsplit_once('#')
            .map_or(self.sort.as_str(), |(_, id)| id)
    }
}

/// Which of so many partitions a document's part is in.
pub(crate) fn shard(id: &str, shards: u8) -> u8 {
    id.bytes().fold(0, u8::wrapping_add) % shards
}

/// The partitions that a list is spread over.
pub(crate) fn list_partitions(list: &str, shards: Shards) -> impl Iterator<Item = String> {
    (0..shards.lists).map(move |shard| list_partition(list, shard))
}

fn list_partition(list: &str, shard: u8) -> String {
    format!("list#{list}#{shard}")
}

impl RowChange {
    /// What has to change for a document that has the rows `before` to have the rows `after`.
    pub fn between(before: &[Row], after: &[Row]) -> Vec<Self> {
        let come = after.iter().filter(|row| !before.contains(row)).cloned();
        let go = before.iter().filter(|row| !after.contains(row)).cloned();
        come.map(Self::come).chain(go.map(Self::gone)).collect()
    }

    /// A row that comes.
    pub(crate) fn come(row: Row) -> Self {
        Self { row, gone: false }
    }

    /// A row that goes.
    pub(crate) fn gone(row: Row) -> Self {
        Self { row, gone: true }
    }
}
