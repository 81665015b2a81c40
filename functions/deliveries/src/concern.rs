//! Whether news concern a mailing at all: its rule lets through the types of events that it writes about, and of no others
//! does it hear before its next walk.

use crate::{Consumer, Delivery, Status};
use domain::Mailing;
use domain::registry::{self, MailingVisitor};
use event_store::{Commit, EventLog, StoreError, StoredEvent};
use read_model::ReadModelError;

/// How many commits are looked at; where there are more, the news are taken to concern it.
const LOOKED_AT: usize = 100;

/// Whether what is pending is anything that the consumer waits for.
///
/// # Errors
/// The store failed.
pub(crate) async fn concerns(
    log: &impl EventLog,
    consumer: &Consumer,
    delivery: &Delivery,
) -> Result<bool, ReadModelError> {
    if delivery.status != Status::Pending || !consumer.is_mailing {
        return Ok(true);
    }
    let (stream, next) = (delivery.stream.as_str(), delivery.applied + 1);
    let commits = log.read(stream, next..=delivery.version, LOOKED_AT).await?;
    // OK because it may have stopped amid a commit: then the rest of that is what it waits for.
    let is_next = commits.first().is_some_and(|first| first.version == next);
    if !is_next || commits.len() == LOOKED_AT {
        return Ok(true);
    }
    let asks = registry::mailing(consumer.name, Asks { stream, commits });
    // OK because what cannot be read is left to the mailing, which parks the stream.
    Ok(asks.and_then(Result::ok).unwrap_or(true))
}

/// Whether any event of these commits may ask for a mail.
struct Asks<'a> {
    stream: &'a str,
    commits: Vec<Commit>,
}

impl MailingVisitor for Asks<'_> {
    type Output = Result<bool, StoreError>;

    fn visit<M: Mailing>(self) -> Self::Output {
        for commit in &self.commits {
            for (stored, version) in commit.events()?.iter().zip(commit.version..) {
                for event in stored.decode::<M::Source>(self.stream, version)? {
                    let today = StoredEvent::encode::<M::Source>(stored.id, &event);
                    if today.is_ok_and(|today| M::EVENT_TYPES.contains(&today.kind.as_str())) {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }
}
