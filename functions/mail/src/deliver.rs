//! At most one mail per event: it is claimed, sent, marked. SES has no idempotency token, so a mail of which nobody
//! knows whether it was sent is marked as that, for a person, and not sent again.

use decider::Decider;
use domain::{Mail, Mailing};
use edge::Announcement;
use event_store::{EventLog, StoreError, Stream};
use lambda_runtime::tracing;
use serde::de::DeserializeOwned;
use std::error::Error;
use uuid::Uuid;

/// Remembers which mails were sent.
pub trait Outbox {
    /// Claims the mail of this event, for the first time or after a release.
    fn claim(
        &self,
        mail: &Announcement,
    ) -> impl Future<Output = Result<Claim, DeliverError>> + Send;
    /// Notes what became of a claimed mail.
    fn mark(
        &self,
        event: Uuid,
        outcome: &Outcome,
    ) -> impl Future<Output = Result<(), DeliverError>> + Send;
    /// Gives a claim back: the mail was not sent.
    fn release(&self, event: Uuid) -> impl Future<Output = Result<(), DeliverError>> + Send;
}

/// Sends mails.
pub trait Mailer {
    /// Sends one.
    fn send(&self, mail: &Mail) -> impl Future<Output = Result<String, SendError>> + Send;
}

/// What a claim found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nobody had claimed it.
    Ours,
    /// Somebody claimed it, and did not say what became of it.
    Open,
    /// It is sent, or known to be unknown.
    Done,
}

/// What became of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// SES took it, under this id.
    Sent(String),
    /// It may have been sent, or not.
    Unknown,
}

/// A mail was not sent, as far as anybody knows.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Certainly not sent.
    #[error("the mail was refused")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
    /// Nobody knows.
    #[error("the mail's outcome is unknown")]
    Unknown(#[source] Box<dyn Error + Send + Sync>),
}

/// The message has to come again.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// The event is not in the store.
    #[error("the event is not in its stream")]
    NoSuchEvent,
    /// The event could not be read.
    #[error(transparent)]
    Log(#[from] StoreError),
    /// The mail was not sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The outbox failed.
    #[error("dynamodb failed")]
    Outbox(#[source] Box<dyn Error + Send + Sync>),
}

/// What mails are delivered with.
pub struct Delivery<L, O, M> {
    /// The events.
    pub log: L,
    /// Which mails were sent.
    pub outbox: O,
    /// Sends them.
    pub mailer: M,
}

impl<L: EventLog, O: Outbox, S: Mailer> Delivery<L, O, S> {
    /// Delivers the mail that an event asks for, if it does.
    ///
    /// # Errors
    /// Nothing was sent, or it is known what was: the same call again sends nothing twice.
    pub async fn deliver<M: Mailing>(&self, said: &Announcement) -> Result<(), DeliverError> {
        if !M::EVENT_TYPES.contains(&said.kind.as_str()) {
            return Ok(());
        }
        let events = self.events::<M::Source>(said).await?;
        let stream = Stream::<M::Source>::load_at(&self.log, &said.stream, said.version).await?;
        // OK because an event of which there are several today asks for one mail at most: it is claimed by its id.
        let mut mails = events
            .iter()
            .filter_map(|event| M::write(&stream.state, event));
        let Some(mail) = mails.next() else {
            return Ok(());
        };
        match self.outbox.claim(said).await? {
            Claim::Done => return Ok(()),
            Claim::Open => {
                return self
                    .unknown(said, "it was claimed before, and not marked")
                    .await;
            }
            Claim::Ours => {}
        }
        match self.mailer.send(&mail).await {
            Ok(message_id) => self.outbox.mark(said.id, &Outcome::Sent(message_id)).await,
            Err(SendError::Unknown(why)) => self.unknown(said, &why.to_string()).await,
            Err(refused) => {
                self.outbox.release(said.id).await?;
                Err(refused.into())
            }
        }
    }

    async fn unknown(&self, said: &Announcement, why: &str) -> Result<(), DeliverError> {
        tracing::error!(alarm = "mail-unknown", event = %said.id, stream = said.stream, why, "nobody knows whether it was sent");
        self.outbox.mark(said.id, &Outcome::Unknown).await
    }

    /// The events of today that the announced one is.
    async fn events<D: Decider<Event: DeserializeOwned>>(
        &self,
        said: &Announcement,
    ) -> Result<Vec<D::Event>, DeliverError> {
        // OK because a commit begins at or before each of its versions, and the next one after them.
        let commits = self.log.newest(&said.stream, 1..=said.version, 1).await?;
        let commit = commits.first().ok_or(DeliverError::NoSuchEvent)?;
        let mut stored = commit.events()?.into_iter().zip(commit.version..);
        let stored = stored.find(|(stored, at)| *at == said.version && stored.id == said.id);
        let (stored, version) = stored.ok_or(DeliverError::NoSuchEvent)?;
        Ok(stored.decode::<D>(&commit.stream, version)?)
    }
}

#[cfg(test)]
mod tests;
