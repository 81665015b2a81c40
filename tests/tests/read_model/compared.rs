//! What is kept, compared with what the fold makes of the events.

use crate::{change, ring, stored, user};
use domain::Users;
use read_model::{Counts, Documents, Row, StoredDocument, compare, note, project};
use serde_json::json;
use tests::account::{Account, Command, run, unkeyed};
use tests::backend::Backend;
use tests::fussy::{Fussy, REFUSED};
use tests::on_each_backend;
use tests::users::stream;

on_each_backend! {
    what_is_as_the_fold_makes_it_is_no_difference
    a_difference_says_what_it_is_about
    what_is_parked_differs_by_its_reason_alone
}

async fn what_is_as_the_fold_makes_it_is_no_difference(backend: &Backend) {
    let (log, documents) = (backend.log(), backend.documents());
    let id = user(backend, "sarah@example.com").await;
    let compared = async || {
        let compared = compare::<Users>(&log, &documents, &stream(id)).await;
        compared.expect("compared")
    };
    let (difference, _) = compared().await;
    let difference = difference.expect("nothing is kept");
    assert!(difference.found.is_null() && !difference.wanted.is_null());
    // What is behind is compared as far as it is: a note that nothing is there yet, and the first of two events.
    let noted = note(&documents, &id.to_string(), 1, "not now").await;
    noted.expect("noted");
    assert_eq!(compared().await, (None, Counts::new()));
    ring(backend, id, 1).await.expect("projected");
    let renamed = json!({ "name": "Mei", "reason": "married" });
    change(backend, id, "ChangeUserName", renamed).await;
    assert_eq!(compared().await, (None, Counts::new()));
}

async fn a_difference_says_what_it_is_about(backend: &Backend) {
    let (log, documents) = (backend.log(), backend.documents());
    let id = user(backend, "sarah@example.com").await;
    ring(backend, id, 1).await.expect("projected");
    let kept = stored(backend, id).await.expect("there");
    let foreign = Row {
        partition: "list#strangers#0".to_owned(),
        sort: format!("1#{id}"),
    };
    let mut spoilt = StoredDocument {
        document: kept
            .document
            .clone()
            .map(|text| text.replace("Sarah", "Mei")),
        ..kept.clone()
    };
    let gone = std::mem::replace(&mut spoilt.rows[0], foreign.clone());
    let put = documents.put(&spoilt, Some(&kept), &Counts::new()).await;
    put.expect("spoilt");
    let compared = compare::<Users>(&log, &documents, &stream(id)).await;
    let difference = compared.expect("compared").0.expect("a difference");
    assert_eq!((difference.stream, difference.version), (stream(id), 1));
    assert_eq!(difference.found["name"], "Mei");
    assert_eq!(difference.wanted["name"], "Sarah");
    assert_eq!(difference.rows_gone, [foreign]);
    assert_eq!(difference.rows_new, [gone]);
    assert_eq!(difference.why, None);
}

async fn what_is_parked_differs_by_its_reason_alone(backend: &Backend) {
    let (log, documents) = (backend.log(), backend.documents());
    let (cache, metadata) = (event_store::Cache::<Account>::new(1 << 20), unkeyed());
    for command in [
        Command::Open("account-a"),
        Command::Deposit(1, 500),
        Command::Withdraw(REFUSED),
    ] {
        let done = run(
            &cache,
            &log,
            &backend.clock,
            &metadata,
            "account-a",
            &command,
        );
        done.await.expect("executed");
    }
    let projected = project::<Fussy<false>>(&log, &documents, "account-a", 3).await;
    projected.expect("heard");
    let compared = compare::<Fussy<false>>(&log, &documents, "account-a").await;
    let difference = compared.expect("compared").0.expect("it is parked");
    assert_eq!(difference.found, difference.wanted);
    let why = difference.why.expect("what holds it");
    assert!(why.contains("thirteen is not taken"), "{why}");
    let mended = compare::<Fussy<true>>(&log, &documents, "account-a").await;
    let difference = mended.expect("compared").0.expect("it goes on");
    assert_eq!((difference.version, difference.why), (3, None));
}
