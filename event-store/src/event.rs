//! One event as it is stored, and what it is today.

use crate::{StoreError, plain};
use chrono::{DateTime, Utc};
use decider::Decider;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

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

impl StoredEvent {
    /// Takes the JSON form `{"type", "data"}` of an event apart.
    ///
    /// # Errors
    /// The event has another form, or none.
    pub fn encode<D>(id: Uuid, event: &D::Event) -> Result<Self, serde_json::Error>
    where
        D: Decider<Event: Serialize>,
    {
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
            schema_version: D::schema_version(&kind),
            kind,
            data,
            effective_at: None,
        })
    }

    /// The events of today that it is: one, or what the upcaster of its type and schema version makes of it.
    /// `stream` and `version` say where it lies.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for an event that cannot be read, or that the upcaster refuses.
    pub fn decode<D>(&self, stream: &str, version: u64) -> Result<Vec<D::Event>, StoreError>
    where
        D: Decider<Event: DeserializeOwned>,
    {
        let corrupt = |why: String| {
            let (id, kind) = (self.id, &self.kind);
            StoreError::corrupt(stream, version, format!("event {id} of type {kind}: {why}"))
        };
        let of_kind = || D::UPCASTERS.iter().filter(|old| old.kind == self.kind);
        if let Some(old) = of_kind().find(|old| old.schema_version == self.schema_version) {
            return (old.read)(self.data.get()).map_err(corrupt);
        }
        let (found, written) = (self.schema_version, D::schema_version(&self.kind));
        if found != written {
            let mut known: Vec<_> = of_kind().map(|old| old.schema_version).collect();
            known.push(written);
            let why = format!("schema versions {known:?} are known, found {found}");
            return Err(corrupt(why));
        }
        // OK because a type is a plain name: what cannot stand in a JSON string as it is does not decode.
        let json = format!(r#"{{"type":"{}","data":{}}}"#, self.kind, self.data);
        let event = serde_json::from_str(&json).map_err(|error| corrupt(error.to_string()))?;
        Ok(vec![event])
    }
}

impl PartialEq for StoredEvent {
    fn eq(&self, other: &Self) -> bool {
        let rest = |event: &Self| (event.id, event.schema_version, event.effective_at);
        rest(self) == rest(other) && self.kind == other.kind && self.data.get() == other.data.get()
    }
}

/// How many events lie in a commit's text, and the events of today that they are.
pub(crate) fn read<D>(
    stream: &str,
    version: u64,
    json: &str,
) -> Result<(u64, Vec<D::Event>), StoreError>
where
    D: Decider<Event: DeserializeOwned>,
{
    if let Some(events) = plain::events::<D>(json) {
        return Ok((events.len() as u64, events));
    }
    let stored: Vec<StoredEvent> =
        serde_json::from_str(json).map_err(|error| StoreError::corrupt(stream, version, error))?;
    let mut events = Vec::with_capacity(stored.len());
    for (stored, after) in stored.iter().zip(0..) {
        events.extend(stored.decode::<D>(stream, version.saturating_add(after))?);
    }
    Ok((stored.len() as u64, events))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Door;

    impl Decider for Door {
        const CATEGORY: &'static str = "door";
        type State = ();
        type Command = ();
        type Event = serde_json::Value;
        type Error = ();

        fn decide((): &(), (): &()) -> Result<Vec<serde_json::Value>, ()> {
            Ok(vec![])
        }

        fn evolve((): (), _: &serde_json::Value) {}
    }

    #[test]
    fn an_event_of_a_newer_build_is_not_taken_for_todays_even_if_it_reads_like_one() {
        let read = |schema_version| {
            let stored = serde_json::json!([
                { "id": Uuid::nil(), "type": "Opened", "schema_version": schema_version, "data": {} }
            ]);
            read::<Door>("door-1", 1, &stored.to_string())
        };
        assert!(read(1).is_ok());
        let refused = read(2).expect_err("of a newer build").to_string();
        assert!(
            refused.contains("schema versions [1] are known, found 2"),
            "{refused}"
        );
    }
}
