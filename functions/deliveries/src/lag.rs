//! How far consumers are behind.

use crate::behind::pending;
use crate::look::{LOOKED_AT, Opened, PIECE};
use crate::walked::{owed, time};
use crate::{Look, Status};
use chrono::{TimeDelta, Utc};
use event_store::{EventLog, SEEN_SHARDS, SeenStreams, rfc3339};
use futures_util::future::try_join_all;
use read_model::{ReadModelError, StoredDocument, parked};
use serde::Serialize;
use std::collections::BTreeSet;

/// Nobody walks nearer to the present.
const GRACE: TimeDelta = TimeDelta::minutes(1);

/// How far a consumer is behind, over all streams.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lag {
    /// Its name.
    pub consumer: String,
    /// How many streams have news for it that it has not taken in, and did not fail on.
    pub pending: usize,
    /// How many it failed on.
    pub failed: usize,
    /// There are more of them than were looked at.
    pub more: bool,
    /// Since when the oldest of them waits: RFC 3339 in UTC.
    pub oldest: Option<String>,
    /// Up to when it has walked along all streams: nothing older is pending.
    pub walked_to: Option<String>,
}

impl<L: EventLog, H: SeenStreams> Look<'_, L, H> {
    /// How far each consumer is behind.
    ///
    /// # Errors
    /// The store failed.
    pub async fn lags(&self) -> Result<Vec<Lag>, ReadModelError> {
        let places = self.consumers.iter().flat_map(|opened| {
            let places = (0..SEEN_SHARDS).zip(&opened.walked);
            places.map(|(shard, walked)| (shard, walked.seen.as_str()))
        });
        // OK because those who stand at the same place would all read it, side by side.
        let places: BTreeSet<_> = places.collect();
        try_join_all(places.iter().map(|(shard, place)| self.seen(*shard, place))).await?;
        try_join_all(self.consumers.iter().map(|opened| self.lag(opened))).await
    }

    async fn lag(&self, opened: &Opened) -> Result<Lag, ReadModelError> {
        let Opened {
            consumer,
            live,
            walked,
        } = opened;
        let now = rfc3339(Utc::now() - GRACE);
        let page = parked(live, None, LOOKED_AT).await?;
        let since = |stored: &StoredDocument| {
            let trouble = stored.trouble.as_ref();
            trouble.map(|trouble| trouble.since.clone())
        };
        let mut lag = Lag {
            consumer: consumer.name.to_owned(),
            pending: 0,
            failed: page.documents.len(),
            more: page.next.is_some(),
            oldest: page.documents.iter().filter_map(since).min(),
            walked_to: Some(now),
        };
        for (shard, walked) in (0..SEEN_SHARDS).zip(walked) {
            let mut seen = self.seen(shard, &walked.seen).await?.to_vec();
            lag.more |= seen.len() == PIECE;
            // OK because where nothing was seen since a checkpoint, an idle walk leaves that where it is.
            if !seen.is_empty() {
                lag.walked_to = lag
                    .walked_to
                    .and_then(|to| Some(to.min(time(&walked.seen)?)));
            }
            seen.extend(owed(walked));
            for (_, delivery) in
                pending(&self.deliveries.log, consumer, live, &seen, &walked.owed).await?
            {
                match delivery.status {
                    Status::Failed => lag.failed += 1,
                    _ => lag.pending += 1,
                }
                lag.oldest = lag.oldest.into_iter().chain(delivery.since).min();
            }
        }
        Ok(lag)
    }
}
