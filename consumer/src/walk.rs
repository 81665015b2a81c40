//! The walk along all streams, in the order in which the publisher last saw something new of them: whatever a generation has
//! not heard of, it finds there. A new consumer thereby has all of history, and a rebuild is the same walk from the start.
//!
//! A checkpoint never passes a stream in silence: one that fails for the time being is owed, in the checkpoint itself, and is
//! tried again with every slice. Where more fail than one checkpoint can hold, it stays where it is.

use crate::{Consume, Consumer, ConsumerError, Own, Queue, Ring};
use chrono::DateTime;
use edge::causes;
use event_store::{EventLog, SEEN_SHARDS, Seen, SeenStreams, rfc3339, stream_category};
use futures_util::{StreamExt, stream};
use read_model::{Building, Checkpoint, Documents, Generation, Generations, Owed};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How many of them are consumed side by side.
const SIDE_BY_SIDE: usize = 16;
/// How many streams a checkpoint may owe.
const MOST_OWED: usize = 200;
/// Whether there is more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// The walk has come as near to the present as it may.
    Nothing,
    /// The time was up.
    More,
    /// Another walk moves the same checkpoints: one of the two is enough.
    Overtaken,
}

/// Whether a generation holds all that was seen until it was written by everybody.
pub(crate) fn is_built(building: &Building, checkpoints: &[Checkpoint]) -> bool {
    let is_done = |one: &&Checkpoint| one.seen >= building.since && one.owed.is_empty();
    checkpoints.iter().filter(is_done).count() == usize::from(SEEN_SHARDS)
}

impl<C: Consume, L: EventLog, S: SeenStreams, Q: Queue> Consumer<C, L, S, Q> {
    /// Walks along the shards of one of `of` chains, from their checkpoints, until nothing is left or the time is up. It needs no
    /// Lambda and no queue.
    ///
    /// # Errors
    /// The store failed, or the table; the same call goes on from there.
    pub async fn walk(
        &self,
        generation: Generation,
        chain: u8,
        of: u8,
        until: Instant,
    ) -> Result<Left, ConsumerError> {
        let generations = self.table.generations().await?;
        let known = self.table.checkpoints(generation).await?;
        let mut left = Left::Nothing;
        for shard in (0..SEEN_SHARDS).filter(|shard| shard % of.max(1) == chain) {
            let known = known.iter().find(|known| known.shard == shard).cloned();
            let from = known.unwrap_or_else(|| self.first(shard));
            match self.along(&generations, generation, from, until).await? {
                Left::Nothing => {}
                Left::More => return Ok(Left::More),
                Left::Overtaken => left = Left::Overtaken,
            }
        }
        Ok(left)
    }

    /// Walks along a generation, unless a chain of messages does; if the time is not enough, lets chains of messages do it.
    pub(crate) async fn walk_or_send(
        &self,
        generations: &Generations,
        generation: Generation,
        until: Instant,
    ) -> Result<(), ConsumerError> {
        let fresh = rfc3339(self.ago(self.settings.stalled));
        let checkpoints = self.table.checkpoints(generation).await?;
        let was_begun = generations.building.as_ref().is_some_and(|building| {
            building.generation == generation
                && checkpoints.is_empty()
                && building.since > rfc3339(chrono::Utc::now())
        });
        let mut unfinished = checkpoints.iter().filter(|one| one.is_under_way);
        if was_begun || unfinished.any(|one| one.at > fresh) {
            return Ok(());
        }
        match self.walk(generation, 0, 1, until).await? {
            Left::Nothing | Left::Overtaken => Ok(()),
            Left::More => self.send_walkers(generation).await,
        }
    }

    /// A chain has come as near to the present as it may. Where that is before everybody knew of a generation in the making, it
    /// walks once more as soon as that is over; else the generation may be built, and a switch that was asked for is due.
    pub(crate) async fn finish(
        &self,
        generation: Generation,
        said: &Own,
    ) -> Result<(), ConsumerError> {
        let generations = self.table.generations().await?;
        let building = generations.building.as_ref();
        let Some(building) = building.filter(|one| one.generation == generation) else {
            return Ok(());
        };
        let since = DateTime::parse_from_rfc3339(&building.since).unwrap_or_default();
        let wait = since.signed_duration_since(self.ago(self.settings.grace));
        match wait.to_std() {
            // OK because a moment more does no harm, and a message that comes too early is sent once more.
            Ok(wait) => self.send_later(said, wait + Duration::from_secs(1)).await,
            Err(_) => self.operate(&building.rebuild).await,
        }
    }

    /// Where the walk along a shard begins that nobody has walked along.
    fn first(&self, shard: u8) -> Checkpoint {
        // OK because what has effects outside begins with its deployment.
        let from = self.started.get().filter(|_| !self.consume.is_pure());
        Checkpoint {
            shard,
            seen: from.cloned().unwrap_or_default(),
            ..Checkpoint::default()
        }
    }

    async fn along(
        &self,
        generations: &Generations,
        generation: Generation,
        mut checkpoint: Checkpoint,
        until: Instant,
    ) -> Result<Left, ConsumerError> {
        let end = rfc3339(self.ago(self.settings.grace));
        let is_building = generations
            .building
            .as_ref()
            .is_some_and(|building| building.generation == generation);
        let mut owed: BTreeMap<String, Owed> = std::mem::take(&mut checkpoint.owed)
            .into_iter()
            .map(|owed| (owed.stream.clone(), owed))
            .collect();
        let limit = self.settings.page.max(1);
        let mut is_first = true;
        loop {
            let owed_before = owed.len();
            let page = match checkpoint.seen < end {
                true => {
                    self.seen
                        .seen(checkpoint.shard, &checkpoint.seen, &end, limit)
                        .await?
                }
                false => vec![],
            };
            // OK because what failed a moment ago is not tried again with every page.
            let again = std::mem::take(&mut is_first);
            let brought = self
                .bring(generation, &page, &mut owed, again, is_building, until)
                .await?;
            let is_last = page.len() < limit && brought == page.len();
            let page = &page[..brought];
            if owed.len() > MOST_OWED {
                let why = owed.pop_last().map(|(_, owed)| owed.why);
                return Err(ConsumerError::TooMany {
                    failed: owed.len() + 1,
                    why: why.unwrap_or_default(),
                });
            }
            let to = match page.last() {
                Some(last) if !is_last => last.at.clone(),
                None if !is_last => checkpoint.seen.clone(),
                _ => end.clone().max(checkpoint.seen.clone()),
            };
            // OK because an idle walk writes nothing: what is looked for from an old place costs no more.
            let is_idle =
                page.is_empty() && owed_before == 0 && owed.is_empty() && !checkpoint.is_under_way;
            let is_over = Instant::now() >= until;
            if !is_idle || (is_building && checkpoint.seen != to) {
                checkpoint.seen = to;
                checkpoint.walked += page.len() as u64;
                checkpoint.owed = owed.values().cloned().collect();
                checkpoint.is_under_way = !is_last;
                checkpoint.at = rfc3339(chrono::Utc::now());
                if !self.table.advance(generation, &mut checkpoint).await? {
                    return Ok(Left::Overtaken);
                }
            }
            if is_last {
                return Ok(Left::Nothing);
            }
            if is_over {
                return Ok(Left::More);
            }
        }
    }

    /// Brings the streams of a page, and then those that are owed if it is time, to where they were seen to be; what fails is
    /// owed after it. Answers how many of the page that is: when the time is up, only the first few are begun with.
    async fn bring(
        &self,
        generation: Generation,
        page: &[Seen],
        owed: &mut BTreeMap<String, Owed>,
        again: bool,
        is_building: bool,
        until: Instant,
    ) -> Result<usize, ConsumerError> {
        // OK because an operation is done once, however many generations there are; a new one has no part in those before it.
        let is_ours = |(_, seen): &(usize, &Seen)| match stream_category(&seen.stream) {
            edge::OPERATIONS => !is_building,
            category => self.consume.reads(category),
        };
        let wanted = page.iter().enumerate().filter(is_ours);
        let mut wanted: Vec<_> = wanted
            .map(|(at, seen)| (at, seen.stream.clone(), seen.version))
            .collect();
        if again {
            let is_there = |owed: &&Owed| page.iter().any(|seen| seen.stream == owed.stream);
            let owed = owed.values().filter(|owed| !is_there(owed));
            wanted.extend(owed.map(|owed| (page.len(), owed.stream.clone(), owed.version)));
        }
        let streams = wanted.iter().map(|(_, stream, _)| stream);
        let applied = self.applied(generation, streams).await?;
        let is_behind =
            |stream, version| applied.get(stream).is_none_or(|applied| applied < version);
        let (behind, there): (Vec<_>, Vec<_>) = wanted
            .iter()
            .partition(|(_, stream, version)| is_behind(stream, version));
        let (known, begun) = (&*owed, &AtomicUsize::new(0));
        let is_time = |at| at < SIDE_BY_SIDE || Instant::now() < until;
        let due = behind.iter().enumerate().take_while(|(at, _)| is_time(*at));
        let brought = stream::iter(due).map(|(_, (_, stream, version))| async move {
            begun.fetch_add(1, Ordering::Relaxed);
            let done = match stream_category(stream) {
                edge::OPERATIONS => self.operate(stream).await,
                _ => self.ring_in(generation, stream, *version, Ring::News).await,
            };
            let Err(error) = done else { return None };
            tracing::warn!(stream, version, error = causes(&error), "a stream is owed");
            Some(Owed {
                stream: stream.clone(),
                version: *version,
                attempts: known.get(stream).map_or(0, |known| known.attempts) + 1,
                why: error.in_brief(),
            })
        });
        let failed: Vec<_> = brought.buffer_unordered(SIDE_BY_SIDE).collect().await;
        let (begun, left) = behind.split_at(begun.load(Ordering::Relaxed));
        for (_, stream, _) in begun.iter().chain(&there) {
            owed.remove(stream);
        }
        let failed = failed.into_iter().flatten();
        owed.extend(failed.map(|failed| (failed.stream.clone(), failed)));
        Ok(left.first().map_or(page.len(), |(at, ..)| *at))
    }

    /// How far the documents of these streams are, with all of their index rows. Operations have none.
    async fn applied<'s>(
        &self,
        generation: Generation,
        streams: impl Iterator<Item = &'s String>,
    ) -> Result<HashMap<&'s String, u64>, ConsumerError> {
        let streams: Vec<_> = streams
            .filter(|stream| stream_category(stream) != edge::OPERATIONS)
            .collect();
        let ids = streams.iter().map(|stream| self.consume.document(stream));
        let ids: Vec<_> = ids.map(str::to_owned).collect();
        let stored = self.table.documents(generation).get_all(&ids).await?;
        // OK because whoever died before its rows were written left them to the next that turns to the stream: to us.
        let whole = stored.iter().filter(|stored| stored.pending.is_empty());
        let applied: HashMap<_, _> = whole
            .map(|stored| (stored.id.as_str(), stored.applied))
            .collect();
        let of =
            |stream: &&'s String| Some((*stream, *applied.get(self.consume.document(stream))?));
        Ok(streams.iter().filter_map(of).collect())
    }
}
