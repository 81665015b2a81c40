//! SQS as functions see it: they may send to a queue. Whoever consumes one is given its messages by `queues`.

use crate::intrinsics::queue_of;
use crate::queues::Queues;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

const MAX_ENTRIES: usize = 10;
const MAX_BODY: usize = 1024 * 1024;
/// No message can be put off for longer, in seconds.
const MAX_DELAY: u64 = 900;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Message {
    message_body: String,
    #[serde(default)]
    delay_seconds: u64,
    #[serde(default)]
    id: String,
}

/// The endpoint that the SDK posts to.
pub fn router(queues: &Queues) -> Router {
    Router::new()
        .route("/", post(send))
        .with_state(queues.clone())
}

async fn send(State(queues): State<Queues>, headers: HeaderMap, body: Bytes) -> Response {
    let operation = headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok());
    let is_batch = match operation {
        Some("AmazonSQS.SendMessage") => false,
        Some("AmazonSQS.SendMessageBatch") => true,
        _ => {
            let message = "only SendMessage and SendMessageBatch are served by the local stack";
            return refused("UnsupportedOperation", message);
        }
    };
    let Ok(mut request) = serde_json::from_slice::<Value>(&body) else {
        return refused("SerializationException", "the request is no JSON");
    };
    let queue = queue_of(request["QueueUrl"].as_str().unwrap_or_default()).to_owned();
    if !queues.has(&queue) {
        let message = "The specified queue does not exist.";
        return refused("QueueDoesNotExist", message);
    }
    let messages = match is_batch {
        true => serde_json::from_value::<Vec<Message>>(request["Entries"].take()),
        false => serde_json::from_value(request).map(|message| vec![message]),
    };
    let messages = match messages {
        Ok(messages) => messages,
        Err(error) => return refused("SerializationException", &error.to_string()),
    };
    let sizes = messages.iter().map(|message| message.message_body.len());
    let fits = (1..=MAX_ENTRIES).contains(&messages.len())
        && sizes.clone().all(|size| size > 0)
        && sizes.sum::<usize>() <= MAX_BODY
        && messages
            .iter()
            .all(|message| message.delay_seconds <= MAX_DELAY);
    if !fits {
        let message = "1 to 10 messages are needed, none empty, of 1 MiB in all, delayed by 900 seconds at the most";
        return refused("InvalidParameterValue", message);
    }
    let send = |message: Message| {
        let delay = Duration::from_secs(message.delay_seconds);
        // OK because the SDK asks for no checksum.
        json!({ "Id": message.id, "MessageId": queues.send_later(&queue, message.message_body, delay) })
    };
    let mut sent: Vec<Value> = messages.into_iter().map(send).collect();
    let body = match is_batch {
        true => json!({ "Successful": sent, "Failed": [] }),
        false => sent.remove(0),
    };
    answer(StatusCode::OK, &body)
}

fn refused(kind: &str, message: &str) -> Response {
    tracing::error!(kind, message, "a message to a queue was refused");
    let body = json!({ "__type": format!("com.amazonaws.sqs#{kind}"), "message": message });
    answer(StatusCode::BAD_REQUEST, &body)
}

fn answer(status: StatusCode, body: &Value) -> Response {
    let kind = [("content-type", "application/x-amz-json-1.0")];
    (status, kind, body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Queue;

    const URL: &str = "http://sqs.us-east-1.localhost/000000000000/Queue";

    async fn post(queues: &Queues, operation: &str, body: Value) -> (StatusCode, Value) {
        let mut headers = HeaderMap::new();
        let target = format!("AmazonSQS.{operation}");
        headers.insert("x-amz-target", target.parse().unwrap());
        let body = Bytes::from(body.to_string());
        let answer = send(State(queues.clone()), headers, body).await;
        let (status, body) = (answer.status(), answer.into_body());
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    fn queues() -> Queues {
        Queues::new(&[Queue {
            id: "Queue".to_owned(),
            visibility: Duration::from_secs(90),
            dead_letters: None,
        }])
    }

    #[tokio::test]
    async fn a_message_lies_on_its_queue() {
        let queues = queues();
        let (status, answer) = post(
            &queues,
            "SendMessage",
            json!({ "QueueUrl": URL, "MessageBody": "a" }),
        )
        .await;
        let lies = queues.messages("Queue");
        assert_eq!((status, lies.len()), (StatusCode::OK, 1));
        assert_eq!(
            (lies[0].body.as_str(), &json!(lies[0].id)),
            ("a", &answer["MessageId"])
        );
        let entries = json!([{ "Id": "0", "MessageBody": "b" }, { "Id": "1", "MessageBody": "c" }]);
        let request = json!({ "QueueUrl": URL, "Entries": entries });
        let (_, answer) = post(&queues, "SendMessageBatch", request).await;
        assert_eq!(answer["Successful"][1]["Id"], "1");
        assert_eq!(queues.messages("Queue").len(), 3);
    }

    #[tokio::test]
    async fn what_sqs_would_refuse_is_refused() {
        let queues = queues();
        let elsewhere = "http://sqs.us-east-1.localhost/000000000000/Other";
        for (operation, request, kind) in [
            (
                "SendMessage",
                json!({ "QueueUrl": elsewhere, "MessageBody": "a" }),
                "QueueDoesNotExist",
            ),
            (
                "SendMessage",
                json!({ "QueueUrl": URL }),
                "SerializationException",
            ),
            (
                "SendMessage",
                json!({ "QueueUrl": URL, "MessageBody": "" }),
                "InvalidParameterValue",
            ),
            (
                "SendMessage",
                json!({ "QueueUrl": URL, "MessageBody": "a", "DelaySeconds": 901 }),
                "InvalidParameterValue",
            ),
            (
                "SendMessageBatch",
                json!({ "QueueUrl": URL, "Entries": [] }),
                "InvalidParameterValue",
            ),
            (
                "ReceiveMessage",
                json!({ "QueueUrl": URL }),
                "UnsupportedOperation",
            ),
        ] {
            let (status, answer) = post(&queues, operation, request).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{operation} {kind}");
            assert_eq!(answer["__type"], format!("com.amazonaws.sqs#{kind}"));
        }
        assert!(queues.messages("Queue").is_empty());
    }
}
