//! What deliveries are derived from, and how it stands with one stream for all of its consumers.

use crate::concern::concerns;
use crate::delivery::delivery;
use crate::walked::{time, walked};
use crate::{Consumers, Delivery, Status};
use event_store::{EventLog, Seen, SeenStreams, seen_shard};
use futures_util::future::{try_join, try_join_all};
use read_model::{Documents, ReadModelError};
use serde::Serialize;

/// What deliveries are derived from.
#[derive(Clone, Debug)]
pub struct Deliveries<L, H> {
    /// The events.
    pub log: L,
    /// What the publisher saw.
    pub heads: H,
    /// What the consumers keep.
    pub consumers: Consumers,
}

/// All consumers of one stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StreamDeliveries {
    /// The stream.
    pub stream: String,
    /// The version of its last event.
    pub version: u64,
    /// The version of the last event that the publisher saw; what is beyond, no consumer has heard of.
    pub published: u64,
    /// The first and the last version that no consumer has taken in.
    pub processed_by_nobody: Option<(u64, u64)>,
    /// One for each consumer of it.
    pub data: Vec<Delivery>,
}

impl<L: EventLog, H: SeenStreams> Deliveries<L, H> {
    /// How it stands with one stream, for every consumer that reads it; `None` for a stream without events.
    ///
    /// # Errors
    /// The store failed.
    pub async fn of_stream(
        &self,
        stream: &str,
    ) -> Result<Option<StreamDeliveries>, ReadModelError> {
        let newest = self.log.newest(stream, 1..=u64::MAX, 1).await?.pop();
        let Some(version) = newest.map(|commit| commit.last_version()).transpose()? else {
            return Ok(None);
        };
        let seen = self.heads.heads(&[stream.to_owned()]).await?.pop();
        let consumers = self.consumers.all().await?;
        let reading = consumers.iter().filter(|consumer| consumer.reads(stream));
        let data = reading.map(|consumer| async {
            let live = consumer.table.live().await?;
            let id = consumer.document_id(stream);
            let (stored, walked) = try_join(live.get(&id, true), walked(consumer, &live)).await?;
            let walked = &walked[usize::from(seen_shard(stream))];
            let owed = walked.owed.iter().find(|owed| owed.stream == stream);
            let mut delivery = delivery(consumer, stream, version, stored.as_ref(), owed);
            // OK because what a consumer has walked past, and keeps nothing of, has nothing to say to it.
            let passed = |seen: &&Seen| seen.version >= version && walked.seen >= seen.at;
            if delivery.status == Status::Pending && seen.as_ref().filter(passed).is_some() {
                delivery.status = Status::Completed;
            }
            // OK because whom an event does not concern has not processed it either.
            let reached = match delivery.status {
                Status::Completed => version,
                _ => delivery.applied,
            };
            if !concerns(&self.log, consumer, &delivery).await? {
                delivery.status = Status::Completed;
            }
            if delivery.status == Status::Pending {
                delivery.since = seen.as_ref().and_then(|seen| time(&seen.at));
            }
            Ok::<_, ReadModelError>((delivery, reached))
        });
        let data = try_join_all(data).await?;
        let (data, reached): (Vec<_>, Vec<_>) = data.into_iter().unzip();
        let reached = reached.into_iter().max().unwrap_or(0);
        Ok(Some(StreamDeliveries {
            stream: stream.to_owned(),
            version,
            published: seen.map_or(0, |seen| seen.version),
            processed_by_nobody: (reached < version).then_some((reached + 1, version)),
            data,
        }))
    }
}
