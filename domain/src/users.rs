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
#[derive(Debug)]
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
