//! The command line tool of those who look after a store: whether its streams are as they were written, and whether its
//! claims are those that its streams make.

pub mod claims;
mod connection;
mod counted;
mod held;
mod mend;
mod options;
mod pages;
mod parts;
pub mod verify;

pub use options::{Options, run};
pub use pages::Reading;
