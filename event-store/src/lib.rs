//! Streams of events on DynamoDB: one command, one item, one conditional write.
//!
//! [`execute`] loads a stream, lets a [`decider::Decider`] decide and appends what it decided, as one [`Commit`].
//! It reaches the table through [`EventLog`] and the time through [`Clock`], and knows no aggregate.
#![warn(missing_docs)]

mod cache;
mod chain;
mod claims;
mod clock;
mod commit;
mod dynamodb;
mod error;
mod execute;
mod heads;
mod item;
mod log;
mod memory;
mod part;
mod plain;
mod ring;
pub mod schema;
mod snapshot;
mod stream;
mod transaction;

pub use cache::Cache;
pub use chain::{Chain, Hash};
pub use claims::{COMMAND, ClaimChange, ClaimsKey};
pub use clock::{Clock, ClockOff, ServiceClock, rfc3339};
pub use commit::{Commit, Metadata, Position, Stamp, StoredEvent, stream_id, stream_name};
pub use dynamodb::DynamoDbEventLog;
pub use error::{AppendError, ExecuteError, StoreError};
pub use execute::{Appended, execute, execute_all};
pub use heads::Head;
pub use log::{Batch, Done, EventLog};
pub use memory::MemoryEventLog;
pub use part::{Decided, Part, Participant};
pub use ring::RING;
pub use stream::{SNAPSHOT_EVERY, Stream};
