//! A commit as an item of DynamoDB: what serde makes of it, made by hand, since every read and write pays for it.

use crate::schema::{CHAIN, DIGEST, EVENTS, METADATA, SNAPSHOT, STREAM, VERSION};
use crate::{Chain, Commit, StoreError};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::HashMap;

pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) fn encode(commit: &Commit) -> Item {
    let text = |text: &String| AttributeValue::S(text.clone());
    let bytes = |bytes: &[u8]| AttributeValue::B(Blob::new(bytes));
    let Chain { previous, hash } = &commit.chain;
    let chain = [*previous.as_bytes(), *hash.as_bytes()].concat();
    let always = [
        (STREAM, text(&commit.stream)),
        (VERSION, AttributeValue::N(commit.version.to_string())),
        (EVENTS, text(&commit.events)),
        (METADATA, text(&commit.metadata)),
        (CHAIN, AttributeValue::B(Blob::new(chain))),
    ];
    let digest = commit.digest.as_ref().map(|hash| bytes(hash.as_bytes()));
    let snapshot = commit.snapshot.as_ref().map(text);
    let sometimes = [(DIGEST, digest), (SNAPSHOT, snapshot)];
    let sometimes = sometimes
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    let all = always.into_iter().chain(sometimes);
    all.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The commit of `stream` that an item holds; what is missing, or of another type, is corrupt.
pub(crate) fn decode(stream: &str, mut item: Item) -> Result<Commit, StoreError> {
    let version = version(&item);
    let corrupt = |name| {
        let why = format!("its {name} is missing, or not what it should be");
        StoreError::corrupt(stream, version.unwrap_or_default(), why)
    };
    let chain = bytes(item.remove(CHAIN)).and_then(|bytes| {
        let (previous, hash) = bytes.split_at_checked(32)?;
        Some(Chain {
            previous: previous.try_into().ok()?,
            hash: hash.try_into().ok()?,
        })
    });
    // OK because a snapshot is only a shortcut: one that is not what it should be is passed over, and does no harm.
    let digest = bytes(item.remove(DIGEST)).and_then(|bytes| bytes.as_slice().try_into().ok());
    let snapshot = item.remove(SNAPSHOT);
    let snapshot = snapshot.map(|value| text(Some(value)).unwrap_or_default());
    let mut text = |name| text(item.remove(name)).ok_or_else(|| corrupt(name));
    Ok(Commit {
        stream: text(STREAM)?,
        version: version.ok_or_else(|| corrupt(VERSION))?,
        events: text(EVENTS)?,
        metadata: text(METADATA)?,
        chain: chain.ok_or_else(|| corrupt(CHAIN))?,
        digest,
        snapshot,
    })
}

/// A commit's version and its events, of an item that may hold no more than these.
pub(crate) fn decode_events(stream: &str, mut item: Item) -> Result<(u64, String), StoreError> {
    let version = version(&item);
    let events = text(item.remove(EVENTS));
    version.zip(events).ok_or_else(|| {
        let why = "its version or its events are missing";
        StoreError::corrupt(stream, version.unwrap_or_default(), why)
    })
}

pub(crate) fn version(item: &Item) -> Option<u64> {
    item.get(VERSION)?.as_n().ok()?.parse().ok()
}

fn text(value: Option<AttributeValue>) -> Option<String> {
    match value {
        Some(AttributeValue::S(text)) => Some(text),
        _ => None,
    }
}

fn bytes(value: Option<AttributeValue>) -> Option<Vec<u8>> {
    match value {
        Some(AttributeValue::B(bytes)) => Some(bytes.into_inner()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Hash;

    fn commit(snapshot: Option<&str>) -> Commit {
        Commit {
            stream: "door-1".into(),
            version: 7,
            events: "[]".into(),
            metadata: "{}".into(),
            chain: Chain {
                previous: Hash::of(&[b"one"]),
                hash: Hash::of(&[b"two"]),
            },
            digest: snapshot.map(|snapshot| Hash::of(&[snapshot.as_bytes()])),
            snapshot: snapshot.map(str::to_owned),
        }
    }

    #[test]
    fn an_item_is_what_serde_makes_of_it() {
        for commit in [commit(None), commit(Some("{}"))] {
            let item: Item = serde_dynamo::to_item(&commit).expect("it has an item");
            assert_eq!(encode(&commit), item);
            assert_eq!(decode("door-1", item).expect("it is whole"), commit);
        }
    }

    #[test]
    fn a_snapshot_of_another_type_is_no_snapshot_and_no_error() {
        for name in [DIGEST, SNAPSHOT] {
            let mut item = encode(&commit(Some("{}")));
            item.insert(name.to_owned(), AttributeValue::Bool(true));
            let commit = decode("door-1", item).expect("it is whole");
            assert!(commit.snapshot.is_some() && !commit.has_its_snapshot());
        }
    }

    #[test]
    fn what_is_missing_or_of_another_type_is_named() {
        let whole = encode(&commit(Some("{}")));
        for name in [STREAM, VERSION, EVENTS, METADATA, CHAIN] {
            let mut item = whole.clone();
            item.remove(name);
            let error = decode("door-1", item).expect_err(name).to_string();
            assert!(error.contains(&format!("its {name} is")), "{error}");
        }
        for name in [STREAM, VERSION, EVENTS, METADATA, CHAIN] {
            let mut item = whole.clone();
            item.insert(name.to_owned(), AttributeValue::Bool(true));
            let error = decode("door-1", item).expect_err(name).to_string();
            assert!(error.contains(&format!("its {name} is")), "{error}");
        }
    }
}
