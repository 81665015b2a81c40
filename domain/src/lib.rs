//! The domain: what users and bank accounts may do and what became of them. Pure: no I/O, no clock, no AWS.
//! One file per aggregate; [`registry`] is the one list of them.

pub mod account;
mod aggregate;
mod description;
mod mailing;
pub mod money;
mod name_change;
pub mod operation;
mod personal;
mod read_model;
pub mod registry;
pub mod search;
pub mod statistics;
pub mod timeline;
pub mod transfer;
pub mod user;
pub mod values;
mod welcome;

pub use account::Account;
pub use aggregate::{Aggregate, FieldError, Refusal, parse, parse_event};
pub use description::{AggregateDescription, CommandDescription, FieldDescription};
pub use mailing::{Mail, Mailing};
pub use name_change::NameChange;
pub use operation::Operation;
pub use personal::Personal;
pub use read_model::{ALL, Document, ReadModel, ReadModelOf, found};
pub use search::SearchOf;
pub use statistics::{AccountStatistics, UserStatistics};
pub use timeline::TimelineOf;
pub use transfer::Transfer;
pub use user::User;
pub use welcome::Welcome;

/// The read model of users.
pub type Users = ReadModelOf<User>;
/// The read model of bank accounts.
pub type Accounts = ReadModelOf<Account>;
