//! Read your writes: what is shown says which version it is, and how far that is behind.

use crate::{SETTLE, create, hurried, ids, rename, start};
use serde_json::json;
use std::time::Instant;
use tests::http::Answer;

/// The name, the version and how far it is behind.
fn told(answer: &Answer) -> (&str, &str, &str) {
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    let header = |name: &str| answer.headers.get(name).map_or("none", String::as_str);
    let name = answer.body["name"].as_str().unwrap_or_default();
    (name, header("etag"), header("strangelog-behind"))
}

#[tokio::test]
async fn a_caller_who_waits_finds_what_was_done_in_the_list_too() {
    let (stack, api) = start(hurried()).await;
    let user = create(&api, "Sarah", "sarah@example.com").await;
    let path = format!("/users/{user}?min_version=1");
    let waited = api.send("GET", &path, &[("prefer", "wait=5")], "").await;
    let waited = waited.expect("an answer");
    assert_eq!(told(&waited), ("Sarah", "\"1\"", "0"));
    assert_eq!(waited.headers["preference-applied"], "wait=5");
    let listed = api.get("/users").await;
    assert_eq!(ids(&listed), [user]);
    assert_eq!(listed.headers["strangelog-behind"], "0");
    stack.stop().await;
}

#[tokio::test]
async fn whoever_wrote_reads_what_they_wrote_though_the_read_model_is_behind() {
    let (stack, api) = start(hurried()).await;
    let user = create(&api, "Sarah", "sarah@example.com").await;
    stack.settled(SETTLE).await.expect("settled");
    stack.disable("ProjectUsersRule").expect("a rule");
    rename(&api, &user, "Sara").await;
    rename(&api, &user, "Sally").await;
    stack.settled(SETTLE).await.expect("settled");
    let path = format!("/users/{user}");
    let old = ("Sarah", "\"1\"", "2");
    let new = ("Sally", "\"3\"", "0");
    assert_eq!(told(&api.get(&path).await), old);
    assert_eq!(told(&api.get(&format!("{path}?min_version=1")).await), old);
    assert_eq!(told(&api.get(&format!("{path}?min_version=2")).await), new);
    assert_eq!(
        told(&api.get(&format!("{path}?consistency=strong")).await),
        new
    );
    let listed = api.get("/users").await;
    assert_eq!(listed.body["data"][0]["version"], 1);
    assert_eq!(listed.headers["strangelog-behind"], "2");

    let begun = Instant::now();
    let waited = api
        .send(
            "GET",
            &format!("{path}?min_version=3"),
            &[("prefer", "wait=1")],
            "",
        )
        .await
        .expect("an answer");
    assert_eq!(
        told(&waited),
        new,
        "in vain, so it is folded there and then"
    );
    assert_eq!(waited.headers["preference-applied"], "wait=1");
    assert!(begun.elapsed().as_secs() >= 1);

    let ahead = api.get(&format!("{path}?min_version=4")).await;
    assert_eq!(
        (ahead.status.as_u16(), ahead.problem()),
        (409, "version-ahead")
    );
    assert_eq!(ahead.body["version"], 3);
    for (query, field) in [
        ("min_version=-1", "min_version"),
        ("min_version=x", "min_version"),
        ("consistency=weak", "consistency"),
        ("fresh=true", "fresh"),
    ] {
        let refused = api.get(&format!("{path}?{query}")).await;
        assert_eq!(
            (refused.status.as_u16(), refused.invalid()),
            (422, vec![field])
        );
    }
    stack.stop().await;
}

#[tokio::test]
async fn a_state_of_the_past_says_how_much_has_come_since() {
    let (stack, api) = start(hurried()).await;
    let user = create(&api, "Sarah", "sarah@example.com").await;
    rename(&api, &user, "Sara").await;
    let corrected =
        json!({ "name": "Sally", "email": "sally@example.com", "reason": "typing errors" });
    let path = format!("/users/{user}/corrections");
    assert_eq!(api.call("POST", &path, corrected).await.status, 202);
    let path = format!("/users/{user}/state");
    for (query, version, behind) in [
        ("?version=1", "\"1\"", "3"),
        ("?version=2", "\"2\"", "2"),
        // In the middle of a commit.
        ("?version=3", "\"3\"", "1"),
        ("?version=4", "\"4\"", "0"),
        ("", "\"4\"", "0"),
        ("?at=2020-01-01T00:00:00Z", "\"0\"", "4"),
    ] {
        let answer = api.get(&format!("{path}{query}")).await;
        assert_eq!(told(&answer), ("", version, behind), "{query}");
    }
    stack.stop().await;
}
