//! The events of one stream, oldest first, or those that are asked for.

use crate::{Moment, PastError};
use chrono::{DateTime, TimeDelta, Utc};
use decider::Decider;
use domain::Aggregate;
use event_store::{Commit, EventLog, Metadata, StoreError, StoredEvent, rfc3339};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// How many commits a page looks at; then it is a shorter one.
const MOST: usize = 1000;
/// How many commits are read at a time where not all of them are asked for.
const PIECE: usize = 100;

/// Which events are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The first of them.
    pub from: Option<Moment>,
    /// The last of them.
    pub to: Option<Moment>,
    /// Of this type alone.
    pub kind: Option<String>,
    /// Of this actor alone.
    pub actor: Option<String>,
    /// What is shown of each.
    pub form: Form,
}

/// What is shown of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// What was stored.
    #[default]
    Stored,
    /// That, and the events of today that it is.
    Today,
}

/// Where an event stands: the version of its commit's first event, and how many stand before it in the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The version of its commit's first event.
    pub commit: u64,
    /// How many events stand before it in the commit.
    pub skip: u64,
}

impl Place {
    /// Before the first event.
    pub const START: Self = Self { commit: 1, skip: 0 };
}

/// Some events, and where those after them begin.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The events, as [`view`] shows them.
    pub events: Vec<Value>,
    /// Where the next page begins, if there may be one.
    pub next: Option<Place>,
}

/// The events of `stream` that `filter` lets through, from `place` on or from the first of them, `limit` at most. A page of few
/// events among many may be shorter, and still have a next one.
///
/// # Errors
/// [`PastError::Unknown`] for a stream without events.
pub async fn history<D>(
    log: &impl EventLog,
    stream: &str,
    filter: &Filter,
    place: Option<Place>,
    limit: usize,
) -> Result<Page, PastError>
where
    D: Decider<Event: Serialize + DeserializeOwned>,
{
    let from = match (place, filter.from) {
        (Some(place), _) => place,
        (None, Some(moment)) => first(log, stream, moment).await?,
        (None, None) => Place::START,
    };
    let is_sieved = filter.kind.is_some() || filter.actor.is_some();
    // OK because each commit that is read has an event for the page, the first one too: a place is that of one.
    let piece = if is_sieved {
        PIECE
    } else {
        limit.saturating_add(1)
    };
    let mut gathered = Gathered {
        page: Page::default(),
        filter,
        from,
        limit,
    };
    let (mut due, mut looked) = (from.commit, 0);
    loop {
        let commits = log.read(stream, due..=u64::MAX, piece).await?;
        if commits.is_empty() && due == 1 {
            let stream = stream.to_owned();
            return Err(PastError::Unknown { stream });
        }
        for commit in &commits {
            if gathered.is_done::<D>(commit)? {
                return Ok(gathered.page);
            }
            // OK because nothing begins between a commit and the next one, even if how long it is cannot be read.
            due = commit.last_version().unwrap_or(commit.version) + 1;
        }
        looked += commits.len();
        if commits.len() < piece {
            return Ok(gathered.page);
        }
        if looked >= MOST {
            gathered.page.next = Some(Place {
                commit: due,
                skip: 0,
            });
            return Ok(gathered.page);
        }
    }
}

/// The first event at a moment or after it.
async fn first(log: &impl EventLog, stream: &str, moment: Moment) -> Result<Place, PastError> {
    let version = match moment {
        Moment::Version(version) => version,
        Moment::Time(time) => {
            let instant = TimeDelta::microseconds(1);
            let before = Moment::Time(time.checked_sub_signed(instant).unwrap_or(time));
            before.version(log, stream).await? + 1
        }
    };
    let commit = log.newest(stream, 1..=version, 1).await?.pop();
    Ok(commit.map_or(Place::START, |commit| Place {
        commit: commit.version,
        skip: version - commit.version,
    }))
}

/// A page in the making.
struct Gathered<'f> {
    page: Page,
    filter: &'f Filter,
    from: Place,
    limit: usize,
}

impl Gathered<'_> {
    /// Takes in a commit, and says whether that was enough.
    fn is_done<D>(&mut self, commit: &Commit) -> Result<bool, PastError>
    where
        D: Decider<Event: Serialize + DeserializeOwned>,
    {
        let events = match commit.events() {
            Ok(events) => events.into_iter().map(Some).collect(),
            // OK because one commit that cannot be read hides no other.
            Err(StoreError::Corrupt { .. }) => vec![None],
            Err(error) => return Err(error.into()),
        };
        for (event, skip) in events.iter().zip(0..) {
            let (place, version) = (
                Place {
                    commit: commit.version,
                    skip,
                },
                commit.version + skip,
            );
            if place < self.from {
                continue;
            }
            if matches!(self.filter.to, Some(Moment::Version(to)) if version > to) {
                return Ok(true);
            }
            // OK because a place may be that of a page of another question.
            if matches!(self.filter.from, Some(Moment::Version(from)) if version < from) {
                continue;
            }
            let Some(event) = event else {
                if self.is_full(place) {
                    return Ok(true);
                }
                self.page.events.push(unreadable(&commit.stream, version));
                continue;
            };
            let timestamp = commit.stamp()?.timestamp;
            if matches!(self.filter.to, Some(Moment::Time(to)) if timestamp > to) {
                return Ok(true);
            }
            if matches!(self.filter.from, Some(Moment::Time(from)) if timestamp < from) {
                continue;
            }
            let metadata = commit.metadata()?;
            if !self.lets_through(event, &metadata) {
                continue;
            }
            if self.is_full(place) {
                return Ok(true);
            }
            let mut shown = view(commit, &metadata, timestamp, event, version);
            if self.filter.form == Form::Today {
                shown["today"] = today::<D>(event, &commit.stream, version)?;
            }
            self.page.events.push(shown);
        }
        Ok(false)
    }

    /// Whether there is no room for what stands at `place`: then the next page begins there.
    fn is_full(&mut self, place: Place) -> bool {
        let is_full = self.page.events.len() == self.limit;
        if is_full {
            self.page.next = Some(place);
        }
        is_full
    }

    fn lets_through(&self, event: &StoredEvent, metadata: &Metadata) -> bool {
        let Filter { kind, actor, .. } = self.filter;
        kind.as_ref().is_none_or(|kind| *kind == event.kind)
            && actor.as_ref().is_none_or(|actor| *actor == metadata.actor)
    }
}

/// Whether events of this type may lie in streams of `A`'s: it is written today, or was once.
pub fn is_type<A: Aggregate>(kind: &str) -> bool {
    A::EVENT_TYPES.contains(&kind) || A::UPCASTERS.iter().any(|old| old.kind == kind)
}

/// What is shown of what cannot be read.
pub fn unreadable(stream: &str, version: u64) -> Value {
    tracing::error!(stream, version, "what is stored cannot be read");
    json!({
        "stream": stream, "version": version,
        "unreadable": "what is stored cannot be read; strangelog verify says what is wrong with the stream",
    })
}

/// An event as callers see it, in the shape in which it was stored.
pub fn view(
    commit: &Commit,
    metadata: &Metadata,
    timestamp: DateTime<Utc>,
    event: &StoredEvent,
    version: u64,
) -> Value {
    json!({
        "id": event.id,
        "stream": commit.stream,
        "version": version,
        "type": event.kind,
        "schema_version": event.schema_version,
        "timestamp": rfc3339(timestamp),
        "effective_at": event.effective_at.map(rfc3339),
        "actor": metadata.actor,
        "reason": metadata.reason,
        "command_id": metadata.command_id,
        "correlation_id": metadata.correlation_id,
        "causation_id": metadata.causation_id,
        "source": metadata.source,
        "data": event.data,
    })
}

/// The events of today that a stored one is.
fn today<D>(stored: &StoredEvent, stream: &str, version: u64) -> Result<Value, PastError>
where
    D: Decider<Event: Serialize + DeserializeOwned>,
{
    let events = stored.decode::<D>(stream, version)?;
    let views = events.iter().map(|event| {
        let event = StoredEvent::encode::<D>(stored.id, event)?;
        Ok(json!({ "type": event.kind, "data": event.data }))
    });
    let views: Result<Vec<Value>, serde_json::Error> = views.collect();
    Ok(Value::Array(views?))
}

#[cfg(test)]
mod tests;
