//! A commit: what one command appended to one stream, stored as one item.

use crate::{Chain, Hash, StoreError};
use chrono::{DateTime, Utc};
use decider::Recorded;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

/// The schema version that events are written with.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// What one command appended to a stream, as it is stored: 1 to [`crate::schema::MAX_EVENTS`] events.
///
/// Its texts are kept as they are, since the [`Chain`] is over their bytes; [`Commit::events`] and the like read them.
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

/// When a commit was made, and of which command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stamp {
    /// UUIDv7, made anew for each attempt to append.
    pub id: Uuid,
    /// When it was recorded; never before the commit that precedes it in the stream.
    #[serde(with = "micros")]
    pub timestamp: DateTime<Utc>,
}

/// Who asked for a commit, through what, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// The command's id: a second command of this id appends nothing.
    pub command_id: Uuid,
    /// Tells two different commands of one id apart; absent where the id was made for this one call, and cannot come again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The subject of the caller's token.
    pub actor: String,
    /// Joins all that came of one request from outside.
    pub correlation_id: Uuid,
    /// The event or command that directly led to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<Uuid>,
    /// W3C Trace Context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The way it came in: `http`.
    pub source: String,
    /// Why, in the caller's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where the commits of a command that wrote to several streams lie, all of them, in the command's order; else empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Position>,
}

/// Parts of a [`Stamp`] and a [`Metadata`].
#[derive(Deserialize)]
pub(crate) struct Head {
    #[serde(with = "micros")]
    pub timestamp: DateTime<Utc>,
    pub command_id: Uuid,
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

    /// The stream's version after the last of the events.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if they cannot be read.
    pub fn last_version(&self) -> Result<u64, StoreError> {
        let events: Vec<IgnoredAny> = read(self, &self.events)?;
        Ok(self.version + (events.len() as u64).saturating_sub(1))
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
            .zip(self.version..)
            .map(|(stored, version)| {
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

mod micros {
    use chrono::{DateTime, Utc};
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(time: &DateTime<Utc>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&crate::rfc3339(*time))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<DateTime<Utc>, D::Error> {
        DateTime::deserialize(from)
    }
}
