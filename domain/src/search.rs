//! The read model that finds a stream by a part of its texts: a row for every few characters in a row that they hold, so
//! that a search reads the rows of what it looks for, and no others.

use crate::{Aggregate, Document, ReadModelOf};
use decider::{Decider, Entry, Projection, Recorded};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::marker::PhantomData;

mod folding;
pub use folding::fold;

/// The name of the read model.
pub const NAME: &str = "search";
/// The fewest characters that can be searched for.
pub const FEWEST: usize = 3;
/// The most characters that one row stands for; what is longer is found by its parts.
pub const MOST: usize = 5;

/// How many characters of a stream's texts are searched, taken together: each takes three rows, which all lie in one item
/// with as many that go, and that must not grow too large. Names and emails are rarely a tenth as long.
const SEARCHED: usize = 330;
/// Goes up with every change of what the rows of a state are.
const ROWS: u32 = 0;

/// The search in the texts of the aggregate `A`.
pub struct SearchOf<A>(PhantomData<A>);

impl<A: Aggregate> Projection for SearchOf<A> {
    const NAME: &'static str = NAME;
    // OK because neither of the two ever goes down.
    const FOLD_VERSION: u32 = A::EVOLVE_VERSION + ROWS;
    const SHARED: bool = true;
    type Source = A;
    type Document = Document<A::State>;
    type Error = Infallible;

    fn fold(
        document: Option<Document<A::State>>,
        recorded: &Recorded<A::Event>,
    ) -> Result<Document<A::State>, Infallible> {
        ReadModelOf::<A>::fold(document, recorded)
    }

    fn entries(document: &Document<A::State>) -> Vec<Entry> {
        if document.deleted_at.is_some() {
            return vec![];
        }
        let mut left = SEARCHED;
        let mut parts = BTreeSet::new();
        for text in A::texts(&document.state) {
            let text: Vec<char> = fold(text).chars().take(left).collect();
            left -= text.len();
            for length in FEWEST..=MOST {
                parts.extend(text.windows(length).map(String::from_iter));
            }
        }
        let entry = |part: String| Entry::Listed {
            list: list::<A>(&part).into(),
            sort: document.created_at.clone(),
        };
        parts.into_iter().map(entry).collect()
    }
}

/// The list of the streams of `A` whose texts hold this part.
#[must_use]
pub fn list<A: Decider>(part: &str) -> String {
    format!("{}#{part}", A::CATEGORY)
}

/// Whether a state is to be found by what was asked for; both are compared folded.
#[must_use]
pub fn holds<A: Aggregate>(state: &A::State, folded: &str) -> bool {
    A::texts(state)
        .iter()
        .any(|text| fold(text).contains(folded))
}

/// The parts by which what is asked for can be looked up: any of them leads to all that hold it, and some to little else.
/// None if it is shorter than [`FEWEST`] characters.
#[must_use]
pub fn parts(folded: &str) -> Vec<String> {
    /// How many parts are looked at; one of the others is seldom rarer than all of these.
    const LOOKED_AT: usize = 4;
    let text: Vec<char> = folded.chars().collect();
    match text.len() {
        ..FEWEST => vec![],
        FEWEST..=MOST => vec![folded.to_owned()],
        length => {
            let last = length - MOST;
            let at = |step: usize| last * step / (LOOKED_AT - 1);
            // OK because the last one begins so that it ends with the text.
            let starts: BTreeSet<_> = (0..LOOKED_AT).map(at).collect();
            let part = |start: usize| text.iter().skip(start).take(MOST).collect();
            starts.into_iter().map(part).collect()
        }
    }
}

#[cfg(test)]
mod tests;
