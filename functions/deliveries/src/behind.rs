//! What is not completed, over all streams, page by page.

use crate::concern::concerns;
use crate::delivery::delivery;
use crate::look::{LOOKED_AT, Opened, PIECE};
use crate::walked::{is_place_of_owed, owed, time};
use crate::{Consumer, Delivery, Look, Status};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::registry;
use event_store::{EventLog, SEEN_SHARDS, Seen, SeenStreams};
use futures_util::future::try_join_all;
use read_model::{Cursor, Documents, DynamoDbDocuments, Owed, ReadModelError, parked};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};

/// Where the next page of deliveries begins; opaque to callers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    consumer: String,
    /// None while those that are parked are listed, then one after the other.
    shard: Option<u8>,
    after: String,
}

impl Place {
    fn start(consumer: &Consumer) -> Self {
        Self {
            consumer: consumer.name.to_owned(),
            shard: None,
            after: String::new(),
        }
    }

    /// In characters that may stand in a URL.
    pub fn to_text(&self) -> String {
        // OK because a struct of texts and numbers has a JSON form.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads what [`Place::to_text`] wrote; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let place = serde_json::from_slice::<Self>(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let is_shard = place.shard.is_none_or(|shard| shard < SEEN_SHARDS);
        let is_known = registry::consumers().contains_key(place.consumer.as_str());
        (is_shard && is_known && place.after.len() <= 1024).then_some(place)
    }

    /// Whether it is one in the list of this consumer, or in that of all of them.
    pub fn is_of(&self, consumer: Option<&str>) -> bool {
        consumer.is_none_or(|consumer| consumer == self.consumer)
    }

    /// Whether the list comes to a consumer from here on, or is amid it.
    pub(crate) fn comes_to(&self, consumer: &Consumer) -> bool {
        consumer.name >= self.consumer.as_str()
    }

    /// The next shard, if there is one.
    fn next_shard(&mut self) -> bool {
        let next = self.shard.map_or(0, |shard| shard + 1);
        self.shard = Some(next);
        self.after.clear();
        next < SEEN_SHARDS
    }
}

/// A page in the making.
struct Wanted {
    status: Option<Status>,
    limit: usize,
    found: Vec<Delivery>,
    looked_at: usize,
}

impl Wanted {
    fn is_full(&self) -> bool {
        self.found.len() >= self.limit || self.looked_at >= LOOKED_AT
    }

    fn takes(&self, delivery: &Delivery) -> bool {
        self.status.is_none_or(|status| delivery.status == status)
    }
}

impl<L: EventLog, H: SeenStreams> Look<'_, L, H> {
    /// A page of at most `limit` deliveries that are not completed, from where the look begins, one consumer after the
    /// other: first those that are parked, then those that are pending, processing or failing. It may have fewer, and
    /// yet a next one.
    ///
    /// # Errors
    /// The store failed.
    pub async fn behind(
        &self,
        status: Option<Status>,
        limit: usize,
    ) -> Result<(Vec<Delivery>, Option<Place>), ReadModelError> {
        let mut page = Wanted {
            status,
            limit: limit.max(1),
            found: Vec::new(),
            looked_at: 0,
        };
        for opened in &self.consumers {
            let consumer = &opened.consumer;
            let place = self.from.clone();
            let place = place.filter(|place| place.consumer == consumer.name);
            let place = place.unwrap_or_else(|| Place::start(consumer));
            if page.is_full() {
                return Ok((page.found, Some(place)));
            }
            if let Some(next) = self.behind_of(opened, place, &mut page).await? {
                return Ok((page.found, Some(next)));
            }
        }
        Ok((page.found, None))
    }

    /// Fills a page from what one consumer has left, from a place on; where the next page begins, if it is not done.
    async fn behind_of(
        &self,
        opened: &Opened,
        mut place: Place,
        page: &mut Wanted,
    ) -> Result<Option<Place>, ReadModelError> {
        let Opened {
            consumer,
            live,
            walked,
        } = opened;
        if place.shard.is_none() {
            // OK because what is parked has failed, and so is in no other list.
            let is_listed = page.status.is_none_or(|status| status == Status::Failed);
            while is_listed && list_parked(consumer, live, &mut place, page).await? {
                if page.is_full() {
                    return Ok(Some(place));
                }
            }
            place.next_shard();
        }
        while let Some((shard, walked)) = place
            .shard
            .and_then(|shard| Some((shard, walked.get(usize::from(shard))?)))
        {
            if page.is_full() {
                return Ok(Some(place));
            }
            let begin = place.after.as_str().max(&walked.seen);
            let mut seen = self.seen(shard, begin).await?.to_vec();
            page.looked_at += seen.len();
            let last = seen.last().filter(|_| seen.len() == PIECE);
            let last = last.map(|last| last.at.clone());
            seen.splice(0..0, owed(walked).filter(|owed| owed.at > place.after));
            for (at, delivery) in
                pending(&self.deliveries.log, consumer, live, &seen, &walked.owed).await?
            {
                if !page.takes(&delivery) {
                    continue;
                }
                page.found.push(delivery);
                place.after = at;
                if page.found.len() >= page.limit {
                    return Ok(Some(place));
                }
            }
            match last {
                Some(last) => place.after = last,
                None if place.next_shard() => {}
                None => break,
            }
        }
        Ok(None)
    }
}

/// Fills a page with what is parked; whether there is more of that.
async fn list_parked(
    consumer: &Consumer,
    live: &DynamoDbDocuments,
    place: &mut Place,
    page: &mut Wanted,
) -> Result<bool, ReadModelError> {
    let cursor = Some(Cursor::new(place.after.clone())).filter(|_| !place.after.is_empty());
    let rest = page.limit - page.found.len();
    let parked = parked(live, cursor.as_ref(), rest).await?;
    page.looked_at += parked.documents.len();
    for stored in &parked.documents {
        let stream = consumer.stream(&stored.id);
        let delivery = delivery(consumer, &stream, 0, Some(stored), None);
        page.found.push(delivery);
    }
    let Some(next) = parked.next else {
        return Ok(false);
    };
    next.as_str().clone_into(&mut place.after);
    Ok(true)
}

/// Those of the streams with news that the consumer has not taken in and that are not parked, each with its place.
pub(crate) async fn pending(
    log: &impl EventLog,
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
    // OK because what is owed may have been seen anew, and DynamoDB takes no key twice.
    let distinct: Vec<_> = BTreeSet::from_iter(ids.iter().cloned())
        .into_iter()
        .collect();
    let stored = live.get_all(&distinct).await?;
    let stored: HashMap<_, _> = stored
        .iter()
        .map(|stored| (stored.id.as_str(), stored))
        .collect();
    let behind = read.iter().zip(&ids).filter_map(|(seen, id)| {
        let stored = stored.get(id.as_str()).copied();
        let owed = owed.iter().find(|owed| owed.stream == seen.stream);
        let mut delivery = delivery(consumer, &seen.stream, seen.version, stored, owed);
        delivery.since = delivery.since.or_else(|| time(&seen.at));
        // OK because what is owed, and has moved since, is listed once: with what is owed.
        let is_owed = owed.is_some_and(|owed| owed.version > delivery.applied);
        (!is_owed || is_place_of_owed(&seen.at)).then(|| (seen.at.clone(), delivery))
    });
    let is_parked =
        |delivery: &Delivery| delivery.failed.as_ref().is_some_and(|failed| failed.parked);
    let behind =
        behind.filter(|(_, delivery)| delivery.status != Status::Completed && !is_parked(delivery));
    let concerning = behind.map(|(at, delivery)| async {
        let concerns = concerns(log, consumer, &delivery).await?;
        Ok::<_, ReadModelError>(concerns.then_some((at, delivery)))
    });
    let concerning = try_join_all(concerning).await?;
    Ok(concerning.into_iter().flatten().collect())
}
