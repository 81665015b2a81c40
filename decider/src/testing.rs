//! The test language: `given::<User>([history]).when(command).then([events])`.

use crate::Decider;
use std::fmt::Debug;

/// The state that a history leads to.
///
/// # Example: what comes of a command, and what refuses it
/// ```
/// use decider::{Decider, testing::given};
///
/// struct Door;
///
/// #[derive(Debug, PartialEq)]
/// enum Event {
///     Opened,
///     Locked,
/// }
///
/// #[derive(Debug, PartialEq)]
/// struct IsLocked;
///
/// impl Decider for Door {
///     const CATEGORY: &'static str = "door";
///     type State = bool;
///     type Command = ();
///     type Event = Event;
///     type Error = IsLocked;
///
///     fn decide(_: &(), is_locked: &bool) -> Result<Vec<Event>, IsLocked> {
///         if *is_locked { Err(IsLocked) } else { Ok(vec![Event::Opened]) }
///     }
///
///     fn evolve(_: bool, event: &Event) -> bool {
///         *event == Event::Locked
///     }
/// }
///
/// given::<Door>([]).when(()).then([Event::Opened]);
/// given::<Door>([Event::Locked]).when(()).then_error(IsLocked);
/// ```
///
/// # Example: a test that fails
/// ```should_panic
/// # use decider::{Decider, testing::given};
/// #
/// # struct Door;
/// #
/// # #[derive(Debug, PartialEq)]
/// # enum Event {
/// #     Opened,
/// #     Locked,
/// # }
/// #
/// # #[derive(Debug, PartialEq)]
/// # struct IsLocked;
/// #
/// # impl Decider for Door {
/// #     const CATEGORY: &'static str = "door";
/// #     type State = bool;
/// #     type Command = ();
/// #     type Event = Event;
/// #     type Error = IsLocked;
/// #
/// #     fn decide(_: &(), is_locked: &bool) -> Result<Vec<Event>, IsLocked> {
/// #         if *is_locked { Err(IsLocked) } else { Ok(vec![Event::Opened]) }
/// #     }
/// #
/// #     fn evolve(_: bool, event: &Event) -> bool {
/// #         *event == Event::Locked
/// #     }
/// # }
/// // This panics, because a locked door does not open.
/// given::<Door>([Event::Locked]).when(()).then([Event::Opened]);
/// ```
pub fn given<D: Decider>(history: impl IntoIterator<Item = D::Event>) -> Given<D> {
    Given(
        history
            .into_iter()
            .fold(D::State::default(), |state, event| D::evolve(state, &event)),
    )
}

/// A state in which a command is tried.
pub struct Given<D: Decider>(D::State);

impl<D: Decider> Given<D> {
    /// Decides `command`.
    pub fn when(self, command: D::Command) -> Decided<D> {
        Decided(D::decide(&command, &self.0))
    }
}

/// What came of the command.
pub struct Decided<D: Decider>(Result<Vec<D::Event>, D::Error>);

impl<D: Decider<Event: Debug + PartialEq, Error: Debug + PartialEq>> Decided<D> {
    /// Asserts that exactly these events came of it; none means already done.
    #[track_caller]
    pub fn then(self, events: impl IntoIterator<Item = D::Event>) {
        assert_eq!(self.0, Ok(events.into_iter().collect()));
    }

    /// Asserts that it was refused for this reason.
    #[track_caller]
    pub fn then_error(self, error: D::Error) {
        assert_eq!(self.0, Err(error));
    }
}
