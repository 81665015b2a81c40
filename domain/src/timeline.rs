//! The index of events across streams: a row for each, by the day and the moment when it was recorded.

use crate::Aggregate;
use decider::{Entry, Projection, Recorded};
use std::convert::Infallible;
use std::marker::PhantomData;

/// The name of the read model.
pub const NAME: &str = "timeline";

/// How long a day is in a timestamp.
const DAY: usize = "2026-11-21".len();

/// The events of the aggregate `A` in the timeline. Each is marked once, and stays: nothing is kept of a stream itself.
pub struct TimelineOf<A>(PhantomData<A>);

impl<A: Aggregate> Projection for TimelineOf<A> {
    const NAME: &'static str = NAME;
    const SHARED: bool = true;
    type Source = A;
    type Document = ();
    type Error = Infallible;

    fn fold(_: Option<()>, _: &Recorded<A::Event>) -> Result<(), Infallible> {
        Ok(())
    }

    fn marks(_: Option<&()>, recorded: &Recorded<A::Event>) -> Vec<Entry> {
        // OK because an event has the JSON form {"type", "data"}.
        let json = serde_json::to_value(&recorded.event).unwrap_or_default();
        let kind = json["type"].as_str().unwrap_or_default();
        let (timestamp, version) = (&recorded.timestamp, recorded.version);
        vec![Entry::Listed {
            list: day(timestamp).to_owned().into(),
            // OK because a version of so many digits is compared as the number that it is.
            sort: format!("{timestamp}#{version:020}#{kind}"),
        }]
    }
}

/// The list of a moment, by its timestamp.
#[must_use]
pub fn day(timestamp: &str) -> &str {
    timestamp.get(..DAY).unwrap_or(timestamp)
}

/// An event in the timeline: where it lies, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marked<'a> {
    /// When it was recorded.
    pub timestamp: &'a str,
    /// Its version in its stream.
    pub version: u64,
    /// Its type today.
    pub kind: &'a str,
    /// Its stream.
    pub stream: &'a str,
}

impl<'a> Marked<'a> {
    /// What the sort key of its row says; `None` for a key that is not of this index.
    #[must_use]
    pub fn of(sort: &'a str) -> Option<Self> {
        let mut parts = sort.splitn(4, '#');
        Some(Self {
            timestamp: parts.next()?,
            version: parts.next()?.parse().ok()?,
            kind: parts.next()?,
            stream: parts.next()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::User;
    use crate::user::Event;
    use crate::values::Status;

    fn marked(version: u64, timestamp: &str) -> (String, String) {
        let event = Event::UserStatusChanged {
            old: Status::Active,
            new: Status::Suspended,
            reason: "spam".into(),
        };
        let recorded = Recorded {
            id: "an-event".into(),
            stream_id: "1".into(),
            version,
            timestamp: timestamp.into(),
            event,
        };
        match &TimelineOf::<User>::marks(None, &recorded)[..] {
            [Entry::Listed { list, sort }] => (list.to_string(), sort.clone()),
            other => panic!("one row is due, found {other:?}"),
        }
    }

    #[test]
    fn an_event_is_listed_on_its_day_and_says_where_it_lies() {
        let timestamp = "2026-11-21T04:33:59.810629Z";
        let (list, sort) = marked(2, timestamp);
        assert_eq!(list, "2026-11-21");
        let row = format!("{sort}#user-1");
        let wanted = Marked {
            timestamp,
            version: 2,
            kind: "UserStatusChanged",
            stream: "user-1",
        };
        assert_eq!(Marked::of(&row), Some(wanted));
        assert_eq!(Marked::of("2026-11-21T04:33:59.810629Z#x"), None);
    }

    #[test]
    fn events_are_in_the_order_of_their_moments_and_those_of_a_commit_in_theirs() {
        let rows = [
            (9, "2026-11-21T04:33:59.810629Z"),
            (10, "2026-11-21T04:33:59.810629Z"),
            (2, "2026-11-21T04:33:59.810630Z"),
        ];
        assert!(rows.map(|(version, at)| marked(version, at).1).is_sorted());
    }
}
