//! Read models on DynamoDB: one document per stream, the index rows that find it, counters over all streams, and the
//! one runtime that keeps them.
//!
//! A message is a doorbell; the store is the truth. [`project`] reads what a document has not seen from the event log,
//! so that messages may come late, twice, out of order or not at all.
#![warn(missing_docs)]

mod behind;
mod checkpoints;
mod clearing;
mod compact;
mod compare;
mod counters;
mod documents;
mod dynamodb;
mod error;
mod generations;
mod item;
mod list;
mod parking;
mod position;
mod progress;
mod project;
mod query;
mod search;
mod steps;

pub use checkpoints::{Checkpoint, Owed};
pub use clearing::Cleared;
pub use compare::{Difference, compare};
pub use documents::{
    Counts, Documents, MAX_COUNTERS, Row, RowChange, Shards, StoredDocument, Trouble,
};
pub use dynamodb::DynamoDbDocuments;
pub use error::ReadModelError;
pub use generations::{Building, Generation, Generations, Gone, ReadModelTable};
pub use list::{Cursor, Page, found, listed, merged};
pub use parking::{PARKED, build, note, parked};
pub use position::{Hindrance, reach};
pub use project::{document_id, project, project_anew, redrive, stream};
pub use query::{AtLeast, Shown, head, show, wait_for};
pub use search::{CANDIDATES, Wanted, search};
