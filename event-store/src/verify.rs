//! Whether a stream is as the service wrote it: what was changed behind its back, and where.

use crate::{Commit, Hash, Head, Position};
use serde::Serialize;
use std::fmt;

/// Goes along the commits of one stream, in order, with the head that the publisher kept.
pub struct Verifier {
    stream: String,
    head: Option<Head>,
    meets_head: bool,
    /// The stream's version so far.
    end: u64,
    /// What the next commit must name as the hash before it; `None` after one that cannot be trusted to say.
    link: Option<Hash>,
    /// The last commit cannot be trusted to say how many events it has.
    is_open: bool,
    findings: Vec<Finding>,
}

/// Something that was changed, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The stream.
    pub stream: String,
    /// The version of the first event that is concerned.
    pub version: u64,
    /// What was changed.
    #[serde(flatten)]
    pub what: What,
}

/// What was changed in a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum What {
    /// The commit does not hash to its hash.
    Edited,
    /// The snapshot beside the commit is not the one that was written.
    SnapshotEdited,
    /// Commits are missing.
    Removed {
        /// The last version that is missing.
        to: u64,
    },
    /// The commit lies inside another.
    Inserted,
    /// The commit is whole, but another came before it when it was written.
    DoesNotFollow,
    /// The stream ends before its head.
    CutOff {
        /// The version that the publisher saw it reach.
        head: u64,
    },
    /// The commits are whole and in order, but not those that the publisher saw.
    Recomputed,
    /// A command wrote to several streams, and its commit is not in this one.
    MissingPart {
        /// Where one of its other commits lies.
        of: Position,
    },
    /// The item is not a commit.
    Unreadable {
        /// Why.
        why: String,
    },
}

impl Verifier {
    /// For the stream of this name; without a head, which the publisher may not have written yet, an end that is missing
    /// goes unnoticed.
    pub fn new(stream: impl Into<String>, head: Option<Head>) -> Self {
        Self {
            stream: stream.into(),
            meets_head: head.is_none(),
            head,
            end: 0,
            link: Some(Hash::default()),
            is_open: false,
            findings: Vec::new(),
        }
    }

    /// The next commit.
    pub fn commit(&mut self, commit: &Commit) {
        let last = match commit.events() {
            Ok(events) if !events.is_empty() => {
                // OK because it saturates: an item may lie at any version.
                let more = events.len() as u64 - 1;
                commit.version.saturating_add(more)
            }
            Ok(_) => return self.unreadable(commit.version, "it has no events"),
            Err(error) => return self.unreadable(commit.version, error),
        };
        let (due, version) = (self.end.saturating_add(1), commit.version);
        if version < due && !self.is_open {
            // OK because the commit around it goes on to be what the next one must follow.
            return self.found(version, What::Inserted);
        }
        if version > due && !self.is_open {
            self.found(due, What::Removed { to: version - 1 });
            self.link = None;
        }
        let is_whole = commit.hash() == commit.chain.hash;
        if !is_whole {
            self.found(version, What::Edited);
        } else if self.link.is_some_and(|link| link != commit.chain.previous) {
            self.found(version, What::DoesNotFollow);
        }
        if commit.snapshot.is_some() && !commit.has_its_snapshot() {
            self.found(version, What::SnapshotEdited);
        }
        // Either hash may be the one that was edited.
        let hashes = [commit.chain.hash, commit.hash()];
        let is_head = |head: &Head| hashes.contains(&head.hash);
        self.meets_head |= self.head.as_ref().is_some_and(is_head);
        self.end = last;
        self.link = is_whole.then_some(commit.chain.hash);
        self.is_open = !is_whole;
    }

    /// The next item is no commit; `version` is 0 if it lies where none can lie.
    pub fn unreadable(&mut self, version: u64, why: impl ToString) {
        let why = why.to_string();
        self.found(version, What::Unreadable { why });
        if version == 0 {
            // OK because no commit can lie there: those around it are as they were.
            return;
        }
        // Nobody knows where it ended, so that the head may have been there.
        let is_head = |head: &Head| head.version >= version;
        self.meets_head |= self.head.as_ref().is_some_and(is_head);
        self.end = version;
        self.link = None;
        self.is_open = true;
    }

    /// Whether the publisher has seen the stream.
    pub fn has_head(&self) -> bool {
        self.head.is_some()
    }

    /// What was found, once there are no more commits.
    pub fn finish(mut self) -> Vec<Finding> {
        let unmet = self.head.take().filter(|_| !self.meets_head);
        if let Some(Head { version, .. }) = unmet {
            if self.end < version {
                self.found(self.end + 1, What::CutOff { head: version });
            } else {
                self.found(version, What::Recomputed);
            }
        }
        self.findings
    }

    fn found(&mut self, version: u64, what: What) {
        let stream = self.stream.clone();
        self.findings.push(Finding {
            stream,
            version,
            what,
        });
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            stream,
            version,
            what,
        } = self;
        write!(formatter, "{stream} at version {version}: {what}")
    }
}

impl fmt::Display for What {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edited => formatter.write_str("edited: the commit is not what it was written as"),
            Self::SnapshotEdited => {
                formatter.write_str("snapshot edited: it is not the one that was written")
            }
            Self::Removed { to } => {
                write!(formatter, "removed: nothing is left up to version {to}")
            }
            Self::Inserted => {
                formatter.write_str("inserted: the version lies inside another commit")
            }
            Self::DoesNotFollow => formatter
                .write_str("does not follow: the commit before it was another when it was written"),
            Self::CutOff { head } => {
                write!(formatter, "cut off: the stream once reached version {head}")
            }
            Self::Recomputed => formatter.write_str(
                "recomputed: the commits up to here are not those that the publisher saw",
            ),
            Self::MissingPart {
                of: Position { stream, version },
            } => write!(
                formatter,
                "missing part: what was written together with {stream} at version {version} is not here"
            ),
            Self::Unreadable { why } => write!(formatter, "unreadable: {why}"),
        }
    }
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
