//! `strangelog smoke`.

use crate::cli::Context;
use crate::connection::is_here;
use crate::consent::{Consent, Told};
use crate::exit::Exit;
use crate::http::Api;
use crate::output::{Output, plain, print};
use crate::smoke::{Otherwise, Played, Step, play};
use serde_json::json;
use std::time::Instant;

const EXAMPLES: &str = "\
Examples:
  strangelog smoke --api http://localhost:3000               # the local stack asks for no token
  STRANGELOG_TOKEN=… strangelog smoke --api https://abc123.execute-api.eu-north-1.amazonaws.com --yes
  strangelog smoke --api http://localhost:3000 --output jsonl | jq -r 'select(.passed | not) | .why'

It creates a user, renames it, opens an account, pays in (twice under one key: once), draws, is refused an overdraft, looks into the
past of both, closes the account, deletes the user, restores it and deletes it again. It cleans up as far as events allow: what it made
stays, deleted and closed, with an email of its own at the mailbox simulator of SES, which takes the welcome mail.
It ends with 1 at the first step that goes otherwise, and says what was expected and what was found; with 3 where no answer comes.
Elsewhere than on this machine it asks before it begins, or takes --yes. The token needs the scopes users:read, users:write, accounts:read, accounts:write and audit:read.";

/// Plays the story of the deleted account against a deployment, over HTTP
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Where the API answers
    #[arg(long, value_name = "URL")]
    api: String,
    /// The token; rather set STRANGELOG_TOKEN: what a command line holds, others on the machine can read
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    #[command(flatten)]
    consent: Consent,
}

impl Args {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let what = format!(
            "a user and an account are made at {}, closed and deleted again, and stay in its history",
            self.api
        );
        // OK because nobody misses what a stack on this machine holds.
        let is_asked = self.consent.dry_run || !is_here(&self.api);
        if is_asked && !self.consent.agreed(&what).await? {
            Told::dry(what).write(context.output)?;
            return Ok(Exit::Done);
        }
        let token = self
            .token
            .or_else(|| std::env::var("STRANGELOG_TOKEN").ok());
        let token = token.filter(|token| !token.is_empty());
        let (api, begun) = (Api::new(&self.api, token)?, Instant::now());
        let mut failed = None;
        let mut told = |step: &Step| {
            // OK because a story that nobody reads is played to its end all the same, so that it cleans up.
            let written = match context.output {
                Output::Table => {
                    let lines = step.to_string();
                    let lines = lines.lines().map(plain).collect::<Vec<_>>().join("\n");
                    print(&format!("{lines}\n"))
                }
                Output::Jsonl => print(&format!("{}\n", json!(step))),
                Output::Json => Ok(()),
            };
            failed = failed.take().or(written.err());
        };
        let Played { steps, ended, left } = play(&api, &mut told).await;
        if let Some(error) = failed {
            return Err(error);
        }
        let passed = steps.iter().filter(|step| step.passed).count();
        if context.output == Output::Json {
            let summary = json!({ "passed": passed, "failed": steps.len() - passed, "left": left });
            let document = json!({ "data": steps, "summary": summary });
            print(&format!("{}\n", serde_json::to_string_pretty(&document)?))?;
        }
        let (how, exit) = match ended {
            Ok(()) => ("", Exit::Done),
            Err(Otherwise::Found) => (", and then it went otherwise", Exit::Found),
            Err(Otherwise::Unanswered) => (", and then no answer came", Exit::Failed),
        };
        eprintln!(
            "{passed} steps passed in {:.1} s{how}",
            begun.elapsed().as_secs_f64()
        );
        if !left.is_empty() {
            eprintln!("may be there still: {}", left.join(", "));
        }
        Ok(exit)
    }
}
