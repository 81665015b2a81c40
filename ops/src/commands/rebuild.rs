//! `strangelog rebuild`.

use super::consumer;
use crate::cli::Context;
use crate::consent::{Consent, Told};
use crate::exit::Exit;
use crate::operate::Asking;
use crate::rebuild::{self, Turn};
use crate::{deliveries, difference};

const EXAMPLES: &str = "\
Examples:
  strangelog rebuild users --diff                                # what this build would make otherwise; nothing is written
  strangelog rebuild users --dry-run                             # what a rebuild would do; nothing is written
  strangelog rebuild users --reason 'phone numbers were lost'    # makes a new generation beside the one that is shown
  strangelog rebuild users --switch --reason 'looks right'       # shows it, in one write
  strangelog rebuild users --switch-back --reason 'it was not' --yes
  strangelog rebuild users --cancel --reason 'not needed'        # lets go the one in the making, or the one that is kept
  strangelog rebuild users --stream user-01a1e50a-5950-7a61-8fa4-5be3d833d61d --reason 'one user alone'

The consumer's own function does it, on its own queue, beside live traffic; it goes on whether or not this waits (Ctrl-C ends the
waiting alone). Both generations are written until one is let go. Mails are never sent again: what has effects has no rebuild.
--diff folds every stream with this build, and compares with the generation that is shown: before a rebuild or before the switch.
It needs dynamodb:Query and dynamodb:PutItem on the events table, dynamodb:GetItem and dynamodb:Query on the consumer's table, and for
--diff dynamodb:Scan on the events table.";

/// Makes a read model anew, beside the one that is shown
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The consumer that keeps the read model
    #[arg(value_parser = consumer())]
    consumer: String,
    /// This stream alone, in all generations that there are
    #[arg(long, value_name = "STREAM", conflicts_with_all = ["switch", "switch_back", "cancel"])]
    stream: Option<String>,
    /// Shows what this build would make otherwise, and writes nothing
    #[arg(long, conflicts_with_all = ["switch", "switch_back", "cancel", "dry_run", "yes"])]
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
    /// Why: it stands in a stream for good; needed unless nothing is written
    #[arg(long, required_unless_present_any = ["diff", "dry_run"])]
    reason: Option<String>,
    /// Who asks; else who is logged in
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    #[command(flatten)]
    consent: Consent,
}

impl Args {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let reading = context.reading();
        let all = context.connection.deliveries().await;
        let consumer = deliveries::deployed(&all, &self.consumer).await?;
        let only = self.stream.as_deref();
        rebuild::check(&all.log, &consumer, only).await?;
        if self.diff {
            let documents = consumer.table.live().await?;
            let found = difference::difference(&all.log, &consumer, &documents, only, &reading);
            let (changed, summary) = found.await?;
            reading.progress.finish_and_clear();
            context.output.sentences(&changed, &summary)?;
            eprintln!("{summary}");
            return Ok(Exit::found(!changed.is_empty()));
        }
        let turn = self.turn();
        let operations = context.connection.operations().await;
        let what = operations.would_rebuild(&consumer, only, turn).await?;
        if self.consent.dry_run {
            reading.progress.finish_and_clear();
            Told::dry(what).write(context.output)?;
            return Ok(Exit::Done);
        }
        reading.progress.finish_and_clear();
        self.consent.agreed(&what).await?;
        let reading = context.reading();
        let asking = Asking {
            reason: self.reason.unwrap_or_default(),
            actor: self.actor,
        };
        let told = match (only, turn) {
            (Some(stream), _) => operations.remake(&consumer, stream, &asking).await?,
            (None, Some(turn)) => operations.turn(&consumer, turn, &asking, &reading).await?,
            (None, None) => operations.rebuild(&consumer, &asking, &reading).await?,
        };
        reading.progress.finish_and_clear();
        told.write(context.output)?;
        Ok(Exit::Done)
    }

    fn turn(&self) -> Option<Turn> {
        let turns = [
            (self.switch, Turn::Switch),
            (self.switch_back, Turn::SwitchBack),
            (self.cancel, Turn::Cancel),
        ];
        turns
            .iter()
            .find_map(|(asked, turn)| asked.then_some(*turn))
    }
}
