//! Moments, as a person writes them: RFC 3339, or a handy form of it, or how long ago.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use past::Moment;

/// What is said of the forms.
pub(crate) const FORMS: &str = "\
Times: 2026-11-16T15:47:00Z, 2026-11-16T15:47 or 2026-11-16 (without a zone: UTC), now, how long ago: '90s ago', '1h ago', '2d ago',
or how long before another: '1h before 2026-11-16T15:47'.";

/// A time.
pub fn time(text: &str) -> Result<DateTime<Utc>, String> {
    let now = Utc::now();
    match at(text, now)? {
        time if time > now => Err("must not be in the future".to_owned()),
        time => Ok(time),
    }
}

/// A version, or a time.
pub fn moment(text: &str) -> Result<Moment, String> {
    match text.parse() {
        Ok(version) => Ok(Moment::Version(version)),
        Err(_) => time(text)
            .map(Moment::Time)
            .map_err(|why| format!("{why}; or a version, a whole number")),
    }
}

/// A length of time: `90s`, `5m`, `12h`, `31d`.
pub fn span(text: &str) -> Result<TimeDelta, String> {
    let span = || {
        let last = text.chars().last()?;
        let number = text.strip_suffix(last)?;
        let is_plain = number.bytes().all(|byte| byte.is_ascii_digit());
        let number: i32 = number
            .parse()
            .ok()
            .filter(|number| is_plain && *number > 0)?;
        let unit = match last {
            's' => TimeDelta::seconds(1),
            'm' => TimeDelta::minutes(1),
            'h' => TimeDelta::hours(1),
            'd' => TimeDelta::days(1),
            _ => return None,
        };
        unit.checked_mul(number)
    };
    span().ok_or_else(|| "must be a number of s, m, h or d, such as 5m".to_owned())
}

fn at(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let trimmed = text.trim();
    if trimmed == "now" {
        return Ok(now);
    }
    if let Some((before, moment)) = trimmed.split_once(" before ") {
        let then = at(moment, now)?.checked_sub_signed(span(before.trim())?);
        return then.ok_or_else(|| "must be a time of our calendar".to_owned());
    }
    if let Some(ago) = trimmed.strip_suffix("ago") {
        let then = now.checked_sub_signed(span(ago.trim())?);
        return then.ok_or_else(|| "must be a time of our calendar".to_owned());
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(trimmed) {
        return Ok(time.to_utc());
    }
    if let Ok(time) = DateTime::parse_from_str(trimmed, "%Y-%m-%dT%H:%M%:z") {
        return Ok(time.to_utc());
    }
    for form in [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%d %H:%M",
    ] {
        if let Ok(time) = NaiveDateTime::parse_from_str(trimmed, form) {
            return Ok(time.and_utc());
        }
    }
    match NaiveDate::parse_from_str(trimmed, "%Y-%m-%d") {
        Ok(day) => Ok(day.and_time(NaiveTime::MIN).and_utc()),
        Err(_) => Err(
            "must be a time, such as 2026-11-16T15:47:00Z, 2026-11-16T15:47 in UTC, or '1h ago'"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event_store::rfc3339;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).expect("a time")
    }

    #[test]
    fn a_time_has_many_forms() {
        for (text, time) in [
            ("2026-11-16T15:47:00Z", "2026-11-16T15:47:00.000000Z"),
            ("2026-11-16T16:47:00.5+01:00", "2026-11-16T15:47:00.500000Z"),
            ("2026-11-16T15:47", "2026-11-16T15:47:00.000000Z"),
            ("2026-11-16T15:47:10", "2026-11-16T15:47:10.000000Z"),
            ("2026-11-16 15:47", "2026-11-16T15:47:00.000000Z"),
            ("2026-11-16", "2026-11-16T00:00:00.000000Z"),
            ("now", "2027-01-15T08:00:00.000000Z"),
            ("90s ago", "2027-01-15T07:58:30.000000Z"),
            ("1h ago", "2027-01-15T07:00:00.000000Z"),
            ("2d ago", "2027-01-13T08:00:00.000000Z"),
            ("1h before 2026-11-16T15:47", "2026-11-16T14:47:00.000000Z"),
            ("5m before 1d ago", "2027-01-14T07:55:00.000000Z"),
        ] {
            assert_eq!(at(text, now()).map(rfc3339), Ok(time.to_owned()), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "1h",
            "ago",
            "-1h ago",
            "2026-13-01",
            "15:47",
            "1h before",
            "x before now",
            "1h before noon",
            "9999999999d ago",
        ] {
            assert!(at(text, now()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_whole_number_is_a_version() {
        assert_eq!(moment("7"), Ok(Moment::Version(7)));
        let time = DateTime::from_timestamp(1_794_844_020, 0).expect("a time");
        assert!(moment("2026-11-16T15:47Z").is_err());
        assert_eq!(moment("2026-11-16T15:47"), Ok(Moment::Time(time)));
        assert!(moment("-1").is_err());
    }
}
