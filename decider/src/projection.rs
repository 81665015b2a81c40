//! A projection: a pure fold from the events of one stream to one document, and the index rows that find it.

use crate::Decider;
use std::borrow::Cow;

/// An event as the store recorded it.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded<E> {
    /// UUIDv7 of the event.
    pub id: String,
    /// The stream's id without its category: the `<uuid>` of `user-<uuid>`.
    pub stream_id: String,
    /// The stream's version after this event; the first event has version 1.
    pub version: u64,
    /// When it was recorded: RFC 3339 in UTC with microseconds, so that text order is time order.
    pub timestamp: String,
    /// What happened.
    pub event: E,
}

/// Keeps one document per stream of its source.
///
/// # Example: how often each door was opened
/// ```
/// use decider::{Decider, Entry, Projection, Recorded};
/// # struct Door;
/// # impl Decider for Door {
/// #     const CATEGORY: &'static str = "door";
/// #     type State = ();
/// #     type Command = ();
/// #     type Event = &'static str;
/// #     type Error = ();
/// #     fn decide(_: &(), _: &()) -> Result<Vec<&'static str>, ()> { Ok(vec!["opened"]) }
/// #     fn evolve(_: (), _: &&'static str) {}
/// # }
///
/// struct Openings;
///
/// impl Projection for Openings {
///     const NAME: &'static str = "openings";
///     type Source = Door;
///     type Document = u32;
///     type Error = String;
///
///     fn fold(document: Option<u32>, event: &Recorded<&'static str>) -> Result<u32, String> {
///         match event.event {
///             "opened" => Ok(document.unwrap_or(0) + 1),
///             other => Err(format!("a door cannot be {other}")),
///         }
///     }
///
///     fn entries(document: &u32) -> Vec<Entry> {
///         vec![Entry::Listed { list: "doors".into(), sort: format!("{document:010}") }]
///     }
/// }
///
/// let recorded = |event| Recorded {
///     id: "01a1fc61-f202-72bb-b4b9-5bacd9cefb5a".into(),
///     stream_id: "1".into(),
///     version: 1,
///     timestamp: "2026-11-21T04:33:59.810629Z".into(),
///     event,
/// };
/// assert_eq!(Openings::fold(Some(1), &recorded("opened")), Ok(2));
///
/// // This fails, and parks the document: an event that is not understood is not skipped.
/// assert!(Openings::fold(Some(1), &recorded("painted")).is_err());
/// ```
pub trait Projection {
    /// Names the read model; never changed once deployed.
    const NAME: &'static str;
    /// Goes up with every change of what `fold` and `entries` make of a history, or of how a document is written: a
    /// document of another number is folded anew from its stream's first event.
    const FOLD_VERSION: u32 = 1;
    /// Other projections keep the read model of this name, too, each of another source; a document is then known by its
    /// stream's whole name. Never changed once deployed.
    const SHARED: bool = false;
    /// Whose events it reads.
    type Source: Decider;
    /// One row of the read model.
    type Document;
    /// Why an event cannot be applied; what it says is logged and shown to operators, and so quotes nothing of the event.
    type Error;

    /// The document after one more event; `None` stands for the document before the first.
    ///
    /// # Errors
    /// An event that cannot follow what the document has seen.
    fn fold(
        document: Option<Self::Document>,
        event: &Recorded<<Self::Source as Decider>::Event>,
    ) -> Result<Self::Document, Self::Error>;

    /// The index rows under which the document is found.
    fn entries(_document: &Self::Document) -> Vec<Entry> {
        Vec::new()
    }

    /// Index rows that an event adds for good: they are written with the document, and stay whatever becomes of it.
    fn marks(
        _before: Option<&Self::Document>,
        _event: &Recorded<<Self::Source as Decider>::Event>,
    ) -> Vec<Entry> {
        Vec::new()
    }

    /// What an event adds to counters, given the document before it; counted exactly once, with the document.
    fn counts(
        _before: Option<&Self::Document>,
        _event: &Recorded<<Self::Source as Decider>::Event>,
    ) -> Vec<Count> {
        Vec::new()
    }
}

/// An amount that a counter goes up by, or down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Names the counter; its order as text is the order that counters are read in: `2026-11-21#users.created`.
    pub counter: String,
    /// How much is added.
    pub by: i64,
}

/// One index row of a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entry {
    /// In a list that is read from the greatest `sort` down, and spread over shards.
    Listed {
        /// Names the list: `active`.
        list: Cow<'static, str>,
        /// Orders it: a timestamp, for newest first.
        sort: String,
    },
    /// Found by an exact value.
    Found {
        /// Names the field: `email`.
        by: &'static str,
        /// The value in its canonical form.
        value: String,
    },
}
