//! A projection of the tests' own that some events of the tests' accounts are poison to.

use crate::account::{Account, Event};
use decider::{Entry, Projection, Recorded};
use serde::{Deserialize, Serialize};

/// A withdrawal that the fold refuses.
pub const REFUSED: u64 = 13;
/// A withdrawal that the fold panics at.
pub const PANICS: u64 = 66;
/// A deposit that makes index rows that nobody can list.
pub const PANICS_LATER: u64 = 666;
/// From this deposit on, the document grows by that many bytes.
pub const GROWS: u64 = 1_000;

/// What happened to an account, and in which list it is; mended, it takes what comes.
pub enum Fussy<const MENDED: bool> {}

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The versions that were applied.
    pub versions: Vec<u64>,
    /// Takes room.
    pub padding: String,
    /// The last amount.
    pub amount: u64,
}

/// A refusal; what it says is for operators, and quotes nothing.
#[derive(Debug, thiserror::Error)]
#[error("thirteen is not taken")]
pub struct Thirteen;

impl<const MENDED: bool> Projection for Fussy<MENDED> {
    const NAME: &'static str = "fussy";
    type Source = Account;
    type Document = Kept;
    type Error = Thirteen;

    fn fold(before: Option<Kept>, recorded: &Recorded<Event>) -> Result<Kept, Thirteen> {
        let mut kept = before.unwrap_or_default();
        kept.amount = 0;
        match &recorded.event {
            Event::Withdrawn { amount } if *amount == REFUSED && !MENDED => return Err(Thirteen),
            Event::Withdrawn { amount } if *amount == PANICS && !MENDED => panic!("sixty-six"),
            Event::Deposited { amount, .. } if *amount >= GROWS && !MENDED => {
                let more = usize::try_from(*amount).expect("a small amount");
                kept.padding.push_str(&"x".repeat(more));
            }
            Event::Deposited { amount, .. } => kept.amount = *amount,
            Event::Withdrawn { .. } | Event::Opened { .. } => {}
        }
        kept.versions.push(recorded.version);
        Ok(kept)
    }

    fn entries(kept: &Kept) -> Vec<Entry> {
        assert!(
            MENDED || kept.amount != PANICS_LATER,
            "there is no such list"
        );
        let list = if kept.versions.len().is_multiple_of(2) {
            "even"
        } else {
            "odd"
        };
        let sort = "a".to_owned();
        vec![Entry::Listed {
            list: list.into(),
            sort,
        }]
    }

    fn marks(_: Option<&Kept>, recorded: &Recorded<Event>) -> Vec<Entry> {
        let list = "events".into();
        let sort = format!("{:06}", recorded.version);
        vec![Entry::Listed { list, sort }]
    }
}
