//! The whole stack on one machine: the functions as they deploy, behind stand-ins for what AWS puts
//! around them, wired as `template.yaml` says.
//!
//! A request goes through `gateway`, `runtime_api` and a process of `processes` to the database of
//! `dynamodb`; what it wrote comes back through `streams`, `bus` and `queues`. `stack` joins them.

mod bus;
mod dynamodb;
pub mod functions;
mod gateway;
mod http_event;
mod intrinsics;
mod mail;
pub mod patterns;
mod processes;
mod queues;
mod runtime_api;
mod sources;
mod stack;
mod streams;
pub mod template;
pub mod yaml;

pub use mail::Mail;
pub use queues::Message;
pub use stack::{Options, Stack};
