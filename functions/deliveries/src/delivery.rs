//! How far each consumer is with each stream, and what keeps it.

use crate::{Consumer, Consumers};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use event_store::{EventLog, SEEN_SHARDS, Seen, SeenStreams, seen_shard};
use futures_util::future::{try_join, try_join_all};
use read_model::{
    Checkpoint, Cursor, Documents, DynamoDbDocuments, Owed, ReadModelError, StoredDocument, parked,
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// How many streams are looked at for one page, or for the lag of one consumer, at most.
const LOOKED_AT: usize = 1_000;
/// How many of them at a time.
const PIECE: usize = 100;
/// Comes after every moment of these years.
const LATEST: &str = "~";

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

/// How it stands with one stream for one consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// There is news that it has not taken in.
    Pending,
    /// It is at work: the document is written, its index rows are not yet.
    Processing,
    /// It has taken in all that the publisher saw.
    Completed,
    /// It tried, and could not.
    Failed,
}

/// One stream and one consumer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// The consumer's name.
    pub consumer: String,
    /// The stream.
    pub stream: String,
    /// How it stands.
    pub status: Status,
    /// The version of the last event that the consumer has taken in.
    pub applied: u64,
    /// The version of the last event of the stream, as far as it was asked for.
    pub version: u64,
    /// Since when there is news, or it fails: RFC 3339 in UTC.
    pub since: Option<String>,
    /// What keeps it, if it is known.
    pub failed: Option<Failed>,
}

/// Why a consumer does not go on with a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// The version of the event that it could not take in.
    pub version: u64,
    /// Why.
    pub why: String,
    /// How often it tried.
    pub attempts: u32,
    /// It waits for a redrive or another build; else the next message tries again.
    pub parked: bool,
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

/// Where the next page of deliveries begins; opaque to callers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    consumer: String,
    /// None while those that are parked are listed, then one after the other.
    shard: Option<u8>,
    after: String,
}

impl Place {
    /// In characters that may stand in a URL.
    pub fn to_text(&self) -> String {
        // OK because a struct of texts and numbers has a JSON form.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads what [`Place::to_text`] wrote; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let place = serde_json::from_slice::<Self>(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let is_shard = place.shard.is_none_or(|shard| shard < SEEN_SHARDS);
        (is_shard && place.after.len() <= 1024).then_some(place)
    }
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
            if delivery.status == Status::Pending {
                delivery.since = seen.as_ref().and_then(|seen| time(&seen.at));
            }
            Ok::<_, ReadModelError>(delivery)
        });
        let data = try_join_all(data).await?;
        let done = |delivery: &Delivery| match delivery.status {
            Status::Completed => version,
            _ => delivery.applied,
        };
        let reached = data.iter().map(done).max().unwrap_or(0);
        Ok(Some(StreamDeliveries {
            stream: stream.to_owned(),
            version,
            published: seen.map_or(0, |seen| seen.version),
            processed_by_nobody: (reached < version).then_some((reached + 1, version)),
            data,
        }))
    }

    /// A page of at most `limit` deliveries that are not completed, of one consumer or of all of them: first those that are
    /// parked, then those that are pending, processing or failing. It may have fewer, and yet a next one.
    ///
    /// # Errors
    /// The store failed.
    pub async fn behind(
        &self,
        consumer: Option<&str>,
        status: Option<Status>,
        from: Option<Place>,
        limit: usize,
    ) -> Result<(Vec<Delivery>, Option<Place>), ReadModelError> {
        let mut found = Vec::new();
        let mut looked_at = 0;
        let begins = from.as_ref().map(|place| place.consumer.clone());
        let wanted = |delivery: &Delivery| status.is_none_or(|status| delivery.status == status);
        for consumer in self.chosen(consumer).await? {
            let place = from.clone().filter(|place| place.consumer == consumer.name);
            if begins
                .as_deref()
                .is_some_and(|begins| consumer.name < begins)
            {
                continue;
            }
            let live = consumer.table.live().await?;
            let (mut shard, mut after) = match place {
                None => (None, String::new()),
                Some(place) => (place.shard, place.after),
            };
            let at = |shard, after: &str| Place {
                consumer: consumer.name.to_owned(),
                shard,
                after: after.to_owned(),
            };
            while shard.is_none() {
                let cursor = Some(Cursor::new(after.clone())).filter(|_| !after.is_empty());
                let page = parked(&live, cursor.as_ref(), limit - found.len()).await?;
                let parked = page.documents.iter().map(|stored| {
                    let stream = consumer.stream(&stored.id);
                    delivery(&consumer, &stream, 0, Some(stored), None)
                });
                found.extend(parked.filter(wanted));
                match page.next {
                    Some(next) => after = next.as_str().to_owned(),
                    None => (shard, after) = (Some(0), String::new()),
                }
                if found.len() >= limit {
                    return Ok((found, Some(at(shard, &after))));
                }
            }
            let walked = walked(&consumer, &live).await?;
            while let Some(number) = shard.filter(|shard| *shard < SEEN_SHARDS) {
                let walked = &walked[usize::from(number)];
                let begin = after.as_str().max(&walked.seen);
                let mut seen = self.heads.seen(number, begin, LATEST, PIECE).await?;
                looked_at += seen.len();
                let last = seen.last().filter(|_| seen.len() == PIECE);
                let last = last.map(|last| last.at.clone());
                if after.is_empty() {
                    seen.splice(0..0, owed(walked));
                }
                let behind = pending(&consumer, &live, &seen, &walked.owed).await?;
                let mut behind = behind.into_iter().filter(|(_, delivery)| wanted(delivery));
                for (place, delivery) in behind.by_ref() {
                    found.push(delivery);
                    // OK because what is owed has no place, and is little: it is given all at once.
                    if found.len() >= limit && !place.is_empty() {
                        return Ok((found, Some(at(shard, &place))));
                    }
                }
                match last {
                    Some(last) => after = last,
                    None => (shard, after) = (Some(number + 1), String::new()),
                }
                if found.len() >= limit || looked_at >= LOOKED_AT {
                    return Ok((found, Some(at(shard, &after))));
                }
            }
        }
        Ok((found, None))
    }

    /// How far each consumer is behind.
    ///
    /// # Errors
    /// The store failed.
    pub async fn lags(&self, consumer: Option<&str>) -> Result<Vec<Lag>, ReadModelError> {
        let chosen = self.chosen(consumer).await?;
        try_join_all(chosen.iter().map(|consumer| self.lag(consumer))).await
    }

    async fn lag(&self, consumer: &Consumer) -> Result<Lag, ReadModelError> {
        let live = consumer.table.live().await?;
        let page = parked(&live, None, LOOKED_AT).await?;
        let walked = walked(consumer, &live).await?;
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
            walked_to: walked
                .iter()
                .map(|one| &one.seen)
                .min()
                .and_then(|place| time(place)),
        };
        for (shard, walked) in (0..SEEN_SHARDS).zip(&walked) {
            let limit = LOOKED_AT / usize::from(SEEN_SHARDS);
            let mut seen = self.heads.seen(shard, &walked.seen, LATEST, limit).await?;
            lag.more |= seen.len() == limit;
            seen.extend(owed(walked));
            for (_, delivery) in pending(consumer, &live, &seen, &walked.owed).await? {
                match delivery.status {
                    Status::Failed => lag.failed += 1,
                    _ => lag.pending += 1,
                }
                lag.oldest = lag.oldest.into_iter().chain(delivery.since).min();
            }
        }
        Ok(lag)
    }

    async fn chosen(&self, consumer: Option<&str>) -> Result<Vec<Consumer>, ReadModelError> {
        match consumer {
            None => self.consumers.all().await,
            Some(name) => Ok(self.consumers.named(name).await?.into_iter().collect()),
        }
    }
}

/// Those of the streams with news that the consumer has not taken in and that are not parked, each with its place.
async fn pending(
    consumer: &Consumer,
    live: &DynamoDbDocuments,
    seen: &[Seen],
    owed: &[Owed],
) -> Result<Vec<(String, Delivery)>, ReadModelError> {
    let read: Vec<_> = seen
        .iter()
        .filter(|seen| consumer.reads(&seen.stream))
        .collect();
    let ids: Vec<_> = read
        .iter()
        .map(|seen| consumer.document_id(&seen.stream))
        .collect();
    let stored = live.get_all(&ids).await?;
    let stored: HashMap<_, _> = stored
        .iter()
        .map(|stored| (stored.id.as_str(), stored))
        .collect();
    let behind = read.iter().zip(&ids).map(|(seen, id)| {
        let stored = stored.get(id.as_str()).copied();
        let owed = owed.iter().find(|owed| owed.stream == seen.stream);
        let mut delivery = delivery(consumer, &seen.stream, seen.version, stored, owed);
        delivery.since = delivery.since.or_else(|| time(&seen.at));
        (seen.at.clone(), delivery)
    });
    let is_parked =
        |delivery: &Delivery| delivery.failed.as_ref().is_some_and(|failed| failed.parked);
    let behind =
        behind.filter(|(_, delivery)| delivery.status != Status::Completed && !is_parked(delivery));
    Ok(behind.collect())
}

/// How it stands, as far as what the consumer keeps of the stream says.
fn delivery(
    consumer: &Consumer,
    stream: &str,
    version: u64,
    stored: Option<&StoredDocument>,
    owed: Option<&Owed>,
) -> Delivery {
    let applied = stored.map_or(0, |stored| stored.applied);
    let trouble = stored.and_then(|stored| stored.trouble.as_ref());
    let owed = owed.filter(|owed| trouble.is_none() && owed.version > applied);
    let status = match stored {
        _ if trouble.is_some() || owed.is_some() => Status::Failed,
        Some(stored) if !stored.pending.is_empty() => Status::Processing,
        _ if applied < version => Status::Pending,
        _ => Status::Completed,
    };
    Delivery {
        consumer: consumer.name.to_owned(),
        stream: stream.to_owned(),
        status,
        applied,
        version: version.max(trouble.map_or(applied, |trouble| trouble.version)),
        since: trouble.map(|trouble| trouble.since.clone()),
        failed: match (trouble, owed) {
            (Some(trouble), _) => Some(Failed {
                version: trouble.version,
                why: trouble.why.clone(),
                attempts: trouble.attempts,
                parked: trouble.parked_by.is_some(),
            }),
            (None, owed) => owed.map(|owed| Failed {
                version: owed.version,
                why: owed.why.clone(),
                attempts: owed.attempts,
                parked: false,
            }),
        },
    }
}

/// How far the consumer has walked along each shard.
async fn walked(
    consumer: &Consumer,
    live: &DynamoDbDocuments,
) -> Result<Vec<Checkpoint>, ReadModelError> {
    let mut walked = vec![Checkpoint::default(); usize::from(SEEN_SHARDS)];
    for checkpoint in consumer.table.checkpoints(live.generation()).await? {
        let shard = usize::from(checkpoint.shard);
        if let Some(walked) = walked.get_mut(shard) {
            *walked = checkpoint;
        }
    }
    Ok(walked)
}

/// The streams that a walk has passed and could not bring on, as if they were seen just now.
fn owed(walked: &Checkpoint) -> impl Iterator<Item = Seen> {
    walked.owed.iter().map(|owed| Seen {
        stream: owed.stream.clone(),
        version: owed.version,
        at: String::new(),
    })
}

/// The moment in a place of the index.
fn time(place: &str) -> Option<String> {
    let (time, _) = place.split_once('#').unwrap_or((place, ""));
    Some(time.to_owned()).filter(|time| !time.is_empty())
}
