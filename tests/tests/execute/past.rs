//! Streams as they were: at each version, and at each moment.

use chrono::{DateTime, TimeDelta, Utc};
use decider::Decider;
use event_store::{Cache, Clock, ClockOff, EventLog, Stream, version_at};
use tests::account::{Account, Command, State, run, unkeyed};
use tests::backend::Backend;
use tests::on_each_backend;

on_each_backend! {
    each_version_is_the_fold_of_the_events_so_far
    a_moment_has_the_version_of_the_last_commit_until_then
    a_stream_that_is_not_there_has_no_past
}

const NAME: &str = "account-1";
/// Enough for snapshots, and for some halvings.
const COMMITS: usize = 21;

/// Always tells the same time.
struct At(i64);

impl Clock for At {
    fn now(&self) -> Result<DateTime<Utc>, ClockOff> {
        Ok(second(self.0))
    }

    fn is_checked(&self) -> bool {
        false
    }
}

fn second(second: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
}

/// An account of which three commits, of 1 to 4 events, were recorded in each tenth second; and where each of them ends.
async fn account(backend: &Backend) -> Vec<(u64, DateTime<Utc>)> {
    let (log, cache) = (backend.log(), Cache::none());
    let mut commits = Vec::new();
    for number in 0..COMMITS {
        let command = match number {
            0 => Command::Open("1"),
            _ => Command::Deposit(number % 4 + 1, number as u64),
        };
        let at = 10 + 10 * (number as i64 / 3);
        let done = run(&cache, &log, &At(at), &unkeyed(), NAME, &command).await;
        commits.push((done.expect("executed").version, second(at)));
    }
    commits
}

/// The state after so many of the events.
async fn fold(log: &impl EventLog, version: u64) -> State {
    let commits = log.read(NAME, 1..=u64::MAX, usize::MAX).await;
    let commits = commits.expect("readable");
    let recorded = commits
        .iter()
        .flat_map(|commit| commit.recorded::<Account>().expect("readable"))
        .take_while(|recorded| recorded.version <= version);
    let events: Vec<_> = recorded.map(|recorded| recorded.event).collect();
    assert_eq!(events.len() as u64, version);
    Account::fold(State::default(), &events)
}

async fn each_version_is_the_fold_of_the_events_so_far(backend: &Backend) {
    let commits = account(backend).await;
    let log = backend.log();
    let (head, _) = commits[COMMITS - 1];
    for version in 1..=head {
        let past = Stream::<Account>::load_at(&log, NAME, version).await;
        let past = past.expect("readable");
        assert_eq!((past.version, past.passed_over), (version, 0));
        assert_eq!(past.state, fold(&log, version).await, "{version}");
        let holds = commits.iter().find(|(last, _)| *last >= version);
        assert_eq!(Some(past.timestamp), holds.map(|(_, at)| *at), "{version}");
    }
    for beyond in [head + 1, u64::MAX - 1, u64::MAX] {
        let past = Stream::<Account>::load_at(&log, NAME, beyond).await;
        assert_eq!(past.expect("readable").version, head, "{beyond}");
    }
}

async fn a_moment_has_the_version_of_the_last_commit_until_then(backend: &Backend) {
    let commits = account(backend).await;
    let log = backend.log();
    for halves in 0..=200 {
        let moment = second(0) + TimeDelta::milliseconds(500 * halves);
        let until = commits.iter().rfind(|(_, at)| *at <= moment);
        let expected = until.map_or(0, |(last, _)| *last);
        let found = version_at(&log, NAME, moment).await.expect("readable");
        assert_eq!(found, expected, "{moment}");
    }
    for (moment, expected) in [
        (DateTime::<Utc>::MIN_UTC, 0),
        (DateTime::<Utc>::MAX_UTC, commits[COMMITS - 1].0),
    ] {
        let found = version_at(&log, NAME, moment).await.expect("readable");
        assert_eq!(found, expected, "{moment}");
    }
}

async fn a_stream_that_is_not_there_has_no_past(backend: &Backend) {
    let log = backend.log();
    let found = version_at(&log, NAME, DateTime::<Utc>::MAX_UTC).await;
    assert_eq!(found.expect("readable"), 0);
    for version in [0, 1, u64::MAX] {
        let past = Stream::<Account>::load_at(&log, NAME, version).await;
        assert_eq!(past.expect("readable").version, 0);
    }
}
