//! What the tool ends with, for scripts.

use event_store::stream_id;
use std::fmt;
use std::process::ExitCode;
use uuid::Uuid;

/// What `--help` says of it.
pub(crate) const CODES: &str = "\
Exit codes:
  0    it is done, or nothing was found
  1    something was found: a finding, a document or a decision that would come out otherwise, a stream that is behind
  2    wrong use; or a change that nobody agreed to, as --yes is missing and there is no terminal to ask on
  3    it could not be done
  4    a rule refuses it
  5    there is no such stream
  130  Ctrl-C; `tail` ends so, with 0

What was found is on stdout, with --output json or jsonl for programs; how far it is, and what it amounts to, on stderr.";

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It is done, or nothing was found.
    Done,
    /// Something was found.
    Found,
    /// Wrong use; it is clap's code, too.
    Usage,
    /// It could not be done.
    Failed,
    /// A rule refuses it.
    Refused,
    /// There is no such stream.
    Unknown,
    /// Ctrl-C.
    Interrupted,
}

impl Exit {
    /// Something was found, or not.
    pub(crate) fn found(is_found: bool) -> Self {
        if is_found { Self::Found } else { Self::Done }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Found => 1,
            Exit::Usage => 2,
            Exit::Failed => 3,
            Exit::Refused => 4,
            Exit::Unknown => 5,
            Exit::Interrupted => 130,
        })
    }
}

/// Why it goes no further, where that has an exit code of its own.
#[derive(Debug)]
pub enum Stop {
    /// What was asked for makes no sense.
    Usage(String),
    /// A rule refuses it.
    Refused(String),
    /// Nothing was ever stored under this name.
    UnknownStream(String),
}

impl Stop {
    fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Refused(_) => Exit::Refused,
            Self::UnknownStream(_) => Exit::Unknown,
        }
    }
}

impl std::error::Error for Stop {}

impl fmt::Display for Stop {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(why) | Self::Refused(why) => formatter.write_str(why),
            Self::UnknownStream(stream) if stream_id(stream).parse::<Uuid>().is_ok() => {
                write!(formatter, "there is no stream {stream}")
            }
            Self::UnknownStream(stream) => write!(
                formatter,
                "there is no stream {stream}: a name is like user-01a1e50a-5950-7a61-8fa4-5be3d833d61d"
            ),
        }
    }
}

/// What an error ends with.
pub(crate) fn of(error: &anyhow::Error) -> Exit {
    error
        .downcast_ref::<Stop>()
        .map_or(Exit::Failed, Stop::exit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn what_was_said_around_an_error_does_not_change_what_it_ends_with() {
        let stop = || Err::<(), _>(Stop::UnknownStream("user-1".into()));
        let error = stop().context("the history").expect_err("it stops");
        assert_eq!(of(&error), Exit::Unknown);
        assert_eq!(of(&anyhow::anyhow!("no stream")), Exit::Failed);
    }
}
