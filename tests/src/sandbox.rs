//! The functions that take commands for accounts and for transfers, in this process.

use crate::gateway::{Call, answer};
use crate::http::Answer;
use chrono::{DateTime, Utc};
use commands::{Commands, transfers};
use domain::Account;
use event_store::{Cache, Clock, ClockOff, EventLog};

/// One sandbox of each of the two functions.
pub struct Sandbox<L, C> {
    commands: Commands<L, C>,
    accounts: Cache<Account>,
    /// What the function for transfers saw last.
    of_transfers: Cache<Account>,
}

/// This machine's clock, taken for right.
#[derive(Clone, Copy, Debug)]
pub struct Right;

impl Clock for Right {
    fn now(&self) -> Result<DateTime<Utc>, ClockOff> {
        Ok(Utc::now())
    }
}

impl<L: EventLog, C: Clock> Sandbox<L, C> {
    /// Sandboxes that have seen nothing as yet, and keep what they see.
    pub fn new(log: L, clock: C) -> Self {
        Self::with(log, clock, 1 << 20)
    }

    /// Sandboxes that are cold at every call.
    pub fn cold(log: L, clock: C) -> Self {
        Self::with(log, clock, 0)
    }

    fn with(log: L, clock: C, max_bytes: usize) -> Self {
        let subject_claim = "sub".to_owned();
        Self {
            commands: Commands {
                log,
                clock,
                subject_claim,
            },
            accounts: Cache::new(max_bytes),
            of_transfers: Cache::new(max_bytes),
        }
    }

    /// The log that they write to.
    pub fn log(&self) -> &L {
        &self.commands.log
    }

    /// Answers a call.
    pub async fn call(&self, call: &Call) -> Answer {
        let (commands, request) = (&self.commands, call.request());
        let Ok(response) = if call.route == "POST /transfers" {
            transfers::answer(commands, &self.of_transfers, request).await
        } else {
            commands::answer::<Account>(commands, &self.accounts, request).await
        };
        answer(&response)
    }
}
