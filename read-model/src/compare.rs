//! Compares what is kept of a stream with what this build makes of its events. Nothing is written.

use crate::parking::PARKED;
use crate::progress::Progress;
use crate::project::document_id;
use crate::{Counts, Documents, ReadModelError, Row};
use decider::{Decider, Projection};
use event_store::EventLog;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::error::Error;

/// A document that is not what the fold of its stream makes of it, both at one version.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The stream.
    pub stream: String,
    /// The version that both are at.
    pub version: u64,
    /// What is kept; null for nothing.
    pub found: Value,
    /// What it would be made; null for nothing.
    pub wanted: Value,
    /// Index rows that it has and would not have.
    pub rows_gone: Vec<Row>,
    /// Index rows that it would have.
    pub rows_new: Vec<Row>,
    /// Why it cannot be made anew, if it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What would change if the document of `stream` were made anew, `None` if nothing would, and what its events add to counters.
/// What is behind is compared as far as it is.
///
/// # Errors
/// The store failed.
pub async fn compare<P>(
    log: &impl EventLog,
    documents: &impl Documents,
    stream: &str,
) -> Result<(Option<Difference>, Counts), ReadModelError>
where
    P: Projection<
            Source: Decider<Event: DeserializeOwned>,
            Document: Serialize + DeserializeOwned,
            Error: Error + Send + Sync + 'static,
        >,
{
    let id = document_id::<P>(stream);
    let stored = documents.get(id, true).await?;
    // OK because what is parked is told with what holds it, and what this build takes in after all is a difference.
    let to = stored.as_ref().map_or(u64::MAX, |stored| {
        let parked = stored.parked().map_or(0, |trouble| trouble.version);
        stored.applied.max(parked)
    });
    let (folded, poison) = match to {
        0 => (Progress::<P>::start(), None),
        to => Progress::<P>::advance(None, log, stream, to).await?,
    };
    let corrupt = |why: serde_json::Error| ReadModelError::Corrupt {
        document: id.to_owned(),
        why: why.into(),
    };
    let document = folded.document.as_ref();
    let entries = document.map(P::entries).unwrap_or_default();
    let entries = entries.iter();
    let rows: Vec<_> = entries
        .map(|entry| Row::of(entry, id, documents.shards()))
        .collect();
    let wanted = document
        .map(serde_json::to_value)
        .transpose()
        .map_err(corrupt)?;
    let why = poison.map(|poison| poison.why);
    let found = stored
        .as_ref()
        .and_then(|stored| stored.document.as_deref());
    let found = found
        .map(serde_json::from_str)
        .transpose()
        .map_err(corrupt)?;
    let kept = stored.map(|stored| stored.rows).unwrap_or_default();
    let without = |rows: &[Row], others: &[Row]| -> Vec<Row> {
        let only = rows.iter().filter(|row| !others.contains(row));
        only.cloned().collect()
    };
    let parked = format!("list#{PARKED}#");
    let is_parked = |row: &Row| row.partition.starts_with(&parked);
    let kept: Vec<_> = kept.into_iter().filter(|row| !is_parked(row)).collect();
    let difference = Difference {
        stream: stream.to_owned(),
        version: folded.applied,
        rows_gone: without(&kept, &rows),
        rows_new: without(&rows, &kept),
        found: found.unwrap_or_default(),
        wanted: wanted.unwrap_or_default(),
        why,
    };
    let Difference {
        found,
        wanted,
        rows_gone,
        rows_new,
        why,
        ..
    } = &difference;
    let is_same = found == wanted && rows_gone.is_empty() && rows_new.is_empty() && why.is_none();
    Ok(((!is_same).then_some(difference), folded.counts))
}
