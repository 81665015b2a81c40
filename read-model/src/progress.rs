//! A document on its way through its stream, commit by commit.

use crate::{Counts, MAX_COUNTERS, ReadModelError, Row, RowChange, Shards, StoredDocument};
use decider::{Count, Decider, Projection};
use event_store::{Commit, EventLog};
use serde::{Serialize, de::DeserializeOwned};
use std::error::Error;

/// How many counters are enough for one step.
pub(crate) const STEP: usize = 50;
/// How many counters a commit may touch, so that it fits into a step that was not enough before it.
const MAX_OF_A_COMMIT: usize = MAX_COUNTERS - (STEP - 1);

/// What the commits so far came to.
pub(crate) struct Progress<P: Projection> {
    pub document: Option<P::Document>,
    pub applied: u64,
    /// What is not written yet.
    pub counts: Counts,
    counted: bool,
}

impl<P: Projection> Progress<P> {
    /// Before the first commit.
    pub fn start() -> Self {
        Self {
            document: None,
            applied: 0,
            counts: Counts::new(),
            counted: false,
        }
    }

    /// Where a stored document stands; one of another fold cannot be gone on from, and so is started anew.
    pub fn after(stored: Option<&StoredDocument>) -> Result<Self, ReadModelError>
    where
        P::Document: DeserializeOwned,
    {
        let current = stored.filter(|stored| stored.fold == P::FOLD_VERSION);
        let Some(stored) = current else {
            return Ok(Self::start());
        };
        Ok(Self {
            document: stored
                .document
                .as_deref()
                .map(serde_json::from_str)
                .transpose()
                .map_err(|why| corrupt(&stored.id, why))?,
            applied: stored.applied,
            counts: Counts::new(),
            counted: stored.counted,
        })
    }
}

impl<P> Progress<P>
where
    P: Projection<Source: Decider<Event: DeserializeOwned>, Error: Error + Send + Sync + 'static>,
{
    /// Goes on to the commit that holds version `to`, or to the last one.
    pub async fn advance(
        mut self,
        log: &impl EventLog,
        stream: &str,
        to: u64,
    ) -> Result<Self, ReadModelError> {
        let commits = log.read(stream, self.applied + 1..=to, usize::MAX).await?;
        for commit in &commits {
            self.apply(commit)?;
        }
        Ok(self)
    }

    /// Takes in the next commit.
    pub fn apply(&mut self, commit: &Commit) -> Result<(), ReadModelError> {
        let poison = |version, why| ReadModelError::Poison {
            stream: commit.stream.clone(),
            version,
            why,
        };
        let due = self.applied + 1;
        if commit.version != due {
            let why = "the commit that was due is missing";
            return Err(poison(due, why.into()));
        }
        let mut counts = Counts::new();
        for recorded in commit.recorded::<P::Source>()? {
            for Count { counter, by } in P::counts(self.document.as_ref(), &recorded) {
                *counts.entry(counter).or_default() += i128::from(by);
            }
            let next = P::fold(self.document.take(), &recorded);
            self.document = Some(next.map_err(|why| poison(recorded.version, why.into()))?);
        }
        if counts.len() > MAX_OF_A_COMMIT {
            let why = format!("{} counters are too many for one commit", counts.len());
            return Err(poison(commit.version, why.into()));
        }
        self.counted |= !counts.is_empty();
        for (counter, by) in counts {
            *self.counts.entry(counter).or_default() += by;
        }
        self.applied = commit.last_version()?;
        Ok(())
    }
}

impl<P: Projection<Document: Serialize>> Progress<P> {
    /// The document to be written over a stored one; `None` if there is none.
    pub fn step(
        &self,
        id: &str,
        over: Option<&StoredDocument>,
        shards: Shards,
    ) -> Result<Option<StoredDocument>, ReadModelError> {
        let Some(document) = &self.document else {
            return Ok(None);
        };
        if let Some(over) = over.filter(|over| over.fold != P::FOLD_VERSION && over.counted) {
            return Err(ReadModelError::Counted {
                document: over.id.clone(),
                found: over.fold,
                wanted: P::FOLD_VERSION,
            });
        }
        let entries = P::entries(document);
        let rows: Vec<_> = entries
            .iter()
            .map(|entry| Row::of(entry, id, shards))
            .collect();
        Ok(Some(StoredDocument {
            id: id.to_owned(),
            applied: self.applied,
            fold: P::FOLD_VERSION,
            document: Some(serde_json::to_string(document).map_err(|why| corrupt(id, why))?),
            pending: RowChange::between(over.map_or(&[], |over| &over.rows), &rows),
            rows,
            counted: self.counted,
            trouble: None,
        }))
    }

    /// What is to be written with it; then that is done.
    pub fn take_counts(&mut self) -> Counts {
        let mut counts = std::mem::take(&mut self.counts);
        counts.retain(|_, by| *by != 0);
        counts
    }
}

fn corrupt(id: &str, why: serde_json::Error) -> ReadModelError {
    ReadModelError::Corrupt {
        document: id.to_owned(),
        why: why.into(),
    }
}
