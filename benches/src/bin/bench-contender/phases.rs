//! The phases of a run: tables and streams before it, the check and the clearing up after it.

use crate::store::{Store, cache};
use crate::{Args, Phase, Sizes, Workload, commands, merge};
use anyhow::{Result, ensure};
use benches::{Account, Command};
use event_store::Stream;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How many streams are seeded side by side.
const SIDE_BY_SIDE: usize = 16;

pub async fn run(args: &Args) -> Result<Value> {
    let (store, sizes) = (Store::new(args), args.sizes());
    let is_due = |phase| args.phase == phase || args.phase == Phase::All;
    let mut answer = json!({ "contender": if args.cold { "ours-cold" } else { "ours-warm" } });
    if is_due(Phase::Seed) {
        merge(&mut answer, seed(&store, &sizes).await?);
    }
    if is_due(Phase::Run) {
        let limit = Duration::from_secs_f64(args.max_seconds);
        merge(
            &mut answer,
            match args.workload {
                Workload::W3 => replay(&store, &sizes, args.repeat, limit).await?,
                _ => commands::run(&store, &cache(args.cold), &sizes, limit).await?,
            },
        );
    }
    if is_due(Phase::Verify) {
        merge(&mut answer, verify(&store, &sizes).await?);
    }
    if is_due(Phase::Drop) {
        store.delete_table().await;
    }
    Ok(answer)
}

/// Seeds with a warm cache in either case: only the run is measured.
async fn seed(store: &Store, sizes: &Sizes) -> Result<Value> {
    let (start, cache) = (Instant::now(), &cache(false));
    store.create_table().await?;
    let seeded = (0..sizes.streams).map(|index| async move {
        let name = sizes.stream(index);
        for n in 1..=sizes.seed_events {
            let command = Command::of_seed(&name, n);
            store.execute(cache, &name, &command).await?;
        }
        anyhow::Ok(())
    });
    let seeded = stream::iter(seeded).buffer_unordered(SIDE_BY_SIDE);
    seeded.try_collect::<()>().await?;
    Ok(json!({ "seed_ms": start.elapsed().as_secs_f64() * 1e3 }))
}

async fn replay(store: &Store, sizes: &Sizes, repeat: u64, limit: Duration) -> Result<Value> {
    let (start, cpu, name) = (Instant::now(), commands::cpu_ms(), sizes.stream(0));
    let mut walls = Vec::new();
    let mut last = Stream::<Account>::default();
    while (walls.len() as u64) < repeat && (walls.is_empty() || start.elapsed() < limit) {
        let start = Instant::now();
        last = Stream::replay(&store.log, &name, u64::MAX).await?;
        walls.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let found = (
        last.version,
        last.state.deposits + 1,
        last.state.balance + 1,
    );
    let events = sizes.seed_events;
    ensure!(
        found == (events, events, events),
        "a replay of {events} events came to {found:?}"
    );
    let cpu = (commands::cpu_ms() - cpu) / walls.len() as f64;
    let best = walls.iter().copied().fold(f64::INFINITY, f64::min);
    Ok(json!({
        "events": events,
        "version": last.version,
        "balance": last.state.balance,
        "wall_ms": walls,
        "wall_ms_min": best,
        "events_per_s": events as f64 / best * 1e3,
        "cpu_ms_per_replay": cpu,
    }))
}

async fn verify(store: &Store, sizes: &Sizes) -> Result<Value> {
    let (mut events, mut balance) = (0, 0);
    for index in 0..sizes.streams {
        let stream = Stream::<Account>::load(&store.log, &sizes.stream(index)).await?;
        ensure!(stream.passed_over == 0, "a snapshot was passed over");
        events += stream.version;
        balance += stream.state.balance;
    }
    Ok(json!({ "events_total": events, "balance_total": balance }))
}
