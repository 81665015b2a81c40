//! Copies of one command, where a ledger remembers what was done.

use chrono::TimeDelta;
use event_store::{Cache, EventLog, ExecuteError, Metadata, Part, execute};
use tests::account::{Account, Command, Refusal, load, run, unkeyed};
use tests::backend::Backend;
use tests::machine::Machine;
use tests::on_each_backend;
use tests::users::metadata;
use uuid::Uuid;

on_each_backend! {
    a_repeated_command_answers_as_the_first_time_whatever_the_traffic
    a_command_that_would_be_refused_by_now_is_still_answered
    a_repeated_command_is_not_held_to_its_version_again
    another_command_under_the_same_id_is_refused
    two_copies_append_once
    a_lost_reply_appends_once
    a_refusal_is_not_remembered
    a_command_is_forgotten_after_two_days_and_a_create_never
    two_streams_do_not_share_a_command
}

const NAME: &str = "account-1";

fn deposit(amount: u64) -> Command {
    Command::Deposit(1, amount)
}

/// An account with so much in it.
async fn opened(backend: &Backend, balance: u64) {
    let (cache, log, clock) = (Cache::none(), backend.log(), &backend.clock);
    run(&cache, &log, clock, &unkeyed(), NAME, &Command::Open("1"))
        .await
        .expect("opened");
    run(&cache, &log, clock, &unkeyed(), NAME, &deposit(balance))
        .await
        .expect("deposited");
}

async fn a_repeated_command_answers_as_the_first_time_whatever_the_traffic(backend: &Backend) {
    opened(backend, 100).await;
    let (cache, log, clock, keyed) = (
        Cache::new(1 << 20),
        backend.log(),
        &backend.clock,
        metadata(Uuid::now_v7()),
    );
    let first = run(&cache, &log, clock, &keyed, NAME, &deposit(7))
        .await
        .expect("deposited");
    for _ in 0..event_store::RING + 10 {
        run(&cache, &log, clock, &unkeyed(), NAME, &deposit(1))
            .await
            .expect("deposited");
    }
    for cache in [cache, Cache::none()] {
        let again = run(&cache, &log, clock, &keyed, NAME, &deposit(7))
            .await
            .expect("repeated");
        assert_eq!(
            (again.version, &again.event_ids, again.replayed),
            (3, &first.event_ids, true)
        );
    }
    let account = load(&log, NAME).await;
    assert_eq!(account.state.balance, 107 + event_store::RING as u64 + 10);
}

async fn a_command_that_would_be_refused_by_now_is_still_answered(backend: &Backend) {
    opened(backend, 100).await;
    let (cache, log, clock, keyed) = (
        Cache::none(),
        backend.log(),
        &backend.clock,
        metadata(Uuid::now_v7()),
    );
    let first = run(&cache, &log, clock, &keyed, NAME, &Command::Withdraw(80))
        .await
        .expect("withdrawn");
    let again = run(&cache, &log, clock, &keyed, NAME, &Command::Withdraw(80))
        .await
        .expect("repeated");
    assert_eq!((again.event_ids, again.replayed), (first.event_ids, true));
    assert_eq!(load(&log, NAME).await.state.balance, 20);
}

async fn a_repeated_command_is_not_held_to_its_version_again(backend: &Backend) {
    opened(backend, 100).await;
    let (cache, log, keyed, deposit) = (
        Cache::none(),
        backend.log(),
        metadata(Uuid::now_v7()),
        deposit(7),
    );
    let part = || Part::<Account>::new(NAME, &deposit, &cache).expecting(Some(2));
    execute(&log, &backend.clock, &keyed, part())
        .await
        .expect("deposited");
    let again = execute(&log, &backend.clock, &keyed, part())
        .await
        .expect("repeated");
    assert_eq!((again.version, again.replayed), (3, true));
    let stale = execute(&log, &backend.clock, &unkeyed(), part()).await;
    assert!(
        matches!(stale, Err(ExecuteError::Stale { found: 3 })),
        "{stale:?}"
    );
}

async fn another_command_under_the_same_id_is_refused(backend: &Backend) {
    opened(backend, 100).await;
    let (cache, log, clock, keyed) = (
        Cache::none(),
        backend.log(),
        &backend.clock,
        metadata(Uuid::now_v7()),
    );
    run(&cache, &log, clock, &keyed, NAME, &deposit(7))
        .await
        .expect("deposited");
    let other = Metadata {
        fingerprint: Some("another".into()),
        ..keyed
    };
    for command in [deposit(8), Command::Withdraw(1_000)] {
        let reused = run(&cache, &log, clock, &other, NAME, &command).await;
        assert!(
            matches!(reused, Err(ExecuteError::CommandIdReused)),
            "{reused:?}"
        );
    }
    assert_eq!(load(&log, NAME).await.version, 3);
}

async fn two_copies_append_once(backend: &Backend) {
    opened(backend, 100).await;
    let log = backend.log();
    for round in 0..8 {
        let (keyed, cache, other) = (metadata(Uuid::now_v7()), Cache::none(), Cache::none());
        let withdraw = Command::Withdraw(7);
        let (one, two) = tokio::join!(
            run(&cache, &log, &backend.clock, &keyed, NAME, &withdraw),
            run(&other, &log, &backend.clock, &keyed, NAME, &withdraw),
        );
        let (one, two) = (one.expect("accepted"), two.expect("accepted"));
        assert_eq!((one.version, &one.event_ids), (two.version, &two.event_ids));
        assert!(one.replayed != two.replayed, "one of them is the first");
        assert_eq!(load(&log, NAME).await.state.balance, 100 - 7 * (round + 1));
    }
}

async fn a_lost_reply_appends_once(backend: &Backend) {
    opened(backend, 100).await;
    let log = backend
        .log_that_loses_one_reply_to(&["TransactWriteItems"])
        .await;
    let keyed = metadata(Uuid::now_v7());
    let done = run(
        &Cache::none(),
        &log,
        &backend.clock,
        &keyed,
        NAME,
        &deposit(7),
    )
    .await
    .expect("deposited");
    assert_eq!((done.version, done.replayed), (3, false));
    assert_eq!(load(&log, NAME).await.state.balance, 107);
}

async fn a_refusal_is_not_remembered(backend: &Backend) {
    opened(backend, 100).await;
    let (cache, log, clock, keyed) = (
        Cache::none(),
        backend.log(),
        &backend.clock,
        metadata(Uuid::now_v7()),
    );
    let refused = run(&cache, &log, clock, &keyed, NAME, &Command::Withdraw(107)).await;
    let insufficient = Refusal::Insufficient(100);
    assert!(
        matches!(&refused, Err(ExecuteError::Rejected { error, version: 2 }) if *error == insufficient),
        "{refused:?}"
    );
    run(&cache, &log, clock, &unkeyed(), NAME, &deposit(7))
        .await
        .expect("deposited");
    let accepted = run(&cache, &log, clock, &keyed, NAME, &Command::Withdraw(107))
        .await
        .expect("withdrawn");
    assert!(!accepted.replayed);
}

async fn a_command_is_forgotten_after_two_days_and_a_create_never(backend: &Backend) {
    let machine = Machine::default();
    // The service's time does not pass with the machine's, so this clock is not corrected by it.
    let (cache, log, clock) = (Cache::none(), backend.log(), machine.clock());
    let (create, keyed) = (metadata(Uuid::now_v7()), metadata(Uuid::now_v7()));
    run(&cache, &log, &clock, &create, NAME, &Command::Open("1"))
        .await
        .expect("opened");
    run(&cache, &log, &clock, &keyed, NAME, &deposit(7))
        .await
        .expect("deposited");
    machine.pass(TimeDelta::hours(47));
    assert!(
        run(&cache, &log, &clock, &keyed, NAME, &deposit(7))
            .await
            .expect("repeated")
            .replayed
    );
    machine.pass(TimeDelta::hours(2));
    assert!(
        !run(&cache, &log, &clock, &keyed, NAME, &deposit(7))
            .await
            .expect("deposited")
            .replayed
    );
    let again = run(&cache, &log, &clock, &create, NAME, &Command::Open("1"))
        .await
        .expect("repeated");
    assert_eq!((again.version, again.replayed), (1, true));
}

async fn two_streams_do_not_share_a_command(backend: &Backend) {
    opened(backend, 100).await;
    let (cache, log, clock, keyed) = (
        Cache::none(),
        backend.log(),
        &backend.clock,
        metadata(Uuid::now_v7()),
    );
    run(
        &cache,
        &log,
        clock,
        &unkeyed(),
        "account-2",
        &Command::Open("2"),
    )
    .await
    .expect("opened");
    run(&cache, &log, clock, &keyed, NAME, &deposit(7))
        .await
        .expect("deposited");
    let elsewhere = run(&cache, &log, clock, &keyed, "account-2", &deposit(7)).await;
    assert!(
        matches!(elsewhere, Err(ExecuteError::CommandIdReused)),
        "{elsewhere:?}"
    );
    let untouched = log
        .read("account-2", 2..=u64::MAX, usize::MAX)
        .await
        .expect("readable");
    assert_eq!(untouched, []);
}
