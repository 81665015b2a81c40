//! What is said of a commit, put on the bus until it is taken.

use crate::bus::{Bus, Entry};
use crate::pack::pack;
use domain::Aggregate;
use domain::registry::{self, AggregateVisitor};
use edge::Announcement;
use event_store::{Commit, StoreError, stream_category};
use std::time::Duration;

/// How often an entry is put before whoever asked for it hears that it was not taken.
pub(crate) const ATTEMPTS: u32 = 3;

/// The entries of a commit; each names `record`.
pub(crate) fn announce(record: usize, commit: &Commit) -> Result<Vec<Entry>, StoreError> {
    struct Collection;
    impl AggregateVisitor for Collection {
        type Output = &'static str;

        fn visit<A: Aggregate>(self) -> &'static str {
            A::COLLECTION
        }
    }
    let category = stream_category(&commit.stream);
    let collection = registry::aggregate(category, Collection).unwrap_or(category);
    let announced = Announcement::of(commit, collection)?;
    Ok(announced
        .iter()
        .map(|announcement| entry(record, announcement))
        .collect())
}

/// The entry of an announcement.
pub(crate) fn entry(record: usize, announcement: &Announcement) -> Entry {
    Entry {
        record,
        detail_type: announcement.kind.clone(),
        // OK because a struct of texts and numbers has a JSON form.
        detail: serde_json::to_string(announcement).expect("an announcement has a JSON form"),
    }
}

/// Puts entries on the bus, and those that it refuses again; answers those that it never took.
pub(crate) async fn put(bus: &impl Bus, mut entries: Vec<Entry>) -> Vec<Entry> {
    for attempt in 1..=ATTEMPTS {
        let mut left = Vec::new();
        for pack in pack(&entries, |entry| {
            entry.detail.len() + entry.detail_type.len()
        }) {
            let refused = bus.put(pack).await;
            left.extend(
                refused
                    .into_iter()
                    .filter_map(|index| pack.get(index).cloned()),
            );
        }
        entries = left;
        if entries.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50 << attempt)).await;
    }
    entries
}
