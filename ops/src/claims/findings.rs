//! What may be wrong with a claim. Values are never named: the kind and the streams are enough to find them.

use crate::counted::counted;
use serde::Serialize;
use std::fmt;

/// Something that is wrong with a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is.
    #[serde(flatten)]
    pub what: What,
    /// Whether it is no longer so.
    pub mended: bool,
}

/// What is wrong with a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum What {
    /// A stream holds a value, and no claim says so.
    Missing {
        /// The kind of value.
        kind: &'static str,
        /// The stream.
        stream: String,
    },
    /// The stream that a claim names does not hold its value, and no other does.
    LeftOver {
        /// The claim's key.
        claim: String,
        /// The stream.
        stream: String,
    },
    /// The claim on a value names another stream than the one that holds it.
    WrongHolder {
        /// The kind of value.
        kind: &'static str,
        /// The stream that holds it.
        stream: String,
        /// The stream that the claim names.
        holder: String,
    },
    /// Two streams hold one value. Only the one that has the claim can give it up.
    Doubled {
        /// The kind of value.
        kind: &'static str,
        /// The stream that has the claim.
        keeper: String,
        /// The other.
        stream: String,
    },
    /// A stream cannot be read, so that nobody knows what it holds.
    Unreadable {
        /// The stream.
        stream: String,
        /// Why.
        why: String,
    },
    /// A claim names no stream.
    Spoiled {
        /// The claim's key.
        claim: String,
    },
    /// A claim names a stream of an aggregate that is not known here.
    Unknown {
        /// The claim's key.
        claim: String,
        /// The stream.
        stream: String,
    },
    /// Commands moved a claim each time it was looked at.
    Unsettled {
        /// The claim's key.
        claim: String,
    },
}

/// What was compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How many streams.
    pub streams: usize,
    /// How many claims.
    pub claims: usize,
}

impl Finding {
    pub(super) fn new(what: What) -> Self {
        Self {
            what,
            mended: false,
        }
    }

    /// Whether it can be mended without a person.
    #[must_use]
    pub fn is_mendable(&self) -> bool {
        match self.what {
            What::Missing { .. } | What::LeftOver { .. } | What::WrongHolder { .. } => true,
            What::Doubled { .. }
            | What::Unreadable { .. }
            | What::Spoiled { .. }
            | What::Unknown { .. }
            | What::Unsettled { .. } => false,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mended = if self.mended { " (mended)" } else { "" };
        write!(formatter, "{}{mended}", self.what)
    }
}

impl fmt::Display for What {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { kind, stream } => {
                write!(
                    formatter,
                    "missing: there is no claim on the {kind} of {stream}"
                )
            }
            Self::LeftOver { claim, stream } => {
                write!(
                    formatter,
                    "left over: {claim} names {stream}, which does not hold it"
                )
            }
            Self::WrongHolder {
                kind,
                stream,
                holder,
            } => write!(
                formatter,
                "wrong holder: the claim on the {kind} of {stream} names {holder}"
            ),
            Self::Doubled {
                kind,
                keeper,
                stream,
            } => write!(
                formatter,
                "doubled: {stream} holds the {kind} of {keeper}; change that of {keeper}, which has the claim, and repair again"
            ),
            Self::Unreadable { stream, why } => {
                write!(
                    formatter,
                    "unreadable: nobody knows what {stream} holds: {why}"
                )
            }
            Self::Spoiled { claim } => {
                write!(formatter, "spoiled: {claim} names no stream; delete it")
            }
            Self::Unknown { claim, stream } => write!(
                formatter,
                "unknown: {claim} names {stream}, whose aggregate this version does not know"
            ),
            Self::Unsettled { claim } => {
                write!(
                    formatter,
                    "unsettled: commands keep moving {claim}; try again"
                )
            }
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { streams, claims } = self;
        let (streams, claims) = (counted(*streams, "stream"), counted(*claims, "claim"));
        write!(formatter, "{streams} and {claims} compared")
    }
}
