//! A projection of the tests' own with counters: what goes in and out of the tests' accounts.

use crate::account::{Account, Event};
use decider::{Count, Entry, Projection, Recorded};
use read_model::Counts;
use serde::{Deserialize, Serialize};

/// How many accounts there are, how much is in them, and each version once; under the fold of this number.
pub enum Turnover<const FOLD: u32> {}

/// What is in one account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Balance {
    /// Minor units.
    pub balance: u64,
    /// The stream's version.
    pub version: u64,
}

/// An event out of order.
#[derive(Debug, thiserror::Error)]
#[error("version {0} does not follow")]
pub struct Misplaced(u64);

impl<const FOLD: u32> Projection for Turnover<FOLD> {
    const NAME: &'static str = "turnover";
    const FOLD_VERSION: u32 = FOLD;
    const SHARED: bool = true;
    type Source = Account;
    type Document = Balance;
    type Error = Misplaced;

    fn fold(before: Option<Balance>, recorded: &Recorded<Event>) -> Result<Balance, Misplaced> {
        let before = before.unwrap_or_default();
        if before.version + 1 != recorded.version {
            return Err(Misplaced(recorded.version));
        }
        Ok(Balance {
            balance: before
                .balance
                .saturating_add_signed(change(&recorded.event)),
            version: recorded.version,
        })
    }

    fn counts(before: Option<&Balance>, recorded: &Recorded<Event>) -> Vec<Count> {
        let count = |counter: &str, by| Count {
            counter: counter.to_owned(),
            by,
        };
        let opened = before.is_none().then(|| count("accounts", 1));
        let version = format!("version#{:04}", recorded.version);
        opened
            .into_iter()
            .chain([
                count("balance", change(&recorded.event)),
                count(&version, 1),
            ])
            .collect()
    }
}

fn change(event: &Event) -> i64 {
    let (amount, sign) = match event {
        Event::Opened { .. } => (0, 1),
        Event::Deposited { amount, .. } => (*amount, 1),
        Event::Withdrawn { amount } => (*amount, -1),
    };
    sign * i64::try_from(amount).expect("a small amount")
}

/// What the counters must be after the events of a stream that was read from its start.
pub fn counted(events: &[Recorded<Event>]) -> Counts {
    let mut before = None;
    let mut sums = Counts::new();
    for recorded in events {
        for Count { counter, by } in Turnover::<1>::counts(before.as_ref(), recorded) {
            *sums.entry(counter).or_default() += i128::from(by);
        }
        before = Some(Turnover::<1>::fold(before, recorded).expect("in order"));
    }
    sums
}

/// The numbers of the accounts: no counters, but index rows, which another fold has elsewhere.
pub enum Numbers<const FOLD: u32> {}

impl<const FOLD: u32> Projection for Numbers<FOLD> {
    const NAME: &'static str = "numbers";
    const FOLD_VERSION: u32 = FOLD;
    type Source = Account;
    type Document = String;
    type Error = Misplaced;

    fn fold(before: Option<String>, recorded: &Recorded<Event>) -> Result<String, Misplaced> {
        match (&recorded.event, before) {
            (Event::Opened { number }, None) => Ok(format!("{FOLD}:{number}")),
            // What an older fold took, a newer one may not.
            (Event::Withdrawn { .. }, Some(_)) if FOLD > 2 => Err(Misplaced(recorded.version)),
            (_, Some(before)) => Ok(before),
            (_, None) => Err(Misplaced(recorded.version)),
        }
    }

    fn entries(document: &String) -> Vec<Entry> {
        let list = if FOLD == 2 { "second" } else { "first" };
        let found = Entry::Found {
            by: list,
            value: document.clone(),
        };
        let sort = "a".to_owned();
        vec![
            Entry::Listed {
                list: "all".into(),
                sort,
            },
            found,
        ]
    }
}
