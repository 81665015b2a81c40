//! How long it takes from the 202 to the document that shows it, on the local stack: with nothing else going on, and under load.
//!
//! Whoever waits reads the document's item in the read model's own table, every millisecond, and nothing of the API: a query
//! would fold what the document has not seen. Under load one of so many commands is waited for.

use anyhow::{Context, Result};
use benches::far::client;
use benches::figures::{load, median, quantile};
use benches::mix::{Call, People};
use clap::Parser;
use local::{Options, Stack};
use read_model::{Documents, Generation, ReadModelTable};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tests::http::Api;
use tokio::task::JoinSet;

const SETTLE: Duration = Duration::from_secs(600);
/// Between two looks at a document.
const LOOK: Duration = Duration::from_millis(1);
/// What was not visible by then never will be.
const LONGEST: Duration = Duration::from_secs(120);

#[derive(Parser)]
struct Args {
    /// How many commands are waited for, one after the other, with nothing else going on.
    #[arg(long, default_value_t = 30)]
    idle: usize,
    /// How many commands a second under load, one rate after the other.
    #[arg(long, value_delimiter = ',', default_value = "20")]
    rates: Vec<u32>,
    /// For how many seconds, each.
    #[arg(long, default_value_t = 5)]
    seconds: u32,
    /// One of so many commands is waited for under load.
    #[arg(long, default_value_t = 10)]
    sample: usize,
    /// How many users and accounts they are about.
    #[arg(long, default_value_t = 50)]
    people: usize,
    /// How many processes each consumer has.
    #[arg(long, default_value_t = 1)]
    processes: u32,
    /// Without the search.
    #[arg(long)]
    no_search: bool,
    /// Cargo says so.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What was seen, in milliseconds.
#[derive(Default)]
struct Seen {
    /// From the 202 to the document, with when the command was sent.
    lags: Vec<(Instant, f64)>,
    /// From the command to its 202.
    answers: Vec<f64>,
    refused: BTreeMap<String, usize>,
}

/// Whoever sends and waits.
#[derive(Clone)]
struct Watch {
    api: Api,
    tables: Arc<BTreeMap<&'static str, ReadModelTable>>,
    seen: Arc<Mutex<Seen>>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let search = if args.no_search { "off" } else { "on" };
    let parameters = [("SweepRate", "rate(15 minutes)"), ("Search", search)];
    let stack = Stack::start(Options {
        processes: args.processes,
        parameters: parameters
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        quiet: true,
        ..Options::default()
    })
    .await?;
    let client = client(&stack.dynamodb, Duration::ZERO);
    let table = |name| {
        (
            name,
            ReadModelTable::new(client.clone(), format!("strangelog-{name}")),
        )
    };
    let watch = Watch {
        api: Api::new(&stack.api),
        tables: Arc::new(["users", "accounts"].map(table).into()),
        seen: Arc::default(),
    };
    let people = People::settle(&watch.api, args.people).await?;
    stack.settled(SETTLE).await?;

    println!(
        "| commands/s | for | reached | 202: median, 99 % | lag: median, 99 % | first, last third | settled after | refused | load |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let begun = Instant::now();
    for n in (0..)
        .filter(|n| people.call(*n).shown.is_some())
        .take(args.idle)
    {
        // OK because it only keeps the commands from falling in step with whoever polls in the stack.
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..100))).await;
        watch.send(people.call(n), true).await;
    }
    watch.report("1 at a time", begun, args.idle, Duration::ZERO);
    for rate in &args.rates {
        let begun = Instant::now();
        let sent = args.seconds * rate;
        watch.under_load(&people, *rate, sent, args.sample).await;
        let answered = begun.elapsed();
        stack.settled(SETTLE).await?;
        let reached = sent as usize;
        watch.report_reached(
            &rate.to_string(),
            answered,
            reached,
            begun.elapsed() - answered,
        );
    }
    stack.stop().await;
    Ok(())
}

impl Watch {
    /// Sends commands at this rate, whether or not the ones before were answered.
    async fn under_load(&self, people: &People, rate: u32, commands: u32, sample: usize) {
        let mut every = tokio::time::interval(Duration::from_secs(1) / rate);
        let mut sent = JoinSet::new();
        for n in 0..commands as usize {
            every.tick().await;
            let (watch, call) = (self.clone(), people.call(n));
            // OK because 7 goes through all kinds of commands.
            let is_watched = n % sample == (n / sample * 7) % sample;
            sent.spawn(async move { watch.send(call, is_watched).await });
        }
        sent.join_all().await;
    }

    async fn send(&self, call: Call, is_watched: bool) {
        let begun = Instant::now();
        let answer = call.send(&self.api).await;
        let answered = Instant::now();
        let shown = call.shown.filter(|_| is_watched);
        let lag = match (&answer, shown) {
            (Ok(answer), Some((table, id))) => {
                let version = answer.body["version"].as_u64().unwrap_or(u64::MAX);
                Some(self.visible(table, &id, version, answered).await)
            }
            _ => None,
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.answers.push((answered - begun).as_secs_f64() * 1000.0);
        let failed = answer.err().or_else(|| match lag {
            Some(Ok(lag)) => {
                seen.lags.push((begun, lag));
                None
            }
            Some(Err(error)) => Some(error),
            None => None,
        });
        if let Some(error) = failed {
            let why = error
                .to_string()
                .split(' ')
                .next_back()
                .unwrap_or_default()
                .to_owned();
            *seen.refused.entry(why).or_default() += 1;
        }
    }

    /// Waits until the document of this id shows the version; how many milliseconds after `since`.
    async fn visible(&self, table: &str, id: &str, version: u64, since: Instant) -> Result<f64> {
        let documents = self.tables[table].documents(Generation::default());
        let mut every = tokio::time::interval(LOOK);
        while since.elapsed() < LONGEST {
            every.tick().await;
            let stored = documents.get(id, true).await?;
            if stored.is_some_and(|stored| stored.applied >= version) {
                return Ok(since.elapsed().as_secs_f64() * 1000.0);
            }
        }
        Err(anyhow::anyhow!("invisible")).context("a document that never came")
    }

    fn report(&self, rate: &str, begun: Instant, commands: usize, settled: Duration) {
        self.report_reached(rate, begun.elapsed(), commands, settled);
    }

    fn report_reached(&self, rate: &str, took: Duration, commands: usize, settled: Duration) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Seen {
            mut lags,
            answers,
            refused,
        } = std::mem::take(&mut *seen);
        lags.sort_by_key(|(sent, _)| *sent);
        let lags: Vec<_> = lags.into_iter().map(|(_, lag)| lag).collect();
        let third = lags.len() / 3;
        println!(
            "| {rate} | {} of {commands} | {:.0}/s | {:.1}, {:.1} ms | {:.0}, {:.0} ms | {:.0}, {:.0} ms | {:.1?} | {refused:?} | {} |",
            lags.len(),
            commands as f64 / took.as_secs_f64(),
            median(&answers),
            quantile(&answers, 0.99),
            median(&lags),
            quantile(&lags, 0.99),
            median(&lags[..third]),
            median(&lags[lags.len() - third..]),
            settled,
            load(),
        );
    }
}
