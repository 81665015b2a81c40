//! What never came is made up for: by the walk of each consumer, and by the sweep.

use crate::{SETTLE, create, hurried, ids, rename, start, statuses, tick};
use local::Stack;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::http::Api;

/// The rules through which the consumers of users hear of them.
const RULES: [&str; 6] = [
    "ProjectUsersRule",
    "ProjectSearchRule",
    "ProjectStatisticsRule",
    "ProjectTimelineRule",
    "WelcomeMailRule",
    "NameChangeMailRule",
];
/// The consumers of users.
const CONSUMERS: [&str; 6] = [
    "name-change",
    "search",
    "statistics",
    "timeline",
    "users",
    "welcome",
];

/// Asserts that every consumer has a user of so many versions, of whom it was told late.
async fn assert_caught_up(api: &Api, id: &str, name: &str, version: u64) {
    let told = api.get(&format!("/users/{id}/deliveries")).await;
    assert_eq!(told.headers["etag"], format!("\"{version}\""));
    assert_eq!(told.body["published"], version);
    assert_eq!(told.body["processed_by_nobody"], Value::Null);
    let statuses = statuses(api, id).await;
    assert_eq!(statuses.keys().collect::<Vec<_>>(), CONSUMERS);
    for (consumer, status) in &statuses {
        assert_eq!(status, "completed", "{consumer} of {name}");
    }
    let listed = api.get("/users").await;
    assert!(ids(&listed).contains(&id.to_owned()), "{name} is listed");
    assert_eq!(listed.headers["strangelog-behind"], "0");
    let shown = api.get(&format!("/users/{id}")).await;
    assert_eq!(shown.headers["etag"], format!("\"{version}\""));
    assert_eq!(shown.headers["strangelog-behind"], "0");
    assert_eq!(ids(&api.get(&format!("/users?query={name}")).await), [id]);
    let stream = format!("user-{id}");
    let now = chrono::Utc::now().timestamp();
    let now = chrono::DateTime::from_timestamp(now, 0).expect("a time");
    let around = format!(
        "/events?around={}&window=1h&limit=100",
        now.format("%FT%TZ")
    );
    let events = api.get(&around).await;
    let events = events.body["data"].as_array().expect("events").iter();
    let versions: BTreeSet<_> = events
        .filter(|event| event["stream"] == json!(stream))
        .filter_map(|event| event["version"].as_u64())
        .collect();
    assert_eq!(versions, (1..=version).collect());
}

/// How many mails went to an address.
fn mails(stack: &Stack, email: &str) -> usize {
    let mails = stack.mails();
    mails.iter().filter(|mail| mail.to == [email]).count()
}

/// How many users were created, as the statistics count them.
async fn created(api: &Api) -> i64 {
    let told = api.get("/stats").await;
    let days = told.body["days"].as_array().expect("days").iter();
    days.filter_map(|day| day.pointer("/users/created")?.as_i64())
        .sum()
}

#[tokio::test]
async fn a_consumer_whose_rule_was_off_catches_up_at_the_next_tick() {
    let (stack, api) = start(hurried()).await;
    let first = create(&api, "Aaliyah", "aaliyah@example.com").await;
    stack.settled(SETTLE).await.expect("settled");
    // From now on each consumer is there, the mailings too.
    tick(&stack).await;
    RULES
        .iter()
        .for_each(|rule| stack.disable(rule).expect("a rule"));
    let second = create(&api, "Beatriz", "beatriz@example.com").await;
    rename(&api, &second, "Bettina").await;
    let third = create(&api, "Chidinma", "chidinma@example.com").await;
    stack.settled(SETTLE).await.expect("settled");

    assert_eq!(ids(&api.get("/users").await), std::slice::from_ref(&first));
    let told = api.get(&format!("/users/{second}/deliveries")).await;
    assert_eq!(
        (&told.body["version"], &told.body["published"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(told.body["processed_by_nobody"], json!([1, 2]));
    let statuses = statuses(&api, &second).await;
    assert_eq!(statuses.keys().collect::<Vec<_>>(), CONSUMERS);
    assert!(
        statuses.values().all(|status| status == "pending"),
        "{statuses:?}"
    );
    let waiting = api.get("/deliveries?consumer=users&status=pending").await;
    let waiting_for: BTreeSet<_> = waiting.body["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|delivery| delivery["stream"].as_str().expect("a name").to_owned())
        .collect();
    let expected = [&second, &third].map(|id| format!("user-{id}"));
    assert_eq!(waiting_for, BTreeSet::from(expected));
    let lag = &waiting.body["consumers"][0];
    assert_eq!(
        (&lag["consumer"], &lag["pending"]),
        (&json!("users"), &json!(2))
    );
    assert!(lag["oldest"].is_string(), "{lag}");

    RULES
        .iter()
        .for_each(|rule| stack.enable(rule).expect("a rule"));
    stack.settled(SETTLE).await.expect("settled");
    assert_eq!(
        ids(&api.get("/users").await),
        [first],
        "nobody tells it again"
    );
    tick(&stack).await;
    assert_caught_up(&api, &second, "Bettina", 2).await;
    assert_caught_up(&api, &third, "Chidinma", 1).await;
    let none = api.get("/deliveries").await;
    assert_eq!(none.body["data"], json!([]));
    for lag in none.body["consumers"].as_array().expect("all of them") {
        assert_eq!(
            (&lag["pending"], &lag["failed"]),
            (&json!(0), &json!(0)),
            "{lag}"
        );
        assert_eq!(lag["oldest"], Value::Null, "{lag}");
    }
    assert_eq!(created(&api).await, 3);
    assert_eq!(
        (
            mails(&stack, "beatriz@example.com"),
            mails(&stack, "chidinma@example.com")
        ),
        (2, 1),
        "welcomed, and told of the new name"
    );
    tick(&stack).await;
    assert_eq!(stack.mails().len(), 4, "once");
    stack.stop().await;
}

#[tokio::test]
async fn what_the_stream_lost_is_published_by_the_sweep_and_nothing_twice() {
    let (stack, api) = start(hurried()).await;
    let known = create(&api, "Aaliyah", "aaliyah@example.com").await;
    stack.settled(SETTLE).await.expect("settled");
    tick(&stack).await;
    stack.lose_streams(true);
    rename(&api, &known, "Adriana").await;
    let lost = create(&api, "Beatriz", "beatriz@example.com").await;
    rename(&api, &lost, "Bettina").await;
    stack.settled(SETTLE).await.expect("settled");
    stack.lose_streams(false);

    for (id, version, published) in [(&known, 2, 1), (&lost, 2, 0)] {
        let told = api.get(&format!("/users/{id}/deliveries")).await;
        assert_eq!(
            (&told.body["version"], &told.body["published"]),
            (&json!(version), &json!(published))
        );
        let nobody = json!([published + 1, version]);
        assert_eq!(told.body["processed_by_nobody"], nobody, "{}", told.body);
        let statuses = statuses(&api, id).await;
        assert!(
            // OK because nobody is welcomed for a new name.
            statuses
                .iter()
                .all(|(consumer, status)| status == "pending" || consumer == "welcome"),
            "{statuses:?}"
        );
    }
    // Whoever asks for one user hears that the answer is behind, and may have it all the same.
    let shown = api.get(&format!("/users/{known}")).await;
    assert_eq!(
        (
            &shown.body["name"],
            shown.headers["strangelog-behind"].as_str()
        ),
        (&json!("Aaliyah"), "1")
    );
    let strong = api.get(&format!("/users/{lost}?consistency=strong")).await;
    assert_eq!(strong.body["name"], "Bettina");

    tick(&stack).await;
    // What a rule leaves out for a consumer, it learns at the tick after.
    tick(&stack).await;
    assert_caught_up(&api, &known, "Adriana", 2).await;
    assert_caught_up(&api, &lost, "Bettina", 2).await;
    assert_eq!(created(&api).await, 2);
    let sent = stack.mails().len();
    assert_eq!(sent, 4, "two are welcomed, two told of the new name");
    tick(&stack).await;
    assert_eq!(stack.mails().len(), sent);
    assert_eq!(api.get("/deliveries").await.body["data"], json!([]));
    stack.stop().await;
}
