//! One stream's part in a command: what the command asks of the stream, and what is known of it.

use crate::cache::{Cache, OWN_IN_A_ROW, UNTRIED};
use crate::{Clock, EventLog, StoreError, Stream};
use chrono::{DateTime, Utc};
use decider::Decider;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// What a command asks of one stream.
pub struct Part<'a, D: Decider> {
    pub(crate) name: &'a str,
    pub(crate) command: &'a D::Command,
    pub(crate) cache: &'a Cache<D>,
    pub(crate) expected: Option<u64>,
    pub(crate) creates: bool,
    pub(crate) stream: Arc<Stream<D>>,
    /// The stream was read, so that a refusal may be believed.
    pub(crate) is_proven: bool,
    pub(crate) own_in_a_row: u8,
    pub(crate) next: Option<Stream<D>>,
}

impl<'a, D: Decider> Part<'a, D> {
    /// The part of the stream `name` in a command; `cache` holds the streams seen last.
    pub fn new(name: &'a str, command: &'a D::Command, cache: &'a Cache<D>) -> Self {
        Self {
            name,
            command,
            cache,
            expected: None,
            creates: false,
            stream: Arc::default(),
            is_proven: false,
            own_in_a_row: UNTRIED,
            next: None,
        }
    }

    /// The stream must be at this version, if one is given.
    pub fn expecting(mut self, version: Option<u64>) -> Self {
        self.expected = version;
        self
    }

    /// The stream is likely to be empty: nothing is read until that turns out to be wrong.
    pub fn creating(mut self, creates: bool) -> Self {
        self.creates = creates;
        self
    }

    /// What is known of the stream so far.
    pub fn state(&self) -> &D::State {
        &self.stream.state
    }

    /// Takes the stream for what it was when it was seen last, and says whether it may be taken for that.
    pub(crate) fn recall(&mut self, now: DateTime<Utc>) -> bool {
        let Some(seen) = self.cache.get(self.name, now) else {
            return self.creates;
        };
        self.stream = seen.stream;
        self.own_in_a_row = match seen.own_in_a_row {
            UNTRIED if !self.cache.grants_trust() => 0,
            own_in_a_row => own_in_a_row,
        };
        self.own_in_a_row >= OWN_IN_A_ROW
    }

    pub(crate) fn is_guess(&self) -> bool {
        !self.is_proven && self.stream.version > 0
    }
}

impl<D: Decider<State: DeserializeOwned, Event: DeserializeOwned>> Part<'_, D> {
    /// Learns the state before the command is executed, from the cache or the log: for what another part must know of it
    /// and what never changes, since the cache may not have the latest. The stream is not read once more for it.
    ///
    /// # Errors
    /// As [`Stream::load`].
    pub async fn learn(
        &mut self,
        log: &impl EventLog,
        clock: &impl Clock,
    ) -> Result<&D::State, StoreError> {
        if !guesses_at(clock).is_some_and(|now| self.recall(now)) {
            self.read(log).await?;
        }
        Ok(self.state())
    }

    pub(crate) async fn read(&mut self, log: &impl EventLog) -> Result<(), StoreError> {
        let was_known = self.stream.version > 0;
        let found = Arc::make_mut(&mut self.stream)
            .catch_up(log, self.name)
            .await?;
        if found && was_known {
            self.own_in_a_row = 0;
        }
        self.is_proven = true;
        Ok(())
    }
}

/// The time at which streams may be guessed: none by a clock that may have been set.
pub(crate) fn guesses_at(clock: &impl Clock) -> Option<DateTime<Utc>> {
    if clock.is_checked() {
        clock.now().ok()
    } else {
        None
    }
}
