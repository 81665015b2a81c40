//! `strangelog state`.

use super::stopped;
use crate::cli::Context;
use crate::exit::Exit;
use crate::output::table;
use crate::streams::{Asked, State, of_aggregate, of_read_model};
use crate::when::{self, FORMS};
use chrono::{DateTime, Utc};
use past::{Moment, Then, changes};
use serde_json::{Value, json};

const EXAMPLES: &str = "\
Examples:
  strangelog state account-01a1e50a-5950-7a61-8fa4-5be3d833d61d                          # now
  strangelog state account-01a1e50a-5950-7a61-8fa4-5be3d833d61d --at '1h before 2026-11-16T15:47:03Z'
  strangelog state account-01a1e50a-5950-7a61-8fa4-5be3d833d61d --version 3 --output json | jq .state.balance
  strangelog state user-01a1e50a-5950-7a61-8fa4-5be3d833d61d --at 2026-11-16T15:47 --read-model users

With --read-model it is what this build would have shown there then: its document, folded from the first event on.
What is less than a minute past is not settled: a late writer may still change what was there then.
It needs dynamodb:Query on the events table.";

/// Shows what a stream amounted to, at any moment
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{FORMS}"))]
pub(crate) struct Args {
    /// The stream
    #[arg(value_name = "STREAM")]
    stream: String,
    #[command(flatten)]
    when: When,
    /// Its document in this read model
    #[arg(long, value_name = "NAME", value_parser = super::consumer())]
    read_model: Option<String>,
}

/// A moment; without either option, now.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct When {
    /// With all that was recorded until then
    #[arg(long, value_name = "TIME", value_parser = when::time, conflicts_with = "version")]
    at: Option<DateTime<Utc>>,
    /// After the event of this version
    #[arg(long, value_name = "N")]
    version: Option<u64>,
}

impl When {
    pub fn moment(&self, now: DateTime<Utc>) -> Moment {
        match (self.at, self.version) {
            (Some(time), _) => Moment::Time(time),
            (None, Some(version)) => Moment::Version(version),
            (None, None) => Moment::Time(now),
        }
    }
}

impl Args {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let (log, now) = (context.connection.log(None).await, Utc::now());
        let moment = self.when.moment(now);
        let asked = Asked {
            log: &log,
            stream: &self.stream,
            question: State { moment, now },
        };
        let then = match &self.read_model {
            None => of_aggregate(&self.stream, asked)?.await,
            Some(name) => of_read_model(name, &self.stream, asked)?.await,
        };
        let then = then.map_err(stopped)?;
        let (what, name) = match &self.read_model {
            None => ("state", None),
            Some(name) => ("document", Some(name)),
        };
        let mut document = json!({
            "stream": self.stream, "version": then.version, "timestamp": then.timestamp, "settled": then.settled,
        });
        if let Some(name) = name {
            document["read_model"] = json!(name);
        }
        document[what] = then.state.clone();
        context.output.document(&document, || shown(&then))?;
        Ok(Exit::Done)
    }
}

/// A row for each value, after those that say when it was.
fn shown(then: &Then) -> String {
    let version = format!("version {}", then.version);
    let timestamp = then
        .timestamp
        .clone()
        .unwrap_or_else(|| "before the first event".to_owned());
    let mut rows = vec![vec![version, timestamp]];
    let values = changes(&Value::Null, &then.state).into_iter();
    rows.extend(values.map(|value| {
        let name = value.path.trim_start_matches('/').to_owned();
        vec![name, text(value.to.as_ref())]
    }));
    if !then.settled {
        let why = "a late writer may still change what was there then";
        rows.push(vec!["not settled".to_owned(), why.to_owned()]);
    }
    table(&["what", "value"], rows)
}

/// A value, without quotes around a text.
pub(super) fn text(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_a_row() {
        let then = Then {
            version: 3,
            timestamp: Some("2026-11-21T15:47:00.000000Z".into()),
            settled: true,
            state: json!({ "status": "open", "balance": 1250, "owner": "Sarah\u{1b}", "limit": null }),
        };
        let rows = [
            "WHAT       VALUE",
            "version 3  2026-11-21T15:47:00.000000Z",
            "status     open",
            "balance    1250",
            "owner      Sarah\\u{1b}",
            "limit      null\n",
        ];
        assert_eq!(shown(&then), rows.join("\n"));
    }
}
