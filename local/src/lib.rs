//! The whole stack on one machine: the functions as they deploy, behind stand-ins for what AWS puts
//! around them, wired as `template.yaml` says.
//!
//! A request goes through `gateway`, `workers` and a process of `processes` to the database of
//! `dynamodb`; what it wrote comes back through `streams`, `bus` and `queues`. `stack` joins them.

mod bus;
mod counted;
pub mod demo;
mod dynamodb;
pub mod functions;
mod gateway;
mod http_event;
mod intrinsics;
mod mail;
mod parameters;
pub mod patterns;
mod processes;
mod queues;
mod resources;
mod runtime_api;
mod schedules;
mod sources;
mod sqs;
mod stack;
mod streams;
pub mod template;
mod workers;
pub mod yaml;

pub use counted::Counted;
pub use mail::Mail;
pub use parameters::Given;
pub use queues::Message;
pub use stack::{Options, Stack};
