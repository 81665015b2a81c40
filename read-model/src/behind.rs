//! How far a read model is behind all the streams that it reads, and not only behind those of one document.

use crate::{Documents, DynamoDbDocuments, ReadModelError, ReadModelTable, parked};
use event_store::{SEEN_LATEST, SEEN_SHARDS, SeenStreams};
use futures_util::future::{try_join, try_join_all};
use std::collections::BTreeMap;

/// How many streams are looked at, at most: of each shard, and of those that are parked.
const LOOKED_AT: usize = 100;

impl ReadModelTable {
    /// How many events a generation, whose documents are named by their streams, has not taken in yet: of the streams with news
    /// since its last walk, of those that the walk left behind, and of those that are parked. `reads` says which streams are
    /// its own. Where there are more than 100 of them, in a shard or parked, there may be more.
    ///
    /// # Errors
    /// The store failed.
    pub async fn behind(
        &self,
        generation: &DynamoDbDocuments,
        heads: &impl SeenStreams,
        reads: impl Fn(&str) -> bool,
    ) -> Result<u64, ReadModelError> {
        let (walked, parked) = try_join(
            self.checkpoints(generation.generation()),
            parked(generation, None, LOOKED_AT),
        )
        .await?;
        let seen = (0..SEEN_SHARDS).map(|shard| {
            let walked = walked.iter().find(|walked| walked.shard == shard);
            let after = walked.map_or("", |walked| walked.seen.as_str());
            heads.seen(shard, after, SEEN_LATEST, LOOKED_AT)
        });
        let mut due = BTreeMap::new();
        let mut applied = BTreeMap::new();
        for owed in walked.iter().flat_map(|walked| &walked.owed) {
            due.insert(owed.stream.clone(), owed.version);
        }
        for stored in parked.documents {
            let trouble = stored.trouble.map_or(0, |trouble| trouble.version);
            due.insert(stored.id.clone(), trouble);
            applied.insert(stored.id, stored.applied);
        }
        // OK because they are the keys of a map: DynamoDB takes no key twice.
        let stuck: Vec<_> = due.keys().cloned().collect();
        let (seen, stuck) = try_join(try_join_all(seen), heads.heads(&stuck)).await?;
        for seen in seen.into_iter().flatten().chain(stuck) {
            let due = due.entry(seen.stream).or_default();
            *due = seen.version.max(*due);
        }
        due.retain(|stream, _| reads(stream));
        let unread = due.keys().filter(|stream| !applied.contains_key(*stream));
        let unread: Vec<_> = unread.cloned().collect();
        let stored = generation.get_all(&unread).await?.into_iter();
        applied.extend(stored.map(|stored| (stored.id, stored.applied)));
        let behind = due.iter().map(|(stream, due)| {
            let applied = applied.get(stream).copied().unwrap_or_default();
            due.saturating_sub(applied)
        });
        Ok(behind.sum())
    }
}
