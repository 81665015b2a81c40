//! How many events a second a rebuild takes in, beside what it is no less than: reading the same events, writing the same
//! documents. Workers are threads with one connection pool and one runtime each, as functions are processes with one each.

use anyhow::{Context, Result, anyhow, ensure};
use benches::far::client;
use benches::figures::{cpu_seconds, load, median};
use benches::seed::{self, Tables};
use clap::{Parser, ValueEnum};
use consumer::{Consumer, Left, Settings};
use event_store::{DynamoDbEventLog, DynamoDbHeads, EventLog};
use futures_util::{StreamExt, TryStreamExt, stream};
use project::Projections;
use read_model::{Counts, Documents, Generation, ReadModelTable, StoredDocument};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};
use tests::backend::Backend;
use tests::consumers::Told;
use tokio::runtime::{Builder, Runtime};

/// As many as a walk has on their way.
const SIDE_BY_SIDE: usize = 16;

#[derive(Clone, Parser)]
struct Args {
    /// How many events there are, in all.
    #[arg(long, default_value_t = 10_000)]
    events: usize,
    /// How many of them a stream has.
    #[arg(long, default_value_t = 10)]
    per_stream: usize,
    #[arg(long, value_enum, default_value_t = Store::Embedded)]
    store: Store,
    /// How many workers, one after the other.
    #[arg(long, value_delimiter = ',', default_value = "1,2")]
    workers: Vec<u8>,
    /// How often everything is measured.
    #[arg(long, default_value_t = 1)]
    rounds: usize,
    /// How many milliseconds each request waits before it is sent, as if the store were further away.
    #[arg(long, default_value_t = 0)]
    delay: u64,
    /// Cargo says so.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Store {
    /// In this process, on SQLite, in memory.
    Embedded,
    /// DynamoDB Local, a process of its own, in memory.
    Local,
}

/// What all workers share.
#[derive(Clone)]
struct World {
    args: Args,
    endpoint: String,
    tables: Arc<[String; 3]>,
    streams: Arc<Vec<String>>,
    documents: Arc<OnceLock<Vec<StoredDocument>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    Read,
    Write,
    Rebuild,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let (backend, world) = runtime.block_on(seeded(args.clone()))?;
    let mut figures: BTreeMap<(u8, Work), Vec<(f64, f64)>> = BTreeMap::new();
    for round in 0..args.rounds {
        for (workers, work) in args
            .workers
            .iter()
            .flat_map(|workers| [Work::Rebuild, Work::Read, Work::Write].map(|w| (*workers, w)))
        {
            runtime.block_on(backend.empty_read_model());
            let before = (load(), cpu_seconds(), Instant::now());
            let generation = Generation {
                number: 1,
                ..Generation::default()
            };
            world.run(workers, work, generation)?;
            let (seconds, cpu) = (before.2.elapsed().as_secs_f64(), cpu_seconds() - before.1);
            if work == Work::Rebuild {
                runtime.block_on(check(&backend, &world, generation))?;
            }
            eprintln!(
                "round {round}, {work:?}, {workers} workers: {seconds:.1} s, {cpu:.1} s of a core, load {}",
                before.0
            );
            let of_one = (seconds, cpu);
            figures.entry((workers, work)).or_default().push(of_one);
        }
    }
    print(&args, &figures);
    drop(runtime_of(runtime, backend));
    Ok(())
}

/// OK because the backend's client needs the runtime until it is gone.
fn runtime_of(runtime: Runtime, backend: Backend) -> Runtime {
    drop(backend);
    runtime
}

async fn seeded(args: Args) -> Result<(Backend, World)> {
    let backend = match args.store {
        Store::Embedded => Backend::embedded().await,
        Store::Local => Backend::dynamodb_local().await,
    };
    let names = ["events", "heads", "users"].map(|name| backend.table(name));
    let tables = Tables {
        client: client(&backend.endpoint, Duration::ZERO),
        events: names[0].clone(),
        heads: names[1].clone(),
    };
    let begun = Instant::now();
    let streams = args.events / args.per_stream.max(1);
    let streams = seed::accounts(&tables, streams, args.per_stream).await?;
    let seconds = begun.elapsed().as_secs_f64();
    eprintln!(
        "{:?}: {} events in {seconds:.0} s, load {}",
        args.store,
        args.events,
        load()
    );
    let world = World {
        args,
        endpoint: backend.endpoint.clone(),
        tables: Arc::new(names),
        streams: Arc::new(streams),
        documents: Arc::default(),
    };
    Ok((backend, world))
}

impl World {
    /// Has workers do it side by side; returns when the last is done.
    fn run(&self, workers: u8, work: Work, generation: Generation) -> Result<()> {
        let begin = |worker| {
            let world = self.clone();
            thread::spawn(move || {
                let runtime = Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(world.work(worker, workers, work, generation))
            })
        };
        let threads: Vec<_> = (0..workers).map(begin).collect();
        threads.into_iter().try_for_each(|thread| {
            thread
                .join()
                .unwrap_or_else(|_| Err(anyhow!("a worker panicked")))
        })
    }

    async fn work(&self, worker: u8, of: u8, work: Work, generation: Generation) -> Result<()> {
        let client = client(&self.endpoint, Duration::from_millis(self.args.delay));
        let [events, heads, table] = &*self.tables;
        let log = DynamoDbEventLog::new(client.clone(), events);
        let table = ReadModelTable::new(client.clone(), table);
        let is_mine = |at: &usize| at % usize::from(of) == usize::from(worker);
        match work {
            Work::Rebuild => {
                let consumer = Consumer {
                    consume: Projections::of("accounts", log.clone()).context("a read model")?,
                    log,
                    seen: DynamoDbHeads::new(client, heads),
                    table,
                    queue: Told::default(),
                    settings: Settings::default(),
                    started: OnceLock::new(),
                };
                let until = Instant::now() + Duration::from_secs(24 * 60 * 60);
                let left = consumer.walk(generation, worker, of, until).await?;
                ensure!(left == Left::Nothing, "something is left");
                Ok(())
            }
            Work::Read => {
                let mine = (0..self.streams.len()).filter(is_mine);
                let read = mine.map(|at| log.read(&self.streams[at], 1..=u64::MAX, usize::MAX));
                let read = stream::iter(read).buffer_unordered(SIDE_BY_SIDE);
                let counts = read.map_ok(|commits| commits.len());
                let commits: usize = counts
                    .try_fold(0, |sum, n| async move { Ok(sum + n) })
                    .await?;
                ensure!(commits > 0, "there are no commits");
                Ok(())
            }
            Work::Write => {
                let documents = table.documents(generation);
                let known = self.documents.get().context("a rebuild comes first")?;
                let mine = (0..known.len()).filter(is_mine);
                let nothing = Counts::new();
                let put = mine.map(|at| documents.put(&known[at], None, &nothing));
                let put = stream::iter(put).buffer_unordered(SIDE_BY_SIDE);
                Ok(put.try_collect().await?)
            }
        }
    }
}

/// Every stream has a document with all of its events.
async fn check(backend: &Backend, world: &World, generation: Generation) -> Result<()> {
    let ids = world
        .streams
        .iter()
        .map(|name| event_store::stream_id(name).to_owned());
    let documents = backend.read_model().documents(generation);
    let documents = documents.get_all(&ids.collect::<Vec<_>>()).await?;
    let version = world.args.per_stream as u64;
    let done = documents
        .iter()
        .filter(|one| one.applied == version && one.pending.is_empty());
    ensure!(
        done.count() == world.streams.len(),
        "a document is missing, or behind"
    );
    backend.requests.clear();
    let _ = world.documents.set(documents);
    Ok(())
}

fn print(args: &Args, figures: &BTreeMap<(u8, Work), Vec<(f64, f64)>>) {
    println!(
        "| work | workers | events/s | time to reading and writing alone | to 1 worker | cores of this process |"
    );
    println!("|---|---|---|---|---|---|");
    let seconds = |key: &(u8, Work)| {
        let all = figures.get(key).into_iter().flatten();
        median(&all.map(|(seconds, _)| *seconds).collect::<Vec<_>>())
    };
    for (key @ (workers, work), all) in figures {
        let time = seconds(key);
        let floor = seconds(&(*workers, Work::Read)) + seconds(&(*workers, Work::Write));
        let cores: Vec<_> = all.iter().map(|(seconds, cpu)| cpu / seconds).collect();
        println!(
            "| {work:?} | {workers} | {:.0} | {:.2} | {:.2} | {:.2} |",
            args.events as f64 / time,
            time / floor,
            seconds(&(args.workers[0], *work)) / time,
            median(&cores),
        );
    }
}
