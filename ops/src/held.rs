//! What a stream holds of unique values, whatever its aggregate.

use chrono::{DateTime, Utc};
use decider::Claim;
use domain::Aggregate;
use domain::registry::{self, AggregateVisitor};
use event_store::{DynamoDbEventLog, EventLog, Position, StoreError, Stream};
use std::future::Future;
use std::pin::Pin;

/// A stream as far as claims go.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// Where it ends.
    pub at: Position,
    /// What it holds, with the keys that the claims lie under.
    pub claims: Vec<(String, Claim)>,
}

impl Held {
    /// What it holds under a key.
    pub fn under(&self, key: &str) -> Option<&Claim> {
        let mut claims = self.claims.iter();
        claims.find(|(own, _)| own == key).map(|(_, claim)| claim)
    }
}

/// Folds a stream; `None` if its aggregate is none that we know.
///
/// # Errors
/// As [`Stream::load`].
pub async fn held(log: &DynamoDbEventLog, stream: &str) -> Result<Option<Held>, StoreError> {
    match registry::aggregate(category(stream), Fold { log, stream }) {
        Some(fold) => fold.await.map(Some),
        None => Ok(None),
    }
}

/// Since when a stream has held a claim that it holds now.
///
/// # Errors
/// As [`Stream::load`].
pub async fn held_since(
    log: &DynamoDbEventLog,
    stream: &str,
    claim: &Claim,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    match registry::aggregate(category(stream), Since { log, stream, claim }) {
        Some(since) => since.await,
        None => Ok(None),
    }
}

type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + 'a>>;

struct Fold<'a> {
    log: &'a DynamoDbEventLog,
    stream: &'a str,
}

impl<'a> AggregateVisitor for Fold<'a> {
    type Output = Later<'a, Held>;

    fn visit<A: Aggregate>(self) -> Self::Output {
        let Self { log, stream } = self;
        Box::pin(async move {
            let loaded = Stream::<A>::load(log, stream).await?;
            let keyed = |claim: Claim| Ok((log.claim_key(&claim)?, claim));
            let claims = A::claims(&loaded.state).into_iter().map(keyed);
            Ok(Held {
                at: Position {
                    stream: stream.to_owned(),
                    version: loaded.version,
                },
                claims: claims.collect::<Result<_, StoreError>>()?,
            })
        })
    }
}

struct Since<'a> {
    log: &'a DynamoDbEventLog,
    stream: &'a str,
    claim: &'a Claim,
}

impl<'a> AggregateVisitor for Since<'a> {
    type Output = Later<'a, Option<DateTime<Utc>>>;

    fn visit<A: Aggregate>(self) -> Self::Output {
        let Self { log, stream, claim } = self;
        Box::pin(async move {
            let (mut state, mut since) = (A::State::default(), None);
            for commit in log.read(stream, 1..=u64::MAX, usize::MAX).await? {
                let events = commit.recorded::<A>()?;
                state = A::fold(state, events.iter().map(|recorded| &recorded.event));
                let timestamp = commit.stamp()?.timestamp;
                since = A::claims(&state)
                    .contains(claim)
                    .then(|| since.unwrap_or(timestamp));
            }
            Ok(since)
        })
    }
}

fn category(stream: &str) -> &str {
    stream
        .split_once('-')
        .map_or(stream, |(category, _)| category)
}
