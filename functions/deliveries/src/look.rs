//! One look at all streams: what it reads once serves the page of deliveries and the lags alike.

use crate::walked::walked;
use crate::{Consumer, Deliveries, Place};
use event_store::{EventLog, SEEN_LATEST, SEEN_SHARDS, Seen, SeenStreams};
use futures_util::future::try_join_all;
use read_model::{Checkpoint, DynamoDbDocuments, ReadModelError};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How many streams are looked at for one page, or for the lag of one consumer, at most.
pub(crate) const LOOKED_AT: usize = 1_000;
/// How many of them at a time: those of a shard.
pub(crate) const PIECE: usize = LOOKED_AT / SEEN_SHARDS as usize;

/// A shard of the streams with news, and the place after which it is read.
type Piece = (u8, String);

/// One look at some consumers, as they were when it began.
#[derive(Debug)]
pub struct Look<'a, L, H> {
    pub(crate) deliveries: &'a Deliveries<L, H>,
    pub(crate) consumers: Vec<Opened>,
    pub(crate) from: Option<Place>,
    /// OK because idle consumers stand at the same places, and all but the first find it read.
    seen: Mutex<HashMap<Piece, Arc<[Seen]>>>,
}

/// A consumer with what it shows, and how far it has walked along each shard.
#[derive(Debug)]
pub(crate) struct Opened {
    pub consumer: Consumer,
    pub live: DynamoDbDocuments,
    pub walked: Vec<Checkpoint>,
}

impl<L: EventLog, H: SeenStreams> Deliveries<L, H> {
    /// Looks at one consumer, or at all of them, from a place of their list on; at none where it is not deployed.
    ///
    /// # Errors
    /// The store failed.
    pub async fn look(
        &self,
        consumer: Option<&str>,
        from: Option<Place>,
    ) -> Result<Look<'_, L, H>, ReadModelError> {
        let mut consumers = match consumer {
            None => self.consumers.all().await?,
            Some(name) => self.consumers.named(name).await?.into_iter().collect(),
        };
        consumers.retain(|consumer| from.as_ref().is_none_or(|from| from.comes_to(consumer)));
        let opened = consumers.into_iter().map(|consumer| async {
            let live = consumer.table.live().await?;
            let walked = walked(&consumer, &live).await?;
            Ok::<_, ReadModelError>(Opened {
                consumer,
                live,
                walked,
            })
        });
        Ok(Look {
            deliveries: self,
            consumers: try_join_all(opened).await?,
            from,
            seen: Mutex::default(),
        })
    }
}

impl<L: EventLog, H: SeenStreams> Look<'_, L, H> {
    /// At most [`PIECE`] streams of a shard, seen after a place.
    pub(crate) async fn seen(&self, shard: u8, after: &str) -> Result<Arc<[Seen]>, ReadModelError> {
        let key = (shard, after.to_owned());
        let known = || self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = known().get(&key) {
            return Ok(seen.clone());
        }
        let heads = &self.deliveries.heads;
        let seen: Arc<[_]> = heads.seen(shard, after, SEEN_LATEST, PIECE).await?.into();
        Ok(known().entry(key).or_insert(seen).clone())
    }
}
