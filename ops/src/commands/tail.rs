//! `strangelog tail`.

use crate::cli::Context;
use crate::deliveries::deployed;
use crate::event::Happened;
use crate::exit::{Exit, Stop};
use crate::live::Live;
use crate::output::{Output, print};
use crate::timeline::Filter;
use crate::when::{self, FORMS};
use chrono::{DateTime, Utc};
use domain::timeline::NAME;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  strangelog tail                                     # everything, from now on
  strangelog tail --type UserDeleted --type UserRestored
  strangelog tail --actor mei --since '1h ago'
  strangelog tail --stream account-01a1e50a-5950-7a61-8fa4-5be3d833d61d
  strangelog tail --category user --output jsonl | jq -r .actor

It looks at the read model `timeline`, where an event comes into sight a second or two after it was written. Each look costs one read
unit for the generation that is shown, and a query for each of its partitions (4, of half a unit each as long as little happens): some
130,000 units a day at one look in 2 seconds. Each new event that the filters by type, stream and category let through costs a query of
the events table. Operations are in no timeline. It needs dynamodb:GetItem and dynamodb:Query on the table of the timeline, and
dynamodb:Query on the events table.";

/// Shows events as they happen, in whatever stream, until Ctrl-C
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{FORMS}"))]
pub(crate) struct Args {
    #[command(flatten)]
    filter: Sieve,
    /// Also what happened since then; else from now on
    #[arg(long, value_name = "TIME", value_parser = when::time)]
    since: Option<DateTime<Utc>>,
    /// How often it looks, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600))]
    every: u64,
}

/// Which events are shown; an option that is given twice lets both through.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Sieve {
    /// Events of this type alone
    #[arg(long = "type", value_name = "TYPE", value_parser = super::event_type())]
    types: Vec<String>,
    /// What this actor did alone
    #[arg(long = "actor", value_name = "NAME")]
    actors: Vec<String>,
    /// Events of this stream alone
    #[arg(long = "stream", value_name = "STREAM", value_parser = super::stream)]
    streams: Vec<String>,
    /// Events of streams of this category alone
    #[arg(long = "category", value_name = "CATEGORY", value_parser = super::category())]
    categories: Vec<String>,
}

impl From<Sieve> for Filter {
    fn from(sieve: Sieve) -> Self {
        Self {
            types: sieve.types,
            streams: sieve.streams,
            categories: sieve.categories,
            actors: sieve.actors,
        }
    }
}

impl Args {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        if context.output == Output::Json {
            let why = "a tail has no end, and so is no JSON document: say --output jsonl";
            return Err(Stop::Usage(why.to_owned()).into());
        }
        let all = context.connection.deliveries().await;
        let consumer = deployed(&all, NAME).await?;
        let mut live = Live::new(self.filter.into(), self.since.unwrap_or_else(Utc::now));
        loop {
            let documents = consumer.table.live().await?;
            let found = live.look(&all.log, &documents, Utc::now()).await?;
            write(context.output, &found)?;
            tokio::time::sleep(Duration::from_secs(self.every)).await;
        }
    }
}

fn write(output: Output, found: &[Happened]) -> anyhow::Result<()> {
    for event in found {
        match output {
            Output::Table => print(&format!("{}\n", event.line()))?,
            Output::Json | Output::Jsonl => print(&format!("{}\n", serde_json::to_string(event)?))?,
        }
    }
    Ok(())
}
