//! Somebody with the rights to write to the events table, who knows how commits are made.

mod kinds;

use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, PutRequest, WriteRequest};
use domain::user::Command;
use event_store::{Commit, EventLog, Heads, advance};
use fastrand::Rng;
use serde_json::json;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use tests::backend::Backend;
use tests::users::{command, create, rename, run, stream};
use uuid::Uuid;

pub type Item = HashMap<String, AttributeValue>;

const STREAMS: usize = 10;
const COMMANDS: usize = 11;

pub struct Forger {
    pub backend: Backend,
    rng: Rng,
    /// Every stream's name, with its items in order as they were.
    streams: Vec<(String, Vec<Item>)>,
    /// The streams that are not as they were.
    changed: Vec<usize>,
}

/// What was done, and where it may be found.
pub struct Tampering {
    pub kind: &'static str,
    pub stream: String,
    pub versions: RangeInclusive<u64>,
    pub detail: String,
}

impl Forger {
    /// With streams of a dozen commits, some of several events, some with snapshots; and the heads of them all.
    pub async fn new(seed: u64) -> Self {
        let backend = Backend::embedded().await;
        let mut rng = Rng::with_seed(seed);
        let (log, heads) = (backend.log(), backend.heads());
        let mut streams = Vec::new();
        for number in 0..STREAMS {
            let id = Uuid::from_u64_pair(rng.u64(..), rng.u64(..));
            let email = format!("user-{number}@example.com");
            let mut commands = vec![create(&email)];
            commands.extend((0..COMMANDS).map(|at| some_command(&mut rng, number, at)));
            for command in &commands {
                run(&log, &backend.clock, id, command).await.expect("done");
            }
            let name = stream(id);
            let commits = log
                .read(&name, 1..=u64::MAX, usize::MAX)
                .await
                .expect("read");
            assert_eq!(commits.len(), COMMANDS + 1);
            advance(&heads, &log, &name, &commits)
                .await
                .expect("linked");
            streams.push((name, Vec::new()));
        }
        let mut forger = Self {
            backend,
            rng,
            streams,
            changed: Vec::new(),
        };
        for index in 0..STREAMS {
            forger.streams[index].1 = forger.items(&forger.streams[index].0).await;
        }
        forger
    }

    /// Puts everything back.
    pub async fn undo(&mut self) {
        for index in std::mem::take(&mut self.changed) {
            let items = self.streams[index].1.clone();
            self.write(index, items).await;
        }
        self.changed.clear();
    }

    /// Deletes every snapshot, and says how many there were.
    pub async fn delete_snapshots(&mut self) -> usize {
        let mut deleted = 0;
        for index in 0..STREAMS {
            let mut items = self.streams[index].1.clone();
            for item in &mut items {
                deleted += usize::from(item.remove("snapshot").is_some());
            }
            self.write(index, items).await;
        }
        deleted
    }

    /// Deletes the head of a stream.
    pub async fn delete_head(&self, index: usize) {
        let stream = AttributeValue::S(self.streams[index].0.clone());
        let delete = self.backend.client.delete_item().key("stream", stream);
        let deleted = delete.table_name(self.backend.table("heads")).send().await;
        deleted.expect("deleted");
        let head = self.backend.heads().head(&self.streams[index].0).await;
        assert_eq!(head.expect("read"), None);
    }

    /// Deletes all commits of a stream, and says which.
    pub async fn delete_stream(&mut self, index: usize) -> String {
        self.write(index, Vec::new()).await;
        self.streams[index].0.clone()
    }

    /// Makes a stream's items these.
    async fn write(&mut self, index: usize, items: Vec<Item>) {
        self.changed.push(index);
        let present = self.items(&self.streams[index].0).await;
        let table = self.backend.table("events");
        let is_same_key = |one: &Item, other: &Item| one["version"] == other["version"];
        let gone = present
            .iter()
            .filter(|old| !items.iter().any(|item| is_same_key(item, old)));
        let gone = gone.map(|old| {
            let delete = DeleteRequest::builder()
                .key("stream", old["stream"].clone())
                .key("version", old["version"].clone());
            let delete = delete.build().expect("a key");
            WriteRequest::builder().delete_request(delete).build()
        });
        let put = items.iter().filter(|item| !present.contains(item));
        let put = put.map(|item| {
            let put = PutRequest::builder().set_item(Some(item.clone()));
            let put = put.build().expect("an item");
            WriteRequest::builder().put_request(put).build()
        });
        let writes: Vec<_> = gone.chain(put).collect();
        for writes in writes.chunks(25) {
            let batch = self.backend.client.batch_write_item();
            let batch = batch.request_items(&table, writes.to_vec());
            let written = batch.send().await.expect("written");
            assert!(written.unprocessed_items.unwrap_or_default().is_empty());
        }
    }

    async fn items(&self, stream: &str) -> Vec<Item> {
        let query = self.backend.client.query();
        let found = query
            .table_name(self.backend.table("events"))
            .key_condition_expression("#stream = :stream")
            .expression_attribute_names("#stream", "stream")
            .expression_attribute_values(":stream", AttributeValue::S(stream.to_owned()))
            .consistent_read(true)
            .send()
            .await
            .expect("read");
        assert_eq!(found.last_evaluated_key, None, "one page");
        found.items.expect("items")
    }
}

/// A command that leaves one event, or two.
fn some_command(rng: &mut Rng, number: usize, at: usize) -> Command {
    let email = format!("user-{number}-{at}@example.com");
    match rng.u8(..4) {
        0 => rename(&format!("Sarah {at}")),
        1 => command(
            "ChangeUserEmail",
            json!({ "email": email, "reason": "moved" }),
        ),
        _ => command(
            "CorrectUser",
            json!({ "name": format!("Mei {at}"), "email": email, "reason": "typo" }),
        ),
    }
}

fn commit_in(item: &Item) -> Commit {
    serde_dynamo::from_item(item.clone()).expect("a commit")
}

fn item_of(commit: &Commit) -> Item {
    serde_dynamo::to_item(commit).expect("an item")
}
