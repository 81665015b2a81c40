//! What happened, in whatever stream: rows of the read model `timeline`, newest first, and the events that they speak of.

use crate::event::{Event, Happened};
use anyhow::Context;
use chrono::{DateTime, NaiveDate, Utc};
use domain::timeline::{Marked, NAME, day};
use event_store::{EventLog, StoreError, rfc3339, stream_category};
use futures_util::{StreamExt, TryStreamExt, stream};
use past::{unreadable, view};
use read_model::{Documents, ReadModelError, Row, merged};
use serde_json::json;
use std::collections::BTreeSet;

/// How many rows are read at a time.
const PAGE: usize = 100;
/// How many events are read side by side.
const SIDE_BY_SIDE: usize = 16;

/// Which events are asked for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of one of these types; of any, if none is named.
    pub types: Vec<String>,
    /// In one of these streams.
    pub streams: Vec<String>,
    /// In a stream of one of these categories.
    pub categories: Vec<String>,
    /// Of one of these actors.
    pub actors: Vec<String>,
}

impl Filter {
    /// What a row says is enough to leave out most.
    fn lets_through(&self, marked: &Marked<'_>) -> bool {
        let is_among = |wanted: &[String], found: &str| {
            wanted.is_empty() || wanted.iter().any(|wanted| wanted == found)
        };
        is_among(&self.types, marked.kind)
            && is_among(&self.streams, marked.stream)
            && is_among(&self.categories, stream_category(marked.stream))
    }

    fn lets_event_through(&self, event: &Event) -> bool {
        self.actors.is_empty() || self.actors.iter().any(|actor| event.is_of(actor))
    }
}

/// The rows between two moments, both inclusive, newest first: at most `limit` of those that the filter lets through, and whether
/// there are more. It costs a query for each partition of each day.
///
/// # Errors
/// The store failed.
pub async fn rows(
    documents: &impl Documents,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    filter: &Filter,
    limit: usize,
) -> Result<(Vec<String>, bool), ReadModelError> {
    // OK because what follows a timestamp in a row's key is smaller than a tilde, and so the last moment is among them.
    let (first, mut below) = (rfc3339(from), format!("{}~", rfc3339(to)));
    let mut rows = Vec::new();
    // An old event that is two of today's is one event still.
    let mut seen = BTreeSet::new();
    let mut date: Option<NaiveDate> = day(&below).parse().ok();
    while let Some(today) = date.filter(|date| *date >= from.date_naive()) {
        let list = today.to_string();
        let (page, next) = merged(documents, &list, Some(&below), PAGE).await?;
        for Row { sort, .. } in page {
            if sort < first {
                return Ok((rows, false));
            }
            below.clone_from(&sort);
            let Some(marked) = Marked::of(&sort).filter(|marked| filter.lets_through(marked))
            else {
                continue;
            };
            if !seen.insert((marked.stream.to_owned(), marked.version)) {
                continue;
            }
            if rows.len() == limit {
                return Ok((rows, true));
            }
            rows.push(sort);
        }
        if next.is_none() {
            // OK because all of an older day lies below what was seen of this one.
            date = today.pred_opt();
        }
    }
    Ok((rows, false))
}

/// The events that rows speak of, in their order, as far as the filter lets them through. It costs a query for each.
///
/// # Errors
/// The store failed.
pub async fn events(
    log: &impl EventLog,
    rows: &[String],
    filter: &Filter,
) -> anyhow::Result<Vec<Happened>> {
    let marked = rows.iter().filter_map(|row| Marked::of(row));
    let read = stream::iter(marked).map(async |marked| match event(log, marked).await {
        // OK because one event that cannot be read hides no other.
        Err(StoreError::Corrupt { .. }) => Ok(Some(Event(unreadable_event(marked)))),
        read => read,
    });
    let read: Vec<_> = read
        .buffered(SIDE_BY_SIDE)
        .try_collect()
        .await
        .context("an event cannot be read")?;
    let found = read.into_iter().flatten();
    let found = found.filter(|event| filter.lets_event_through(event));
    Ok(found.map(Happened).collect())
}

/// The read model, in words.
pub fn missing() -> String {
    format!("{NAME} is not deployed here: it has no table")
}

async fn event(log: &impl EventLog, marked: Marked<'_>) -> Result<Option<Event>, StoreError> {
    let Marked {
        stream, version, ..
    } = marked;
    // OK because a commit begins at or before each of its versions, and the next one after them.
    for commit in &log.newest(stream, 1..=version, 1).await? {
        let mut events = commit.events()?.into_iter().zip(commit.version..);
        if let Some((event, _)) = events.find(|(_, at)| *at == version) {
            let (stamp, metadata) = (commit.stamp()?, commit.metadata()?);
            let shown = view(commit, &metadata, stamp.timestamp, &event, version);
            return Ok(Some(Event(shown)));
        }
    }
    Ok(None)
}

/// What is known of an event that cannot be read.
fn unreadable_event(marked: Marked<'_>) -> serde_json::Value {
    let mut shown = unreadable(marked.stream, marked.version);
    (shown["type"], shown["timestamp"]) = (json!(marked.kind), json!(marked.timestamp));
    shown
}
