//! The values that commands carry. Reading a text is lenient (trimmed, Unicode form NFC) and takes any string, an absent
//! one as empty; `validate` then says what is wrong with it, so that a caller hears of all bad fields at once.

use garde::{Validate, rules::email::parse_email};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use std::net::IpAddr;
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
                Self($crate::values::tidy(text))
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

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string" })
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )+};
}
pub(crate) use texts;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", try_from = "String")]
#[schemars(!try_from)]
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

pub(crate) fn tidy(text: &str) -> String {
    text.replace("\r\n", "\n").trim().nfc().collect()
}

fn email(text: &str) -> Result<(), String> {
    const MOST: usize = 254;
    match parse_email(text) {
        _ if text.is_empty() => Err("is required: an email address".to_owned()),
        Ok(()) if text.len() > MOST => Err(format!(
            "must be at most {MOST} characters, not {}",
            text.len()
        )),
        Ok(()) if !has_dot_atom(text) => Err(
            "must be an email address: a dot must stand between two other characters".to_owned(),
        ),
        Ok(()) => Ok(()),
        Err(why) => Err(format!("must be an email address: {why}")),
    }
}

/// RFC 5321, section 4.1.2: in a local part that is not quoted, no dot is first, last or beside another.
fn has_dot_atom(email: &str) -> bool {
    let local = email.rsplit_once('@').map_or(email, |(local, _)| local);
    local.starts_with('"') || local.split('.').all(|atom| !atom.is_empty())
}

fn phone(text: &str) -> Result<(), String> {
    let usual = |c: char| c.is_ascii_digit() || " +-./()#*,;".contains(c);
    if text.contains(|c: char| c.is_ascii_digit()) && text.len() <= 40 && text.chars().all(usual) {
        return Ok(());
    }
    Err("must be a phone number: 1 to 40 digits, spaces and + - . / ( ) # * , ;".to_owned())
}

pub(crate) fn prose(text: &str, most: usize, also: &[char]) -> Result<(), String> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fine<T: Validate<Context = ()> + for<'a> From<&'a str>>(text: &str) -> bool {
        T::from(text).validate().is_ok()
    }

    #[test]
    fn a_name_is_of_any_script() {
        let long = "n".repeat(200);
        let names = [
            "X",
            "Søren O’Neill-Ó Dálaigh",
            "नेहा शर्\u{200d}मा",
            "علی\u{200c}رضا",
            "山田 太郎",
            "葛\u{e0100}城",
            &long,
        ];
        for name in names {
            assert!(fine::<Name>(name), "{name}");
        }
    }

    #[test]
    fn a_name_is_neither_empty_nor_long_nor_invisible() {
        let long = "\u{e9}".repeat(201);
        for name in ["", " \t\n", "\u{200d}", "\u{3164}\u{200e}", &long] {
            assert!(!fine::<Name>(name), "{name:?}");
        }
    }

    #[test]
    fn a_text_holds_no_character_that_misleads() {
        let controls = "\0\x07\x1b\r\x7f\u{85}";
        let hidden = "\u{ad}\u{200b}\u{2028}\u{202e}\u{2066}\u{feff}\u{fdd0}\u{fffe}\u{ffff}\u{1ffff}\u{e0041}";
        for c in controls.chars().chain(hidden.chars()) {
            let text = format!("a{c}b");
            assert!(!fine::<Name>(&text), "{text:?}");
            assert!(!fine::<Reason>(&text), "{text:?}");
        }
    }

    #[test]
    fn a_reason_may_have_lines() {
        assert_eq!(Reason::from(" one\r\n\ttwo\n").as_str(), "one\n\ttwo");
        assert!(fine::<Reason>("one\r\n\ttwo"));
        assert!(!fine::<Name>("one\ntwo"));
        assert!(fine::<Reason>(&"r".repeat(500)) && !fine::<Reason>(&"r".repeat(501)));
    }

    #[test]
    fn a_phone_is_written_in_many_ways() {
        for phone in [
            "112",
            "+49 (0)30 / 123-456",
            "030.123.456",
            "*21#",
            &"1".repeat(40),
        ] {
            assert!(fine::<Phone>(phone), "{phone}");
        }
        for phone in ["", "+", "call me", "112\n113", &"1".repeat(41)] {
            assert!(!fine::<Phone>(phone), "{phone:?}");
        }
    }

    #[test]
    fn an_email_is_as_the_library_has_it_and_not_too_long() {
        let domain = [
            "d".repeat(59),
            "d".repeat(59),
            "d".repeat(57),
            "example.com".to_owned(),
        ]
        .join(".");
        let longest = format!("{}@{domain}", "u".repeat(64));
        assert_eq!(longest.len(), 254);
        for email in [
            "a@b.example",
            "a+b.c@example.com",
            "a@xn--bcher-kva.example",
            "a@[127.0.0.1]",
            &longest,
        ] {
            assert!(fine::<Email>(email), "{email}");
        }
        let longer = longest.replace('@', "@d");
        for email in [
            "",
            "a",
            "a@",
            "@b",
            "a b@example.com",
            "a@b@c",
            "a@b\r\nBcc: c",
            &longer,
        ] {
            assert!(!fine::<Email>(email), "{email:?}");
        }
    }

    #[test]
    fn two_spellings_of_one_email_have_one_canonical_form() {
        let canonical = |text: &str| Email::from(text).canonical();
        assert_eq!(canonical(" Sarah@EXAMPLE.com "), "sarah@example.com");
        assert_eq!(canonical("a@[2001:DB8:0::1]"), canonical("a@[2001:db8::1]"));
        assert_eq!(
            canonical("a@[::ffff:127.0.0.1]"),
            canonical("a@[127.0.0.1]")
        );
        assert!(
            !fine::<Email>("a@bücher.example"),
            "so that its punycode is its only form"
        );
    }

    proptest! {
        #[test]
        fn reading_a_valid_text_again_changes_nothing(text in any::<String>()) {
            let (name, reason) = (Name::from(text.as_str()), Reason::from(text.as_str()));
            prop_assert!(name.validate().is_err() || Name::from(name.as_str()) == name);
            prop_assert!(reason.validate().is_err() || Reason::from(reason.as_str()) == reason);
        }
    }
}
