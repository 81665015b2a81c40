//! What is written together, and how much of it there may be.

use crate::schema::{MAX_ITEM, MAX_TRANSACTION, MAX_TRANSACTION_ITEMS};
use crate::{AppendError, ClaimChange, Commit, Position, StoreError};
use chrono::{DateTime, Utc};
use std::collections::HashSet;
use uuid::Uuid;

/// What a claim, a ledger's entry or a check takes of a transaction besides the stream's name, in bytes; rather too much.
const BESIDES: usize = 256;

/// What is written together: all of it, or nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Commits, each of another stream, and each only if its stream has no commit of that version.
    pub commits: Vec<Commit>,
    /// Streams that have no commit, and must still end where they do.
    pub unchanged: Vec<Position>,
    /// Claims that change hands, each with the stream that takes or releases it; each claim once.
    pub claims: Vec<(String, ClaimChange)>,
    /// The command that must not be done twice, for those who keep a [`decider::Idempotency::Ledger`].
    pub done: Option<Done>,
}

/// A command that was done.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// The command's id.
    pub command_id: Uuid,
    /// Where its first commit lies.
    pub at: Position,
    /// When it was done.
    pub now: DateTime<Utc>,
    /// When it may be forgotten.
    pub until: DateTime<Utc>,
}

impl Batch {
    /// A batch of one commit.
    pub fn of(commit: Commit) -> Self {
        Self {
            commits: vec![commit],
            ..Self::default()
        }
    }

    /// What an [`EventLog`](crate::EventLog) asks of a batch before it writes any of it.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] beyond a limit of [`crate::schema`], [`StoreError::Twice`] for a stream that is named
    /// twice, [`AppendError::ClaimTaken`] for a claim that is: the table holds what was before the batch, so nobody
    /// can take in it what another stream has yet to release.
    pub fn check(&self) -> Result<(), AppendError> {
        let mut streams = HashSet::new();
        let named = self.commits.iter().map(|commit| &commit.stream);
        let mut named = named.chain(self.unchanged.iter().map(|at| &at.stream));
        if let Some(twice) = named.find(|stream| !streams.insert(*stream)) {
            let stream = twice.clone();
            return Err(StoreError::Twice { stream }.into());
        }
        let sizes = self.commits.iter().map(Commit::size);
        let largest = sizes.clone().max().unwrap_or_default();
        within("bytes", MAX_ITEM, largest)?;
        let others = (self.unchanged.iter().map(|at| &at.stream))
            .chain(self.claims.iter().map(|(stream, _)| stream))
            .chain(self.done.iter().map(|done| &done.at.stream))
            .map(|stream| stream.len() + BESIDES);
        let items = sizes.len() + others.clone().count();
        within("items in a transaction", MAX_TRANSACTION_ITEMS, items)?;
        let bytes = sizes.chain(others).sum();
        within("bytes in a transaction", MAX_TRANSACTION, bytes)?;
        let mut claims = HashSet::new();
        for (_, change) in &self.claims {
            let claim = change.claim();
            if !claims.insert((claim.kind, &claim.canonical)) {
                return Err(AppendError::ClaimTaken { kind: claim.kind });
            }
        }
        Ok(())
    }
}

pub(crate) fn within(unit: &'static str, limit: usize, found: usize) -> Result<(), StoreError> {
    if found > limit {
        return Err(StoreError::TooLarge { unit, limit, found });
    }
    Ok(())
}
