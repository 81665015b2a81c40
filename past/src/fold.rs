//! What a stream amounted to at a moment: the state of its aggregate, or its document in a read model.

use crate::{Moment, PastError};
use chrono::{DateTime, Utc};
use decider::{Decider, Recorded};
use domain::{Aggregate, ReadModel};
use event_store::{EventLog, Stream, rfc3339};
use serde::Serialize;
use serde_json::{Value, json};
use std::marker::PhantomData;

/// Commits of a read model's stream are read so many at a time.
const PIECE: usize = 1000;

/// Something that a stream's events amount to.
pub trait Fold {
    /// Whose events they are.
    type Source: Aggregate;
    /// What they amount to.
    type Value: Clone + Send + Sync;

    /// What it was before the first event.
    fn start() -> Self::Value;

    /// What it is after one more event.
    ///
    /// # Errors
    /// [`PastError::Poison`] for an event that cannot follow.
    fn step(
        value: Self::Value,
        event: &Recorded<<Self::Source as Decider>::Event>,
    ) -> Result<Self::Value, PastError>;

    /// What it was at a moment, and the version that was reached: less, where the stream never got so far.
    fn load(
        log: &impl EventLog,
        stream: &str,
        moment: Moment,
    ) -> impl Future<Output = Result<Loaded<Self::Value>, PastError>> + Send;

    /// How it is told; null before the first event.
    ///
    /// # Errors
    /// [`PastError::NoJson`].
    fn json(value: &Self::Value, version: u64) -> Result<Value, PastError>;
}

/// What was found.
pub struct Loaded<V> {
    /// What the events amount to.
    pub value: V,
    /// How many they are.
    pub version: u64,
    /// When the last of them was recorded.
    pub timestamp: DateTime<Utc>,
}

/// The state of an aggregate, on which its commands are decided. It takes one read or two, however long the stream is, where snapshots of this build are there; a time
/// takes about log2(version) reads of one commit more.
pub struct StateOf<A>(PhantomData<A>);

impl<A: Aggregate> Fold for StateOf<A> {
    type Source = A;
    type Value = A::State;

    fn start() -> A::State {
        A::State::default()
    }

    fn step(state: A::State, event: &Recorded<A::Event>) -> Result<A::State, PastError> {
        Ok(A::evolve(state, &event.event))
    }

    async fn load(
        log: &impl EventLog,
        stream: &str,
        moment: Moment,
    ) -> Result<Loaded<A::State>, PastError> {
        let version = moment.version(log, stream).await?;
        let loaded = Stream::<A>::load_at(log, stream, version).await?;
        Ok(Loaded {
            value: loaded.state,
            version: loaded.version,
            timestamp: loaded.timestamp,
        })
    }

    fn json(state: &A::State, version: u64) -> Result<Value, PastError> {
        match version {
            0 => Ok(Value::Null),
            _ => Ok(serde_json::to_value(state)?),
        }
    }
}

/// The document of a stream in a read model, as this build makes it. It is folded from the first event on, since no document
/// of the past is kept: a read for each megabyte of the stream up to then.
pub struct DocumentOf<R>(PhantomData<R>);

impl<R: ReadModel> Fold for DocumentOf<R> {
    type Source = R::Source;
    type Value = Option<R::Document>;

    fn start() -> Self::Value {
        None
    }

    fn step(
        document: Self::Value,
        event: &Recorded<<R::Source as Decider>::Event>,
    ) -> Result<Self::Value, PastError> {
        let next = R::fold(document, event);
        next.map(Some).map_err(|error| PastError::Poison {
            version: event.version,
            why: error.to_string(),
        })
    }

    async fn load(
        log: &impl EventLog,
        stream: &str,
        moment: Moment,
    ) -> Result<Loaded<Self::Value>, PastError> {
        let (to, until) = match moment {
            Moment::Version(version) => (version, DateTime::<Utc>::MAX_UTC),
            Moment::Time(time) => (u64::MAX, time),
        };
        let mut loaded = Loaded {
            value: None,
            version: 0,
            timestamp: DateTime::UNIX_EPOCH,
        };
        while loaded.version < to {
            let due = loaded.version + 1;
            let commits = log.read(stream, due..=to, PIECE).await?;
            for commit in &commits {
                let timestamp = commit.stamp()?.timestamp;
                // OK because no later commit of the stream was recorded before.
                if timestamp > until {
                    return Ok(loaded);
                }
                for event in commit.recorded::<R::Source>()? {
                    if event.version <= to {
                        loaded.value = Self::step(loaded.value, &event)?;
                    }
                }
                loaded.version = commit.last_version()?.min(to);
                loaded.timestamp = timestamp;
            }
            if commits.len() < PIECE {
                break;
            }
        }
        Ok(loaded)
    }

    fn json(document: &Self::Value, _: u64) -> Result<Value, PastError> {
        Ok(serde_json::to_value(document)?)
    }
}

/// What a stream amounted to at a moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Then {
    /// The version that it was at.
    pub version: u64,
    /// When that was recorded: RFC 3339 in UTC; none before the first event.
    pub timestamp: Option<String>,
    /// Whether it stays so: a moment less than 60 s past may still see a late writer.
    pub settled: bool,
    /// What it amounted to; null before the first event.
    pub state: Value,
}

impl Then {
    /// When that was, without what it amounted to.
    #[must_use]
    pub fn moment(&self) -> Value {
        json!({ "version": self.version, "timestamp": self.timestamp, "settled": self.settled })
    }
}

/// What `stream` amounted to at `moment`.
///
/// # Errors
/// [`PastError::Unknown`] for a stream without events, [`PastError::Ahead`] for a version that it does not have.
pub async fn then<F: Fold>(
    log: &impl EventLog,
    stream: &str,
    moment: Moment,
    now: DateTime<Utc>,
) -> Result<Then, PastError> {
    let unknown = || PastError::Unknown {
        stream: stream.to_owned(),
    };
    let loaded = match reached::<F>(log, stream, moment).await {
        Err(PastError::Ahead { head: 0, .. }) => return Err(unknown()),
        reached => reached?,
    };
    let version = loaded.version;
    if version == 0 && log.read(stream, 1..=1, 1).await?.is_empty() {
        return Err(unknown());
    }
    Ok(Then {
        version,
        timestamp: (version > 0).then(|| rfc3339(loaded.timestamp)),
        settled: moment.is_settled(now),
        state: match version {
            0 => Value::Null,
            version => F::json(&loaded.value, version)?,
        },
    })
}

/// What was there at a moment; a stream without events was at version 0 at every one.
///
/// # Errors
/// [`PastError::Ahead`] for a version that the stream does not have.
pub(crate) async fn reached<F: Fold>(
    log: &impl EventLog,
    stream: &str,
    moment: Moment,
) -> Result<Loaded<F::Value>, PastError> {
    let loaded = F::load(log, stream, moment).await?;
    let head = loaded.version;
    match moment {
        Moment::Version(version) if head < version => Err(PastError::Ahead { version, head }),
        Moment::Version(_) | Moment::Time(_) => Ok(loaded),
    }
}

#[cfg(test)]
mod tests;
