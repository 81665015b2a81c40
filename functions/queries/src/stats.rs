//! `GET /stats`: what happened on each day, and what all accounts hold together.

use crate::answer::failed;
use chrono::NaiveDate;
use edge::{Answer, Caller, Invalid, Problem, parameters};
use lambda_http::http::{StatusCode, header};
use lambda_http::{Body, Request, Response, tracing};
use past::{DayRange, Statistics};
use read_model::{Documents, ReadModelError};
use std::collections::BTreeMap;

/// The statistics of some days, of which `today` is the last unless the caller says otherwise; `behind` finds how many events
/// they do not hold yet.
///
/// # Errors
/// 422 for a parameter that is not as it must be.
pub async fn answer(
    documents: &impl Documents,
    behind: impl Future<Output = Result<u64, ReadModelError>>,
    request: &Request,
    caller: &Caller,
    today: NaiveDate,
) -> Result<Response<Body>, Problem> {
    caller.may("audit:read", None)?;
    let range = range(&parameters(request, &["from", "to"])?, today)?;
    // OK because it comes first: what is taken in meanwhile is shown, and told as missing; never the other way round.
    let behind = behind.await.map_err(failed)?;
    let read = Statistics::read(documents, range).await;
    let statistics = read.map_err(failed)?;
    // OK because it is written as text at once: a JSON value has no room for a number of more than 64 bits.
    let body = serde_json::to_string(&statistics).map_err(|error| {
        tracing::error!(%error, "statistics cannot be written");
        Problem::internal()
    })?;
    let answer = Answer::new(StatusCode::OK).behind(behind);
    Ok(answer
        .header(header::CONTENT_TYPE, "application/json")
        .body(body))
}

/// The days that are asked for.
fn range(parameters: &BTreeMap<String, String>, today: NaiveDate) -> Result<DayRange, Problem> {
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
    DayRange::of(from, to, today)
        .map_err(|why| Problem::invalid([Invalid::new("from", why.to_string())]))
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

    fn asked(from: Option<&str>, to: Option<&str>) -> Result<DayRange, Problem> {
        let given = [("from", from), ("to", to)];
        let given = given
            .into_iter()
            .filter_map(|(name, day)| Some((name.to_owned(), day?.to_owned())));
        let today = NaiveDate::from_ymd_opt(2026, 11, 21).expect("a day");
        range(&given.collect(), today)
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
