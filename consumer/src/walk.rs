//! The walk along all streams, in the order in which the publisher last saw something new of them: whatever a generation has
//! not heard of, it finds there. A new consumer thereby has all of history, and a rebuild is the same walk from the start.
//!
//! A checkpoint never passes a stream in silence: one that fails for the time being is owed, in the checkpoint itself, and is
//! tried again with every slice. Where more fail than one checkpoint can hold, it stays where it is.

use crate::{Consume, Consumer, ConsumerError, Queue, Ring};
use edge::causes;
use event_store::{EventLog, SEEN_SHARDS, Seen, SeenStreams, rfc3339, stream_category};
use futures_util::{StreamExt, stream};
use read_model::{Building, Checkpoint, Documents, Generation, Generations, Owed};
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

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
        let is_live = generation == generations.live;
        let mut owed: BTreeMap<String, Owed> = std::mem::take(&mut checkpoint.owed)
            .into_iter()
            .map(|owed| (owed.stream.clone(), owed))
            .collect();
        let limit = self.settings.page.max(1);
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
            let is_last = page.len() < limit;
            self.bring(generation, &page, &mut owed, is_live).await?;
            if owed.len() > MOST_OWED {
                let why = owed.pop_last().map(|(_, owed)| owed.why);
                return Err(ConsumerError::TooMany {
                    failed: owed.len() + 1,
                    why: why.unwrap_or_default(),
                });
            }
            let last = page.last().map(|last| last.at.clone());
            let to = match last {
                Some(last) if !is_last => last,
                _ => end.clone().max(checkpoint.seen.clone()),
            };
            // OK because an idle walk writes nothing: what is looked for from an old place costs no more.
            let is_idle = page.is_empty() && owed_before == 0 && owed.is_empty();
            let is_building = generations
                .building
                .as_ref()
                .is_some_and(|building| building.generation == generation);
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

    /// Brings the streams of a page, and those that are owed, to where they were seen to be; what fails is owed after it.
    async fn bring(
        &self,
        generation: Generation,
        page: &[Seen],
        owed: &mut BTreeMap<String, Owed>,
        is_live: bool,
    ) -> Result<(), ConsumerError> {
        let mut wanted: BTreeMap<&str, u64> = BTreeMap::new();
        let known: Vec<_> = std::mem::take(owed).into_values().collect();
        let known = &known;
        for owed in known {
            wanted.insert(&owed.stream, owed.version);
        }
        for seen in page {
            let category = stream_category(&seen.stream);
            // OK because an operation is done once, however many generations there are.
            let is_operation = category == edge::OPERATIONS;
            if is_operation && is_live || !is_operation && self.consume.reads(category) {
                wanted.insert(&seen.stream, seen.version);
            }
        }
        let ids: Vec<_> = wanted
            .keys()
            .map(|stream| self.consume.document(stream).to_owned())
            .collect();
        let documents = self.table.documents(generation);
        let stored = documents.get_all(&ids).await?;
        // OK because a document whose index rows are not written yet is not done, whatever version it has.
        let applied: HashMap<_, _> = stored
            .iter()
            .filter(|stored| stored.pending.is_empty())
            .map(|stored| (stored.id.as_str(), stored.applied))
            .collect();
        let behind = wanted.into_iter().filter(|(stream, version)| {
            let applied = applied.get(self.consume.document(stream));
            applied.is_none_or(|applied| applied < version)
        });
        let brought = stream::iter(behind).map(|(stream, version)| async move {
            let done = match stream_category(stream) {
                edge::OPERATIONS => self.operate(stream).await,
                _ => self.ring_in(generation, stream, version, Ring::News).await,
            };
            let Err(error) = done else { return None };
            tracing::warn!(stream, version, error = causes(&error), "a stream is owed");
            let why = error.in_brief();
            let before = known.iter().find(|known| known.stream == stream);
            Some(Owed {
                stream: stream.to_owned(),
                version,
                attempts: before.map_or(0, |before| before.attempts) + 1,
                why,
            })
        });
        let failed: Vec<_> = brought.buffer_unordered(SIDE_BY_SIDE).collect().await;
        let failed = failed.into_iter().flatten();
        owed.extend(failed.map(|failed| (failed.stream.clone(), failed)));
        Ok(())
    }
}
