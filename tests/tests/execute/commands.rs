//! Commands on the real store: races, retries, and what each costs in requests.

use domain::user::Error;
use event_store::{Cache, Commit, EventLog, ExecuteError, Part, execute};
use serde_json::json;
use std::collections::BTreeSet;
use tests::backend::Backend;
use tests::on_each_backend;
use tests::users::{command, create, metadata, rename, run, run_as, stream};
use tokio::task::JoinSet;
use uuid::Uuid;

on_each_backend! {
    a_create_is_one_transaction
    a_rename_is_one_query_and_one_put
    a_change_of_email_is_one_query_and_one_transaction
    a_suspension_moves_no_claim
    a_correction_of_an_email_moves_the_claim
    a_change_that_is_done_already_writes_nothing
    a_repeated_create_answers_as_the_first_time
    a_repeated_create_is_known_after_any_number_of_commands
    an_unchecked_clock_reads_before_it_writes
    a_repeated_change_answers_as_the_first_time
    another_command_under_the_same_id_is_refused
    two_copies_of_one_command_append_once
    thirty_two_writers_on_one_stream_lose_nothing
    thirty_two_creates_of_one_email_make_one_user
    a_lost_race_is_decided_again_on_what_won
    an_unexpected_version_is_refused
    an_email_is_free_again_after_a_delete_and_claimed_by_a_restore
    an_email_in_other_letters_is_the_same_email
}

async fn history(backend: &Backend, id: Uuid) -> Vec<Commit> {
    backend
        .log()
        .read(&stream(id), 1..=u64::MAX, usize::MAX)
        .await
        .expect("readable")
}

/// The types of a stream's events, with no gap in their versions.
async fn types(backend: &Backend, id: Uuid) -> Vec<String> {
    let commits = history(backend, id).await;
    let mut next = 1;
    let mut types = Vec::new();
    for commit in &commits {
        assert_eq!(commit.version, next, "no gap");
        let events = commit.events().expect("readable");
        types.extend(events.into_iter().map(|event| event.kind));
        next = types.len() as u64 + 1;
    }
    types
}

/// A user who is there.
async fn sarah(backend: &Backend) -> Uuid {
    let id = Uuid::now_v7();
    run(
        &backend.log(),
        &backend.clock,
        id,
        &create("sarah@example.com"),
    )
    .await
    .expect("created");
    backend.requests.clear();
    id
}

async fn a_create_is_one_transaction(backend: &Backend) {
    run(
        &backend.log(),
        &backend.clock,
        Uuid::now_v7(),
        &create("sarah@example.com"),
    )
    .await
    .expect("created");
    assert_eq!(backend.requests.clear(), ["TransactWriteItems"]);
}

async fn a_rename_is_one_query_and_one_put(backend: &Backend) {
    let id = sarah(backend).await;
    let renamed = run(&backend.log(), &backend.clock, id, &rename("Sara"))
        .await
        .expect("renamed");
    assert_eq!(renamed.version, 2);
    assert_eq!(backend.requests.clear(), ["Query", "PutItem"]);
}

async fn a_change_of_email_is_one_query_and_one_transaction(backend: &Backend) {
    let id = sarah(backend).await;
    let change = command("ChangeUserEmail", json!({ "email": "sara@example.com" }));
    run(&backend.log(), &backend.clock, id, &change)
        .await
        .expect("changed");
    assert_eq!(backend.requests.clear(), ["Query", "TransactWriteItems"]);
    run(
        &backend.log(),
        &backend.clock,
        Uuid::now_v7(),
        &create("sarah@example.com"),
    )
    .await
    .expect("free again");
}

async fn a_suspension_moves_no_claim(backend: &Backend) {
    let id = sarah(backend).await;
    let suspend = command(
        "ChangeUserStatus",
        json!({ "status": "suspended", "reason": "spam" }),
    );
    run(&backend.log(), &backend.clock, id, &suspend)
        .await
        .expect("suspended");
    assert_eq!(backend.requests.clear(), ["Query", "PutItem"]);
    let taken = run(
        &backend.log(),
        &backend.clock,
        Uuid::now_v7(),
        &create("sarah@example.com"),
    )
    .await;
    assert!(
        matches!(taken, Err(ExecuteError::ClaimTaken { kind: "email" })),
        "{taken:?}"
    );
}

async fn a_correction_of_an_email_moves_the_claim(backend: &Backend) {
    let (log, clock, id) = (backend.log(), &backend.clock, sarah(backend).await);
    let fields = json!({ "name": "Sara", "email": "sara@example.com", "reason": "typo" });
    let corrected = run(&log, clock, id, &command("CorrectUser", fields)).await;
    assert_eq!(corrected.expect("corrected").version, 3);
    assert_eq!(backend.requests.clear(), ["Query", "TransactWriteItems"]);
    let other = Uuid::now_v7();
    let taken = run(&log, clock, other, &create("sara@example.com")).await;
    assert!(
        matches!(taken, Err(ExecuteError::ClaimTaken { kind: "email" })),
        "{taken:?}"
    );
    run(&log, clock, other, &create("sarah@example.com"))
        .await
        .expect("free again");
}

async fn a_change_that_is_done_already_writes_nothing(backend: &Backend) {
    let id = sarah(backend).await;
    let done = run(&backend.log(), &backend.clock, id, &rename("Sarah"))
        .await
        .expect("done already");
    assert_eq!((done.version, done.event_ids.len()), (1, 0));
    assert_eq!(backend.requests.clear(), ["Query"]);
}

async fn a_repeated_create_answers_as_the_first_time(backend: &Backend) {
    let (log, id, command_id) = (backend.log(), Uuid::now_v7(), Uuid::now_v7());
    let first = run_as(
        command_id,
        &log,
        &backend.clock,
        id,
        &create("sarah@example.com"),
    )
    .await
    .expect("created");
    run(&log, &backend.clock, id, &rename("Sara"))
        .await
        .expect("renamed");
    let again = run_as(
        command_id,
        &log,
        &backend.clock,
        id,
        &create("sarah@example.com"),
    )
    .await
    .expect("repeated");
    assert_eq!(
        (again.version, &again.event_ids, again.replayed),
        (1, &first.event_ids, true)
    );
    assert_eq!(types(backend, id).await, ["UserCreated", "UserNameChanged"]);
}

async fn a_repeated_create_is_known_after_any_number_of_commands(backend: &Backend) {
    let (log, id, command_id) = (backend.log(), Uuid::now_v7(), Uuid::now_v7());
    let create = create("sarah@example.com");
    let first = run_as(command_id, &log, &backend.clock, id, &create)
        .await
        .expect("created");
    for number in 0..event_store::RING + 2 {
        let rename = rename(&format!("Sarah {number}"));
        run(&log, &backend.clock, id, &rename)
            .await
            .expect("renamed");
    }
    let again = run_as(command_id, &log, &backend.clock, id, &create)
        .await
        .expect("repeated");
    assert_eq!((again.event_ids, again.replayed), (first.event_ids, true));
}

async fn an_unchecked_clock_reads_before_it_writes(backend: &Backend) {
    let clock = event_store::ServiceClock::default();
    run(
        &backend.log(),
        &clock,
        Uuid::now_v7(),
        &create("sarah@example.com"),
    )
    .await
    .expect("created");
    assert_eq!(backend.requests.clear(), ["Query", "TransactWriteItems"]);
}

async fn a_repeated_change_answers_as_the_first_time(backend: &Backend) {
    let (log, id, command_id) = (backend.log(), sarah(backend).await, Uuid::now_v7());
    let first = run_as(command_id, &log, &backend.clock, id, &rename("Sara"))
        .await
        .expect("renamed");
    run(&log, &backend.clock, id, &rename("Sally"))
        .await
        .expect("renamed");
    let again = run_as(command_id, &log, &backend.clock, id, &rename("Sara"))
        .await
        .expect("repeated");
    assert_eq!(
        (again.version, &again.event_ids, again.replayed),
        (2, &first.event_ids, true)
    );
    assert_eq!(
        history(backend, id).await.len(),
        3,
        "the name is still Sally"
    );
}

async fn another_command_under_the_same_id_is_refused(backend: &Backend) {
    let (log, id, command_id) = (backend.log(), sarah(backend).await, Uuid::now_v7());
    run_as(command_id, &log, &backend.clock, id, &rename("Sara"))
        .await
        .expect("renamed");
    let mut other = metadata(command_id);
    other.fingerprint = Some("another".into());
    let (stream, command, cache) = (stream(id), rename("Sally"), Cache::none());
    let part = Part::new(&stream, &command, &cache);
    let reused = execute::<_, domain::User>(&log, &backend.clock, &other, part).await;
    assert!(
        matches!(reused, Err(ExecuteError::CommandIdReused)),
        "{reused:?}"
    );
    assert_eq!(history(backend, id).await.len(), 2);
}

async fn two_copies_of_one_command_append_once(backend: &Backend) {
    let id = sarah(backend).await;
    for round in 0..8 {
        let command_id = Uuid::now_v7();
        let name = format!("Sarah {round}");
        let (one, two) = tokio::join!(
            async {
                run_as(
                    command_id,
                    &backend.log(),
                    &backend.clock,
                    id,
                    &rename(&name),
                )
                .await
            },
            async {
                run_as(
                    command_id,
                    &backend.log(),
                    &backend.clock,
                    id,
                    &rename(&name),
                )
                .await
            },
        );
        let (one, two) = (one.expect("accepted"), two.expect("accepted"));
        assert_eq!((one.version, &one.event_ids), (two.version, &two.event_ids));
        assert!(one.replayed != two.replayed, "one of them is the first");
        assert_eq!(history(backend, id).await.len(), round + 2);
    }
}

async fn thirty_two_writers_on_one_stream_lose_nothing(backend: &Backend) {
    let id = sarah(backend).await;
    let mut writers = JoinSet::new();
    for writer in 0..32 {
        let (log, clock) = (backend.log(), backend.clock.clone());
        writers
            .spawn(async move { run(&log, &clock, id, &rename(&format!("Sarah {writer}"))).await });
    }
    let mut accepted = BTreeSet::new();
    for outcome in writers.join_all().await {
        match outcome {
            Ok(appended) => assert!(
                accepted.insert(appended.event_ids),
                "every answer is another event"
            ),
            Err(error) => assert!(matches!(error, ExecuteError::Conflict), "{error:?}"),
        }
    }
    let stored = history(backend, id).await.into_iter().skip(1);
    let ids = |commit: Commit| {
        let events = commit.events().expect("readable").into_iter();
        events.map(|event| event.id).collect()
    };
    let stored: BTreeSet<Vec<Uuid>> = stored.map(ids).collect();
    assert_eq!(stored, accepted, "exactly the accepted ones are there");
    assert_eq!(types(backend, id).await.len(), accepted.len() + 1);
    assert!(!accepted.is_empty());
}

async fn thirty_two_creates_of_one_email_make_one_user(backend: &Backend) {
    let mut writers = JoinSet::new();
    for _ in 0..32 {
        let (log, clock, id) = (backend.log(), backend.clock.clone(), Uuid::now_v7());
        writers.spawn(async move {
            (
                id,
                run(&log, &clock, id, &create("sarah@example.com")).await,
            )
        });
    }
    let mut created = 0;
    for (id, outcome) in writers.join_all().await {
        let stored = types(backend, id).await;
        match outcome {
            Ok(_) => {
                created += 1;
                assert_eq!(stored, ["UserCreated"]);
            }
            Err(error) => {
                assert!(
                    matches!(
                        error,
                        ExecuteError::ClaimTaken { .. } | ExecuteError::Conflict
                    ),
                    "{error:?}"
                );
                assert!(stored.is_empty(), "a refused create leaves no trace");
            }
        }
    }
    assert_eq!(created, 1);
}

async fn a_lost_race_is_decided_again_on_what_won(backend: &Backend) {
    let id = sarah(backend).await;
    let delete = command("DeleteUser", json!({ "reason": "asked to" }));
    let (renamed, deleted) = tokio::join!(
        async { run(&backend.log(), &backend.clock, id, &rename("Sara")).await },
        async { run(&backend.log(), &backend.clock, id, &delete).await },
    );
    deleted.expect("a user can be deleted whatever the name");
    match (renamed, types(backend, id).await.as_slice()) {
        (Ok(_), [_, first, second]) => {
            assert_eq!([first, second], ["UserNameChanged", "UserDeleted"])
        }
        (
            Err(ExecuteError::Rejected {
                error: Error::UserDeleted,
                version: 2,
            }),
            [_, only],
        ) => {
            assert_eq!(only, "UserDeleted");
        }
        other => panic!("{other:?}"),
    }
}

async fn an_unexpected_version_is_refused(backend: &Backend) {
    let (log, id) = (backend.log(), sarah(backend).await);
    let (stream, command, cache) = (stream(id), rename("Sara"), Cache::none());
    let at = |expected| Part::new(&stream, &command, &cache).expecting(Some(expected));
    let metadata = metadata(Uuid::now_v7());
    let stale = execute::<_, domain::User>(&log, &backend.clock, &metadata, at(2)).await;
    assert!(
        matches!(stale, Err(ExecuteError::Stale { found: 1 })),
        "{stale:?}"
    );
    execute(&log, &backend.clock, &metadata, at(1))
        .await
        .expect("as expected");
}

async fn an_email_is_free_again_after_a_delete_and_claimed_by_a_restore(backend: &Backend) {
    let (log, clock, id, other) = (
        backend.log(),
        &backend.clock,
        sarah(backend).await,
        Uuid::now_v7(),
    );
    run(
        &log,
        clock,
        id,
        &command("DeleteUser", json!({ "reason": "asked to" })),
    )
    .await
    .expect("deleted");
    run(&log, clock, other, &create("sarah@example.com"))
        .await
        .expect("free");
    let restore = command("RestoreUser", json!({ "reason": "by mistake" }));
    let taken = run(&log, clock, id, &restore).await;
    assert!(
        matches!(taken, Err(ExecuteError::ClaimTaken { kind: "email" })),
        "{taken:?}"
    );
    run(
        &log,
        clock,
        other,
        &command("DeleteUser", json!({ "reason": "makes room" })),
    )
    .await
    .expect("deleted");
    run(&log, clock, id, &restore).await.expect("restored");
    assert_eq!(
        types(backend, id).await,
        ["UserCreated", "UserDeleted", "UserRestored"]
    );
}

async fn an_email_in_other_letters_is_the_same_email(backend: &Backend) {
    let (log, clock, id) = (backend.log(), &backend.clock, sarah(backend).await);
    let taken = run(&log, clock, Uuid::now_v7(), &create("SARAH@Example.com")).await;
    assert!(
        matches!(taken, Err(ExecuteError::ClaimTaken { kind: "email" })),
        "{taken:?}"
    );
    backend.requests.clear();
    let respell = command("ChangeUserEmail", json!({ "email": "Sarah@example.com" }));
    assert_eq!(
        run(&log, clock, id, &respell)
            .await
            .expect("changed")
            .version,
        2
    );
    assert_eq!(
        backend.requests.clear(),
        ["Query", "PutItem"],
        "no claim moves"
    );
}
