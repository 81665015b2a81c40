//! Commands over several streams, where not each of them has something to write.

use decider::{Claim, Decider, Idempotency};
use event_store::{
    Appended, Cache, Clock, ClockOff, ExecuteError, MemoryEventLog, Metadata, Part, Stream,
    execute, execute_all,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A counter that may have a name.
struct Counter<const LEDGER: bool>;

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
enum Event {
    Added(u64),
    Named(Option<String>),
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct State {
    sum: u64,
    name: Option<String>,
}

enum Command {
    Add(u64),
    Name(Option<&'static str>),
    Leave,
}

#[derive(Debug)]
enum Never {}

impl<const LEDGER: bool> Decider for Counter<LEDGER> {
    const CATEGORY: &'static str = "counter";
    const IDEMPOTENCY: Idempotency = if LEDGER {
        Idempotency::Ledger
    } else {
        Idempotency::Ring
    };
    type State = State;
    type Command = Command;
    type Event = Event;
    type Error = Never;

    fn decide(command: &Command, state: &State) -> Result<Vec<Event>, Never> {
        Ok(match command {
            Command::Leave => vec![],
            Command::Name(name) if state.name.as_deref() == *name => vec![],
            Command::Name(name) => vec![Event::Named(name.map(str::to_owned))],
            Command::Add(amount) => vec![Event::Added(*amount)],
        })
    }

    fn evolve(mut state: State, event: &Event) -> State {
        match event {
            Event::Added(amount) => state.sum += amount,
            Event::Named(name) => state.name.clone_from(name),
        }
        state
    }

    fn claims(state: &State) -> Vec<Claim> {
        let claim = |name: &String| Claim {
            kind: "name",
            canonical: name.clone(),
        };
        state.name.iter().map(claim).collect()
    }
}

/// The machine's clock, which is right.
struct Right;

impl Clock for Right {
    fn now(&self) -> Result<chrono::DateTime<chrono::Utc>, ClockOff> {
        Ok(chrono::Utc::now())
    }
}

fn once() -> Metadata {
    Metadata::new("tests", "tests")
}

/// A command that leaves the first stream as it is comes twice, and others write between.
async fn repeated<const FIRST: bool, const SECOND: bool>() {
    let log = MemoryEventLog::default();
    let (first, second) = (
        Cache::<Counter<FIRST>>::none(),
        Cache::<Counter<SECOND>>::none(),
    );
    let keyed = once().keyed(Uuid::now_v7(), "fingerprint");
    let send = async || -> Vec<Appended> {
        let mut leaves = Part::new("counter-1", &Command::Leave, &first);
        let mut adds = Part::new("counter-2", &Command::Add(7), &second);
        let parts: &mut [&mut dyn event_store::Participant<_, Never>] =
            &mut [&mut leaves, &mut adds];
        let done = execute_all(&log, &Right, &keyed, parts).await;
        done.expect("accepted")
    };
    let answers = send().await;
    let other = Part::new("counter-2", &Command::Add(100), &second);
    let other = execute::<_, Counter<SECOND>>(&log, &Right, &once(), other).await;
    other.expect("accepted");
    let again = send().await;
    assert!(again.iter().all(|answer| answer.replayed), "{again:?}");
    assert_eq!(again[1].event_ids, answers[1].event_ids);
    let counter = Stream::<Counter<SECOND>>::load(&log, "counter-2").await;
    assert_eq!(counter.expect("readable").state.sum, 107);
}

#[tokio::test]
async fn a_command_is_done_once_whichever_stream_it_wrote_to() {
    repeated::<false, false>().await;
    repeated::<false, true>().await;
    repeated::<true, false>().await;
    repeated::<true, true>().await;
}

#[tokio::test]
async fn a_claim_that_is_in_the_way_on_a_guess_is_looked_at_again() {
    type Ring = Counter<false>;
    let log = MemoryEventLog::default();
    let (warm, elsewhere) = (Cache::<Ring>::new(1 << 20), Cache::<Ring>::none());
    let run = async |cache: &Cache<Ring>, name: &str, command: Command| {
        let part = Part::new(name, &command, cache);
        let done = execute::<_, Ring>(&log, &Right, &once(), part).await;
        done.expect("accepted");
    };
    run(&warm, "counter-1", Command::Add(1)).await;
    run(&warm, "counter-2", Command::Name(Some("x"))).await;
    run(&elsewhere, "counter-2", Command::Name(None)).await;
    let (take, leave) = (Command::Name(Some("x")), Command::Name(None));
    let mut one = Part::new("counter-1", &take, &warm);
    let mut two = Part::new("counter-2", &leave, &warm);
    let done = execute_all::<_, Never>(&log, &Right, &once(), &mut [&mut one, &mut two]).await;
    let done = done.expect("the name is free");
    assert_eq!((done[0].version, done[1].version), (2, 2));

    // This fails, because the holder would give it up in the same transaction.
    let mut one = Part::new("counter-3", &take, &warm);
    let mut two = Part::new("counter-1", &leave, &warm);
    let done = execute_all::<_, Never>(&log, &Right, &once(), &mut [&mut one, &mut two]).await;
    let taken = matches!(done, Err(ExecuteError::ClaimTaken { kind: "name" }));
    assert!(taken, "{done:?}");
}
