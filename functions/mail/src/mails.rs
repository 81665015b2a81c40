//! A mailing as a consumer of events: of each stream it knows how far it is, and what it does on the way there is claimed in
//! the outbox, mail by mail. What was recorded before there was such a consumer asks for no mail.

use crate::deliver::{DeliverError, Delivery, Due, Mailer, Outbox};
use chrono::Utc;
use consumer::{Consume, Ring};
use decider::Decider;
use domain::Mailing;
use event_store::{Commit, EventLog, StoreError, StoredEvent, Stream, rfc3339};
use futures_util::FutureExt;
use lambda_runtime::tracing;
use read_model::{
    Documents, DynamoDbDocuments, Hindrance, ReadModelError, ReadModelTable, StoredDocument,
    Trouble, build, note, reach,
};
use std::error::Error;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;

/// How often a mail is tried that is refused.
const ATTEMPTS: u32 = 5;
/// How many commits are read at a time, newest first.
const PIECE: usize = 16;

/// The mailing `M`.
pub struct Mails<M, L, O, S> {
    /// The events.
    pub log: L,
    /// Sends what they ask for.
    pub delivery: Delivery<O, S>,
    /// Knows since when there is this consumer.
    pub table: ReadModelTable,
    /// What writes the mails.
    pub mailing: PhantomData<fn() -> M>,
}

impl<M: Mailing, L: EventLog, O: Outbox, S: Mailer> Consume for Mails<M, L, O, S> {
    fn name(&self) -> &str {
        M::NAME
    }

    fn reads(&self, category: &str) -> bool {
        category == M::Source::CATEGORY
    }

    fn is_pure(&self) -> bool {
        false
    }

    async fn consume(
        &self,
        documents: &DynamoDbDocuments,
        stream: &str,
        version: u64,
        ring: Ring,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let start = self.table.start(&rfc3339(Utc::now())).await?;
        let (log, delivery) = (&self.log, &self.delivery);
        let heard = Heard {
            stream,
            version,
            ring,
            start: &start,
        };
        Ok(heard.bring::<M>(log, delivery, documents).await?)
    }

    async fn note(&self, documents: &DynamoDbDocuments, stream: &str, version: u64, why: &str) {
        // OK because nothing depends on a note.
        if let Err(error) = note(documents, stream, version, why).await {
            tracing::warn!(stream, version, %error, "a failure was not noted");
        }
    }
}

/// A stream that has news for a mailing.
#[derive(Clone, Copy)]
pub struct Heard<'a> {
    /// Its name.
    pub stream: &'a str,
    /// Up to where, at least.
    pub version: u64,
    /// Why it is heard of.
    pub ring: Ring,
    /// What was recorded before this moment asks for no mail.
    pub start: &'a str,
}

impl Heard<'_> {
    /// Sends what is due, in order, and notes how far that got.
    ///
    /// # Errors
    /// The message must come again: no mail is sent twice.
    pub async fn bring<M: Mailing>(
        self,
        log: &impl EventLog,
        delivery: &Delivery<impl Outbox, impl Mailer>,
        documents: &impl Documents,
    ) -> Result<(), DeliverError> {
        let position = documents.get(self.stream, true).await?;
        if let Some(unsettled) = position
            .as_ref()
            .filter(|position| !position.pending.is_empty())
        {
            documents.settle(unsettled).await?;
        }
        let parked = position.as_ref().and_then(StoredDocument::parked);
        let is_ours = |trouble: &Trouble| trouble.parked_by.as_deref() == Some(build());
        if self.ring != Ring::Redrive && parked.is_some_and(is_ours) {
            return Ok(());
        }
        let applied = position.as_ref().map_or(0, |position| position.applied);
        let to = self
            .version
            .max(parked.map_or(0, |trouble| trouble.version));
        if applied >= to {
            return Ok(());
        }
        let (commits, unread) = self.readable(log, applied + 1, to).await?;
        let mut reached = applied;
        let mut hindrance = unread.map(Hindrance::Unread);
        let is_readable = hindrance.is_none();
        for commit in &commits {
            match self.one::<M>(log, delivery, commit, &mut reached).await {
                Err(DeliverError::Log(error @ StoreError::Corrupt { .. })) => {
                    hindrance = Some(Hindrance::Unread(error));
                    break;
                }
                Err(error @ DeliverError::Panicked) => {
                    hindrance = Some(Hindrance::Undone {
                        version: reached + 1,
                        why: error.to_string(),
                    });
                    break;
                }
                Err(DeliverError::Refused { attempts }) if attempts >= ATTEMPTS => {
                    hindrance = Some(Hindrance::Undone {
                        version: reached + 1,
                        why: format!("the mail was refused {attempts} times"),
                    });
                    break;
                }
                done => done?,
            }
        }
        if is_readable && hindrance.is_none() && reached < to {
            return Err(DeliverError::NoSuchEvent);
        }
        let over = position.as_ref();
        match reach(documents, self.stream, reached, over, hindrance).await {
            // OK because another copy of the message got as far, or will come again.
            Ok(()) | Err(ReadModelError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The commits from the one that holds the version `due` on, as far as they can be read; of a stream without a position
    /// those since the start.
    async fn readable(
        &self,
        log: &impl EventLog,
        due: u64,
        to: u64,
    ) -> Result<(Vec<Commit>, Option<StoreError>), StoreError> {
        match self.since(log, due, to).await {
            Err(StoreError::Corrupt {
                stream,
                version,
                why,
            }) => {
                let before = self.since(log, due, version.saturating_sub(1)).await;
                let error = StoreError::Corrupt {
                    stream,
                    version,
                    why,
                };
                Ok((before.unwrap_or_default(), Some(error)))
            }
            commits => Ok((commits?, None)),
        }
    }

    async fn since(
        &self,
        log: &impl EventLog,
        due: u64,
        to: u64,
    ) -> Result<Vec<Commit>, StoreError> {
        let (mut newest, mut before) = (Vec::<Commit>::new(), to);
        while before >= due {
            let page = log.newest(self.stream, 1..=before, PIECE).await?;
            let is_last = page.len() < PIECE;
            for commit in page {
                before = commit.version - 1;
                // OK because timestamps never go back in a stream.
                let is_old = due == 1 && self.is_old(&commit)?;
                newest.push(commit);
                if is_old || before < due {
                    newest.reverse();
                    return Ok(newest);
                }
            }
            if is_last {
                break;
            }
        }
        newest.reverse();
        Ok(newest)
    }

    fn is_old(&self, commit: &Commit) -> Result<bool, StoreError> {
        Ok(rfc3339(commit.stamp()?.timestamp).as_str() < self.start)
    }

    /// Sends what the events of a commit ask for that come after `reached`, which follows.
    async fn one<M: Mailing>(
        &self,
        log: &impl EventLog,
        delivery: &Delivery<impl Outbox, impl Mailer>,
        commit: &Commit,
        reached: &mut u64,
    ) -> Result<(), DeliverError> {
        if self.is_old(commit)? {
            *reached = commit.last_version()?;
            return Ok(());
        }
        for (stored, version) in commit.events()?.iter().zip(commit.version..) {
            if version <= *reached {
                continue;
            }
            // OK because it reads and folds, and leaves nothing half done.
            let mail = AssertUnwindSafe(self.mail::<M>(log, stored, version)).catch_unwind();
            let mail = mail.await.map_err(|_| DeliverError::Panicked)?;
            if let Some(mail) = mail? {
                let due = Due {
                    event: stored.id,
                    stream: self.stream,
                    version,
                };
                delivery.deliver(&due, &mail).await?;
            }
            *reached = version;
        }
        Ok(())
    }

    /// The mail that a stored event asks for.
    async fn mail<M: Mailing>(
        &self,
        log: &impl EventLog,
        stored: &StoredEvent,
        version: u64,
    ) -> Result<Option<domain::Mail>, StoreError> {
        let events = stored.decode::<M::Source>(self.stream, version)?;
        let asks = |event: &&<M::Source as Decider>::Event| {
            let today = StoredEvent::encode::<M::Source>(stored.id, event);
            today.is_ok_and(|today| M::EVENT_TYPES.contains(&today.kind.as_str()))
        };
        let events: Vec<_> = events.iter().filter(asks).collect();
        if events.is_empty() {
            return Ok(None);
        }
        let state = Stream::<M::Source>::load_at(log, self.stream, version)
            .await?
            .state;
        // OK because an event of which there are several today asks for one mail at most: it is claimed by its id.
        Ok(events.iter().find_map(|event| M::write(&state, event)))
    }
}

#[cfg(test)]
mod tests;
