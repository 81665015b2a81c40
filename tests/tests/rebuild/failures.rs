//! What fails holds up nothing else, and what is at work already is not begun once more.

use super::{cancel, change, items, numbers, start, users};
use aws_sdk_dynamodb::types::AttributeValue;
use consumer::Settings;
use std::time::Duration;
use tests::backend::Backend;
use tests::consumers::{AT_ONCE, consumer, hear, hear_all, tick};
use tests::on_each_backend;

on_each_backend! {
    what_fails_in_one_generation_holds_up_no_other
    while_messages_delete_what_is_gone_a_tick_sends_no_more_of_them
}

async fn what_fails_in_one_generation_holds_up_no_other(backend: &Backend) {
    users(backend, 3).await;
    let consumer = consumer(backend, "users");
    hear_all(&consumer, &[tick()]).await;
    let id = start(backend, &consumer).await;
    while consumer.queue.next().is_some() {}
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let spoil = backend.client.put_item().table_name(backend.table("users"));
    let spoil = spoil.item("pk", text("walk")).item("sk", text("000"));
    spoil.send().await.expect("spoilt");
    assert_eq!(hear(&consumer, &[tick()]).await, ["0"]);
    change(backend, &consumer, id, "switched").await;
    assert_eq!(numbers(&consumer).await, (1, None, Some(0), 0));
}

async fn while_messages_delete_what_is_gone_a_tick_sends_no_more_of_them(backend: &Backend) {
    users(backend, 2).await;
    let mut consumer = consumer(backend, "users");
    let id = start(backend, &consumer).await;
    hear_all(&consumer, &[]).await;
    // More than one page of what is deleted.
    for number in 0..9 {
        let text = |value: String| AttributeValue::S(value);
        let put = backend.client.put_item().table_name(backend.table("users"));
        let put = put.item("pk", text(format!("g1/list#large#{number}")));
        let put = put.item("sk", text("a".to_owned()));
        let put = put.item("padding", text("x".repeat(390 * 1024)));
        put.send().await.expect("put");
    }
    cancel(backend, &consumer, id).await;
    consumer.settings = Settings {
        tick: Duration::ZERO,
        slice: Duration::ZERO,
        ..AT_ONCE
    };
    assert_eq!(hear(&consumer, &[tick()]).await, [""; 0]);
    assert_eq!(consumer.queue.len(), 1);
    assert_eq!(hear(&consumer, &[tick()]).await, [""; 0]);
    assert_eq!(consumer.queue.len(), 1);
    // They were lost.
    assert!(consumer.queue.next().is_some());
    consumer.settings.stalled = Duration::ZERO;
    hear_all(&consumer, &[tick()]).await;
    assert_eq!(items(backend, "g1/").await, 0);
    assert_eq!(items(backend, "clearing").await, 0);
    assert_eq!(numbers(&consumer).await, (0, None, None, 0));
}
