//! The time that commits are stamped with: the machine's, corrected by the `Date` that DynamoDB sends with every answer.

use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use uuid::Uuid;

/// `Date` has whole seconds and answers travel: what is off by no more than this is not off.
const TOLERATED: i64 = 2;
/// A clock that is further off than this, in seconds, stops all writes.
const TRUSTED: i64 = 60;

/// Tells the time, and makes ids in its order.
pub trait Clock: Send + Sync {
    /// The time in UTC.
    ///
    /// # Errors
    /// The clock is too far off to be corrected.
    fn now(&self) -> Result<DateTime<Utc>, ClockOff>;

    /// Whether the time has been compared with DynamoDB's; if not, a read comes before the first write.
    fn is_checked(&self) -> bool {
        true
    }

    /// A new UUIDv7.
    fn new_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// The machine's clock differs too much from DynamoDB's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the clock may be at most {TRUSTED} s off, it is {seconds} s off")]
pub struct ClockOff {
    /// DynamoDB's time less the machine's, in seconds.
    pub seconds: i64,
}

/// The machine's clock beside that of DynamoDB, which it learns of as an interceptor of the client.
#[derive(Clone, Debug, Default)]
pub struct ServiceClock {
    seconds_off: Arc<AtomicI64>,
    is_checked: Arc<AtomicBool>,
}

impl ServiceClock {
    /// Notes the `Date` of an answer that has just come in.
    fn observe(&self, date: &str, now: DateTime<Utc>) {
        if let Ok(date) = DateTime::parse_from_rfc2822(date) {
            let off = (date.to_utc() - now).num_seconds();
            self.seconds_off.store(
                if off.abs() <= TOLERATED { 0 } else { off },
                Ordering::Relaxed,
            );
            self.is_checked.store(true, Ordering::Release);
        }
    }

    fn correct(&self, now: DateTime<Utc>) -> Result<DateTime<Utc>, ClockOff> {
        let seconds = self.seconds_off.load(Ordering::Relaxed);
        if seconds.abs() > TRUSTED {
            return Err(ClockOff { seconds });
        }
        Ok(now + TimeDelta::seconds(seconds))
    }
}

impl Clock for ServiceClock {
    fn now(&self) -> Result<DateTime<Utc>, ClockOff> {
        self.correct(Utc::now())
    }

    fn is_checked(&self) -> bool {
        self.is_checked.load(Ordering::Acquire)
    }
}

impl Intercept for ServiceClock {
    fn name(&self) -> &'static str {
        "ServiceClock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(date) = context.response().headers().get("date") {
            self.observe(date, Utc::now());
        }
        Ok(())
    }
}

/// RFC 3339 in UTC with microseconds: text order is time order.
pub fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn off_by(seconds: i64) -> Result<i64, ClockOff> {
        let clock = ServiceClock::default();
        let machine = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        clock.observe(
            &(machine + TimeDelta::seconds(seconds)).to_rfc2822(),
            machine,
        );
        clock
            .correct(machine)
            .map(|time| (time - machine).num_seconds())
    }

    #[test]
    fn a_clock_that_is_off_is_corrected_both_ways() {
        assert_eq!(off_by(30), Ok(30));
        assert_eq!(off_by(-30), Ok(-30));
    }

    #[test]
    fn the_coarseness_of_the_header_is_no_error() {
        assert_eq!(off_by(1), Ok(0));
        assert_eq!(off_by(-2), Ok(0));
    }

    #[test]
    fn a_clock_that_is_far_off_refuses() {
        assert_eq!(off_by(61), Err(ClockOff { seconds: 61 }));
        assert_eq!(off_by(-3600), Err(ClockOff { seconds: -3600 }));
    }

    #[test]
    fn a_date_in_the_form_of_http_is_understood() {
        let clock = ServiceClock::default();
        clock.observe(
            "Sun, 06 Nov 1994 08:49:37 GMT",
            DateTime::UNIX_EPOCH + TimeDelta::seconds(784_111_747),
        );
        assert_eq!(
            clock.correct(DateTime::UNIX_EPOCH),
            Ok(DateTime::UNIX_EPOCH + TimeDelta::seconds(30))
        );
    }
}
