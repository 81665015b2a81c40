//! A document on its way through its stream, commit by commit.

use crate::item::{MAX_SIZE, item_size};
use crate::parking::{Poison, unread};
use crate::project::{document_id, readable};
use crate::{Counts, MAX_COUNTERS, ReadModelError, Row, RowChange, Shards, StoredDocument};
use decider::{Count, Decider, Entry, Projection};
use event_store::{Commit, EventLog};
use serde::{Serialize, de::DeserializeOwned};
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many counters or marks are enough for one step.
const STEP: usize = 50;
/// How many counters a commit may touch, so that it fits into a step that was not enough before it.
const MAX_OF_A_COMMIT: usize = MAX_COUNTERS - (STEP - 1);

/// What the commits so far came to.
pub(crate) struct Progress<P: Projection> {
    pub document: Option<P::Document>,
    pub applied: u64,
    /// What is not written yet.
    pub counts: Counts,
    marks: Vec<Entry>,
    counted: bool,
    /// What was counted before, and is in the counters: up to this version.
    counted_to: u64,
}

impl<P: Projection> Progress<P> {
    /// As far as the stream can be applied to a stored document, up to the commit that holds version `to`, and what stops it.
    pub async fn advance(
        stored: Option<&StoredDocument>,
        log: &impl EventLog,
        stream: &str,
        to: u64,
    ) -> Result<(Self, Option<Poison>), ReadModelError>
    where
        P: Projection<
                Source: Decider<Event: DeserializeOwned>,
                Document: DeserializeOwned,
                Error: Error + Send + Sync + 'static,
            >,
    {
        let mut progress = Self::after(stored)?;
        let (commits, unreadable) =
            readable(log, stream, progress.applied + 1..=to, usize::MAX).await?;
        for (at, commit) in commits.iter().enumerate() {
            let Err(error) = progress.apply(commit) else {
                continue;
            };
            // OK because what could be applied a moment ago can be again: a projection is pure.
            let mut good = Self::after(stored)?;
            for commit in &commits[..at] {
                good.apply(commit)?;
            }
            return Ok((good, Some(Poison::of(error)?)));
        }
        Ok((progress, unreadable))
    }

    /// Before the first commit.
    pub fn start() -> Self {
        Self {
            document: None,
            applied: 0,
            counts: Counts::new(),
            marks: Vec::new(),
            counted: false,
            counted_to: 0,
        }
    }

    /// Before the first commit, though the events of a stored document went into counters and stay there.
    pub fn anew(stored: Option<&StoredDocument>) -> Self {
        let current = stored.filter(|stored| stored.fold == P::FOLD_VERSION);
        Self {
            counted: current.is_some_and(|stored| stored.counted),
            counted_to: current.map_or(0, |stored| stored.applied),
            ..Self::start()
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
            counted: stored.counted,
            ..Self::start()
        })
    }

    /// Whether what is not written yet is enough for a step.
    pub fn is_enough(&self) -> bool {
        self.counts.len() >= STEP || self.marks.len() >= STEP
    }

    /// What is to be written with a step; then that is done.
    pub fn take_counts(&mut self) -> Counts {
        let mut counts = std::mem::take(&mut self.counts);
        counts.retain(|_, by| *by != 0);
        counts
    }

    /// The rows that are to be added with a step; then that is done.
    pub fn take_marks(&mut self, id: &str, shards: Shards) -> Vec<RowChange> {
        let marks = std::mem::take(&mut self.marks);
        let rows = marks.iter().map(|entry| Row::of(entry, id, shards));
        rows.map(RowChange::come).collect()
    }
}

impl<P> Progress<P>
where
    P: Projection<Source: Decider<Event: DeserializeOwned>, Error: Error + Send + Sync + 'static>,
{
    /// Takes in the next commit.
    ///
    /// # Errors
    /// [`ReadModelError::Poison`]; then this is of no more use.
    pub fn apply(&mut self, commit: &Commit) -> Result<(), ReadModelError> {
        let mut at = self.applied + 1;
        // OK because after a panic this is of no more use, and a projection is pure: it leaves nothing half done elsewhere.
        let applied = catch_unwind(AssertUnwindSafe(|| self.take_in(commit, &mut at)));
        applied
            .unwrap_or_else(|_| Err("the projection panicked".to_owned()))
            .map_err(|why| ReadModelError::Poison {
                stream: commit.stream.clone(),
                version: at,
                why,
            })
    }

    /// The same, or why not; `at` is the version of the event that it is at.
    fn take_in(&mut self, commit: &Commit, at: &mut u64) -> Result<(), String> {
        if commit.version != *at {
            return Err("the commit that was due is missing".to_owned());
        }
        let last = commit.last_version().map_err(|error| unread(&error, at))?;
        let recorded = commit.recorded::<P::Source>();
        let mut counts = Counts::new();
        for recorded in recorded.map_err(|error| unread(&error, at))? {
            *at = recorded.version;
            let before = self.document.as_ref();
            if last > self.counted_to {
                for Count { counter, by } in P::counts(before, &recorded) {
                    *counts.entry(counter).or_default() += i128::from(by);
                }
            }
            self.marks.extend(P::marks(before, &recorded));
            let next = P::fold(self.document.take(), &recorded);
            self.document = Some(next.map_err(|why| why.to_string())?);
        }
        if counts.len() > MAX_OF_A_COMMIT {
            *at = commit.version;
            return Err(format!(
                "{} counters are too many for one commit",
                counts.len()
            ));
        }
        self.counted |= !counts.is_empty();
        for (counter, by) in counts {
            *self.counts.entry(counter).or_default() += by;
        }
        self.applied = last;
        Ok(())
    }
}

impl<P: Projection<Document: Serialize>> Progress<P> {
    /// The document to be written over a stored one, of which `anew` trusts nothing; `None` if there is none.
    ///
    /// # Errors
    /// [`ReadModelError::Poison`] if it cannot be written: it is too large, or its index rows cannot be made.
    pub fn step(
        &self,
        stream: &str,
        over: Option<&StoredDocument>,
        anew: bool,
        shards: Shards,
    ) -> Result<Option<StoredDocument>, ReadModelError> {
        if self.document.is_none() && over.is_none() {
            return Ok(None);
        }
        let id = document_id::<P>(stream);
        let poison = |why: &str| ReadModelError::Poison {
            stream: stream.to_owned(),
            version: self.applied,
            why: why.to_owned(),
        };
        let written = |document: &P::Document| {
            let text = serde_json::to_string(document);
            (P::entries(document), text)
        };
        // OK because a projection is pure, and what it was given is only looked at.
        let written = catch_unwind(AssertUnwindSafe(|| self.document.as_ref().map(written)))
            .map_err(|_| poison("the projection panicked"))?;
        let (entries, text) = written.unzip();
        let document = text
            .transpose()
            .map_err(|_| poison("the document has no JSON form"))?;
        let row = |entry| Row::of(entry, id, shards);
        let rows: Vec<_> = entries.iter().flatten().map(row).collect();
        let before = over.map_or(&[][..], |over| &over.rows);
        let mut pending = RowChange::between(before, &rows);
        if anew {
            let there = rows.iter().filter(|row| before.contains(row));
            pending.extend(there.cloned().map(RowChange::come));
        }
        let marks = self.marks.iter().map(row);
        pending.extend(marks.map(RowChange::come));
        let step = StoredDocument {
            id: id.to_owned(),
            applied: self.applied,
            fold: P::FOLD_VERSION,
            document,
            pending,
            rows,
            counted: self.counted,
            trouble: None,
        };
        match item_size(&step) {
            ..=MAX_SIZE => Ok(Some(step)),
            size => Err(poison(&format!(
                "the document would have {size} bytes, at most {MAX_SIZE} are allowed"
            ))),
        }
    }
}

fn corrupt(id: &str, why: serde_json::Error) -> ReadModelError {
    ReadModelError::Corrupt {
        document: id.to_owned(),
        why: why.into(),
    }
}
