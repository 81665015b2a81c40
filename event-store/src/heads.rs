//! How far a stream was seen to reach, kept by the publisher under a role of its own: what was cut off, or recomputed,
//! no longer fits its head.

use crate::Hash;
use serde::{Deserialize, Serialize};

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
