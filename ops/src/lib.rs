//! The command line tool of those who look after a store: whether its streams are as they were written, and whether its
//! claims are those that its streams make.

pub mod claims;
mod connection;
mod counted;
mod deliveries;
mod difference;
mod held;
mod help;
mod mend;
mod operate;
mod options;
mod pages;
mod parts;
mod rebuild;
pub mod verify;

pub use options::{Options, run};
pub use pages::Reading;
