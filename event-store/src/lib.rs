//! Streams of events on DynamoDB: one command, one item, one conditional write.
//!
//! [`execute`] loads a stream, lets a [`decider::Decider`] decide and appends what it decided, as one [`Commit`].
//! It reaches the table through [`EventLog`] and the time through [`Clock`], and knows no aggregate.
#![warn(missing_docs)]

mod claims;
mod clock;
mod commit;
mod dynamodb;
mod error;
mod execute;
mod log;
pub mod schema;
mod stream;
mod transaction;

pub use claims::{ClaimChange, ClaimsKey};
pub use clock::{Clock, ClockOff, ServiceClock, rfc3339};
pub use commit::{Commit, Metadata, StoredEvent, stream_id, stream_name};
pub use dynamodb::DynamoDbEventLog;
pub use error::{AppendError, ExecuteError, StoreError};
pub use execute::{Appended, Request, execute};
pub use log::EventLog;
pub use stream::{RING, Remembered, Stream};
