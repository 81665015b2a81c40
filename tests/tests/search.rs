//! The search on the real store: what it finds, and what it costs to find and to keep.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use decider::{Entry, Projection};
use domain::search::{fold, holds, list, parts};
use domain::{Aggregate, Document, SearchOf, User, Users};
use event_store::EventLog;
use futures_util::{StreamExt, TryStreamExt, stream};
use read_model::{
    Counts, Cursor, Documents, DynamoDbDocuments, Generation, Page, Row, Shards, StoredDocument,
    Wanted, project, search,
};
use serde_json::json;
use tests::backend::Backend;
use tests::meter::Billed;
use tests::on_each_backend;
use tests::users::{command, rename, run, stream as stream_of};
use uuid::Uuid;

on_each_backend! {
    a_user_is_found_by_any_part_of_name_and_email
    whoever_is_gone_or_has_another_name_is_not_found
    a_cursor_goes_on_where_the_page_ended_while_users_come_and_go
    a_page_that_is_full_amid_the_candidates_says_that_there_are_more
}

type Found = Page<Document<domain::user::State>>;

/// The index, beside the users in the same table, as another generation.
fn index(client: &Client, backend: &Backend) -> DynamoDbDocuments {
    let generation = Generation {
        number: 1,
        shards: Shards::default(),
    };
    DynamoDbDocuments::of(client.clone(), backend.table("users"), generation)
}

async fn user(backend: &Backend, name: &str, email: &str) -> Uuid {
    let id = Uuid::now_v7();
    let create = command("CreateUser", json!({ "name": name, "email": email }));
    run(&backend.log(), &backend.clock, id, &create)
        .await
        .expect("created");
    hear(backend, id, 1).await;
    id
}

/// Both read models hear of a version.
async fn hear(backend: &Backend, id: Uuid, version: u64) {
    let (log, stream) = (backend.log(), stream_of(id));
    let users = backend.documents();
    let kept = project::<Users>(&log, &users, &stream, version).await;
    kept.expect("kept");
    keep(backend, id, version).await;
}

async fn keep(backend: &Backend, id: Uuid, version: u64) {
    let index = index(&backend.client, backend);
    let (log, stream) = (backend.log(), stream_of(id));
    let kept = project::<SearchOf<User>>(&log, &index, &stream, version).await;
    kept.expect("kept");
}

async fn asked(
    log: &impl EventLog,
    users: &impl Documents,
    index: &impl Documents,
    query: &str,
    cursor: Option<&Cursor>,
    limit: usize,
) -> Found {
    let folded = fold(query);
    let lists: Vec<_> = parts(&folded)
        .iter()
        .map(|part| list::<User>(part))
        .collect();
    let wanted = Wanted {
        lists: &lists,
        matches: |user: &Document<_>| holds::<User>(&user.state, &folded),
        cursor,
        limit,
    };
    let found = search::<Users>(log, users, index, &wanted).await;
    found.expect("found")
}

async fn ids(backend: &Backend, query: &str) -> Vec<String> {
    let index = index(&backend.client, backend);
    let users = backend.documents();
    let page = asked(&backend.log(), &users, &index, query, None, 20).await;
    assert_eq!(page.next, None);
    page.documents.into_iter().map(|user| user.id).collect()
}

async fn a_user_is_found_by_any_part_of_name_and_email(backend: &Backend) {
    let renee = user(backend, "Renée Strauß", "r.strauss@example.com").await;
    let anna = user(backend, "Анна", "anna@example.com").await;
    let (renee, anna) = (renee.to_string(), anna.to_string());
    for query in [
        "ren",
        "RENEE",
        "née str",
        "STRAUSS",
        "renee strauß",
        "r.strauss@example.com",
    ] {
        assert_eq!(ids(backend, query).await, [renee.as_str()], "{query}");
    }
    assert_eq!(ids(backend, "анн").await, [anna.as_str()]);
    for query in ["xample", "@example.com"] {
        let both = [anna.as_str(), renee.as_str()];
        assert_eq!(ids(backend, query).await, both, "newest first, for {query}");
    }
    // Each part of it is found, though not together: they are of two texts, or of two users.
    for query in ["strauß r.strauss", "anna@example.com r.strauss"] {
        assert_eq!(ids(backend, query).await, [] as [&str; 0], "{query}");
    }
}

async fn whoever_is_gone_or_has_another_name_is_not_found(backend: &Backend) {
    let id = user(backend, "Sarah Johnson", "s@example.com").await;
    let rename = rename("Sarah Miller");
    let renamed = run(&backend.log(), &backend.clock, id, &rename).await;
    renamed.expect("renamed");
    // The rows are behind, and the document is not.
    let users = backend.documents();
    let kept = project::<Users>(&backend.log(), &users, &stream_of(id), 2).await;
    kept.expect("kept");
    assert_eq!(ids(backend, "johnson").await, [] as [&str; 0]);
    keep(backend, id, 2).await;
    for (query, found) in [("johnson", 0), ("miller", 1), ("sarah", 1)] {
        assert_eq!(ids(backend, query).await.len(), found, "{query}");
    }
    let delete = command("DeleteUser", json!({ "reason": "asked to" }));
    let deleted = run(&backend.log(), &backend.clock, id, &delete).await;
    deleted.expect("deleted");
    hear(backend, id, 3).await;
    let part = list::<User>("mille");
    let index = index(&backend.client, backend);
    let (rows, _) = read_model::merged(&index, &part, None, 20)
        .await
        .expect("read");
    assert_eq!(rows, []);
    assert_eq!(ids(backend, "miller").await, [] as [&str; 0]);
}

async fn a_cursor_goes_on_where_the_page_ended_while_users_come_and_go(backend: &Backend) {
    let mut expected = Vec::new();
    for number in 0..12 {
        let email = format!("user-{number}@example.com");
        expected.insert(0, user(backend, "Sarah", &email).await);
    }
    let (log, users) = (backend.log(), backend.documents());
    let index = index(&backend.client, backend);
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = asked(&log, &users, &index, "sarah", cursor.as_ref(), 5).await;
        found.extend(page.documents.into_iter().map(|user| user.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
        let email = format!("other-{}@example.com", found.len());
        user(backend, "Sarah", &email).await;
    }
    let expected: Vec<_> = expected.iter().map(Uuid::to_string).collect();
    assert_eq!(found, expected);
}

fn units(billed: &[Billed]) -> f64 {
    billed.iter().map(|billed| billed.units).sum()
}

async fn a_page_that_is_full_amid_the_candidates_says_that_there_are_more(backend: &Backend) {
    for number in 0..4 {
        user(backend, "Sarah Johnson", &format!("{number}@example.com")).await;
    }
    // The newest has all the parts of what is asked for, and not the whole.
    user(backend, "Sarah rah J Johnson", "4@example.com").await;
    let (users, index) = (backend.documents(), index(&backend.client, backend));
    let (mut found, mut cursor) = (0, None);
    loop {
        let (log, query) = (backend.log(), "sarah johnson");
        let page = asked(&log, &users, &index, query, cursor.as_ref(), 2).await;
        found += page.documents.len();
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typical_user_takes_so_many_write_units() {
    let backend = Backend::embedded().await;
    let id = Uuid::now_v7();
    let data = json!({ "name": "Sarah Johnson", "email": "sarah.johnson@example.com" });
    let create = command("CreateUser", data);
    let (log, clock) = (backend.log(), &backend.clock);
    run(&log, clock, id, &create).await.expect("created");
    let (client, meter) = backend.metered_client().await;
    let index = index(&client, &backend);
    let stream = stream_of(id);
    let mut written = Vec::new();
    for (version, next) in [
        (1, Some(rename("Sarah Miller"))),
        (
            2,
            Some(command("DeleteUser", json!({ "reason": "asked to" }))),
        ),
        (3, None),
    ] {
        let kept = project::<SearchOf<User>>(&log, &index, &stream, version).await;
        kept.expect("kept");
        let mut billed = meter.take();
        billed.retain(|billed| billed.operation != "GetItem");
        written.push(units(&billed));
        if let Some(next) = next {
            run(&log, clock, id, &next).await.expect("done");
        }
    }
    eprintln!("write units of a search: created, renamed, deleted: {written:?}");
    let most = [120.0, 80.0, 120.0];
    let is_within = written.iter().zip(most).all(|(units, most)| *units <= most);
    assert!(is_within, "{written:?}");
}

/// A user who is the only one, one of 1,000, or one of all that hold what is searched for.
const USERS: usize = 100_000;

#[tokio::test(flavor = "multi_thread")]
async fn among_100_000_users_a_search_for_5_letters_takes_50_read_units_at_most() {
    let backend = Backend::embedded().await;
    let (users, index) = (backend.documents(), index(&backend.client, &backend));
    let (mut rows, mut documents) = (Vec::new(), Vec::new());
    for number in (0..USERS).rev() {
        let (name, part) = match number {
            77_777 => ("Zaphod", Some("zapho")),
            _ if number % 100 == 0 => ("Sarah", Some("sarah")),
            _ => ("Other", None),
        };
        let id = Uuid::now_v7().to_string();
        let created_at = format!("2026-11-21T04:33:59.{number:06}Z");
        for part in ["examp"].into_iter().chain(part) {
            let entry = Entry::Listed {
                list: list::<User>(part).into(),
                sort: created_at.clone(),
            };
            rows.push(Row::of(&entry, &format!("user-{id}"), index.shards()));
        }
        // OK because no page goes further back than to these.
        if number >= USERS - 100 || part.is_some_and(|_| number >= USERS / 2) {
            let email = format!("user-{number}@example.com");
            documents.push(document(&id, name, &email, &created_at));
        }
    }
    write(&backend, rows).await;
    let puts = documents
        .iter()
        .map(async |document| users.put(document, None, &Counts::new()).await);
    let written: Result<Vec<()>, _> = stream::iter(puts).buffer_unordered(16).try_collect().await;
    written.expect("written");

    let (client, meter) = backend.metered_client().await;
    let users = DynamoDbDocuments::new(client.clone(), backend.table("users"));
    let index = self::index(&client, &backend);
    for limit in [20, 100] {
        for (query, found) in [("zapho", 1), ("sarah", limit), ("examp", limit)] {
            let page = asked(&backend.log(), &users, &index, query, None, limit).await;
            // OK because a query then reads the head of each, to say how far its document is behind.
            let heads = page.documents.len() as f64 / 2.0;
            let units = units(&meter.take()) + heads;
            eprintln!(
                "{query}, at most {limit}: {} users, {units} read units",
                page.documents.len()
            );
            // OK because no page looks at more candidates.
            assert_eq!(
                page.documents.len(),
                found.min(read_model::CANDIDATES),
                "{query}"
            );
            assert_eq!(page.next.is_some(), found > 1, "{query}");
            let ages = page.documents.iter().map(|user| &user.created_at);
            assert!(ages.rev().is_sorted(), "newest first");
            assert!(units <= 50.0, "{query}: {units}");
        }
    }
}

fn document(id: &str, name: &str, email: &str, created_at: &str) -> StoredDocument {
    let document = json!({
        "id": id, "name": name, "email": email, "phone": null, "status": User::STATUSES[0],
        "created_at": created_at, "updated_at": created_at, "version": 1,
    });
    StoredDocument {
        id: id.to_owned(),
        applied: 1,
        fold: Users::FOLD_VERSION,
        document: Some(document.to_string()),
        ..StoredDocument::default()
    }
}

/// Writes the rows of the index.
async fn write(backend: &Backend, rows: Vec<Row>) {
    let table = backend.table("users");
    let put = |row: &Row| {
        let put = PutRequest::builder()
            .item("pk", AttributeValue::S(format!("g1/{}", row.partition)))
            .item("sk", AttributeValue::S(row.sort.clone()))
            .item("version", AttributeValue::N("1".into()));
        let put = put.build().expect("complete");
        WriteRequest::builder().put_request(put).build()
    };
    let batches = rows.chunks(25).map(|rows| {
        let puts: Vec<_> = rows.iter().map(put).collect();
        let batch = backend.client.batch_write_item();
        batch.request_items(table.clone(), puts).send()
    });
    let written: Result<Vec<_>, _> = stream::iter(batches)
        .buffer_unordered(8)
        .try_collect()
        .await;
    let left = written.expect("written");
    assert!(
        left.iter()
            .all(|left| left.unprocessed_items().is_none_or(|left| left.is_empty()))
    );
}
