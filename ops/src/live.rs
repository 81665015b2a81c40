//! Events as they happen: the newest rows of the timeline, looked at again and again.
//!
//! Rows come into sight later than their moments, and not in their order. So each look goes back a while, and what was shown is
//! remembered for as long.

use crate::event::Happened;
use crate::timeline::{Filter, events, rows, span};
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
/// How many of them are read at a time: those of a partition are within 4 KB, of which a query costs half a read unit.
const PAGE: usize = 16;

/// What was seen so far.
pub struct Live {
    filter: Filter,
    /// Nothing older is shown.
    since: DateTime<Utc>,
    /// Whether it was looked at all.
    has_begun: bool,
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
            has_begun: false,
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
        let (found, more) = rows(documents, span(from, to, PAGE), &self.filter, ROWS).await?;
        if more {
            eprintln!(
                "more than {ROWS} events happened: the oldest of them are left out, `around` shows them"
            );
        }
        self.has_begun = true;
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
        Ok(events(log, &new, &self.filter).await?)
    }

    /// How far back a look goes.
    fn from(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        if !self.has_begun {
            return self.since;
        }
        let late = self.newest.unwrap_or(now) - LATE;
        late.max(now - MOST).min(now).max(self.since)
    }
}

fn moment(row: &str) -> Option<DateTime<Utc>> {
    Marked::of(row)?.timestamp.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::tests::users::{create, rename, run, stream};
    use decider::Entry;
    use domain::timeline::day;
    use event_store::{MemoryEventLog, ServiceClock, rfc3339};
    use read_model::{Counts, ReadModelError, Row, Shards, StoredDocument};
    use uuid::Uuid;

    /// A timeline in memory, of these rows.
    struct Rows(Vec<Row>);

    impl Documents for Rows {
        async fn get(&self, _: &str, _: bool) -> Result<Option<StoredDocument>, ReadModelError> {
            Ok(None)
        }

        async fn get_all(&self, _: &[String]) -> Result<Vec<StoredDocument>, ReadModelError> {
            Ok(Vec::new())
        }

        async fn put(
            &self,
            _: &StoredDocument,
            _: Option<&StoredDocument>,
            _: &Counts,
        ) -> Result<(), ReadModelError> {
            Ok(())
        }

        async fn settle(&self, _: &StoredDocument) -> Result<(), ReadModelError> {
            Ok(())
        }

        async fn rows(
            &self,
            partition: &str,
            below: Option<&str>,
            limit: usize,
        ) -> Result<Vec<Row>, ReadModelError> {
            let is_there = |row: &&Row| {
                row.partition == partition && below.is_none_or(|below| row.sort.as_str() < below)
            };
            let mut rows: Vec<_> = self.0.iter().filter(is_there).cloned().collect();
            rows.sort_by(|one, other| other.sort.cmp(&one.sort));
            rows.truncate(limit);
            Ok(rows)
        }

        async fn counters(&self, _: &str, _: &str) -> Result<Counts, ReadModelError> {
            Ok(Counts::new())
        }
    }

    /// The row of a version of a stream, as if it had been recorded then.
    fn row(id: Uuid, version: u64, then: DateTime<Utc>) -> Row {
        let timestamp = rfc3339(then);
        let entry = Entry::Listed {
            list: day(&timestamp).to_owned().into(),
            sort: format!("{timestamp}#{version:020}#UserNameChanged"),
        };
        Row::of(&entry, &stream(id), Shards::default())
    }

    /// Whose events, and which, a look tells of.
    async fn told(
        live: &mut Live,
        log: &MemoryEventLog,
        rows: &Rows,
        now: DateTime<Utc>,
    ) -> Vec<u64> {
        let found = live.look(log, rows, now).await.expect("readable");
        let version = |event: &Happened| event.0.0["version"].as_u64().expect("a version");
        found.iter().map(version).collect()
    }

    #[tokio::test]
    async fn what_comes_into_sight_late_or_again_is_told_once() {
        let (log, clock, id) = (
            MemoryEventLog::default(),
            ServiceClock::default(),
            Uuid::now_v7(),
        );
        run(&log, &clock, id, &create("sarah@example.com"))
            .await
            .expect("done");
        for name in ["Mei", "Ida", "Zoe", "Ada"] {
            run(&log, &clock, id, &rename(name)).await.expect("done");
        }
        let now: DateTime<Utc> = "2026-11-21T00:01:00Z".parse().expect("a time");
        let at = |seconds: i64| now + TimeDelta::seconds(seconds);
        let (mut live, mut rows) = (
            Live::new(Filter::default(), now),
            Rows(vec![row(id, 1, at(-1))]),
        );
        assert_eq!(
            told(&mut live, &log, &rows, now).await,
            [0; 0],
            "what was before is not told"
        );
        rows.0.extend([row(id, 3, at(10)), row(id, 2, at(5))]);
        assert_eq!(
            told(&mut live, &log, &rows, at(11)).await,
            [2, 3],
            "oldest first"
        );
        assert_eq!(told(&mut live, &log, &rows, at(12)).await, [0; 0]);
        rows.0.push(row(id, 4, at(7)));
        assert_eq!(
            told(&mut live, &log, &rows, at(13)).await,
            [4],
            "it came later than those after it"
        );
        assert_eq!(
            told(&mut live, &log, &rows, at(600)).await,
            [0; 0],
            "of long ago, and told then"
        );
        rows.0.push(row(id, 5, at(599)));
        assert_eq!(told(&mut live, &log, &rows, at(601)).await, [5]);
        assert!(
            live.seen.len() <= 1,
            "what cannot come again is forgotten: {:?}",
            live.seen
        );
    }

    #[tokio::test]
    async fn what_happened_since_a_moment_is_told_at_first() {
        let (log, clock, id) = (
            MemoryEventLog::default(),
            ServiceClock::default(),
            Uuid::now_v7(),
        );
        run(&log, &clock, id, &create("sarah@example.com"))
            .await
            .expect("done");
        run(&log, &clock, id, &rename("Mei")).await.expect("done");
        let now: DateTime<Utc> = "2026-11-21T12:00:00Z".parse().expect("a time");
        let ago = |hours: i64| now - TimeDelta::hours(hours);
        let rows = Rows(vec![row(id, 1, ago(30)), row(id, 2, ago(20))]);
        for (since, versions) in [(ago(48), &[1, 2][..]), (ago(24), &[2]), (ago(10), &[])] {
            let mut live = Live::new(Filter::default(), since);
            assert_eq!(told(&mut live, &log, &rows, now).await, versions);
        }
    }
}
