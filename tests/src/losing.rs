//! An event log from which replies do not always come back.

use event_store::{AppendError, Batch, EventLog, StoreError};
use fastrand::Rng;
use std::sync::Mutex;

/// A log that loses some of the appends of commands that can be sent again: before they get there, or on the way back.
pub struct Losing<L> {
    /// Where all is kept.
    pub log: L,
    /// Chooses which.
    pub rng: Mutex<Rng>,
    /// One in so many is lost each way.
    pub one_in: u32,
}

impl<L> Losing<L> {
    fn loses(&self, batch: &Batch) -> Result<(), AppendError> {
        let mut rng = self.rng.lock().expect("nobody panicked");
        if batch.done.is_some() && rng.u32(..self.one_in) == 0 {
            return Err(StoreError::Aws("nobody knows".into()).into());
        }
        Ok(())
    }
}

impl<L: EventLog> EventLog for Losing<L> {
    async fn append(&self, batch: &Batch) -> Result<(), AppendError> {
        self.loses(batch)?;
        let appended = self.log.append(batch).await;
        self.loses(batch)?;
        appended
    }

    crate::reads_of_the_log! {}
}
