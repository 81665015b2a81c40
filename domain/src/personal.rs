//! A personal value: known, or erased for good. Its JSON is the bare value, or `{"erased":true}`.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// A value about a person. Events, states and documents hold no name, email or phone in any other form.
///
/// ```
/// use domain::Personal;
///
/// let name = Personal::Known("Sarah".to_owned());
/// assert_eq!(format!("{name:?}"), "Known(..)", "a log shows no value");
/// assert_eq!(serde_json::to_string(&name)?, r#""Sarah""#);
/// assert_eq!(serde_json::from_str::<Personal<String>>(r#"{"erased":true}"#)?, Personal::Erased);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a value, or {\"erased\":true}")]
pub enum Personal<T> {
    /// Nobody can read it any more.
    #[serde(with = "erased")]
    Erased,
    /// The value.
    Known(T),
}

impl<T> Personal<T> {
    /// The value, unless it was erased.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Erased => None,
        }
    }
}

impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Known(_) => "Known(..)",
            Self::Erased => "Erased",
        })
    }
}

mod erased {
    use super::{Deserialize, Deserializer, Serialize, Serializer, de};

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Mark {
        erased: bool,
    }

    pub fn serialize<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
        Mark { erased: true }.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
        match Mark::deserialize(deserializer)? {
            Mark { erased: true } => Ok(()),
            Mark { erased: false } => Err(de::Error::custom("erased must be true")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::{Command, Event};
    use serde_json::json;

    #[test]
    fn known_is_the_bare_value_and_erased_a_mark() {
        let read = |json| serde_json::from_value::<Personal<String>>(json).ok();
        assert_eq!(
            read(json!("Sarah")),
            Some(Personal::Known("Sarah".to_owned()))
        );
        assert_eq!(read(json!({"erased": true})), Some(Personal::Erased));
        assert_eq!(json!(Personal::<String>::Erased), json!({"erased": true}));
        for neither in [
            json!({"erased": false}),
            json!({"erased": true, "x": 1}),
            json!({}),
            json!(null),
            json!(5),
        ] {
            assert_eq!(read(neither), None);
        }
    }

    #[test]
    fn what_is_logged_of_a_user_shows_nothing_personal() {
        let command = Command::CreateUser {
            name: "Sarah".into(),
            email: "sarah@example.com".into(),
            phone: Some("112".into()),
        };
        let event = Event::UserCreated {
            name: Personal::Known("Sarah".into()),
            email: Personal::Known("sarah@example.com".into()),
            phone: Some(Personal::Known("112".into())),
        };
        let shown = format!("{command:?} {event:?} {:?}", Personal::Known("Sarah")).to_lowercase();
        assert!(
            !shown.contains("sarah") && !shown.contains("112"),
            "{shown}"
        );
    }
}
