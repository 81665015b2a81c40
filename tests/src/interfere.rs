//! An event log before which somebody else is always a little faster.

use event_store::{AppendError, Batch, EventLog};
use std::sync::Mutex;

/// A log that appends batches of others, one before each append of ours.
pub struct Interfering<L> {
    /// Where all is kept.
    pub log: L,
    /// What others append, last first.
    pub others: Mutex<Vec<Batch>>,
}

impl<L: EventLog> EventLog for Interfering<L> {
    async fn append(&self, batch: &Batch) -> Result<(), AppendError> {
        let other = self.others.lock().expect("nobody panicked").pop();
        if let Some(other) = other {
            self.log.append(&other).await.expect("the others are first");
        }
        self.log.append(batch).await
    }

    crate::reads_of_the_log! {}
}
