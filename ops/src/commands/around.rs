//! `strangelog around`.

use super::tail::Sieve;
use crate::cli::Context;
use crate::counted::counted;
use crate::deliveries::deployed;
use crate::exit::{Exit, Stop};
use crate::timeline::{self, Filter};
use crate::when::{self, FORMS};
use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use domain::timeline::NAME;
use event_store::rfc3339;
use serde_json::json;

const EXAMPLES: &str = "\
Examples:
  strangelog around                                          # the last five minutes
  strangelog around 2026-11-16T15:47 --window 1h
  strangelog around '1d ago' --window 2h --type UserDeleted --actor mei
  strangelog around --window 31d --category account --output jsonl | jq -r .stream | sort | uniq -c

It reads the timeline's rows, newest first: a query for each of its partitions (4) and day, and one on the events table for each
event that the filters by type, stream and category let through. It needs dynamodb:GetItem and dynamodb:Query on the table of the
timeline, and dynamodb:Query on the events table.";

/// How many rows are read at a time.
const PAGE: usize = 100;
/// How far may be looked.
const MOST: TimeDelta = TimeDelta::days(31);

/// Shows what else happened around a moment, in whatever stream, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{FORMS}"))]
pub(crate) struct Args {
    /// The moment; else now
    #[arg(value_name = "TIME", value_parser = when::time)]
    time: Option<DateTime<Utc>>,
    /// How far before it and after it is looked, at most 31d
    #[arg(long, value_name = "SPAN", default_value = "5m", value_parser = when::span)]
    window: TimeDelta,
    #[command(flatten)]
    filter: Sieve,
    /// How many events are looked at, at the most
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: usize,
}

impl Args {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        if self.window > MOST {
            return Err(Stop::Usage("--window must be 31d at the most".to_owned()).into());
        }
        let now = Utc::now();
        let around = self.time.unwrap_or(now);
        let window = around
            .checked_sub_signed(self.window)
            .zip(around.checked_add_signed(self.window));
        let (from, to) = window.context("the moment is none of our calendar")?;
        // OK because nothing is recorded in times to come, but for a clock that is a little ahead.
        let to = to.min(now + TimeDelta::hours(1));
        let all = context.connection.deliveries().await;
        let consumer = deployed(&all, NAME).await?;
        let documents = consumer.table.live().await?;
        let filter = Filter::from(self.filter);
        let reading = context.reading();
        let span = timeline::span(from, to, PAGE);
        let (rows, more) = timeline::rows(&documents, span, &filter, self.limit).await?;
        let events = timeline::events(&all.log, &rows, &filter).await?;
        reading.progress.finish_and_clear();
        let (from, to) = (rfc3339(from), rfc3339(to));
        let summary = json!({ "from": from, "to": to, "events": events.len(), "more": more });
        context.output.columns(&events, &summary)?;
        let rest = if more {
            ", and there may be more: say --limit"
        } else {
            ""
        };
        eprintln!(
            "{} from {from} to {to}{rest}",
            counted(events.len() as u64, "event")
        );
        Ok(Exit::Done)
    }
}
