//! Streams of events on DynamoDB: one command, one item, one conditional write.
//!
//! [`execute`] loads a stream, lets a [`decider::Decider`] decide and appends what it decided, as one [`Commit`].
//! It reaches the table through [`EventLog`] and the time through [`Clock`], and knows no aggregate.
//!
//! | to | look at |
//! |---|---|
//! | execute a command | [`execute`], [`execute_all`], [`Part`], [`Metadata`] |
//! | read a stream | [`Stream::load`], [`EventLog::read`], [`Commit::recorded`] |
//! | read events of older shapes | [`decider::Upcaster`], [`StoredEvent::decode`] |
//! | keep streams | [`DynamoDbEventLog`] and its tables' [`schema`], [`MemoryEventLog`], or an [`EventLog`] of one's own |
//! | look for what was changed behind the service's back | [`Verifier`], [`Incomplete`] |
//! | see that a log of one's own is in order | `conformance`, with the feature of that name |
//!
//! # Example: an aggregate, from its decider to its stream
//! ```
#![doc = include_str!("../docs/cart.rs")]
//!
//! use event_store::{Cache, MemoryEventLog, Metadata, Part, ServiceClock, Stream, execute, stream_name};
//! use uuid::Uuid;
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let (log, clock) = (MemoryEventLog::default(), ServiceClock::default());
//!     let cache = Cache::<Cart>::new(1 << 20); // kept from command to command
//!     let name = stream_name(Cart::CATEGORY, Uuid::now_v7());
//!
//!     // The id and the fingerprint come from the caller's request: a copy of it has the same.
//!     let metadata = Metadata::new("sarah", "http").keyed(Uuid::now_v7(), "hash of the body");
//!     let add = Command::AddItem { item: "a lamp".into() };
//!     let added = execute(&log, &clock, &metadata, Part::new(&name, &add, &cache)).await?;
//!     assert_eq!((added.version, added.replayed), (1, false));
//!
//!     // The same command again: it appends nothing, and is answered as the first time.
//!     let again = execute(&log, &clock, &metadata, Part::new(&name, &add, &cache)).await?;
//!     assert_eq!((again.version, again.replayed), (1, true));
//!     assert_eq!(again.event_ids, added.event_ids);
//!
//!     let cart = Stream::<Cart>::load(&log, &name).await?;
//!     assert_eq!(cart.state.items, ["a lamp"]);
//!     Ok(())
//! }
//! ```
//!
//! [`decider::Decider`] shows how an aggregate claims unique values, [`execute`] what a refusal looks like.
#![warn(missing_docs)]

mod answers;
mod batch;
mod cache;
mod chain;
mod claims;
mod clock;
mod commit;
#[cfg(feature = "conformance")]
pub mod conformance;
mod draft;
mod dynamodb;
mod error;
mod event;
mod execute;
mod heads;
mod heads_dynamodb;
mod item;
mod log;
mod memory;
mod metadata;
mod part;
mod participant;
mod parts;
mod past;
mod plain;
mod ring;
pub mod schema;
mod seen;
mod snapshot;
mod stream;
mod transaction;
mod upkeep;
mod verify;

pub use answers::Appended;
pub use batch::{Batch, Done};
pub use cache::Cache;
pub use chain::{Chain, Hash};
pub use claims::{COMMAND, ClaimChange, ClaimsKey};
pub use clock::{Clock, ClockOff, Reading, ServiceClock, rfc3339};
pub use commit::{Commit, Position, stream_category, stream_id, stream_name};
pub use dynamodb::DynamoDbEventLog;
pub use error::{AppendError, ExecuteError, StoreError};
pub use event::StoredEvent;
pub use execute::{execute, execute_all};
pub use heads::{Broken, Head, HeadError, Heads, advance, advance_telling};
pub use heads_dynamodb::DynamoDbHeads;
pub use log::EventLog;
pub use memory::{MemoryEventLog, MemoryHeads};
pub use metadata::{Metadata, Stamp};
pub use part::Part;
pub use participant::{Decided, Participant};
pub use parts::{Incomplete, Parts};
pub use past::version_at;
pub use ring::RING;
pub use seen::{SEEN_LATEST, SEEN_SHARDS, Seen, SeenStreams, seen_shard};
pub use stream::{SNAPSHOT_EVERY, Stream};
pub use upkeep::{Key, Page, Row, Segment, Stored};
pub use verify::{Finding, Verifier, What};
