//! `GET /events`: what happened at a time, in whatever stream, newest first.

use crate::answer::{failed, no_such_route, or_problem};
use crate::list::{limit, no_cursor};
use chrono::{DateTime, TimeDelta, Utc};
use domain::registry;
use domain::timeline::Marked;
use edge::{Answer, Caller, Invalid, Problem, json, parameters, route_key};
use event_store::EventLog;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use past::{Span, happened, marked};
use read_model::{Cursor, Documents, ReadModelError};
use serde_json::json;
use std::collections::BTreeMap;
use std::convert::Infallible;

/// How far around a moment is looked, unless the caller says otherwise.
const WINDOW: TimeDelta = TimeDelta::minutes(5);
/// How far may be looked: each day costs a read of each of its shards.
const MOST: TimeDelta = TimeDelta::days(31);

/// The answer to a request for events, whatever it is; `behind` finds how many of them are not listed yet.
pub async fn answer(
    log: &impl EventLog,
    documents: &impl Documents,
    behind: impl Future<Output = Result<u64, ReadModelError>>,
    subject_claim: &str,
    request: Request,
) -> Result<Response<Body>, Infallible> {
    let route = route_key(&request);
    let answered = async {
        let caller = Caller::of(&request, subject_claim)?;
        match route.as_str() {
            "GET /events" => {
                let now = Utc::now();
                events(log, documents, behind, &request, &caller, now).await
            }
            _ => Err(no_such_route(&request)),
        }
    };
    Ok(or_problem(&route, answered.await))
}

/// A page of events.
///
/// # Errors
/// 422 for a parameter that is not as it must be.
async fn events(
    log: &impl EventLog,
    documents: &impl Documents,
    behind: impl Future<Output = Result<u64, ReadModelError>>,
    request: &Request,
    caller: &Caller,
    now: DateTime<Utc>,
) -> Result<Response<Body>, Problem> {
    caller.may("audit:read", None)?;
    let known = ["around", "window", "from", "to", "type", "limit", "cursor"];
    let parameters = parameters(request, &known)?;
    let asked = Asked::of(&parameters, now)?;
    // OK because it comes first: what is listed meanwhile is shown, and told as missing; never the other way round.
    let behind = behind.await.map_err(failed)?;
    let (places, next) = asked.places(documents).await.map_err(failed)?;
    let data = happened(log, &places).await;
    let data = data.map_err(|error| failed(error.into()))?;
    let next_cursor = next.map(|next| next.to_text());
    Ok(json(
        Answer::new(StatusCode::OK).behind(behind),
        &json!({ "data": data, "next_cursor": next_cursor }),
    ))
}

/// Which events are asked for.
#[derive(Debug, PartialEq)]
struct Asked {
    span: Span,
    kind: Option<String>,
}

impl Asked {
    fn of(parameters: &BTreeMap<String, String>, now: DateTime<Utc>) -> Result<Self, Problem> {
        let (from, to) = range(parameters, now)?;
        let kind = parameters.get("type").cloned();
        if kind.as_ref().is_some_and(|kind| !is_type(kind)) {
            return Err(invalid(
                "type",
                "must be a type of event, such as UserCreated",
            ));
        }
        let cursor = parameters.get("cursor").map(|text| {
            let cursor = Cursor::parse(text);
            cursor
                .filter(|cursor| Marked::of(cursor.as_str()).is_some())
                .ok_or_else(no_cursor)
        });
        let span = Span {
            from,
            // OK because nothing is recorded in times to come, but for a clock that is a little ahead.
            to: to.min(now + TimeDelta::hours(1)),
            cursor: cursor.transpose()?,
            limit: limit(parameters)?,
        };
        Ok(Self { span, kind })
    }

    /// The rows of a page, and where those after them begin.
    async fn places(
        &self,
        documents: &impl Documents,
    ) -> Result<(Vec<String>, Option<Cursor>), ReadModelError> {
        let wanted = self.kind.as_deref();
        let is_asked_for = |marked: &Marked<'_>| wanted.is_none_or(|kind| marked.kind == kind);
        marked(documents, &self.span, is_asked_for).await
    }
}

/// The first and the last moment that are asked for.
fn range(
    parameters: &BTreeMap<String, String>,
    now: DateTime<Utc>,
) -> Result<(DateTime<Utc>, DateTime<Utc>), Problem> {
    let moment = |name| {
        parameters
            .get(name)
            .map(|text| time(name, text))
            .transpose()
    };
    let (around, from, to) = (moment("around")?, moment("from")?, moment("to")?);
    let window = parameters.get("window");
    let (from, to) = match (around, from, to) {
        (around, None, None) => {
            let around = around.unwrap_or(now);
            let window = window.map_or(Ok(WINDOW), |text| span(text))?;
            let moments = around
                .checked_sub_signed(window)
                .zip(around.checked_add_signed(window));
            return moments.ok_or_else(|| invalid("around", "must be a time of our calendar"));
        }
        (Some(_), ..) => return Err(invalid("around", "must not be given beside from or to")),
        (None, None, Some(_)) => return Err(invalid("from", "is required beside to")),
        (None, Some(from), to) => (from, to.unwrap_or(now)),
    };
    if window.is_some() {
        return Err(invalid("window", "must not be given without around"));
    }
    if from > to || to - from > MOST {
        let why = format!("must come before to, by {} days at most", MOST.num_days());
        return Err(invalid("from", &why));
    }
    Ok((from, to))
}

fn time(name: &str, text: &str) -> Result<DateTime<Utc>, Problem> {
    // OK because a plus that was not escaped comes as a space.
    let time = DateTime::parse_from_rfc3339(&text.replace(' ', "+"));
    let why = "must be a time of RFC 3339, such as 2026-11-21T15:47:00Z";
    time.map(|time| time.to_utc())
        .map_err(|_| invalid(name, why))
}

/// A length of time: `90s`, `5m`, `12h`, `31d`.
fn span(text: &str) -> Result<TimeDelta, Problem> {
    let unit = |unit| match unit {
        's' => Some(TimeDelta::seconds(1)),
        'm' => Some(TimeDelta::minutes(1)),
        'h' => Some(TimeDelta::hours(1)),
        'd' => Some(TimeDelta::days(1)),
        _ => None,
    };
    let span = || {
        let last = text.chars().last()?;
        let number = text.strip_suffix(last)?;
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        let number = number.parse().ok().filter(|number| digits && *number > 0)?;
        let span = unit(last)?.checked_mul(number)?;
        Some(span).filter(|span| *span <= MOST)
    };
    let why = "must be a number of s, m, h or d, such as 5m, and at most 31d";
    span().ok_or_else(|| invalid("window", why))
}

fn is_type(kind: &str) -> bool {
    let mut types = registry::AGGREGATES.iter().flat_map(|(_, types)| *types);
    types.any(|known| *known == kind)
}

fn invalid(field: &str, why: &str) -> Problem {
    Problem::invalid([Invalid::new(field, why)])
}

#[cfg(test)]
mod tests;
