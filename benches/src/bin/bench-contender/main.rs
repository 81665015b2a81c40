//! The event store as a contender of the peer benchmark: arguments in, one line of JSON out.

mod commands;
mod phases;
mod store;

use clap::{Parser, ValueEnum};
use serde_json::{Value, json};
use std::process::ExitCode;

/// What the peer benchmark says to each contender.
#[derive(Parser)]
struct Args {
    /// DynamoDB's endpoint.
    #[arg(long, default_value = "http://127.0.0.1:8000")]
    endpoint: String,
    #[arg(long, default_value = "w1")]
    workload: Workload,
    #[arg(long, default_value = "all")]
    phase: Phase,
    /// Begins the names of all tables.
    #[arg(long, default_value = "bench")]
    prefix: String,
    #[arg(long)]
    streams: Option<u64>,
    #[arg(long)]
    seed_events: Option<u64>,
    #[arg(long)]
    commands: Option<u64>,
    #[arg(long)]
    concurrency: Option<u64>,
    /// How often to replay.
    #[arg(long, default_value_t = 5)]
    repeat: u64,
    #[arg(long, default_value_t = 60.0)]
    max_seconds: f64,
    /// Taken and not used: when a snapshot is due, the store knows.
    #[arg(long, default_value_t = 0)]
    snapshot_every: u64,
    /// Keep the streams seen last, as a function does; the default.
    #[arg(long, conflicts_with = "cold")]
    warm: bool,
    /// Keep nothing: every command reads its stream.
    #[arg(long)]
    cold: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Workload {
    W1,
    W2,
    W3,
    W4,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Phase {
    Seed,
    Run,
    Verify,
    Drop,
    All,
}

/// How much there is to do.
struct Sizes {
    streams: u64,
    seed_events: u64,
    commands: u64,
    concurrency: u64,
}

impl Args {
    fn sizes(&self) -> Sizes {
        let (streams, seed_events, commands, concurrency) = match self.workload {
            Workload::W1 => (200, 10, 2000, 1),
            Workload::W2 => (1, 10_000, 200, 1),
            Workload::W3 => (1, 10_000, 0, 1),
            Workload::W4 => (200, 10, 1600, 32),
        };
        Sizes {
            streams: self.streams.unwrap_or(streams),
            seed_events: self.seed_events.unwrap_or(seed_events),
            commands: self.commands.unwrap_or(commands),
            concurrency: self.concurrency.unwrap_or(concurrency).max(1),
        }
    }
}

impl Sizes {
    fn stream(&self, index: u64) -> String {
        match self.streams {
            1 => "acc-long".into(),
            _ => format!("acc-{index:05}"),
        }
    }
}

// A function has the same runtime.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let answer = match phases::run(&Args::parse()).await {
        Ok(answer) => answer,
        Err(error) => json!({ "error": format!("{error:#}") }),
    };
    let ok = answer.get("error").is_none();
    let mut line = json!({ "ok": ok });
    merge(&mut line, answer);
    println!("{line}");
    if ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn merge(into: &mut Value, from: Value) {
    if let (Some(into), Value::Object(from)) = (into.as_object_mut(), from) {
        into.extend(from);
    }
}
