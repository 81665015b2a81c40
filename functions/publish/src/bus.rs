//! The bus that announcements are put on.

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use edge::{SOURCE, causes};
use std::collections::BTreeSet;

/// Takes announcements; a port, so that a simulation can stand in.
pub trait Bus {
    /// Puts entries that fit one request; says which of them, by position, were not taken.
    fn put(&self, entries: &[Entry]) -> impl Future<Output = BTreeSet<usize>> + Send;
}

/// One event for the bus, and the stream record that it came of.
#[derive(Clone, Debug)]
pub struct Entry {
    /// By position.
    pub record: usize,
    /// The event's type.
    pub detail_type: String,
    /// An announcement, in JSON.
    pub detail: String,
}

/// A bus of Amazon EventBridge.
pub struct EventBridgeBus {
    /// Speaks to the service.
    pub client: Client,
    /// The name of the bus.
    pub name: String,
}

impl Bus for EventBridgeBus {
    async fn put(&self, entries: &[Entry]) -> BTreeSet<usize> {
        let requested = entries.iter().map(|entry| {
            PutEventsRequestEntry::builder()
                .event_bus_name(&self.name)
                .source(SOURCE)
                .detail_type(&entry.detail_type)
                .detail(&entry.detail)
                .build()
        });
        match self
            .client
            .put_events()
            .set_entries(Some(requested.collect()))
            .send()
            .await
        {
            Ok(answer) => {
                let results = answer.entries.unwrap_or_default();
                let refused = |index: &usize| {
                    results
                        .get(*index)
                        .is_none_or(|result| result.event_id.is_none())
                };
                let refused: BTreeSet<_> = (0..entries.len()).filter(refused).collect();
                if let Some(result) = refused.first().and_then(|first| results.get(*first)) {
                    tracing::warn!(
                        count = refused.len(),
                        code = result.error_code,
                        "the bus refused entries"
                    );
                }
                refused
            }
            Err(error) => {
                tracing::warn!(error = causes(&error), "the bus did not answer");
                (0..entries.len()).collect()
            }
        }
    }
}
