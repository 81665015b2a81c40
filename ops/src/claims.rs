//! `strangelog claims`: compares the claims table with what the streams hold, and mends it.
//!
//! What differs at first sight is looked at again, as commands go on meanwhile; every mend is one transaction that also
//! proves that the stream has not moved since.

mod findings;
mod judge;

pub use findings::{Finding, Summary, What};

use crate::held::held;
use crate::pages::{Reading, all};
use anyhow::bail;
use event_store::{AppendError, Batch, ClaimChange, DynamoDbEventLog, EventLog, StoreError};
use futures_util::{StreamExt, TryStreamExt, stream};
use judge::{Fault, Mend, judge};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How many streams are folded, or claims mended, side by side.
const SIDE_BY_SIDE: usize = 16;
/// How often a claim is looked at again while commands move it.
const ATTEMPTS: u64 = 8;

/// Compares all claims, and mends them if that is asked for. With `new_key` it is no surprise that none is found.
///
/// # Errors
/// A table cannot be read or written, or the claims lie under another key.
pub async fn claims(
    log: &DynamoDbEventLog,
    repair: bool,
    new_key: bool,
    reading: &Reading,
) -> anyhow::Result<(Vec<Finding>, Summary)> {
    reading.progress.set_message("streams");
    let rows = all(reading, |segment, from| log.rows(segment, from)).await?;
    let streams = all(reading, |segment, from| log.streams(segment, from)).await?;
    let summary = Summary {
        streams: streams.len(),
        claims: rows.len(),
    };
    let mut findings = Vec::new();
    // The streams that have to do with each claim.
    let mut wanted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let folds = stream::iter(streams).map(|stream| async move {
        let folded = held(log, &stream).await;
        (stream, folded)
    });
    let mut folds = folds.buffer_unordered(SIDE_BY_SIDE);
    while let Some((stream, folded)) = folds.next().await {
        reading.progress.inc(1);
        match folded {
            Ok(held) => {
                for (key, _) in held.into_iter().flat_map(|held| held.claims) {
                    wanted.entry(key).or_default().insert(stream.clone());
                }
            }
            Err(StoreError::Corrupt { why, .. }) => {
                findings.push(Finding::new(What::Unreadable { stream, why }));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let known = rows.iter().any(|row| wanted.contains_key(&row.key));
    if !known && !rows.is_empty() && !wanted.is_empty() && !new_key {
        bail!(
            "none of the {} claims is one of the {} that the streams hold, as if they lay under another key: \
             check CLAIMS_KEY; to make them all anew under this one, stop the commands and add --new-key",
            rows.len(),
            wanted.len()
        );
    }
    let mut suspects = wanted;
    for row in rows {
        let holder: BTreeSet<_> = row.stream.into_iter().collect();
        match suspects.remove(&row.key) {
            Some(streams) if streams == holder => {}
            streams => {
                let all = streams.into_iter().flatten().chain(holder).collect();
                suspects.insert(row.key, all);
            }
        }
    }
    let settled = stream::iter(suspects)
        .map(|(key, streams)| async move { settle(log, &key, streams, repair).await });
    let settled: Vec<_> = settled.buffered(SIDE_BY_SIDE).try_collect().await?;
    findings.extend(settled.into_iter().flatten());
    let mut named = BTreeSet::new();
    findings.retain(|finding| named.insert(finding.to_string()));
    Ok((findings, summary))
}

/// Finds out what is wrong with a claim, if anything still is, and mends it.
async fn settle(
    log: &DynamoDbEventLog,
    key: &str,
    mut streams: BTreeSet<String>,
    repair: bool,
) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    'again: for attempt in 1..=ATTEMPTS {
        let Some(faults) = judge(log, key, &mut streams).await? else {
            tokio::time::sleep(Duration::from_millis(20 * attempt)).await;
            continue;
        };
        let mut found = Vec::new();
        for Fault { what, mends } in faults {
            let mut finding = Finding::new(what);
            for mend in mends.iter().filter(|_| repair) {
                match done(log, key, mend).await {
                    Ok(()) => finding.mended = true,
                    Err(AppendError::Store(error)) => return Err(error),
                    Err(_) => {
                        // Somebody was quicker, which may have mended it, too.
                        findings.extend(Some(finding).filter(|finding| finding.mended));
                        tokio::time::sleep(Duration::from_millis(20 * attempt)).await;
                        continue 'again;
                    }
                }
            }
            found.push(finding);
        }
        findings.extend(found);
        return Ok(findings);
    }
    findings.push(Finding::new(What::Unsettled {
        claim: key.to_owned(),
    }));
    Ok(findings)
}

async fn done(log: &DynamoDbEventLog, key: &str, mend: &Mend) -> Result<(), AppendError> {
    match mend {
        Mend::Discard(holder) => log.discard(key, holder).await,
        Mend::Take(holder, claim) => {
            let change = ClaimChange::Take(claim.clone());
            let batch = Batch {
                unchanged: vec![holder.clone()],
                claims: vec![(holder.stream.clone(), change)],
                ..Batch::default()
            };
            log.append(&batch).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::tests::backend::Backend;
    use ::tests::users::{create, rename, run, stream};
    use decider::Claim;
    use event_store::Position;
    use uuid::Uuid;

    #[tokio::test]
    async fn nothing_is_mended_once_the_stream_has_moved() {
        let backend = Backend::embedded().await;
        let (log, id) = (backend.log(), Uuid::now_v7());
        for command in [create("sarah@example.com"), rename("Mei")] {
            run(&log, &backend.clock, id, &command).await.expect("done");
        }
        let claim = |email: &str| Claim {
            kind: "email",
            canonical: email.to_owned(),
        };
        let at = |version| Position {
            stream: stream(id),
            version,
        };
        let (held, wanted) = (claim("sarah@example.com"), claim("mei@example.com"));
        for (mend, claim) in [
            (Mend::Take(at(1), wanted.clone()), &wanted),
            (Mend::Discard(at(1)), &held),
        ] {
            let key = log.claim_key(claim).expect("a key");
            let before = log.row(&key).await.expect("readable");
            let stale = done(&log, &key, &mend).await;
            assert!(matches!(stale, Err(AppendError::Conflict)), "{stale:?}");
            assert_eq!(log.row(&key).await.expect("readable"), before);
        }
    }
}
