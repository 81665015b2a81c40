//! Commands over several streams: all of them, or none.

use event_store::{
    Batch, Cache, EventLog, ExecuteError, Part, Participant, StoreError, execute_all,
};
use std::sync::Mutex;
use tests::account::{Account, Command, Refusal, load, run, transfer, unkeyed};
use tests::backend::Backend;
use tests::interfere::Interfering;
use tests::on_each_backend;
use tests::users::metadata;
use tokio::task::JoinSet;
use uuid::Uuid;

on_each_backend! {
    a_transfer_is_three_commits_in_one_transaction
    a_refused_part_leaves_no_trace_of_the_others
    a_lost_race_in_one_stream_decides_all_again
    a_part_that_has_nothing_to_write_must_not_have_moved
    a_repeated_transfer_answers_as_the_first_time
    a_lost_reply_to_a_transfer_transfers_once
    one_stream_has_one_part
    many_transfers_at_once_keep_the_sum
    one_command_may_append_several_events
}

const STREAMS: [&str; 3] = ["transfer-1", "account-1", "account-2"];

/// Two accounts, with so much in the first.
async fn opened(backend: &Backend, balance: u64) {
    let (cache, log, clock) = (Cache::none(), backend.log(), &backend.clock);
    for (name, number, balance) in [("account-1", "1", balance), ("account-2", "2", 0)] {
        run(
            &cache,
            &log,
            clock,
            &unkeyed(),
            name,
            &Command::Open(number),
        )
        .await
        .expect("opened");
        let deposit = Command::Deposit(1, balance);
        run(&cache, &log, clock, &unkeyed(), name, &deposit)
            .await
            .expect("deposited");
    }
    backend.requests.clear();
}

async fn versions(backend: &Backend) -> Vec<u64> {
    let mut versions = Vec::new();
    for name in STREAMS {
        let commits = backend
            .log()
            .read(name, 1..=u64::MAX, usize::MAX)
            .await
            .expect("readable");
        versions.push(commits.len() as u64);
    }
    versions
}

async fn a_transfer_is_three_commits_in_one_transaction(backend: &Backend) {
    opened(backend, 100).await;
    let log = backend.log();
    let answers = transfer(&log, &backend.clock, &metadata(Uuid::now_v7()), STREAMS, 30)
        .await
        .expect("made");
    let answered: Vec<_> = answers
        .iter()
        .map(|answer| (answer.version, answer.event_ids.len()))
        .collect();
    assert_eq!(answered, [(1, 1), (3, 1), (3, 1)]);
    assert_eq!(
        backend.requests.clear(),
        ["Query", "Query", "TransactWriteItems"]
    );
    assert_eq!(load(&log, "account-1").await.state.balance, 70);
    assert_eq!(load(&log, "account-2").await.state.balance, 30);
    let mut parts = Vec::new();
    let mut timestamps = Vec::new();
    for name in STREAMS {
        let commit = log
            .newest(name, 1..=u64::MAX, 1)
            .await
            .expect("readable")
            .remove(0);
        parts.push(commit.metadata().expect("readable").parts);
        timestamps.push(commit.stamp().expect("readable").timestamp);
    }
    let named: Vec<_> = parts[0]
        .iter()
        .map(|at| (at.stream.as_str(), at.version))
        .collect();
    assert_eq!(
        named,
        [("transfer-1", 1), ("account-1", 3), ("account-2", 3)]
    );
    assert!(
        parts.iter().all(|part| *part == parts[0]),
        "each names them all"
    );
    assert!(
        timestamps.iter().all(|time| *time == timestamps[0]),
        "one moment"
    );
}

async fn a_refused_part_leaves_no_trace_of_the_others(backend: &Backend) {
    opened(backend, 100).await;
    let log = backend.log();
    let refused = transfer(
        &log,
        &backend.clock,
        &metadata(Uuid::now_v7()),
        STREAMS,
        101,
    )
    .await;
    let insufficient = Refusal::Insufficient(100);
    assert!(
        matches!(&refused, Err(ExecuteError::Rejected { error, .. }) if *error == insufficient),
        "{refused:?}"
    );
    assert_eq!(versions(backend).await, [0, 2, 2]);
}

/// What another writer would append to `name` now.
async fn other(backend: &Backend, name: &str, command: &Command) -> Batch {
    let memory = event_store::MemoryEventLog::default();
    let log = backend.log();
    for commit in log
        .read(name, 1..=u64::MAX, usize::MAX)
        .await
        .expect("readable")
    {
        memory.append(&Batch::of(commit)).await.expect("copied");
    }
    run(
        &Cache::none(),
        &memory,
        &backend.clock,
        &unkeyed(),
        name,
        command,
    )
    .await
    .expect("accepted");
    Batch::of(
        memory
            .newest(name, 1..=u64::MAX, 1)
            .await
            .expect("readable")
            .remove(0),
    )
}

async fn a_lost_race_in_one_stream_decides_all_again(backend: &Backend) {
    opened(backend, 100).await;
    let others = Mutex::new(vec![
        other(backend, "account-2", &Command::Deposit(1, 5)).await,
    ]);
    let log = Interfering {
        log: backend.log(),
        others,
    };
    let answers = transfer(&log, &backend.clock, &metadata(Uuid::now_v7()), STREAMS, 30)
        .await
        .expect("made");
    let answered: Vec<_> = answers.iter().map(|answer| answer.version).collect();
    assert_eq!(answered, [1, 3, 4]);
    assert_eq!(load(&log, "account-2").await.state.balance, 35);
    let others = Mutex::new(vec![
        other(backend, "account-1", &Command::Withdraw(70)).await,
    ]);
    let log = Interfering {
        log: backend.log(),
        others,
    };
    let names = ["transfer-2", "account-1", "account-2"];
    let refused = transfer(&log, &backend.clock, &metadata(Uuid::now_v7()), names, 30).await;
    assert!(
        matches!(refused, Err(ExecuteError::Rejected { .. })),
        "{refused:?}"
    );
    assert_eq!(
        load(&log, "account-2").await.state.balance,
        35,
        "nothing of it was written"
    );
}

async fn a_part_that_has_nothing_to_write_must_not_have_moved(backend: &Backend) {
    opened(backend, 100).await;
    let others = Mutex::new(vec![
        other(backend, "account-2", &Command::Deposit(1, 5)).await,
    ]);
    let log = Interfering {
        log: backend.log(),
        others,
    };
    let (cache, withdraw, leave) = (Cache::none(), Command::Withdraw(30), Command::Leave);
    let mut writes = Part::<Account>::new("account-1", &withdraw, &cache);
    let mut leaves = Part::<Account>::new("account-2", &leave, &cache);
    let parts: &mut [&mut dyn Participant<_, Refusal>] = &mut [&mut writes, &mut leaves];
    let answers = execute_all(&log, &backend.clock, &unkeyed(), parts)
        .await
        .expect("accepted");
    let answered: Vec<_> = answers
        .iter()
        .map(|answer| (answer.version, answer.event_ids.len()))
        .collect();
    assert_eq!(
        answered,
        [(3, 1), (3, 0)],
        "decided on what the others wrote"
    );
}

async fn a_repeated_transfer_answers_as_the_first_time(backend: &Backend) {
    opened(backend, 100).await;
    let (log, clock, keyed) = (backend.log(), &backend.clock, metadata(Uuid::now_v7()));
    let first = transfer(&log, clock, &keyed, STREAMS, 80)
        .await
        .expect("made");
    let deposit = Command::Deposit(1, 1);
    run(
        &Cache::none(),
        &log,
        clock,
        &unkeyed(),
        "account-2",
        &deposit,
    )
    .await
    .expect("deposited");
    let again = transfer(&log, clock, &keyed, STREAMS, 80)
        .await
        .expect("repeated");
    assert!(again.iter().all(|answer| answer.replayed));
    for (first, again) in first.iter().zip(&again) {
        assert_eq!(
            (first.version, &first.event_ids),
            (again.version, &again.event_ids)
        );
    }
    assert_eq!(versions(backend).await, [1, 3, 4]);
}

async fn a_lost_reply_to_a_transfer_transfers_once(backend: &Backend) {
    opened(backend, 100).await;
    let log = backend
        .log_that_loses_one_reply_to(&["TransactWriteItems"])
        .await;
    let answers = transfer(&log, &backend.clock, &metadata(Uuid::now_v7()), STREAMS, 30)
        .await
        .expect("made");
    assert!(answers.iter().all(|answer| !answer.replayed));
    assert_eq!(versions(backend).await, [1, 3, 3]);
}

async fn one_stream_has_one_part(backend: &Backend) {
    opened(backend, 100).await;
    let names = ["transfer-1", "account-1", "account-1"];
    let refused = transfer(
        &backend.log(),
        &backend.clock,
        &metadata(Uuid::now_v7()),
        names,
        30,
    )
    .await;
    assert!(
        matches!(&refused, Err(ExecuteError::Store(StoreError::Twice { stream })) if stream == "account-1"),
        "{refused:?}"
    );
    assert_eq!(versions(backend).await, [0, 2, 2]);
}

async fn many_transfers_at_once_keep_the_sum(backend: &Backend) {
    opened(backend, 1_000).await;
    let mut writers = JoinSet::new();
    for writer in 0..16_u64 {
        let (log, clock) = (backend.log(), backend.clock.clone());
        writers.spawn(async move {
            let name = format!("transfer-{writer}");
            let mut names = [name.as_str(), "account-1", "account-2"];
            if writer % 3 == 2 {
                names.swap(1, 2);
            }
            let made = transfer(&log, &clock, &metadata(Uuid::now_v7()), names, writer + 1).await;
            (name.clone(), made.map(|_| ()))
        });
    }
    let log = backend.log();
    let mut made = 0;
    for (name, outcome) in writers.join_all().await {
        let written = log.read(&name, 1..=1, 1).await.expect("readable").len();
        match outcome {
            Ok(()) => {
                made += 1;
                assert_eq!(written, 1);
            }
            Err(error) => {
                let settled = matches!(
                    error,
                    ExecuteError::Conflict | ExecuteError::Rejected { .. }
                );
                assert!(settled && written == 0, "{name}: {error:?}");
            }
        }
    }
    let (one, two) = (load(&log, "account-1").await, load(&log, "account-2").await);
    assert_eq!(one.state.balance + two.state.balance, 1_000);
    assert_eq!((one.version, two.version), (2 + made, 2 + made));
    assert!(made > 0);
}

async fn one_command_may_append_several_events(backend: &Backend) {
    opened(backend, 0).await;
    let (log, clock) = (backend.log(), &backend.clock);
    let deposits = Command::Deposit(50, 2);
    let cache = Cache::none();
    let appended = run(&cache, &log, clock, &unkeyed(), "account-1", &deposits)
        .await
        .expect("deposited");
    assert_eq!((appended.version, appended.event_ids.len()), (52, 50));
    let next = run(
        &cache,
        &log,
        clock,
        &unkeyed(),
        "account-1",
        &Command::Withdraw(100),
    )
    .await
    .expect("all");
    assert_eq!(next.version, 53);
    let too_many = run(
        &cache,
        &log,
        clock,
        &unkeyed(),
        "account-1",
        &Command::Deposit(51, 2),
    )
    .await;
    assert!(
        matches!(
            too_many,
            Err(ExecuteError::Store(StoreError::TooLarge { limit: 50, .. }))
        ),
        "{too_many:?}"
    );
    let within = log.newest("account-1", 1..=30, 1).await.expect("readable");
    assert_eq!(within[0].version, 3, "the commit that holds a version");
}
