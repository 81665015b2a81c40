//! Lists of documents: a page is merged from the shards of a list, newest first.

use crate::documents::list_partitions;
use crate::parking::Poison;
use crate::progress::Progress;
use crate::project::stream;
use crate::{Documents, ReadModelError, Row, StoredDocument};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use decider::{Decider, Entry, Projection};
use event_store::EventLog;
use futures_util::future::try_join_all;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::error::Error;

/// The longest sort key that DynamoDB takes, in bytes.
const LONGEST: usize = 1024;

/// Where the next page begins; opaque to callers, and stable while documents come and go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    /// A cursor at this place; the text holds a `#`.
    pub fn new(place: String) -> Self {
        Self(place)
    }

    /// The place.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads what [`Cursor::to_text`] wrote; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let sort = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        (sort.contains('#') && sort.len() <= LONGEST).then_some(Self(sort))
    }

    /// The cursor in characters that may stand in a URL.
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.0)
    }
}

/// Part of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<D> {
    /// Newest first.
    pub documents: Vec<D>,
    /// Where the next page begins, if there may be one.
    pub next: Option<Cursor>,
}

/// A page of at most `limit` documents of the list, those after `cursor`.
///
/// # Errors
/// The store failed, or a document cannot be read.
pub async fn listed<P>(
    log: &impl EventLog,
    documents: &impl Documents,
    list: &str,
    cursor: Option<&Cursor>,
    limit: usize,
) -> Result<Page<P::Document>, ReadModelError>
where
    P: Projection<
            Source: Decider<Event: DeserializeOwned>,
            Document: DeserializeOwned,
            Error: Error + Send + Sync + 'static,
        >,
{
    let mut page = Page {
        documents: Vec::new(),
        next: cursor.cloned(),
    };
    while page.documents.len() < limit {
        let wanted = limit - page.documents.len();
        let below = page.next.as_ref().map(Cursor::as_str);
        let (rows, next) = merged(documents, list, below, wanted).await?;
        page.next = next;
        page.documents
            .extend(behind::<P>(log, documents, &rows).await?);
        if page.next.is_none() {
            break;
        }
    }
    Ok(page)
}

/// At most `limit` rows of a list below `below`, merged from its shards, and where the next ones begin.
pub(crate) async fn merged(
    documents: &impl Documents,
    list: &str,
    below: Option<&str>,
    limit: usize,
) -> Result<(Vec<Row>, Option<Cursor>), ReadModelError> {
    // OK because one row more than is wanted tells whether there is another page.
    let partitions: Vec<_> = list_partitions(list, documents.shards()).collect();
    let shards = partitions
        .iter()
        .map(|partition| documents.rows(partition, below, limit + 1));
    let mut rows = try_join_all(shards).await?.concat();
    rows.sort_unstable_by(|a, b| b.sort.cmp(&a.sort));
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more);
    let next = next.map(|row| Cursor(row.sort.clone()));
    Ok((rows, next))
}

/// The documents that are found by an exact value; there are few.
///
/// # Errors
/// As [`listed`].
pub async fn found<P>(
    log: &impl EventLog,
    documents: &impl Documents,
    entry: &Entry,
) -> Result<Vec<P::Document>, ReadModelError>
where
    P: Projection<
            Source: Decider<Event: DeserializeOwned>,
            Document: DeserializeOwned,
            Error: Error + Send + Sync + 'static,
        >,
{
    const FEW: usize = 100;
    let rows = documents
        .rows(&Row::of(entry, "", documents.shards()).partition, None, FEW)
        .await?;
    behind::<P>(log, documents, &rows).await
}

/// The documents that rows lead to, in their order. A row that its document no longer has is about to leave.
async fn behind<P>(
    log: &impl EventLog,
    documents: &impl Documents,
    rows: &[Row],
) -> Result<Vec<P::Document>, ReadModelError>
where
    P: Projection<
            Source: Decider<Event: DeserializeOwned>,
            Document: DeserializeOwned,
            Error: Error + Send + Sync + 'static,
        >,
{
    let ids: Vec<String> = rows.iter().map(|row| row.id().to_owned()).collect();
    let stored = documents.get_all(&ids).await?;
    let read = stored.iter().map(|stored| read::<P>(log, stored));
    let read = try_join_all(read).await?.into_iter().flatten();
    let mut by_id: HashMap<_, _> = read.collect();
    Ok(rows
        .iter()
        .filter_map(|row| {
            let document = by_id.remove(row.id())?;
            P::entries(&document)
                .iter()
                .any(|entry| Row::of(entry, row.id(), documents.shards()) == *row)
                .then_some(document)
        })
        .collect())
}

/// A stored document with its id. One of another fold is folded anew, up to where it was: until each was announced
/// again, a list would be all but empty without them. One that cannot be is left out, and holds up no other.
async fn read<'s, P>(
    log: &impl EventLog,
    stored: &'s StoredDocument,
) -> Result<Option<(&'s str, P::Document)>, ReadModelError>
where
    P: Projection<
            Source: Decider<Event: DeserializeOwned>,
            Document: DeserializeOwned,
            Error: Error + Send + Sync + 'static,
        >,
{
    let mut progress = Progress::<P>::after(Some(stored))?;
    if progress.applied < stored.applied {
        let stream = stream::<P>(&stored.id);
        let (anew, poison) = Progress::advance(Some(stored), log, &stream, stored.applied).await?;
        if let Some(Poison { version, why }) = poison {
            tracing::warn!(stream, version, why, "left out of a list");
            return Ok(None);
        }
        progress = anew;
    }
    Ok(progress
        .document
        .map(|document| (stored.id.as_str(), document)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let cursor = Cursor::new("2026-11-21T04:33:59.810629Z#01a1".into());
        assert_eq!(Cursor::parse(&cursor.to_text()), Some(cursor));
    }

    #[test]
    fn what_no_page_has_given_out_is_no_cursor() {
        let long = Cursor::new(format!("{}#", "x".repeat(LONGEST)));
        for text in ["", "!", "bm8gaGFzaA", &long.to_text()] {
            assert_eq!(Cursor::parse(text), None, "{text}");
        }
    }
}
