//! How many calls and messages so many commands come to, in a burst and in a trickle, through the whole pipeline on the local
//! stack: it counts what AWS bills.

use anyhow::Result;
use benches::figures::load;
use benches::mix::People;
use clap::Parser;
use futures_util::{StreamExt, TryStreamExt, stream};
use local::{Counted, Options, Stack};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tests::http::Api;

const SETTLE: Duration = Duration::from_secs(600);

#[derive(Parser)]
struct Args {
    /// How many commands, each way; figures are given for 1,000.
    #[arg(long, default_value_t = 100)]
    commands: usize,
    /// How many users and accounts they are about.
    #[arg(long, default_value_t = 50)]
    people: usize,
    /// How many commands of a burst are on their way at a time.
    #[arg(long, default_value_t = 32)]
    at_once: usize,
    /// How many processes each consumer has.
    #[arg(long, default_value_t = 1)]
    processes: u32,
    /// Cargo says so.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let stack = Stack::start(Options {
        processes: args.processes,
        parameters: [("SweepRate".to_owned(), "rate(15 minutes)".to_owned())].into(),
        quiet: true,
        ..Options::default()
    })
    .await?;
    let api = Api::new(&stack.api);
    let people = People::settle(&api, args.people).await?;
    stack.settled(SETTLE).await?;

    let (before, begun) = (stack.counted(), Instant::now());
    let sent = stream::iter(0..args.commands).map(|n| {
        let (call, api) = (people.call(n), &api);
        async move { call.send(api).await }
    });
    sent.buffer_unordered(args.at_once)
        .try_for_each(|_| async { Ok(()) })
        .await?;
    let answered = begun.elapsed();
    stack.settled(SETTLE).await?;
    let burst = stack.counted().since(&before);
    eprintln!(
        "burst: answered after {answered:.1?}, settled after {:.1?}, load {}",
        begun.elapsed(),
        load()
    );

    let (before, begun) = (stack.counted(), Instant::now());
    for n in 0..args.commands {
        people.call(n).send(&api).await?;
        stack.settled(SETTLE).await?;
    }
    let trickle = stack.counted().since(&before);
    eprintln!(
        "trickle: settled after {:.1?}, load {}",
        begun.elapsed(),
        load()
    );

    let before = stack.counted();
    stack.tick("Sweep").await?;
    stack.settled(SETTLE).await?;
    let tick = stack.counted().since(&before);
    print(&args, &burst, &trickle, &tick);
    stack.stop().await;
    Ok(())
}

fn print(args: &Args, burst: &Counted, trickle: &Counted, tick: &Counted) {
    println!("| for 1,000 commands | in a burst | one by one | for one tick |\n|---|---|---|---|");
    let row = |what: &str, [burst, trickle, tick]: [u64; 3]| {
        let per = |count: u64| count as f64 * 1000.0 / args.commands as f64;
        println!(
            "| {what} | {:.0} | {:.0} | {tick} |",
            per(burst),
            per(trickle)
        );
    };
    let all = [burst, trickle, tick];
    row("PutEvents requests", all.map(|counted| counted.puts));
    row("PutEvents entries", all.map(|counted| counted.entries));
    let of = |what: &str, maps: [&BTreeMap<String, u64>; 3]| {
        let names = maps.into_iter().flat_map(BTreeMap::keys);
        let mut names: Vec<_> = names.collect();
        names.sort();
        names.dedup();
        row(&format!("all {what}"), maps.map(|map| map.values().sum()));
        for name in names {
            let counts = maps.map(|map| map.get(name).copied().unwrap_or_default());
            row(&format!("{what}: {name}"), counts);
        }
    };
    of("messages", all.map(|counted| &counted.messages));
    of("calls", all.map(|counted| &counted.calls));
}
