//! What a command costs when several sandboxes, each with a cache of its own, take turns on the same streams.
//!
//! The log is in memory, and bills each request as DynamoDB would, by the sizes of the items.

use benches::{Account, Command, Machine, unkeyed};
use chrono::{DateTime, Utc};
use decider::Decider;
use event_store::{
    AppendError, Batch, Cache, Commit, EventLog, MemoryEventLog, Part, Position, StoreError,
    execute, schema,
};
use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

const STREAMS: usize = 20;
const SEED_EVENTS: u64 = 10;
const COMMANDS: usize = 4_000;
const CACHE_BYTES: usize = 64 * 1024 * 1024;

/// Whose turn it is.
#[derive(Clone, Copy)]
enum Turns {
    /// Each command of a stream goes to the next sandbox: no guess can be right.
    RoundRobin,
    Random,
}

/// What was asked of DynamoDB, and what it would have billed.
#[derive(Clone, Copy, Default)]
struct Bill {
    queries: usize,
    puts: usize,
    refused: usize,
    read_units: usize,
    write_units: usize,
}

#[derive(Default)]
struct Billed {
    log: MemoryEventLog,
    bill: Mutex<Bill>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!(
        "| sandboxes | turns | Query | PutItem | of these refused | read units | write units | units to cold's |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let cold = run(1, Cache::none, Turns::RoundRobin).await;
    row("any, cold", "", cold, cold);
    for sandboxes in [1, 10, 100] {
        for (name, turns) in [
            ("round robin", Turns::RoundRobin),
            ("random", Turns::Random),
        ] {
            let bill = run(sandboxes, || Cache::new(CACHE_BYTES), turns).await;
            row(&sandboxes.to_string(), name, bill, cold);
        }
    }
}

async fn run(sandboxes: usize, cache: impl Fn() -> Cache<Account>, turns: Turns) -> Bill {
    let log = Billed::default();
    for stream in 0..STREAMS {
        let (name, cache) = (name(stream), &Cache::none());
        for n in 1..=SEED_EVENTS {
            order(&log, cache, &name, &Command::of_seed(&name, n)).await;
        }
    }
    log.settle();
    let caches: Vec<_> = (0..sandboxes).map(|_| cache()).collect();
    let mut random = fastrand::Rng::with_seed(7);
    for n in 0..COMMANDS {
        let (stream, sandbox) = match turns {
            Turns::RoundRobin => (n % STREAMS, n / STREAMS % sandboxes),
            Turns::Random => (random.usize(0..STREAMS), random.usize(0..sandboxes)),
        };
        let command = Command::deposit(1, sandbox as u64, n as u64);
        order(&log, &caches[sandbox], &name(stream), &command).await;
    }
    log.settle()
}

async fn order(log: &Billed, cache: &Cache<Account>, stream: &str, command: &Command) {
    let part = Part::new(stream, command, cache);
    execute(log, &Machine, &unkeyed(), part)
        .await
        .expect("nobody else writes meanwhile");
}

fn name(stream: usize) -> String {
    format!("{}-{stream:05}", Account::CATEGORY)
}

fn row(sandboxes: &str, turns: &str, bill: Bill, cold: Bill) {
    let per = |count: usize| format!("{:.2}", count as f64 / COMMANDS as f64);
    // A write unit has five times the price of a read unit.
    let price = |bill: Bill| (bill.read_units + 5 * bill.write_units) as f64;
    println!(
        "| {sandboxes} | {turns} | {} | {} | {} | {} | {} | {:.2} |",
        per(bill.queries),
        per(bill.puts),
        per(bill.refused),
        per(bill.read_units),
        per(bill.write_units),
        price(bill) / price(cold),
    );
}

impl Billed {
    fn add(&self, add: impl FnOnce(&mut Bill)) {
        add(&mut self.bill.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What there was to pay since the last time.
    fn settle(&self) -> Bill {
        let mut settled = Bill::default();
        self.add(|bill| settled = std::mem::take(bill));
        settled
    }

    /// A consistent Query: 4 KiB a unit, of all items together.
    fn query(&self, found: &[Commit]) {
        let bytes: usize = found.iter().map(size).sum();
        self.add(|bill| {
            bill.queries += 1;
            bill.read_units += bytes.div_ceil(4096).max(1);
        });
    }
}

impl EventLog for Billed {
    async fn append(&self, batch: &Batch) -> Result<(), AppendError> {
        let [commit] = batch.commits.as_slice() else {
            unreachable!("an account claims nothing, so that each command is one PutItem");
        };
        let appended = self.log.append(batch).await;
        let mut billed = vec![commit.clone()];
        let was_refused = matches!(appended, Err(AppendError::Conflict));
        if was_refused {
            // The item that stands in the way is billed.
            let versions = commit.version..=commit.version;
            billed = self.log.read(&commit.stream, versions, 1).await?;
        }
        let bytes: usize = billed.iter().map(size).sum();
        self.add(|bill| {
            bill.puts += 1;
            bill.refused += usize::from(was_refused);
            bill.write_units += bytes.div_ceil(1024).max(1);
        });
        appended
    }

    async fn read(
        &self,
        stream: &str,
        versions: RangeInclusive<u64>,
        limit: usize,
    ) -> Result<Vec<Commit>, StoreError> {
        let found = self.log.read(stream, versions, limit).await?;
        self.query(&found);
        Ok(found)
    }

    async fn newest(
        &self,
        stream: &str,
        versions: RangeInclusive<u64>,
        limit: usize,
    ) -> Result<Vec<Commit>, StoreError> {
        let found = self.log.newest(stream, versions, limit).await?;
        self.query(&found);
        Ok(found)
    }

    async fn done(&self, _: Uuid, _: DateTime<Utc>) -> Result<Option<Position>, StoreError> {
        unreachable!("an account keeps no ledger")
    }
}

/// The size of a commit's item: names and values in UTF-8, a number by its digits.
fn size(commit: &Commit) -> usize {
    let number = commit.version.to_string().len().div_ceil(2) + 1;
    let optional = |name: &str, len: Option<usize>| len.map_or(0, |len| name.len() + len);
    [
        schema::STREAM.len() + commit.stream.len(),
        schema::VERSION.len() + number,
        schema::EVENTS.len() + commit.events.len(),
        "metadata".len() + commit.metadata.len(),
        "chain".len() + 64,
        optional(
            "digest",
            commit.digest.map(|digest| digest.as_bytes().len()),
        ),
        optional("snapshot", commit.snapshot.as_ref().map(String::len)),
    ]
    .into_iter()
    .sum()
}
