//! Moments as callers name them, and why a question about one has no answer.

use crate::answer::{ahead, failed};
use chrono::{DateTime, Utc};
use edge::{Invalid, Problem};
use event_store::stream_id;
use lambda_http::http::StatusCode;
use lambda_http::tracing;
use past::{Moment, NotAMoment, PastError};
use std::collections::BTreeMap;

/// The moment that a parameter names, if it is given.
///
/// # Errors
/// 422 for one that is neither a version nor a time, or yet to come.
pub fn moment(
    parameters: &BTreeMap<String, String>,
    name: &str,
    now: DateTime<Utc>,
) -> Result<Option<Moment>, Problem> {
    let read = |text: &String| {
        let moment = Moment::parse(text, now);
        moment.map_err(|why| Problem::invalid([Invalid::new(name, why.to_string())]))
    };
    parameters.get(name).map(read).transpose()
}

/// The one moment that `at` or `version` names; without either, now.
///
/// # Errors
/// 422 for both, and for one that is not as it must be.
pub fn at_or_version(
    parameters: &BTreeMap<String, String>,
    now: DateTime<Utc>,
) -> Result<Moment, Problem> {
    let at = parameters.get("at").map(String::as_str);
    let version = parameters.get("version");
    let version = version.map(|text| match Moment::parse(text, now) {
        Ok(Moment::Version(version)) => Some(version),
        Ok(Moment::Time(_)) | Err(_) => None,
    });
    either(at, version, now)
}

/// The same of what was read already: an inner `None` is a version that is none.
///
/// # Errors
/// As [`at_or_version`].
pub fn either(
    at: Option<&str>,
    version: Option<Option<u64>>,
    now: DateTime<Utc>,
) -> Result<Moment, Problem> {
    let invalid = |field, why| Err(Problem::invalid([Invalid::new(field, why)]));
    match (at.map(|at| Moment::parse(at, now)), version) {
        (Some(_), Some(_)) => invalid("version", "must not be given beside at"),
        (None, None) => Ok(Moment::Time(now)),
        (None, Some(Some(version))) => Ok(Moment::Version(version)),
        (None, Some(None)) => invalid("version", "must be a version, a whole number"),
        (Some(Ok(time @ Moment::Time(_))), None) => Ok(time),
        (Some(Err(NotAMoment::Future)), None) => invalid("at", "must not be in the future"),
        (Some(_), None) => invalid(
            "at",
            "must be a time of RFC 3339, such as 2026-11-21T15:47:00Z",
        ),
    }
}

/// What it is to the caller that a question has no answer; `name` is the parameter that asked for a version.
pub fn unanswerable(error: PastError, name: &str) -> Problem {
    match error {
        PastError::Unknown { stream } => unknown(stream_id(&stream)),
        PastError::Ahead { version, head } => ahead(name, version, head),
        PastError::Poison { version, why } => {
            let detail = format!("this read model cannot show event {version}: {why}");
            Problem::new(StatusCode::CONFLICT, "poison", detail).with("version", version)
        }
        PastError::NoJson(error) => {
            tracing::error!(%error, "what is stored cannot be written");
            Problem::internal()
        }
        PastError::Store(error) => failed(error.into()),
    }
}

/// 404 for a stream without events.
pub fn unknown(id: &str) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown-stream",
        format!("nothing is known of {id}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(name: &str, value: &str) -> Result<Moment, Problem> {
        let now = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        at_or_version(&BTreeMap::from([(name.to_owned(), value.to_owned())]), now)
    }

    #[test]
    fn a_moment_is_a_time_or_a_version_by_its_name() {
        let time = DateTime::from_timestamp(1_799_999_999, 0).expect("a time");
        assert_eq!(ask("at", "2027-01-15T07:59:59Z"), Ok(Moment::Time(time)));
        for version in [0, 7] {
            let asked = ask("version", &version.to_string());
            assert_eq!(asked, Ok(Moment::Version(version)));
        }
        for at in ["", "7", "yesterday", "2027-01-15", "2027-01-15T08:00:01Z"] {
            assert!(ask("at", at).is_err(), "{at}");
        }
        for version in ["", "-1", "1.5", "head", "2027-01-15T07:59:59Z"] {
            assert!(ask("version", version).is_err(), "{version}");
        }
    }
}
