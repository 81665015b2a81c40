//! `strangelog replay`.

use crate::cli::Context;
use crate::counted::found;
use crate::exit::Exit;
use crate::history_file::DESCRIPTION;
use crate::replay::replay;
use anyhow::Context as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  strangelog export --to store.jsonl
  strangelog replay store.jsonl                             # before a deployment, with the new build
  strangelog replay store.jsonl --output jsonl | jq 'select(.what == \"decided-otherwise\")'
  strangelog export account-01a1e50a-5950-7a61-8fa4-5be3d833d61d | strangelog replay -

It names events that this build cannot read, streams that are not as they were written, snapshots that it would fold otherwise,
and decisions that it would make otherwise: of each commit, the command that its events answer is decided again on the state
before it. Of some nobody can tell what was asked; they are counted. Whether a unique value was free is not looked at.
It needs no network, no credentials and no rights. It ends with 1 when anything is otherwise.";

/// Replays a history file with this build: which recorded decisions would come out differently now?
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{DESCRIPTION}\n\n{EXAMPLES}"))]
pub(crate) struct Args {
    /// A file that `export` wrote; - is stdin
    file: PathBuf,
}

impl Args {
    pub fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let progress = context.reading().progress;
        progress.set_message("commits");
        let file: Box<dyn BufRead> = if self.file.as_os_str() == "-" {
            Box::new(io::stdin().lock())
        } else {
            let file = File::open(&self.file);
            Box::new(BufReader::new(
                file.with_context(|| self.file.display().to_string())?,
            ))
        };
        let (findings, summary) = replay(file, |summary| progress.set_position(summary.commits))?;
        progress.finish_and_clear();
        context.output.sentences(&findings, &summary)?;
        eprintln!("{summary}; {}", found(findings.len()));
        Ok(Exit::found(!findings.is_empty()))
    }
}
