//! What is said on the bus of an event, and how consumers hear it: nothing personal, only where to look.

use crate::causes;
use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use event_store::{Commit, rfc3339, stream_id};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::future::Future;
use uuid::Uuid;

/// The `source` of everything that we put on the bus.
pub const SOURCE: &str = "strangelog";

/// The `detail` of one event on the bus. A consumer takes it as a doorbell, and reads the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Announcement {
    /// The event's id.
    pub id: Uuid,
    /// Its stream.
    pub stream: String,
    /// The stream's version after it.
    pub version: u64,
    /// Its type; also the `detail-type`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Which shape of this type its data has.
    pub schema_version: u32,
    /// When it was recorded.
    pub timestamp: String,
    /// The command that it came of.
    pub command_id: Uuid,
    /// Joins all that came of one request from outside.
    pub correlation_id: Uuid,
    /// What directly led to it.
    pub causation_id: Option<Uuid>,
    /// The way the command came in.
    pub source: String,
    /// Where its data is to be had, by those who may.
    pub dataref: String,
}

impl Announcement {
    /// One for each event of a commit. `collection` is what paths call its aggregates: `users`.
    pub fn of(commit: &Commit, collection: &str) -> Vec<Self> {
        commit
            .events
            .iter()
            .zip(commit.version..)
            .map(|(event, version)| Self {
                id: event.id,
                stream: commit.stream.clone(),
                version,
                kind: event.kind.clone(),
                schema_version: event.schema_version,
                timestamp: rfc3339(commit.timestamp),
                command_id: commit.metadata.command_id,
                correlation_id: commit.metadata.correlation_id,
                causation_id: commit.metadata.causation_id,
                source: commit.metadata.source.clone(),
                dataref: format!("/{collection}/{}/history", stream_id(&commit.stream)),
            })
            .collect()
    }
}

/// An announcement, and the messages of a batch that it stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The messages that fail if this does.
    pub ids: Vec<String>,
    /// What was announced.
    pub announcement: Announcement,
}

impl Message {
    /// Joins the messages of each stream into one that announces the latest: whoever reads the store needs no other.
    pub fn join(messages: Vec<Self>) -> Vec<Self> {
        let mut joined: Vec<Self> = Vec::new();
        for message in messages {
            match joined
                .iter_mut()
                .find(|other| other.announcement.stream == message.announcement.stream)
            {
                Some(other) => {
                    other.ids.extend(message.ids);
                    if message.announcement.version > other.announcement.version {
                        other.announcement = message.announcement;
                    }
                }
                None => joined.push(message),
            }
        }
        joined
    }
}

/// Does `work` for each announcement of a batch, side by side, and names the messages that failed.
/// `arrange` may join messages first. A message that cannot be read fails by itself, and so gets to the dead letters.
pub async fn each<F, W, E>(
    batch: SqsEvent,
    arrange: fn(Vec<Message>) -> Vec<Message>,
    work: W,
) -> SqsBatchResponse
where
    W: Fn(Announcement) -> F,
    F: Future<Output = Result<(), E>>,
    E: Error + 'static,
{
    let mut answer = SqsBatchResponse::default();
    let mut messages = Vec::new();
    for record in batch.records {
        let id = record.message_id.unwrap_or_default();
        let body = record.body.unwrap_or_default();
        match serde_json::from_str::<EventBridgeEvent<Announcement>>(&body) {
            Ok(event) => messages.push(Message {
                ids: vec![id],
                announcement: event.detail,
            }),
            Err(error) => {
                tracing::error!(message = %id, %error, "message cannot be read");
                answer.add_failure(id);
            }
        }
    }
    let work = &work;
    let done = join_all(arrange(messages).into_iter().map(|message| async move {
        let Announcement {
            stream,
            version,
            kind,
            ..
        } = message.announcement.clone();
        match work(message.announcement).await {
            Ok(()) => Vec::new(),
            Err(error) => {
                tracing::error!(%stream, version, kind, error = causes(&error), "message failed");
                message.ids
            }
        }
    }));
    done.await
        .into_iter()
        .flatten()
        .for_each(|id| answer.add_failure(id));
    answer
}
