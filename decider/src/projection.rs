//! A projection: a pure fold from the events of one stream to one document, and the index rows that find it.

use crate::Decider;

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
pub trait Projection {
    /// Names the read model; never changed once deployed.
    const NAME: &'static str;
    /// Whose events it reads.
    type Source: Decider;
    /// One row of the read model.
    type Document;
    /// Why an event cannot be applied.
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
    fn entries(document: &Self::Document) -> Vec<Entry>;
}

/// One index row of a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entry {
    /// In a list that is read from the greatest `sort` down, and spread over shards.
    Listed {
        /// Names the list: `active`.
        list: &'static str,
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
