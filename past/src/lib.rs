//! What a stream was: its history, what it amounted to at any moment, what changed between two of them, and what a command
//! would have come to. It reads the event log alone, but for the timeline's rows and the counters of the statistics, and writes
//! nothing.
//!
//! | to | look at |
//! |---|---|
//! | list what happened | [`history`], [`Filter`], [`view`] |
//! | see what a stream amounted to | [`then`], of [`StateOf`] an aggregate or [`DocumentOf`] a read model |
//! | compare two moments | [`diff`], [`changes`] |
//! | see what happened at a time, in whatever stream | [`marked`], [`happened`] |
//! | count what happened on each day, in all streams | [`Statistics`] of a [`DayRange`] |
//! | ask what a command would have come to | [`what_if`], [`Supposed`] |
#![warn(missing_docs)]

mod diff;
mod error;
mod fold;
mod history;
mod moment;
mod statistics;
#[cfg(test)]
mod stored;
mod timeline;
mod what_if;

pub use diff::{Between, Change, Diff, Kind, changes, diff};
pub use error::PastError;
pub use fold::{DocumentOf, Fold, StateOf, Then, then};
pub use history::{Filter, Form, Page, Place, history, is_type, unreadable, view};
pub use moment::{Moment, NotAMoment, SETTLED_AFTER};
pub use statistics::{DayRange, MOST_DAYS, NotARange, Statistics};
pub use timeline::{Span, happened, marked};
pub use what_if::{Outcome, Supposed, what_if};
