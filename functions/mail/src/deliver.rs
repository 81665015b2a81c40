//! At most one mail per event: it is claimed, sent, marked. SES has no idempotency token, so a mail of which nobody
//! knows whether it was sent is marked as that, for a person, and not sent again.

use domain::Mail;
use event_store::StoreError;
use lambda_runtime::tracing;
use read_model::ReadModelError;
use std::error::Error;
use uuid::Uuid;

/// The event that a mail is due for.
#[derive(Clone, Copy, Debug)]
pub struct Due<'a> {
    /// Its id.
    pub event: Uuid,
    /// Its stream.
    pub stream: &'a str,
    /// Its version there.
    pub version: u64,
}

/// Remembers which mails were sent.
pub trait Outbox: Send + Sync {
    /// Claims the mail of this event, for the first time or after a refusal.
    fn claim(&self, due: &Due<'_>) -> impl Future<Output = Result<Claim, DeliverError>> + Send;
    /// Notes what became of a claimed mail.
    fn mark(
        &self,
        event: Uuid,
        outcome: &Outcome,
    ) -> impl Future<Output = Result<(), DeliverError>> + Send;
    /// Gives a claim back: the mail was not sent. Answers how often that was so by now.
    fn refuse(&self, event: Uuid) -> impl Future<Output = Result<u32, DeliverError>> + Send;
}

/// Sends mails.
pub trait Mailer: Send + Sync {
    /// Sends one.
    fn send(&self, mail: &Mail) -> impl Future<Output = Result<String, SendError>> + Send;
}

/// What a claim found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nobody had claimed it.
    Ours,
    /// Somebody claimed it a moment ago, and may be sending it.
    Busy,
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
    /// Another copy of the message is at it.
    #[error("the mail is being sent")]
    Busy,
    /// The stream does not have the version that was announced.
    #[error("the event is not in its stream")]
    NoSuchEvent,
    /// The mailing panicked over an event, and would again.
    #[error("the mailing panicked")]
    Panicked,
    /// The events could not be read.
    #[error(transparent)]
    Log(#[from] StoreError),
    /// The mail was refused.
    #[error("the mail was refused {attempts} times")]
    Refused {
        /// How often, by now.
        attempts: u32,
    },
    /// The outbox failed.
    #[error("dynamodb failed")]
    Outbox(#[source] Box<dyn Error + Send + Sync>),
    /// The position was not read or not written.
    #[error(transparent)]
    Position(#[from] ReadModelError),
}

/// What mails are delivered with.
pub struct Delivery<O, S> {
    /// Which mails were sent.
    pub outbox: O,
    /// Sends them.
    pub mailer: S,
}

impl<O: Outbox, S: Mailer> Delivery<O, S> {
    /// Delivers the mail of an event.
    ///
    /// # Errors
    /// Nothing was sent, or it is known what was: the same call again sends nothing twice.
    pub async fn deliver(&self, due: &Due<'_>, mail: &Mail) -> Result<(), DeliverError> {
        match self.outbox.claim(due).await? {
            Claim::Done => return Ok(()),
            Claim::Busy => return Err(DeliverError::Busy),
            Claim::Open => {
                let why = "it was claimed before, and not marked";
                return self.unknown(due, why).await;
            }
            Claim::Ours => {}
        }
        match self.mailer.send(mail).await {
            Ok(message_id) => {
                let sent = Outcome::Sent(message_id);
                self.outbox.mark(due.event, &sent).await
            }
            Err(SendError::Unknown(why)) => self.unknown(due, &why.to_string()).await,
            Err(SendError::Refused(why)) => {
                let attempts = self.outbox.refuse(due.event).await?;
                tracing::warn!(event = %due.event, attempts, why, "the mail was refused");
                Err(DeliverError::Refused { attempts })
            }
        }
    }

    async fn unknown(&self, due: &Due<'_>, why: &str) -> Result<(), DeliverError> {
        tracing::error!(alarm = "mail-unknown", event = %due.event, stream = due.stream, why, "nobody knows whether it was sent");
        self.outbox.mark(due.event, &Outcome::Unknown).await
    }
}
