//! Load, decide, append; and once more when another writer was first.

use crate::answers::{first_answer, has_ledger, remembered};
use crate::draft::Draft;
use crate::part::guesses_at;
use crate::{
    AppendError, Appended, Clock, EventLog, ExecuteError, Metadata, Part, Participant, StoreError,
};
use decider::Decider;
use futures_util::future::try_join_all;
use serde::{Serialize, de::DeserializeOwned};
use std::collections::HashSet;
use std::time::Duration;

/// How often a command is decided before it is given up as a conflict.
const ATTEMPTS: u32 = 3;

/// Executes a command on one stream: at most one commit, whatever happens on the way.
///
/// A refusal that was decided on a guess about the stream is checked against the stream before it is returned.
///
/// # Errors
/// Nothing was appended, unless the error is [`StoreError::Aws`] or [`StoreError::Throttled`], which may be the answer to
/// the retry of a write whose reply was lost: then nobody knows, and the same command may be sent again.
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
/// at all. There is an answer for each part. Where one of the aggregates keeps a ledger, that remembers the command; else
/// each stream that it wrote to does.
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
    let now = guesses_at(clock);
    let mut unread = Vec::new();
    for part in parts.iter_mut() {
        let is_known = part.is_proven() || part.version() > 0;
        if !is_known && !now.is_some_and(|now| part.guess(now)) {
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
            prove(log, parts).await?;
            continue;
        }
        let draft = Draft::new(clock, metadata, parts, decided)?;
        if parts.iter().any(|part| !part.is_proven()) && draft.batch.check().is_err() {
            // OK because the streams are then read, and this branch taken once only.
            prove(log, parts).await?;
            continue;
        }
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

/// Reads the streams that were only guessed.
async fn prove<L: EventLog, E>(
    log: &L,
    parts: &mut [&mut dyn Participant<L, E>],
) -> Result<(), StoreError> {
    let unproven = parts.iter_mut().filter(|part| !part.is_proven());
    try_join_all(unproven.map(|part| part.catch_up(log))).await?;
    Ok(())
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

/// Full jitter, so that writers who met once do not meet again.
async fn pause(attempt: u32) {
    tokio::time::sleep(Duration::from_millis(fastrand::u64(0..10 << attempt))).await;
}
