//! `strangelog what-if`.

use super::diff::changed;
use super::state::{When, text};
use super::stopped;
use crate::cli::Context;
use crate::exit::{Exit, Stop};
use crate::output::{plain, table};
use crate::streams::{Asked, WhatIf, of_aggregate};
use crate::when::FORMS;
use anyhow::Context as _;
use chrono::Utc;
use past::{Outcome, Supposed};
use serde::Deserialize;
use serde_json::{Map, Value, json};

const EXAMPLES: &str = "\
Examples:
  strangelog what-if account-01a1e50a-5950-7a61-8fa4-5be3d833d61d --at '1h ago' --command WithdrawMoney --data '{\"amount\":5000}'
  strangelog what-if user-01a1e50a-5950-7a61-8fa4-5be3d833d61d --version 2 --command DeleteUser --data '{\"reason\":\"clean-up\"}'
  strangelog what-if account-01a1e50a-5950-7a61-8fa4-5be3d833d61d --events @events.json --output json

A command is decided by the code that decides in production, on the state of that moment; nothing is written. --events supposes events
that never were, as a list of {\"type\",\"data\"}, and asks no rule whether they could have been. Of values that must be unique it names the kind: whether others held them then is
not looked up. It ends with 4 when the command is refused. As JSON it is what POST …/what-if answers, and the stream. It needs dynamodb:Query on the events table.";

/// Asks what would have come of a command, or of events, at any moment; writes nothing
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{FORMS}"))]
#[command(group = clap::ArgGroup::new("supposed").required(true).args(["command", "events"]))]
pub(crate) struct Args {
    /// The stream; it need not have events
    #[arg(value_name = "STREAM")]
    stream: String,
    #[command(flatten)]
    when: When,
    /// A command of this type
    #[arg(long, value_name = "TYPE")]
    command: Option<String>,
    /// The command's fields: JSON, or @FILE
    #[arg(long, value_name = "JSON", requires = "command")]
    data: Option<String>,
    /// Events, taken at their word: JSON, or @FILE
    #[arg(long, value_name = "JSON", conflicts_with = "data")]
    events: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Supposition {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    data: Value,
}

impl Args {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let supposed = self.supposed()?;
        let (log, now) = (context.connection.log(None).await, Utc::now());
        let asked = Asked {
            log: &log,
            stream: &self.stream,
            question: WhatIf {
                moment: self.when.moment(now),
                supposed,
                now,
            },
        };
        let outcome = of_aggregate(&self.stream, asked)?.await.map_err(stopped)?;
        let outcome = outcome.map_err(|errors| {
            let errors = errors
                .iter()
                .map(|error| format!("{} {}", error.field, error.why));
            Stop::Usage(errors.collect::<Vec<_>>().join("; "))
        })?;
        let mut document = Map::from_iter([("stream".to_owned(), json!(self.stream))]);
        document.extend(outcome.told());
        context
            .output
            .document(&document, || shown(&self.stream, &outcome))?;
        Ok(if outcome.accepted {
            Exit::Done
        } else {
            Exit::Refused
        })
    }

    fn supposed(&self) -> anyhow::Result<Supposed> {
        if let Some(events) = &self.events {
            let events: Vec<Supposition> = json("--events", events)?;
            if events.is_empty() {
                return Err(Stop::Usage("--events must name an event at least".to_owned()).into());
            }
            let events = events.into_iter().map(|event| (event.kind, event.data));
            return Ok(Supposed::Events(events.collect()));
        }
        let fields = self.data.as_deref().map(|data| json("--data", data));
        let fields: Map<String, Value> = fields.transpose()?.unwrap_or_default();
        Ok(Supposed::Command(
            self.command.clone().unwrap_or_default(),
            fields,
        ))
    }
}

/// JSON that is given, or lies in a file that is named.
fn json<T: for<'de> Deserialize<'de>>(option: &str, given: &str) -> anyhow::Result<T> {
    let read = match given.strip_prefix('@') {
        Some(file) => std::fs::read_to_string(file).with_context(|| file.to_owned())?,
        None => given.to_owned(),
    };
    serde_json::from_str(&read).map_err(|error| Stop::Usage(format!("{option}: {error}")).into())
}

fn shown(stream: &str, outcome: &Outcome) -> String {
    let at = match &outcome.timestamp {
        Some(timestamp) => format!("{stream} at version {} of {timestamp}", outcome.version),
        None => format!("{stream} before its first event"),
    };
    if let Some(refusal) = &outcome.refusal {
        return plain(&format!(
            "refused, of {at}: {} ({})",
            refusal.detail, refusal.code
        )) + "\n";
    }
    let events = outcome.events.iter().flatten().map(|event| {
        let text = |name| text(event.get(name));
        vec![text("version"), text("type"), text("data")]
    });
    let events = table(&["version", "type", "data"], events);
    let mut shown = if events.is_empty() {
        format!("accepted, of {at}: nothing would happen, as it is so already\n")
    } else {
        format!("accepted, of {at}\n\n{events}")
    };
    let changes = changed(outcome.changes.as_deref().unwrap_or_default());
    if !changes.is_empty() {
        shown += &format!("\n{changes}");
    }
    if let Some(unchecked) = outcome.unchecked.as_ref().filter(|kinds| !kinds.is_empty()) {
        shown += &format!(
            "\nwhether others held it then is not looked up: {}\n",
            unchecked.join(", ")
        );
    }
    shown
}
