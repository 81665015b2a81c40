//! Lists of documents, and documents found by a value.

use crate::{change, ring, user};
use domain::Users;
use read_model::{Documents, Row, RowChange, StoredDocument, found, listed};
use serde_json::json;
use tests::backend::Backend;
use tests::on_each_backend;

on_each_backend! {
    a_list_is_paged_newest_first
    a_status_has_its_own_list
    a_user_is_found_by_the_exact_email_in_any_letters
    a_page_is_filled_past_rows_that_have_gone
    a_few_requests_pass_many_rows_that_have_gone
}

/// Every id of a list, read page by page.
async fn pages(backend: &Backend, list: &str, limit: usize) -> Vec<Vec<String>> {
    let (mut pages, mut cursor) = (Vec::new(), None);
    loop {
        let page = listed::<Users>(
            &backend.log(),
            &backend.documents(),
            list,
            cursor.as_ref(),
            limit,
        )
        .await
        .expect("listed");
        pages.push(
            page.documents
                .iter()
                .map(|document| document.id.clone())
                .collect(),
        );
        cursor = page.next;
        if cursor.is_none() {
            return pages;
        }
    }
}

async fn a_list_is_paged_newest_first(backend: &Backend) {
    let mut expected = Vec::new();
    for number in 0..23 {
        let id = user(backend, &format!("user-{number}@example.com")).await;
        ring(backend, id, 1).await.expect("projected");
        expected.insert(0, id.to_string());
    }
    let pages = pages(backend, "all", 5).await;
    assert_eq!(
        pages.iter().map(Vec::len).collect::<Vec<_>>(),
        [5, 5, 5, 5, 3]
    );
    assert_eq!(pages.concat(), expected);
}

async fn a_status_has_its_own_list(backend: &Backend) {
    let (one, two) = (
        user(backend, "one@example.com").await,
        user(backend, "two@example.com").await,
    );
    change(
        backend,
        one,
        "ChangeUserStatus",
        json!({ "status": "suspended", "reason": "spam" }),
    )
    .await;
    ring(backend, one, 2).await.expect("projected");
    ring(backend, two, 1).await.expect("projected");
    assert_eq!(
        pages(backend, "suspended", 10).await.concat(),
        [one.to_string()]
    );
    assert_eq!(
        pages(backend, "active", 10).await.concat(),
        [two.to_string()]
    );
    change(backend, one, "DeleteUser", json!({ "reason": "asked to" })).await;
    ring(backend, one, 3).await.expect("projected");
    assert_eq!(pages(backend, "all", 10).await.concat(), [two.to_string()]);
}

async fn a_user_is_found_by_the_exact_email_in_any_letters(backend: &Backend) {
    use domain::Aggregate;
    let id = user(backend, "Sarah@example.com").await;
    ring(backend, id, 1).await.expect("projected");
    let search = async |query| {
        let entry = domain::found(domain::User::lookup(query).expect("an email"));
        let documents = found::<Users>(&backend.log(), &backend.documents(), &entry)
            .await
            .expect("found");
        documents
            .into_iter()
            .map(|document| document.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(search("SARAH@EXAMPLE.COM").await, [id.to_string()]);
    assert_eq!(search("other@example.com").await, [] as [String; 0]);
}

async fn a_page_is_filled_past_rows_that_have_gone(backend: &Backend) {
    let mut left = Vec::new();
    for number in 0..12 {
        let id = user(backend, &format!("user-{number}@example.com")).await;
        ring(backend, id, 1).await.expect("projected");
        if number < 3 {
            left.insert(0, id.to_string());
        } else {
            change(backend, id, "DeleteUser", json!({ "reason": "asked to" })).await;
            ring(backend, id, 2).await.expect("projected");
        }
    }
    assert_eq!(pages(backend, "all", 3).await[0], left);
}

async fn a_few_requests_pass_many_rows_that_have_gone(backend: &Backend) {
    let documents = backend.documents();
    let change = |number: u32| RowChange {
        row: Row {
            partition: "list#all#0".to_owned(),
            sort: format!("{number:04}#a"),
        },
        gone: number >= 3,
    };
    let changes = StoredDocument {
        pending: (0..200).map(change).collect(),
        ..StoredDocument::default()
    };
    documents.settle(&changes).await.expect("settled");
    backend.requests.clear();
    let rows = documents.rows("list#all#0", None, 2).await;
    let sorts = rows.expect("readable").into_iter().map(|row| row.sort);
    assert_eq!(sorts.collect::<Vec<_>>(), ["0002#a", "0001#a"]);
    assert!(backend.requests.clear().len() < 10);
}
