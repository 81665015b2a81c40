//! What the benchmarks share. Here: a bank account to measure the event store with. Its events are those of the peers, about
//! 150 bytes of JSON each.

pub mod far;
pub mod figures;
pub mod mix;
pub mod seed;

use chrono::{DateTime, Utc};
use decider::Decider;
use event_store::{Clock, ClockOff, Metadata};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use uuid::Uuid;

/// What may be asked of an account; whoever asks brings the time along.
#[derive(Clone, Debug)]
pub enum Command {
    /// Open it.
    Open {
        /// Whose it is.
        owner: String,
    },
    /// Put money in.
    Deposit {
        /// How much.
        amount: u64,
        /// The id of the transfer.
        txn: String,
    },
}

/// What happened to an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
#[allow(missing_docs)]
pub enum Event {
    Opened {
        owner: String,
        currency: String,
        at: String,
        memo: String,
    },
    Deposited {
        amount: u64,
        txn: String,
        at: String,
        memo: String,
    },
}

/// What an account amounts to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct State {
    pub owner: String,
    pub currency: String,
    pub balance: u64,
    pub deposits: u64,
}

/// The decider of accounts: it refuses nothing.
pub struct Account;

impl Decider for Account {
    const CATEGORY: &'static str = "acc";
    type State = State;
    type Command = Command;
    type Event = Event;
    type Error = Infallible;

    fn decide(command: &Command, _: &State) -> Result<Vec<Event>, Infallible> {
        let at = "2026-01-01T00:00:00.000Z".to_owned();
        Ok(vec![match command {
            Command::Open { owner } => Event::Opened {
                owner: owner.clone(),
                currency: "EUR".into(),
                at,
                memo: "opened at the counter, form 0017".into(),
            },
            Command::Deposit { amount, txn } => Event::Deposited {
                amount: *amount,
                txn: txn.clone(),
                at,
                memo: "salary, payment run of 2026-01".into(),
            },
        }])
    }

    fn evolve(mut state: State, event: &Event) -> State {
        match event {
            Event::Opened {
                owner, currency, ..
            } => {
                state.owner.clone_from(owner);
                state.currency.clone_from(currency);
            }
            Event::Deposited { amount, .. } => {
                state.balance += amount;
                state.deposits += 1;
            }
        }
        state
    }
}

impl Command {
    /// The command for the n-th event, from 1, of a stream before it is measured: it opens, and then deposits 1 each.
    pub fn of_seed(stream: &str, n: u64) -> Self {
        match n {
            1 => Self::Open {
                owner: format!("owner of {stream}"),
            },
            _ => Self::deposit(1, 0xffff, n),
        }
    }

    /// A deposit, the n-th of a task.
    pub fn deposit(amount: u64, task: u64, n: u64) -> Self {
        Self::Deposit {
            amount,
            txn: format!("{task:08x}-0000-4000-8000-{n:012x}"),
        }
    }
}

/// The metadata of a command that came without an `Idempotency-Key`.
pub fn unkeyed() -> Metadata {
    let command_id = Uuid::now_v7();
    Metadata {
        command_id,
        fingerprint: None,
        actor: "bench".into(),
        correlation_id: command_id,
        causation_id: None,
        traceparent: None,
        source: "bench".into(),
        reason: None,
        parts: Vec::new(),
    }
}

/// The clock of this machine.
pub struct Machine;

impl Clock for Machine {
    fn now(&self) -> Result<DateTime<Utc>, ClockOff> {
        Ok(Utc::now())
    }
}
