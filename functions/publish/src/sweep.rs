//! What the stream of the events table did not carry: it was off, or trimmed after its 24 hours, or its mapping was made anew.
//!
//! A run reads one of so many segments of the events table, by the clock, so that it needs no memory: with a run a minute and
//! as many segments as a day has minutes, each item is read once a day. A scan costs half a read unit for every 4 KB, whatever
//! is asked for of an item: 131,072 units for a GB, which are 0.016 $ at on-demand prices (us-east-1), and as much again for a GB
//! of heads. The heads of the streams that it meets cost half a unit each.

use crate::announce::{announce, entry, put};
use crate::bus::Bus;
use chrono::{DateTime, TimeDelta, Utc};
use edge::{Announcement, causes};
use event_store::{
    Commit, DynamoDbEventLog, DynamoDbHeads, EventLog, HeadError, Heads, SeenStreams, Segment,
    StoreError, advance,
};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime};

/// How many commits of one stream are published at a time.
const PIECE: usize = 100;

/// Looks for what was not published.
#[derive(Clone, Debug)]
pub struct Sweeper<B> {
    /// Where it goes.
    pub bus: B,
    /// How far each stream was seen to reach.
    pub heads: DynamoDbHeads,
    /// The events.
    pub log: DynamoDbEventLog,
    /// What is younger is left to the stream of the table, which may be on its way.
    pub grace: Duration,
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// How many streams it met.
    pub streams: usize,
    /// How many commits it published that nobody had.
    pub published: usize,
    /// How many heads it put where consumers look for them.
    pub placed: usize,
    /// The segment was too long for one run.
    pub unfinished: bool,
}

/// The segment whose turn it is; one each minute.
pub fn segment_at(now: DateTime<Utc>, of: i32) -> Segment {
    let of = of.max(1);
    let minutes = now.timestamp().div_euclid(60).rem_euclid(of.into());
    Segment {
        // OK because it is less than `of`.
        index: i32::try_from(minutes).unwrap_or_default(),
        of,
    }
}

/// Tells all consumers that time has passed; whether the bus took that.
pub async fn tick(bus: &impl Bus) -> bool {
    let tick = entry(0, &Announcement::tick());
    put(bus, vec![tick]).await.is_empty()
}

impl<B: Bus> Sweeper<B> {
    /// The stream of the table tries for seconds as a rule; what it did not carry in ten minutes it may never carry.
    pub const GRACE: Duration = Duration::from_secs(600);

    /// Publishes what nobody had of a segment, and puts the heads of a segment where consumers look for them.
    ///
    /// # Errors
    /// The store failed: what was published is published, and the rest is found the next time.
    pub async fn sweep(&self, segment: Segment, until: SystemTime) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        self.publish_unpublished(segment, until, &mut swept).await?;
        self.place_heads(segment, until, &mut swept).await?;
        let (index, of) = (segment.index, segment.of);
        if swept.published > 0 {
            tracing::error!(
                alarm = "unpublished",
                commits = swept.published,
                segment = index,
                of,
                "commits had not been published"
            );
        }
        if swept.unfinished {
            tracing::error!(
                alarm = "sweep",
                segment = index,
                of,
                "a segment is too long for one run"
            );
        }
        tracing::info!(?swept, segment = index, of, "swept");
        Ok(swept)
    }

    async fn publish_unpublished(
        &self,
        segment: Segment,
        until: SystemTime,
        swept: &mut Swept,
    ) -> Result<(), StoreError> {
        let mut from = None;
        // The stream that the last page ended in goes on in the next one.
        let mut last_stream = None;
        loop {
            let page = self.log.places(segment, from).await?;
            let mut newest = BTreeMap::<String, u64>::new();
            for place in page.items {
                let known = newest.entry(place.stream).or_default();
                *known = place.version.max(*known);
            }
            let met = newest
                .keys()
                .filter(|stream| Some(*stream) != last_stream.as_ref());
            swept.streams += met.count();
            last_stream = newest.keys().last().cloned();
            self.compare(newest, swept).await?;
            from = page.next;
            if from.is_none() {
                return Ok(());
            }
            if SystemTime::now() >= until {
                swept.unfinished = true;
                return Ok(());
            }
        }
    }

    /// Publishes what these streams have beyond their heads, given where the last commit that was met begins.
    async fn compare(
        &self,
        newest: BTreeMap<String, u64>,
        swept: &mut Swept,
    ) -> Result<(), StoreError> {
        let streams: Vec<_> = newest.keys().cloned().collect();
        let heads = self.heads.heads(&streams).await?;
        let heads: HashMap<_, _> = heads
            .into_iter()
            .map(|head| (head.stream, head.version))
            .collect();
        for (stream, version) in newest {
            if version > heads.get(&stream).copied().unwrap_or_default() {
                match self.catch_up(&stream, swept).await {
                    // OK because one stream that is spoilt holds up no other.
                    Err(StoreError::Corrupt { version, why, .. }) => {
                        tracing::error!(
                            alarm = "tampering",
                            stream,
                            version,
                            why,
                            "a stream cannot be read"
                        );
                    }
                    done => done?,
                }
            }
        }
        Ok(())
    }

    async fn catch_up(&self, stream: &str, swept: &mut Swept) -> Result<(), StoreError> {
        let before = Utc::now() - TimeDelta::from_std(self.grace).unwrap_or_default();
        loop {
            // OK because it is read again: the publisher may have come by.
            let head = self.heads.head(stream).await?;
            let due = head.map_or(0, |head| head.version) + 1;
            let mut commits = self.log.read(stream, due..=u64::MAX, PIECE).await?;
            let is_last = commits.len() < PIECE;
            let mut old = 0;
            for commit in &commits {
                if commit.stamp()?.timestamp > before {
                    break;
                }
                old += 1;
            }
            commits.truncate(old);
            if commits.is_empty() || !self.publish(stream, &commits).await? {
                return Ok(());
            }
            swept.published += commits.len();
            if is_last || old < PIECE {
                return Ok(());
            }
        }
    }

    /// Whether they are published, and their stream's head is there.
    async fn publish(&self, stream: &str, commits: &[Commit]) -> Result<bool, StoreError> {
        let mut entries = Vec::new();
        for (record, commit) in commits.iter().enumerate() {
            entries.extend(announce(record, commit)?);
        }
        let refused = put(&self.bus, entries).await;
        if !refused.is_empty() {
            let count = refused.len();
            tracing::warn!(stream, count, "the bus refused what was not published");
            return Ok(false);
        }
        match advance(&self.heads, &self.log, stream, commits).await {
            Ok(()) => Ok(true),
            Err(HeadError::Store(error)) => Err(error),
            Err(HeadError::Broken(broken)) => {
                let (version, why) = (broken.version, broken.why);
                tracing::error!(
                    alarm = "tampering",
                    stream,
                    version,
                    why,
                    "a stream does not hold together"
                );
                Ok(false)
            }
            Err(error @ (HeadError::Conflict | HeadError::Untold)) => {
                tracing::warn!(stream, error = causes(&error), "a head was not kept");
                Ok(false)
            }
        }
    }

    /// Heads that were written before there was an index of them are in none.
    async fn place_heads(
        &self,
        segment: Segment,
        until: SystemTime,
        swept: &mut Swept,
    ) -> Result<(), StoreError> {
        let mut from = None;
        loop {
            let page = self.heads.unplaced(segment, from).await?;
            for head in page.items {
                match head {
                    // OK because a head that has moved meanwhile is in the index.
                    Ok(head) => {
                        swept.placed += usize::from(self.heads.put(&head, Some(&head)).await?)
                    }
                    // OK because one that is spoilt holds up no other.
                    Err(error) => {
                        let error = causes(&error);
                        tracing::error!(alarm = "tampering", error, "a head cannot be read");
                    }
                }
            }
            from = page.next;
            if from.is_none() {
                return Ok(());
            }
            if SystemTime::now() >= until {
                swept.unfinished = true;
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_segment_has_its_turn() {
        let minute = |minute: i64| DateTime::from_timestamp(minute * 60, 0).expect("a time");
        let turns: Vec<_> = (0..6).map(|at| segment_at(minute(at), 3).index).collect();
        assert_eq!(turns, [0, 1, 2, 0, 1, 2]);
        assert_eq!(segment_at(minute(5), 0).of, 1);
    }
}
