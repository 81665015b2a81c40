//! From the events table to the bus: what its stream brings, and what it did not.

mod announce;
mod bus;
mod heads;
mod pack;
mod publish;
mod sweep;

pub use bus::{Bus, Entry, EventBridgeBus};
pub use publish::publish;
pub use sweep::{Sweeper, Swept, segment_at, tick};
