//! What holds of users whatever is asked of them, in whatever order.

use decider::{Decider, Entry, Projection, Recorded};
use domain::user::{Command, Event, Held, State};
use domain::values::{Email, Name, Reason, Status};
use domain::{Aggregate, Document, Mailing, NameChange, Personal, SearchOf, User, Users, Welcome};
use proptest::prelude::*;

fn name() -> impl Strategy<Value = Name> {
    prop_oneof![Just("Ann"), Just("Bo")].prop_map(Name::from)
}

fn email() -> impl Strategy<Value = Email> {
    prop_oneof![
        Just("ann@example.com"),
        Just("Ann@example.com"),
        Just("bo@example.com")
    ]
    .prop_map(Email::from)
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![Just(Status::Active), Just(Status::Suspended)]
}

fn command() -> impl Strategy<Value = Command> {
    use Command::*;
    let reason = || Reason::from("because");
    let option = proptest::option::of::<BoxedStrategy<_>>;
    prop_oneof![
        2 => (name(), email()).prop_map(|(name, email)| CreateUser { name, email, phone: Some("112".into()) }),
        3 => name().prop_map(move |name| ChangeUserName { name, reason: reason() }),
        3 => email().prop_map(|email| ChangeUserEmail { email, reason: None }),
        3 => status().prop_map(move |status| ChangeUserStatus { status: Some(status), reason: reason() }),
        3 => (option(name().boxed()), proptest::option::of(email()))
            .prop_map(move |(name, email)| CorrectUser { name, email, reason: reason() }),
        1 => Just(DeleteUser { reason: reason() }),
        2 => Just(RestoreUser { reason: reason() }),
    ]
}

fn personal<T: Clone + std::fmt::Debug>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Personal<T>> {
    prop_oneof![3 => value.prop_map(Personal::Known), 1 => Just(Personal::Erased)]
}

/// Events that no rule has judged, with values that may be erased.
fn event() -> impl Strategy<Value = Event> {
    use Event::*;
    let reason = || Reason::from("because");
    let names = || (personal(name()), personal(name()));
    let emails = || (personal(email()), personal(email()));
    let held = || {
        (personal(name()), personal(email())).prop_map(|(name, email)| Held {
            name,
            email,
            phone: None,
        })
    };
    prop_oneof![
        (personal(name()), personal(email())).prop_map(|(name, email)| UserCreated {
            name,
            email,
            phone: None
        }),
        names().prop_map(move |(old, new)| UserNameChanged {
            old,
            new,
            reason: reason()
        }),
        emails().prop_map(|(old, new)| UserEmailChanged {
            old,
            new,
            reason: None
        }),
        (status(), status()).prop_map(move |(old, new)| UserStatusChanged {
            old,
            new,
            reason: reason()
        }),
        names().prop_map(move |(old, new)| UserNameCorrected {
            old,
            new,
            reason: reason()
        }),
        emails().prop_map(move |(old, new)| UserEmailCorrected {
            old,
            new,
            reason: reason()
        }),
        (held(), status()).prop_map(move |(held, status)| UserDeleted {
            held,
            status,
            reason: reason()
        }),
        held().prop_map(move |held| UserRestored {
            held,
            reason: reason()
        }),
    ]
}

fn recorded(version: u64, event: Event) -> Recorded<Event> {
    Recorded {
        id: format!("event-{version}"),
        stream_id: "ann".to_owned(),
        version,
        timestamp: format!("2024-01-01T00:00:{version:02}.000000Z"),
        event,
    }
}

fn fold(before: Option<Document<State>>, version: u64, event: Event) -> Document<State> {
    let Ok(document) = Users::fold(before, &recorded(version, event));
    document
}

fn agree(document: &Option<Document<State>>, state: &State) -> Result<(), TestCaseError> {
    let shown = document.as_ref().map(|document| &document.state);
    prop_assert_eq!(shown.unwrap_or(&State::Unknown), state);
    let is_deleted = matches!(state, State::Deleted { .. });
    let deleted_at = document
        .iter()
        .any(|document| document.deleted_at.is_some());
    prop_assert_eq!(deleted_at, is_deleted);
    prop_assert_eq!(
        User::STATUSES.contains(&User::status(state)),
        User::claims(state).len() == 1
    );
    Ok(())
}

proptest! {
    #[test]
    fn whatever_is_asked_the_rules_the_claims_and_the_document_agree(
        commands in proptest::collection::vec(command(), 0..40)
    ) {
        let (mut state, mut document, mut version) = (State::default(), None, 0);
        for command in commands {
            let Ok(events) = User::decide(&command, &state) else { continue };
            prop_assert!(events.len() <= 2);
            for event in events {
                version += 1;
                state = User::evolve(state, &event);
                document = Some(fold(document, version, event));
            }
            agree(&document, &state)?;
            prop_assert_eq!(document.as_ref().map_or(0, |document| document.version), version);

            let claims = User::claims(&state);
            let found: Vec<_> = document.iter().flat_map(Users::entries).filter_map(|entry| match entry {
                Entry::Found { value, .. } => Some(value),
                Entry::Listed { .. } => None,
            }).collect();
            prop_assert_eq!(claims.len(), usize::from(matches!(state, State::Active(_) | State::Suspended(_))));
            prop_assert_eq!(claims.into_iter().map(|claim| claim.canonical).collect::<Vec<_>>(), found);
        }
    }

    #[test]
    fn a_repeated_command_yields_no_second_event(
        before in proptest::collection::vec(command(), 0..20), command in command()
    ) {
        let follow = |state: State, command: &Command| match User::decide(command, &state) {
            Ok(events) => User::fold(state, &events),
            Err(_) => state,
        };
        let state = follow(before.iter().fold(State::default(), follow), &command);
        prop_assert!(User::decide(&command, &state).unwrap_or_default().is_empty());
    }

    #[test]
    fn the_command_that_events_tell_of_makes_them_again(
        commands in proptest::collection::vec(command(), 0..40)
    ) {
        let mut state = State::default();
        for command in commands {
            let events = User::decide(&command, &state).unwrap_or_default();
            if events.is_empty() {
                continue;
            }
            let asked = User::asked(&events);
            prop_assert!(asked.is_some(), "{:?}", events);
            let again = asked.map(|asked| User::decide(&asked, &state));
            prop_assert_eq!(again, Some(Ok(events.clone())));
            state = User::fold(state, &events);
        }
    }

    #[test]
    fn no_history_makes_a_panic(
        events in proptest::collection::vec(event(), 0..20), command in command()
    ) {
        let mut document = None;
        let mut state = State::default();
        for (version, event) in (1..).zip(events) {
            state = User::evolve(state, &event);
            let _ = (
                Welcome::write(&state, &event),
                NameChange::write(&state, &event),
            );
            document = Some(fold(document, version, event));
            let _ = document.as_ref().map(Users::entries);
            let _ = document.as_ref().map(SearchOf::<User>::entries);
        }
        let _ = (User::decide(&command, &state), User::claims(&state));
    }
}
