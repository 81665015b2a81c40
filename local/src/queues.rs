//! SQS in memory: batches, partial failures, redelivery and dead letters. What is on a queue when the
//! stack stops is not lost: the stream is read again from its beginning.

use crate::intrinsics::{REGION, arn};
use crate::template::{Queue, QueueMapping};
use crate::workers::Workers;
use chrono::Utc;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

/// The first wait before a message that failed is delivered again; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// All queues of the stack, by logical id.
#[derive(Clone)]
pub struct Queues {
    queues: Arc<HashMap<String, State>>,
}

/// A message on a queue.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// What it says.
    pub body: String,
    /// How often it was given to a consumer.
    pub receives: u32,
    sent_ms: i64,
    due: Instant,
}

struct State {
    queue: Queue,
    shared: Mutex<Shared>,
    changed: Notify,
}

/// OK because it is never held across an await.
#[derive(Default)]
struct Shared {
    messages: Vec<Message>,
    in_flight: usize,
    sent: u64,
}

impl Queues {
    /// These queues, empty.
    pub fn new(queues: &[Queue]) -> Self {
        let state = |queue: &Queue| {
            let (shared, changed) = (Mutex::default(), Notify::new());
            (
                queue.id.clone(),
                State {
                    queue: queue.clone(),
                    shared,
                    changed,
                },
            )
        };
        Queues {
            queues: Arc::new(queues.iter().map(state).collect()),
        }
    }

    /// Whether there is such a queue.
    pub fn has(&self, queue: &str) -> bool {
        self.queues.contains_key(queue)
    }

    /// Puts a message on a queue.
    pub fn send(&self, queue: &str, body: String) {
        self.send_later(queue, body, Duration::ZERO);
    }

    /// Puts a message on a queue that nobody is given before `delay` has passed; returns its id.
    pub fn send_later(&self, queue: &str, body: String, delay: Duration) -> String {
        let id = Uuid::now_v7().to_string();
        let message = Message {
            id: id.clone(),
            body,
            receives: 0,
            sent_ms: Utc::now().timestamp_millis(),
            due: Instant::now() + delay,
        };
        self.put(queue, message);
        id
    }

    /// What lies on a queue, without what is being delivered.
    pub fn messages(&self, queue: &str) -> Vec<Message> {
        let queue = self.queues.get(queue);
        queue
            .map(|queue| queue.shared().messages.clone())
            .unwrap_or_default()
    }

    /// Whether nothing waits or is being delivered on these queues.
    pub fn are_empty<'a>(&self, queues: impl IntoIterator<Item = &'a str>) -> bool {
        let is_empty =
            |shared: MutexGuard<Shared>| shared.messages.is_empty() && shared.in_flight == 0;
        let mut queues = queues
            .into_iter()
            .filter_map(|queue| self.queues.get(queue));
        queues.all(|queue| is_empty(queue.shared()))
    }

    /// How many messages were ever put on each queue.
    pub fn sent(&self) -> BTreeMap<String, u64> {
        let sent = |(id, queue): (&String, &State)| (id.clone(), queue.shared().sent);
        self.queues.iter().map(sent).collect()
    }

    /// Gives messages to a function, batch after batch, for ever.
    pub async fn deliver(self, mapping: QueueMapping, api: Workers) {
        let Some(queue) = self.queues.get(&mapping.queue) else {
            return;
        };
        loop {
            let batch = queue.receive(mapping.batch_size, mapping.window).await;
            let answer = api
                .invoke(&mapping.function, &event(&mapping.queue, &batch))
                .await;
            let failed = match answer {
                Ok(answer) => failures(&answer, &batch, mapping.partial),
                Err(error) => {
                    tracing::warn!(function = mapping.function, %error, messages = batch.len(), "delivery failed");
                    batch.iter().map(|message| message.id.clone()).collect()
                }
            };
            self.finish(queue, batch, &failed);
        }
    }

    fn finish(&self, queue: &State, batch: Vec<Message>, failed: &[String]) {
        let count = batch.len();
        for mut message in batch
            .into_iter()
            .filter(|message| failed.contains(&message.id))
        {
            match &queue.queue.dead_letters {
                Some((dead_letters, most)) if message.receives >= *most => {
                    let (id, receives) = (&message.id, message.receives);
                    tracing::error!(
                        queue = queue.queue.id,
                        id,
                        receives,
                        dead_letters,
                        "message is a dead letter"
                    );
                    self.put(dead_letters, message);
                }
                _ => {
                    message.due = Instant::now() + queue.queue.wait(message.receives);
                    queue.shared().messages.push(message);
                }
            }
        }
        queue.shared().in_flight -= count;
        queue.changed.notify_waiters();
    }

    fn put(&self, id: &str, message: Message) {
        let Some(queue) = self.queues.get(id) else {
            return;
        };
        let mut shared = queue.shared();
        shared.messages.push(message);
        shared.sent += 1;
        drop(shared);
        queue.changed.notify_waiters();
    }
}

impl Queue {
    /// How long a message stays away after it failed: less than on AWS, so that whoever killed a
    /// function need not wait for minutes.
    fn wait(&self, receives: u32) -> Duration {
        let doublings = receives.saturating_sub(1).min(16);
        let wait = FIRST_WAIT * 2u32.pow(doublings);
        wait.min(LONGEST_WAIT).min(self.visibility)
    }
}

impl State {
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for messages that are due; takes as many as there are, up to `most`. A batch that is not full waits for the
    /// window to pass.
    async fn receive(&self, most: usize, window: Duration) -> Vec<Message> {
        let mut batch = Vec::new();
        let mut until = None;
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let earliest = self.take(most - batch.len(), &mut batch);
            if !batch.is_empty() {
                until = until.or_else(|| Some(Instant::now() + window));
            }
            if batch.len() == most || until.is_some_and(|until| until <= Instant::now()) {
                return batch;
            }
            match earliest.into_iter().chain(until).min() {
                Some(due) => tokio::select! {
                    () = changed => {}
                    () = tokio::time::sleep_until(due) => {}
                },
                None => changed.await,
            }
        }
    }

    /// Adds the messages that are due to a batch; returns when the next one is.
    fn take(&self, most: usize, batch: &mut Vec<Message>) -> Option<Instant> {
        let now = Instant::now();
        let mut shared = self.shared();
        let (mut due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut shared.messages)
            .into_iter()
            .partition(|message| message.due <= now);
        shared.messages = due.split_off(due.len().min(most));
        shared.messages.extend(later);
        shared.in_flight += due.len();
        due.iter_mut().for_each(|message| message.receives += 1);
        batch.append(&mut due);
        shared.messages.iter().map(|message| message.due).min()
    }
}

/// The event that Lambda makes of a batch.
fn event(queue: &str, batch: &[Message]) -> Value {
    let record = |message: &Message| {
        json!({
            "messageId": message.id,
            "receiptHandle": format!("{}-{}", message.id, message.receives),
            "body": message.body,
            "attributes": {
                "ApproximateReceiveCount": message.receives.to_string(),
                "SentTimestamp": message.sent_ms.to_string(),
                "SenderId": "local",
                "ApproximateFirstReceiveTimestamp": message.sent_ms.to_string(),
            },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": arn("sqs", queue),
            "awsRegion": REGION,
        })
    };
    json!({ "Records": batch.iter().map(record).collect::<Vec<_>>() })
}

/// The ids of the messages that failed. Like AWS, an answer that cannot be read, or names a message
/// that was not in the batch, fails them all.
fn failures(answer: &[u8], batch: &[Message], partial: bool) -> Vec<String> {
    let all = || batch.iter().map(|message| message.id.clone()).collect();
    if !partial || answer.is_empty() {
        return Vec::new();
    }
    let Ok(answer) = serde_json::from_slice::<Value>(answer) else {
        return all();
    };
    let mut failed = Vec::new();
    for item in answer["batchItemFailures"].as_array().into_iter().flatten() {
        match item["itemIdentifier"].as_str() {
            Some(id) if batch.iter().any(|message| message.id == id) => failed.push(id.to_owned()),
            _ => return all(),
        }
    }
    failed
}

#[cfg(test)]
#[path = "queues_tests.rs"]
mod tests;
