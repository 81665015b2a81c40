//! What an account is asked, and what has happened to it: the shapes that callers send and that are stored for ever.

use crate::money::{AccountNumber, Amount, Currency, Description, Id, Money, Owner};
use crate::values::Reason;
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a caller asks of an account. Sending and receiving are the two sides of a [`crate::Transfer`].
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema, Validate)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub enum Command {
    OpenAccount {
        #[serde(default)]
        #[garde(dive)]
        account_number: AccountNumber,
        #[serde(default)]
        #[garde(dive)]
        currency: Currency,
        /// An option only so that its absence is reported beside the other fields; validation requires it.
        #[garde(dive, custom(Money::given))]
        initial_deposit: Option<Money>,
        #[garde(dive)]
        owner: Option<Owner>,
        #[serde(default)]
        #[garde(dive)]
        overdraft_limit: Money,
    },
    DepositMoney {
        #[serde(default)]
        #[garde(dive)]
        amount: Amount,
        #[garde(dive)]
        description: Option<Description>,
    },
    WithdrawMoney {
        #[serde(default)]
        #[garde(dive)]
        amount: Amount,
        #[garde(dive)]
        description: Option<Description>,
    },
    CloseAccount {
        #[garde(dive)]
        reason: Option<Reason>,
    },
    SendMoney {
        transfer: Id,
        to: Id,
        amount: Amount,
    },
    ReceiveMoney {
        transfer: Id,
        from: Id,
        amount: Amount,
        currency: Currency,
    },
}

/// What has happened to an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    AccountOpened {
        account_number: AccountNumber,
        owner: Option<Owner>,
        currency: Currency,
        initial_deposit: Money,
        overdraft_limit: Money,
    },
    MoneyDeposited {
        amount: Amount,
        currency: Currency,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<Description>,
    },
    MoneyWithdrawn {
        amount: Amount,
        currency: Currency,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<Description>,
    },
    AccountClosed {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    },
    MoneySent {
        transfer: Id,
        to: Id,
        amount: Amount,
        currency: Currency,
    },
    MoneyReceived {
        transfer: Id,
        from: Id,
        amount: Amount,
        currency: Currency,
    },
}

/// The command that these events of one commit answer.
pub(super) fn asked(events: &[Event]) -> Option<Command> {
    let [event] = events else {
        return None;
    };
    Some(match event.clone() {
        Event::AccountOpened {
            account_number,
            owner,
            currency,
            initial_deposit,
            overdraft_limit,
        } => Command::OpenAccount {
            account_number,
            currency,
            initial_deposit: Some(initial_deposit),
            owner,
            overdraft_limit,
        },
        Event::MoneyDeposited {
            amount,
            description,
            ..
        } => Command::DepositMoney {
            amount,
            description,
        },
        Event::MoneyWithdrawn {
            amount,
            description,
            ..
        } => Command::WithdrawMoney {
            amount,
            description,
        },
        Event::AccountClosed { reason } => Command::CloseAccount { reason },
        Event::MoneySent {
            transfer,
            to,
            amount,
            ..
        } => Command::SendMoney {
            transfer,
            to,
            amount,
        },
        Event::MoneyReceived {
            transfer,
            from,
            amount,
            currency,
        } => Command::ReceiveMoney {
            transfer,
            from,
            amount,
            currency,
        },
    })
}
