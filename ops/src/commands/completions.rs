//! `strangelog completions`.

use crate::cli::Options;
use crate::exit::Exit;
use crate::output::print;
use clap::CommandFactory;
use clap_complete::{Shell, generate};

const EXAMPLES: &str = "\
Examples:
  strangelog completions bash > ~/.local/share/bash-completion/completions/strangelog
  strangelog completions zsh > ~/.zfunc/_strangelog
  strangelog completions fish > ~/.config/fish/completions/strangelog.fish";

/// Writes what a shell needs to complete commands, options and the names of consumers
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Args {
    pub fn run(self) -> anyhow::Result<Exit> {
        let (mut command, mut script) = (Options::command(), Vec::new());
        let name = command.get_name().to_owned();
        generate(self.shell, &mut command, name, &mut script);
        print(&String::from_utf8(script)?)?;
        Ok(Exit::Done)
    }
}
