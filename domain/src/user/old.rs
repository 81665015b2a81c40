//! Events of users in shapes that are no longer written, and what they are today. Nothing here is ever taken out: such events
//! lie in streams for ever, and `golden/user` has one of each.

use super::{Event, Held, restored};
use crate::Personal;
use crate::values::{Email, Name, Phone, Reason, Status};
use decider::Upcaster;
use serde::{Deserialize, de::DeserializeOwned};

pub(super) const UPCASTERS: &[Upcaster<Event>] = &[
    Upcaster {
        kind: "UserCreated",
        schema_version: 1,
        read: |json| read(json, UserCreated1::today),
    },
    Upcaster {
        kind: "UserRestored",
        schema_version: 1,
        read: |json| read(json, UserRestored1::today),
    },
    Upcaster {
        kind: "UserWelcomed",
        schema_version: 1,
        read: |json| read(json, UserWelcomed1::today),
    },
];

/// Before `phone` was a field that every event has, if only as null: a user who gave none has none.
#[derive(Deserialize)]
struct UserCreated1 {
    name: Personal<Name>,
    email: Personal<Email>,
    #[serde(default)]
    phone: Option<Personal<Phone>>,
}

impl UserCreated1 {
    fn today(self) -> Vec<Event> {
        let Self { name, email, phone } = self;
        vec![Event::UserCreated { name, email, phone }]
    }
}

/// Before a suspended user who is restored was said to be suspended again by an event of its own: whoever followed
/// UserStatusChanged alone took them for active.
#[derive(Deserialize)]
struct UserRestored1 {
    #[serde(flatten)]
    held: Held,
    status: Status,
    reason: Reason,
}

impl UserRestored1 {
    fn today(self) -> Vec<Event> {
        restored(&self.held, self.status, self.reason)
    }
}

/// Before mails were deliveries, with a table of their own: that a mail was sent changes nothing about a user.
#[derive(Deserialize)]
struct UserWelcomed1 {}

impl UserWelcomed1 {
    fn today(self) -> Vec<Event> {
        vec![]
    }
}

fn read<T: DeserializeOwned>(json: &str, today: fn(T) -> Vec<Event>) -> Result<Vec<Event>, String> {
    // OK because serde's own message might repeat a value, and that may be personal.
    let why = |error: serde_json::Error| {
        format!("its data has another shape at column {}", error.column())
    };
    serde_json::from_str(json).map(today).map_err(why)
}
