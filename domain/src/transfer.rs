//! A transfer of money between two accounts of one currency: made once, and never changed. It is written in one transaction
//! with the events of both accounts, MoneySent and MoneyReceived.

use crate::money::{Amount, Currency, Id};
use crate::{Account, Aggregate};
use decider::{Claim, Decider};
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a caller asks for.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema, Validate)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub enum Command {
    MakeTransfer {
        #[serde(default)]
        #[garde(dive)]
        from: Id,
        #[serde(default)]
        #[garde(dive, custom(another_than(from)))]
        to: Id,
        #[serde(default)]
        #[garde(dive)]
        amount: Amount,
        /// That of the account that sends; it never changes, so it is looked up before the command is executed.
        #[serde(skip)]
        currency: Currency,
    },
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    TransferMade {
        from: Id,
        to: Id,
        amount: Amount,
        currency: Currency,
    },
}

/// What is known of a transfer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum State {
    #[default]
    Unknown,
    Made {
        from: Id,
        to: Id,
        amount: Amount,
        currency: Currency,
    },
}

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Error {
    /// The id is taken: choose another id.
    #[error("there is such a transfer already")]
    TransferExists,
}

/// The aggregate.
pub enum Transfer {}

impl Decider for Transfer {
    const CATEGORY: &'static str = "transfer";
    type State = State;
    type Command = Command;
    type Event = Event;
    type Error = Error;

    fn decide(command: &Command, state: &State) -> Result<Vec<Event>, Error> {
        let Command::MakeTransfer {
            from,
            to,
            amount,
            currency,
        } = command.clone();
        match state {
            State::Made { .. } => Err(Error::TransferExists),
            State::Unknown => Ok(vec![Event::TransferMade {
                from,
                to,
                amount,
                currency,
            }]),
        }
    }

    fn evolve(_: State, event: &Event) -> State {
        let Event::TransferMade {
            from,
            to,
            amount,
            currency,
        } = event.clone();
        State::Made {
            from,
            to,
            amount,
            currency,
        }
    }
}

impl Aggregate for Transfer {
    const COLLECTION: &'static str = "transfers";
    const SCOPE: &'static str = Account::COLLECTION;
    const ROUTES: &'static [(&'static str, &'static str)] = &[("POST /transfers", "MakeTransfer")];
    const EVENT_TYPES: &'static [&'static str] = &["TransferMade"];
    const STATUSES: &'static [&'static str] = &["made"];

    fn status(state: &State) -> &'static str {
        match state {
            State::Unknown => "unknown",
            State::Made { .. } => "made",
        }
    }

    fn asked(events: &[Event]) -> Option<Command> {
        match events {
            [
                Event::TransferMade {
                    from,
                    to,
                    amount,
                    currency,
                },
            ] => Some(Command::MakeTransfer {
                from: *from,
                to: *to,
                amount: *amount,
                currency: currency.clone(),
            }),
            _ => None,
        }
    }

    fn lookup(_: &str) -> Result<Claim, String> {
        Err("a transfer has no value to be found by".to_owned())
    }

    fn owner<'a>(_: &'a str, _: &'a State) -> Option<&'a str> {
        None
    }
}

fn another_than(from: &Id) -> impl FnOnce(&Id, &()) -> garde::Result {
    move |to, ()| match to {
        // OK because an absent one was named already.
        Id(id) if id.is_nil() => Ok(()),
        same if same == from => Err(garde::Error::new("must be another account than from")),
        Id(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use decider::testing::given;
    use uuid::Uuid;

    fn id(number: u128) -> Id {
        Id(Uuid::from_u128(number))
    }

    fn make(to: Id) -> Command {
        Command::MakeTransfer {
            from: id(1),
            to,
            amount: Amount::of(5),
            currency: "EUR".into(),
        }
    }

    fn made() -> Event {
        Event::TransferMade {
            from: id(1),
            to: id(2),
            amount: Amount::of(5),
            currency: "EUR".into(),
        }
    }

    #[test]
    fn a_transfer_is_made_once() {
        given::<Transfer>([]).when(make(id(2))).then([made()]);
        given::<Transfer>([made()])
            .when(make(id(2)))
            .then_error(Error::TransferExists);
    }

    #[test]
    fn a_transfer_is_between_two_accounts() {
        assert!(make(id(2)).validate().is_ok());
        let why = make(id(1)).validate().expect_err("one account");
        assert!(
            why.to_string()
                .contains("to: must be another account than from")
        );
        let why = make(Id::default()).validate().expect_err("no account");
        assert_eq!(why.to_string().trim(), "to: must be a UUID");
    }
}
