//! What a stored document has not seen, on its way into it: step by step, as far as that goes.

use crate::parking::Poison;
use crate::progress::Progress;
use crate::project::{document_id, readable};
use crate::{Counts, Documents, ReadModelError, StoredDocument, Trouble, build};
use decider::{Decider, Projection};
use event_store::{Commit, EventLog};
use serde::{Serialize, de::DeserializeOwned};
use std::error::Error;

/// How many commits are read at a time, and come to a step at the most: a stream may be longer than what one message has time or
/// memory for.
const PIECE: usize = 500;

/// What the stored document has not seen, on its way into it.
pub(crate) struct Steps<'a, L, D> {
    pub log: &'a L,
    pub documents: &'a D,
    pub stream: &'a str,
    pub stored: Option<StoredDocument>,
    /// What was noted before.
    pub trouble: Option<Trouble>,
    /// The stored document is not to be gone on from.
    pub anew: bool,
}

impl<L: EventLog, D: Documents> Steps<'_, L, D> {
    /// Writes it in one step, unless that is too much for one.
    pub async fn catch_up<P>(mut self, version: u64) -> Result<(), ReadModelError>
    where
        P: Projection<
                Source: Decider<Event: DeserializeOwned>,
                Document: Serialize + DeserializeOwned,
                Error: Error + Send + Sync + 'static,
            >,
    {
        let stored = self.stored.as_ref();
        let applied = stored.map_or(0, |stored| stored.applied);
        if let Some(counted) = stored.and_then(counted_otherwise::<P>) {
            if self.anew {
                return Err(counted);
            }
            let (version, why) = (applied + 1, counted.to_string());
            return self.park::<P>(&[], Poison { version, why }).await;
        }
        let mut progress = self.start::<P>()?;
        let parked = stored.and_then(StoredDocument::parked);
        if progress.applied >= version.max(1) && parked.is_none() {
            return Ok(());
        }
        // OK because what is folded anew gets at least as far as it was, and what was parked past what held it.
        let to = version.max(applied);
        let to = to.max(parked.map_or(0, |trouble| trouble.version));
        // Those that are not in the stored document.
        let mut unwritten = Vec::new();
        loop {
            let due = progress.applied + 1;
            let (commits, unreadable) = readable(self.log, self.stream, due..=to, PIECE).await?;
            let is_end = commits.len() < PIECE;
            let head = commits
                .last()
                .map_or(Ok(progress.applied), Commit::last_version);
            if let Some(head) = head.ok().filter(|head| *head < version)
                && is_end
                && unreadable.is_none()
            {
                return Err(ReadModelError::Ahead {
                    stream: self.stream.to_owned(),
                    version,
                    head,
                });
            }
            let known = unwritten.len();
            unwritten.extend(commits);
            let mut from = 0;
            for at in known..unwritten.len() {
                if let Err(error) = progress.apply(&unwritten[at]) {
                    let good = &unwritten[from..at];
                    return self.park::<P>(good, Poison::of(error)?).await;
                }
                let is_last = at + 1 == unwritten.len();
                if (is_last && unreadable.is_some()) || (!is_last && !progress.is_enough()) {
                    continue;
                }
                match self.step::<P>(&mut progress).await {
                    Ok(true) => from = at + 1,
                    Ok(false) => {}
                    Err(error) => {
                        let good = &unwritten[from..=at];
                        return self.park::<P>(good, Poison::of(error)?).await;
                    }
                }
            }
            unwritten.drain(..from);
            if let Some(poison) = unreadable {
                return self.park::<P>(&unwritten, poison).await;
            }
            if is_end || progress.applied >= to {
                return Ok(());
            }
        }
    }

    /// Where the stored document stands.
    fn start<P: Projection<Document: DeserializeOwned>>(
        &self,
    ) -> Result<Progress<P>, ReadModelError> {
        match self.anew {
            true => Ok(Progress::anew(self.stored.as_ref())),
            false => Progress::after(self.stored.as_ref()),
        }
    }

    /// Writes what there is so far; `false` if the document is not part of that.
    async fn step<P: Projection<Document: Serialize>>(
        &mut self,
        progress: &mut Progress<P>,
    ) -> Result<bool, ReadModelError> {
        let (stored, shards) = (self.stored.as_ref(), self.documents.shards());
        // OK because what is none of today's events so far is read again, with the first that is one.
        let Some(next) = progress.step(self.stream, stored, self.anew, shards)? else {
            return Ok(false);
        };
        let marks = progress.take_marks(&next.id, shards);
        let counts = progress.take_counts();
        // A document that is folded anew stays as it was until it is there again: its index rows know no way back.
        if counts.is_empty() && stored.is_some_and(|stored| stored.applied > next.applied) {
            let marks = StoredDocument {
                pending: marks,
                ..next
            };
            self.documents.settle(&marks).await?;
            return Ok(false);
        }
        self.write(next, &counts).await?;
        Ok(true)
    }

    async fn write(&mut self, next: StoredDocument, counts: &Counts) -> Result<(), ReadModelError> {
        let over = self.stored.as_ref();
        self.documents.put(&next, over, counts).await?;
        if !next.pending.is_empty() {
            self.documents.settle(&next).await?;
        }
        (self.stored, self.anew) = (Some(next), false);
        Ok(())
    }

    /// Writes what these commits come to, as far as it can be, and what is wrong with what follows.
    async fn park<P>(&mut self, commits: &[Commit], poison: Poison) -> Result<(), ReadModelError>
    where
        P: Projection<
                Source: Decider<Event: DeserializeOwned>,
                Document: Serialize + DeserializeOwned,
                Error: Error + Send + Sync + 'static,
            >,
    {
        let (next, counts, poison) = match self.good::<P>(commits) {
            Ok((next, counts)) => (next, counts, poison),
            Err(error) => {
                let (fitting, poison) = self.fitting::<P>(commits, Poison::of(error)?)?;
                let (next, counts) = self.good::<P>(&commits[..fitting])?;
                (next, counts, poison)
            }
        };
        let trouble = poison.trouble(self.trouble.as_ref(), Some(build()));
        let (stream, version, why) = (self.stream, trouble.version, trouble.why.clone());
        let next = next.in_trouble(trouble, self.documents.shards());
        self.write(next, &counts).await?;
        tracing::error!(alarm = "parked", projection = P::NAME, stream, version, why);
        Ok(())
    }

    /// The document after these commits, or as it is stored, if that is further.
    fn good<P>(&self, commits: &[Commit]) -> Result<(StoredDocument, Counts), ReadModelError>
    where
        P: Projection<
                Source: Decider<Event: DeserializeOwned>,
                Document: Serialize + DeserializeOwned,
                Error: Error + Send + Sync + 'static,
            >,
    {
        let mut progress = self.start::<P>()?;
        for commit in commits {
            progress.apply(commit)?;
        }
        let further = self.stored.as_ref().filter(|stored| {
            stored.applied > progress.applied || counted_otherwise::<P>(stored).is_some()
        });
        if let Some(stored) = further {
            let shards = self.documents.shards();
            return Ok((stored.without_trouble(shards), Counts::new()));
        }
        let (stored, shards) = (self.stored.as_ref(), self.documents.shards());
        let next = progress.step(self.stream, stored, self.anew, shards)?;
        let next = next.unwrap_or_else(|| StoredDocument {
            id: document_id::<P>(self.stream).to_owned(),
            applied: progress.applied,
            fold: P::FOLD_VERSION,
            ..StoredDocument::default()
        });
        Ok((next, progress.take_counts()))
    }

    /// How many of these commits come to a document that can be written, and what is wrong with the next.
    fn fitting<P>(
        &self,
        commits: &[Commit],
        poison: Poison,
    ) -> Result<(usize, Poison), ReadModelError>
    where
        P: Projection<
                Source: Decider<Event: DeserializeOwned>,
                Document: Serialize + DeserializeOwned,
                Error: Error + Send + Sync + 'static,
            >,
    {
        let mut progress = self.start::<P>()?;
        let (stored, shards) = (self.stored.as_ref(), self.documents.shards());
        for (at, commit) in commits.iter().enumerate() {
            let applied = progress.apply(commit);
            let step = applied.and_then(|()| progress.step(self.stream, stored, self.anew, shards));
            if let Err(error) = step {
                return Ok((at, Poison::of(error)?));
            }
        }
        Ok((commits.len(), poison))
    }
}

/// That a document went into counters under another fold.
fn counted_otherwise<P: Projection>(stored: &StoredDocument) -> Option<ReadModelError> {
    let other = stored.counted && stored.fold != P::FOLD_VERSION;
    other.then(|| ReadModelError::Counted {
        document: stored.id.clone(),
        found: stored.fold,
        wanted: P::FOLD_VERSION,
    })
}
