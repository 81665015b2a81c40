//! The command line: what may be asked, and how it is answered.

use crate::connection::Connection;
use crate::counted::counted;
use crate::{Reading, claims, mend, verify};
use clap::{Parser, Subcommand, ValueEnum};
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

const EXIT_CODES: &str = "\
Exit codes:
  0  nothing was found
  1  something was found, each on a line of its own on stdout
  2  wrong use
  3  it could not be done";

const VERIFY_EXAMPLES: &str = "\
Examples:
  strangelog verify --stack strangelog --profile audit
  strangelog verify user-01a1e50a-5950-7a61-8fa4-5be3d833d61d
  strangelog verify --output json | jq -r .stream | sort -u
  strangelog verify --endpoint http://127.0.0.1:8000

A missing part says that a command wrote to several streams, and that its commit in this one is gone: a restore or a deletion
tore it. Stop the commands, restore the events table to another moment or from another backup, and verify again before they
go on. Where there is none, make good what is missing by a command that says why; put no commit there by hand. A stream that
is named is looked at for the commands that it has a part in.

It needs dynamodb:Scan and dynamodb:Query on the events table, dynamodb:Scan and dynamodb:GetItem on the heads table.
A well-formed commit that somebody appended at the end of a stream is not found, nor what was changed in commits that the
publisher had not yet seen, nor that a command over several streams is gone from them all.";

const CLAIMS_EXAMPLES: &str = "\
Examples:
  strangelog claims --claims-key-file key.txt
  CLAIMS_KEY=… strangelog claims --repair
  strangelog claims --endpoint http://127.0.0.1:8000

Two live streams that hold one value are named and not mended: a person must change it in one of them. The stream that the
claim names keeps it; if it names neither, the one that has held the value longest is given it. Only that one can give it up:
change its value, then repair again, and the other one has the claim.
It needs dynamodb:Scan and dynamodb:Query on the events table, dynamodb:Scan and dynamodb:GetItem on the claims table; for
--repair also dynamodb:ConditionCheckItem on the first, dynamodb:PutItem and dynamodb:DeleteItem on the second.";

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
