//! A user: created, renamed, suspended, corrected, deleted, restored. A deleted user can only be restored, a suspended
//! one only reactivated or deleted; no two users hold one email until one of them is deleted.

use crate::values::{Email, Name, Phone, Reason, Status};
use crate::{Aggregate, Personal};
use decider::{Claim, Decider, Upcaster};
use garde::Validate;
use serde::{Deserialize, Serialize};

mod messages;
pub use messages::{Command, Event};

/// What is known of a user.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum State {
    #[default]
    Unknown,
    Active(Held),
    Suspended(Held),
    Deleted {
        #[serde(flatten)]
        held: Held,
        /// The status that a restored one has again.
        was: Status,
    },
}

/// What a user holds; a deleted one gets it back when restored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    pub name: Personal<Name>,
    pub email: Personal<Email>,
    pub phone: Option<Personal<Phone>>,
}

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Error {
    /// Nothing was ever stored under this id: check the id.
    #[error("there is no such user")]
    UnknownUser,
    /// The id is taken, perhaps by a deleted user: choose another id, or restore that user.
    #[error("there is such a user already")]
    UserExists,
    /// Restore the user first.
    #[error("the user is deleted and can only be restored")]
    UserDeleted,
    /// Set the status to active first.
    #[error("the user is suspended and can only be reactivated or deleted")]
    UserSuspended,
}

/// The aggregate.
pub enum User {}

impl Decider for User {
    const CATEGORY: &'static str = "user";
    const EVOLVE_VERSION: u32 = 2;
    const UPCASTERS: &'static [Upcaster<Event>] = old::UPCASTERS;
    type State = State;
    type Command = Command;
    type Event = Event;
    type Error = Error;

    fn decide(command: &Command, state: &State) -> Result<Vec<Event>, Error> {
        use Command::*;
        use State::*;
        match (state, command.clone()) {
            (Unknown, CreateUser { name, email, phone }) => Ok(vec![Event::UserCreated {
                name: Personal::Known(name),
                email: Personal::Known(email),
                phone: phone.map(Personal::Known),
            }]),
            (Unknown, _) => Err(Error::UnknownUser),
            (Active(_) | Suspended(_) | Deleted { .. }, CreateUser { .. }) => {
                Err(Error::UserExists)
            }
            (Deleted { held, was }, RestoreUser { reason }) => Ok(restored(held, *was, reason)),
            (Deleted { .. }, DeleteUser { .. }) => Ok(vec![]),
            (Deleted { .. }, _) => Err(Error::UserDeleted),
            (Active(_) | Suspended(_), RestoreUser { .. }) => Ok(vec![]),
            (Active(held) | Suspended(held), DeleteUser { reason }) => {
                let (held, status) = (held.clone(), state.standing());
                Ok(vec![Event::UserDeleted {
                    held,
                    status,
                    reason,
                }])
            }
            (Active(_) | Suspended(_), ChangeUserStatus { status, reason }) => {
                Ok(status_changed(state.standing(), status, &reason))
            }
            (Suspended(_), _) => Err(Error::UserSuspended),
            (Active(held), ChangeUserName { name, reason }) => {
                let event = |old, new, reason| Event::UserNameChanged { old, new, reason };
                Ok(change(&held.name, Some(name), &reason, event))
            }
            (Active(held), ChangeUserEmail { email, reason }) => {
                let event = |old, new, reason| Event::UserEmailChanged { old, new, reason };
                Ok(change(&held.email, Some(email), &reason, event))
            }
            (
                Active(held),
                CorrectUser {
                    name,
                    email,
                    reason,
                },
            ) => {
                let event = |old, new, reason| Event::UserNameCorrected { old, new, reason };
                let name = change(&held.name, name, &reason, event);
                let event = |old, new, reason| Event::UserEmailCorrected { old, new, reason };
                let email = change(&held.email, email, &reason, event);
                Ok([name, email].concat())
            }
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match event {
            Event::UserCreated { name, email, phone } => State::Active(Held {
                name: name.clone(),
                email: email.clone(),
                phone: phone.clone(),
            }),
            Event::UserNameChanged { new, .. } | Event::UserNameCorrected { new, .. } => {
                state.with(|held| held.name = new.clone())
            }
            Event::UserEmailChanged { new, .. } | Event::UserEmailCorrected { new, .. } => {
                state.with(|held| held.email = new.clone())
            }
            Event::UserStatusChanged { new, .. } => match state {
                State::Active(held) | State::Suspended(held) if *new == Status::Active => {
                    State::Active(held)
                }
                State::Active(held) | State::Suspended(held) => State::Suspended(held),
                State::Unknown | State::Deleted { .. } => state,
            },
            Event::UserDeleted { held, status, .. } => {
                let (held, was) = (held.clone(), *status);
                State::Deleted { held, was }
            }
            Event::UserRestored { held, .. } => State::Active(held.clone()),
        }
    }

    fn claims(state: &State) -> Vec<Claim> {
        match state {
            State::Active(held) | State::Suspended(held) => {
                Vec::from_iter(held.email.known().map(claim))
            }
            State::Unknown | State::Deleted { .. } => vec![],
        }
    }
}

impl Aggregate for User {
    const COLLECTION: &'static str = "users";
    const ROUTES: &'static [(&'static str, &'static str)] = &[
        ("POST /users", "CreateUser"),
        ("PUT /users/{id}/name", "ChangeUserName"),
        ("PUT /users/{id}/email", "ChangeUserEmail"),
        ("PUT /users/{id}/status", "ChangeUserStatus"),
        ("POST /users/{id}/corrections", "CorrectUser"),
        ("DELETE /users/{id}", "DeleteUser"),
        ("POST /users/{id}/restoration", "RestoreUser"),
    ];
    const EVENT_TYPES: &'static [&'static str] = &[
        "UserCreated",
        "UserNameChanged",
        "UserEmailChanged",
        "UserStatusChanged",
        "UserNameCorrected",
        "UserEmailCorrected",
        "UserDeleted",
        "UserRestored",
    ];
    const STATUSES: &'static [&'static str] = &["active", "suspended"];
    const IS_SEARCHED: bool = true;

    fn status(state: &State) -> &'static str {
        match state {
            State::Unknown => "unknown",
            State::Active(_) => "active",
            State::Suspended(_) => "suspended",
            State::Deleted { .. } => "deleted",
        }
    }

    fn texts(state: &State) -> Vec<&str> {
        match state {
            State::Active(held) | State::Suspended(held) => {
                let name = held.name.known().map(Name::as_str);
                let email = held.email.known().map(Email::as_str);
                name.into_iter().chain(email).collect()
            }
            State::Unknown | State::Deleted { .. } => vec![],
        }
    }

    fn asked(events: &[Event]) -> Option<Command> {
        messages::asked(events)
    }

    fn lookup(query: &str) -> Result<Claim, String> {
        let email = Email::from(query);
        let whole = email.validate().map(|()| claim(&email));
        whole.map_err(|_| "must be a whole email address".to_owned())
    }

    fn owner<'a>(id: &'a str, _: &'a State) -> Option<&'a str> {
        Some(id)
    }
}

impl State {
    /// Of a user who is there.
    fn standing(&self) -> Status {
        match self {
            Self::Suspended(_) => Status::Suspended,
            Self::Unknown | Self::Active(_) | Self::Deleted { .. } => Status::Active,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Held)) -> Self {
        if let Self::Active(held) | Self::Suspended(held) = &mut self {
            change(held);
        }
        self
    }
}

fn claim(email: &Email) -> Claim {
    Claim {
        kind: "email",
        canonical: email.canonical(),
    }
}

/// A restored user is active; one that was suspended is so again, and UserStatusChanged says it, as it says every time.
fn restored(held: &Held, was: Status, reason: Reason) -> Vec<Event> {
    let again = status_changed(Status::Active, Some(was), &reason);
    let held = held.clone();
    [vec![Event::UserRestored { held, reason }], again].concat()
}

fn status_changed(old: Status, new: Option<Status>, reason: &Reason) -> Vec<Event> {
    let reason = reason.clone();
    let event = |new| Event::UserStatusChanged { old, new, reason };
    Vec::from_iter(new.filter(|new| *new != old).map(event))
}

/// The event of a change, if a new value is given and is not what is held.
fn change<T: Clone + PartialEq, R: Clone>(
    held: &Personal<T>,
    wanted: Option<T>,
    reason: &R,
    event: impl FnOnce(Personal<T>, Personal<T>, R) -> Event,
) -> Vec<Event> {
    let new = wanted.filter(|new| held.known() != Some(new));
    Vec::from_iter(new.map(|new| event(held.clone(), Personal::Known(new), reason.clone())))
}

mod old;
#[cfg(test)]
mod tests;
