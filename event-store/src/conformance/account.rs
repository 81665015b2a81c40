//! The aggregate that the checks execute commands on, and how they do.

use super::kit::EVERY;
use crate::{
    Appended, Batch, Cache, Clock, ClockOff, Commit, EventLog, ExecuteError, Metadata, Part,
    Position, StoreError, Stream, execute,
};
use chrono::{DateTime, Utc};
use decider::{Claim, Decider, Idempotency};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

/// A balance that never goes below 0, and a name that no other account has.
pub(super) struct Account<const LEDGER: bool>;

pub(super) enum Command {
    Open { name: String },
    Deposit { amount: u64 },
    Withdraw { amount: u64 },
    Close,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub(super) enum Event {
    Opened { name: String },
    Deposited { amount: u64 },
    Withdrawn { amount: u64 },
    Closed {},
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    pub name: Option<String>,
    pub balance: u64,
}

#[derive(Debug, PartialEq)]
pub(super) enum Error {
    IsOpen,
    InsufficientFunds,
}

impl<const LEDGER: bool> Decider for Account<LEDGER> {
    const CATEGORY: &'static str = "conformance";
    const IDEMPOTENCY: Idempotency = if LEDGER {
        Idempotency::Ledger
    } else {
        Idempotency::Ring
    };
    type State = State;
    type Command = Command;
    type Event = Event;
    type Error = Error;

    fn decide(command: &Command, state: &State) -> Result<Vec<Event>, Error> {
        match command {
            Command::Open { .. } if state.name.is_some() => Err(Error::IsOpen),
            Command::Open { name } => Ok(vec![Event::Opened { name: name.clone() }]),
            Command::Deposit { amount: 0 } => Ok(vec![]),
            Command::Deposit { amount } => Ok(vec![Event::Deposited { amount: *amount }]),
            Command::Withdraw { amount } if *amount > state.balance => {
                Err(Error::InsufficientFunds)
            }
            Command::Withdraw { amount } => Ok(vec![Event::Withdrawn { amount: *amount }]),
            Command::Close => Ok(vec![Event::Closed {}]),
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match event {
            Event::Opened { name } => State {
                name: Some(name.clone()),
                ..state
            },
            Event::Deposited { amount } => State {
                balance: state.balance + amount,
                ..state
            },
            Event::Withdrawn { amount } => State {
                balance: state.balance - amount,
                ..state
            },
            Event::Closed {} => State {
                name: None,
                ..state
            },
        }
    }

    fn claims(state: &State) -> Vec<Claim> {
        let claim = |name: &String| Claim {
            kind: "name",
            canonical: name.clone(),
        };
        state.name.iter().map(claim).collect()
    }
}

/// A command that can be repeated: its copies have its id.
pub(super) fn keyed() -> Metadata {
    Metadata::new("conformance", "tests").keyed(Uuid::now_v7(), "fingerprint")
}

pub(super) async fn run<const LEDGER: bool>(
    log: &impl EventLog,
    name: &str,
    command: &Command,
    metadata: &Metadata,
) -> Result<Appended, ExecuteError<Error>> {
    let cache = Cache::none();
    run_with::<LEDGER>(&cache, &Steady::now(), log, name, command, metadata).await
}

pub(super) async fn run_with<const LEDGER: bool>(
    cache: &Cache<Account<LEDGER>>,
    clock: &impl Clock,
    log: &impl EventLog,
    name: &str,
    command: &Command,
    metadata: &Metadata,
) -> Result<Appended, ExecuteError<Error>> {
    let creates = matches!(command, Command::Open { .. });
    let part = Part::new(name, command, cache).creating(creates);
    execute(log, clock, metadata, part).await
}

/// What a stream's events amount to; its snapshots say the same.
pub(super) async fn state(log: &impl EventLog, name: &str) -> State {
    let loaded = Stream::<Account<false>>::load(log, name).await;
    let loaded = loaded.expect("the stream is whole");
    let replayed = Stream::<Account<false>>::replay(log, name, loaded.version).await;
    assert_eq!(loaded.state, replayed.expect("it is whole").state);
    loaded.state
}

/// A clock that stands where it was set.
pub(super) struct Steady(Mutex<Result<DateTime<Utc>, ClockOff>>);

impl Steady {
    pub fn now() -> Self {
        Self(Mutex::new(Ok(Utc::now())))
    }

    pub fn set(&self, time: Result<DateTime<Utc>, ClockOff>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = time;
    }
}

impl Clock for Steady {
    fn now(&self) -> Result<DateTime<Utc>, ClockOff> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A log that lets others go first, so that commands meet on a log that never waits, too.
pub(super) struct Interleaved<'a, L>(pub &'a L);

async fn others_go_first() {
    for _ in 0..fastrand::u8(0..4) {
        tokio::task::yield_now().await;
    }
}

impl<L: EventLog> EventLog for Interleaved<'_, L> {
    async fn append(&self, batch: &Batch) -> Result<(), crate::AppendError> {
        others_go_first().await;
        self.0.append(batch).await
    }

    async fn read(
        &self,
        stream: &str,
        versions: RangeInclusive<u64>,
        limit: usize,
    ) -> Result<Vec<Commit>, StoreError> {
        others_go_first().await;
        self.0.read(stream, versions, limit).await
    }

    async fn newest(
        &self,
        stream: &str,
        versions: RangeInclusive<u64>,
        limit: usize,
    ) -> Result<Vec<Commit>, StoreError> {
        others_go_first().await;
        self.0.newest(stream, versions, limit).await
    }

    async fn events(
        &self,
        stream: &str,
        versions: RangeInclusive<u64>,
    ) -> Result<Vec<(u64, String)>, StoreError> {
        self.0.events(stream, versions).await
    }

    async fn done(
        &self,
        command_id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Option<Position>, StoreError> {
        others_go_first().await;
        self.0.done(command_id, now).await
    }
}

/// The stream's versions have no gap and no repeat, and each commit is chained to the one before.
pub(super) async fn assert_whole(log: &impl EventLog, name: &str) {
    let commits = log.read(name, EVERY, usize::MAX).await.expect("readable");
    let (mut due, mut previous) = (1, crate::Hash::default());
    for commit in commits {
        assert_eq!((commit.version, commit.chain.previous), (due, previous));
        assert_eq!(commit.hash(), commit.chain.hash);
        due = commit.last_version().expect("readable") + 1;
        previous = commit.chain.hash;
    }
}
