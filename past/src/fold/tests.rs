use super::*;
use ::tests::watched::counted;
use domain::{Account, Accounts, parse};
use event_store::{Cache, Clock, ClockOff, MemoryEventLog, Metadata, Part, execute};
use serde_json::json;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

const STREAM: &str = "account-01a1e50a-5950-7a61-8fa4-5be3d833d61d";

/// A second passes with each command.
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Result<DateTime<Utc>, ClockOff> {
        Ok(at(self.0.load(Ordering::Relaxed)))
    }
}

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).expect("a time")
}

/// Opened with nothing at second 1, and 1 paid in each second: at second n it is at version n, with a balance of n - 1.
async fn account(versions: i64) -> MemoryEventLog {
    let (log, clock) = (MemoryEventLog::default(), Ticking(AtomicI64::new(0)));
    let cache = Cache::<Account>::new(1 << 20);
    for version in 1..=versions {
        clock.0.store(version, Ordering::Relaxed);
        let (kind, fields) = match version {
            1 => (
                "OpenAccount",
                json!({ "account_number": "1", "currency": "EUR", "initial_deposit": 0 }),
            ),
            _ => ("DepositMoney", json!({ "amount": 1 })),
        };
        let fields = fields.as_object().expect("an object").clone();
        let command = parse::<Account>(kind, fields).expect("a command");
        let metadata = Metadata::new("sarah", "http");
        let part = Part::new(STREAM, &command, &cache);
        execute(&log, &clock, &metadata, part)
            .await
            .expect("it is allowed");
    }
    log
}

#[tokio::test]
async fn a_state_and_a_document_are_those_of_their_moment() {
    let log = account(9).await;
    for version in 0..=9 {
        for moment in [Moment::Version(version), Moment::Time(at(version as i64))] {
            let state = then::<StateOf<Account>>(&log, STREAM, moment, at(9)).await;
            let document = then::<DocumentOf<Accounts>>(&log, STREAM, moment, at(9)).await;
            let (state, document) = (state.expect("readable"), document.expect("readable"));
            assert_eq!(
                (state.version, document.version),
                (version, version),
                "{moment}"
            );
            assert_eq!(state.timestamp, document.timestamp);
            if version == 0 {
                assert_eq!((state.state, document.state), (Value::Null, Value::Null));
                continue;
            }
            assert_eq!(state.timestamp, Some(rfc3339(at(version as i64))));
            assert_eq!(state.state["balance"], version - 1);
            assert_eq!(document.state["balance"], version - 1);
            assert_eq!(document.state["version"], version);
            assert_eq!(document.state["updated_at"], rfc3339(at(version as i64)));
        }
    }
}

#[tokio::test]
async fn what_never_was_is_unknown_and_what_is_yet_to_come_is_ahead() {
    let log = account(2).await;
    for moment in [Moment::Version(0), Moment::Version(1), Moment::Time(at(1))] {
        let state = then::<StateOf<Account>>(&log, "account-none", moment, at(9)).await;
        assert!(matches!(state, Err(PastError::Unknown { .. })), "{moment}");
        let document = then::<DocumentOf<Accounts>>(&log, "account-none", moment, at(9)).await;
        assert!(
            matches!(document, Err(PastError::Unknown { .. })),
            "{moment}"
        );
    }
    let ahead = then::<StateOf<Account>>(&log, STREAM, Moment::Version(3), at(9)).await;
    assert!(matches!(
        ahead,
        Err(PastError::Ahead {
            version: 3,
            head: 2
        })
    ));
    let ahead = then::<DocumentOf<Accounts>>(&log, STREAM, Moment::Version(3), at(9)).await;
    assert!(matches!(
        ahead,
        Err(PastError::Ahead {
            version: 3,
            head: 2
        })
    ));
}

#[tokio::test]
async fn either_takes_twenty_reads_at_most_of_ten_thousand_commits() {
    let reads = AtomicUsize::new(0);
    let log = counted(account(10_000).await, &reads);
    for second in [1, 2_500, 5_001, 7_777, 9_999, 10_000] {
        let moment = Moment::Time(at(second));
        let state = then::<StateOf<Account>>(&log, STREAM, moment, at(20_000)).await;
        assert_eq!(state.expect("readable").state["balance"], second - 1);
        let of_state = reads.swap(0, Ordering::Relaxed);
        let document = then::<DocumentOf<Accounts>>(&log, STREAM, moment, at(20_000)).await;
        assert_eq!(document.expect("readable").state["balance"], second - 1);
        let of_document = reads.swap(0, Ordering::Relaxed);
        assert!(
            of_state <= 20 && of_document <= 20,
            "{of_state}, {of_document} at {second}"
        );
    }
}
