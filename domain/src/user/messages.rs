//! What a user is asked, and what has happened to one: the shapes that callers send and that are stored for ever.

use super::Held;
use crate::Personal;
use crate::values::{Email, Name, Phone, Reason, Status};
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a caller asks of a user.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema, Validate)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub enum Command {
    CreateUser {
        #[serde(default)]
        #[garde(dive)]
        name: Name,
        #[serde(default)]
        #[garde(dive)]
        email: Email,
        #[garde(dive)]
        phone: Option<Phone>,
    },
    ChangeUserName {
        #[serde(default)]
        #[garde(dive)]
        name: Name,
        #[serde(default)]
        #[garde(dive)]
        reason: Reason,
    },
    ChangeUserEmail {
        #[serde(default)]
        #[garde(dive)]
        email: Email,
        #[garde(dive)]
        reason: Option<Reason>,
    },
    ChangeUserStatus {
        /// An option only so that its absence is reported beside the other fields; validation requires it.
        #[garde(custom(Status::given))]
        status: Option<Status>,
        #[serde(default)]
        #[garde(dive)]
        reason: Reason,
    },
    CorrectUser {
        #[garde(dive, custom(this_or(email)))]
        name: Option<Name>,
        #[garde(dive)]
        email: Option<Email>,
        #[serde(default)]
        #[garde(dive)]
        reason: Reason,
    },
    DeleteUser {
        #[serde(default)]
        #[garde(dive)]
        reason: Reason,
    },
    RestoreUser {
        #[serde(default)]
        #[garde(dive)]
        reason: Reason,
    },
}

/// What has happened to a user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    UserCreated {
        name: Personal<Name>,
        email: Personal<Email>,
        phone: Option<Personal<Phone>>,
    },
    UserNameChanged {
        old: Personal<Name>,
        new: Personal<Name>,
        reason: Reason,
    },
    UserEmailChanged {
        old: Personal<Email>,
        new: Personal<Email>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    },
    UserStatusChanged {
        old: Status,
        new: Status,
        reason: Reason,
    },
    UserNameCorrected {
        old: Personal<Name>,
        new: Personal<Name>,
        reason: Reason,
    },
    UserEmailCorrected {
        old: Personal<Email>,
        new: Personal<Email>,
        reason: Reason,
    },
    UserDeleted {
        #[serde(flatten)]
        held: Held,
        status: Status,
        reason: Reason,
    },
    UserRestored {
        #[serde(flatten)]
        held: Held,
        reason: Reason,
    },
}

/// The command that these events of one commit answer; what was erased since is not told.
pub(super) fn asked(events: &[Event]) -> Option<Command> {
    use Event::*;
    let known = |value: &Personal<Name>| value.known().cloned();
    let known_email = |value: &Personal<Email>| value.known().cloned();
    Some(match events {
        [UserCreated { name, email, phone }] => Command::CreateUser {
            name: known(name)?,
            email: known_email(email)?,
            phone: match phone {
                Some(phone) => Some(phone.known()?.clone()),
                None => None,
            },
        },
        [UserNameChanged { new, reason, .. }] => Command::ChangeUserName {
            name: known(new)?,
            reason: reason.clone(),
        },
        [UserEmailChanged { new, reason, .. }] => Command::ChangeUserEmail {
            email: known_email(new)?,
            reason: reason.clone(),
        },
        [UserStatusChanged { new, reason, .. }] => Command::ChangeUserStatus {
            status: Some(*new),
            reason: reason.clone(),
        },
        [UserNameCorrected { new, reason, .. }] => Command::CorrectUser {
            name: Some(known(new)?),
            email: None,
            reason: reason.clone(),
        },
        [UserEmailCorrected { new, reason, .. }] => Command::CorrectUser {
            name: None,
            email: Some(known_email(new)?),
            reason: reason.clone(),
        },
        [
            UserNameCorrected {
                new: name, reason, ..
            },
            UserEmailCorrected { new: email, .. },
        ] => Command::CorrectUser {
            name: Some(known(name)?),
            email: Some(known_email(email)?),
            reason: reason.clone(),
        },
        [UserDeleted { reason, .. }] => Command::DeleteUser {
            reason: reason.clone(),
        },
        [UserRestored { reason, .. }] | [UserRestored { reason, .. }, UserStatusChanged { .. }] => {
            Command::RestoreUser {
                reason: reason.clone(),
            }
        }
        _ => return None,
    })
}

fn this_or(email: &Option<Email>) -> impl FnOnce(&Option<Name>, &()) -> garde::Result {
    move |name, ()| match (name, email) {
        (Some(_), _) | (_, Some(_)) => Ok(()),
        (None, None) => Err(garde::Error::new("is required unless email is given")),
    }
}
