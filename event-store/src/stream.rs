//! A stream as it was loaded: the state, and what the next commit needs to know.

use crate::{Commit, EventLog, StoreError};
use chrono::{DateTime, Utc};
use decider::Decider;
use serde::de::DeserializeOwned;
use std::collections::VecDeque;
use uuid::Uuid;

/// How many commands a stream remembers, besides its first.
pub const RING: usize = 64;

/// The fold of a stream's commits up to a version.
pub struct Stream<D: Decider> {
    /// What the events amount to.
    pub state: D::State,
    /// How many events there are.
    pub version: u64,
    /// When the last commit was recorded; [`DateTime::UNIX_EPOCH`] if there is none.
    pub timestamp: DateTime<Utc>,
    ring: VecDeque<Remembered>,
}

/// A command that was executed, and its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Remembered {
    /// The command's id.
    pub command_id: Uuid,
    /// Tells two commands of one id apart.
    pub fingerprint: String,
    /// The stream's version after it.
    pub version: u64,
    /// The events that it appended.
    pub event_ids: Vec<Uuid>,
}

impl<D: Decider> Default for Stream<D> {
    fn default() -> Self {
        Self {
            state: D::State::default(),
            version: 0,
            timestamp: DateTime::UNIX_EPOCH,
            ring: VecDeque::new(),
        }
    }
}

impl<D: Decider<Event: DeserializeOwned>> Stream<D> {
    /// Reads and applies the commits that it has not seen.
    ///
    /// # Errors
    /// As [`EventLog::read`]; a gap between versions is [`StoreError::Corrupt`].
    pub async fn catch_up(&mut self, log: &impl EventLog, name: &str) -> Result<(), StoreError> {
        for commit in log
            .read(name, self.version + 1..=u64::MAX, usize::MAX)
            .await?
        {
            self.apply(&commit)?;
        }
        Ok(())
    }

    fn apply(&mut self, commit: &Commit) -> Result<(), StoreError> {
        if commit.version != self.version + 1 || commit.events.is_empty() {
            return Err(StoreError::Corrupt {
                stream: commit.stream.clone(),
                version: commit.version,
                why: format!(
                    "a commit of 1 or more events was due at version {}",
                    self.version + 1
                ),
            });
        }
        for recorded in commit.recorded::<D::Event>()? {
            self.state = D::evolve(std::mem::take(&mut self.state), &recorded.event);
        }
        self.version = commit.last_version();
        self.timestamp = commit.timestamp;
        // The first stays, so that a repeated create is known for ever.
        if self.ring.len() > RING {
            self.ring.remove(1);
        }
        self.ring.push_back(Remembered::of(commit));
        Ok(())
    }

    /// The answer to a command of this id, if it is the first or among the last [`RING`].
    pub fn remembered(&self, command_id: Uuid) -> Option<&Remembered> {
        self.ring
            .iter()
            .find(|command| command.command_id == command_id)
    }
}

impl Remembered {
    fn of(commit: &Commit) -> Self {
        Self {
            command_id: commit.metadata.command_id,
            fingerprint: commit.metadata.fingerprint.clone(),
            version: commit.last_version(),
            event_ids: commit.events.iter().map(|event| event.id).collect(),
        }
    }
}
