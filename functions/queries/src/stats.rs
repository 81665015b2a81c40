//! `GET /stats`: what happened on each day, and what all accounts hold together.

use crate::answer::failed;
use chrono::{Days, NaiveDate};
use domain::statistics;
use edge::{Answer, Caller, Invalid, Problem, parameters};
use lambda_http::http::{StatusCode, header};
use lambda_http::{Body, Request, Response, tracing};
use read_model::Documents;
use serde::Serialize;
use std::collections::BTreeMap;

/// How many days are shown, unless the caller says otherwise.
const DAYS: u64 = 30;
/// How many days may be asked for.
const MAX_DAYS: u64 = 366;

/// The statistics of some days, of which `today` is the last unless the caller says otherwise.
///
/// # Errors
/// 422 for a parameter that is not as it must be.
pub async fn answer(
    documents: &impl Documents,
    request: &Request,
    caller: &Caller,
    today: NaiveDate,
) -> Result<Response<Body>, Problem> {
    caller.may("audit:read", None)?;
    let (from, to) = range(&parameters(request, &["from", "to"])?, today)?;
    let counters = async |(first, last): (String, String)| {
        let counters = documents.counters(&first, &last).await;
        counters.map_err(failed)
    };
    let of_days = statistics::of_days(&from.to_string(), &to.to_string());
    let of_days = counters(of_days).await?;
    let of_balances = counters(statistics::of_balances()).await?;
    let body = Statistics {
        days: statistics::days(&of_days),
        balances: statistics::balances(&of_balances),
    };
    let body = serde_json::to_string(&body).map_err(|error| {
        tracing::error!(%error, "statistics cannot be written");
        Problem::internal()
    })?;
    let answer = Answer::new(StatusCode::OK);
    Ok(answer
        .header(header::CONTENT_TYPE, "application/json")
        .body(body))
}

/// Written as text at once: a JSON value has no room for a number of more than 64 bits.
#[derive(Serialize)]
struct Statistics<'a> {
    days: Vec<statistics::Day>,
    balances: BTreeMap<&'a str, i128>,
}

/// The first and the last day that are asked for.
fn range(
    parameters: &BTreeMap<String, String>,
    today: NaiveDate,
) -> Result<(NaiveDate, NaiveDate), Problem> {
    let mut wrong = Vec::new();
    let mut day_of = |name: &str| {
        let text = parameters.get(name)?;
        let day = day(text);
        if day.is_none() {
            wrong.push(Invalid::new(name, "must be a day, such as 2026-11-21"));
        }
        day
    };
    let (from, to) = (day_of("from"), day_of("to"));
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong));
    }
    let to = to.unwrap_or(today);
    // OK because nothing happened before the years of four digits.
    let before = |days| to.checked_sub_days(Days::new(days - 1)).unwrap_or_default();
    let from = from.unwrap_or_else(|| before(DAYS));
    if from > to || from < before(MAX_DAYS) {
        let why = format!("must be one of the {MAX_DAYS} days that end with {to}");
        return Err(Problem::invalid([Invalid::new("from", why)]));
    }
    Ok((from, to))
}

/// A day as counters have it: `2026-11-21`, and in no other form. A year with a sign is none: the order of such days is not
/// that of their texts.
fn day(text: &str) -> Option<NaiveDate> {
    let day: NaiveDate = text.parse().ok()?;
    (day.to_string() == text && !text.starts_with(['+', '-'])).then_some(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(from: Option<&str>, to: Option<&str>) -> Result<(String, String), Problem> {
        let given = [("from", from), ("to", to)];
        let given = given
            .into_iter()
            .filter_map(|(name, day)| Some((name.to_owned(), day?.to_owned())));
        let today = NaiveDate::from_ymd_opt(2026, 11, 21).expect("a day");
        let (from, to) = range(&given.collect(), today)?;
        Ok((from.to_string(), to.to_string()))
    }

    fn days(from: &str, to: &str) -> Result<(String, String), Problem> {
        Ok((from.to_owned(), to.to_owned()))
    }

    #[test]
    fn a_sum_of_more_than_64_bits_is_shown() {
        let counters = BTreeMap::from([("balances#EUR".to_owned(), 1 << 100)]);
        let body = Statistics {
            days: Vec::new(),
            balances: statistics::balances(&counters),
        };
        assert_eq!(
            serde_json::to_string(&body).expect("it has JSON"),
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
    }

    #[test]
    fn each_day_that_is_none_is_named() {
        for text in [
            "",
            "today",
            "2026-02-30",
            "2026-1-2",
            "+2026-11-21",
            "+10000-01-01",
            "-0001-01-01",
            "12026-11-21 ",
        ] {
            let problem = asked(Some(text), Some(text)).expect_err("no day");
            let named = |name| Invalid::new(name, "must be a day, such as 2026-11-21");
            assert_eq!(
                problem,
                Problem::invalid([named("from"), named("to")]),
                "{text}"
            );
        }
    }

    #[test]
    fn days_that_end_before_they_begin_are_refused() {
        let problem = asked(Some("2026-11-22"), None).expect_err("not yet");
        let why = "must be one of the 366 days that end with 2026-11-21";
        assert_eq!(problem, Problem::invalid([Invalid::new("from", why)]));
    }
}
