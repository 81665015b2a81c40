//! Load, decide, append; and once more when another writer was first.

use crate::{
    AppendError, Batch, Clock, Commit, Decided, Done, EventLog, ExecuteError, Metadata, Part,
    Participant, Position, Stamp, StoreError,
};
use chrono::TimeDelta;
use decider::{Decider, Idempotency};
use futures_util::future::try_join_all;
use serde::{Serialize, de::DeserializeOwned};
use std::collections::HashSet;
use std::time::Duration;
use uuid::Uuid;

/// How often a command is decided before it is given up as a conflict.
const ATTEMPTS: u32 = 3;
/// How long a [`Idempotency::Ledger`] remembers a command.
const REMEMBERED_FOR: TimeDelta = TimeDelta::hours(48);

/// What came of a command, in one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The stream's version after it.
    pub version: u64,
    /// The events that it appended; none when it was already done.
    pub event_ids: Vec<Uuid>,
    /// The command had been executed before, and this is the answer it had then.
    pub replayed: bool,
}

/// Executes a command on one stream: at most one commit, whatever happens on the way.
///
/// A refusal that was decided on a guess about the stream is checked against the stream before it is returned.
///
/// # Errors
/// Nothing was appended, unless the error is [`StoreError::Aws`]: then nobody knows, and the same command may be
/// sent again.
///
/// # Example: a refused command
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cart.rs"));
/// use event_store::{Cache, ExecuteError, MemoryEventLog, Metadata, Part, ServiceClock, execute};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (log, clock) = (MemoryEventLog::default(), ServiceClock::default());
/// let (cache, command) = (Cache::<Cart>::none(), Command::CheckOut);
/// let metadata = Metadata::new("sarah", "http");
/// let part = Part::new("cart-1", &command, &cache);
///
/// // This fails, because there is nothing in the cart: version 0 is that of an empty stream.
/// let refused = execute(&log, &clock, &metadata, part).await;
/// assert!(matches!(
///     refused,
///     Err(ExecuteError::Rejected { error: Refusal::Empty, version: 0 })
/// ));
///
/// // This fails, because the caller has seen another version.
/// let part = Part::new("cart-1", &command, &cache).expecting(Some(7));
/// let stale = execute(&log, &clock, &metadata, part).await;
/// assert!(matches!(stale, Err(ExecuteError::Stale { found: 0 })));
/// # Ok(())
/// # }
/// ```
pub async fn execute<L, D>(
    log: &L,
    clock: &impl Clock,
    metadata: &Metadata,
    mut part: Part<'_, D>,
) -> Result<Appended, ExecuteError<D::Error>>
where
    L: EventLog,
    D: Decider<
            State: Serialize + DeserializeOwned + Send + Sync,
            Command: Sync,
            Event: Serialize + DeserializeOwned,
        >,
{
    let mut answers = execute_all(log, clock, metadata, &mut [&mut part]).await?;
    // OK because there is an answer for each part.
    Ok(answers.remove(0))
}

/// Executes a command on several streams, of whatever aggregates: a commit to each that has something to write, or none
/// at all. There is an answer for each part. The first part's aggregate says how the command is remembered.
///
/// # Errors
/// As [`execute`]; the first refusal is that of the whole command.
///
/// # Example: two aggregates, both or neither
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cart.rs"));
/// use event_store::{
///     Cache, EventLog, ExecuteError, MemoryEventLog, Metadata, Part, ServiceClock, Stream, execute_all,
/// };
///
/// /// A voucher is worth something once.
/// struct Voucher;
///
/// #[derive(Serialize, Deserialize)]
/// #[serde(tag = "type", content = "data")]
/// enum VoucherEvent {
///     Redeemed,
/// }
///
/// #[derive(Debug, thiserror::Error)]
/// #[error("the voucher was redeemed")]
/// struct Redeemed;
///
/// impl Decider for Voucher {
///     const CATEGORY: &'static str = "voucher";
///     type State = bool;
///     type Command = ();
///     type Event = VoucherEvent;
///     type Error = Redeemed;
///
///     fn decide(_: &(), is_redeemed: &bool) -> Result<Vec<VoucherEvent>, Redeemed> {
///         if *is_redeemed { Err(Redeemed) } else { Ok(vec![VoucherEvent::Redeemed]) }
///     }
///
///     fn evolve(_: bool, VoucherEvent::Redeemed: &VoucherEvent) -> bool {
///         true
///     }
/// }
///
/// /// Why the command on both was refused.
/// #[derive(Debug, thiserror::Error)]
/// enum Either {
///     #[error(transparent)]
///     Cart(#[from] Refusal),
///     #[error(transparent)]
///     Voucher(#[from] Redeemed),
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (log, clock) = (MemoryEventLog::default(), ServiceClock::default());
/// let (carts, vouchers) = (Cache::<Cart>::none(), Cache::<Voucher>::none());
/// let add = Command::AddItem { item: "a lamp".into() };
/// let pay = async |cart: &str| {
///     let metadata = Metadata::new("sarah", "http");
///     let mut cart = Part::new(cart, &add, &carts);
///     let mut voucher = Part::new("voucher-1", &(), &vouchers);
///     execute_all::<_, Either>(&log, &clock, &metadata, &mut [&mut cart, &mut voucher]).await
/// };
/// let both = pay("cart-1").await?;
/// assert_eq!((both[0].version, both[1].version), (1, 1));
///
/// // This fails, because the voucher can be redeemed once, and so there is nothing in the second cart either.
/// let refused = pay("cart-2").await;
/// assert!(matches!(
///     refused,
///     Err(ExecuteError::Rejected { error: Either::Voucher(Redeemed), version: 1 })
/// ));
/// assert_eq!(Stream::<Cart>::load(&log, "cart-2").await?.version, 0);
/// # Ok(())
/// # }
/// ```
pub async fn execute_all<L: EventLog, E>(
    log: &L,
    clock: &impl Clock,
    metadata: &Metadata,
    parts: &mut [&mut dyn Participant<L, E>],
) -> Result<Vec<Appended>, ExecuteError<E>> {
    check_names(parts)?;
    let now = if clock.is_checked() {
        clock.now().ok()
    } else {
        None
    };
    let mut unread = Vec::new();
    for part in parts.iter_mut() {
        if !now.is_some_and(|now| part.guess(now)) {
            unread.push(part.catch_up(log));
        }
    }
    try_join_all(unread).await?;
    let mut attempt = 1;
    loop {
        if let Some(answers) = remembered(log, metadata, parts).await? {
            return Ok(answers);
        }
        let decided = parts
            .iter_mut()
            .map(|part| part.decide(clock, metadata.command_id));
        let decided: Result<Vec<_>, _> = decided.collect();
        let (decided, outcome) = match decided {
            Ok(decided) if decided.iter().any(Option::is_some) => (decided, None),
            Ok(_) => (Vec::new(), Some(Ok(()))),
            Err(error) => (Vec::new(), Some(Err(error))),
        };
        if let Some(outcome) = outcome {
            if parts.iter().all(|part| part.is_proven()) {
                return finish(log, clock, metadata, parts, outcome).await;
            }
            // OK because the streams are then read, and this branch taken once only.
            let unproven = parts.iter_mut().filter(|part| !part.is_proven());
            try_join_all(unproven.map(|part| part.catch_up(log))).await?;
            continue;
        }
        let draft = Draft::new(clock, metadata, parts, decided)?;
        match log.append(&draft.batch).await {
            Ok(()) => return Ok(draft.keep(parts)),
            Err(AppendError::Conflict) => {}
            Err(AppendError::Done(at)) => return first_answer(log, metadata, parts, at).await,
            Err(AppendError::ClaimTaken { kind }) => return Err(ExecuteError::ClaimTaken { kind }),
            Err(AppendError::Store(error)) => return Err(error.into()),
        }
        for part in parts.iter_mut() {
            part.distrust();
            if attempt == ATTEMPTS {
                part.keep(None, draft.now);
            }
        }
        if attempt == ATTEMPTS {
            return Err(ExecuteError::Conflict);
        }
        pause(attempt).await;
        attempt += 1;
        try_join_all(parts.iter_mut().map(|part| part.catch_up(log))).await?;
    }
}

fn check_names<L, E>(parts: &[&mut dyn Participant<L, E>]) -> Result<(), StoreError> {
    let mut names = HashSet::new();
    match parts
        .iter()
        .map(|part| part.name())
        .find(|name| !names.insert(*name))
    {
        Some(twice) => Err(StoreError::Twice {
            stream: twice.to_owned(),
        }),
        None => Ok(()),
    }
}

/// There is nothing to write. A ledger is asked whether that is because all was done before.
async fn finish<L: EventLog, E>(
    log: &L,
    clock: &impl Clock,
    metadata: &Metadata,
    parts: &mut [&mut dyn Participant<L, E>],
    outcome: Result<(), ExecuteError<E>>,
) -> Result<Vec<Appended>, ExecuteError<E>> {
    let now = clock.now().map_err(StoreError::from)?;
    if has_ledger(metadata, parts)
        && let Some(at) = log.done(metadata.command_id, now).await?
    {
        return first_answer(log, metadata, parts, at).await;
    }
    for part in parts.iter_mut() {
        part.keep(None, now);
    }
    outcome.map(|()| {
        parts
            .iter()
            .map(|part| Appended::nothing(part.version()))
            .collect()
    })
}

fn has_ledger<L, E>(metadata: &Metadata, parts: &[&mut dyn Participant<L, E>]) -> bool {
    let first = parts.first().map(|part| part.idempotency());
    metadata.fingerprint.is_some() && first == Some(Idempotency::Ledger)
}

/// What is about to be written, and what to answer when it is.
struct Draft {
    batch: Batch,
    stamps: Vec<Option<Stamp>>,
    answers: Vec<Appended>,
    now: chrono::DateTime<chrono::Utc>,
}

impl Draft {
    fn new<L, E>(
        clock: &impl Clock,
        metadata: &Metadata,
        parts: &[&mut dyn Participant<L, E>],
        decided: Vec<Option<Decided>>,
    ) -> Result<Self, StoreError> {
        let now = clock.now()?;
        let timestamp = parts
            .iter()
            .fold(now, |latest, part| latest.max(part.timestamp()));
        let mut metadata = metadata.clone();
        metadata.parts = decided
            .iter()
            .flatten()
            .map(|part| part.at.clone())
            .collect();
        let done = has_ledger(&metadata, parts)
            .then(|| metadata.parts.first().cloned())
            .flatten();
        if metadata.parts.len() == 1 {
            metadata.parts.clear();
        }
        let mut draft = Self {
            batch: Batch {
                done: done.map(|at| Done {
                    command_id: metadata.command_id,
                    at,
                    now,
                    until: now + REMEMBERED_FOR,
                }),
                ..Batch::default()
            },
            stamps: Vec::new(),
            answers: Vec::new(),
            now,
        };
        for (part, decided) in parts.iter().zip(decided) {
            let Some(decided) = decided else {
                let (stream, version) = (part.name().to_owned(), part.version());
                draft.batch.unchanged.push(Position { stream, version });
                draft.answers.push(Appended::nothing(version));
                draft.stamps.push(None);
                continue;
            };
            let stamp = Stamp {
                id: clock.new_id(),
                timestamp,
            };
            draft
                .batch
                .commits
                .push(part.commit(&decided, &stamp, &metadata)?);
            let claims = decided.claims.into_iter();
            draft
                .batch
                .claims
                .extend(claims.map(|claim| (decided.at.stream.clone(), claim)));
            draft.answers.push(Appended {
                version: part.version() + decided.events.len() as u64,
                event_ids: decided.events.iter().map(|event| event.id).collect(),
                replayed: false,
            });
            draft.stamps.push(Some(stamp));
        }
        Ok(draft)
    }

    /// It is written.
    fn keep<L, E>(self, parts: &mut [&mut dyn Participant<L, E>]) -> Vec<Appended> {
        let mut commits = self.batch.commits.iter();
        for (part, stamp) in parts.iter_mut().zip(&self.stamps) {
            let written = stamp
                .as_ref()
                .and_then(|stamp| Some((commits.next()?, stamp)));
            part.keep(written, self.now);
        }
        self.answers
    }
}

/// The answers that a command had before, if the first stream remembers it.
async fn remembered<L: EventLog, E>(
    log: &L,
    metadata: &Metadata,
    parts: &[&mut dyn Participant<L, E>],
) -> Result<Option<Vec<Appended>>, ExecuteError<E>> {
    let Some(first) = parts.first().filter(|_| metadata.fingerprint.is_some()) else {
        return Ok(None);
    };
    for version in first.remembered(metadata.command_id) {
        for commit in log.read(first.name(), version..=version, 1).await? {
            if commit.metadata()?.command_id == metadata.command_id {
                return answers(log, metadata, parts, &commit).await.map(Some);
            }
        }
    }
    Ok(None)
}

/// The answers that a command had whose first commit lies there.
async fn first_answer<L: EventLog, E>(
    log: &L,
    metadata: &Metadata,
    parts: &[&mut dyn Participant<L, E>],
    at: Position,
) -> Result<Vec<Appended>, ExecuteError<E>> {
    let commit = log
        .read(&at.stream, at.version..=at.version, 1)
        .await?
        .pop();
    let commit = commit.ok_or_else(|| {
        StoreError::corrupt(
            &at.stream,
            at.version,
            "a command was done here, and nothing is here",
        )
    })?;
    answers(log, metadata, parts, &commit).await
}

async fn answers<L: EventLog, E>(
    log: &L,
    metadata: &Metadata,
    parts: &[&mut dyn Participant<L, E>],
    first: &Commit,
) -> Result<Vec<Appended>, ExecuteError<E>> {
    let known = first.metadata()?;
    let is_ours = parts.iter().any(|part| part.name() == first.stream);
    if known.fingerprint != metadata.fingerprint || !is_ours {
        return Err(ExecuteError::CommandIdReused);
    }
    let mut answers = Vec::new();
    for part in parts {
        let elsewhere = known.parts.iter().find(|at| at.stream == part.name());
        answers.push(match elsewhere {
            _ if part.name() == first.stream => Appended::before(first)?,
            Some(at) => match log
                .read(&at.stream, at.version..=at.version, 1)
                .await?
                .pop()
            {
                Some(commit) => Appended::before(&commit)?,
                None => {
                    let why = "the other commits of its command are there, and it is not";
                    return Err(StoreError::corrupt(&at.stream, at.version, why).into());
                }
            },
            None => Appended {
                replayed: true,
                ..Appended::nothing(part.version())
            },
        });
    }
    Ok(answers)
}

impl Appended {
    fn nothing(version: u64) -> Self {
        Self {
            version,
            event_ids: Vec::new(),
            replayed: false,
        }
    }

    fn before(commit: &Commit) -> Result<Self, StoreError> {
        let events = commit.events()?;
        Ok(Self {
            version: commit.last_version()?,
            event_ids: events.iter().map(|event| event.id).collect(),
            replayed: true,
        })
    }
}

/// Full jitter, so that writers who met once do not meet again.
async fn pause(attempt: u32) {
    tokio::time::sleep(Duration::from_millis(fastrand::u64(0..10 << attempt))).await;
}
