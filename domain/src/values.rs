//! The values that commands carry. Reading a text is lenient (trimmed, Unicode form NFC) and takes any string, an absent
//! one as empty; `validate` then says what is wrong with it, so that a caller hears of all bad fields at once.

use garde::{Validate, rules::email::parse_email};
use serde::{Deserialize, Deserializer, Serialize, de};
use std::{fmt, net::IpAddr};
use unicode_normalization::UnicodeNormalization;

/// Declares a text that `$check` judges. Its `Debug` shows no value, so that a log of a command names nobody.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $check:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Validate)]
        #[garde(transparent)]
        pub struct $name(#[garde(custom(|text: &String, _: &()| ($check)(text).map_err(garde::Error::new)))] String);

        impl $name {
            /// The text as it is stored.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.replace("\r\n", "\n").trim().nfc().collect())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                // OK because serde's own message would repeat the value, and that may be personal.
                match serde_json::Value::deserialize(deserializer)? {
                    serde_json::Value::String(text) => Ok(Self::from(text.as_str())),
                    _ => Err(de::Error::custom("must be a string")),
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )+};
}

texts! {
    /// What a person is called: 1 to 200 characters of any script.
    Name: |text: &str| prose(text, 200, &[]);
    /// Where a person gets mail; kept as it was spelt.
    Email: email;
    /// How a person is called up: digits and what is usually written between them.
    Phone: phone;
    /// Why somebody asked for a change: 1 to 500 characters, in lines if need be.
    Reason: |text: &str| prose(text, 500, &['\n', '\t']);
}

/// Whether a live user may be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum Status {
    /// Yes.
    Active,
    /// Only reactivated or deleted.
    Suspended,
}

impl Status {
    /// Validates that a command names a status; which one, reading it has judged.
    pub(crate) fn given(status: &Option<Self>, _: &()) -> garde::Result {
        match status {
            Some(Self::Active | Self::Suspended) => Ok(()),
            None => Err(garde::Error::new("is required: active or suspended")),
        }
    }
}

impl TryFrom<String> for Status {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        match text.as_str() {
            "active" => Ok(Self::Active),
            "suspended" => Ok(Self::Suspended),
            _ => Err("must be active or suspended"),
        }
    }
}

impl Email {
    /// The one form in which two emails are compared: case folded, and an address in brackets in its shortest form.
    /// An internationalised domain is only ever held as punycode, since `validate` refuses all but ASCII.
    #[must_use]
    pub fn canonical(&self) -> String {
        let folded = self.0.to_lowercase();
        let address = |(user, domain): (&str, &str)| {
            let address: IpAddr = domain.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?;
            Some(format!("{user}@[{}]", address.to_canonical()))
        };
        folded.split_once('@').and_then(address).unwrap_or(folded)
    }
}

fn email(text: &str) -> Result<(), String> {
    const MOST: usize = 254;
    match parse_email(text) {
        _ if text.is_empty() => Err("is required: an email address".to_owned()),
        Ok(()) if text.len() > MOST => Err(format!(
            "must be at most {MOST} characters, not {}",
            text.len()
        )),
        Ok(()) => Ok(()),
        Err(why) => Err(format!("must be an email address: {why}")),
    }
}

fn phone(text: &str) -> Result<(), String> {
    let usual = |c: char| c.is_ascii_digit() || " +-./()#*,;".contains(c);
    if text.contains(|c: char| c.is_ascii_digit()) && text.len() <= 40 && text.chars().all(usual) {
        return Ok(());
    }
    Err("must be a phone number: 1 to 40 digits, spaces and + - . / ( ) # * , ;".to_owned())
}

fn prose(text: &str, most: usize, also: &[char]) -> Result<(), String> {
    if text.is_empty() {
        return Err(format!("is required: 1 to {most} characters"));
    }
    let length = text.chars().count();
    if length > most {
        return Err(format!("must be 1 to {most} characters, not {length}"));
    }
    if let Some(c) = text.chars().find(|c| refused(*c) && !also.contains(c)) {
        return Err(format!(
            "must not contain the invisible character U+{:04X}",
            u32::from(c)
        ));
    }
    if text.chars().all(blank) {
        return Err("must contain a visible character".to_owned());
    }
    Ok(())
}

/// Characters that show nothing and mislead a reader or a machine: controls, overrides of the text's direction,
/// hidden tags, and noncharacters (of which SQS refuses a message).
fn refused(c: char) -> bool {
    let hidden = matches!(c,
        '\u{AD}' | '\u{180E}' | '\u{200B}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
        | '\u{FDD0}'..='\u{FDEF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}');
    c.is_control() || hidden || u32::from(c) & 0xFFFE == 0xFFFE
}

/// Characters that are fine among others, but alone would make an empty text: spaces, the joiners and direction marks
/// that scripts need, fillers.
fn blank(c: char) -> bool {
    let unseen = matches!(c,
        '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{200C}'..='\u{200F}' | '\u{2800}' | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FFA0}' | '\u{E0100}'..='\u{E01EF}');
    c.is_whitespace() || unseen
}
