//! What happened at a time, in whatever stream: rows of the read model `timeline`, newest first, and the events that they speak of.

use crate::{unreadable, view};
use chrono::{DateTime, NaiveDate, Utc};
use domain::timeline::{Marked, day};
use event_store::{EventLog, StoreError, rfc3339};
use futures_util::future::try_join_all;
use read_model::{Cursor, Documents, ReadModelError, Row, merged};
use serde_json::{Value, json};
use std::collections::HashSet;

/// How many rows one page looks at; then it is a shorter one.
const ROWS: usize = 1000;
/// How many events are read side by side.
const SIDE_BY_SIDE: usize = 16;

/// Which rows are looked at, and how many make a page.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The first moment.
    pub from: DateTime<Utc>,
    /// The last one.
    pub to: DateTime<Utc>,
    /// Where the page begins; at the last moment unless it is given.
    pub cursor: Option<Cursor>,
    /// How many rows it has at the most.
    pub limit: usize,
}

/// The rows of a page that are asked for, newest first, and where those after them begin. It takes a query for each partition of
/// each day, at least.
///
/// # Errors
/// The store failed.
pub async fn marked(
    documents: &impl Documents,
    span: &Span,
    is_asked_for: impl Fn(&Marked<'_>) -> bool,
) -> Result<(Vec<String>, Option<Cursor>), ReadModelError> {
    // OK because what follows a timestamp in a row's key is smaller than a tilde, and so the last moment is among them.
    let last = format!("{}~", rfc3339(span.to));
    let first = rfc3339(span.from);
    let cursor = span.cursor.as_ref();
    let cursor = cursor.map(|cursor| cursor.as_str().to_owned());
    let mut below = cursor.filter(|place| *place < last).unwrap_or(last);
    let (mut places, mut left) = (Vec::new(), ROWS);
    let is_due = |date: &NaiveDate| *date >= span.from.date_naive();
    let mut date = day(&below).parse().ok().filter(is_due);
    while let Some(today) = date {
        let wanted = (span.limit - places.len()).min(left);
        let list = today.to_string();
        let (rows, next) = merged(documents, &list, Some(&below), wanted).await?;
        left -= rows.len();
        for Row { sort, .. } in rows {
            if sort < first {
                return Ok((places, None));
            }
            below.clone_from(&sort);
            if Marked::of(&sort).is_some_and(|marked| is_asked_for(&marked)) {
                places.push(sort);
            }
        }
        if next.is_none() {
            // OK because all of an older day lies below what was seen of this one.
            date = today.pred_opt().filter(is_due);
        }
        if places.len() == span.limit || left == 0 {
            return Ok((places, date.map(|_| Cursor::new(below))));
        }
    }
    Ok((places, None))
}

/// The events that rows speak of, in their order, as [`view`] shows them. It takes a query for each.
///
/// # Errors
/// The store failed.
pub async fn happened(log: &impl EventLog, rows: &[String]) -> Result<Vec<Value>, StoreError> {
    let mut seen = HashSet::new();
    let mut marked: Vec<_> = rows.iter().filter_map(|row| Marked::of(row)).collect();
    // OK because an old event that is two of today's is one event still.
    marked.retain(|marked| seen.insert((marked.stream, marked.version)));
    let mut events = Vec::new();
    for some in marked.chunks(SIDE_BY_SIDE) {
        let read = some
            .iter()
            .map(async |marked| match event(log, *marked).await {
                // OK because one event that cannot be read hides no other.
                Err(StoreError::Corrupt { .. }) => Ok(Some(unreadable_event(*marked))),
                read => read,
            });
        events.extend(try_join_all(read).await?.into_iter().flatten());
    }
    Ok(events)
}

/// The event that a row speaks of, as it was stored.
async fn event(log: &impl EventLog, marked: Marked<'_>) -> Result<Option<Value>, StoreError> {
    let Marked {
        stream, version, ..
    } = marked;
    // OK because a commit begins at or before each of its versions, and the next one after them.
    let commits = log.newest(stream, 1..=version, 1).await?;
    for commit in &commits {
        let mut events = commit.events()?.into_iter().zip(commit.version..);
        if let Some((event, _)) = events.find(|(_, at)| *at == version) {
            let (stamp, metadata) = (commit.stamp()?, commit.metadata()?);
            let shown = view(commit, &metadata, stamp.timestamp, &event, version);
            return Ok(Some(shown));
        }
    }
    tracing::error!(
        stream,
        version,
        "an event of the timeline is not in its stream"
    );
    Ok(None)
}

/// What is known of an event that cannot be read.
fn unreadable_event(marked: Marked<'_>) -> Value {
    let Marked {
        timestamp,
        version,
        kind,
        stream,
    } = marked;
    let mut shown = unreadable(stream, version);
    (shown["type"], shown["timestamp"]) = (json!(kind), json!(timestamp));
    shown
}

#[cfg(test)]
mod tests;
