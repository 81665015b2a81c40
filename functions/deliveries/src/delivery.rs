//! How it stands with one stream for one consumer.

use crate::Consumer;
use read_model::{Owed, StoredDocument};
use serde::{Deserialize, Serialize};

/// How it stands with one stream for one consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// There is news that it has not taken in.
    Pending,
    /// It is at work: the document is written, its index rows are not yet.
    Processing,
    /// It has taken in all that the publisher saw.
    Completed,
    /// It tried, and could not.
    Failed,
}

/// One stream and one consumer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// The consumer's name.
    pub consumer: String,
    /// The stream.
    pub stream: String,
    /// How it stands.
    pub status: Status,
    /// The version of the last event that the consumer has taken in.
    pub applied: u64,
    /// The version of the last event of the stream, as far as it was asked for.
    pub version: u64,
    /// Since when there is news, or it fails: RFC 3339 in UTC.
    pub since: Option<String>,
    /// What keeps it, if it is known.
    pub failed: Option<Failed>,
}

/// Why a consumer does not go on with a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// The version of the event that it could not take in.
    pub version: u64,
    /// Why.
    pub why: String,
    /// How often it tried.
    pub attempts: u32,
    /// It waits for a redrive or another build; else the next message tries again.
    pub parked: bool,
}

/// How it stands, as far as what the consumer keeps of the stream says.
pub(crate) fn delivery(
    consumer: &Consumer,
    stream: &str,
    version: u64,
    stored: Option<&StoredDocument>,
    owed: Option<&Owed>,
) -> Delivery {
    let applied = stored.map_or(0, |stored| stored.applied);
    let trouble = stored.and_then(|stored| stored.trouble.as_ref());
    let owed = owed.filter(|owed| trouble.is_none() && owed.version > applied);
    let status = match stored {
        _ if trouble.is_some() || owed.is_some() => Status::Failed,
        Some(stored) if !stored.pending.is_empty() => Status::Processing,
        _ if applied < version => Status::Pending,
        _ => Status::Completed,
    };
    Delivery {
        consumer: consumer.name.to_owned(),
        stream: stream.to_owned(),
        status,
        applied,
        version: version.max(trouble.map_or(applied, |trouble| trouble.version)),
        since: trouble.map(|trouble| trouble.since.clone()),
        failed: match (trouble, owed) {
            (Some(trouble), _) => Some(Failed {
                version: trouble.version,
                why: trouble.why.clone(),
                attempts: trouble.attempts,
                parked: trouble.parked_by.is_some(),
            }),
            (None, owed) => owed.map(|owed| Failed {
                version: owed.version,
                why: owed.why.clone(),
                attempts: owed.attempts,
                parked: false,
            }),
        },
    }
}
