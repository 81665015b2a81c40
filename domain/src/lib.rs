//! The domain: what users may do and what became of them. Pure: no I/O, no clock, no AWS.
//! One file per aggregate; [`registry`] is the one list of them.

mod aggregate;
mod mailing;
mod personal;
pub mod registry;
pub mod user;
pub mod users;
pub mod values;
mod welcome;

pub use aggregate::{Aggregate, FieldError, ReadModel, parse};
pub use mailing::{Mail, Mailing};
pub use personal::Personal;
pub use user::User;
pub use users::Users;
pub use welcome::Welcome;
