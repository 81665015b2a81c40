//! `strangelog verify`.

use crate::cli::Context;
use crate::counted::found;
use crate::exit::Exit;
use crate::verify;

const EXAMPLES: &str = "\
Examples:
  strangelog verify --stack strangelog --profile audit
  strangelog verify user-01a1e50a-5950-7a61-8fa4-5be3d833d61d
  strangelog verify --output jsonl | jq -r .stream | sort -u
  strangelog verify --endpoint http://127.0.0.1:8000

A missing part says that a command wrote to several streams, and that its commit in this one is gone: a restore or a deletion
tore it. Stop the commands, restore the events table to another moment or from another backup, and verify again before they
go on. Where there is none, make good what is missing by a command that says why; put no commit there by hand. A stream that
is named is looked at for the commands that it has a part in.

It needs dynamodb:Scan and dynamodb:Query on the events table, dynamodb:Scan and dynamodb:GetItem on the heads table.
A well-formed commit that somebody appended at the end of a stream is not found, nor what was changed in commits that the
publisher had not yet seen, nor that a command over several streams is gone from them all.";

/// Finds commits that were changed behind the service's back
///
/// Every stream's hash chain is followed from its first commit to its last, and compared with the head that the publisher
/// keeps under another role. What is named was edited, removed, reordered, inserted, cut off or recomputed, or it is missing
/// while another commit of its command is there.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The streams to look at; all of them if none is named
    #[arg(value_name = "STREAM")]
    streams: Vec<String>,
}

impl Args {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let reading = context.reading();
        let log = context.connection.log(None).await;
        let heads = context.connection.heads().await;
        let (findings, summary) = verify::verify(&log, &heads, &self.streams, &reading).await?;
        reading.progress.finish_and_clear();
        context.output.sentences(&findings, &summary)?;
        eprintln!("{summary}, {}", found(findings.len()));
        Ok(Exit::found(!findings.is_empty()))
    }
}
