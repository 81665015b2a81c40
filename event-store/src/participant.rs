//! What executing a command asks of each of its streams, whatever the aggregate.

use crate::batch::within;
use crate::cache::{OWN_IN_A_ROW, Seen};
use crate::schema::{MAX_EVENT, MAX_EVENTS, MAX_ITEM};
use crate::stream::SNAPSHOT_EVERY;
use crate::{
    ClaimChange, Clock, Commit, EventLog, ExecuteError, Metadata, Part, Position, Stamp,
    StoreError, StoredEvent, Stream, snapshot,
};
use chrono::{DateTime, Utc};
use decider::{Decider, Idempotency};
use serde::{Serialize, de::DeserializeOwned};
use std::pin::Pin;
use std::sync::Arc;
use uuid::Uuid;

/// Room that a snapshot leaves in an item for what is not events, in bytes.
const SPARE: usize = 32 * 1024;

/// What a part has decided to write.
pub struct Decided {
    pub(crate) at: Position,
    pub(crate) claims: Vec<ClaimChange>,
    pub(crate) events: Vec<StoredEvent>,
    snapshot: Option<String>,
}

/// A [`Part`], whatever its aggregate, over an event log `L`; `E` takes in the refusals of them all.
pub trait Participant<L, E>: Send + Sync {
    /// The stream's name.
    fn name(&self) -> &str;
    /// How the aggregate remembers commands.
    fn idempotency(&self) -> Idempotency;
    /// The stream's version, as far as it is known.
    fn version(&self) -> u64;
    /// When the stream's last commit was recorded.
    fn timestamp(&self) -> DateTime<Utc>;
    /// Whether the stream was read, rather than guessed.
    fn is_proven(&self) -> bool;
    /// Guesses the stream, if it may be guessed now; else it must be read.
    fn guess(&mut self, now: DateTime<Utc>) -> bool;
    /// A guess was wrong.
    fn distrust(&mut self);
    /// Reads what was not seen of the stream.
    fn catch_up<'s>(
        &'s mut self,
        log: &'s L,
    ) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 's>>;
    /// The versions of the commits that may be those of a command.
    fn remembered(&self, command_id: Uuid) -> Vec<u64>;
    /// Decides what is to be written, if anything.
    ///
    /// # Errors
    /// The refusal, or that the version is not the expected one, or that it is too large.
    fn decide(
        &mut self,
        clock: &dyn Clock,
        command_id: Uuid,
    ) -> Result<Option<Decided>, ExecuteError<E>>;
    /// The commit of what was decided.
    ///
    /// # Errors
    /// As [`Commit::new`].
    fn commit(
        &self,
        decided: &Decided,
        stamp: &Stamp,
        metadata: &Metadata,
    ) -> Result<Commit, StoreError>;
    /// The stream is as it was decided, with this commit, or as it was read.
    fn keep(&mut self, written: Option<(&Commit, &Stamp)>, now: DateTime<Utc>);
}

impl<L, E, D> Participant<L, E> for Part<'_, D>
where
    L: EventLog,
    E: From<D::Error>,
    D: Decider<
            State: Serialize + DeserializeOwned + Send + Sync,
            Command: Sync,
            Event: Serialize + DeserializeOwned,
        >,
{
    fn name(&self) -> &str {
        self.name
    }

    fn idempotency(&self) -> Idempotency {
        D::IDEMPOTENCY
    }

    fn version(&self) -> u64 {
        self.stream.version
    }

    fn timestamp(&self) -> DateTime<Utc> {
        self.stream.timestamp
    }

    fn is_proven(&self) -> bool {
        self.is_proven
    }

    fn guess(&mut self, now: DateTime<Utc>) -> bool {
        self.recall(now)
    }

    fn distrust(&mut self) {
        if self.is_guess() {
            self.cache.judge(false);
        }
        self.own_in_a_row = 0;
    }

    fn catch_up<'s>(
        &'s mut self,
        log: &'s L,
    ) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 's>> {
        Box::pin(self.read(log))
    }

    fn remembered(&self, command_id: Uuid) -> Vec<u64> {
        self.stream.remembered(command_id)
    }

    fn decide(
        &mut self,
        clock: &dyn Clock,
        command_id: Uuid,
    ) -> Result<Option<Decided>, ExecuteError<E>> {
        let version = self.stream.version;
        if self.expected.is_some_and(|expected| expected != version) {
            return Err(ExecuteError::Stale { found: version });
        }
        let outcome = D::outcome(self.command, &self.stream.state);
        let (events, state) = outcome.map_err(|error| {
            let error = error.into();
            ExecuteError::Rejected { error, version }
        })?;
        if events.is_empty() {
            return Ok(None);
        }
        let stored = encode::<D>(self.name, version + 1, &events, clock)?;
        let mut next = Stream::clone(&self.stream);
        next.state = state;
        next.version += events.len() as u64;
        next.since_snapshot += events.len() as u64;
        next.remember(command_id, version + 1);
        let mut snapshot = None;
        if next.since_snapshot >= SNAPSHOT_EVERY as u64 {
            let fits = |text: &String| text.len() + len(&stored) + SPARE <= MAX_ITEM;
            snapshot = snapshot::take(&next).filter(fits);
        }
        let (before, after) = (D::claims(&self.stream.state), D::claims(&next.state));
        self.next = Some(next);
        Ok(Some(Decided {
            at: Position {
                stream: self.name.to_owned(),
                version: version + 1,
            },
            claims: ClaimChange::between(&before, &after),
            events: stored,
            snapshot,
        }))
    }

    fn commit(
        &self,
        decided: &Decided,
        stamp: &Stamp,
        metadata: &Metadata,
    ) -> Result<Commit, StoreError> {
        let Decided {
            at,
            events,
            snapshot,
            ..
        } = decided;
        let with = |snapshot| {
            let previous = self.stream.hash;
            Commit::new(at.clone(), previous, stamp, metadata, events, snapshot)
        };
        let commit = with(snapshot.clone())?;
        if commit.snapshot.is_some() && commit.size() > MAX_ITEM {
            return with(None);
        }
        Ok(commit)
    }

    fn keep(&mut self, written: Option<(&Commit, &Stamp)>, now: DateTime<Utc>) {
        if let (Some((commit, stamp)), Some(mut next)) = (written, self.next.take()) {
            if self.is_guess() {
                self.cache.judge(true);
                self.own_in_a_row = OWN_IN_A_ROW;
            } else if self.own_in_a_row < OWN_IN_A_ROW {
                self.own_in_a_row += 1;
            }
            next.hash = commit.chain.hash;
            if commit.snapshot.is_some() {
                next.since_snapshot = 0;
            }
            next.timestamp = stamp.timestamp;
            self.stream = Arc::new(next);
        }
        if self.stream.version > 0 {
            let seen = Seen {
                stream: Arc::clone(&self.stream),
                own_in_a_row: self.own_in_a_row,
            };
            self.cache.put(self.name, seen, now);
        }
    }
}

fn encode<D: Decider<Event: Serialize>>(
    name: &str,
    version: u64,
    events: &[D::Event],
    clock: &dyn Clock,
) -> Result<Vec<StoredEvent>, StoreError> {
    within("events", MAX_EVENTS, events.len())?;
    let encode = |event| {
        let stored = StoredEvent::encode::<D>(clock.new_id(), event)
            .map_err(|error| StoreError::corrupt(name, version, error))?;
        within("bytes in an event", MAX_EVENT, stored.data.get().len())?;
        Ok(stored)
    };
    events.iter().map(encode).collect()
}

fn len(events: &[StoredEvent]) -> usize {
    events
        .iter()
        .map(|event| event.data.get().len() + 200)
        .sum()
}
