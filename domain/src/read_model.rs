//! The read model that every aggregate has: a document per stream that holds its state, listed newest first, by status, and
//! found by each value that the stream claims.

use crate::Aggregate;
use decider::{Claim, Entry, Projection, Recorded};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::convert::Infallible;
use std::marker::PhantomData;

/// The list of all documents but those that are gone.
pub const ALL: &str = "all";

/// A projection whose documents can be kept.
pub trait ReadModel:
    'static
    + Projection<
        Source: Aggregate,
        Document: Serialize + DeserializeOwned + Clone + Send + Sync,
        Error: std::error::Error + Send + Sync,
    >
{
}

impl<P> ReadModel for P where
    P: 'static
        + Projection<
            Source: Aggregate,
            Document: Serialize + DeserializeOwned + Clone + Send + Sync,
            Error: std::error::Error + Send + Sync,
        >
{
}

/// A stream as `GET /{collection}/{id}` shows it: its state, and since when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document<S> {
    /// The stream's id.
    pub id: String,
    /// What is known of it.
    #[serde(flatten)]
    pub state: S,
    /// When its first event was recorded.
    pub created_at: String,
    /// When its last event was.
    pub updated_at: String,
    /// The stream's version after that.
    pub version: u64,
    /// Since when it is gone, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<String>,
}

/// The read model of the aggregate `A`, named by its collection.
pub struct ReadModelOf<A>(PhantomData<A>);

impl<A: Aggregate> Projection for ReadModelOf<A> {
    const NAME: &'static str = A::COLLECTION;
    // OK because nothing but the state changes with what is folded.
    const FOLD_VERSION: u32 = A::EVOLVE_VERSION;
    type Source = A;
    type Document = Document<A::State>;
    type Error = Infallible;

    fn fold(
        document: Option<Document<A::State>>,
        recorded: &Recorded<A::Event>,
    ) -> Result<Document<A::State>, Infallible> {
        let now = || recorded.timestamp.clone();
        let (state, created_at, deleted_at) = match document {
            None => (A::State::default(), now(), None),
            Some(before) => (before.state, before.created_at, before.deleted_at),
        };
        let state = A::evolve(state, &recorded.event);
        let is_gone = !A::STATUSES.contains(&A::status(&state));
        Ok(Document {
            id: recorded.stream_id.clone(),
            deleted_at: is_gone.then(|| deleted_at.unwrap_or_else(now)),
            state,
            created_at,
            updated_at: now(),
            version: recorded.version,
        })
    }

    fn entries(document: &Document<A::State>) -> Vec<Entry> {
        if document.deleted_at.is_some() {
            return vec![];
        }
        let sort = || document.created_at.clone();
        let lists = [ALL, A::status(&document.state)];
        let lists = lists.map(|list| Entry::Listed {
            list: list.into(),
            sort: sort(),
        });
        let found = A::claims(&document.state).into_iter().map(found);
        lists.into_iter().chain(found).collect()
    }
}

/// The index row of a value that a stream claims.
#[must_use]
pub fn found(claim: Claim) -> Entry {
    let (by, value) = (claim.kind, claim.canonical);
    Entry::Found { by, value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::{Event, Held};
    use crate::values::Status;
    use crate::{Personal, User, Users};
    use serde_json::json;

    fn at(version: u64, event: Event) -> Recorded<Event> {
        Recorded {
            id: format!("event-{version}"),
            stream_id: "sarah".to_owned(),
            version,
            timestamp: format!("2024-01-01T00:00:0{version}.000000Z"),
            event,
        }
    }

    fn held() -> Held {
        Held {
            name: Personal::Known("Sarah".into()),
            email: Personal::Known("Sarah@example.com".into()),
            phone: None,
        }
    }

    fn set(old: Status, new: Status) -> Event {
        let reason = "fraud".into();
        Event::UserStatusChanged { old, new, reason }
    }

    fn deleted() -> Event {
        Event::UserDeleted {
            held: held(),
            status: Status::Active,
            reason: "asked".into(),
        }
    }

    /// The document of a user who was created at version 1.
    fn document(events: impl IntoIterator<Item = Event>) -> Document<crate::user::State> {
        let Held { name, email, phone } = held();
        let created = Event::UserCreated { name, email, phone };
        let Ok(first) = Users::fold(None, &at(1, created));
        (2..).zip(events).fold(first, |document, (version, event)| {
            let Ok(next) = Users::fold(Some(document), &at(version, event));
            next
        })
    }

    #[test]
    fn a_document_is_the_user_of_the_contract() {
        let wanted = json!({
            "id": "sarah", "name": "Sarah", "email": "Sarah@example.com", "phone": null, "status": "suspended",
            "created_at": "2024-01-01T00:00:01.000000Z", "updated_at": "2024-01-01T00:00:02.000000Z", "version": 2,
        });
        let document = document([set(Status::Active, Status::Suspended)]);
        assert_eq!(json!(document), wanted);
        let read: Document<_> = serde_json::from_value(wanted).expect("a document");
        assert_eq!(read, document);
    }

    #[test]
    fn a_stream_is_listed_by_its_status_and_found_by_what_it_claims() {
        let listed = |list: &'static str| Entry::Listed {
            list: list.into(),
            sort: "2024-01-01T00:00:01.000000Z".to_owned(),
        };
        let email = Entry::Found {
            by: "email",
            value: "sarah@example.com".to_owned(),
        };
        let entries = Users::entries(&document([]));
        assert_eq!(entries, [listed("all"), listed("active"), email.clone()]);
        let entries = Users::entries(&document([set(Status::Active, Status::Suspended)]));
        assert_eq!(entries, [listed("all"), listed("suspended"), email.clone()]);
        assert_eq!(User::lookup(" SARAH@example.com").map(found), Ok(email));
        assert!(User::lookup("sarah@").is_err(), "a part of an email");
    }

    #[test]
    fn what_is_gone_is_in_no_index_and_says_since_when() {
        let gone = document([deleted(), deleted()]);
        assert_eq!(Users::entries(&gone), []);
        let deleted_at = gone.deleted_at.as_deref();
        assert_eq!(deleted_at, Some("2024-01-01T00:00:02.000000Z"));
    }

    #[test]
    fn what_came_back_is_listed_again() {
        let held = held();
        let reason = "mistake".into();
        let back = document([deleted(), Event::UserRestored { held, reason }]);
        assert_eq!(back.deleted_at, None);
        assert_eq!(Users::entries(&back).len(), 3);
    }
}
