//! Events as they happen: the newest rows of the timeline, looked at again and again.
//!
//! Rows come into sight later than their moments, and not in their order. So each look goes back a while, and what was shown is
//! remembered for as long.

use crate::event::Happened;
use crate::timeline::{Filter, events, rows};
use chrono::{DateTime, TimeDelta, Utc};
use domain::timeline::Marked;
use event_store::EventLog;
use read_model::Documents;
use std::collections::BTreeSet;

/// How late a row may come into sight, and still be shown.
const LATE: TimeDelta = TimeDelta::minutes(2);
/// How far back a look goes at the most: nothing happened for so long, or a clock is off.
const MOST: TimeDelta = TimeDelta::hours(1);
/// How many rows one look takes in.
const ROWS: usize = 10_000;

/// What was seen so far.
pub struct Live {
    filter: Filter,
    /// Nothing older is shown.
    since: DateTime<Utc>,
    /// The moment of the newest row.
    newest: Option<DateTime<Utc>>,
    seen: BTreeSet<String>,
}

impl Live {
    /// What comes after `since`.
    pub fn new(filter: Filter, since: DateTime<Utc>) -> Self {
        Self {
            filter,
            since,
            newest: None,
            seen: BTreeSet::new(),
        }
    }

    /// What came since the last look, oldest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn look(
        &mut self,
        log: &impl EventLog,
        documents: &impl Documents,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Vec<Happened>> {
        let from = self.from(now);
        // OK because a clock of the service that is ahead of ours is not far ahead.
        let to = now + TimeDelta::minutes(10);
        let (found, _) = rows(documents, from, to, &self.filter, ROWS).await?;
        let newest = found.first().and_then(|row| moment(row));
        self.newest = self.newest.max(newest);
        let mut new: Vec<_> = found
            .into_iter()
            .filter(|row| !self.seen.contains(row))
            .collect();
        new.reverse();
        self.seen.extend(new.iter().cloned());
        let from = self.from(now);
        self.seen
            .retain(|row| moment(row).is_some_and(|moment| moment >= from));
        events(log, &new, &self.filter).await
    }

    /// How far back a look goes.
    fn from(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let late = self.newest.unwrap_or(now) - LATE;
        late.max(now - MOST).min(now).max(self.since)
    }
}

fn moment(row: &str) -> Option<DateTime<Utc>> {
    Marked::of(row)?.timestamp.parse().ok()
}
