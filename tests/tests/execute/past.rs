//! Streams as they were: at each version, and at each moment.

use chrono::{DateTime, TimeDelta, Utc};
use decider::Decider;
use event_store::{
    Batch, Cache, Clock, ClockOff, Commit, EventLog, MemoryEventLog, SNAPSHOT_EVERY, Stream,
    version_at,
};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use tests::account::{Account, Command, State, run, unkeyed};
use tests::backend::Backend;
use tests::on_each_backend;
use tests::watched::counted;

on_each_backend! {
    every_version_is_the_fold_of_its_first_events
    every_moment_has_the_version_that_was_there
}

const NAME: &str = "account-1";

/// Tells the time that it was set to, in seconds.
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Result<DateTime<Utc>, ClockOff> {
        Ok(at(self.0.load(Ordering::Relaxed)))
    }
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

/// An account of so many commits, each of `events(number)` events, and recorded at the second `time(number)`.
async fn account(commits: i64, events: fn(i64) -> usize, time: fn(i64) -> i64) -> MemoryEventLog {
    let (log, cache) = (MemoryEventLog::default(), Cache::new(1 << 20));
    let clock = SetClock(AtomicI64::new(0));
    for number in 1..=commits {
        clock.0.store(time(number), Ordering::Relaxed);
        let command = match number {
            1 => Command::Open("1"),
            _ => Command::Deposit(events(number), number as u64),
        };
        let done = run(&cache, &log, &clock, &unkeyed(), NAME, &command).await;
        done.expect("accepted");
    }
    log
}

async fn commits(log: &impl EventLog) -> Vec<Commit> {
    let commits = log.read(NAME, 1..=u64::MAX, usize::MAX).await;
    commits.expect("readable")
}

/// A deposit of 1 to 5 events.
fn some(number: i64) -> usize {
    1 + number as usize % 5
}

/// Two commits in a row have one time, and then ten seconds pass.
fn in_pairs(number: i64) -> i64 {
    1_000 + number / 2 * 10
}

/// Copies the account, with its snapshots or without.
async fn copied(from: &MemoryEventLog, to: &impl EventLog, has_snapshots: bool) {
    for mut commit in commits(from).await {
        commit.snapshot = commit.snapshot.filter(|_| has_snapshots);
        to.append(&Batch::of(commit)).await.expect("copied");
    }
}

async fn every_version_is_the_fold_of_its_first_events(backend: &Backend) {
    let memory = account(40, some, in_pairs).await;
    let with = backend.log();
    copied(&memory, &with, true).await;
    is_the_fold_at_each_version(&with).await;
    let without = MemoryEventLog::default();
    copied(&memory, &without, false).await;
    is_the_fold_at_each_version(&without).await;
}

async fn is_the_fold_at_each_version(log: &impl EventLog) {
    let (mut version, mut state) = (0, State::default());
    for commit in commits(log).await {
        let timestamp = commit.stamp().expect("readable").timestamp;
        for recorded in commit.recorded::<Account>().expect("readable") {
            state = Account::evolve(state, &recorded.event);
            version += 1;
            let then = Stream::<Account>::load_at(log, NAME, version).await;
            let then = then.expect("readable");
            assert_eq!((then.version, &then.state), (version, &state));
            assert_eq!(then.timestamp, timestamp, "version {version}");
        }
    }
    let nothing = Stream::<Account>::load_at(log, NAME, 0).await;
    assert_eq!(nothing.expect("readable").version, 0);
    for beyond in [version + 1, version + 1_000, u64::MAX] {
        let last = Stream::<Account>::load_at(log, NAME, beyond).await;
        let last = last.expect("readable");
        assert_eq!((last.version, &last.state), (version, &state), "{beyond}");
    }
}

async fn every_moment_has_the_version_that_was_there(backend: &Backend) {
    let (memory, log) = (account(40, some, in_pairs).await, backend.log());
    copied(&memory, &log, true).await;
    let commits = commits(&log).await;
    let mut times = vec![at(0), at(999_999)];
    for commit in &commits {
        let time = commit.stamp().expect("readable").timestamp;
        let instant = TimeDelta::microseconds(1);
        times.extend([time - instant, time, time + instant]);
    }
    for moment in times {
        let was_there = |commit: &&Commit| commit.stamp().expect("readable").timestamp <= moment;
        let last = commits.iter().rfind(was_there);
        let expected = last.map_or(0, |commit| commit.last_version().expect("readable"));
        let found = version_at(&log, NAME, moment).await;
        assert_eq!(found.expect("readable"), expected, "{moment}");
    }
    let none = version_at(&log, "account-none", at(999_999)).await;
    assert_eq!(none.expect("readable"), 0);
}

#[tokio::test]
async fn a_state_at_a_time_takes_twenty_reads_at_most_of_ten_thousand_commits() {
    let reads = AtomicUsize::new(0);
    let log = counted(account(10_000, |_| 1, |number| number).await, &reads);
    let (mut most, near_the_end) = (0, 10_000 - SNAPSHOT_EVERY as i64);
    for second in (1..10_000).step_by(97).chain(near_the_end..=10_001) {
        let version = version_at(&log, NAME, at(second)).await;
        let version = version.expect("readable");
        assert_eq!(version, second.min(10_000) as u64);
        let then = Stream::<Account>::load_at(&log, NAME, version).await;
        assert_eq!(then.expect("readable").version, version);
        most = most.max(reads.swap(0, Ordering::Relaxed));
    }
    assert!((10..=20).contains(&most), "{most} reads");
    println!("{most} reads at the most");
}
