//! What is said on the bus of an event, and how consumers hear it: nothing personal, only where to look.

use crate::causes;
use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use chrono::Utc;
use event_store::{Commit, StoreError, rfc3339, stream_id};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::future::Future;
use uuid::Uuid;

/// The `source` of everything that we put on the bus.
pub const SOURCE: &str = "strangelog";

/// The category of the streams that say what is asked of consumers.
pub const OPERATIONS: &str = "ops";
/// The stream that every tick names; there is none.
const TICK_STREAM: &str = "ops-tick";
/// The type of a tick.
const TICK: &str = "Tick";

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
    /// Says to all consumers that time has passed: none of them has a clock of its own.
    pub fn tick() -> Self {
        let id = Uuid::now_v7();
        Self {
            id,
            stream: TICK_STREAM.to_owned(),
            version: 0,
            kind: TICK.to_owned(),
            schema_version: 1,
            timestamp: rfc3339(Utc::now()),
            command_id: id,
            correlation_id: id,
            causation_id: None,
            source: "schedule".to_owned(),
            dataref: String::new(),
        }
    }

    /// Whether it is one of those.
    pub fn is_tick(&self) -> bool {
        self.stream == TICK_STREAM && self.kind == TICK
    }

    /// One for each event of a commit. `collection` is what paths call its aggregates: `users`.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for a commit that cannot be read.
    pub fn of(commit: &Commit, collection: &str) -> Result<Vec<Self>, StoreError> {
        let (events, metadata) = (commit.events()?, commit.metadata()?);
        let timestamp = rfc3339(commit.stamp()?.timestamp);
        let announced = events
            .iter()
            .zip(commit.version..)
            .map(|(event, version)| Self {
                id: event.id,
                stream: commit.stream.clone(),
                version,
                kind: event.kind.clone(),
                schema_version: event.schema_version,
                timestamp: timestamp.clone(),
                command_id: metadata.command_id,
                correlation_id: metadata.correlation_id,
                causation_id: metadata.causation_id,
                source: metadata.source.clone(),
                dataref: format!("/{collection}/{}/history", stream_id(&commit.stream)),
            });
        Ok(announced.collect())
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Mutex;

    fn message(id: &str, stream: &str, version: u64) -> serde_json::Value {
        let uuid = "01a1fc61-f202-72bb-b4b9-5bacd9cefb5a";
        let detail = json!({
            "id": uuid, "stream": stream, "version": version, "type": "UserCreated", "schema_version": 1,
            "timestamp": "2026-11-21T04:33:59.810629Z", "command_id": uuid, "correlation_id": uuid,
            "causation_id": null, "source": "http", "dataref": "/users/1/history",
        });
        let event = json!({
            "version": "0", "id": uuid, "detail-type": "UserCreated", "source": SOURCE, "account": "1",
            "time": "2026-11-21T04:33:59Z", "region": "us-east-1", "resources": [], "detail": detail,
        });
        json!({ "messageId": id, "body": event.to_string() })
    }

    async fn failed(
        records: serde_json::Value,
        arrange: fn(Vec<Message>) -> Vec<Message>,
    ) -> (Vec<String>, Vec<(String, u64)>) {
        let batch = serde_json::from_value(json!({ "Records": records })).expect("a batch");
        let heard = Mutex::new(Vec::new());
        let work = async |said: Announcement| {
            let bad = said.stream == "user-bad";
            heard
                .lock()
                .expect("no panic")
                .push((said.stream, said.version));
            if bad { Err(std::fmt::Error) } else { Ok(()) }
        };
        let answer = each(batch, arrange, work).await;
        let failed = answer
            .batch_item_failures
            .into_iter()
            .map(|failure| failure.item_identifier);
        (failed.collect(), heard.into_inner().expect("no panic"))
    }

    #[tokio::test]
    async fn a_message_fails_alone() {
        let records = json!([
            message("1", "user-1", 1),
            message("2", "user-bad", 1),
            message("3", "user-3", 1)
        ]);
        let (failed, heard) = failed(records, std::convert::identity).await;
        assert_eq!(failed, ["2"]);
        assert_eq!(heard.len(), 3);
    }

    #[tokio::test]
    async fn a_message_that_cannot_be_read_fails_alone() {
        let records = json!([{ "messageId": "1", "body": "no json" }, { "messageId": "2" }, message("3", "user-3", 1)]);
        assert_eq!(failed(records, std::convert::identity).await.0, ["1", "2"]);
    }

    #[tokio::test]
    async fn messages_of_one_stream_are_one_doorbell_for_the_latest() {
        let records = json!([
            message("1", "user-1", 2),
            message("2", "user-bad", 1),
            message("3", "user-1", 1),
            message("4", "user-bad", 5)
        ]);
        let (failed, heard) = failed(records, Message::join).await;
        assert_eq!(heard, [("user-1".into(), 2), ("user-bad".into(), 5)]);
        assert_eq!(failed, ["2", "4"], "all that the doorbell stood for");
    }
}
