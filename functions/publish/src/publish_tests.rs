use super::*;
use crate::announce::ATTEMPTS;
use crate::bus::Entry;
use chrono::DateTime;
use event_store::{Batch, Hash, Head, MemoryEventLog, MemoryHeads, Metadata, Position};
use event_store::{Stamp, StoredEvent};
use lambda_runtime::tracing::subscriber::{self, util::SubscriberInitExt};
use serde_json::{Value, json};
use std::io;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// Refuses the details that hold one of these, each so many times; remembers what it took.
#[derive(Default)]
struct Fake {
    refusals: Mutex<Vec<&'static str>>,
    taken: Mutex<Vec<String>>,
    requests: Mutex<Vec<usize>>,
}

impl Bus for Fake {
    async fn put(&self, entries: &[Entry]) -> BTreeSet<usize> {
        self.requests.lock().expect("no panic").push(entries.len());
        let mut refused = BTreeSet::new();
        for (index, entry) in entries.iter().enumerate() {
            let mut refusals = self.refusals.lock().expect("no panic");
            match refusals.iter().position(|part| entry.detail.contains(part)) {
                Some(refusal) => {
                    refusals.remove(refusal);
                    refused.insert(index);
                }
                None => self
                    .taken
                    .lock()
                    .expect("no panic")
                    .push(entry.detail_type.clone()),
            }
        }
        refused
    }
}

/// Heads of which one cannot be read: that of `user-1`.
struct Spoilt(MemoryHeads);

impl Heads for Spoilt {
    async fn head(&self, stream: &str) -> Result<Option<Head>, StoreError> {
        if stream == "user-1" {
            return Err(StoreError::Corrupt {
                stream: stream.to_owned(),
                version: 0,
                why: "its head: no number".to_owned(),
            });
        }
        self.0.head(stream).await
    }

    async fn put(&self, head: &Head, in_place_of: Option<&Head>) -> Result<bool, StoreError> {
        self.0.put(head, in_place_of).await
    }
}

/// Heads that cannot be reached.
struct Unreachable;

impl Heads for Unreachable {
    async fn head(&self, _: &str) -> Result<Option<Head>, StoreError> {
        Err(StoreError::Throttled("slow down".into()))
    }

    async fn put(&self, _: &Head, _: Option<&Head>) -> Result<bool, StoreError> {
        Err(StoreError::Throttled("slow down".into()))
    }
}

/// A commit of events of these types.
fn commit_of(stream: &str, version: u64, previous: Hash, kinds: &[&str]) -> Commit {
    let event = |kind: &&str| StoredEvent {
        id: Uuid::now_v7(),
        kind: (*kind).into(),
        schema_version: 1,
        data: serde_json::value::to_raw_value(&json!({ "name": "Sarah" })).expect("JSON"),
        effective_at: None,
    };
    let metadata = Metadata::new("tests", "tests");
    let stamp = Stamp {
        id: Uuid::now_v7(),
        timestamp: DateTime::UNIX_EPOCH,
    };
    let at = Position {
        stream: stream.into(),
        version,
    };
    let events: Vec<_> = kinds.iter().map(event).collect();
    Commit::new(at, previous, &stamp, &metadata, &events, None).expect("a commit")
}

fn first(stream: &str) -> Commit {
    commit_of(stream, 1, Hash::default(), &["UserCreated"])
}

/// So many commits of the stream `user-1`, of one event each.
fn chain(commits: u64) -> Vec<Commit> {
    let mut chain = vec![first("user-1")];
    for version in 2..=commits {
        let previous = chain[version as usize - 2].chain.hash;
        chain.push(commit_of("user-1", version, previous, &["UserNameChanged"]));
    }
    chain
}

/// A record, whose sequence number is `stream/version`.
fn record(operation: &str, commit: &Commit) -> Value {
    let image: serde_dynamo::Item = serde_dynamo::to_item(commit).expect("an item");
    let sequence_number = format!("{}/{}", commit.stream, commit.version);
    json!({
        "eventID": sequence_number, "eventName": operation, "eventSource": "aws:dynamodb", "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1.0, "SequenceNumber": sequence_number, "SizeBytes": 1,
            "StreamViewType": "NEW_IMAGE", "NewImage": image,
            "Keys": { "stream": { "S": commit.stream }, "version": { "N": commit.version.to_string() } },
        },
    })
}

fn inserts(commits: &[Commit]) -> Vec<Value> {
    let records = commits.iter().map(|commit| record("INSERT", commit));
    records.collect()
}

async fn failures_with(
    bus: &Fake,
    heads: &impl Heads,
    log: &MemoryEventLog,
    records: Vec<Value>,
) -> Vec<String> {
    let batch: Event = serde_json::from_value(json!({ "Records": records })).expect("a batch");
    let answer = publish(bus, heads, log, batch).await;
    answer
        .batch_item_failures
        .into_iter()
        .filter_map(|failure| failure.item_identifier)
        .collect()
}

async fn failures(bus: &Fake, records: Vec<Value>) -> Vec<String> {
    let (heads, log) = (MemoryHeads::default(), MemoryEventLog::default());
    failures_with(bus, &heads, &log, records).await
}

/// The log's lines while it lives.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn record(&self) -> impl Drop {
        let lines = self.clone();
        let written = subscriber::fmt().with_writer(move || lines.clone());
        written.with_ansi(false).finish().set_default()
    }

    fn alarms(&self) -> Vec<String> {
        let bytes = self.0.lock().expect("no panic").clone();
        let text = String::from_utf8(bytes).expect("text");
        let alarms = text
            .lines()
            .filter(|line| line.contains("alarm=\"tampering\""));
        alarms.map(str::to_owned).collect()
    }
}

fn head_of(commit: &Commit) -> Option<Head> {
    Some(Head {
        stream: commit.stream.clone(),
        version: commit.last_version().expect("readable"),
        hash: commit.chain.hash,
    })
}

#[tokio::test]
async fn every_event_is_announced_and_nothing_personal() {
    let bus = Fake::default();
    let two = ["UserNameCorrected", "UserEmailCorrected"];
    let commits = [
        first("user-1"),
        commit_of("user-2", 1, Hash::default(), &two),
    ];
    assert!(failures(&bus, inserts(&commits)).await.is_empty());
    assert_eq!(
        *bus.taken.lock().expect("no panic"),
        ["UserCreated", "UserNameCorrected", "UserEmailCorrected"]
    );
    let entries = announce(0, &commits[1]).expect("readable");
    let detail = &entries[1].detail;
    assert!(detail.contains(r#""version":2"#) && detail.contains("/users/2/history"));
    assert!(!detail.contains("Sarah"));
}

#[tokio::test]
async fn only_what_was_refused_is_put_again() {
    let bus = Fake {
        refusals: Mutex::new(vec!["user-2"]),
        ..Fake::default()
    };
    let commits = ["user-1", "user-2", "user-3"].map(first);
    assert!(failures(&bus, inserts(&commits)).await.is_empty());
    assert_eq!(*bus.requests.lock().expect("no panic"), [3, 1]);
}

#[tokio::test]
async fn what_stays_refused_fails_from_its_record_on() {
    let bus = Fake {
        refusals: Mutex::new(vec!["user-2"; ATTEMPTS as usize]),
        ..Fake::default()
    };
    let commits = ["user-1", "user-2", "user-3"].map(first);
    assert_eq!(failures(&bus, inserts(&commits)).await, ["user-2/1"]);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_fails_and_the_others_are_published() {
    let mut unreadable = first("user-1");
    unreadable.events = "no json".into();
    let mut incomplete = record("INSERT", &first("user-1"));
    incomplete["dynamodb"]["NewImage"] = json!({ "stream": { "S": "user-1" } });
    for wrong in [record("INSERT", &unreadable), incomplete] {
        let bus = Fake::default();
        let records = vec![wrong, record("INSERT", &first("user-2"))];
        assert_eq!(failures(&bus, records).await, ["user-1/1"]);
        assert_eq!(bus.taken.lock().expect("no panic").len(), 1);
    }
}

#[tokio::test]
async fn a_changed_or_removed_event_is_no_news_but_an_alarm() {
    let (bus, lines) = (Fake::default(), Lines::default());
    let _recording = lines.record();
    let commit = first("user-1");
    let records = vec![record("MODIFY", &commit), record("REMOVE", &commit)];
    assert!(failures(&bus, records).await.is_empty());
    assert!(bus.taken.lock().expect("no panic").is_empty());
    assert_eq!(lines.alarms().len(), 2);
}

#[tokio::test]
async fn a_head_follows_its_stream_with_one_write_for_each_batch() {
    let (bus, heads, log) = (
        Fake::default(),
        MemoryHeads::default(),
        MemoryEventLog::default(),
    );
    let commits = chain(4);
    // In disorder, and one of them twice.
    let order = [1, 0, 2, 1].map(|index: usize| commits[index].clone());
    let failed = failures_with(&bus, &heads, &log, inserts(&order)).await;
    assert!(failed.is_empty());
    let head = heads.head("user-1").await.expect("kept");
    assert_eq!((head, heads.writes()), (head_of(&commits[2]), 1));
    // What comes again moves nothing, and is announced as before.
    failures_with(&bus, &heads, &log, inserts(&commits[..2])).await;
    assert_eq!(heads.writes(), 1);
    assert_eq!(bus.taken.lock().expect("no panic").len(), 6);
    failures_with(&bus, &heads, &log, inserts(&commits[3..])).await;
    let head = heads.head("user-1").await.expect("kept");
    assert_eq!((head, heads.writes()), (head_of(&commits[3]), 2));
}

#[tokio::test]
async fn what_a_batch_did_not_bring_is_read_from_the_log_and_published() {
    let (bus, heads, log) = (
        Fake::default(),
        MemoryHeads::default(),
        MemoryEventLog::default(),
    );
    let commits = chain(5);
    for commit in &commits {
        log.append(&Batch::of(commit.clone())).await.expect("kept");
    }
    let brought = [commits[1].clone(), commits[4].clone()];
    let failed = failures_with(&bus, &heads, &log, inserts(&brought)).await;
    assert!(failed.is_empty());
    let head = heads.head("user-1").await.expect("kept");
    assert_eq!((head, heads.writes()), (head_of(&commits[4]), 1));
    let taken = |bus: &Fake| bus.taken.lock().expect("no panic").len();
    assert_eq!(taken(&bus), 5);
    failures_with(&bus, &heads, &log, inserts(&brought)).await;
    assert_eq!(taken(&bus), 7, "it is missed once");
}

#[tokio::test]
async fn a_head_stays_before_what_the_bus_never_took() {
    let (heads, log) = (MemoryHeads::default(), MemoryEventLog::default());
    let commits = chain(4);
    for commit in &commits {
        log.append(&Batch::of(commit.clone())).await.expect("kept");
    }
    let refusing = |version| Fake {
        refusals: Mutex::new(vec![version; ATTEMPTS as usize]),
        ..Fake::default()
    };
    // Brought and refused: what follows it in the batch was taken, and the head may not pass it all the same.
    let bus = refusing("\"version\":2");
    let brought = [&inserts(&commits[..3])[..], &inserts(&[first("user-2")])].concat();
    let failed = failures_with(&bus, &heads, &log, brought).await;
    assert_eq!(failed, ["user-1/2"]);
    let head = heads.head("user-1").await.expect("kept");
    assert_eq!(head, head_of(&commits[0]));
    assert!(heads.head("user-2").await.expect("kept").is_some());
    // Never brought, and refused.
    let bus = refusing("\"version\":3");
    let failed = failures_with(&bus, &heads, &log, inserts(&commits[3..])).await;
    assert_eq!(failed, ["user-1/4"]);
    let head = heads.head("user-1").await.expect("kept");
    assert_eq!(head, head_of(&commits[0]));
    let bus = Fake::default();
    let failed = failures_with(&bus, &heads, &log, inserts(&commits[3..])).await;
    assert!(failed.is_empty());
    let head = heads.head("user-1").await.expect("kept");
    assert_eq!(head, head_of(&commits[3]));
    assert_eq!(bus.taken.lock().expect("no panic").len(), 3);
}

#[tokio::test]
async fn a_commit_that_does_not_follow_raises_an_alarm_and_is_published() {
    let (bus, heads, log) = (
        Fake::default(),
        MemoryHeads::default(),
        MemoryEventLog::default(),
    );
    let lines = Lines::default();
    let _recording = lines.record();
    let commits = chain(2);
    failures_with(&bus, &heads, &log, inserts(&commits)).await;
    assert_eq!(lines.alarms(), Vec::<String>::new());
    let foreign = commit_of("user-1", 3, Hash::default(), &["UserDeleted"]);
    let mut edited = commit_of("user-1", 3, commits[1].chain.hash, &["UserDeleted"]);
    edited.metadata = edited.metadata.replace("tests", "nobody");
    for (index, wrong) in [foreign, edited].into_iter().enumerate() {
        let failed = failures_with(&bus, &heads, &log, inserts(&[wrong])).await;
        assert!(failed.is_empty());
        let alarms = lines.alarms();
        assert_eq!(alarms.len(), index + 1);
        assert!(
            alarms[index].contains(r#"stream="user-1" version=3"#),
            "{alarms:?}"
        );
        let head = heads.head("user-1").await.expect("kept");
        assert_eq!((head, heads.writes()), (head_of(&commits[1]), 1));
        assert_eq!(bus.taken.lock().expect("no panic").len(), 3 + index);
    }
}

#[tokio::test]
async fn a_head_that_cannot_be_read_raises_an_alarm_and_holds_up_nothing() {
    let (bus, heads) = (Fake::default(), Spoilt(MemoryHeads::default()));
    let (log, lines) = (MemoryEventLog::default(), Lines::default());
    let _recording = lines.record();
    let commits = ["user-1", "user-2"].map(first);
    let failed = failures_with(&bus, &heads, &log, inserts(&commits)).await;
    assert_eq!(failed, Vec::<String>::new());
    assert_eq!(lines.alarms().len(), 1);
    assert_eq!(
        heads.0.head("user-2").await.expect("kept"),
        head_of(&commits[1])
    );
    assert_eq!(bus.taken.lock().expect("no panic").len(), 2);
}

#[tokio::test]
async fn a_head_that_cannot_be_kept_fails_its_record_after_all_were_published() {
    let bus = Fake::default();
    let log = MemoryEventLog::default();
    let commits = ["user-1", "user-2"].map(first);
    let failed = failures_with(&bus, &Unreachable, &log, inserts(&commits)).await;
    assert_eq!(failed, ["user-1/1"]);
    assert_eq!(bus.taken.lock().expect("no panic").len(), 2);
}
