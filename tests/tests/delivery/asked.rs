//! What is asked of consumers is checked, and a bad request names each field that is not as it must be.

use crate::{SETTLE, create, start};
use local::Options;
use serde_json::json;

#[tokio::test]
async fn bad_input_names_each_field_and_leaves_no_trace() {
    let (stack, api) = start(Options::default()).await;
    let user = create(&api, "Sarah", "sarah@example.com").await;
    stack.settled(SETTLE).await.expect("settled");
    let stream = format!("user-{user}");
    for (path, body, fields) in [
        ("/rebuilds", json!({}), vec!["consumer", "reason"]),
        (
            "/rebuilds",
            json!({ "consumer": "people", "reason": "r" }),
            vec!["consumer"],
        ),
        (
            "/rebuilds",
            json!({ "consumer": "welcome", "reason": "r" }),
            vec!["consumer"],
        ),
        (
            "/rebuilds",
            json!({ "consumer": "users", "stream": "user-1", "reason": "r" }),
            vec!["stream"],
        ),
        (
            "/rebuilds",
            json!({ "consumer": "accounts", "stream": stream, "reason": "r" }),
            vec!["stream"],
        ),
        (
            "/rebuilds",
            json!({ "consumer": "users", "reason": "" }),
            vec!["reason"],
        ),
        (
            "/rebuilds",
            json!({ "consumer": "users", "reason": "r", "fast": true }),
            vec!["fast"],
        ),
        (
            "/deliveries/redrives",
            json!({}),
            vec!["consumer", "reason"],
        ),
        (
            "/deliveries/redrives",
            json!({ "consumer": 1, "reason": "r" }),
            vec!["consumer"],
        ),
        (
            "/deliveries/redrives",
            json!({ "consumer": "users", "stream": [], "reason": "r" }),
            vec!["stream"],
        ),
    ] {
        let refused = api.call("POST", path, body.clone()).await;
        assert_eq!(
            (refused.status.as_u16(), refused.invalid()),
            (422, fields),
            "{path} {body}: {}",
            refused.body
        );
    }
    for (path, status, problem) in [
        (
            "/users/00000000-0000-7000-8000-000000000000/deliveries",
            404,
            "unknown-stream",
        ),
        (
            "/accounts/00000000-0000-7000-8000-000000000000/deliveries",
            404,
            "unknown-stream",
        ),
        (
            "/rebuilds/00000000-0000-7000-8000-000000000000",
            404,
            "unknown-stream",
        ),
        ("/users/1/deliveries", 422, "invalid-fields"),
        ("/rebuilds/1", 422, "invalid-fields"),
        ("/rebuilds?limit=1", 422, "invalid-fields"),
        ("/deliveries/all", 404, "no-such-route"),
    ] {
        let refused = api.get(path).await;
        assert_eq!(
            (refused.status.as_u16(), refused.problem()),
            (status, problem),
            "{path}"
        );
    }
    for (query, field) in [
        ("consumer=people", "consumer"),
        ("status=completed", "status"),
        ("status=", "status"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("cursor=x", "cursor"),
        ("stream=user-1", "stream"),
    ] {
        let refused = api.get(&format!("/deliveries?{query}")).await;
        assert_eq!(
            (refused.status.as_u16(), refused.invalid()),
            (422, vec![field]),
            "{query}"
        );
    }
    let path = "/rebuilds/00000000-0000-7000-8000-000000000000";
    for (body, fields) in [
        (json!({}), vec!["reason", "status"]),
        (json!({ "status": "live", "reason": "r" }), vec!["status"]),
    ] {
        let refused = api.call("PUT", path, body).await;
        assert_eq!(
            (refused.status.as_u16(), refused.invalid()),
            (422, fields),
            "{}",
            refused.body
        );
    }
    let body = json!({ "status": "switched", "reason": "r" });
    let unknown = api.call("PUT", path, body).await;
    assert_eq!(unknown.problem(), "rebuild-unknown", "{}", unknown.body);
    let early = api
        .call(
            "POST",
            "/rebuilds",
            json!({ "consumer": "users", "reason": "r" }),
        )
        .await;
    let body = json!({ "status": "switched-back", "reason": "r" });
    let refused = api
        .call("PUT", &format!("/rebuilds/{}", early.id()), body)
        .await;
    assert_eq!(
        (refused.status.as_u16(), refused.problem()),
        (409, "not-switched")
    );
    stack.stop().await;
}
