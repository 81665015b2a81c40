//! `strangelog deliveries`.

use super::consumer;
use crate::cli::Context;
use crate::deliveries::{Line, Wanted, deliveries};
use crate::exit::Exit;
use clap::ValueEnum;

const EXAMPLES: &str = "\
Examples:
  strangelog deliveries                     # every stream that is behind, for every consumer, and why
  strangelog deliveries --consumer search --status failed
  strangelog deliveries --stream user-01a1e50a-5950-7a61-8fa4-5be3d833d61d
  strangelog deliveries --unpublished       # what the publisher has not seen, too: reads the whole events table

Pending is what a consumer has not taken in yet, processing what it is at work on, failed what it tried in vain; what is parked
waits for a redrive or another build. It needs dynamodb:GetItem, dynamodb:BatchGetItem and dynamodb:Query on the tables of the
consumers and of the heads, dynamodb:Query on the events table, and for --unpublished dynamodb:Scan on that.";

/// Shows which events were not processed yet, by which consumer, and why
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// One stream, with what is completed, too
    #[arg(long, value_name = "STREAM")]
    stream: Option<String>,
    /// One consumer
    #[arg(long, value_name = "NAME", value_parser = consumer())]
    consumer: Option<String>,
    /// One status
    #[arg(long, value_enum)]
    status: Option<Status>,
    /// What the publisher has not seen, too
    #[arg(long, conflicts_with = "stream")]
    unpublished: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    Pending,
    Processing,
    Failed,
}

impl Args {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let reading = context.reading();
        let wanted = Wanted {
            stream: self.stream,
            consumer: self.consumer,
            status: self.status.map(Into::into),
            unpublished: self.unpublished,
        };
        let all = context.connection.deliveries().await;
        let (lines, summary) = deliveries(&all, &wanted, &reading).await?;
        reading.progress.finish_and_clear();
        context.output.columns(&lines, &summary)?;
        eprintln!("{summary}");
        Ok(Exit::found(lines.iter().any(Line::is_behind)))
    }
}

impl From<Status> for ::deliveries::Status {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::Processing => Self::Processing,
            Status::Failed => Self::Failed,
        }
    }
}
