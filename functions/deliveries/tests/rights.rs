//! Who may see what is not processed yet, and how far rebuilds are.

use deliveries::{Consumers, Deliveries, answer};
use serde_json::json;
use tests::backend::Backend;
use tests::consumers::{ask, user};
use tests::gateway::Call;
use uuid::Uuid;

#[tokio::test]
async fn deliveries_are_shown_to_auditors_and_rebuilds_to_operators() {
    let backend = Backend::embedded().await;
    let all = Deliveries {
        log: backend.log(),
        heads: backend.heads(),
        consumers: Consumers::new(backend.client.clone(), backend.table("")),
    };
    let (stream, _) = user(&backend, 0).await;
    let user: Uuid = stream.trim_start_matches("user-").parse().expect("a UUID");
    let rebuild = Uuid::now_v7();
    ask(
        &backend,
        rebuild,
        "StartRebuild",
        json!({ "consumer": "users" }),
    )
    .await;
    for (scopes, deliveries, rebuilds) in [
        ("audit:read", 200, 403),
        ("ops:write", 403, 200),
        ("audit:read ops:write", 200, 200),
        (
            "self users:read users:write accounts:read accounts:write",
            403,
            403,
        ),
        ("", 403, 403),
    ] {
        for (id, route, expected) in [
            (None, "GET /deliveries", deliveries),
            (Some(user), "GET /users/{id}/deliveries", deliveries),
            (None, "GET /rebuilds", rebuilds),
            (Some(rebuild), "GET /rebuilds/{id}", rebuilds),
        ] {
            let call = Call {
                id,
                ..Call::new(route, json!({}))
            };
            // A user is nobody's own here: who is told of what was done to whom is an auditor.
            let call = call.by(&user.to_string(), scopes);
            let Ok(answered) = answer(&all, "sub", call.request()).await;
            let answered = tests::gateway::answer(&answered);
            assert_eq!(
                answered.status, expected,
                "{route} with {scopes:?}: {}",
                answered.body
            );
            if expected == 403 {
                assert_eq!(answered.problem(), "forbidden");
                let needed = if route.contains("/rebuilds") {
                    "ops:write"
                } else {
                    "audit:read"
                };
                assert_eq!(answered.body["scope"], needed);
            }
        }
    }
}
