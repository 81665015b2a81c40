//! The command line: what may be asked, and how it ends. Each command is a file of [`crate::commands`].

use crate::commands::{
    around, claims, completions, deliveries, diff, export, history, lag, rebuild, redrive, replay,
    smoke, state, stats, tail, verify, what_if,
};
use crate::connection::Connection;
use crate::exit::{self, CODES, Exit};
use crate::mend;
use crate::output::Output;
use crate::pages::Reading;
use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use std::io;
use std::process::ExitCode;
use std::time::Duration;

/// Looks after a Strangelog store.
#[derive(Debug, Parser)]
#[command(name = "strangelog", version, after_help = CODES)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    context: Context,
}

/// What all commands are told.
#[derive(Debug, clap::Args)]
pub(crate) struct Context {
    #[command(flatten)]
    pub connection: Connection,
    /// How what is found is written to stdout
    #[arg(long, global = true, value_enum, default_value_t = Output::Table)]
    pub output: Output,
    /// How many parts of a table are read side by side; fewer take longer, and leave more of its capacity to others
    #[arg(long, global = true, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub segments: u16,
}

#[derive(Debug, Subcommand)]
enum Command {
    History(history::Args),
    State(state::Args),
    Diff(diff::Args),
    WhatIf(what_if::Args),
    Around(around::Args),
    Tail(tail::Args),
    Verify(verify::Args),
    Claims(claims::Args),
    Deliveries(deliveries::Args),
    Lag(lag::Args),
    Redrive(redrive::Args),
    Rebuild(rebuild::Args),
    Stats(stats::Args),
    Export(export::Args),
    Replay(replay::Args),
    Smoke(smoke::Args),
    Completions(completions::Args),
}

/// Does what was asked, and says how it went.
pub async fn run(options: Options) -> ExitCode {
    let Options { command, context } = options;
    let interrupted = command.interrupted();
    let done = tokio::select! {
        // OK because what waits for no other than this machine is ended by the signal itself.
        biased;
        done = command.run(&context) => done,
        _ = tokio::signal::ctrl_c() => Ok(interrupted),
    };
    let exit = done.unwrap_or_else(|error| {
        if has_closed(&error) {
            return Exit::Done;
        }
        eprintln!("error: {}", mend::line(&error, context.connection.place()));
        exit::of(&error)
    });
    exit.into()
}

/// Whether it is over since whoever closed the pipe has read enough. A way to DynamoDB that breaks is another matter: it lies
/// within an error of the store.
fn has_closed(error: &anyhow::Error) -> bool {
    let written = error.downcast_ref::<io::Error>();
    written.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

impl Command {
    /// What Ctrl-C ends it with: it is how one leaves what has no end of its own.
    fn interrupted(&self) -> Exit {
        match self {
            Self::Tail(_) => Exit::Done,
            _ => Exit::Interrupted,
        }
    }

    async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        match self {
            Self::History(args) => args.run(context).await,
            Self::State(args) => args.run(context).await,
            Self::Diff(args) => args.run(context).await,
            Self::WhatIf(args) => args.run(context).await,
            Self::Around(args) => args.run(context).await,
            Self::Tail(args) => args.run(context).await,
            Self::Verify(args) => args.run(context).await,
            Self::Claims(args) => args.run(context).await,
            Self::Deliveries(args) => args.run(context).await,
            Self::Lag(args) => args.run(context).await,
            Self::Redrive(args) => args.run(context).await,
            Self::Rebuild(args) => args.run(context).await,
            Self::Stats(args) => args.run(context).await,
            Self::Export(args) => args.run(context).await,
            Self::Replay(args) => args.run(context),
            Self::Smoke(args) => args.run(context).await,
            Self::Completions(args) => args.run(),
        }
    }
}

impl Context {
    /// How tables are read; shows on stderr that there is progress, if that is a terminal.
    pub fn reading(&self) -> Reading {
        let template = "{spinner} {elapsed} {msg} {human_pos} ({per_sec})";
        let style = ProgressStyle::with_template(template);
        // OK because the template is fixed, and a test shows it.
        let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
        let progress = ProgressBar::new_spinner().with_style(style);
        progress.enable_steady_tick(Duration::from_millis(200));
        Reading {
            segments: self.segments,
            progress,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event_store::StoreError;

    #[test]
    fn a_reader_that_has_gone_is_told_from_a_store_that_has() {
        let broken = || io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(has_closed(
            &anyhow::Error::from(broken()).context("the findings")
        ));
        assert!(!has_closed(&StoreError::Aws(broken().into()).into()));
        assert!(!has_closed(
            &io::Error::from(io::ErrorKind::NotFound).into()
        ));
    }
}
