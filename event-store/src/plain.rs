//! Events straight from a commit's text, for folding: no copy is made of what `evolve` does not see.

use crate::commit::SCHEMA_VERSION;
use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer};
use serde::de::{self, Deserialize, DeserializeOwned, DeserializeSeed, IgnoredAny, MapAccess};
use std::fmt;
use std::marker::PhantomData;

/// The events in the JSON of a list of [`crate::StoredEvent`]s; `None` where it takes more than that to read them, or
/// to say what is wrong with them.
pub(crate) fn events<E: DeserializeOwned>(json: &str) -> Option<Vec<E>> {
    let events: Vec<Plain<E>> = serde_json::from_str(json).ok()?;
    Some(events.into_iter().map(|Plain(event)| event).collect())
}

/// An event whose data come after its type and its schema version, as they are written.
struct Plain<E>(E);

#[derive(serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Key {
    Type,
    SchemaVersion,
    Data,
    #[serde(other)]
    Other,
}

struct PlainVisitor<E>(PhantomData<E>);

impl<'de, E: Deserialize<'de>> Deserialize<'de> for Plain<E> {
    fn deserialize<D: de::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(PlainVisitor(PhantomData)).map(Self)
    }
}

impl<'de, E: Deserialize<'de>> de::Visitor<'de> for PlainVisitor<E> {
    type Value = E;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an event as it is written")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<E, A::Error> {
        let (mut kind, mut is_known, mut event) = (None, false, None);
        while let Some(key) = map.next_key()? {
            match (key, kind) {
                (Key::Type, None) => kind = Some(map.next_value::<&str>()?),
                (Key::SchemaVersion, _) => is_known = map.next_value::<u32>()? == SCHEMA_VERSION,
                (Key::Data, Some(kind)) if is_known && event.is_none() => {
                    let tagged = Tagged {
                        map: &mut map,
                        kind,
                        given: 0,
                    };
                    event = Some(E::deserialize(MapAccessDeserializer::new(tagged))?);
                }
                (Key::Other, _) => drop(map.next_value::<IgnoredAny>()?),
                (Key::Type | Key::Data, _) => return Err(de::Error::custom("not as written")),
            }
        }
        event.ok_or_else(|| de::Error::missing_field("data"))
    }
}

/// The form `{"type", "data"}` of an event, over a map that is about to give the data.
struct Tagged<'m, 'de, A> {
    map: &'m mut A,
    kind: &'de str,
    given: u8,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Tagged<'_, 'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let name = match self.given {
            0 => "type",
            1 => "data",
            _ => return Ok(None),
        };
        seed.deserialize(BorrowedStrDeserializer::new(name))
            .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.given += 1;
        match self.given {
            1 => seed.deserialize(BorrowedStrDeserializer::new(self.kind)),
            _ => self.map.next_value_seed(seed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StoredEvent;
    use serde::Serialize;
    use uuid::Uuid;

    #[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
    #[serde(tag = "type", content = "data")]
    enum Door {
        Named { name: String, keys: Vec<u8> },
        Opened(u64),
        Closed,
    }

    #[test]
    fn what_was_encoded_is_read() {
        let doors = [
            Door::Named {
                name: "north \"gate\"\n".into(),
                keys: vec![1, 2],
            },
            Door::Opened(1),
            Door::Closed,
        ];
        let encode = |door| StoredEvent::encode(Uuid::now_v7(), door).expect("it has JSON");
        let stored: Vec<_> = doors.iter().map(encode).collect();
        let json = serde_json::to_string(&stored).expect("it has JSON");
        assert_eq!(events::<Door>(&json), Some(doors.into()));
    }

    #[test]
    fn anything_else_is_left_to_others() {
        for json in [
            r#"[{"type":"Opened","schema_version":2,"data":1}]"#,
            r#"[{"type":"Opened","data":1,"schema_version":1}]"#,
            r#"[{"data":1,"type":"Opened","schema_version":1}]"#,
            r#"[{"type":"Opened","schema_version":1}]"#,
            r#"[{"type":"Opened","schema_version":1,"data":1,"data":1}]"#,
            r#"[{"type":"Broken","schema_version":1,"data":1}]"#,
            r#"[{"type":"Opened","schema_version":1,"data":"wide"}]"#,
            r#"[{"type":"Opened","schema_version":1,"data":1}"#,
            "",
        ] {
            assert_eq!(events::<Door>(json), None, "{json}");
        }
    }
}
