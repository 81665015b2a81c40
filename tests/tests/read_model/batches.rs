//! DynamoDB may leave out some of a batch: that is asked for again.

use read_model::{
    Cleared, Counts, Documents, DynamoDbDocuments, Generation, ReadModelTable, StoredDocument,
};
use std::time::{Duration, Instant};
use tests::backend::Backend;
use tests::on_each_backend;

on_each_backend! {
    documents_that_a_batch_left_out_are_asked_for_again
    what_a_batch_did_not_delete_is_deleted_again
}

/// A generation that is not the first, with documents; their ids.
async fn kept(backend: &Backend) -> (Generation, Vec<String>) {
    let generation = Generation {
        number: 1,
        ..Generation::default()
    };
    let documents = backend.read_model().documents(generation);
    let ids: Vec<_> = ["a", "b", "c"].map(str::to_owned).into();
    for id in ids.clone() {
        let document = StoredDocument {
            id,
            ..StoredDocument::default()
        };
        let put = documents.put(&document, None, &Counts::new()).await;
        put.expect("written");
    }
    (generation, ids)
}

async fn documents_that_a_batch_left_out_are_asked_for_again(backend: &Backend) {
    let (generation, ids) = kept(backend).await;
    let client = backend.client_whose_first_batch_is_left().await;
    let documents = DynamoDbDocuments::of(client, backend.table("users"), generation);
    let found = documents.get_all(&ids).await;
    assert_eq!(found.expect("readable").len(), ids.len());
}

async fn what_a_batch_did_not_delete_is_deleted_again(backend: &Backend) {
    let (generation, ids) = kept(backend).await;
    let client = backend.client_whose_first_batch_is_left().await;
    let table = ReadModelTable::new(client, backend.table("users"));
    let until = Instant::now() + Duration::from_secs(30);
    let cleared = table.clear(generation, until).await;
    assert_eq!(cleared.expect("deleted"), Cleared::All);
    let left = table.documents(generation).get_all(&ids).await;
    assert_eq!(left.expect("readable"), []);
}
