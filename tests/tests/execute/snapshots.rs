//! Snapshots are a shortcut: without them, or with wrong ones, every answer is the same.

use event_store::{Cache, Commit, EventLog, RING, SNAPSHOT_EVERY, Stream};
use serde_json::{Value, json};
use tests::backend::Backend;
use tests::on_each_backend;
use tests::users::{command, create, metadata, rename, run_as, stream};
use uuid::Uuid;

on_each_backend! {
    the_newest_commits_always_hold_a_snapshot
    without_usable_snapshots_every_answer_is_the_same
    a_replay_is_followed_by_a_snapshot
    a_missing_snapshot_is_replaced_by_the_one_before
    a_state_too_large_for_a_snapshot_does_without
    a_snapshot_makes_room_for_a_long_reason
}

type User = Stream<domain::User>;

/// How many commits the user has: enough that a load without snapshots replays in pieces.
const COMMITS: usize = 149;

/// A user with a long life, and the ids of the commands, first to last.
async fn aged(backend: &Backend) -> (Uuid, Vec<Uuid>) {
    let (log, cache, id) = (backend.log(), Cache::new(1 << 20), Uuid::now_v7());
    let mut commands = Vec::new();
    for number in 0..COMMITS {
        let command = match number {
            0 => create("sarah@example.com"),
            // Two events in one commit.
            _ if number % 10 == 0 => {
                let email = format!("sarah.{number}@example.com");
                let name = format!("Sarah {number}");
                command(
                    "CorrectUser",
                    json!({ "name": name, "email": email, "reason": "typo" }),
                )
            }
            _ => rename(&format!("Sarah {number}")),
        };
        let command_id = Uuid::now_v7();
        tests::users::run_with(&cache, command_id, &log, &backend.clock, id, &command)
            .await
            .expect("accepted");
        commands.push(command_id);
    }
    (id, commands)
}

async fn commits(backend: &Backend, id: Uuid) -> Vec<Commit> {
    let commits = backend
        .log()
        .read(&stream(id), 1..=u64::MAX, usize::MAX)
        .await;
    commits.expect("readable")
}

async fn the_newest_commits_always_hold_a_snapshot(backend: &Backend) {
    let (id, _) = aged(backend).await;
    let commits = commits(backend, id).await;
    for newest in commits.windows(SNAPSHOT_EVERY) {
        assert!(newest.iter().any(|commit| commit.snapshot.is_some()));
    }
    backend.requests.clear();
    let user = User::load(&backend.log(), &stream(id))
        .await
        .expect("readable");
    assert_eq!(user.version, 149 + 14);
    assert_eq!(backend.requests.clear(), ["Query"]);
}

/// All that a caller can learn of a stream from commands, without changing it.
async fn answers(backend: &Backend, id: Uuid, commands: &[Uuid]) -> Vec<String> {
    let (log, clock) = (backend.log(), &backend.clock);
    let user = User::load(&log, &stream(id)).await.expect("readable");
    let mut answers = vec![format!(
        "{:?} {} {}",
        serde_json::to_string(&user.state),
        user.version,
        user.timestamp
    )];
    let again = [0, COMMITS - RING, COMMITS - RING / 2, COMMITS - 1];
    for index in again {
        let answer = run_as(commands[index], &log, clock, id, &rename("Sarah again")).await;
        answers.push(format!("{answer:?}"));
    }
    let refused = run_as(
        Uuid::now_v7(),
        &log,
        clock,
        id,
        &create("sarah@example.com"),
    )
    .await;
    answers.push(format!("{refused:?}"));
    let done = rename(&format!("Sarah {}", COMMITS - 1));
    answers.push(format!(
        "{:?}",
        run_as(Uuid::now_v7(), &log, clock, id, &done).await
    ));
    answers
}

/// A way to spoil a commit that has a snapshot; how many of them a load then passes over.
type Spoil = fn(&Commit) -> Commit;

fn with(commit: &Commit, snapshot: Option<String>) -> Commit {
    Commit {
        snapshot,
        ..commit.clone()
    }
}

/// The snapshot with another state, or number, or ring.
fn forged(commit: &Commit, member: &str, value: Value) -> Option<String> {
    let mut snapshot: Value =
        serde_json::from_str(commit.snapshot.as_deref()?).expect("it is JSON");
    snapshot[member] = value;
    Some(snapshot.to_string())
}

fn state() -> Value {
    json!({ "status": "active", "name": "Mallory", "email": "mallory@example.com", "phone": null })
}

/// The commit with a snapshot that is sealed as if it had been written with it.
fn sealed(commit: &Commit, snapshot: Option<String>) -> Commit {
    let stamp = commit.stamp().expect("readable");
    let metadata = commit.metadata().expect("readable");
    let at = event_store::Position {
        stream: commit.stream.clone(),
        version: commit.version,
    };
    let events = commit.events().expect("readable");
    Commit::new(
        at,
        commit.chain.previous,
        &stamp,
        &metadata,
        &events,
        snapshot,
    )
    .expect("a commit")
}

const SPOILS: [(&str, Spoil); 9] = [
    ("deleted", |commit| with(commit, None)),
    ("deleted with its digest", |commit| Commit {
        digest: None,
        ..with(commit, None)
    }),
    ("cut short", |commit| {
        let text = commit
            .snapshot
            .as_ref()
            .map(|text| text[..text.len() / 2].to_owned());
        with(commit, text)
    }),
    ("no JSON", |commit| sealed(commit, Some("no JSON".into()))),
    // That of the build before, whose states were of another shape.
    ("another number", |commit| {
        sealed(commit, forged(commit, "evolve_version", json!(1)))
    }),
    ("another state", |commit| {
        with(commit, forged(commit, "state", state()))
    }),
    ("another state, digested", |commit| Commit {
        digest: sealed(commit, forged(commit, "state", state())).digest,
        ..with(commit, forged(commit, "state", state()))
    }),
    ("another state, digested and hashed", |commit| {
        sealed(commit, forged(commit, "state", state()))
    }),
    ("another ring", |commit| {
        sealed(commit, forged(commit, "ring", json!("AAAAAAAAAA")))
    }),
];

async fn without_usable_snapshots_every_answer_is_the_same(backend: &Backend) {
    let (id, commands) = aged(backend).await;
    let original = commits(backend, id).await;
    assert_eq!(
        original.last().and_then(|last| last.snapshot.as_ref()),
        None,
        "whose follower would show it"
    );
    let expected = answers(backend, id, &commands).await;
    assert!(expected[0].contains("Sarah 148"));
    let replayed = expected
        .iter()
        .filter(|answer| answer.contains("replayed: true"));
    assert_eq!(replayed.count(), 4);
    for (name, spoil) in SPOILS {
        let mut spoilt = 0;
        for commit in original.iter().filter(|commit| commit.snapshot.is_some()) {
            put(backend, &spoil(commit)).await;
            spoilt += 1;
        }
        assert!(spoilt >= COMMITS / SNAPSHOT_EVERY);
        assert_eq!(answers(backend, id, &commands).await, expected, "{name}");
        let user = User::load(&backend.log(), &stream(id))
            .await
            .expect("readable");
        let read = original.iter().rev().take(SNAPSHOT_EVERY + RING);
        let snapshots = read.filter(|commit| commit.snapshot.is_some()).count();
        let passed_over = if name.starts_with("deleted") {
            0
        } else {
            snapshots
        };
        assert_eq!(
            user.passed_over, passed_over,
            "{name}: all that was read before the replay"
        );
    }
    for commit in &original {
        put(backend, commit).await;
    }
    assert_eq!(answers(backend, id, &commands).await, expected);
}

/// Writes over what is stored: no role of ours may.
async fn put(backend: &Backend, commit: &Commit) {
    let item = serde_dynamo::to_item(commit).expect("an item");
    let put = backend
        .client
        .put_item()
        .table_name(backend.table("events"));
    put.set_item(Some(item)).send().await.expect("put");
}

async fn a_replay_is_followed_by_a_snapshot(backend: &Backend) {
    let (id, _) = aged(backend).await;
    for commit in commits(backend, id).await {
        put(backend, &with(&commit, None)).await;
    }
    let (log, clock) = (backend.log(), &backend.clock);
    let user = User::load(&log, &stream(id)).await.expect("readable");
    assert_eq!((user.version, user.passed_over), (163, 0));
    run_as(Uuid::now_v7(), &log, clock, id, &rename("Sally"))
        .await
        .expect("renamed");
    let newest = log
        .newest(&stream(id), 1..=u64::MAX, 1)
        .await
        .expect("readable");
    assert!(newest[0].snapshot.is_some());
    backend.requests.clear();
    User::load(&log, &stream(id)).await.expect("readable");
    assert_eq!(backend.requests.clear(), ["Query"]);
}

async fn a_missing_snapshot_is_replaced_by_the_one_before(backend: &Backend) {
    let (id, _) = aged(backend).await;
    let with_one = commits(backend, id)
        .await
        .into_iter()
        .rfind(|commit| commit.snapshot.is_some());
    put(backend, &with(&with_one.expect("there is one"), None)).await;
    backend.requests.clear();
    let user = User::load(&backend.log(), &stream(id))
        .await
        .expect("readable");
    assert_eq!(user.version, 163);
    assert_eq!(backend.requests.clear(), ["Query", "Query"]);
}

async fn a_state_too_large_for_a_snapshot_does_without(backend: &Backend) {
    let (log, cache) = (backend.log(), Cache::none());
    for version in 1..=2 * SNAPSHOT_EVERY as u64 {
        let part = event_store::Part::<large::Large>::new("large-1", &50_000, &cache);
        let appended =
            event_store::execute(&log, &backend.clock, &metadata(Uuid::now_v7()), part).await;
        assert_eq!(appended.expect("appended").version, version);
    }
    let commits = log
        .read("large-1", 1..=u64::MAX, usize::MAX)
        .await
        .expect("readable");
    let with_one: Vec<_> = commits
        .iter()
        .filter(|commit| commit.snapshot.is_some())
        .collect();
    assert_eq!(with_one.len(), 1, "the second would not fit");
    let large = Stream::<large::Large>::load(&log, "large-1")
        .await
        .expect("readable");
    assert_eq!(large.state.len(), 50_000 * commits.len());
}

async fn a_snapshot_makes_room_for_a_long_reason(backend: &Backend) {
    let (log, cache) = (backend.log(), Cache::new(1 << 20));
    let (mut with_one, growth) = (Vec::new(), 240_000 / SNAPSHOT_EVERY);
    for version in 1..=SNAPSHOT_EVERY as u64 + 1 {
        let mut metadata = metadata(Uuid::now_v7());
        if version == SNAPSHOT_EVERY as u64 {
            metadata.reason = Some("r".repeat(150_000));
        }
        let part = event_store::Part::<large::Large>::new("large-1", &growth, &cache);
        let appended = event_store::execute(&log, &backend.clock, &metadata, part).await;
        assert_eq!(appended.expect("appended").version, version);
        let newest = log.newest("large-1", 1..=u64::MAX, 1).await;
        with_one.push(newest.expect("readable")[0].snapshot.is_some());
    }
    let late = [vec![false; SNAPSHOT_EVERY], vec![true]].concat();
    assert_eq!(with_one, late, "the next one has it");
}

mod large {
    //! An aggregate that only grows.

    use decider::Decider;
    use serde::{Deserialize, Serialize};

    pub enum Large {}

    #[derive(Serialize, Deserialize)]
    #[serde(tag = "type", content = "data")]
    pub enum Event {
        Grown(String),
    }

    impl Decider for Large {
        const CATEGORY: &'static str = "large";
        type State = String;
        type Command = usize;
        type Event = Event;
        type Error = std::convert::Infallible;

        fn decide(by: &usize, _: &String) -> Result<Vec<Event>, Self::Error> {
            Ok(vec![Event::Grown("x".repeat(*by))])
        }

        fn evolve(mut state: String, Event::Grown(by): &Event) -> String {
            state.push_str(by);
            state
        }
    }
}
