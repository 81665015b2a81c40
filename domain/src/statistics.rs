//! The statistics: what happened on each day, in UTC, counted over all streams of users and accounts, and what all accounts
//! hold together.
//!
//! Counters of a day are named `<day>#<what>`, so that a range of days is a range of names. What the balances of a day
//! changed by is not counted: money comes by deposits and goes by withdrawals alone, and a transfer takes as much as it gives.

use crate::money::Currency;
use crate::values::Status;
use crate::{Account, User, account, user};
use decider::{Count, Projection, Recorded};
use serde::Serialize;
use std::collections::BTreeMap;
use std::convert::Infallible;

/// The name of the read model.
pub const NAME: &str = "statistics";

/// The sum of all balances of a currency, over all days.
const BALANCES: &str = "balances";

/// Counts what happens to users.
pub enum UserStatistics {}

/// Counts what happens to accounts and the money in them.
pub enum AccountStatistics {}

/// One day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Day {
    /// `2026-11-21`, in UTC.
    pub day: String,
    /// How many users were what.
    pub users: Users,
    /// How many accounts were what.
    pub accounts: Accounts,
    /// What was moved, by currency.
    pub currencies: BTreeMap<String, Moved>,
}

/// How many users of a day were what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Users {
    pub created: i128,
    pub suspended: i128,
    pub reactivated: i128,
    pub deleted: i128,
    pub restored: i128,
}

/// How many accounts of a day were what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Accounts {
    pub opened: i128,
    pub closed: i128,
}

/// What came and went in one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// Initial deposits are among them.
    pub deposits: Movements,
    pub withdrawals: Movements,
    /// By how much the sum of all balances changed.
    pub balance_change: i128,
}

/// So many movements of so much together, in minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Movements {
    pub count: i128,
    pub amount: i128,
}

impl Projection for UserStatistics {
    const NAME: &'static str = NAME;
    const SHARED: bool = true;
    type Source = User;
    type Document = ();
    type Error = Infallible;

    fn fold(_: Option<()>, _: &Recorded<user::Event>) -> Result<(), Infallible> {
        Ok(())
    }

    fn counts(_: Option<&()>, recorded: &Recorded<user::Event>) -> Vec<Count> {
        use user::Event::*;
        let what = match &recorded.event {
            UserCreated { .. } => "created",
            UserStatusChanged { new, .. } => match new {
                Status::Suspended => "suspended",
                Status::Active => "reactivated",
            },
            UserDeleted { .. } => "deleted",
            UserRestored { .. } => "restored",
            UserNameChanged { .. }
            | UserEmailChanged { .. }
            | UserNameCorrected { .. }
            | UserEmailCorrected { .. } => return vec![],
        };
        vec![on_the_day(recorded, &format!("users.{what}"), 1)]
    }
}

impl Projection for AccountStatistics {
    const NAME: &'static str = NAME;
    const SHARED: bool = true;
    type Source = Account;
    type Document = ();
    type Error = Infallible;

    fn fold(_: Option<()>, _: &Recorded<account::Event>) -> Result<(), Infallible> {
        Ok(())
    }

    fn counts(_: Option<&()>, recorded: &Recorded<account::Event>) -> Vec<Count> {
        use account::Event::*;
        let moved = |currency: &Currency, what: &str, amount: i64, change: i64| {
            let currency = currency.as_str();
            vec![
                on_the_day(recorded, &format!("{currency}.{what}.count"), 1),
                on_the_day(recorded, &format!("{currency}.{what}.amount"), amount),
                Count {
                    counter: format!("{BALANCES}#{currency}"),
                    by: change,
                },
            ]
        };
        match &recorded.event {
            AccountOpened {
                currency,
                initial_deposit,
                ..
            } => {
                let mut counts = vec![on_the_day(recorded, "accounts.opened", 1)];
                let amount = initial_deposit.minor_units();
                if amount > 0 {
                    counts.extend(moved(currency, "deposits", amount, amount));
                }
                counts
            }
            MoneyDeposited {
                amount, currency, ..
            } => {
                let amount = amount.minor_units();
                moved(currency, "deposits", amount, amount)
            }
            MoneyWithdrawn {
                amount, currency, ..
            } => {
                let amount = amount.minor_units();
                moved(currency, "withdrawals", amount, -amount)
            }
            AccountClosed { .. } => vec![on_the_day(recorded, "accounts.closed", 1)],
            MoneySent { .. } | MoneyReceived { .. } => vec![],
        }
    }
}

/// The names of the first and of the last counter that a range of days may have, both ends included.
#[must_use]
pub fn of_days(from: &str, to: &str) -> (String, String) {
    (format!("{from}#"), format!("{to}#~"))
}

/// The names of the first and of the last counter that balances may have.
#[must_use]
pub fn of_balances() -> (String, String) {
    of_days(BALANCES, BALANCES)
}

/// The days that these counters speak of, newest first.
#[must_use]
pub fn days(counters: &BTreeMap<String, i128>) -> Vec<Day> {
    let mut days: Vec<Day> = Vec::new();
    for (name, count) in counters.iter().rev() {
        let Some((day, what)) = name.split_once('#') else {
            continue;
        };
        if days.last().is_none_or(|last| last.day != day) {
            days.push(Day {
                day: day.to_owned(),
                ..Day::default()
            });
        }
        if let Some(counted) = days.last_mut().and_then(|day| day.counter(what)) {
            *counted = *count;
        }
    }
    for moved in days.iter_mut().flat_map(|day| day.currencies.values_mut()) {
        moved.balance_change = moved.deposits.amount - moved.withdrawals.amount;
    }
    days
}

/// The sum of all balances by currency, of the counters of balances.
#[must_use]
pub fn balances(counters: &BTreeMap<String, i128>) -> BTreeMap<String, i128> {
    let names = counters.iter().filter_map(|(name, count)| {
        let (_, currency) = name.split_once('#')?;
        Some((currency.to_owned(), *count))
    });
    names.collect()
}

impl Day {
    /// Where a counter is shown; `None` for one of a newer build.
    fn counter(&mut self, what: &str) -> Option<&mut i128> {
        let (users, accounts) = (&mut self.users, &mut self.accounts);
        match what.split('.').collect::<Vec<_>>()[..] {
            ["users", "created"] => Some(&mut users.created),
            ["users", "suspended"] => Some(&mut users.suspended),
            ["users", "reactivated"] => Some(&mut users.reactivated),
            ["users", "deleted"] => Some(&mut users.deleted),
            ["users", "restored"] => Some(&mut users.restored),
            ["accounts", "opened"] => Some(&mut accounts.opened),
            ["accounts", "closed"] => Some(&mut accounts.closed),
            [currency, kind @ ("deposits" | "withdrawals"), figure] => {
                let moved = self.currencies.entry(currency.to_owned()).or_default();
                let movements = match kind {
                    "deposits" => &mut moved.deposits,
                    _ => &mut moved.withdrawals,
                };
                match figure {
                    "count" => Some(&mut movements.count),
                    "amount" => Some(&mut movements.amount),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// Counts on the day on which an event was recorded.
fn on_the_day<E>(recorded: &Recorded<E>, what: &str, by: i64) -> Count {
    const DAY: usize = "2026-11-21".len();
    let day = recorded.timestamp.get(..DAY).unwrap_or_default();
    Count {
        counter: format!("{day}#{what}"),
        by,
    }
}

#[cfg(test)]
mod tests;
