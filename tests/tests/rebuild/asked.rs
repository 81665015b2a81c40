//! What is asked of a consumer beside rebuilds of all: one stream anew, what is parked once more; and whom nobody may ask.

use super::{generations, keys, numbers, start, users};
use aws_sdk_dynamodb::types::AttributeValue;
use consumer::Ring;
use read_model::Generations;
use serde_json::json;
use tests::backend::Backend;
use tests::consumers::{
    Remembering, announced, ask, consumer, consumer_that, hear_all, tick, user,
};
use tests::on_each_backend;
use uuid::Uuid;

on_each_backend! {
    an_operation_that_nobody_told_of_is_found_by_a_tick
    what_was_asked_for_before_there_was_the_table_is_done_in_it
    one_stream_alone_is_made_anew_in_every_generation
    a_document_that_was_spoilt_is_made_anew_alone
    what_is_parked_is_driven_again_one_stream_or_all
    what_has_effects_outside_is_not_rebuilt_and_begins_with_its_deployment
}

async fn an_operation_that_nobody_told_of_is_found_by_a_tick(backend: &Backend) {
    users(backend, 3).await;
    let consumer = consumer(backend, "users");
    hear_all(&consumer, &[tick()]).await;
    ask(
        backend,
        Uuid::now_v7(),
        "StartRebuild",
        json!({ "consumer": "users" }),
    )
    .await;
    ask(
        backend,
        Uuid::now_v7(),
        "StartRebuild",
        json!({ "consumer": "accounts" }),
    )
    .await;
    hear_all(&consumer, &[tick()]).await;
    assert_eq!(numbers(&consumer).await, (0, Some(1), None, 0));
    assert_eq!(
        generations(&consumer).await.waiting,
        [""; 0],
        "the other is not ours"
    );
}

async fn what_was_asked_for_before_there_was_the_table_is_done_in_it(backend: &Backend) {
    users(backend, 3).await;
    let id = Uuid::now_v7();
    ask(backend, id, "StartRebuild", json!({ "consumer": "users" })).await;
    let consumer = consumer(backend, "users");
    hear_all(&consumer, &[tick()]).await;
    hear_all(&consumer, &[announced(&format!("ops-{id}"), 1)]).await;
    assert_eq!(numbers(&consumer).await, (0, None, None, 0));
}

async fn one_stream_alone_is_made_anew_in_every_generation(backend: &Backend) {
    let (stream, version) = user(backend, 1).await;
    let readers = consumer(backend, "users");
    start(backend, &readers).await;
    let remembering = Remembering {
        name: "users",
        is_pure: true,
        ..Remembering::default()
    };
    let consumer = consumer_that(backend, remembering);
    let fields = json!({ "consumer": "users", "stream": stream });
    let said = ask(backend, Uuid::now_v7(), "StartRebuild", fields).await;
    hear_all(&consumer, &[said]).await;
    let anew = |generation| (generation, stream.clone(), version, Ring::Anew);
    assert_eq!(consumer.consume.take(), [anew(0), anew(1)]);
    assert_eq!(numbers(&readers).await, (0, Some(1), None, 0));
}

async fn what_is_parked_is_driven_again_one_stream_or_all(backend: &Backend) {
    let users = users(backend, 3).await;
    let remembering = Remembering {
        name: "welcome",
        ..Remembering::default()
    };
    let consumer = consumer_that(backend, remembering);
    for (stream, _) in &users[..2] {
        let put = backend.client.put_item().table_name(backend.table("users"));
        put.item("pk", AttributeValue::S("list#parked#1".into()))
            .item("sk", AttributeValue::S(format!("2026#{stream}")))
            .send()
            .await
            .expect("put");
    }
    let redriven = |(stream, version): &(String, u64)| (0, stream.clone(), *version, Ring::Redrive);
    let said = ask(
        backend,
        Uuid::now_v7(),
        "Redrive",
        json!({ "consumer": "welcome" }),
    )
    .await;
    hear_all(&consumer, &[said]).await;
    let mut all: Vec<_> = users[..2].iter().map(redriven).collect();
    all.sort_by(|one, other| one.1.cmp(&other.1));
    assert_eq!(consumer.consume.take(), all);
    let fields = json!({ "consumer": "welcome", "stream": users[2].0 });
    let said = ask(backend, Uuid::now_v7(), "Redrive", fields).await;
    hear_all(&consumer, &[said]).await;
    assert_eq!(consumer.consume.take(), [redriven(&users[2])]);
}

async fn what_has_effects_outside_is_not_rebuilt_and_begins_with_its_deployment(backend: &Backend) {
    let old = user(backend, 0).await;
    let remembering = Remembering {
        name: "users",
        ..Remembering::default()
    };
    let consumer = consumer_that(backend, remembering);
    let fields = json!({ "consumer": "users" });
    hear_all(&consumer, &[tick()]).await;
    let (stream, version) = user(backend, 0).await;
    // It is asked for all the same, by somebody who knows another registry.
    let said = ask(backend, Uuid::now_v7(), "StartRebuild", fields).await;
    hear_all(&consumer, &[said, tick()]).await;
    assert_eq!(
        consumer.table.generations().await.expect("readable"),
        Generations::default()
    );
    assert_eq!(
        consumer.consume.take(),
        [(0, stream, version, Ring::News)],
        "not {}",
        old.0
    );
    assert!(consumer.table.started().await.expect("readable").is_some());
}

async fn a_document_that_was_spoilt_is_made_anew_alone(backend: &Backend) {
    let (stream, version) = user(backend, 1).await;
    let (other, _) = user(backend, 1).await;
    let consumer = consumer(backend, "users");
    hear_all(&consumer, &[tick()]).await;
    let right = keys(backend, 0).await;
    let id = event_store::stream_id(&stream);
    let found = right.iter().find(|(of, _)| of == id).expect("there");
    let spoilt = found.1.replace("Mei 0", "Nobody");
    assert_ne!(spoilt, found.1);
    let update = backend
        .client
        .update_item()
        .table_name(backend.table("users"));
    update
        .key("pk", AttributeValue::S(format!("document#{id}")))
        .key("sk", AttributeValue::S("document".into()))
        .update_expression("SET #document = :spoilt")
        .expression_attribute_names("#document", "document")
        .expression_attribute_values(":spoilt", AttributeValue::S(spoilt))
        .send()
        .await
        .expect("spoilt");
    let fields = |stream: &str| json!({ "consumer": "users", "stream": stream });
    let ring = ask(backend, Uuid::now_v7(), "StartRebuild", fields(&other)).await;
    hear_all(&consumer, &[ring, announced(&stream, version), tick()]).await;
    assert_ne!(keys(backend, 0).await, right);
    let ring = ask(backend, Uuid::now_v7(), "StartRebuild", fields(&stream)).await;
    hear_all(&consumer, &[ring]).await;
    assert_eq!(keys(backend, 0).await, right);
}
