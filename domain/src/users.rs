//! The read model of users: one document each, listed newest first and found by email.

use crate::user::Event;
use crate::values::{Email, Name, Phone, Status};
use crate::{Personal, ReadModel, User};
use decider::{Entry, Projection, Recorded};
use garde::Validate;
use serde::{Deserialize, Serialize};

/// A user as `GET /users` shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    pub id: String,
    pub name: Personal<Name>,
    pub email: Personal<Email>,
    pub phone: Option<Personal<Phone>>,
    pub status: Standing,
    pub created_at: String,
    pub updated_at: String,
    pub version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<String>,
}

/// The status of a user, of whom deleted ones have none of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    Active,
    Suspended,
    Deleted,
}

/// An event that cannot follow what the document has seen: something is missing before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event of version {version} cannot follow {}", after.map_or("nothing".to_owned(), |v| format!("version {v}")))]
pub struct Misplaced {
    version: u64,
    after: Option<u64>,
}

/// The projection.
pub enum Users {}

impl Projection for Users {
    const NAME: &'static str = "users";
    type Source = User;
    type Document = Document;
    type Error = Misplaced;

    fn fold(document: Option<Document>, recorded: &Recorded<Event>) -> Result<Document, Misplaced> {
        let version = recorded.version;
        let now = || recorded.timestamp.clone();
        let after = document.as_ref().map(|document| document.version);
        let misplaced = Err(Misplaced { version, after });
        if after > Some(version) {
            return misplaced;
        }
        let mut document = match (document, &recorded.event) {
            (None, Event::UserCreated { name, email, phone }) => Document {
                id: recorded.stream_id.clone(),
                name: name.clone(),
                email: email.clone(),
                phone: phone.clone(),
                status: Standing::Active,
                created_at: now(),
                updated_at: now(),
                version,
                deleted_at: None,
            },
            (None, _) | (Some(_), Event::UserCreated { .. }) => return misplaced,
            (Some(document), event) => {
                let deleted = document.status == Standing::Deleted;
                if deleted != matches!(event, Event::UserRestored { .. }) {
                    return misplaced;
                }
                document
            }
        };
        match &recorded.event {
            Event::UserCreated { .. } => {}
            Event::UserNameChanged { new, .. } | Event::UserNameCorrected { new, .. } => {
                document.name = new.clone();
            }
            Event::UserEmailChanged { new, .. } | Event::UserEmailCorrected { new, .. } => {
                document.email = new.clone();
            }
            Event::UserStatusChanged { new, .. } => document.status = (*new).into(),
            Event::UserDeleted { .. } => {
                document.status = Standing::Deleted;
                document.deleted_at = Some(now());
            }
            Event::UserRestored { held, .. } => {
                document.name = held.name.clone();
                document.email = held.email.clone();
                document.phone = held.phone.clone();
                document.status = held.status.into();
                document.deleted_at = None;
            }
        }
        document.updated_at = now();
        document.version = version;
        Ok(document)
    }

    fn entries(document: &Document) -> Vec<Entry> {
        let list = match document.status {
            Standing::Deleted => return vec![],
            live @ (Standing::Active | Standing::Suspended) => live.as_str(),
        };
        let listed = |list| Entry::Listed {
            list,
            sort: document.created_at.clone(),
        };
        let found = document.email.known().map(found);
        [listed("all"), listed(list)]
            .into_iter()
            .chain(found)
            .collect()
    }
}

impl ReadModel for Users {
    const LISTS: (&'static str, &'static [&'static str]) = ("all", &["active", "suspended"]);

    fn lookup(query: &str) -> Result<Entry, String> {
        let email = Email::from(query);
        email
            .validate()
            .map_err(|_| "must be a whole email address".to_owned())?;
        Ok(found(&email))
    }

    fn status(document: &Document) -> &str {
        document.status.as_str()
    }

    fn deleted_at(document: &Document) -> Option<&str> {
        document.deleted_at.as_deref()
    }
}

impl Standing {
    /// The status as the JSON has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        }
    }
}

impl From<Status> for Standing {
    fn from(status: Status) -> Self {
        match status {
            Status::Active => Self::Active,
            Status::Suspended => Self::Suspended,
        }
    }
}

fn found(email: &Email) -> Entry {
    Entry::Found {
        by: "email",
        value: email.canonical(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::Held;
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

    fn created() -> Event {
        Event::UserCreated {
            name: Personal::Known("Sarah".into()),
            email: Personal::Known("Sarah@example.com".into()),
            phone: None,
        }
    }

    fn deleted() -> Event {
        let held = Held {
            name: Personal::Known("Sarah".into()),
            email: Personal::Known("Sarah@example.com".into()),
            phone: None,
            status: Status::Active,
        };
        Event::UserDeleted {
            held,
            reason: "asked".into(),
        }
    }

    fn suspended() -> Event {
        let (old, new) = (Status::Active, Status::Suspended);
        Event::UserStatusChanged {
            old,
            new,
            reason: "fraud".into(),
        }
    }

    fn document(events: impl IntoIterator<Item = Event>) -> Result<Document, Misplaced> {
        let first = Users::fold(None, &at(1, created()))?;
        (2..)
            .zip(events)
            .try_fold(first, |document, (version, event)| {
                Users::fold(Some(document), &at(version, event))
            })
    }

    #[test]
    fn a_document_is_the_user_of_the_contract() {
        let wanted = json!({
            "id": "sarah", "name": "Sarah", "email": "Sarah@example.com", "phone": null, "status": "suspended",
            "created_at": "2024-01-01T00:00:01.000000Z", "updated_at": "2024-01-01T00:00:02.000000Z", "version": 2,
        });
        let document = document([suspended()]).expect("a document");
        assert_eq!(json!(document), wanted);
        assert_eq!(
            serde_json::from_value::<Document>(wanted).expect("a document"),
            document
        );
    }

    #[test]
    fn a_live_user_is_listed_and_found_by_email() {
        let listed = |list| Entry::Listed {
            list,
            sort: "2024-01-01T00:00:01.000000Z".to_owned(),
        };
        let found = Entry::Found {
            by: "email",
            value: "sarah@example.com".to_owned(),
        };
        let entries = Users::entries(&document([]).expect("a document"));
        assert_eq!(entries, [listed("all"), listed("active"), found.clone()]);
        let entries = Users::entries(&document([suspended()]).expect("a document"));
        assert_eq!(entries, [listed("all"), listed("suspended"), found.clone()]);
        assert_eq!(Users::lookup(" SARAH@example.com"), Ok(found));
    }

    #[test]
    fn a_part_of_an_email_is_no_lookup() {
        assert_eq!(
            Users::lookup("sarah@"),
            Err("must be a whole email address".to_owned())
        );
    }

    #[test]
    fn a_deleted_user_is_in_no_index() {
        let document = document([deleted()]).expect("a document");
        assert_eq!(Users::entries(&document), []);
        assert_eq!(Users::status(&document), "deleted");
        assert_eq!(
            Users::deleted_at(&document),
            Some("2024-01-01T00:00:02.000000Z")
        );
    }

    #[test]
    fn a_restored_user_is_as_the_event_says() {
        let held = Held {
            name: Personal::Known("Sara".into()),
            email: Personal::Erased,
            phone: Some(Personal::Known("112".into())),
            status: Status::Suspended,
        };
        let restored = Event::UserRestored {
            held: held.clone(),
            reason: "mistake".into(),
        };
        let found = document([deleted(), restored]).expect("a document");
        assert_eq!(
            (found.name, found.email, found.phone),
            (held.name, held.email, held.phone)
        );
        assert_eq!(
            (found.status, found.deleted_at),
            (Standing::Suspended, None)
        );
    }

    #[test]
    fn an_event_out_of_place_is_refused() {
        let nothing = Users::fold(None, &at(2, suspended())).expect_err("no user yet");
        assert_eq!(
            nothing.to_string(),
            "the event of version 2 cannot follow nothing"
        );
        let misplaced = |version, after| Misplaced {
            version,
            after: Some(after),
        };
        assert_eq!(document([created()]), Err(misplaced(2, 1)));
        assert_eq!(document([deleted(), suspended()]), Err(misplaced(3, 2)));
        let document = document([suspended()]).expect("a document");
        assert_eq!(
            Users::fold(Some(document), &at(1, deleted())),
            Err(misplaced(1, 2))
        );
    }
}
