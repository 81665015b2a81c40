//! What commits are stamped with, where clocks go wrong.

use chrono::{DateTime, TimeDelta, Utc};
use event_store::{Cache, Clock, ClockOff, EventLog, ExecuteError, StoreError};
use std::sync::Mutex;
use tests::account::{Account, Command, run, unkeyed};
use tests::backend::Backend;
use tests::machine::Machine;
use tests::on_each_backend;

on_each_backend! {
    timestamps_never_go_back_in_a_stream
    a_clock_that_jumps_is_corrected_or_refused
    a_clock_that_was_set_is_not_trusted_by_a_warm_sandbox
    a_retry_is_stamped_anew
}

const NAME: &str = "account-1";
const DEPOSIT: Command = Command::Deposit(1, 7);

/// When each commit of the account was recorded.
async fn stamped(log: &impl EventLog) -> Vec<DateTime<Utc>> {
    let commits = log
        .read(NAME, 1..=u64::MAX, usize::MAX)
        .await
        .expect("readable");
    commits
        .iter()
        .map(|commit| commit.stamp().expect("readable").timestamp)
        .collect()
}

/// Tells times that it is given, last first.
struct Told(Mutex<Vec<i64>>);

impl Clock for Told {
    fn now(&self) -> Result<DateTime<Utc>, ClockOff> {
        let next = self
            .0
            .lock()
            .expect("nobody panicked")
            .pop()
            .expect("a time is left");
        Ok(DateTime::UNIX_EPOCH + TimeDelta::seconds(next))
    }

    fn is_checked(&self) -> bool {
        false
    }
}

async fn timestamps_never_go_back_in_a_stream(backend: &Backend) {
    let (log, cache) = (backend.log(), Cache::none());
    let clock = Told(Mutex::new(vec![300, 100, 200]));
    run(&cache, &log, &clock, &unkeyed(), NAME, &Command::Open("1"))
        .await
        .expect("opened");
    run(&cache, &log, &clock, &unkeyed(), NAME, &DEPOSIT)
        .await
        .expect("deposited");
    run(&cache, &log, &clock, &unkeyed(), NAME, &DEPOSIT)
        .await
        .expect("deposited");
    let stamped: Vec<_> = stamped(&log)
        .await
        .iter()
        .map(DateTime::timestamp)
        .collect();
    assert_eq!(stamped, [200, 200, 300]);
}

async fn a_retry_is_stamped_anew(backend: &Backend) {
    let (log, cache) = (backend.log(), Cache::none());
    run(
        &cache,
        &log,
        &Told(Mutex::new(vec![100])),
        &unkeyed(),
        NAME,
        &Command::Open("1"),
    )
    .await
    .expect("opened");
    let memory = event_store::MemoryEventLog::default();
    for commit in log.read(NAME, 1..=1, 1).await.expect("readable") {
        memory
            .append(&event_store::Batch::of(commit))
            .await
            .expect("copied");
    }
    run(
        &cache,
        &memory,
        &Told(Mutex::new(vec![250])),
        &unkeyed(),
        NAME,
        &DEPOSIT,
    )
    .await
    .expect("deposited");
    let other = memory
        .newest(NAME, 1..=u64::MAX, 1)
        .await
        .expect("readable")
        .remove(0);
    let others = Mutex::new(vec![event_store::Batch::of(other)]);
    let log = tests::interfere::Interfering { log, others };
    run(
        &cache,
        &log,
        &Told(Mutex::new(vec![300, 200])),
        &unkeyed(),
        NAME,
        &DEPOSIT,
    )
    .await
    .expect("deposited");
    let stamped: Vec<_> = stamped(&log)
        .await
        .iter()
        .map(DateTime::timestamp)
        .collect();
    assert_eq!(
        stamped,
        [100, 250, 300],
        "not the time of the first attempt"
    );
}

async fn a_clock_that_jumps_is_corrected_or_refused(backend: &Backend) {
    let machine = Machine::default();
    let (clock, cache) = (machine.clock(), Cache::<Account>::none());
    let log = backend.log_with_clock(&clock);
    let began = Utc::now();
    run(&cache, &log, &clock, &unkeyed(), NAME, &Command::Open("1"))
        .await
        .expect("opened");
    for jump in [45, -90, 45] {
        machine.set(TimeDelta::seconds(jump));
        run(&cache, &log, &clock, &unkeyed(), NAME, &DEPOSIT)
            .await
            .expect("corrected");
    }
    for jump in [7_200, -14_400] {
        machine.set(TimeDelta::seconds(jump));
        let refused = run(&cache, &log, &clock, &unkeyed(), NAME, &DEPOSIT).await;
        let off = matches!(refused, Err(ExecuteError::Store(StoreError::ClockOff(_))));
        assert!(off, "set by {jump}: {refused:?}");
    }
    machine.set(TimeDelta::seconds(7_200));
    run(&cache, &log, &clock, &unkeyed(), NAME, &DEPOSIT)
        .await
        .expect("right again");
    let stamped = stamped(&log).await;
    assert_eq!(stamped.len(), 5, "what was refused left no trace");
    let near = |time: &DateTime<Utc>| {
        *time >= began - TimeDelta::seconds(3) && *time <= Utc::now() + TimeDelta::seconds(3)
    };
    assert!(stamped.iter().all(near), "{began}: {stamped:?}");
    assert!(stamped.is_sorted());
}

async fn a_clock_that_was_set_is_not_trusted_by_a_warm_sandbox(backend: &Backend) {
    let machine = Machine::default();
    let (clock, cache) = (machine.clock(), Cache::new(1 << 20));
    let log = backend.log_with_clock(&clock);
    run(&cache, &log, &clock, &unkeyed(), NAME, &Command::Open("1"))
        .await
        .expect("opened");
    run(&cache, &log, &clock, &unkeyed(), NAME, &DEPOSIT)
        .await
        .expect("deposited");
    backend.requests.clear();
    machine.set(TimeDelta::seconds(-3_600));
    let refused = run(&cache, &log, &clock, &unkeyed(), NAME, &DEPOSIT).await;
    assert!(
        matches!(refused, Err(ExecuteError::Store(StoreError::ClockOff(_)))),
        "{refused:?}"
    );
    assert_eq!(
        backend.requests.clear(),
        ["Query"],
        "a read told it the time"
    );
    machine.set(TimeDelta::seconds(3_600));
    run(&cache, &log, &clock, &unkeyed(), NAME, &DEPOSIT)
        .await
        .expect("deposited");
    run(&cache, &log, &clock, &unkeyed(), NAME, &DEPOSIT)
        .await
        .expect("deposited");
    assert_eq!(backend.requests.clear(), ["Query", "PutItem", "PutItem"]);
}
