//! Events straight from a commit's text, for folding: no copy is made of what `evolve` does not see.

use decider::Decider;
use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer};
use serde::de::{self, Deserialize, DeserializeOwned, DeserializeSeed, IgnoredAny, MapAccess};
use std::fmt;
use std::marker::PhantomData;

/// The events in the JSON of a list of [`crate::StoredEvent`]s; `None` where it takes more than that to read them, or
/// to say what is wrong with them.
pub(crate) fn events<D>(json: &str) -> Option<Vec<D::Event>>
where
    D: Decider<Event: DeserializeOwned>,
{
    let events: Vec<Plain<D>> = serde_json::from_str(json).ok()?;
    Some(events.into_iter().map(|Plain(event)| event).collect())
}

/// An event whose data come after its type and its schema version, as they are written today.
struct Plain<D: Decider>(D::Event);

#[derive(serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Key {
    Type,
    SchemaVersion,
    Data,
    #[serde(other)]
    Other,
}

struct PlainVisitor<D>(PhantomData<D>);

impl<'de, D: Decider<Event: DeserializeOwned>> Deserialize<'de> for Plain<D> {
    fn deserialize<F: de::Deserializer<'de>>(from: F) -> Result<Self, F::Error> {
        from.deserialize_map(PlainVisitor::<D>(PhantomData))
            .map(Self)
    }
}

impl<'de, D: Decider<Event: DeserializeOwned>> de::Visitor<'de> for PlainVisitor<D> {
    type Value = D::Event;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an event as it is written today")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<D::Event, A::Error> {
        let (mut kind, mut is_of_today, mut event) = (None, None, None);
        while let Some(key) = map.next_key()? {
            match (key, kind) {
                (Key::Type, None) => kind = Some(map.next_value::<&str>()?),
                // OK because the schema version that is written has no upcaster.
                (Key::SchemaVersion, Some(kind)) if is_of_today.is_none() => {
                    is_of_today = Some(map.next_value::<u32>()? == D::schema_version(kind));
                }
                (Key::Data, Some(kind)) if is_of_today == Some(true) && event.is_none() => {
                    let tagged = Tagged {
                        map: &mut map,
                        kind,
                        given: 0,
                    };
                    event = Some(D::Event::deserialize(MapAccessDeserializer::new(tagged))?);
                }
                (Key::Other, _) => drop(map.next_value::<IgnoredAny>()?),
                (Key::Type | Key::SchemaVersion | Key::Data, _) => {
                    return Err(de::Error::custom("not as written today"));
                }
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
    use decider::Upcaster;
    use serde::Serialize;
    use uuid::Uuid;

    struct Door;

    #[derive(Clone, Debug, PartialEq, Serialize, serde::Deserialize)]
    #[serde(tag = "type", content = "data")]
    enum Event {
        Named { name: String, keys: Vec<u8> },
        Opened(u64),
        Closed,
    }

    impl Decider for Door {
        const CATEGORY: &'static str = "door";
        const UPCASTERS: &'static [Upcaster<Event>] = &[Upcaster {
            kind: "Named",
            schema_version: 1,
            read: |_| Ok(vec![Event::Closed, Event::Closed]),
        }];
        type State = ();
        type Command = ();
        type Event = Event;
        type Error = ();

        fn decide((): &(), (): &()) -> Result<Vec<Event>, ()> {
            Ok(vec![])
        }

        fn evolve((): (), _: &Event) {}
    }

    #[test]
    fn what_was_encoded_is_read() {
        let doors = [
            Event::Named {
                name: "north \"gate\"\n".into(),
                keys: vec![1, 2],
            },
            Event::Opened(1),
            Event::Closed,
        ];
        let encode = |door| StoredEvent::encode::<Door>(Uuid::now_v7(), door).expect("it has JSON");
        let stored: Vec<_> = doors.iter().map(encode).collect();
        let versions: Vec<_> = stored.iter().map(|event| event.schema_version).collect();
        assert_eq!(versions, [2, 1, 1]);
        let json = serde_json::to_string(&stored).expect("it has JSON");
        assert_eq!(events::<Door>(&json), Some(doors.into()));
    }

    #[test]
    fn anything_else_is_left_to_others() {
        for json in [
            r#"[{"type":"Named","schema_version":1,"data":{"name":"north","keys":[]}}]"#,
            r#"[{"type":"Named","schema_version":3,"data":{"name":"north","keys":[]}}]"#,
            r#"[{"type":"Opened","schema_version":1,"data":1},{"type":"Named","schema_version":1,"data":"north"}]"#,
            r#"[{"type":"Opened","schema_version":2,"data":1}]"#,
            r#"[{"type":"Opened","data":1,"schema_version":1}]"#,
            r#"[{"type":"Opened","data":1}]"#,
            r#"[{"schema_version":1,"type":"Opened","data":1}]"#,
            r#"[{"data":1,"type":"Opened","schema_version":1}]"#,
            r#"[{"type":"Opened","schema_version":1}]"#,
            r#"[{"type":"Opened","schema_version":1,"data":1,"data":1}]"#,
            r#"[{"type":"Opened","schema_version":1,"data":1,"schema_version":2}]"#,
            r#"[{"type":"Broken","schema_version":1,"data":1}]"#,
            r#"[{"type":"Opened","schema_version":1,"data":"wide"}]"#,
            r#"[{"type":"Opened","schema_version":1,"data":1}"#,
            "",
        ] {
            assert_eq!(events::<Door>(json), None, "{json}");
        }
    }
}
