//! Commits of any events, for tests.

use chrono::Utc;
use event_store::{Commit, Hash, Metadata, Position, Stamp, StoredEvent};
use serde_json::{Value, json};
use uuid::Uuid;

/// A commit of events of these types, schema versions and data.
pub fn commit(stream: &str, version: u64, events: &[(&str, u32, Value)]) -> Commit {
    let stored = events.iter().map(|(kind, schema_version, data)| {
        let stored = json!({ "id": Uuid::now_v7(), "type": kind, "schema_version": schema_version, "data": data });
        serde_json::from_str(&stored.to_string()).expect("an event")
    });
    let stored: Vec<StoredEvent> = stored.collect();
    let at = Position {
        stream: stream.into(),
        version,
    };
    let stamp = Stamp {
        id: Uuid::now_v7(),
        timestamp: Utc::now(),
    };
    let metadata = Metadata::new("sarah", "http");
    Commit::new(at, Hash::default(), &stamp, &metadata, &stored, None).expect("it has JSON")
}
