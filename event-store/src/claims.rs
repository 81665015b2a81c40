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
///
/// [`execute`](crate::execute) finds them by itself, from [`decider::Decider::claims`] before and after.
///
/// # Example: a value that another stream holds
/// ```
/// use decider::Claim;
/// use event_store::{AppendError, Batch, ClaimChange, EventLog, MemoryEventLog};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), AppendError> {
/// let log = MemoryEventLog::default();
/// let email = Claim { kind: "email", canonical: "sarah@example.com".into() };
/// let taking = |stream: &str| Batch {
///     claims: vec![(stream.to_owned(), ClaimChange::Take(email.clone()))],
///     ..Batch::default()
/// };
/// log.append(&taking("user-1")).await?;
///
/// // This fails, because user-1 holds the email.
/// let taken = log.append(&taking("user-2")).await;
/// assert!(matches!(taken, Err(AppendError::ClaimTaken { kind: "email" })));
/// # Ok(())
/// # }
/// ```
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
        let taken = only_in(after, before).map(Self::Take);
        taken
            .chain(only_in(before, after).map(Self::Release))
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
///
/// # Example: a log with claims
/// ```
/// use aws_sdk_dynamodb::config::BehaviorVersion;
/// use aws_sdk_dynamodb::{Client, Config};
/// use event_store::{ClaimsKey, DynamoDbEventLog};
///
/// let config = Config::builder().behavior_version(BehaviorVersion::latest()).build();
/// let key = ClaimsKey::new(*b"32 random bytes, from a secret..");
/// assert_eq!(format!("{key:?}"), "ClaimsKey(***)");
/// let log = DynamoDbEventLog::new(Client::from_conf(config), "events").with_claims("claims", key);
/// ```
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

/// Each claim once, although an aggregate may name it twice: a transaction takes each item once.
fn only_in(these: &[Claim], those: &[Claim]) -> impl Iterator<Item = Claim> {
    let is_first = |index, claim| !these.iter().take(index).any(|earlier| earlier == claim);
    let only = these.iter().enumerate();
    only.filter(move |(index, claim)| is_first(*index, *claim) && !those.contains(claim))
        .map(|(_, claim)| claim.clone())
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
    fn a_value_that_is_named_twice_is_taken_once() {
        let a = email("a@x.org");
        let twice = [a.clone(), a.clone()];
        assert_eq!(
            ClaimChange::between(&[], &twice),
            [ClaimChange::Take(a.clone())]
        );
        assert_eq!(ClaimChange::between(&twice, &[]), [ClaimChange::Release(a)]);
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
