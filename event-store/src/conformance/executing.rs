//! Commands that are executed on a log: none is lost, none is done twice, whoever races and whatever is repeated.

use super::Fixture;
use super::account::*;
use super::kit::{RACERS, all, moment, stream};
use crate::{
    Appended, Cache, ClockOff, EventLog, ExecuteError, Metadata, SNAPSHOT_EVERY, StoreError,
};
use chrono::TimeDelta;
use futures_util::future::join_all;
use uuid::Uuid;

const ONE: Command = Command::Deposit { amount: 1 };

fn once() -> Metadata {
    Metadata::new("conformance", "tests")
}

fn open() -> Command {
    let name = format!("account {}", Uuid::now_v7());
    Command::Open { name }
}

/// The writers share four sandboxes, each with a cache; whoever meets too many others comes again.
pub async fn thirty_two_writers_lose_nothing(fixture: &impl Fixture) {
    let log = &fixture.log().await;
    let name = &stream();
    let sandboxes: Vec<Cache<Account<false>>> = (0..4).map(|_| Cache::new(1 << 20)).collect();
    let write = async |cache| {
        let (log, clock) = (Interleaved(log), Steady::now());
        loop {
            match run_with(cache, &clock, &log, name, &ONE, &once()).await {
                Err(ExecuteError::Conflict) => {}
                outcome => break outcome.expect("nothing else goes wrong").version,
            }
        }
    };
    let writers = (0..RACERS).map(|writer| write(&sandboxes[writer % sandboxes.len()]));
    let mut answered = join_all(writers).await;
    answered.sort_unstable();
    let each_once: Vec<u64> = (1..=RACERS as u64).collect();
    assert_eq!(answered, each_once, "no two were answered one version");
    assert_eq!(state(log, name).await.balance, RACERS as u64);
    assert_whole(log, name).await;
}

/// The caller hears of a failure, or the log repeats the write by itself: the events are there once.
pub async fn a_lost_reply_to_a_command_appends_once(fixture: &impl Fixture) {
    lose_a_reply::<false>(&fixture.log_that_loses_a_reply().await, &ONE).await;
    lose_a_reply::<true>(&fixture.log_that_loses_a_reply().await, &ONE).await;
    lose_a_reply::<false>(&fixture.log_that_loses_a_reply().await, &open()).await;
    lose_a_reply::<true>(&fixture.log_that_loses_a_reply().await, &open()).await;
}

async fn lose_a_reply<const LEDGER: bool>(log: &impl EventLog, command: &Command) {
    let (name, metadata) = (stream(), keyed());
    let answer = match run::<LEDGER>(log, &name, command, &metadata).await {
        Err(ExecuteError::Store(StoreError::Aws(_))) => {
            run::<LEDGER>(log, &name, command, &metadata).await
        }
        outcome => outcome,
    };
    assert_eq!(answer.expect("it is there").version, 1);
    assert_eq!(all(log, &name).await.len(), 1);
}

/// The same version, the same events, and nothing new; under its id, no other command.
pub async fn a_copy_of_a_command_is_answered_as_the_first(fixture: &impl Fixture) {
    let log = fixture.log().await;
    copy::<false>(&log).await;
    copy::<true>(&log).await;
}

async fn copy<const LEDGER: bool>(log: &impl EventLog) {
    let (name, metadata, open) = (stream(), keyed(), open());
    let opened = run::<LEDGER>(log, &name, &open, &metadata).await;
    let opened = opened.expect("opened");
    let command = keyed();
    let first = run::<LEDGER>(log, &name, &ONE, &command).await;
    let first = first.expect("deposited");
    run::<LEDGER>(log, &name, &ONE, &once())
        .await
        .expect("deposited");
    for (command, metadata, first) in [(&open, &metadata, opened), (&ONE, &command, first)] {
        let again = run::<LEDGER>(log, &name, command, metadata).await;
        let replayed = Appended {
            replayed: true,
            ..first
        };
        assert_eq!(again.expect("it is known"), replayed);
    }
    let other = once().keyed(command.command_id, "of another command");
    let reused = run::<LEDGER>(log, &name, &ONE, &other).await;
    assert!(
        matches!(reused, Err(ExecuteError::CommandIdReused)),
        "{reused:?}"
    );
    assert_eq!(state(log, &name).await.balance, 2);
}

/// An impatient caller's copies: one is executed, the others are given its answer.
pub async fn of_32_racing_copies_one_is_executed(fixture: &impl Fixture) {
    let log = fixture.log().await;
    race_copies::<false>(&log).await;
    race_copies::<true>(&log).await;
}

async fn race_copies<const LEDGER: bool>(log: &impl EventLog) {
    let (name, metadata) = (stream(), keyed());
    let send = async || {
        let log = Interleaved(log);
        loop {
            match run::<LEDGER>(&log, &name, &ONE, &metadata).await {
                Err(ExecuteError::Conflict) => {}
                outcome => break outcome.expect("nothing else goes wrong"),
            }
        }
    };
    let answers = join_all((0..RACERS).map(|_| send())).await;
    let version_1 =
        |answer: &Appended| (answer.version, &answer.event_ids) == (1, &answers[0].event_ids);
    assert!(answers.iter().all(version_1), "{answers:?}");
    assert_eq!(all(log, &name).await.len(), 1);
}

/// Whoever loses is told; when the holder gives the name up, another may have it.
pub async fn a_name_has_one_holder_under_32_racing_opens(fixture: &impl Fixture) {
    let log = &fixture.log().await;
    let open = &open();
    let send = async |name: String| {
        let log = Interleaved(log);
        loop {
            match run::<false>(&log, &name, open, &once()).await {
                Ok(_) => break Some(name),
                Err(ExecuteError::ClaimTaken { kind: "name" }) => break None,
                Err(ExecuteError::Conflict) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    };
    let racers = join_all((0..RACERS).map(|_| send(stream()))).await;
    let holders: Vec<String> = racers.into_iter().flatten().collect();
    assert_eq!(holders.len(), 1, "{holders:?}");
    let close = run::<false>(log, &holders[0], &Command::Close, &once()).await;
    close.expect("closed");
    assert!(send(stream()).await.is_some(), "the name is free again");
}

/// Snapshots are a shortcut to what the events say.
pub async fn a_long_stream_loads_as_it_replays(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let name = stream();
    let commits = 3 * SNAPSHOT_EVERY;
    for amount in 1..=commits as u64 {
        let deposit = Command::Deposit { amount };
        run::<false>(&log, &name, &deposit, &once())
            .await
            .expect("deposited");
        let sum = amount * (amount + 1) / 2;
        assert_eq!(state(&log, &name).await.balance, sum);
    }
    let carries = |commit: &crate::Commit| commit.snapshot.is_some() && commit.has_its_snapshot();
    let there = all(&log, &name).await;
    assert_eq!(there.iter().filter(|commit| carries(commit)).count(), 3);
    assert_whole(&log, &name).await;
}

/// A clock that is set back moves no commit before the one that it follows.
pub async fn timestamps_never_go_back_in_a_stream(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let (name, clock) = (stream(), Steady::now());
    let cache = Cache::<Account<false>>::none();
    for seconds in [200, 100, 300] {
        clock.set(Ok(moment() + TimeDelta::seconds(seconds)));
        let deposited = run_with(&cache, &clock, &log, &name, &ONE, &once()).await;
        deposited.expect("deposited");
    }
    let stamped = all(&log, &name).await.into_iter().map(|commit| {
        let stamp = commit.stamp().expect("readable");
        (stamp.timestamp - moment()).num_seconds()
    });
    assert_eq!(stamped.collect::<Vec<_>>(), [200, 200, 300]);
}

/// Better no commit than one at a wrong time.
pub async fn a_clock_that_is_far_off_writes_nothing(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let (name, cache, clock) = (stream(), Cache::none(), Steady::now());
    clock.set(Err(ClockOff { seconds: 61 }));
    let refused = run_with::<false>(&cache, &clock, &log, &name, &ONE, &once()).await;
    let is_off = matches!(refused, Err(ExecuteError::Store(StoreError::ClockOff(_))));
    assert!(is_off, "{refused:?}");
    assert_eq!(all(&log, &name).await, []);
}
