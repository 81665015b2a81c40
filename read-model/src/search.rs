//! A search: candidates come from the lists of another read model, and each is judged by its own document.

use crate::list::{by_id, merged};
use crate::project::document_id;
use crate::{Cursor, Documents, Page, ReadModelError, Row};
use decider::{Decider, Projection};
use event_store::EventLog;
use futures_util::future::try_join_all;
use serde::de::DeserializeOwned;
use std::error::Error;

/// How many candidates one page looks at, so that it takes at most 50 read units: half a unit for the document of each, half a
/// one to see how far that is behind, and those of the lists. When none is left the page is a shorter one.
pub const CANDIDATES: usize = 40;
/// How many more are looked at together, once the first few were not enough.
const MORE: usize = 20;

/// What is searched for.
pub struct Wanted<'a, M> {
    /// Lists of which each holds all that match, in the same order: the shortest is followed.
    pub lists: &'a [String],
    /// Whether a document is one.
    pub matches: M,
    /// Where the page begins.
    pub cursor: Option<&'a Cursor>,
    /// How many documents it has at most.
    pub limit: usize,
}

/// A page of the documents that match, newest first. It may be short, or empty, and have others after it. The rows of
/// `index` bear the names of streams.
///
/// # Errors
/// As [`listed`](crate::listed).
pub async fn search<P>(
    log: &impl EventLog,
    documents: &impl Documents,
    index: &impl Documents,
    wanted: &Wanted<'_, impl Fn(&P::Document) -> bool>,
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
        next: None,
    };
    let below = wanted.cursor.map(Cursor::as_str);
    let first = wanted.limit.min(CANDIDATES);
    let probes = wanted.lists.iter().map(async |list| {
        let (rows, next) = merged(index, list, below, first).await?;
        Ok::<_, ReadModelError>((list, rows, next))
    });
    let probes = try_join_all(probes).await?.into_iter();
    let Some((list, mut candidates, mut next)) = probes.min_by(reach) else {
        return Ok(page);
    };
    let mut left = CANDIDATES;
    loop {
        left -= candidates.len();
        let ids: Vec<_> = candidates.iter().map(id::<P>).collect();
        let mut found = by_id::<P>(log, documents, &ids).await?;
        let last = candidates.len();
        for ((row, id), at) in candidates.iter().zip(&ids).zip(1..) {
            let document = found.remove(id);
            page.documents
                .extend(document.filter(|document| (wanted.matches)(document)));
            if page.documents.len() == wanted.limit {
                let more = at < last || next.is_some();
                page.next = more.then(|| Cursor::new(row.sort.clone()));
                return Ok(page);
            }
        }
        if next.is_none() || left == 0 {
            page.next = next;
            return Ok(page);
        }
        let below = next.as_ref().map(Cursor::as_str);
        (candidates, next) = merged(index, list, below, left.min(MORE)).await?;
    }
}

type Probe<'a> = (&'a String, Vec<Row>, Option<Cursor>);

/// Of pages that are equally long, the one of the shorter list reaches further back; one that is all of it, to the end.
fn reach(one: &Probe<'_>, other: &Probe<'_>) -> std::cmp::Ordering {
    let end = |(_, rows, next): &Probe<'_>| {
        (
            next.clone().map(|next| next.as_str().to_owned()),
            rows.len(),
        )
    };
    end(one).cmp(&end(other))
}

fn id<P: Projection>(row: &Row) -> String {
    document_id::<P>(row.id()).to_owned()
}
