//! The values that commands about money carry: whole numbers of minor units, their currency, and what accounts are named by.

use crate::values::{prose, texts};
use garde::Validate;
use iso_currency::Currency as Iso;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;
use uuid::Uuid;

/// The most that an account can hold or owe, in minor units: 2^53 - 1, up to which every reader of JSON takes a whole number
/// exactly (RFC 8259, section 6).
pub const MOST: i64 = (1 << 53) - 1;

/// Declares a whole number of minor units of which `$least` is the least; `1250` is 12.50 in a currency of two digits.
macro_rules! minor_units {
    ($($(#[$doc:meta])* $name:ident: $least:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        pub struct $name(i64);

        impl $name {
            const WHY: &str = concat!(
                "must be a whole number of minor units from ", $least, " to 9007199254740991, such as 1250 for 12.50"
            );

            /// In minor units.
            #[must_use]
            pub const fn of(minor_units: i64) -> Self {
                Self(minor_units)
            }

            /// The number of minor units.
            #[must_use]
            pub const fn minor_units(self) -> i64 {
                self.0
            }
        }

        impl Validate for $name {
            type Context = ();
            fn validate_into(&self, _: &(), path: &mut dyn FnMut() -> garde::Path, report: &mut garde::Report) {
                if !($least..=MOST).contains(&self.0) {
                    report.append(path(), garde::Error::new(Self::WHY));
                }
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "integer", "minimum": $least, "maximum": MOST })
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let number = Value::deserialize(deserializer)?.as_i64();
                number.map(Self).ok_or_else(|| de::Error::custom(Self::WHY))
            }
        }
    )+};
}

minor_units! {
    /// What is moved: 1 minor unit or more.
    Amount: 1;
    /// What may also be nothing: an initial deposit, a limit.
    Money: 0;
}

impl Money {
    /// Validates that a command names it.
    pub(crate) fn given(money: &Option<Self>, _: &()) -> garde::Result {
        match money {
            Some(Self(_)) => Ok(()),
            None => Err(garde::Error::new(Self::WHY)),
        }
    }
}

texts! {
    /// An alphabetic code of ISO 4217 for a currency that has minor units: `EUR`, not `XAU`. Stored as it is, so that a code
    /// that is retired one day can still be read.
    Currency: currency;
    /// What an account goes by, such as an IBAN: kept as it was written.
    AccountNumber: account_number;
    /// Whose an account is: the subject of that caller's tokens.
    Owner: |text: &str| prose(text, 255, &[]);
    /// What a movement was for: 1 to 500 characters, in lines if need be.
    Description: |text: &str| prose(text, 500, &['\n', '\t']);
}

impl AccountNumber {
    /// The one form in which two numbers are compared: capital letters and digits alone.
    #[must_use]
    pub fn canonical(&self) -> String {
        let characters = self.as_str().chars().filter(char::is_ascii_alphanumeric);
        characters.map(|c| c.to_ascii_uppercase()).collect()
    }
}

/// Names another stream: its id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Id(pub Uuid);

impl Id {
    const WHY: &str = "must be a UUID";
}

impl Validate for Id {
    type Context = ();
    fn validate_into(
        &self,
        _: &(),
        path: &mut dyn FnMut() -> garde::Path,
        report: &mut garde::Report,
    ) {
        if self.0.is_nil() {
            report.append(path(), garde::Error::new(Self::WHY));
        }
    }
}

impl schemars::JsonSchema for Id {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Id".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "uuid" })
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// In hexadecimal with hyphens, the only form that names a stream.
        const USUAL: usize = 36;
        let value = Value::deserialize(deserializer)?;
        let text = value.as_str().filter(|text| text.len() == USUAL);
        let id = text.and_then(|text| Uuid::try_parse(text).ok());
        id.map(Self).ok_or_else(|| de::Error::custom(Self::WHY))
    }
}

fn currency(text: &str) -> Result<(), String> {
    let known = Iso::from_code(text).and_then(|currency| currency.exponent());
    known
        .map(|_| ())
        .ok_or_else(|| "must be a currency of ISO 4217 in capital letters, such as EUR".to_owned())
}

/// Of letters and digits there are 1 to 34, as in an IBAN (ISO 13616).
fn account_number(text: &str) -> Result<(), String> {
    let usual = |c: char| c.is_ascii_alphanumeric() || " -./".contains(c);
    let number = AccountNumber(text.to_owned()).canonical();
    if (1..=34).contains(&number.len()) && text.len() <= 50 && text.chars().all(usual) {
        return Ok(());
    }
    Err("must be 1 to 34 letters and digits, with spaces and - . / between them".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fine<T: Validate<Context = ()>>(value: T) -> bool {
        value.validate().is_ok()
    }

    #[test]
    fn an_amount_is_a_positive_whole_number() {
        let read = |json: Value| serde_json::from_value::<Amount>(json).is_ok_and(fine);
        assert!(read(json!(1)) && read(json!(MOST)));
        for bad in [
            json!(0),
            json!(-1),
            json!(MOST + 1),
            json!(u64::MAX),
            json!(12.5),
            json!(1e3),
            json!("1250"),
            json!(null),
            json!([1]),
        ] {
            assert!(!read(bad.clone()), "{bad}");
        }
    }

    #[test]
    fn money_may_be_nothing_but_not_less() {
        let read = |json: Value| serde_json::from_value::<Money>(json).is_ok_and(fine);
        assert!(read(json!(0)) && read(json!(MOST)));
        assert!(!read(json!(-1)) && !read(json!(0.0)) && !read(json!(MOST + 1)));
    }

    #[test]
    fn a_currency_is_one_of_iso_4217_that_has_minor_units() {
        for code in ["EUR", "USD", "JPY", "KWD", "CLF"] {
            assert!(fine(Currency::from(code)), "{code}");
        }
        for code in ["", "eur", "EURO", "XXX", "XTS", "XAU", "ABC", "€", "978"] {
            assert!(!fine(Currency::from(code)), "{code}");
        }
    }

    #[test]
    fn an_account_number_is_compared_without_what_stands_between() {
        let canonical = |text: &str| AccountNumber::from(text).canonical();
        assert_eq!(
            canonical("de89 3704-0044.0532/013000"),
            "DE89370400440532013000"
        );
        for number in [
            "1",
            "ACC-001",
            "DE89 3704 0044 0532 0130 00",
            &"9".repeat(34),
        ] {
            assert!(fine(AccountNumber::from(number)), "{number}");
        }
        for number in [
            "",
            " - ",
            "ACC_1",
            "ÄÖ",
            "1\n2",
            &"9".repeat(35),
            &format!("1{}2", " ".repeat(49)),
        ] {
            assert!(!fine(AccountNumber::from(number)), "{number:?}");
        }
    }

    #[test]
    fn an_id_has_one_spelling_but_for_its_letters() {
        let read = |text: &str| serde_json::from_value::<Id>(json!(text)).ok();
        let id = read("01A1E50A-5950-7A61-8FA4-5BE3D833D61D").expect("a UUID");
        assert_eq!(json!(id), json!("01a1e50a-5950-7a61-8fa4-5be3d833d61d"));
        for bad in [
            "",
            "1",
            "01a1e50a59507a618fa45be3d833d61d",
            "{01a1e50a-5950-7a61-8fa4-5be3d833d61d}",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert!(!fine(Id::default()), "none was given");
    }
}
