//! `strangelog claims`.

use crate::claims::{self, Finding, Summary};
use crate::cli::Context;
use crate::consent::Consent;
use crate::counted::{counted, found};
use crate::exit::{Exit, Stop};
use crate::operate::Asking;
use crate::pages::Reading;
use anyhow::Context as _;
use event_store::{ClaimsKey, DynamoDbEventLog};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  strangelog claims --claims-key-file key.txt
  CLAIMS_KEY=… strangelog claims --repair --dry-run      # what would be mended
  CLAIMS_KEY=… strangelog claims --repair --reason 'the table was restored' --yes
  strangelog claims --endpoint http://127.0.0.1:8000

Two live streams that hold one value are named and not mended: a person must change it in one of them. The stream that the
claim names keeps it; if it names neither, the one that has held the value longest is given it. Only that one can give it up:
change its value, then repair again, and the other one has the claim.
--repair first compares, and where something can be mended writes who asked and why to a stream of its own, ops-….
It needs dynamodb:Scan and dynamodb:Query on the events table, dynamodb:Scan and dynamodb:GetItem on the claims table; for
--repair also dynamodb:PutItem and dynamodb:ConditionCheckItem on the first, dynamodb:PutItem and dynamodb:DeleteItem on the second.";

/// Compares the claims on unique values with what the streams hold
///
/// Every stream is folded, and each value that it holds must be claimed by it, and by no other.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Puts right what differs; commands may run meanwhile
    #[arg(long)]
    repair: bool,
    /// The claims table lies under another key than before: every claim is made anew
    #[arg(long)]
    new_key: bool,
    /// A file that holds the secret under which values become keys; else the variable CLAIMS_KEY does
    #[arg(long, value_name = "FILE")]
    claims_key_file: Option<PathBuf>,
    /// Why it is repaired: it stands in a stream for good; needed but for a dry run
    #[arg(long, requires = "repair")]
    reason: Option<String>,
    /// Who asks; else who is logged in
    #[arg(long, value_name = "NAME", requires = "repair")]
    actor: Option<String>,
    #[command(flatten)]
    consent: Consent,
}

impl Args {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        if self.repair && !self.consent.dry_run && self.reason.is_none() {
            let why = "why is it repaired? say it with --reason, or --dry-run";
            return Err(Stop::Usage(why.to_owned()).into());
        }
        let reading = context.reading();
        let secret = match &self.claims_key_file {
            Some(file) => {
                let read = std::fs::read_to_string(file);
                Some(read.with_context(|| file.display().to_string())?)
            }
            // OK because it is no option: what a command line holds, others on the machine can read.
            None => std::env::var("CLAIMS_KEY").ok(),
        };
        let secret = context.connection.claims_key(secret)?;
        let log = context.connection.log(Some(ClaimsKey::new(secret))).await;
        let (findings, summary) = claims::claims(&log, false, self.new_key, &reading).await?;
        let mendable = findings
            .iter()
            .filter(|finding| finding.is_mendable())
            .count();
        let would = format!(
            "{} of {} would be mended",
            mendable,
            counted(findings.len(), "finding")
        );
        if !self.repair || self.consent.dry_run || mendable == 0 {
            reading.progress.finish_and_clear();
            context.output.sentences(&findings, &summary)?;
            eprintln!("{summary}, {}", found(findings.len()));
            if self.repair {
                eprintln!("{would}");
            }
            return Ok(Exit::found(!findings.is_empty()));
        }
        reading.progress.finish_and_clear();
        self.consent.agreed(&would).await?;
        let reading = context.reading();
        self.mend(context, &log, &reading).await
    }

    async fn mend(
        self,
        context: &Context,
        log: &DynamoDbEventLog,
        reading: &Reading,
    ) -> anyhow::Result<Exit> {
        let asking = Asking {
            reason: self.reason.unwrap_or_default(),
            actor: self.actor,
        };
        let operations = context.connection.operations().await;
        let operation = operations.ask_for_claims(&asking).await?;
        let (findings, summary): (Vec<Finding>, Summary) =
            claims::claims(log, true, self.new_key, reading).await?;
        reading.progress.finish_and_clear();
        context.output.sentences(&findings, &summary)?;
        let left = findings.iter().filter(|finding| !finding.mended).count();
        eprintln!("{summary}, {}", found(findings.len()));
        eprintln!(
            "{} mended, {left} left; {operation} says who asked, and why",
            findings.len() - left
        );
        Ok(Exit::found(left > 0))
    }
}
