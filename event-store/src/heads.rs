//! How far a stream was seen to reach, kept by the publisher under a role of its own: what was cut off, or recomputed,
//! no longer fits its head.

use crate::{Commit, EventLog, Hash, StoreError};
use serde::{Deserialize, Serialize};
use std::future::Future;

/// How often a head is read again after another publisher moved it.
const ATTEMPTS: u32 = 5;
/// How many missing commits are read at a time.
const PIECE: usize = 256;

/// The last commit of a stream that the publisher saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The stream's name.
    pub stream: String,
    /// The version of the commit's last event.
    pub version: u64,
    /// The hash of the commit.
    pub hash: Hash,
}

/// Keeps heads.
pub trait Heads: Send + Sync {
    /// The head of a stream, as the last write left it.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it cannot be read.
    fn head(&self, stream: &str) -> impl Future<Output = Result<Option<Head>, StoreError>> + Send;

    /// Puts a head in place of the one that was read; `false` if that is no longer there.
    ///
    /// # Errors
    /// The store could not do its work.
    fn put(
        &self,
        head: &Head,
        in_place_of: Option<&Head>,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}

/// A head was not advanced over all commits.
#[derive(Debug, thiserror::Error)]
pub enum HeadError {
    /// What is stored was changed behind the service's back: a person has to look.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// Others moved the head each time we tried.
    #[error("the head of a stream did not settle")]
    Conflict,
    /// Commits before those that were brought could not be handed over.
    #[error("what was missing before a commit was not taken")]
    Untold,
    /// The store could not do its work.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A commit that does not follow the head of its stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stream {stream} does not hold together at version {version}: {why}")]
pub struct Broken {
    /// The stream.
    pub stream: String,
    /// The version of the commit's first event.
    pub version: u64,
    /// What is wrong with it.
    pub why: String,
}

/// Why commits do not follow a head.
#[derive(Debug, PartialEq)]
enum Unlinked {
    /// There must be others before the one that has this version.
    Missing(u64),
    Broken(Broken),
}

/// Advances the head of a stream over commits, sorted by version, that the publisher has seen. Those at or below the head
/// are known; those between are read from the log.
///
/// # Errors
/// [`HeadError::Broken`] for a commit that does not follow: the head stays on the one before it, as evidence.
pub async fn advance(
    heads: &impl Heads,
    log: &impl EventLog,
    stream: &str,
    commits: &[Commit],
) -> Result<(), HeadError> {
    advance_telling(heads, log, stream, commits, async |_| true).await
}

/// The same, and hands over each piece of what is read from the log: nobody has brought it. Where that answers `false`, the head
/// stays before the piece.
///
/// # Errors
/// As [`advance`], and [`HeadError::Untold`].
pub async fn advance_telling(
    heads: &impl Heads,
    log: &impl EventLog,
    stream: &str,
    commits: &[Commit],
    tell: impl AsyncFn(&[Commit]) -> bool,
) -> Result<(), HeadError> {
    for _ in 0..ATTEMPTS {
        let known = heads.head(stream).await?;
        let mut head = known.clone().unwrap_or_else(|| Head::before(stream));
        let start = head.version;
        let followed = match follow(log, &mut head, commits, &tell).await {
            Err(HeadError::Store(error)) => return Err(error.into()),
            followed => followed,
        };
        if head.version == start || heads.put(&head, known.as_ref()).await? {
            return followed;
        }
    }
    Err(HeadError::Conflict)
}

impl Head {
    /// That of a stream of which nothing was seen.
    fn before(stream: &str) -> Self {
        Self {
            stream: stream.to_owned(),
            version: 0,
            hash: Hash::default(),
        }
    }

    fn broken(&self, version: u64, why: impl ToString) -> Broken {
        Broken {
            stream: self.stream.clone(),
            version,
            why: why.to_string(),
        }
    }
}

/// Moves a head along commits, and along those of the log that are missing among them.
async fn follow(
    log: &impl EventLog,
    head: &mut Head,
    commits: &[Commit],
    tell: &impl AsyncFn(&[Commit]) -> bool,
) -> Result<(), HeadError> {
    loop {
        let before = match link(head, commits) {
            Ok(()) => return Ok(()),
            Err(Unlinked::Broken(broken)) => return Err(broken.into()),
            Err(Unlinked::Missing(before)) => before,
        };
        let due = head.version + 1;
        let read = log.read(&head.stream, due..=before - 1, PIECE).await;
        let missing = match read {
            Err(StoreError::Corrupt { version, why, .. }) => {
                return Err(head.broken(version, why).into());
            }
            read => read?,
        };
        let start = head.clone();
        match link(head, &missing) {
            Ok(()) if head.version >= due => {
                if !tell(&missing).await {
                    *head = start;
                    return Err(HeadError::Untold);
                }
            }
            Err(Unlinked::Broken(broken)) => return Err(broken.into()),
            Ok(()) | Err(Unlinked::Missing(_)) => {
                let why = format!("a commit is missing before version {before}");
                return Err(head.broken(head.version + 1, why).into());
            }
        }
    }
}

/// Moves a head along commits of its stream, sorted by version, as far as each follows the one before.
fn link(head: &mut Head, commits: &[Commit]) -> Result<(), Unlinked> {
    for commit in commits {
        // OK because it saturates: somebody may have put any number there.
        let due = head.version.saturating_add(1);
        if commit.version < due {
            continue;
        }
        if commit.version > due {
            return Err(Unlinked::Missing(commit.version));
        }
        let broken = |why: &str| Unlinked::Broken(head.broken(due, why));
        if commit.hash() != commit.chain.hash {
            return Err(broken("the commit is not what it was written as"));
        }
        if commit.chain.previous != head.hash {
            return Err(broken("the commit does not follow the one before it"));
        }
        let version = commit
            .last_version()
            .map_err(|error| broken(&error.to_string()))?;
        head.version = version;
        head.hash = commit.chain.hash;
    }
    Ok(())
}

#[cfg(test)]
#[path = "heads_tests.rs"]
pub(crate) mod tests;
