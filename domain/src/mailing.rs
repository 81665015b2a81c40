//! What a mail is, and what writes one: a pure function of an event. Sending is not done here.

use crate::Aggregate;
use decider::Decider;

/// A mail to one person, in plain text.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// The address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// The body.
    pub text: String,
}

/// Writes mails about the events of its source.
pub trait Mailing: 'static {
    /// Names it; never changed once deployed.
    const NAME: &'static str;
    /// The types of the events that may ask for a mail, for whoever matches on them; no other is looked at.
    const EVENT_TYPES: &'static [&'static str];
    /// Whose events it reads.
    type Source: Aggregate;

    /// The mail that an event asks for, if it does, given the state right after it.
    fn write(
        state: &<Self::Source as Decider>::State,
        event: &<Self::Source as Decider>::Event,
    ) -> Option<Mail>;
}
