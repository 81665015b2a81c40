//! `strangelog rebuild --diff`: which documents this build would make otherwise.

use crate::counted::counted;
use crate::pages::{Reading, all};
use deliveries::Consumer;
use domain::ReadModel;
use domain::registry::{self, ReadModelVisitor};
use event_store::{DynamoDbEventLog, stream_category};
use futures_util::{StreamExt, TryStreamExt, stream};
use json_patch::diff;
use read_model::{Counts, Difference, Documents, DynamoDbDocuments, ReadModelError, compare};
use serde::Serialize;
use serde_json::Value;
use std::fmt;
use std::pin::Pin;

/// How many streams are folded side by side.
const SIDE_BY_SIDE: usize = 16;

/// What would change.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Changed {
    /// A document.
    Document(Difference),
    /// A counter. While events come in, one may be counted on one side only.
    Counter {
        /// Its name.
        counter: String,
        /// What it has.
        found: i128,
        /// What all streams together make of it.
        wanted: i128,
    },
}

/// Folds every stream of a read model, or one, and compares each with its document in this generation. Nothing is written.
///
/// # Errors
/// The store failed.
pub async fn difference(
    log: &DynamoDbEventLog,
    consumer: &Consumer,
    documents: &DynamoDbDocuments,
    only: Option<&str>,
    reading: &Reading,
) -> anyhow::Result<(Vec<Changed>, String)> {
    reading.progress.set_message("streams");
    let streams = match only {
        Some(stream) => vec![stream.to_owned()],
        None => all(reading, |segment, from| log.streams(segment, from)).await?,
    };
    let read: Vec<_> = streams
        .into_iter()
        .filter(|stream| consumer.reads(stream))
        .collect();
    reading.progress.set_length(read.len() as u64);
    let compared = stream::iter(&read).map(|stream| async move {
        let work = Compare {
            log,
            documents,
            stream,
        };
        let compared = match registry::projection(consumer.name, stream_category(stream), work) {
            Some(compared) => compared.await?,
            None => (None, Counts::new()),
        };
        reading.progress.inc(1);
        Ok::<_, ReadModelError>(compared)
    });
    let mut compared = compared.buffer_unordered(SIDE_BY_SIDE);
    let (mut changed, mut sums) = (Vec::new(), Counts::new());
    while let Some((difference, counts)) = compared.try_next().await? {
        changed.extend(difference.map(Changed::Document));
        for (counter, by) in counts {
            *sums.entry(counter).or_default() += by;
        }
    }
    drop(compared);
    changed.sort_by(|a, b| a.stream().cmp(&b.stream()));
    if only.is_none() {
        changed.extend(counters(documents.counters("", "~").await?, sums));
    }
    let summary = format!(
        "{} folded, {} would change",
        counted(read.len(), "stream"),
        counted(changed.len(), "value")
    );
    Ok((changed, summary))
}

/// The counters that have not what they should.
fn counters(mut found: Counts, wanted: Counts) -> Vec<Changed> {
    let mut changed = Vec::new();
    for (counter, wanted) in wanted {
        let found = found.remove(&counter).unwrap_or(0);
        if found != wanted {
            changed.push(Changed::Counter {
                counter,
                found,
                wanted,
            });
        }
    }
    let left = found.into_iter().filter(|(_, found)| *found != 0);
    changed.extend(left.map(|(counter, found)| Changed::Counter {
        counter,
        found,
        wanted: 0,
    }));
    changed
}

impl Changed {
    fn stream(&self) -> Option<&str> {
        match self {
            Self::Document(difference) => Some(&difference.stream),
            Self::Counter { .. } => None,
        }
    }
}

struct Compare<'a> {
    log: &'a DynamoDbEventLog,
    documents: &'a DynamoDbDocuments,
    stream: &'a str,
}

impl<'a> ReadModelVisitor for Compare<'a> {
    type Output =
        Pin<Box<dyn Future<Output = Result<(Option<Difference>, Counts), ReadModelError>> + 'a>>;

    fn visit<R: ReadModel>(self) -> Self::Output {
        Box::pin(compare::<R>(self.log, self.documents, self.stream))
    }
}

impl fmt::Display for Changed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let difference = match self {
            Self::Document(difference) => difference,
            Self::Counter {
                counter,
                found,
                wanted,
            } => {
                return write!(
                    formatter,
                    "counter {counter} has {found}, and would have {wanted}"
                );
            }
        };
        let Difference {
            stream,
            version,
            found,
            wanted,
            rows_gone,
            rows_new,
            why,
        } = difference;
        write!(formatter, "{stream} at version {version}: ")?;
        if let Some(why) = why {
            return write!(formatter, "cannot be made anew: {why}");
        }
        match (found, wanted) {
            (Value::Null, _) => write!(formatter, "missing")?,
            (_, Value::Null) => write!(formatter, "too much")?,
            (found, wanted) => write!(formatter, "{}", serde_json::json!(diff(found, wanted)))?,
        }
        if rows_gone.is_empty() && rows_new.is_empty() {
            return Ok(());
        }
        write!(
            formatter,
            ", index rows: {} gone, {} new",
            rows_gone.len(),
            rows_new.len()
        )
    }
}
