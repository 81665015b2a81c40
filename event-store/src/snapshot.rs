//! The state of a stream beside one of its commits: a shortcut that nothing depends on.

use crate::ring::Ring;
use crate::{Commit, StoreError, Stream};
use decider::Decider;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Why a snapshot is not used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("there is none")]
    Absent,
    #[error("it is of another evolve, number {0}")]
    OtherNumber(u32),
    #[error("it is not the one that was written")]
    Forged,
    #[error("it cannot be read: {0}")]
    Undecodable(String),
}

#[derive(Serialize)]
struct Written<'a, S> {
    evolve_version: u32,
    ring: String,
    state: &'a S,
}

#[derive(Deserialize)]
struct Read<'a> {
    evolve_version: u32,
    ring: String,
    #[serde(borrow)]
    state: &'a RawValue,
}

/// The text of a stream's snapshot; `None` for a state that has no JSON.
pub(crate) fn take<D: Decider<State: Serialize>>(stream: &Stream<D>) -> Option<String> {
    let written = Written {
        evolve_version: D::EVOLVE_VERSION,
        ring: stream.ring.pack(stream.version),
        state: &stream.state,
    };
    serde_json::to_string(&written).ok()
}

/// The stream that a commit's snapshot makes. Of the commit that follows it, if it is at hand, it is asked that it does.
pub(crate) fn open<D: Decider<State: DeserializeOwned>>(
    commit: &Commit,
    follower: Option<&Commit>,
) -> Result<Stream<D>, Unusable> {
    let undecodable = |error: serde_json::Error| Unusable::Undecodable(error.to_string());
    let text = commit.snapshot.as_deref().ok_or(Unusable::Absent)?;
    let follows = |follower: &Commit| follower.chain.previous == commit.chain.hash;
    if !commit.has_its_snapshot()
        || commit.hash() != commit.chain.hash
        || !follower.is_none_or(follows)
    {
        return Err(Unusable::Forged);
    }
    let read: Read<'_> = serde_json::from_str(text).map_err(undecodable)?;
    if read.evolve_version != D::EVOLVE_VERSION {
        return Err(Unusable::OtherNumber(read.evolve_version));
    }
    let beside = |error: StoreError| Unusable::Undecodable(error.to_string());
    let version = commit.last_version().map_err(beside)?;
    let ring = Ring::unpack(&read.ring, version)
        .ok_or_else(|| Unusable::Undecodable("its ring is broken".to_owned()))?;
    Ok(Stream {
        state: serde_json::from_str(read.state.get()).map_err(undecodable)?,
        version,
        timestamp: commit.stamp().map_err(beside)?.timestamp,
        passed_over: 0,
        hash: commit.chain.hash,
        ring,
        since_snapshot: 0,
    })
}
