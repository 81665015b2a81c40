//! The time that commits are stamped with: the machine's, corrected by the `Date` that DynamoDB sends with every answer.

use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use uuid::Uuid;

/// `Date` has whole seconds and answers travel: what is off by no more than this is not off.
const TOLERATED: i64 = 2;
/// A clock that is further off than this, in seconds, stops all writes.
const TRUSTED: i64 = 60;
/// How long an answer's `Date` vouches for the machine's clock.
const CHECKED_FOR: TimeDelta = TimeDelta::minutes(15);

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
#[derive(Clone)]
pub struct ServiceClock {
    machine: Arc<dyn Fn() -> Reading + Send + Sync>,
    compared: Arc<Mutex<Option<Compared>>>,
}

/// What the machine says.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// The time in UTC, which somebody may set.
    pub time: DateTime<Utc>,
    /// How long it has been running: this nobody sets.
    pub running: TimeDelta,
}

/// What the machine's clock was worth when an answer came in.
#[derive(Clone, Copy, Debug)]
struct Compared {
    at: Reading,
    seconds_off: i64,
}

impl ServiceClock {
    /// A clock over another machine than this one.
    pub fn over(machine: impl Fn() -> Reading + Send + Sync + 'static) -> Self {
        Self {
            machine: Arc::new(machine),
            compared: Arc::default(),
        }
    }

    /// Notes the `Date` of an answer that has just come in.
    fn observe(&self, date: &str) {
        if let Ok(date) = DateTime::parse_from_rfc2822(date) {
            let at = (self.machine)();
            let off = (date.to_utc() - at.time).num_seconds();
            let seconds_off = if off.abs() <= TOLERATED { 0 } else { off };
            *self.compared() = Some(Compared { at, seconds_off });
        }
    }

    fn compared(&self) -> MutexGuard<'_, Option<Compared>> {
        // OK because a plain value is never half written.
        self.compared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ServiceClock {
    fn default() -> Self {
        let start = Instant::now();
        Self::over(move || Reading {
            time: Utc::now(),
            // OK because no machine runs for longer than there are milliseconds.
            running: TimeDelta::from_std(start.elapsed()).unwrap_or(TimeDelta::MAX),
        })
    }
}

impl fmt::Debug for ServiceClock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ServiceClock")
            .field("compared", &*self.compared())
            .finish()
    }
}

impl Clock for ServiceClock {
    fn now(&self) -> Result<DateTime<Utc>, ClockOff> {
        let seconds = self.compared().map_or(0, |compared| compared.seconds_off);
        if seconds.abs() > TRUSTED {
            return Err(ClockOff { seconds });
        }
        Ok((self.machine)().time + TimeDelta::seconds(seconds))
    }

    /// Not for long after the last answer, and not once somebody has set the clock.
    fn is_checked(&self) -> bool {
        let now = (self.machine)();
        self.compared().is_some_and(|compared| {
            let running = now.running - compared.at.running;
            let passed = now.time - compared.at.time;
            running <= CHECKED_FOR && (passed - running).abs() <= TimeDelta::seconds(TOLERATED)
        })
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
            self.observe(date);
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

    /// A machine that is told the time.
    #[derive(Clone)]
    struct Machine(Arc<Mutex<Reading>>);

    impl Machine {
        fn new() -> (Self, ServiceClock) {
            let machine = Self(Arc::new(Mutex::new(Reading {
                time: DateTime::UNIX_EPOCH + TimeDelta::days(20_000),
                running: TimeDelta::zero(),
            })));
            let told = machine.clone();
            (machine, ServiceClock::over(move || told.read()))
        }

        fn read(&self) -> Reading {
            *self.0.lock().expect("nobody panicked")
        }

        fn pass(&self, seconds: i64) {
            let mut reading = self.0.lock().expect("nobody panicked");
            reading.time += TimeDelta::seconds(seconds);
            reading.running += TimeDelta::seconds(seconds);
        }

        fn set(&self, seconds: i64) {
            self.0.lock().expect("nobody panicked").time += TimeDelta::seconds(seconds);
        }
    }

    fn off_by(seconds: i64) -> Result<i64, ClockOff> {
        let (machine, clock) = Machine::new();
        let time = machine.read().time;
        clock.observe(&(time + TimeDelta::seconds(seconds)).to_rfc2822());
        clock.now().map(|now| (now - time).num_seconds())
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
    fn an_answer_vouches_for_the_clock_for_a_while() {
        let (machine, clock) = Machine::new();
        assert!(!clock.is_checked(), "no answer yet");
        clock.observe(&machine.read().time.to_rfc2822());
        machine.pass(15 * 60);
        assert!(clock.is_checked());
        machine.pass(1);
        assert!(!clock.is_checked());
    }

    #[test]
    fn a_clock_that_was_set_is_not_checked_until_the_next_answer() {
        for seconds in [-3, 3, -7200, 7200] {
            let (machine, clock) = Machine::new();
            clock.observe(&machine.read().time.to_rfc2822());
            machine.pass(60);
            assert!(clock.is_checked());
            machine.set(seconds);
            assert!(!clock.is_checked(), "set by {seconds}");
            clock.observe(&machine.read().time.to_rfc2822());
            assert!(clock.is_checked());
        }
    }

    #[test]
    fn a_date_in_the_form_of_http_is_understood() {
        let (machine, clock) = Machine::new();
        machine.set(-20_000 * 24 * 3600);
        clock.observe("Thu, 01 Jan 1970 00:00:30 GMT");
        assert_eq!(
            clock.now(),
            Ok(DateTime::UNIX_EPOCH + TimeDelta::seconds(30))
        );
    }
}
