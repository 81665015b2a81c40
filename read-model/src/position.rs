//! How far a consumer is in a stream of which it keeps nothing else: a document without a document.

use crate::parking::Poison;
use crate::{Counts, Documents, ReadModelError, StoredDocument, build};
use event_store::StoreError;

/// What keeps a consumer from going on in a stream, whatever is retried.
#[derive(Debug)]
pub enum Hindrance {
    /// A commit cannot be read.
    Unread(StoreError),
    /// What the event asks for cannot be done.
    Undone {
        /// The event's version.
        version: u64,
        /// Why not; nothing personal.
        why: String,
    },
}

/// Writes that a consumer is at `applied` in the stream `id`, over the position that was read, and parks the stream if
/// something is in the way.
///
/// # Errors
/// [`ReadModelError::Conflict`] if another got further meanwhile.
pub async fn reach(
    documents: &impl Documents,
    id: &str,
    applied: u64,
    over: Option<&StoredDocument>,
    hindrance: Option<Hindrance>,
) -> Result<(), ReadModelError> {
    let shards = documents.shards();
    let before = over.map(|over| over.without_trouble(shards));
    let mut next = StoredDocument {
        id: id.to_owned(),
        applied,
        ..before.unwrap_or_default()
    };
    let poison = match hindrance {
        None => None,
        Some(Hindrance::Unread(error)) => Some(Poison::of(error.into())?),
        Some(Hindrance::Undone { version, why }) => Some(Poison { version, why }),
    };
    if let Some(poison) = poison {
        let before = over.and_then(|over| over.trouble.as_ref());
        let trouble = poison.trouble(before, Some(build()));
        let (version, why) = (trouble.version, &trouble.why);
        tracing::error!(alarm = "parked", stream = id, version, why);
        next = next.in_trouble(trouble, shards);
    }
    documents.put(&next, over, &Counts::new()).await?;
    if !next.pending.is_empty() {
        documents.settle(&next).await?;
    }
    Ok(())
}
