//! `strangelog history`.

use super::stopped;
use crate::cli::Context;
use crate::counted::counted;
use crate::event::Event;
use crate::exit::Exit;
use crate::streams::{Asked, Events, Types, of_aggregate};
use crate::when::{self, FORMS};
use clap::ValueEnum;
use past::{Filter, Moment};
use serde_json::json;

/// How many events are asked for at a time.
const PAGE: usize = 100;

const EXAMPLES: &str = "\
Examples:
  strangelog history user-01a1e50a-5950-7a61-8fa4-5be3d833d61d
  strangelog history user-01a1e50a-5950-7a61-8fa4-5be3d833d61d --type UserDeleted      # who deleted it, when, and why
  strangelog history account-01a1e50a-5950-7a61-8fa4-5be3d833d61d --from '1d ago' --actor mei
  strangelog history account-01a1e50a-5950-7a61-8fa4-5be3d833d61d --from 5 --to 9 --output jsonl | jq .data

It needs dynamodb:Query on the events table.";

/// Shows what happened to one stream, oldest first, with who did it and why
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{FORMS}"))]
pub(crate) struct Args {
    /// The stream
    #[arg(value_name = "STREAM")]
    stream: String,
    /// The first event: a version, or a time
    #[arg(long, value_name = "MOMENT", value_parser = when::moment)]
    from: Option<Moment>,
    /// The last event: a version, or a time
    #[arg(long, value_name = "MOMENT", value_parser = when::moment)]
    to: Option<Moment>,
    /// Events of this type alone
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// What this actor did alone
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// What is shown of each event
    #[arg(long, value_enum, default_value_t = Form::Stored)]
    form: Form,
    /// How many events are shown at the most
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    limit: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// What was stored
    Stored,
    /// That, and the events of today that it is read as
    Today,
}

impl Args {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let log = context.connection.log(None).await;
        if let Some(kind) = &self.kind {
            of_aggregate(&self.stream, Types(kind))??;
        }
        let filter = Filter {
            from: self.from,
            to: self.to,
            kind: self.kind,
            actor: self.actor,
            form: match self.form {
                Form::Stored => past::Form::Stored,
                Form::Today => past::Form::Today,
            },
        };
        let reading = context.reading();
        reading.progress.set_message("events");
        let (mut events, mut place) = (Vec::new(), None);
        loop {
            let asked = Asked {
                log: &log,
                stream: &self.stream,
                question: Events {
                    filter: filter.clone(),
                    place,
                    limit: PAGE.min(self.limit - events.len()),
                },
            };
            let page = of_aggregate(&self.stream, asked)?.await.map_err(stopped)?;
            reading.progress.inc(page.events.len() as u64);
            events.extend(page.events.into_iter().map(Event));
            place = page.next;
            if place.is_none() || events.len() >= self.limit {
                break;
            }
        }
        reading.progress.finish_and_clear();
        let more = place.is_some();
        context
            .output
            .columns(&events, &json!({ "events": events.len(), "more": more }))?;
        let rest = if more {
            ", and there are more: say --limit"
        } else {
            ""
        };
        eprintln!("{}{rest}", counted(events.len() as u64, "event"));
        Ok(Exit::Done)
    }
}
