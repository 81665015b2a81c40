//! The command line tool of those who look after a store: what happened in it, whether its streams are as they were written,
//! whether its claims are those that its streams make, and whether everybody has processed what everybody must.

pub mod claims;
mod cli;
mod commands;
mod connection;
mod consent;
mod counted;
mod deliveries;
mod difference;
mod event;
mod exit;
mod held;
mod history_file;
mod http;
mod live;
mod mend;
mod operate;
mod output;
mod pages;
mod parts;
mod rebuild;
pub mod replay;
mod smoke;
mod streams;
mod timeline;
pub mod verify;
mod when;

pub use cli::{Options, run};
pub use pages::Reading;
