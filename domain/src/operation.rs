//! What those who look after the service ask of consumers: to make a read model anew, or to take up what was parked. Who asked,
//! and why, is in the stream; the consumer that it names hears of it as of any other, and does it.

use crate::Aggregate;
use crate::values::Reason;
use decider::{Claim, Decider};
use serde::{Deserialize, Serialize};

mod messages;
pub use messages::{Command, Consumer, Event, Shown, StreamName};

/// What is asked for by now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum State {
    #[default]
    Unknown,
    /// A new generation, beside the one that is shown.
    Started { consumer: Consumer },
    /// That it be shown.
    Switched { consumer: Consumer },
    /// That the one before it be shown again.
    SwitchedBack { consumer: Consumer },
    /// That it be let go before it was ever shown.
    Cancelled { consumer: Consumer },
    /// That the one which is not shown be let go.
    Discarded { consumer: Consumer },
    /// One stream anew.
    Remade {
        consumer: Consumer,
        stream: StreamName,
    },
    /// What was parked once more.
    Redriven {
        consumer: Consumer,
        stream: Option<StreamName>,
    },
    /// That the claims on unique values be made to agree with the streams.
    ClaimsRepaired,
}

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Error {
    /// Start it first.
    #[error("there is no such rebuild")]
    RebuildUnknown,
    /// The id is taken: choose another id.
    #[error("there is such an operation already")]
    OperationExists,
    /// It is another kind of operation, done as soon as it is heard of.
    #[error("nothing is to be switched: this is no rebuild of a whole read model")]
    NothingToSwitch,
    /// Switch first.
    #[error("the rebuild was never switched to, so there is nothing to go back from")]
    NotSwitched,
    /// Start another one.
    #[error("the rebuild is over: what it made, or what it replaced, is let go")]
    RebuildOver,
}

/// The aggregate.
pub enum Operation {}

impl Decider for Operation {
    const CATEGORY: &'static str = "ops";
    type State = State;
    type Command = Command;
    type Event = Event;
    type Error = Error;

    fn decide(command: &Command, state: &State) -> Result<Vec<Event>, Error> {
        match (state, command.clone()) {
            (
                State::Unknown,
                Command::StartRebuild {
                    consumer,
                    stream,
                    reason,
                },
            ) => Ok(vec![Event::RebuildStarted {
                consumer,
                stream,
                reason,
            }]),
            (
                State::Unknown,
                Command::Redrive {
                    consumer,
                    stream,
                    reason,
                },
            ) => Ok(vec![Event::RedriveRequested {
                consumer,
                stream,
                reason,
            }]),
            (State::Unknown, Command::RepairClaims { reason }) => {
                Ok(vec![Event::ClaimsRepairRequested { reason }])
            }
            (State::Unknown, Command::ChangeRebuild { .. } | Command::CancelRebuild { .. }) => {
                Err(Error::RebuildUnknown)
            }
            (
                _,
                Command::StartRebuild { .. }
                | Command::Redrive { .. }
                | Command::RepairClaims { .. },
            ) => Err(Error::OperationExists),
            (_, Command::ChangeRebuild { status, reason }) => {
                show(state, status.unwrap_or(Shown::Switched), reason)
            }
            (_, Command::CancelRebuild { reason }) => cancel(state, reason),
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        let consumer = state.consumer().cloned().unwrap_or_default();
        match event.clone() {
            Event::RebuildStarted {
                consumer,
                stream: None,
                ..
            } => State::Started { consumer },
            Event::RebuildStarted {
                consumer,
                stream: Some(stream),
                ..
            } => State::Remade { consumer, stream },
            Event::RebuildSwitched { .. } => State::Switched { consumer },
            Event::RebuildSwitchedBack { .. } => State::SwitchedBack { consumer },
            Event::RebuildCancelled { .. } => State::Cancelled { consumer },
            Event::KeptDiscarded { .. } => State::Discarded { consumer },
            Event::RedriveRequested {
                consumer, stream, ..
            } => State::Redriven { consumer, stream },
            Event::ClaimsRepairRequested { .. } => State::ClaimsRepaired,
        }
    }
}

impl State {
    /// Whom it is asked of.
    #[must_use]
    pub fn consumer(&self) -> Option<&Consumer> {
        match self {
            Self::Unknown | Self::ClaimsRepaired => None,
            Self::Started { consumer }
            | Self::Switched { consumer }
            | Self::SwitchedBack { consumer }
            | Self::Cancelled { consumer }
            | Self::Discarded { consumer }
            | Self::Remade { consumer, .. }
            | Self::Redriven { consumer, .. } => Some(consumer),
        }
    }
}

impl Aggregate for Operation {
    const COLLECTION: &'static str = "rebuilds";
    const SCOPE: &'static str = Self::CATEGORY;
    const ROUTES: &'static [(&'static str, &'static str)] = &[
        ("POST /rebuilds", "StartRebuild"),
        ("PUT /rebuilds/{id}", "ChangeRebuild"),
        ("DELETE /rebuilds/{id}", "CancelRebuild"),
        ("POST /deliveries/redrives", "Redrive"),
    ];
    const EVENT_TYPES: &'static [&'static str] = &[
        "RebuildStarted",
        "RebuildSwitched",
        "RebuildSwitchedBack",
        "RebuildCancelled",
        "KeptDiscarded",
        "RedriveRequested",
        "ClaimsRepairRequested",
    ];
    const STATUSES: &'static [&'static str] = &[
        "started",
        "switched",
        "switched-back",
        "cancelled",
        "discarded",
        "remade",
        "redriven",
        "claims-repaired",
    ];

    fn status(state: &State) -> &'static str {
        match state {
            State::Unknown => "unknown",
            State::Started { .. } => "started",
            State::Switched { .. } => "switched",
            State::SwitchedBack { .. } => "switched-back",
            State::Cancelled { .. } => "cancelled",
            State::Discarded { .. } => "discarded",
            State::Remade { .. } => "remade",
            State::Redriven { .. } => "redriven",
            State::ClaimsRepaired => "claims-repaired",
        }
    }

    fn lookup(_: &str) -> Result<Claim, String> {
        Err("an operation has no value to be found by".to_owned())
    }

    fn owner<'a>(_: &'a str, _: &'a State) -> Option<&'a str> {
        None
    }
}

fn show(state: &State, shown: Shown, reason: Reason) -> Result<Vec<Event>, Error> {
    match (state, shown) {
        (State::Started { .. } | State::SwitchedBack { .. }, Shown::Switched) => {
            Ok(vec![Event::RebuildSwitched { reason }])
        }
        (State::Switched { .. }, Shown::SwitchedBack) => {
            Ok(vec![Event::RebuildSwitchedBack { reason }])
        }
        (State::Switched { .. }, Shown::Switched)
        | (State::SwitchedBack { .. }, Shown::SwitchedBack) => Ok(vec![]),
        (State::Started { .. }, Shown::SwitchedBack) => Err(Error::NotSwitched),
        (State::Cancelled { .. } | State::Discarded { .. }, _) => Err(Error::RebuildOver),
        (
            State::Unknown | State::Remade { .. } | State::Redriven { .. } | State::ClaimsRepaired,
            _,
        ) => Err(Error::NothingToSwitch),
    }
}

fn cancel(state: &State, reason: Reason) -> Result<Vec<Event>, Error> {
    match state {
        State::Started { .. } => Ok(vec![Event::RebuildCancelled { reason }]),
        State::Switched { .. } | State::SwitchedBack { .. } => {
            Ok(vec![Event::KeptDiscarded { reason }])
        }
        State::Cancelled { .. } | State::Discarded { .. } => Ok(vec![]),
        State::Unknown | State::Remade { .. } | State::Redriven { .. } | State::ClaimsRepaired => {
            Err(Error::NothingToSwitch)
        }
    }
}

#[cfg(test)]
mod tests;
