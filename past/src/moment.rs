//! A moment in the life of a stream.

use chrono::{DateTime, TimeDelta, Utc};
use event_store::{EventLog, StoreError, version_at};
use std::fmt;

/// What is so long past is told the same for ever: no writer is later than this.
pub const SETTLED_AFTER: TimeDelta = TimeDelta::seconds(60);

/// When: after so many events, or at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Right after the event of this version; 0 is before the first one.
    Version(u64),
    /// With all that was recorded until then.
    Time(DateTime<Utc>),
}

/// Why a text names no moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAMoment {
    /// It is neither a number nor a time.
    #[error(
        "must be a version, a whole number, or a time of RFC 3339, such as 2026-11-21T15:47:00Z"
    )]
    Unreadable,
    /// What is to come is not known.
    #[error("must not be in the future")]
    Future,
}

impl Moment {
    /// Reads a version or a time, of which none is later than `now`.
    ///
    /// # Errors
    /// It is neither, or yet to come.
    ///
    /// # Example: either of the two
    /// ```
    /// use past::{Moment, NotAMoment};
    ///
    /// let now = "2026-11-21T16:00:00Z".parse().expect("a time");
    /// assert_eq!(Moment::parse("7", now), Ok(Moment::Version(7)));
    /// let time = Moment::Time("2026-11-21T15:47:00Z".parse().expect("a time"));
    /// assert_eq!(Moment::parse("2026-11-21T16:47:00+01:00", now), Ok(time));
    ///
    /// // This fails, because nobody knows yet.
    /// assert_eq!(Moment::parse("2026-11-21T16:00:01Z", now), Err(NotAMoment::Future));
    /// assert_eq!(Moment::parse("yesterday", now), Err(NotAMoment::Unreadable));
    /// ```
    pub fn parse(text: &str, now: DateTime<Utc>) -> Result<Self, NotAMoment> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits {
            return text
                .parse()
                .map(Self::Version)
                .map_err(|_| NotAMoment::Unreadable);
        }
        // OK because a plus that was not escaped in an address comes as a space.
        match DateTime::parse_from_rfc3339(&text.replace(' ', "+")) {
            Ok(time) if time <= now => Ok(Self::Time(time.to_utc())),
            Ok(_) => Err(NotAMoment::Future),
            Err(_) => Err(NotAMoment::Unreadable),
        }
    }

    /// The version that a stream had then, which of a version is itself, even if the stream never got so far.
    ///
    /// # Errors
    /// As [`version_at`].
    pub async fn version(self, log: &impl EventLog, stream: &str) -> Result<u64, StoreError> {
        match self {
            Self::Version(version) => Ok(version),
            Self::Time(time) => version_at(log, stream, time).await,
        }
    }

    /// Whether what was there then stays so.
    #[must_use]
    pub fn is_settled(self, now: DateTime<Utc>) -> bool {
        match self {
            Self::Version(_) => true,
            Self::Time(time) => now - time >= SETTLED_AFTER,
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(f, "version {version}"),
            Self::Time(time) => f.write_str(&event_store::rfc3339(*time)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Moment, NotAMoment> {
        let now = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        Moment::parse(text, now)
    }

    #[test]
    fn a_time_is_past_and_may_have_any_offset() {
        let moment = Moment::Time(DateTime::from_timestamp(1_799_999_999, 0).expect("a time"));
        for at in [
            "2027-01-15T07:59:59Z",
            "2027-01-15T08:59:59+01:00",
            "2027-01-15T08:59:59 01:00",
        ] {
            assert_eq!(read(at), Ok(moment), "{at}");
        }
        for at in [
            "",
            "yesterday",
            "2027-01-15",
            "-1",
            "+1",
            "1.5",
            "99999999999999999999999",
        ] {
            assert_eq!(read(at), Err(NotAMoment::Unreadable), "{at}");
        }
        assert_eq!(read("2027-01-15T08:00:01Z"), Err(NotAMoment::Future));
    }

    #[test]
    fn a_version_may_be_the_one_before_the_first_event() {
        assert_eq!(read("0"), Ok(Moment::Version(0)));
        assert_eq!(read("7"), Ok(Moment::Version(7)));
    }

    #[test]
    fn a_moment_is_settled_after_a_minute() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        let ago = |seconds| Moment::Time(now - TimeDelta::seconds(seconds));
        assert!(!ago(59).is_settled(now));
        assert!(ago(60).is_settled(now));
        assert!(Moment::Version(1).is_settled(now));
    }
}
