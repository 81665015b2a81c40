//! The command line: what may be asked, and how it is answered.

use crate::connection::Connection;
use crate::counted::counted;
use crate::deliveries::Wanted;
use crate::help::{
    CLAIMS_EXAMPLES, DELIVERIES_EXAMPLES, EXIT_CODES, LAG_EXAMPLES, REBUILD_EXAMPLES,
    REDRIVE_EXAMPLES, VERIFY_EXAMPLES,
};
use crate::operate::Asking;
use crate::rebuild::Turn;
use crate::{Reading, claims, deliveries, difference, mend, rebuild, verify};
use clap::{Args, Parser, Subcommand, ValueEnum};
use event_store::ClaimsKey;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Something was found.
const FOUND: u8 = 1;
/// The tool could not do its work; 2 is clap's, for a wrong use.
const FAILED: u8 = 3;

/// Looks after a Strangelog store.
#[derive(Debug, Parser)]
#[command(name = "strangelog", version, after_help = EXIT_CODES)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    connection: Connection,
    /// How findings are written to stdout
    #[arg(long, global = true, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// How many parts of a table are read side by side; fewer take longer, and leave more of its capacity to others
    #[arg(long, global = true, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    segments: u16,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Finds commits that were changed behind the service's back
    ///
    /// Every stream's hash chain is followed from its first commit to its last, and compared with the head that the publisher
    /// keeps under another role. What is named was edited, removed, reordered, inserted, cut off or recomputed, or it is missing
    /// while another commit of its command is there.
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify {
        /// The streams to look at; all of them if none is named
        #[arg(value_name = "STREAM")]
        streams: Vec<String>,
    },
    /// Compares the claims on unique values with what the streams hold
    ///
    /// Every stream is folded, and each value that it holds must be claimed by it, and by no other.
    #[command(after_help = CLAIMS_EXAMPLES)]
    Claims {
        /// Puts right what differs; commands may run meanwhile
        #[arg(long)]
        repair: bool,
        /// The claims table lies under another key than before: every claim is made anew
        #[arg(long)]
        new_key: bool,
        /// A file that holds the secret under which values become keys; else the variable CLAIMS_KEY does
        #[arg(long, value_name = "FILE")]
        claims_key_file: Option<PathBuf>,
    },
    /// Shows which events were not processed yet, by which consumer, and why
    #[command(after_help = DELIVERIES_EXAMPLES)]
    Deliveries {
        /// One stream, with what is completed, too
        #[arg(long, value_name = "STREAM")]
        stream: Option<String>,
        /// One consumer
        #[arg(long, value_name = "NAME")]
        consumer: Option<String>,
        /// One status
        #[arg(long, value_enum)]
        status: Option<Status>,
        /// What the publisher has not seen, too
        #[arg(long, conflicts_with = "stream")]
        unpublished: bool,
    },
    /// Shows how far each consumer is behind
    #[command(after_help = LAG_EXAMPLES)]
    Lag {
        /// One consumer
        #[arg(long, value_name = "NAME")]
        consumer: Option<String>,
    },
    /// Has a consumer try again what it parked
    #[command(after_help = REDRIVE_EXAMPLES)]
    Redrive {
        /// The consumer
        consumer: String,
        /// This stream alone
        #[arg(long, value_name = "STREAM")]
        stream: Option<String>,
        #[command(flatten)]
        why: Why,
    },
    /// Makes a read model anew, beside the one that is shown
    #[command(after_help = REBUILD_EXAMPLES)]
    Rebuild {
        /// The consumer that keeps the read model
        consumer: String,
        /// This stream alone, in all generations that there are
        #[arg(long, value_name = "STREAM", conflicts_with_all = ["switch", "switch_back", "cancel"])]
        stream: Option<String>,
        /// Shows what this build would make otherwise, and writes nothing
        #[arg(long, conflicts_with_all = ["switch", "switch_back", "cancel"])]
        diff: bool,
        /// Shows the new generation, as soon as it is built
        #[arg(long, conflicts_with_all = ["switch_back", "cancel"])]
        switch: bool,
        /// Shows the generation before it again
        #[arg(long, conflicts_with = "cancel")]
        switch_back: bool,
        /// Lets go the generation that is not shown
        #[arg(long)]
        cancel: bool,
        /// Why: it stands in a stream for good; needed unless --diff
        #[arg(long, required_unless_present = "diff")]
        reason: Option<String>,
        /// Who asks; else who is logged in
        #[arg(long, value_name = "NAME")]
        actor: Option<String>,
    },
}

#[derive(Debug, Args)]
struct Why {
    /// Why: it stands in a stream for good
    #[arg(long)]
    reason: String,
    /// Who asks; else who is logged in
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    Pending,
    Processing,
    Failed,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Output {
    /// A sentence for each
    Text,
    /// A JSON object on a line for each
    Json,
}

/// Does what was asked, and says how it went.
pub async fn run(options: Options) -> ExitCode {
    match options.done().await {
        Ok(false) => ExitCode::SUCCESS,
        Ok(true) => ExitCode::from(FOUND),
        Err(error) => {
            eprintln!("error: {error:#}");
            if let Some(mend) = mend::of(&error) {
                eprintln!("{mend}");
            }
            ExitCode::from(FAILED)
        }
    }
}

impl Options {
    /// Whether anything was found that is not mended.
    async fn done(self) -> anyhow::Result<bool> {
        let reading = Reading {
            segments: self.segments,
            progress: progress(),
        };
        match self.command {
            Command::Verify { streams } => {
                let log = self.connection.log(None).await;
                let heads = self.connection.heads().await;
                let (findings, summary) = verify::verify(&log, &heads, &streams, &reading).await?;
                reading.progress.finish_and_clear();
                self.output.write(&findings)?;
                eprintln!("{summary}, {}", found(findings.len()));
                Ok(!findings.is_empty())
            }
            Command::Claims {
                repair,
                new_key,
                ref claims_key_file,
            } => {
                let secret = match claims_key_file {
                    Some(file) => Some(
                        std::fs::read_to_string(file)
                            .map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))?,
                    ),
                    // OK because it is no option: what a command line holds, others on the machine can read.
                    None => std::env::var("CLAIMS_KEY").ok(),
                };
                let secret = self.connection.claims_key(secret)?;
                let log = self.connection.log(Some(ClaimsKey::new(secret))).await;
                let (findings, summary) = claims::claims(&log, repair, new_key, &reading).await?;
                reading.progress.finish_and_clear();
                self.output.write(&findings)?;
                let left = findings.iter().filter(|finding| !finding.mended).count();
                eprintln!("{summary}, {}", found(findings.len()));
                if repair && !findings.is_empty() {
                    eprintln!("{} mended, {left} left", findings.len() - left);
                }
                Ok(left > 0)
            }
            Command::Deliveries {
                stream,
                consumer,
                status,
                unpublished,
            } => {
                let status = status.map(Status::of_deliveries);
                let wanted = Wanted {
                    stream,
                    consumer,
                    status,
                    unpublished,
                };
                let all = self.connection.deliveries().await;
                let (lines, summary) = deliveries::deliveries(&all, &wanted, &reading).await?;
                reading.progress.finish_and_clear();
                self.output.write(&lines)?;
                eprintln!("{summary}");
                Ok(lines.iter().any(deliveries::Line::is_behind))
            }
            Command::Lag { consumer } => {
                let all = self.connection.deliveries().await;
                let lags = deliveries::lags(&all, consumer.as_deref()).await?;
                reading.progress.finish_and_clear();
                self.output.write(&lags)?;
                Ok(false)
            }
            Command::Redrive {
                consumer,
                stream,
                why,
            } => {
                let asking = Asking {
                    reason: why.reason,
                    actor: why.actor,
                };
                let all = self.connection.deliveries().await;
                let consumer = deliveries::deployed(&all, &consumer).await?;
                let operations = self.connection.operations().await;
                let said = operations
                    .redrive(&consumer, stream.as_deref(), &asking)
                    .await?;
                reading.progress.finish_and_clear();
                println!("{said}");
                Ok(false)
            }
            Command::Rebuild {
                consumer,
                stream,
                diff,
                switch,
                switch_back,
                cancel,
                reason,
                actor,
            } => {
                let all = self.connection.deliveries().await;
                let consumer = deliveries::deployed(&all, &consumer).await?;
                let only = stream.as_deref();
                rebuild::check(&all.log, &consumer, only).await?;
                if diff {
                    let documents = consumer.table.live().await?;
                    let found =
                        difference::difference(&all.log, &consumer, &documents, only, &reading);
                    let (changed, summary) = found.await?;
                    reading.progress.finish_and_clear();
                    self.output.write(&changed)?;
                    eprintln!("{summary}");
                    return Ok(!changed.is_empty());
                }
                let asking = Asking {
                    reason: reason.unwrap_or_default(),
                    actor,
                };
                let operations = self.connection.operations().await;
                let turn = [
                    (switch, Turn::Switch),
                    (switch_back, Turn::SwitchBack),
                    (cancel, Turn::Cancel),
                ];
                let turn = turn.iter().find_map(|(asked, turn)| asked.then_some(*turn));
                let said = match (&stream, turn) {
                    (Some(stream), _) => operations.remake(&consumer, stream, &asking).await?,
                    (None, Some(turn)) => {
                        operations.turn(&consumer, turn, &asking, &reading).await?
                    }
                    (None, None) => operations.rebuild(&consumer, &asking, &reading).await?,
                };
                reading.progress.finish_and_clear();
                println!("{said}");
                Ok(false)
            }
        }
    }
}

impl Status {
    fn of_deliveries(self) -> ::deliveries::Status {
        match self {
            Self::Pending => ::deliveries::Status::Pending,
            Self::Processing => ::deliveries::Status::Processing,
            Self::Failed => ::deliveries::Status::Failed,
        }
    }
}

impl Output {
    fn write(self, findings: &[impl Display + Serialize]) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        for finding in findings {
            match self {
                Self::Text => writeln!(stdout, "{finding}")?,
                Self::Json => writeln!(stdout, "{}", serde_json::to_string(finding)?)?,
            }
        }
        stdout.flush()
    }
}

/// Shows on stderr that there is progress, if that is a terminal.
fn progress() -> ProgressBar {
    let template = "{spinner} {elapsed} {msg} {human_pos} ({per_sec})";
    let style = ProgressStyle::with_template(template);
    // OK because the template is fixed, and a test shows it.
    let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
    let progress = ProgressBar::new_spinner().with_style(style);
    progress.enable_steady_tick(Duration::from_millis(200));
    progress
}

fn found(findings: usize) -> String {
    match findings {
        0 => "nothing found".to_owned(),
        some => counted(some, "finding"),
    }
}
