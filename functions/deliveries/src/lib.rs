//! Which events has nobody processed yet, and why? Derived from what is there anyway: how far the publisher saw each stream
//! reach, what each consumer keeps of it, and how far each has walked along the streams with news. Nothing is written per event.

mod answer;
mod consumers;
mod delivery;
mod rebuilds;

pub use answer::{answer, answer_one};
pub use consumers::{Consumer, Consumers};
pub use delivery::{Deliveries, Delivery, Failed, Lag, Place, Status, StreamDeliveries};
pub use rebuilds::{Phase, Rebuilt, phase};
