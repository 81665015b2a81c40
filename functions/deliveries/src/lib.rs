//! Which events has nobody processed yet, and why? Derived from what is there anyway: how far the publisher saw each stream
//! reach, what each consumer keeps of it, and how far each has walked along the streams with news. Nothing is written per event.

mod answer;
mod behind;
mod concern;
mod consumers;
mod deliveries;
mod delivery;
mod lag;
mod look;
mod rebuilds;
mod walked;

pub use answer::{answer, answer_one};
pub use behind::Place;
pub use consumers::{Consumer, Consumers};
pub use deliveries::{Deliveries, StreamDeliveries};
pub use delivery::{Delivery, Failed, Status};
pub use lag::Lag;
pub use look::Look;
pub use rebuilds::{Phase, Rebuilt, phase};
