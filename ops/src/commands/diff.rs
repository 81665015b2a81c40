//! `strangelog diff`.

use super::state::text;
use super::stopped;
use crate::cli::Context;
use crate::event::Event;
use crate::exit::Exit;
use crate::output::{Columns, table};
use crate::streams::{Asked, Changed, of_aggregate, of_read_model};
use crate::when::{self, FORMS};
use chrono::Utc;
use past::{Between, Change, Diff, Kind, Moment};
use serde_json::json;

const EXAMPLES: &str = "\
Examples:
  strangelog diff user-01a1e50a-5950-7a61-8fa4-5be3d833d61d --from '1d ago'             # until now
  strangelog diff account-01a1e50a-5950-7a61-8fa4-5be3d833d61d --from 3 --to 7
  strangelog diff account-01a1e50a-5950-7a61-8fa4-5be3d833d61d --from 0 --to 1 --output json | jq .patch
  strangelog diff user-01a1e50a-5950-7a61-8fa4-5be3d833d61d --from 2026-11-16T15:47 --read-model users

`by` names the events that touched a value, of those that are shown. The patch of --output json (RFC 6902) turns the one state into
the other. Version 0 is before the first event. It needs dynamodb:Query on the events table.";

/// Shows what changed in a stream between two moments, and which events did it
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{FORMS}"))]
pub(crate) struct Args {
    /// The stream
    #[arg(value_name = "STREAM")]
    stream: String,
    /// One moment: a version, or a time
    #[arg(long, value_name = "MOMENT", value_parser = when::moment)]
    from: Moment,
    /// The other one; else now
    #[arg(long, value_name = "MOMENT", value_parser = when::moment)]
    to: Option<Moment>,
    /// Its documents in this read model
    #[arg(long, value_name = "NAME", value_parser = super::consumer())]
    read_model: Option<String>,
    /// How many of the events between them are shown at the most
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: usize,
}

impl Args {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let (log, now) = (context.connection.log(None).await, Utc::now());
        let asked = Asked {
            log: &log,
            stream: &self.stream,
            question: Changed {
                between: Between {
                    from: self.from,
                    to: self.to.unwrap_or(Moment::Time(now)),
                    limit: self.limit,
                    place: None,
                },
                now,
            },
        };
        let found = match &self.read_model {
            None => of_aggregate(&self.stream, asked)?.await,
            Some(name) => of_read_model(name, &self.stream, asked)?.await,
        };
        let found = found.map_err(stopped)?;
        let more = found.page.next.is_some();
        let document = json!({
            "stream": self.stream, "from": found.from.moment(), "to": found.to.moment(),
            "changes": found.changes, "patch": found.patch, "events": found.page.events, "more": more,
        });
        context.output.document(&document, || shown(&found))?;
        eprintln!(
            "from version {} to version {}",
            found.from.version, found.to.version
        );
        if more {
            eprintln!("there are more events between them: say --limit");
        }
        Ok(Exit::Done)
    }
}

/// The changes, and below them the events.
fn shown(found: &Diff) -> String {
    let events = found
        .page
        .events
        .iter()
        .map(|event| Event(event.clone()).cells());
    let (changes, events) = (changed(&found.changes), table(Event::NAMES, events));
    match (changes.is_empty(), events.is_empty()) {
        (false, false) => format!("{changes}\n{events}"),
        _ => changes + &events,
    }
}

/// Changes, in columns.
pub(super) fn changed(changes: &[Change]) -> String {
    let rows = changes.iter().map(|change| {
        let kind = match change.kind {
            Kind::Added => "added",
            Kind::Removed => "removed",
            Kind::Changed => "changed",
        };
        let by = change.by.iter().map(ToString::to_string);
        vec![
            change.path.clone(),
            kind.to_owned(),
            text(change.from.as_ref()),
            text(change.to.as_ref()),
            by.collect::<Vec<_>>().join(", "),
        ]
    });
    table(&["path", "kind", "from", "to", "by"], rows)
}
