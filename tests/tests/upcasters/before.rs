//! Users that the build before wrote, read by this one. `fixtures/users-before-upcasters.json` holds its tables as they lay
//! in DynamoDB: Sarah, who was restored as suspended; Ann, who was created without a phone; Bo, who was deleted.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::user::{Event, State};
use domain::values::Status;
use domain::{ALL, User, Users};
use event_store::{EventLog, Heads, Stream, Verifier};
use read_model::{AtLeast, ReadModelError, listed, project, show};
use serde_dynamo::Item;
use std::collections::HashMap;
use tests::backend::Backend;
use tests::on_each_backend;
use tests::users::{command, rename, run, run_as, stream};
use uuid::Uuid;

on_each_backend! {
    their_streams_are_read_and_go_on
    their_documents_are_folded_anew
    a_command_of_theirs_is_not_done_again
    what_is_stored_of_them_stays_as_it_is
}

const SARAH: Uuid = Uuid::from_u128(0x01a1_e50a_5950_7a61_8fa4_5be3_d833_d601);
const ANN: Uuid = Uuid::from_u128(0x01a1_e50a_5950_7a61_8fa4_5be3_d833_d602);
const BO: Uuid = Uuid::from_u128(0x01a1_e50a_5950_7a61_8fa4_5be3_d833_d603);

/// Puts what the build before had stored where this one has its tables.
async fn moved_in(backend: &Backend) {
    const STORED: &str = include_str!("../../fixtures/users-before-upcasters.json");
    let tables: HashMap<String, Vec<Item>> = serde_json::from_str(STORED).expect("items");
    for (table, items) in tables {
        for item in items {
            let item: HashMap<String, AttributeValue> = item.into();
            let put = backend.client.put_item().table_name(backend.table(&table));
            put.set_item(Some(item)).send().await.expect("put");
        }
    }
}

async fn load(backend: &Backend, id: Uuid) -> Stream<User> {
    let loaded = Stream::load(&backend.log(), &stream(id)).await;
    loaded.expect("readable")
}

fn status(state: &State) -> &'static str {
    <User as domain::Aggregate>::status(state)
}

async fn their_streams_are_read_and_go_on(backend: &Backend) {
    moved_in(backend).await;
    for (id, version, expected) in [
        (SARAH, 7, "suspended"),
        (ANN, 13, "active"),
        (BO, 2, "deleted"),
    ] {
        let user = load(backend, id).await;
        assert_eq!((user.version, status(&user.state)), (version, expected));
        assert_eq!(user.passed_over > 0, id != BO, "snapshots of another shape");
    }
    let restore = command("RestoreUser", serde_json::json!({ "reason": "by mistake" }));
    let (log, clock) = (backend.log(), &backend.clock);
    let renamed = run(&log, clock, ANN, &rename("Anna")).await;
    assert_eq!(renamed.expect("renamed").version, 14);
    let restored = run(&log, clock, BO, &restore).await;
    assert_eq!(restored.expect("restored").version, 3);
    let refused = run(&log, clock, SARAH, &rename("Sara")).await;
    assert!(refused.is_err(), "a suspended user is not renamed");
    let bo = log.read(&stream(BO), 1..=3, 9).await.expect("readable");
    let events = bo[2].events().expect("readable");
    assert_eq!(
        events[0].schema_version, 2,
        "what is new is written as today"
    );
}

async fn their_documents_are_folded_anew(backend: &Backend) {
    moved_in(backend).await;
    let (log, documents) = (backend.log(), backend.documents());
    let ids = async || {
        let page = listed::<Users>(&log, &documents, ALL, None, 10).await?;
        let ids = page.documents.into_iter().map(|document| document.id);
        Ok::<_, ReadModelError>(ids.collect::<Vec<_>>())
    };
    for id in [SARAH, ANN, BO] {
        let name = stream(id);
        let user = load(backend, id).await;
        let shown = show::<Users>(&log, &documents, &name, AtLeast::Any).await;
        let shown = shown.expect("readable").expect("there");
        assert_eq!(
            (&shown.document.state, shown.version),
            (&user.state, user.version)
        );
        project::<Users>(&log, &documents, &name, user.version)
            .await
            .expect("projected");
        let stored = read_model::Documents::get(&documents, &id.to_string(), true).await;
        let stored = stored.expect("readable").expect("there");
        assert_eq!(
            (stored.fold, stored.applied, stored.pending),
            (2, user.version, vec![])
        );
    }
    assert_eq!(
        ids().await.expect("listed"),
        [ANN.to_string(), SARAH.to_string()]
    );
}

async fn a_command_of_theirs_is_not_done_again(backend: &Backend) {
    moved_in(backend).await;
    let log = backend.log();
    let commits = log
        .read(&stream(ANN), 1..=u64::MAX, 99)
        .await
        .expect("readable");
    for commit in &commits[..3] {
        let known = commit.metadata().expect("readable");
        let again = run_as(
            known.command_id,
            &log,
            &backend.clock,
            ANN,
            &rename("Other"),
        )
        .await;
        assert!(again.is_err(), "known under its id, with another body");
    }
    assert_eq!(load(backend, ANN).await.version, 13);
}

async fn what_is_stored_of_them_stays_as_it_is(backend: &Backend) {
    moved_in(backend).await;
    for id in [SARAH, ANN, BO] {
        let head = backend.heads().head(&stream(id)).await.expect("readable");
        assert!(head.is_some());
        let mut verifier = Verifier::new(stream(id), head);
        let commits = backend.log().read(&stream(id), 1..=u64::MAX, 99).await;
        for commit in commits.expect("readable") {
            verifier.commit(&commit);
        }
        assert_eq!(verifier.finish(), []);
    }
    let sarah = backend.log().read(&stream(SARAH), 7..=7, 1).await;
    let commit = sarah.expect("readable").remove(0);
    let today = commit.recorded::<User>().expect("readable");
    assert_eq!((today.len(), today[0].version, today[1].version), (2, 7, 7));
    assert!(matches!(
        today[1].event,
        Event::UserStatusChanged {
            new: Status::Suspended,
            ..
        }
    ));
}
