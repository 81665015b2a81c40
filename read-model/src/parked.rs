//! The streams that are parked, of one consumer, those that have waited least first.

use crate::documents::list_partitions;
use crate::{Cursor, Documents, Page, ReadModelError, StoredDocument};
use futures_util::future::try_join_all;
use std::collections::HashMap;

/// The list of documents whose streams are parked, ordered by since when.
pub const PARKED: &str = "parked";

/// A page of at most `limit` documents whose streams are parked, those after `cursor`.
///
/// # Errors
/// The store failed, or a document cannot be read.
pub async fn parked(
    documents: &impl Documents,
    cursor: Option<&Cursor>,
    limit: usize,
) -> Result<Page<StoredDocument>, ReadModelError> {
    let partitions: Vec<_> = list_partitions(PARKED, documents.shards()).collect();
    let below = cursor.map(Cursor::as_str);
    // OK because one row more than is wanted tells whether there is another page.
    let rows = partitions
        .iter()
        .map(|partition| documents.rows(partition, below, limit + 1));
    let mut rows = try_join_all(rows).await?.concat();
    rows.sort_unstable_by(|a, b| b.sort.cmp(&a.sort));
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more);
    let next = next.map(|row| Cursor::new(row.sort.clone()));
    let ids: Vec<_> = rows.iter().map(|row| row.id().to_owned()).collect();
    let stored = documents.get_all(&ids).await?;
    let mut by_id: HashMap<_, _> = stored
        .into_iter()
        .map(|stored| (stored.id.clone(), stored))
        .collect();
    let is_parked = |stored: &StoredDocument| {
        let trouble = stored.trouble.as_ref();
        trouble.is_some_and(|trouble| trouble.parked_by.is_some())
    };
    // OK because a row whose document is parked no longer is about to leave.
    let documents = ids.iter().filter_map(|id| by_id.remove(id));
    Ok(Page {
        documents: documents.filter(is_parked).collect(),
        next,
    })
}
