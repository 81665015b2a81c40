//! Which parts are missing of commands over several streams that seem torn.
//!
//! A transaction's commits come into sight one by one, moments apart, also to consistent reads. So what is still missing when
//! it is looked at is looked at once more, a moment later.

use event_store::{Commit, EventLog, Finding, Parts, Position, StoreError, What};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::time::Duration;

/// How many commands are looked at side by side.
const SIDE_BY_SIDE: usize = 8;
/// How long after its first commit all of a transaction are in sight, and far longer.
const MOMENT: Duration = Duration::from_secs(1);

/// A command of which parts are missing.
pub(crate) struct Torn {
    /// Where the commit lies that names them.
    at: Position,
    /// A finding for each.
    pub findings: Vec<Finding>,
}

/// Those that are torn of the commands that have a commit at these positions.
pub(crate) async fn torn(
    log: &impl EventLog,
    suspects: Vec<Position>,
) -> Result<Vec<Torn>, StoreError> {
    let seem_torn = look(log, suspects).await?;
    if seem_torn.is_empty() {
        return Ok(seem_torn);
    }
    tokio::time::sleep(MOMENT).await;
    let suspects = seem_torn.into_iter().map(|torn| torn.at);
    look(log, suspects.collect()).await
}

async fn look(log: &impl EventLog, suspects: Vec<Position>) -> Result<Vec<Torn>, StoreError> {
    let looks = stream::iter(suspects).map(|at| async move {
        let findings = missing(log, &at).await?;
        Ok(Torn { at, findings })
    });
    let looked = looks.buffered(SIDE_BY_SIDE);
    let torn = looked.try_filter(|torn| std::future::ready(!torn.findings.is_empty()));
    torn.try_collect().await
}

/// The parts that are named by the commit at a position, and are not there.
async fn missing(log: &impl EventLog, of: &Position) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    let parts = match read(log, of).await {
        Err(StoreError::Corrupt { .. }) => None,
        found => found?.first().and_then(Parts::of),
    };
    let Some(parts) = parts else {
        return Ok(findings);
    };
    for at in parts.positions() {
        if !is_there(log, &parts, at).await? {
            findings.push(Finding {
                stream: at.stream.clone(),
                version: at.version,
                what: What::MissingPart { of: of.clone() },
            });
        }
    }
    Ok(findings)
}

async fn is_there(log: &impl EventLog, parts: &Parts, at: &Position) -> Result<bool, StoreError> {
    if !at.is_possible() {
        return Ok(false);
    }
    match read(log, at).await {
        // OK because its own stream reports it as unreadable.
        Err(StoreError::Corrupt { .. }) => Ok(true),
        found => Ok(found?.iter().any(|commit| parts.has(commit))),
    }
}

async fn read(log: &impl EventLog, at: &Position) -> Result<Vec<Commit>, StoreError> {
    log.read(&at.stream, at.version..=at.version, 1).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::tests::account::{Command, run, transfer, unkeyed};
    use event_store::{Batch, Cache, MemoryEventLog, ServiceClock};

    /// The commits of a transfer.
    async fn made() -> [Commit; 3] {
        let (log, clock, cache) = (
            MemoryEventLog::default(),
            ServiceClock::default(),
            Cache::none(),
        );
        for name in ["account-1", "account-2"] {
            for command in [Command::Open(name), Command::Deposit(1, 1)] {
                let done = run(&cache, &log, &clock, &unkeyed(), name, &command).await;
                done.expect("done");
            }
        }
        let names = ["transfer-1", "account-1", "account-2"];
        let made = transfer(&log, &clock, &unkeyed(), names, 1).await;
        made.expect("made");
        let parts = names.map(|name| log.newest(name, 1..=u64::MAX, 1));
        let parts = futures_util::future::try_join_all(parts).await;
        let parts: Vec<_> = parts.expect("readable").into_iter().flatten().collect();
        parts.try_into().expect("three")
    }

    #[tokio::test]
    async fn a_part_that_comes_into_sight_a_moment_later_is_not_missing() {
        let (log, [transfer, from, to]) = (MemoryEventLog::default(), made().await);
        let place = |commit: &Commit| Position {
            stream: commit.stream.clone(),
            version: commit.version,
        };
        for commit in [&transfer, &to] {
            let part = Batch::of(commit.clone());
            log.append(&part).await.expect("appended");
        }
        let suspects = || vec![place(&transfer)];
        let missing = torn(&log, suspects()).await.expect("readable");
        assert_eq!(missing.len(), 1);
        let expected = Finding {
            stream: from.stream.clone(),
            version: from.version,
            what: What::MissingPart {
                of: place(&transfer),
            },
        };
        assert_eq!(missing[0].findings, [expected]);
        let (looked, last) = (torn(&log, suspects()), Batch::of(from));
        let comes = async {
            tokio::time::sleep(MOMENT / 4).await;
            log.append(&last).await
        };
        let (missing, came) = tokio::join!(looked, comes);
        came.expect("appended");
        assert_eq!(missing.expect("readable").len(), 0);
    }

    #[tokio::test]
    async fn a_suspect_that_is_gone_by_now_names_nothing() {
        let gone = Position {
            stream: "transfer-1".to_owned(),
            version: 1,
        };
        let torn = torn(&MemoryEventLog::default(), vec![gone]).await;
        assert_eq!(torn.expect("readable").len(), 0);
    }
}
