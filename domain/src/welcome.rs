//! The mail that greets a new user.

use crate::user::Event;
use crate::values::{Email, Name};
use crate::{Mail, Mailing, User};

/// Greets a user who was created, at the email the user was created with.
pub struct Welcome;

impl Mailing for Welcome {
    const NAME: &'static str = "welcome";
    type Source = User;

    fn write(event: &Event) -> Option<Mail> {
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
