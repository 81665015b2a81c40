//! A commit: what one command appended to one stream, stored as one item.

use crate::metadata::Head;
use crate::schema::{CHAIN, DIGEST, EVENTS, METADATA, SNAPSHOT, STREAM, VERSION};
use crate::{Chain, Hash, Metadata, Stamp, StoreError};
use chrono::{DateTime, Utc};
use decider::Recorded;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

/// The schema version that events are written with.
pub(crate) const SCHEMA_VERSION: u32 = 1;
/// No stream gets so far; what follows it can still be counted.
const LAST_VERSION: u64 = u64::MAX / 2;
/// What a number takes of an item at its most, in bytes.
const NUMBER: usize = 21;

/// What one command appended to a stream, as it is stored: 1 to [`crate::schema::MAX_EVENTS`] events.
///
/// Its texts are kept as they are, since the [`Chain`] is over their bytes; [`Commit::events`] and the like read them.
///
/// # Example: what happened to a cart, and who did it
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cart.rs"));
/// use event_store::{
///     Cache, EventLog, MemoryEventLog, Metadata, Part, ServiceClock, StoreError, execute,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (log, clock) = (MemoryEventLog::default(), ServiceClock::default());
/// let (cache, add) = (Cache::<Cart>::none(), Command::AddItem { item: "a lamp".into() });
/// let metadata = Metadata::new("sarah", "http");
/// execute(&log, &clock, &metadata, Part::new("cart-1", &add, &cache)).await?;
///
/// let mut commit = log.read("cart-1", 1..=1, 1).await?.remove(0);
/// assert_eq!(commit.metadata()?.actor, "sarah");
/// let events = commit.recorded::<Event>()?;
/// assert!(matches!(&events[0].event, Event::ItemAdded { item } if item == "a lamp"));
/// assert_eq!(commit.hash(), commit.chain.hash);
///
/// // Whoever changes what is stored is found out; what cannot be read is an error, and is not skipped.
/// commit.events = commit.events.replace("ItemAdded", "ItemStolen");
/// assert_ne!(commit.hash(), commit.chain.hash);
/// assert!(matches!(commit.recorded::<Event>(), Err(StoreError::Corrupt { version: 1, .. })));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Commit {
    /// The stream's name, as [`stream_name`] makes it.
    pub stream: String,
    /// The stream's version after the first of the events.
    pub version: u64,
    /// The events, as the JSON of a list of [`StoredEvent`]s.
    pub events: String,
    /// A [`Stamp`] and a [`Metadata`], as one JSON object.
    pub metadata: String,
    /// Ties it to the commit before.
    pub chain: Chain,
    /// What its snapshot must hash to, if it was written with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Hash>,
    /// The state after it, if that was due, and nobody has deleted it since: only a shortcut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
}

/// One event, in the JSON that its aggregate gave it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredEvent {
    /// UUIDv7.
    pub id: Uuid,
    /// The name of the event.
    #[serde(rename = "type")]
    pub kind: String,
    /// Which shape of this type `data` has; the first is 1.
    pub schema_version: u32,
    /// The event's fields, in JSON.
    pub data: Box<RawValue>,
    /// When it happened in the world, where that is not when it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<DateTime<Utc>>,
}

/// Where a commit lies, or a stream ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The stream's name.
    pub stream: String,
    /// The version of the commit's first event, or that of the stream's last.
    pub version: u64,
}

impl Commit {
    /// A commit that follows the one with the hash `previous`.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for events that have no JSON.
    pub fn new(
        at: Position,
        previous: Hash,
        stamp: &Stamp,
        metadata: &Metadata,
        events: &[StoredEvent],
        snapshot: Option<String>,
    ) -> Result<Self, StoreError> {
        #[derive(Serialize)]
        struct Both<'a> {
            #[serde(flatten)]
            stamp: &'a Stamp,
            #[serde(flatten)]
            metadata: &'a Metadata,
        }
        let text = |json: serde_json::Result<String>| {
            json.map_err(|error| StoreError::corrupt(&at.stream, at.version, error))
        };
        let mut commit = Self {
            events: text(serde_json::to_string(events))?,
            metadata: text(serde_json::to_string(&Both { stamp, metadata }))?,
            digest: snapshot.as_deref().map(digest),
            snapshot,
            chain: Chain {
                previous,
                hash: Hash::default(),
            },
            stream: at.stream,
            version: at.version,
        };
        commit.chain.hash = commit.hash();
        Ok(commit)
    }

    /// What [`Chain::hash`] must be, if nothing was changed since.
    pub fn hash(&self) -> Hash {
        Hash::of(&[
            b"strangelog commit 1",
            self.chain.previous.as_bytes(),
            self.stream.as_bytes(),
            &self.version.to_be_bytes(),
            self.metadata.as_bytes(),
            self.events.as_bytes(),
            self.digest.as_ref().map_or(&[], |digest| digest.as_bytes()),
        ])
    }

    /// Whether the snapshot, if it has one, is the one that it was written with.
    pub fn has_its_snapshot(&self) -> bool {
        self.snapshot.as_deref().map(digest) == self.digest
    }

    /// Its size as DynamoDB counts it: names and values in UTF-8, a number at its most.
    pub fn size(&self) -> usize {
        let texts = [
            (STREAM, &self.stream),
            (EVENTS, &self.events),
            (METADATA, &self.metadata),
        ];
        let texts = texts
            .into_iter()
            .chain(self.snapshot.iter().map(|text| (SNAPSHOT, text)));
        let texts: usize = texts.map(|(name, text)| name.len() + text.len()).sum();
        let digest = self
            .digest
            .map_or(0, |digest| DIGEST.len() + digest.as_bytes().len());
        texts + digest + VERSION.len() + NUMBER + CHAIN.len() + 2 * self.chain.hash.as_bytes().len()
    }

    /// The stream's version after the last of the events.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if they cannot be read.
    pub fn last_version(&self) -> Result<u64, StoreError> {
        let events: Vec<IgnoredAny> = read(self, &self.events)?;
        let more = (events.len() as u64).saturating_sub(1);
        match self.version.checked_add(more) {
            Some(version) if version <= LAST_VERSION => Ok(version),
            _ => Err(StoreError::corrupt(
                &self.stream,
                self.version,
                "no stream is so long",
            )),
        }
    }

    /// The events.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if they cannot be read.
    pub fn events(&self) -> Result<Vec<StoredEvent>, StoreError> {
        read(self, &self.events)
    }

    /// When it was made.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it cannot be read.
    pub fn stamp(&self) -> Result<Stamp, StoreError> {
        read(self, &self.metadata)
    }

    /// What a stream keeps of it, read at once.
    pub(crate) fn head(&self) -> Result<Head, StoreError> {
        read(self, &self.metadata)
    }

    /// Who asked for it, through what, and why.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it cannot be read.
    pub fn metadata(&self) -> Result<Metadata, StoreError> {
        read(self, &self.metadata)
    }

    /// The events with their versions, as their aggregate understands them.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for an event that cannot be read.
    pub fn recorded<E: DeserializeOwned>(&self) -> Result<Vec<Recorded<E>>, StoreError> {
        let timestamp = crate::rfc3339(self.stamp()?.timestamp);
        self.events()?
            .iter()
            .zip(0..)
            .map(|(stored, after)| {
                let version = self.version.saturating_add(after);
                Ok(Recorded {
                    id: stored.id.to_string(),
                    stream_id: stream_id(&self.stream).to_owned(),
                    version,
                    timestamp: timestamp.clone(),
                    event: stored.decode(&self.stream, version)?,
                })
            })
            .collect()
    }
}

impl StoredEvent {
    /// Takes the JSON form `{"type", "data"}` of an event apart.
    ///
    /// # Errors
    /// The event has another form, or none.
    pub fn encode<E: Serialize>(id: Uuid, event: &E) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Tagged {
            #[serde(rename = "type")]
            kind: String,
            #[serde(default)]
            data: Box<RawValue>,
        }
        let Tagged { kind, data } = serde_json::from_str(&serde_json::to_string(event)?)?;
        Ok(Self {
            id,
            kind,
            schema_version: SCHEMA_VERSION,
            data,
            effective_at: None,
        })
    }

    /// Puts it together again.
    pub(crate) fn decode<E: DeserializeOwned>(
        &self,
        stream: &str,
        version: u64,
    ) -> Result<E, StoreError> {
        let corrupt = |why: String| {
            let (id, kind) = (self.id, &self.kind);
            StoreError::corrupt(stream, version, format!("event {id} of type {kind}: {why}"))
        };
        if self.schema_version != SCHEMA_VERSION {
            return Err(corrupt(format!(
                "schema version {SCHEMA_VERSION} is known, found {}",
                self.schema_version
            )));
        }
        // OK because a type is a plain name: what cannot stand in a JSON string as it is does not decode.
        let json = format!(r#"{{"type":"{}","data":{}}}"#, self.kind, self.data);
        serde_json::from_str(&json).map_err(|error| corrupt(error.to_string()))
    }
}

impl PartialEq for StoredEvent {
    fn eq(&self, other: &Self) -> bool {
        let rest = |event: &Self| (event.id, event.schema_version, event.effective_at);
        rest(self) == rest(other) && self.kind == other.kind && self.data.get() == other.data.get()
    }
}

/// The name of a stream: `user-<uuid>`.
pub fn stream_name(category: &str, id: Uuid) -> String {
    format!("{category}-{id}")
}

/// The category in a stream's name.
pub fn stream_category(stream: &str) -> &str {
    stream
        .split_once('-')
        .map_or(stream, |(category, _)| category)
}

/// The id in a stream's name.
pub fn stream_id(stream: &str) -> &str {
    stream.split_once('-').map_or(stream, |(_, id)| id)
}

fn digest(snapshot: &str) -> Hash {
    Hash::of(&[b"strangelog snapshot 1", snapshot.as_bytes()])
}

fn read<T: DeserializeOwned>(commit: &Commit, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::corrupt(&commit.stream, commit.version, error))
}
