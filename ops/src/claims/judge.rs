//! What is wrong with one claim, and what mends it.

use super::What;
use crate::held::{Held, held, held_since};
use decider::Claim;
use event_store::{DynamoDbEventLog, Position, Row, StoreError};
use std::collections::BTreeSet;

/// Something that is wrong, with what puts it right; nothing does if a person has to.
pub struct Fault {
    pub what: What,
    pub mends: Vec<Mend>,
}

/// A change of a claim, on the condition that its stream is still where it was.
pub enum Mend {
    /// The claim is taken from the stream that it names.
    Discard(Position),
    /// The stream takes the claim.
    Take(Position, Claim),
}

/// The streams that have to do with a claim, folded.
enum Folded {
    Held(Vec<Held>),
    /// One of them cannot be judged.
    Not(What),
}

/// Judges a claim by the streams that may have to do with it, and the one that the row names. `None` if one of them moved
/// meanwhile: commands change a stream and its claims at once, so that both are known only while the stream stands still.
pub async fn judge(
    log: &DynamoDbEventLog,
    key: &str,
    streams: &mut BTreeSet<String>,
) -> Result<Option<Vec<Fault>>, StoreError> {
    let before = fold(log, key, streams).await?;
    let row = log.row(key).await?;
    let holder = row.as_ref().and_then(|row| row.stream.clone());
    if holder.is_some_and(|holder| streams.insert(holder)) {
        return Ok(None);
    }
    let after = fold(log, key, streams).await?;
    match (before, after) {
        (_, Folded::Not(what)) => Ok(Some(vec![unmended(what)])),
        (Folded::Held(before), Folded::Held(after)) if after == before => {
            faults(log, key, row, &after).await.map(Some)
        }
        (Folded::Held(_) | Folded::Not(_), Folded::Held(_)) => Ok(None),
    }
}

async fn fold(
    log: &DynamoDbEventLog,
    key: &str,
    streams: &BTreeSet<String>,
) -> Result<Folded, StoreError> {
    let mut folded = Vec::new();
    for stream in streams {
        match held(log, stream).await {
            Ok(Some(held)) => folded.push(held),
            Ok(None) => {
                let (claim, stream) = (key.to_owned(), stream.clone());
                return Ok(Folded::Not(What::Unknown { claim, stream }));
            }
            Err(StoreError::Corrupt { why, .. }) => {
                let stream = stream.clone();
                return Ok(Folded::Not(What::Unreadable { stream, why }));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Folded::Held(folded))
}

async fn faults(
    log: &DynamoDbEventLog,
    key: &str,
    row: Option<Row>,
    streams: &[Held],
) -> Result<Vec<Fault>, StoreError> {
    let is_spoiled = row.as_ref().is_some_and(|row| row.stream.is_none());
    let holder = row.and_then(|row| row.stream);
    let named = streams
        .iter()
        .find(|held| Some(&held.at.stream) == holder.as_ref());
    let holding = streams
        .iter()
        .filter_map(|held| Some((held, held.under(key)?)));
    let holding: Vec<_> = holding.collect();
    let Some((keeper, claim)) = keeper(log, &holding, holder.as_deref()).await? else {
        let claim = key.to_owned();
        return Ok(match named {
            Some(Held { at, .. }) => vec![Fault {
                what: What::LeftOver {
                    claim,
                    stream: at.stream.clone(),
                },
                mends: vec![Mend::Discard(at.clone())],
            }],
            None if is_spoiled => vec![unmended(What::Spoiled { claim })],
            None => Vec::new(),
        });
    };
    let (kind, stream) = (claim.kind, keeper.at.stream.clone());
    let take = Mend::Take(keeper.at.clone(), claim.clone());
    let mut faults = match named {
        Some(Held { at, .. }) if *at == keeper.at => Vec::new(),
        Some(Held { at, .. }) => vec![Fault {
            what: What::WrongHolder {
                kind,
                stream: stream.clone(),
                holder: at.stream.clone(),
            },
            mends: vec![Mend::Discard(at.clone()), take],
        }],
        None => vec![Fault {
            what: What::Missing {
                kind,
                stream: stream.clone(),
            },
            mends: vec![take],
        }],
    };
    let others = holding.iter().filter(|(held, _)| held.at != keeper.at);
    faults.extend(others.map(|(other, _)| {
        unmended(What::Doubled {
            kind,
            keeper: stream.clone(),
            stream: other.at.stream.clone(),
        })
    }));
    Ok(faults)
}

/// Of the streams that hold a value, the one that keeps it: that which the row names, else that which has held it longest.
async fn keeper<'a>(
    log: &DynamoDbEventLog,
    holding: &[(&'a Held, &'a Claim)],
    named: Option<&str>,
) -> Result<Option<(&'a Held, &'a Claim)>, StoreError> {
    let is_named = |(held, _): &&(&Held, &Claim)| Some(held.at.stream.as_str()) == named;
    match holding {
        [only] => return Ok(Some(*only)),
        holding => {
            if let Some(keeper) = holding.iter().find(is_named) {
                return Ok(Some(*keeper));
            }
        }
    }
    let mut ranked = Vec::new();
    for (held, claim) in holding {
        let since = held_since(log, &held.at.stream, claim).await?;
        ranked.push((since.is_none(), since, *held, *claim));
    }
    let longest = ranked
        .into_iter()
        .min_by_key(|(never, since, held, _)| (*never, *since, held.at.stream.clone()));
    Ok(longest.map(|(.., held, claim)| (held, claim)))
}

fn unmended(what: What) -> Fault {
    Fault {
        what,
        mends: Vec::new(),
    }
}
