//! What a domain is written in: deciders, projections, and the given/when/then language that tests them.
//! No dependencies, no I/O, no clock.
#![warn(missing_docs)]

mod projection;
pub mod testing;
mod upcaster;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use projection::{Count, Entry, Projection, Recorded};
pub use upcaster::Upcaster;

/// One kind of aggregate: which commands it takes, and what its events mean.
///
/// # Example: a door
/// ```
/// use decider::Decider;
///
/// struct Door;
///
/// impl Decider for Door {
///     const CATEGORY: &'static str = "door";
///     type State = bool;
///     type Command = bool;
///     type Event = bool;
///     type Error = String;
///
///     fn decide(open: &bool, is_open: &bool) -> Result<Vec<bool>, String> {
///         Ok(if open == is_open { vec![] } else { vec![*open] })
///     }
///
///     fn evolve(_: bool, opened: &bool) -> bool {
///         *opened
///     }
/// }
///
/// assert_eq!(Door::decide(&true, &Door::fold(false, &[])), Ok(vec![true]));
/// assert_eq!(Door::decide(&true, &Door::fold(false, &[true])), Ok(vec![]), "already open");
/// ```
///
/// # Example: a name that nobody else has
/// An event store takes the claims of the state after a command, and gives up those that are gone. The constants
/// have defaults; they say how copies of a command are told, and which snapshots are of use.
/// ```
/// use decider::{Claim, Decider, Idempotency};
///
/// struct Room;
///
/// impl Decider for Room {
///     const CATEGORY: &'static str = "room";
///     // Goes from 1 to 2 when `evolve` makes something else of the events that are stored.
///     const EVOLVE_VERSION: u32 = 2;
///     // Copies may come days apart, and thousands of other commands between them.
///     const IDEMPOTENCY: Idempotency = Idempotency::Ledger;
///     type State = Option<String>;
///     type Command = String;
///     type Event = String;
///     type Error = &'static str;
///
///     fn decide(name: &String, state: &Option<String>) -> Result<Vec<String>, &'static str> {
///         match state {
///             _ if name.is_empty() => Err("a room has a name"),
///             Some(known) if known == name => Ok(vec![]),
///             Some(_) | None => Ok(vec![name.clone()]),
///         }
///     }
///
///     fn evolve(_: Option<String>, named: &String) -> Option<String> {
///         Some(named.clone())
///     }
///
///     fn claims(state: &Option<String>) -> Vec<Claim> {
///         let claim = |name: &String| Claim { kind: "room name", canonical: name.to_lowercase() };
///         state.iter().map(claim).collect()
///     }
/// }
///
/// let named = Room::fold(None, &["Blue".to_owned()]);
/// assert_eq!(Room::claims(&named)[0].canonical, "blue");
///
/// // This fails, because a rule refuses it.
/// assert_eq!(Room::decide(&String::new(), &named), Err("a room has a name"));
/// ```
pub trait Decider {
    /// Begins the name of each stream of this kind: `user` gives `user-<uuid>`. Never changed once events are stored.
    const CATEGORY: &'static str;
    /// Goes up with every change of what `evolve` makes of a history, or of how its state is written: a snapshot
    /// taken under another number is passed over.
    const EVOLVE_VERSION: u32 = 1;
    /// How copies of one command are told from new ones.
    const IDEMPOTENCY: Idempotency = Idempotency::Ring;
    /// What reads the events that are stored in a shape that is no longer written: one for each such type and version.
    const UPCASTERS: &'static [Upcaster<Self::Event>] = &[];
    /// What `decide` needs to know of the past; the default is the state of an empty stream.
    type State: Clone + Default;
    /// What a caller asks for, in the imperative.
    type Command;
    /// What has happened, in the past tense.
    type Event: 'static;
    /// Why a command was refused.
    type Error;

    /// Decides what a command does to a state; no events means that it is already done.
    ///
    /// # Errors
    /// The rule that refuses the command.
    fn decide(
        command: &Self::Command,
        state: &Self::State,
    ) -> Result<Vec<Self::Event>, Self::Error>;

    /// The state after one more event; total, so that any history can be read.
    fn evolve(state: Self::State, event: &Self::Event) -> Self::State;

    /// The state after all of `events`, in order.
    fn fold<'a>(
        state: Self::State,
        events: impl IntoIterator<Item = &'a Self::Event>,
    ) -> Self::State
    where
        Self::Event: 'a,
    {
        events.into_iter().fold(state, Self::evolve)
    }

    /// What a command makes of a state: the events, and the state after them.
    ///
    /// # Errors
    /// As [`Decider::decide`].
    fn outcome(
        command: &Self::Command,
        state: &Self::State,
    ) -> Result<Decision<Self::Event, Self::State>, Self::Error> {
        let events = Self::decide(command, state)?;
        let after = Self::fold(state.clone(), &events);
        Ok((events, after))
    }

    /// The schema version that events of the type `kind` are written with: the one after those that have upcasters.
    fn schema_version(kind: &str) -> u32 {
        let old = Self::UPCASTERS.iter().filter(|old| old.kind == kind);
        old.map(|old| old.schema_version + 1).max().unwrap_or(1)
    }

    /// The values that no other stream may hold while this one is in `state`.
    fn claims(_state: &Self::State) -> Vec<Claim> {
        Vec::new()
    }
}

/// What was decided: the events, and the state after them.
pub type Decision<E, S> = (Vec<E>, S);

/// How an event store remembers the commands that it executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idempotency {
    /// Each stream remembers its first command and its latest ones: costs nothing, and forgets by number.
    Ring,
    /// A table remembers every command for a time, whatever the traffic: one more write for each.
    Ledger,
}

/// A value that one stream at most may hold at a time: a user's email, an account's number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What is unique: `email`.
    pub kind: &'static str,
    /// The value in the one form in which two of them are compared.
    pub canonical: String,
}
