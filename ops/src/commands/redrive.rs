//! `strangelog redrive`.

use super::consumer;
use crate::cli::Context;
use crate::consent::{Consent, Why};
use crate::deliveries::{self, Wanted};
use crate::exit::Exit;
use crate::operate::Asking;

const EXAMPLES: &str = "\
Examples:
  strangelog redrive search --dry-run       # what is parked, and would be tried again
  strangelog redrive search --reason 'mended in build 4711'
  strangelog redrive welcome --stream user-01a1e50a-5950-7a61-8fa4-5be3d833d61d --reason 'the mailbox is back' --yes

It writes who asked and why to a stream of its own; the consumer hears of it and tries again, in order. It needs dynamodb:Query and
dynamodb:PutItem on the events table, and to say what is parked the rights of `strangelog deliveries`.";

/// Has a consumer try again what it parked
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The consumer
    #[arg(value_parser = consumer())]
    consumer: String,
    /// This stream alone
    #[arg(long, value_name = "STREAM")]
    stream: Option<String>,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    consent: Consent,
}

impl Args {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let reading = context.reading();
        let all = context.connection.deliveries().await;
        let consumer = deliveries::deployed(&all, &self.consumer).await?;
        let operations = context.connection.operations().await;
        let stream = self.stream.as_deref();
        let what = operations.would_redrive(&consumer, stream).await?;
        if self.consent.dry_run {
            let wanted = Wanted {
                stream: None,
                consumer: Some(self.consumer.clone()),
                status: Some(::deliveries::Status::Failed),
                unpublished: false,
            };
            let (mut lines, _) = deliveries::deliveries(&all, &wanted, &reading).await?;
            lines.retain(|line| {
                line.is_parked() && stream.is_none_or(|stream| line.stream() == stream)
            });
            reading.progress.finish_and_clear();
            let said = format!(
                "a dry run, nothing is written: {what}; parked now: {}",
                lines.len()
            );
            context.output.columns(&lines, &said)?;
            eprintln!("{said}");
            return Ok(Exit::Done);
        }
        reading.progress.finish_and_clear();
        self.consent.agreed(&what).await?;
        let asking = Asking::of(self.why);
        let told = operations.redrive(&consumer, stream, &asking).await?;
        told.write(context.output)?;
        Ok(Exit::Done)
    }
}
