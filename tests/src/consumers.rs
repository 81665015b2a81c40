//! A consumer in this process: what comes off the bus is given to it, and its queue is a list.

use crate::backend::Backend;
use crate::users;
use aws_lambda_events::event::sqs::SqsEvent;
use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{TimeDelta, Utc};
use consumer::{Consume, Consumer, Queue, Ring, Settings};
use domain::Operation;
use domain::operation::Command;
use edge::{Announcement, SOURCE};
use event_store::{
    Cache, DynamoDbEventLog, DynamoDbHeads, EventLog, Metadata, Part, advance, execute, rfc3339,
    stream_id,
};
use project::Projections;
use read_model::{Documents, DynamoDbDocuments, Generation, Shards};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::error::Error;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;
use uuid::Uuid;

/// What a consumer told itself, in order, and for how long it put that off: here nothing is waited for.
#[derive(Debug, Default)]
pub struct Told(Mutex<VecDeque<(String, Duration)>>);

impl Queue for Told {
    async fn send(&self, body: &str, delay: Duration) -> Result<(), Box<dyn Error + Send + Sync>> {
        let said = (body.to_owned(), delay);
        self.0.lock().expect("no panic").push_back(said);
        Ok(())
    }
}

impl Told {
    /// The next message, which is no longer there then.
    pub fn next(&self) -> Option<String> {
        let next = self.0.lock().expect("no panic").pop_front();
        next.map(|(body, _)| body)
    }

    /// How long those that are there were put off.
    pub fn delays(&self) -> Vec<Duration> {
        let told = self.0.lock().expect("no panic");
        told.iter().map(|(_, delay)| *delay).collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.lock().expect("no panic").len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The consumer of a read model.
pub type ReadModelConsumer = InProcess<Projections<DynamoDbEventLog>>;
/// A consumer that does this with streams.
pub type InProcess<C> = Consumer<C, DynamoDbEventLog, DynamoDbHeads, Told>;

/// Nothing is waited for.
pub const AT_ONCE: Settings = Settings {
    workers: 2,
    shards: Shards {
        lists: 2,
        counters: 3,
    },
    grace: Duration::ZERO,
    batch: Duration::ZERO,
    page: 100,
    tick: Duration::from_secs(30),
    stalled: Duration::from_secs(30),
    slice: Duration::from_secs(30),
};

/// The consumer that keeps the read model of this name, in the backend's table of documents.
pub fn consumer(backend: &Backend, name: &str) -> ReadModelConsumer {
    consumer_that(
        backend,
        Projections::of(name, backend.log()).expect("a read model"),
    )
}

/// The consumer that does this with streams.
pub fn consumer_that<C: Consume>(backend: &Backend, consume: C) -> InProcess<C> {
    Consumer {
        consume,
        log: backend.log(),
        seen: backend.heads(),
        table: backend.read_model(),
        queue: Told::default(),
        settings: AT_ONCE,
        started: OnceLock::new(),
    }
}

/// What the publisher does with a stream, but for the bus: its head is advanced. Answers its version.
pub async fn publish(backend: &Backend, stream: &str) -> u64 {
    let commits = backend.log().read(stream, 1..=u64::MAX, usize::MAX).await;
    let commits = commits.expect("readable");
    advance(&backend.heads(), &backend.log(), stream, &commits)
        .await
        .expect("advanced");
    commits
        .last()
        .expect("a commit")
        .last_version()
        .expect("a version")
}

/// Creates a user, renames it so often, and publishes that; answers its stream and version.
pub async fn user(backend: &Backend, renames: usize) -> (String, u64) {
    let id = Uuid::now_v7();
    let command = users::create(&format!("{id}@example.com"));
    let done = users::run(&backend.log(), &backend.clock, id, &command).await;
    done.expect("created");
    for at in 0..renames {
        rename(backend, &users::stream(id), &format!("Mei {at}")).await;
    }
    let version = publish(backend, &users::stream(id)).await;
    (users::stream(id), version)
}

/// Renames a user, and does not publish that.
pub async fn rename(backend: &Backend, stream: &str, name: &str) {
    let id = stream_id(stream).parse().expect("a UUID");
    let command = users::rename(name);
    let done = users::run(&backend.log(), &backend.clock, id, &command).await;
    done.expect("renamed");
}

/// Says that a stream reaches as far as this, whatever it does: beyond its last event no walk can get.
pub async fn set_head(backend: &Backend, stream: &str, version: u64) {
    let update = backend.client.update_item();
    update
        .table_name(backend.table("heads"))
        .key("stream", AttributeValue::S(stream.to_owned()))
        .update_expression("SET #v = :v")
        .expression_attribute_names("#v", "version")
        .expression_attribute_values(":v", AttributeValue::N(version.to_string()))
        .send()
        .await
        .expect("moved");
}

/// Spoils a commit, as a bad disk or script may: nobody can read it.
pub async fn spoil(backend: &Backend, stream: &str, version: u64) {
    let update = backend.client.update_item();
    update
        .table_name(backend.table("events"))
        .key("stream", AttributeValue::S(stream.to_owned()))
        .key("version", AttributeValue::N(version.to_string()))
        .update_expression("SET #events = :events")
        .expression_attribute_names("#events", "events")
        .expression_attribute_values(":events", AttributeValue::S("{".to_owned()))
        .send()
        .await
        .expect("spoilt");
}

/// How far the document of a stream is in a generation.
pub async fn applied_in(
    consumer: &ReadModelConsumer,
    generation: Generation,
    stream: &str,
) -> Option<u64> {
    let documents = consumer.table.documents(generation);
    let stored = documents.get(consumer.consume.document(stream), true).await;
    stored.expect("readable").map(|stored| stored.applied)
}

/// How far the document of a stream is in the generation that is shown.
pub async fn applied(consumer: &ReadModelConsumer, stream: &str) -> Option<u64> {
    let generations = consumer.table.generations().await.expect("readable");
    applied_in(consumer, generations.live, stream).await
}

/// An announcement as it comes off the bus.
pub fn announced(stream: &str, version: u64) -> String {
    let said = Announcement {
        stream: stream.to_owned(),
        version,
        kind: "Something".to_owned(),
        // OK because a moment later would be after the table was begun, by the same message.
        timestamp: rfc3339(Utc::now() - TimeDelta::minutes(1)),
        ..Announcement::tick()
    };
    event(&said)
}

/// A tick as it comes off the bus.
pub fn tick() -> String {
    event(&Announcement::tick())
}

fn event(said: &Announcement) -> String {
    let event = json!({
        "version": "0", "id": Uuid::now_v7(), "detail-type": said.kind, "source": SOURCE, "account": "1",
        "time": "2026-11-21T04:33:59Z", "region": "us-east-1", "resources": [], "detail": said,
    });
    event.to_string()
}

/// A batch of these messages; each is named by its position.
pub fn batch(bodies: &[String]) -> SqsEvent {
    let record =
        |(id, body): (usize, &String)| json!({ "messageId": id.to_string(), "body": body });
    let records: Vec<Value> = bodies.iter().enumerate().map(record).collect();
    serde_json::from_value(json!({ "Records": records })).expect("a batch")
}

/// Has the consumer hear a batch; the positions of the messages that failed.
pub async fn hear<C: Consume>(consumer: &InProcess<C>, bodies: &[String]) -> Vec<String> {
    let answer = consumer.handle(batch(bodies)).await;
    let failures = answer.batch_item_failures.into_iter();
    failures.map(|failure| failure.item_identifier).collect()
}

/// Has the consumer hear a batch, and then whatever it tells itself.
pub async fn hear_all<C: Consume>(consumer: &InProcess<C>, bodies: &[String]) {
    assert_eq!(hear(consumer, bodies).await, [""; 0]);
    while let Some(body) = consumer.queue.next() {
        assert_eq!(hear(consumer, &[body]).await, [""; 0]);
    }
}

/// Asks for an operation, in the stream of this id, and publishes it; answers the announcement.
pub async fn ask(backend: &Backend, id: Uuid, command: &str, fields: Value) -> String {
    let Value::Object(mut fields) = fields else {
        panic!("fields are an object")
    };
    fields.insert("reason".to_owned(), "tests".into());
    let command: Command = domain::parse::<Operation>(command, fields).expect("a valid command");
    let (name, cache) = (format!("ops-{id}"), Cache::none());
    let part = Part::<Operation>::new(&name, &command, &cache);
    let metadata = Metadata::new("tests", "tests");
    execute(&backend.log(), &backend.clock, &metadata, part)
        .await
        .expect("executed");
    let version = publish(backend, &name).await;
    assert_eq!(stream_id(&name), id.to_string());
    announced(&name, version)
}

/// Remembers why it turned to which streams, in which generations.
#[derive(Debug, Default)]
pub struct Remembering {
    /// The name.
    pub name: &'static str,
    /// Whether it has no effects outside.
    pub is_pure: bool,
    /// The generation, the stream, the version and why.
    pub rung: Mutex<Vec<(u32, String, u64, Ring)>>,
}

impl Remembering {
    /// All that it turned to since it was asked last, sorted.
    pub fn take(&self) -> Vec<(u32, String, u64, Ring)> {
        let mut rung = std::mem::take(&mut *self.rung.lock().expect("no panic"));
        rung.sort_by_key(|(generation, stream, version, _)| {
            (*generation, stream.clone(), *version)
        });
        rung
    }
}

impl Consume for Remembering {
    fn name(&self) -> &str {
        self.name
    }

    fn reads(&self, category: &str) -> bool {
        category == "user"
    }

    fn is_pure(&self) -> bool {
        self.is_pure
    }

    async fn consume(
        &self,
        documents: &DynamoDbDocuments,
        stream: &str,
        version: u64,
        ring: Ring,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let number = documents.generation().number;
        let rung = (number, stream.to_owned(), version, ring);
        self.rung.lock().expect("no panic").push(rung);
        Ok(())
    }
}
