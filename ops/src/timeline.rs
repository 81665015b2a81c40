//! What happened, in whatever stream: the timeline of [`past`], with the filters of the command line.

use crate::event::{Event, Happened};
use chrono::{DateTime, Utc};
use domain::timeline::Marked;
use event_store::{EventLog, StoreError, stream_category};
use past::{Span, happened, marked};
use read_model::{Documents, ReadModelError};

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

/// The rows of a span that the filter lets through, newest first, at most `limit` of them, and whether there may be more. They are
/// read in pages of the span's limit.
///
/// # Errors
/// The store failed.
pub async fn rows(
    documents: &impl Documents,
    mut span: Span,
    filter: &Filter,
    limit: usize,
) -> Result<(Vec<String>, bool), ReadModelError> {
    let (mut rows, page) = (Vec::new(), span.limit);
    while rows.len() < limit {
        span.limit = page.min(limit - rows.len());
        let (found, next) = marked(documents, &span, |marked| filter.lets_through(marked)).await?;
        rows.extend(found);
        if next.is_none() {
            return Ok((rows, false));
        }
        span.cursor = next;
    }
    Ok((rows, true))
}

/// A span of time, that is read in pages of so many rows.
pub fn span(from: DateTime<Utc>, to: DateTime<Utc>, page: usize) -> Span {
    Span {
        from,
        to,
        cursor: None,
        limit: page,
    }
}

/// The events that rows speak of, in their order, as far as the filter lets them through.
///
/// # Errors
/// The store failed.
pub async fn events(
    log: &impl EventLog,
    rows: &[String],
    filter: &Filter,
) -> Result<Vec<Happened>, StoreError> {
    let found = happened(log, rows).await?.into_iter().map(Event);
    let found = found.filter(|event| filter.lets_event_through(event));
    Ok(found.map(Happened).collect())
}
