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
