//! `strangelog lag`.

use super::consumer;
use crate::cli::Context;
use crate::counted::counted;
use crate::deliveries::lags;
use crate::exit::Exit;

const EXAMPLES: &str = "\
Examples:
  strangelog lag
  strangelog lag --consumer statistics --output json
  strangelog lag --without search           # where the stack leaves it out (Search=off)
  strangelog lag || echo 'something has failed or is parked'

It ends with 1 when something has failed or is parked: `strangelog deliveries --status failed` says what, and why. What is only
pending is on its way. At most 1,000 streams with news are looked at for each consumer; `or more` says that there are others.
It needs the rights of `strangelog deliveries`.";

/// Shows how far each consumer is behind
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// One consumer
    #[arg(long, value_name = "NAME", value_parser = consumer())]
    consumer: Option<String>,
}

impl Args {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let reading = context.reading();
        let all = context.connection.deliveries().await;
        let lags = lags(&all, self.consumer.as_deref()).await?;
        reading.progress.finish_and_clear();
        let sum = |of: fn(&::deliveries::Lag) -> usize| lags.iter().map(|lag| of(&lag.0)).sum();
        let (pending, failed): (usize, usize) = (sum(|lag| lag.pending), sum(|lag| lag.failed));
        let said = format!(
            "{pending} pending, {failed} failed, in {}",
            counted(lags.len(), "consumer")
        );
        context.output.columns(&lags, &said)?;
        eprintln!("{said}");
        Ok(Exit::found(failed > 0))
    }
}
