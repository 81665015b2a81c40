//! A bank account: opened, paid into, drawn on, closed. A closed one stays closed, and its number stays its own; the balance
//! never falls below the agreed limit; its currency never changes.

use crate::Aggregate;
use crate::money::{AccountNumber, Amount, Currency, MOST, Money, Owner};
use decider::{Claim, Decider, Idempotency};
use garde::Validate;
use serde::{Deserialize, Serialize};

mod messages;
pub use messages::{Command, Event};

/// What is known of an account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum State {
    #[default]
    Unknown,
    Open(Held),
    Closed(Held),
}

/// What an account holds, in minor units of its currency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    pub account_number: AccountNumber,
    pub owner: Option<Owner>,
    pub currency: Currency,
    pub balance: i64,
    pub overdraft_limit: Money,
}

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Error {
    /// Nothing was ever stored under this id: check the id.
    #[error("there is no such account")]
    UnknownAccount,
    /// The id is taken, perhaps by a closed account: choose another id.
    #[error("there is such an account already")]
    AccountExists,
    /// Open another account.
    #[error("the account is closed")]
    AccountClosed,
    /// Pay in, or ask for less.
    #[error(
        "the balance of {balance} may not fall below {}, and {amount} was asked for",
        -overdraft_limit
    )]
    InsufficientFunds {
        balance: i64,
        overdraft_limit: i64,
        amount: i64,
    },
    /// Pay into another account.
    #[error(
        "the balance of {balance} cannot grow by {amount}: {MOST} is the most that an account can hold"
    )]
    BalanceTooLarge { balance: i64, amount: i64 },
    /// Send less, or to another account. What that one holds is not told: it need not be the sender's to know.
    #[error(
        "the account that receives cannot take {amount}: {MOST} is the most that an account can hold"
    )]
    TooMuchToReceive { amount: i64 },
    /// Settle the balance first.
    #[error("the balance is {balance}: it must be 0 before the account is closed")]
    BalanceNotZero { balance: i64 },
    /// Change the money first: an account never holds another currency than its own.
    #[error("the account that sends is in another currency than the one that receives")]
    CurrencyMismatch { sends: Currency, receives: Currency },
}

/// The aggregate.
pub enum Account {}

impl Decider for Account {
    const CATEGORY: &'static str = "account";
    const IDEMPOTENCY: Idempotency = Idempotency::Ledger;
    type State = State;
    type Command = Command;
    type Event = Event;
    type Error = Error;

    fn decide(command: &Command, state: &State) -> Result<Vec<Event>, Error> {
        use Command::*;
        use State::*;
        match (state, command.clone()) {
            (
                Unknown,
                OpenAccount {
                    account_number,
                    currency,
                    initial_deposit,
                    owner,
                    overdraft_limit,
                },
            ) => Ok(vec![Event::AccountOpened {
                account_number,
                owner,
                currency,
                initial_deposit: initial_deposit.unwrap_or_default(),
                overdraft_limit,
            }]),
            (Unknown, _) => Err(Error::UnknownAccount),
            (Open(_) | Closed(_), OpenAccount { .. }) => Err(Error::AccountExists),
            (Closed(_), CloseAccount { .. }) => Ok(vec![]),
            (Closed(_), _) => Err(Error::AccountClosed),
            (
                Open(held),
                DepositMoney {
                    amount,
                    description: why,
                },
            ) => held.gains(amount, |currency| Event::MoneyDeposited {
                amount,
                currency,
                description: why,
            }),
            (
                Open(held),
                WithdrawMoney {
                    amount,
                    description: why,
                },
            ) => held.loses(amount, |currency| Event::MoneyWithdrawn {
                amount,
                currency,
                description: why,
            }),
            (
                Open(held),
                SendMoney {
                    transfer,
                    to,
                    amount,
                },
            ) => held.loses(amount, |currency| Event::MoneySent {
                transfer,
                to,
                amount,
                currency,
            }),
            (Open(held), ReceiveMoney { currency, .. }) if currency != held.currency => {
                Err(Error::CurrencyMismatch {
                    sends: currency,
                    receives: held.currency.clone(),
                })
            }
            (
                Open(held),
                ReceiveMoney {
                    transfer,
                    from,
                    amount,
                    ..
                },
            ) => held
                .gains(amount, |currency| Event::MoneyReceived {
                    transfer,
                    from,
                    amount,
                    currency,
                })
                .map_err(|_| Error::TooMuchToReceive {
                    amount: amount.minor_units(),
                }),
            (Open(held), CloseAccount { .. }) if held.balance != 0 => {
                let balance = held.balance;
                Err(Error::BalanceNotZero { balance })
            }
            (Open(_), CloseAccount { reason }) => Ok(vec![Event::AccountClosed { reason }]),
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match (state, event) {
            (
                _,
                Event::AccountOpened {
                    account_number,
                    owner,
                    currency,
                    initial_deposit,
                    overdraft_limit,
                },
            ) => State::Open(Held {
                account_number: account_number.clone(),
                owner: owner.clone(),
                currency: currency.clone(),
                balance: initial_deposit.minor_units(),
                overdraft_limit: *overdraft_limit,
            }),
            (
                State::Open(held),
                Event::MoneyDeposited { amount, .. } | Event::MoneyReceived { amount, .. },
            ) => State::Open(held.with(i64::saturating_add, *amount)),
            (
                State::Open(held),
                Event::MoneyWithdrawn { amount, .. } | Event::MoneySent { amount, .. },
            ) => State::Open(held.with(i64::saturating_sub, *amount)),
            (State::Open(held), Event::AccountClosed { .. }) => State::Closed(held),
            (state @ (State::Unknown | State::Closed(_)), _) => state,
        }
    }

    fn claims(state: &State) -> Vec<Claim> {
        match state {
            State::Unknown => vec![],
            // OK because a number that once stood for one account never stands for another.
            State::Open(held) | State::Closed(held) => vec![claim(&held.account_number)],
        }
    }
}

impl Aggregate for Account {
    const COLLECTION: &'static str = "accounts";
    const ROUTES: &'static [(&'static str, &'static str)] = &[
        ("POST /accounts", "OpenAccount"),
        ("POST /accounts/{id}/deposits", "DepositMoney"),
        ("POST /accounts/{id}/withdrawals", "WithdrawMoney"),
        ("POST /accounts/{id}/closure", "CloseAccount"),
    ];
    const EVENT_TYPES: &'static [&'static str] = &[
        "AccountOpened",
        "MoneyDeposited",
        "MoneyWithdrawn",
        "AccountClosed",
        "MoneySent",
        "MoneyReceived",
    ];
    const STATUSES: &'static [&'static str] = &["open", "closed"];

    fn status(state: &State) -> &'static str {
        match state {
            State::Unknown => "unknown",
            State::Open(_) => "open",
            State::Closed(_) => "closed",
        }
    }

    fn asked(events: &[Event]) -> Option<Command> {
        messages::asked(events)
    }

    fn lookup(query: &str) -> Result<Claim, String> {
        let number = AccountNumber::from(query);
        number
            .validate()
            .map_err(|_| "must be a whole account number".to_owned())?;
        Ok(claim(&number))
    }

    fn owner<'a>(_: &'a str, state: &'a State) -> Option<&'a str> {
        let held = state.held()?;
        held.owner.as_ref().map(Owner::as_str)
    }
}

impl State {
    /// What it holds, if it was ever opened.
    #[must_use]
    pub fn held(&self) -> Option<&Held> {
        match self {
            Self::Unknown => None,
            Self::Open(held) | Self::Closed(held) => Some(held),
        }
    }
}

impl Held {
    fn gains(
        &self,
        amount: Amount,
        event: impl FnOnce(Currency) -> Event,
    ) -> Result<Vec<Event>, Error> {
        let (balance, amount) = (self.balance, amount.minor_units());
        match balance.checked_add(amount) {
            Some(after) if after <= MOST => Ok(vec![event(self.currency.clone())]),
            Some(_) | None => Err(Error::BalanceTooLarge { balance, amount }),
        }
    }

    fn loses(
        &self,
        amount: Amount,
        event: impl FnOnce(Currency) -> Event,
    ) -> Result<Vec<Event>, Error> {
        let (balance, amount) = (self.balance, amount.minor_units());
        let overdraft_limit = self.overdraft_limit.minor_units();
        match balance.checked_sub(amount) {
            Some(after) if after >= -overdraft_limit => Ok(vec![event(self.currency.clone())]),
            Some(_) | None => Err(Error::InsufficientFunds {
                balance,
                overdraft_limit,
                amount,
            }),
        }
    }

    /// Saturates, since any history can be read: `decide` lets nothing through that comes near.
    fn with(mut self, change: fn(i64, i64) -> i64, amount: Amount) -> Self {
        self.balance = change(self.balance, amount.minor_units());
        self
    }
}

fn claim(number: &AccountNumber) -> Claim {
    Claim {
        kind: "account_number",
        canonical: number.canonical(),
    }
}

#[cfg(test)]
mod tests;
