//! The commands of W1, W2 and W4, and what they took.

use crate::Sizes;
use crate::store::Store;
use anyhow::Result;
use benches::{Account, Command};
use event_store::Cache;
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// So many commands a task does in any case, however late it is.
const AT_LEAST: u64 = 5;
/// One tick of `/proc/self/stat`, in milliseconds.
const TICK: f64 = 10.0;

pub async fn run(
    store: &Store,
    cache: &Cache<Account>,
    sizes: &Sizes,
    limit: Duration,
) -> Result<Value> {
    let (start, cpu) = (Instant::now(), cpu_ms());
    let conflicts = store.log.conflicts.load(Ordering::Relaxed);
    let tasks =
        (0..sizes.concurrency).map(|task| run_task(store, cache, sizes, task, start + limit));
    let done = try_join_all(tasks).await?;
    let (wall, cpu) = (start.elapsed().as_secs_f64(), cpu_ms() - cpu);
    let mut done: Vec<_> = done.into_iter().flatten().collect();
    done.sort_by(|one, other| one.ms.total_cmp(&other.ms));
    let count = done.len();
    Ok(json!({
        "commands": count,
        "accepted": count,
        "amount_accepted": done.iter().map(|done| done.amount).sum::<u64>(),
        "conflicts": store.log.conflicts.load(Ordering::Relaxed) - conflicts,
        "wall_ms": wall * 1e3,
        "per_s": count as f64 / wall,
        "p50_ms": percentile(&done, 0.5),
        "p99_ms": percentile(&done, 0.99),
        "cpu_ms_per_command": cpu / count as f64,
    }))
}

/// The time that this process has had of the processors, in user and system mode.
pub fn cpu_ms() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // OK because the name of the program, which may hold anything, ends with the last parenthesis.
    let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        * TICK
}

/// A command that was accepted.
struct Accepted {
    amount: u64,
    ms: f64,
}

async fn run_task(
    store: &Store,
    cache: &Cache<Account>,
    sizes: &Sizes,
    task: u64,
    deadline: Instant,
) -> Result<Vec<Accepted>> {
    let count = sizes.commands / sizes.concurrency;
    let mut random = fastrand::Rng::with_seed(task);
    let mut accepted = Vec::new();
    for n in 0..count {
        if n >= AT_LEAST && Instant::now() >= deadline {
            break;
        }
        let index = match sizes.concurrency {
            1 => n % sizes.streams,
            _ => random.u64(0..sizes.streams),
        };
        let amount = 1 + 7 * (task * count + n) % 97;
        let start = Instant::now();
        let command = Command::deposit(amount, task, n);
        store.execute(cache, &sizes.stream(index), &command).await?;
        let ms = start.elapsed().as_secs_f64() * 1e3;
        accepted.push(Accepted { amount, ms });
    }
    Ok(accepted)
}

fn percentile(sorted: &[Accepted], part: f64) -> f64 {
    let rank = (sorted.len() as f64 * part).ceil() as usize;
    sorted
        .get(rank.max(1) - 1)
        .map_or(f64::NAN, |accepted| accepted.ms)
}
