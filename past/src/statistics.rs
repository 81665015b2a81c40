//! What happened on each day, and what all accounts hold together: the counters of the read model `statistics`.

use chrono::{Days, NaiveDate};
use domain::statistics::{Day, balances, days, of_balances, of_days};
use read_model::{Documents, ReadModelError};
use serde::Serialize;
use std::collections::BTreeMap;

/// How many days are shown, unless others are asked for.
const USUAL: u64 = 30;
/// How many days may be asked for.
pub const MOST_DAYS: u64 = 366;

/// A range of days, in UTC, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayRange {
    from: NaiveDate,
    to: NaiveDate,
}

/// Why these days are no range, or too long a one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be one of the {MOST_DAYS} days that end with {to}")]
pub struct NotARange {
    to: NaiveDate,
}

impl DayRange {
    /// The days that are asked for: until `today`, and as many as usual, unless others are.
    ///
    /// # Errors
    /// It ends before it begins, or is longer than [`MOST_DAYS`].
    ///
    /// # Example: what is too much
    /// ```
    /// use past::DayRange;
    ///
    /// let day = |text: &str| text.parse().expect("a day");
    /// let today = day("2026-11-21");
    /// assert!(DayRange::of(None, None, today).is_ok());
    ///
    /// // This fails, because it is a day more than a year and a day.
    /// let why = DayRange::of(Some(day("2025-11-20")), None, today).expect_err("too long");
    /// assert_eq!(why.to_string(), "must be one of the 366 days that end with 2026-11-21");
    /// ```
    pub fn of(
        from: Option<NaiveDate>,
        to: Option<NaiveDate>,
        today: NaiveDate,
    ) -> Result<Self, NotARange> {
        let to = to.unwrap_or(today);
        // OK because nothing happened before the years of four digits.
        let before = |days| to.checked_sub_days(Days::new(days - 1)).unwrap_or_default();
        let from = from.unwrap_or_else(|| before(USUAL));
        if from > to || from < before(MOST_DAYS) {
            return Err(NotARange { to });
        }
        Ok(Self { from, to })
    }
}

/// What the counters say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Statistics {
    /// The days on which something happened, newest first.
    pub days: Vec<Day>,
    /// The sum of all balances by currency, over all days.
    pub balances: BTreeMap<String, i128>,
}

impl Statistics {
    /// Those of a range of days. It takes a query of the counters of the days, and one of those of the balances.
    ///
    /// # Errors
    /// The store failed.
    pub async fn read(documents: &impl Documents, range: DayRange) -> Result<Self, ReadModelError> {
        let (first, last) = of_days(&range.from.to_string(), &range.to.to_string());
        let counted = documents.counters(&first, &last).await?;
        let (first, last) = of_balances();
        let held = documents.counters(&first, &last).await?;
        Ok(Self {
            days: days(&counted),
            balances: balances(&held),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(from: Option<&str>, to: Option<&str>) -> Result<(String, String), NotARange> {
        let day = |text: &str| text.parse().expect("a day");
        let DayRange { from, to } = DayRange::of(from.map(day), to.map(day), day("2026-11-21"))?;
        Ok((from.to_string(), to.to_string()))
    }

    fn days(from: &str, to: &str) -> Result<(String, String), NotARange> {
        Ok((from.to_owned(), to.to_owned()))
    }

    #[test]
    fn a_sum_of_more_than_64_bits_is_shown() {
        let statistics = Statistics {
            days: Vec::new(),
            balances: balances(&BTreeMap::from([("balances#EUR".to_owned(), 1 << 100)])),
        };
        assert_eq!(
            serde_json::to_string(&statistics).expect("it has JSON"),
            r#"{"days":[],"balances":{"EUR":1267650600228229401496703205376}}"#
        );
    }

    #[test]
    fn the_last_30_days_are_shown_unless_others_are_asked_for() {
        assert_eq!(asked(None, None), days("2026-10-23", "2026-11-21"));
        assert_eq!(
            asked(None, Some("2024-02-29")),
            days("2024-01-31", "2024-02-29")
        );
        assert_eq!(
            asked(Some("2026-11-21"), None),
            days("2026-11-21", "2026-11-21")
        );
        assert_eq!(
            asked(Some("2027-01-01"), Some("2027-01-02")),
            days("2027-01-01", "2027-01-02")
        );
    }

    #[test]
    fn a_year_and_a_day_is_the_most() {
        assert_eq!(
            asked(Some("2025-11-21"), None),
            days("2025-11-21", "2026-11-21")
        );
        assert!(asked(Some("2025-11-20"), None).is_err());
        assert!(asked(Some("2026-11-22"), None).is_err(), "not yet");
    }
}
