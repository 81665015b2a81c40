//! Whether what changes things is to be done: a person agrees on a terminal, or a script says so.

use crate::exit::Stop;
use crate::output::{Output, plain};
use clap::Args;
use serde::Serialize;
use std::io::{self, IsTerminal, Write};

/// How somebody agrees.
#[derive(Clone, Debug, Args)]
pub struct Consent {
    /// Says what would be done, and writes nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Asks no more; needed where there is no terminal to ask on
    #[arg(long)]
    pub yes: bool,
}

/// Who asks, and why.
#[derive(Clone, Debug, Args)]
pub struct Why {
    /// Why: it stands in a stream for good; needed but for a dry run
    #[arg(long, required_unless_present = "dry_run")]
    pub reason: Option<String>,
    /// Who asks; else who is logged in
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
}

/// What was done, or would be.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// Nothing was written.
    pub dry_run: bool,
    /// The stream that says who asked, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// In words.
    pub said: String,
}

impl Consent {
    /// Whether it is to be done; otherwise it was a dry run, and nothing is.
    ///
    /// # Errors
    /// Nobody agreed.
    pub async fn agreed(&self, what: &str) -> anyhow::Result<bool> {
        if self.dry_run {
            return Ok(false);
        }
        if self.yes {
            return Ok(true);
        }
        if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
            let why = format!(
                "this changes things, and there is no terminal to ask on: say --yes, or --dry-run; asked for was: {what}"
            );
            return Err(Stop::Usage(why).into());
        }
        eprint!("{}. Shall it be done? [y/N] ", plain(what));
        io::stderr().flush()?;
        // OK because a terminal is waited for as long as it takes, and Ctrl-C is heard meanwhile.
        let answer = tokio::task::spawn_blocking(|| {
            let mut answer = String::new();
            io::stdin().read_line(&mut answer).map(|_| answer)
        });
        let answer = answer.await??;
        match answer.trim().to_lowercase().as_str() {
            "y" | "yes" => Ok(true),
            _ => Err(Stop::Usage("nothing was done, as nobody agreed".to_owned()).into()),
        }
    }
}

impl Told {
    /// What was done, and the stream that says who asked for it.
    pub fn done(operation: String, said: String) -> Self {
        Self {
            dry_run: false,
            operation: Some(operation),
            said,
        }
    }

    /// What would be done.
    pub fn dry(said: String) -> Self {
        Self {
            dry_run: true,
            operation: None,
            said,
        }
    }

    /// Says so.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, output: Output) -> anyhow::Result<()> {
        let dry = if self.dry_run {
            "a dry run, nothing is written: "
        } else {
            ""
        };
        output.document(self, || format!("{dry}{}\n", plain(&self.said)))
    }
}
