//! A commit: what one command appended, stored as one item.

use crate::StoreError;
use chrono::{DateTime, Utc};
use decider::Recorded;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use uuid::Uuid;

/// The schema version that events are written with.
const SCHEMA_VERSION: u32 = 1;

/// What one command appends to a stream: 1 to [`crate::schema::MAX_EVENTS`] events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Commit {
    /// The stream's name, as [`stream_name`] makes it.
    pub stream: String,
    /// The stream's version after the first of the events.
    pub version: u64,
    /// UUIDv7, made anew for each attempt to append.
    pub id: Uuid,
    /// When it was recorded; never before the commit that precedes it in the stream.
    #[serde(with = "micros")]
    pub timestamp: DateTime<Utc>,
    /// In order; stored as one JSON text.
    #[serde(with = "json_text")]
    pub events: Vec<StoredEvent>,
    /// Where it came from.
    #[serde(flatten)]
    pub metadata: Metadata,
}

/// One event, in the JSON that its aggregate gave it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredEvent {
    /// UUIDv7.
    pub id: Uuid,
    /// The name of the event.
    #[serde(rename = "type")]
    pub kind: String,
    /// Which shape of this type `data` has; the first is 1.
    pub schema_version: u32,
    /// The event's fields.
    pub data: Value,
    /// When it happened in the world, where that is not when it was recorded.
    #[serde(
        default,
        with = "optional_micros",
        skip_serializing_if = "Option::is_none"
    )]
    pub effective_at: Option<DateTime<Utc>>,
}

/// Who asked for a commit, through what, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// The command's id: a second command of this id on the stream appends nothing.
    pub command_id: Uuid,
    /// Tells two different commands of one id apart.
    pub fingerprint: String,
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
}

impl Commit {
    /// The stream's version after the last of the events.
    pub fn last_version(&self) -> u64 {
        self.version + (self.events.len() as u64).saturating_sub(1)
    }

    /// The events with their versions, as their aggregate understands them.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for an event that cannot be read.
    pub fn recorded<E: DeserializeOwned>(&self) -> Result<Vec<Recorded<E>>, StoreError> {
        self.events
            .iter()
            .zip(self.version..)
            .map(|(stored, version)| {
                let event = stored.decode().map_err(|error| StoreError::Corrupt {
                    stream: self.stream.clone(),
                    version,
                    why: format!("event {} of type {}: {error}", stored.id, stored.kind),
                })?;
                Ok(Recorded {
                    id: stored.id.to_string(),
                    stream_id: stream_id(&self.stream).to_owned(),
                    version,
                    timestamp: crate::rfc3339(self.timestamp),
                    event,
                })
            })
            .collect()
    }
}

impl StoredEvent {
    /// Takes the JSON form `{"type", "data"}` of an event apart.
    pub(crate) fn encode<E: Serialize>(id: Uuid, event: &E) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Tagged {
            #[serde(rename = "type")]
            kind: String,
            #[serde(default)]
            data: Value,
        }
        let Tagged { kind, data } = serde_json::from_value(serde_json::to_value(event)?)?;
        Ok(Self {
            id,
            kind,
            schema_version: SCHEMA_VERSION,
            data,
            effective_at: None,
        })
    }

    /// Puts it together again.
    fn decode<E: DeserializeOwned>(&self) -> Result<E, serde_json::Error> {
        if self.schema_version != SCHEMA_VERSION {
            return Err(serde::de::Error::custom(format_args!(
                "schema version {SCHEMA_VERSION} is known, found {}",
                self.schema_version
            )));
        }
        serde_json::from_value(json!({ "type": self.kind, "data": self.data }))
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

mod optional_micros {
    use chrono::{DateTime, Utc};
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(
        time: &Option<DateTime<Utc>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => to.serialize_str(&crate::rfc3339(*time)),
            None => to.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<DateTime<Utc>>, D::Error> {
        Option::deserialize(from)
    }
}

mod json_text {
    use serde::{
        Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned, de::Error as _,
        ser::Error as _,
    };

    pub fn serialize<T: Serialize, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&serde_json::to_string(value).map_err(S::Error::custom)?)
    }

    pub fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(
        from: D,
    ) -> Result<T, D::Error> {
        serde_json::from_str(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}
