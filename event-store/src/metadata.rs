//! What goes with the events of a commit: when it was made, of which command, who asked for it, and why.

use crate::Position;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// When a commit was made, and of which command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stamp {
    /// UUIDv7, made anew for each attempt to append.
    pub id: Uuid,
    /// When it was recorded; never before the commit that precedes it in the stream.
    #[serde(with = "micros")]
    pub timestamp: DateTime<Utc>,
}

/// Who asked for a commit, through what, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// The command's id: a second command of this id appends nothing.
    pub command_id: Uuid,
    /// Tells two different commands of one id apart; absent where the id was made for this one call, and cannot come again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The subject of the caller's token.
    pub actor: String,
    /// Joins all that came of one request from outside.
    pub correlation_id: Uuid,
    /// The event or command that directly led to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<Uuid>,
    /// W3C Trace Context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The way it came in: `http`.
    pub source: String,
    /// Why, in the caller's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where the commits of a command that wrote to several streams lie, all of them, in the command's order; else empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Position>,
}

impl Metadata {
    /// Of a command that `actor` sent through `source`, once: it has a fresh id, under which no copy will come.
    pub fn new(actor: impl Into<String>, source: impl Into<String>) -> Self {
        let command_id = Uuid::now_v7();
        Self {
            command_id,
            fingerprint: None,
            actor: actor.into(),
            correlation_id: command_id,
            causation_id: None,
            traceparent: None,
            source: source.into(),
            reason: None,
            parts: Vec::new(),
        }
    }

    /// Of a command whose copies come under one id; `fingerprint` tells whether they are copies: a hash of the body will do.
    pub fn keyed(mut self, command_id: Uuid, fingerprint: impl Into<String>) -> Self {
        self.command_id = command_id;
        self.fingerprint = Some(fingerprint.into());
        self
    }
}

/// Parts of a [`Stamp`] and a [`Metadata`].
#[derive(Deserialize)]
pub(crate) struct Head {
    #[serde(with = "micros")]
    pub timestamp: DateTime<Utc>,
    pub command_id: Uuid,
}

mod micros {
    use chrono::{DateTime, Utc};
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(time: &DateTime<Utc>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&crate::rfc3339(*time))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<DateTime<Utc>, D::Error> {
        DateTime::deserialize(from)
    }
}
