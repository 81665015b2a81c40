//! Unique values: each is an item of its own, keyed by an HMAC, so that the table reveals none of them.

use crate::Position;
use crate::schema::{EXPIRES, STREAM, VERSION};
use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};
use decider::Claim;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::collections::HashMap;
use std::fmt::{self, Debug, Write};
use uuid::Uuid;

/// The kind under which the commands lie that were done.
pub const COMMAND: &str = "command";

/// A claim that a commit takes or gives up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimChange {
    /// The stream wants the value for itself.
    Take(Claim),
    /// The stream no longer holds the value.
    Release(Claim),
}

impl ClaimChange {
    /// What has to change for a stream that held `before` to hold `after`.
    pub fn between(before: &[Claim], after: &[Claim]) -> Vec<Self> {
        let taken = after.iter().filter(|claim| !before.contains(claim));
        let released = before.iter().filter(|claim| !after.contains(claim));
        taken
            .cloned()
            .map(Self::Take)
            .chain(released.cloned().map(Self::Release))
            .collect()
    }

    /// The claim that is taken or released.
    pub fn claim(&self) -> &Claim {
        match self {
            Self::Take(claim) | Self::Release(claim) => claim,
        }
    }
}

/// The secret under which values become keys; never changed while there are claims.
#[derive(Clone)]
pub struct ClaimsKey(Vec<u8>);

impl ClaimsKey {
    /// A key of any length; 32 random bytes are right.
    pub fn new(secret: impl Into<Vec<u8>>) -> Self {
        Self(secret.into())
    }

    /// The partition key of a claim: its kind and the HMAC-SHA256 (RFC 2104) of its value, in hexadecimal.
    pub(crate) fn item_key(&self, claim: &Claim) -> String {
        // OK because an HMAC takes keys of every length.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("any length will do");
        mac.update(claim.canonical.as_bytes());
        let mut key = format!("{}#", claim.kind);
        for byte in mac.finalize().into_bytes() {
            // OK because writing to a String cannot fail.
            let _ = write!(key, "{byte:02x}");
        }
        key
    }
}

/// The partition key of a command that was done. No kind of claim has this name.
pub(crate) fn command_key(command_id: Uuid) -> String {
    format!("{COMMAND}#{command_id}")
}

/// Where the first commit of the command lies that an item speaks of, unless it was to be forgotten by `now`: the
/// table forgets days late.
pub(crate) fn done(item: &HashMap<String, AttributeValue>, now: DateTime<Utc>) -> Option<Position> {
    let number = |name| item.get(name)?.as_n().ok()?.parse::<i64>().ok();
    let position = Position {
        stream: item.get(STREAM)?.as_s().ok()?.clone(),
        version: number(VERSION)?.try_into().ok()?,
    };
    (number(EXPIRES)? > now.timestamp()).then_some(position)
}

impl Debug for ClaimsKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ClaimsKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(canonical: &str) -> Claim {
        Claim {
            kind: "email",
            canonical: canonical.into(),
        }
    }

    #[test]
    fn only_what_differs_is_taken_or_released() {
        let (a, b) = (email("a@x.org"), email("b@x.org"));
        assert_eq!(
            ClaimChange::between(&[], std::slice::from_ref(&a)),
            [ClaimChange::Take(a.clone())]
        );
        assert_eq!(
            ClaimChange::between(std::slice::from_ref(&a), std::slice::from_ref(&a)),
            []
        );
        assert_eq!(
            ClaimChange::between(std::slice::from_ref(&a), std::slice::from_ref(&b)),
            [ClaimChange::Take(b), ClaimChange::Release(a)]
        );
    }

    #[test]
    fn a_key_reveals_nothing_and_depends_on_the_secret() {
        let one = ClaimsKey::new("one").item_key(&email("sarah@example.com"));
        let two = ClaimsKey::new("two").item_key(&email("sarah@example.com"));
        assert!(one.starts_with("email#") && !one.contains("sarah"));
        assert_ne!(one, two);
        assert_eq!(format!("{:?}", ClaimsKey::new("one")), "ClaimsKey(***)");
    }
}
