//! `GET /events`: what happened at a time, in whatever stream, newest first.

use crate::answer::{failed, no_such_route, or_problem};
use crate::list::{limit, no_cursor};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::registry;
use domain::timeline::{Marked, day};
use edge::{Answer, Caller, Invalid, Problem, json, parameters, route_key};
use event_store::{EventLog, StoreError, rfc3339};
use futures_util::future::try_join_all;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response, tracing};
use past::{unreadable, view};
use read_model::{Cursor, Documents, ReadModelError, Row, merged};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;

/// How far around a moment is looked, unless the caller says otherwise.
const WINDOW: TimeDelta = TimeDelta::minutes(5);
/// How far may be looked: each day costs a read of each of its shards.
const MOST: TimeDelta = TimeDelta::days(31);
/// How many rows one page looks at; then it is a shorter one.
const ROWS: usize = 1000;
/// How many events are read side by side.
const SIDE_BY_SIDE: usize = 16;

/// The answer to a request for events, whatever it is.
pub async fn answer(
    log: &impl EventLog,
    documents: &impl Documents,
    subject_claim: &str,
    request: Request,
) -> Result<Response<Body>, Infallible> {
    let route = route_key(&request);
    let answered = async {
        let caller = Caller::of(&request, subject_claim)?;
        match route.as_str() {
            "GET /events" => events(log, documents, &request, &caller, Utc::now()).await,
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
    request: &Request,
    caller: &Caller,
    now: DateTime<Utc>,
) -> Result<Response<Body>, Problem> {
    caller.may("audit:read", None)?;
    let known = ["around", "window", "from", "to", "type", "limit", "cursor"];
    let parameters = parameters(request, &known)?;
    let asked = Asked::of(&parameters, now)?;
    let (places, next) = asked.places(documents).await.map_err(failed)?;
    let mut seen = HashSet::new();
    let mut marked: Vec<_> = places
        .iter()
        .filter_map(|place| Marked::of(place))
        .collect();
    // OK because an old event that is two of today's is one event still.
    marked.retain(|marked| seen.insert((marked.stream, marked.version)));
    let mut data = Vec::new();
    for some in marked.chunks(SIDE_BY_SIDE) {
        let read = some
            .iter()
            .map(async |marked| match event(log, *marked).await {
                // OK because one event that cannot be read hides no other.
                Err(StoreError::Corrupt { .. }) => Ok(Some(unreadable_event(*marked))),
                read => read,
            });
        let read = try_join_all(read).await;
        data.extend(
            read.map_err(|error| failed(error.into()))?
                .into_iter()
                .flatten(),
        );
    }
    let next_cursor = next.map(|next| next.to_text());
    Ok(json(
        Answer::new(StatusCode::OK),
        &json!({ "data": data, "next_cursor": next_cursor }),
    ))
}

/// The event that a row speaks of, as it was stored.
async fn event(log: &impl EventLog, marked: Marked<'_>) -> Result<Option<Value>, StoreError> {
    let Marked {
        stream, version, ..
    } = marked;
    // OK because a commit begins at or before each of its versions, and the next one after them.
    let commits = log.newest(stream, 1..=version, 1).await?;
    for commit in &commits {
        let mut events = commit.events()?.into_iter().zip(commit.version..);
        if let Some((event, _)) = events.find(|(_, at)| *at == version) {
            let (stamp, metadata) = (commit.stamp()?, commit.metadata()?);
            let shown = view(commit, &metadata, stamp.timestamp, &event, version);
            return Ok(Some(shown));
        }
    }
    tracing::error!(
        stream,
        version,
        "an event of the timeline is not in its stream"
    );
    Ok(None)
}

/// What is known of an event that cannot be read.
fn unreadable_event(marked: Marked<'_>) -> Value {
    let Marked {
        timestamp,
        version,
        kind,
        stream,
    } = marked;
    let mut shown = unreadable(stream, version);
    (shown["type"], shown["timestamp"]) = (json!(kind), json!(timestamp));
    shown
}

/// Which events are asked for.
#[derive(Debug, PartialEq)]
struct Asked {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    kind: Option<String>,
    cursor: Option<Cursor>,
    limit: usize,
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
        Ok(Self {
            from,
            // OK because nothing is recorded in times to come, but for a clock that is a little ahead.
            to: to.min(now + TimeDelta::hours(1)),
            kind,
            cursor: cursor.transpose()?,
            limit: limit(parameters)?,
        })
    }

    /// The rows of a page, and where those after them begin.
    async fn places(
        &self,
        documents: &impl Documents,
    ) -> Result<(Vec<String>, Option<Cursor>), ReadModelError> {
        // OK because what follows a timestamp in a row's key is smaller than a tilde, and so the last moment is among them.
        let last = format!("{}~", rfc3339(self.to));
        let first = rfc3339(self.from);
        let cursor = self
            .cursor
            .as_ref()
            .map(|cursor| cursor.as_str().to_owned());
        let mut below = cursor.filter(|place| *place < last).unwrap_or(last);
        let (mut places, mut left) = (Vec::new(), ROWS);
        let is_due = |date: &NaiveDate| *date >= self.from.date_naive();
        let mut date = day(&below).parse().ok().filter(is_due);
        while let Some(today) = date {
            let wanted = (self.limit - places.len()).min(left);
            let list = today.to_string();
            let (rows, next) = merged(documents, &list, Some(&below), wanted).await?;
            left -= rows.len();
            for Row { sort, .. } in rows {
                if sort < first {
                    return Ok((places, None));
                }
                below.clone_from(&sort);
                if self.is_asked_for(&sort) {
                    places.push(sort);
                }
            }
            if next.is_none() {
                // OK because all of an older day lies below what was seen of this one.
                date = today.pred_opt().filter(is_due);
            }
            if places.len() == self.limit || left == 0 {
                return Ok((places, date.map(|_| Cursor::new(below))));
            }
        }
        Ok((places, None))
    }

    fn is_asked_for(&self, sort: &str) -> bool {
        let wanted = self.kind.as_deref();
        wanted.is_none_or(|kind| Marked::of(sort).is_some_and(|marked| marked.kind == kind))
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
