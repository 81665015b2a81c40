//! `GET /{collection}/{id}/state`: what a stream amounted to, at a version or at a moment.

use crate::answer::{Queries, ahead, failed, owned, unknown};
use chrono::{DateTime, TimeDelta, Utc};
use domain::Aggregate;
use edge::{Answer, Caller, Invalid, Problem, json, parameters, stream_id};
use event_store::{EventLog, SeenStreams, Stream, rfc3339, stream_name, version_at};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use read_model::{Documents, head};
use serde_json::json;
use std::collections::BTreeMap;

/// What is so long past is told the same for ever: no writer is later than this.
const SETTLED_AFTER: TimeDelta = TimeDelta::seconds(60);

/// The state, its version, and when that was recorded.
///
/// # Errors
/// 404 for an unknown stream, 409 for a version that is yet to come, 422 for a parameter that is not as it must be.
pub async fn answer<A: Aggregate>(
    queries: &Queries<impl EventLog, impl Documents, impl SeenStreams>,
    request: &Request,
    caller: &Caller,
) -> Result<Response<Body>, Problem> {
    let id = stream_id(request)?;
    let stream = stream_name(A::CATEGORY, id);
    owned::<A>(queries, caller, "audit:read", id).await?;
    let now = Utc::now();
    let asked = asked(&parameters(request, &["at", "version"])?, now)?;
    let log = &queries.log;
    let to = match asked {
        Asked::Version(version) => version,
        Asked::Moment(moment) => version_at(log, &stream, moment)
            .await
            .map_err(|error| failed(error.into()))?,
    };
    let past = Stream::<A>::load_at(log, &stream, to.max(1)).await;
    let past = past.map_err(|error| failed(error.into()))?;
    if past.version == 0 {
        return Err(unknown(&id.to_string()));
    }
    let settled = match asked {
        Asked::Version(version) if past.version < version => {
            return Err(ahead("version", version, past.version));
        }
        Asked::Version(_) => true,
        Asked::Moment(moment) => now - moment >= SETTLED_AFTER,
    };
    let body = if to == 0 {
        json!({ "version": 0, "timestamp": null, "settled": settled, "state": null })
    } else {
        let timestamp = rfc3339(past.timestamp);
        json!({ "version": to, "timestamp": timestamp, "settled": settled, "state": past.state })
    };
    // OK because it takes 1 read unit, or more if the last commit is larger than 4 KB.
    let head = head(log, &stream, 0).await.map_err(failed)?;
    let answer = Answer::new(StatusCode::OK).version(to);
    Ok(json(answer.behind(head.saturating_sub(to)), &body))
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Asked {
    Version(u64),
    Moment(DateTime<Utc>),
}

/// What the parameters ask for; without any, what is now.
fn asked(parameters: &BTreeMap<String, String>, now: DateTime<Utc>) -> Result<Asked, Problem> {
    let invalid = |field, why| Err(Problem::invalid([Invalid::new(field, why)]));
    match (parameters.get("at"), parameters.get("version")) {
        (Some(_), Some(_)) => invalid("version", "must not be given beside at"),
        (None, None) => Ok(Asked::Moment(now)),
        (None, Some(version)) => match version.parse() {
            Ok(version) if version > 0 => Ok(Asked::Version(version)),
            _ => invalid("version", "must be a version, a whole number from 1 on"),
        },
        // OK because a plus that was not escaped comes as a space.
        (Some(at), None) => match DateTime::parse_from_rfc3339(&at.replace(' ', "+")) {
            Ok(at) if at <= now => Ok(Asked::Moment(at.to_utc())),
            Ok(_) => invalid("at", "must not be in the future"),
            Err(_) => invalid(
                "at",
                "must be a time of RFC 3339, such as 2026-11-21T15:47:00Z",
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(name: &str, value: &str) -> Result<Asked, Problem> {
        let now = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        asked(&BTreeMap::from([(name.to_owned(), value.to_owned())]), now)
    }

    #[test]
    fn a_moment_is_past_and_may_have_any_offset() {
        let moment = Asked::Moment(DateTime::from_timestamp(1_799_999_999, 0).expect("a time"));
        for at in [
            "2027-01-15T07:59:59Z",
            "2027-01-15T08:59:59+01:00",
            "2027-01-15T08:59:59 01:00",
        ] {
            assert_eq!(ask("at", at), Ok(moment), "{at}");
        }
        for at in ["", "yesterday", "2027-01-15", "2027-01-15T08:00:01Z"] {
            assert!(ask("at", at).is_err(), "{at}");
        }
    }

    #[test]
    fn a_version_counts_from_one() {
        assert_eq!(ask("version", "7"), Ok(Asked::Version(7)));
        for version in ["", "0", "-1", "1.5", "head"] {
            assert!(ask("version", version).is_err(), "{version}");
        }
    }
}
