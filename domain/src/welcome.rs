//! The mail that greets a new user.

use crate::user::{Event, State};
use crate::values::{Email, Name};
use crate::{Mail, Mailing, User};

/// Greets a user who was created, at the email the user was created with.
pub struct Welcome;

impl Mailing for Welcome {
    const NAME: &'static str = "welcome";
    const EVENT_TYPES: &'static [&'static str] = &["UserCreated"];
    type Source = User;

    fn write(_: &State, event: &Event) -> Option<Mail> {
        match event {
            Event::UserCreated { name, email, .. } => {
                email.known().map(|email| greeting(name.known(), email))
            }
            Event::UserNameChanged { .. }
            | Event::UserEmailChanged { .. }
            | Event::UserStatusChanged { .. }
            | Event::UserNameCorrected { .. }
            | Event::UserEmailCorrected { .. }
            | Event::UserDeleted { .. }
            | Event::UserRestored { .. } => None,
        }
    }
}

fn greeting(name: Option<&Name>, email: &Email) -> Mail {
    let hello = name.map_or_else(
        || "Hello".to_owned(),
        |name| format!("Hello {}", name.as_str()),
    );
    Mail {
        to: email.as_str().to_owned(),
        // OK because the subject holds nothing that a stranger typed: a mail of ours must not carry their message.
        subject: "Welcome".to_owned(),
        text: format!("{hello},\n\nan account was created for you with this email address.\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Personal;

    fn created(name: Personal<Name>, email: Personal<Email>) -> Event {
        Event::UserCreated {
            name,
            email,
            phone: None,
        }
    }

    #[test]
    fn a_new_user_is_greeted() {
        let name = Personal::Known("Sarah".into());
        let mail = Welcome::write(
            &State::Unknown,
            &created(name, Personal::Known("Sarah@example.com".into())),
        )
        .expect("a mail");
        assert_eq!(
            (mail.to.as_str(), mail.subject.as_str()),
            ("Sarah@example.com", "Welcome")
        );
        assert!(mail.text.starts_with("Hello Sarah,\n"));
    }

    #[test]
    fn nobody_is_greeted_at_an_erased_email() {
        assert!(
            Welcome::write(
                &State::Unknown,
                &created(Personal::Known("Sarah".into()), Personal::Erased)
            )
            .is_none()
        );
        let mail = Welcome::write(
            &State::Unknown,
            &created(Personal::Erased, Personal::Known("s@example.com".into())),
        );
        assert!(mail.expect("a mail").text.starts_with("Hello,\n"));
    }

    #[test]
    fn no_other_event_is_greeted() {
        let (old, new) = (Personal::Erased, Personal::Known("s@example.com".into()));
        assert!(
            Welcome::write(
                &State::Unknown,
                &Event::UserEmailChanged {
                    old,
                    new,
                    reason: None
                }
            )
            .is_none()
        );
    }
}
