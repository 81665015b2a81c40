//! The mail that tells a user of a new name.

use crate::user::{Event, State};
use crate::values::Name;
use crate::{Mail, Mailing, User};

/// Tells a user whose name was changed, at the email that the user has. A correction is not told: the name was always meant
/// to be that.
pub struct NameChange;

impl Mailing for NameChange {
    const NAME: &'static str = "name-change";
    const EVENT_TYPES: &'static [&'static str] = &["UserNameChanged"];
    type Source = User;

    fn write(state: &State, event: &Event) -> Option<Mail> {
        let (Event::UserNameChanged { new, .. }, State::Active(held) | State::Suspended(held)) =
            (event, state)
        else {
            return None;
        };
        held.email.known().map(|email| Mail {
            to: email.as_str().to_owned(),
            // OK because the subject holds nothing that a stranger typed: a mail of ours must not carry their message.
            subject: "Your name was changed".to_owned(),
            text: text(new.known()),
        })
    }
}

fn text(name: Option<&Name>) -> String {
    let to = name.map_or_else(String::new, |name| format!(" to {}", name.as_str()));
    format!(
        "Hello,\n\nthe name of your account was changed{to}. If that is wrong, please tell us.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Personal;
    use crate::user::Held;
    use crate::values::{Email, Status};

    fn user(email: Personal<Email>) -> Held {
        Held {
            name: Personal::Known("Sara".into()),
            email,
            phone: None,
        }
    }

    fn sara() -> Held {
        user(Personal::Known("sara@example.com".into()))
    }

    fn changed(new: Personal<Name>) -> Event {
        Event::UserNameChanged {
            old: Personal::Known("Sarah".into()),
            new,
            reason: "married".into(),
        }
    }

    #[test]
    fn a_user_is_told_of_a_new_name() {
        let event = changed(Personal::Known("Sara".into()));
        for state in [State::Active(sara()), State::Suspended(sara())] {
            let mail = NameChange::write(&state, &event).expect("a mail");
            assert_eq!(mail.to, "sara@example.com");
            assert_eq!(mail.subject, "Your name was changed");
            assert!(mail.text.contains("was changed to Sara."), "{}", mail.text);
        }
        let mail = NameChange::write(&State::Active(sara()), &changed(Personal::Erased));
        assert!(mail.expect("a mail").text.contains("was changed."));
    }

    #[test]
    fn nobody_is_told_who_is_gone_or_has_no_email() {
        let event = changed(Personal::Known("Sara".into()));
        let (held, was) = (sara(), Status::Active);
        for state in [
            State::Unknown,
            State::Deleted { held, was },
            State::Active(user(Personal::Erased)),
        ] {
            assert!(NameChange::write(&state, &event).is_none());
        }
    }

    #[test]
    fn a_correction_is_not_told() {
        let event = Event::UserNameCorrected {
            old: Personal::Known("Sarha".into()),
            new: Personal::Known("Sarah".into()),
            reason: "typo".into(),
        };
        assert!(NameChange::write(&State::Active(sara()), &event).is_none());
    }
}
