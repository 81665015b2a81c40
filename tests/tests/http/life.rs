//! A user's life, and the history that tells it.

use crate::{SETTLE, create, start};
use serde_json::json;

#[tokio::test]
async fn a_users_life_is_told_by_its_history() {
    let (stack, api) = start().await;
    let created = create(&api, "Sarah", "sarah@example.com").await;
    assert_eq!(
        (created.status.as_u16(), &created.body["version"]),
        (202, &json!(1))
    );
    assert_eq!(created.body["status"], "accepted");
    assert_eq!(created.headers["etag"], "\"1\"");
    let (id, location) = (created.id(), created.headers["location"].clone());
    let path = format!("/users/{id}");
    let shown = api.get(&location).await;
    assert_eq!(
        (shown.status.as_u16(), &shown.body["name"]),
        (200, &json!("Sarah")),
        "a Location at once answers"
    );
    assert_eq!(shown.headers["etag"], "\"1\"");

    let renamed = api
        .call(
            "PUT",
            &format!("{path}/name"),
            json!({ "name": "Sara", "reason": "married" }),
        )
        .await;
    assert_eq!(
        (renamed.status.as_u16(), &renamed.body["version"]),
        (202, &json!(2))
    );
    let moved = api
        .call(
            "PUT",
            &format!("{path}/email"),
            json!({ "email": "sara@example.com" }),
        )
        .await;
    assert_eq!(moved.status, 202);
    let suspended = json!({ "status": "suspended", "reason": "asked why" });
    assert_eq!(
        api.call("PUT", &format!("{path}/status"), suspended)
            .await
            .status,
        202
    );
    assert_eq!(
        api.call(
            "PUT",
            &format!("{path}/name"),
            json!({ "name": "S", "reason": "r" })
        )
        .await
        .problem(),
        "user-suspended"
    );
    let active = json!({ "status": "active", "reason": "was told" });
    assert_eq!(
        api.call("PUT", &format!("{path}/status"), active)
            .await
            .status,
        202
    );
    let corrected = json!({ "name": "Sarah", "email": "s@example.com", "reason": "typing errors" });
    assert_eq!(
        api.call("POST", &format!("{path}/corrections"), corrected)
            .await
            .body["version"],
        7
    );
    let deleted = api
        .send("DELETE", &format!("{path}?reason=asked%20to"), &[], "")
        .await
        .expect("an answer");
    assert_eq!(deleted.status, 202);

    stack.settled(SETTLE).await.expect("settled");
    let gone = api.get(&path).await;
    assert_eq!((gone.status.as_u16(), gone.problem()), (410, "deleted"));
    assert_eq!(api.get("/users").await.body["data"], json!([]));
    assert_eq!(
        api.call(
            "PUT",
            &format!("{path}/name"),
            json!({ "name": "S", "reason": "r" })
        )
        .await
        .problem(),
        "user-deleted"
    );

    let history = api.get(&format!("{path}/history")).await;
    let events = history.body["data"].as_array().expect("events");
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            (
                event["version"].as_u64(),
                event["type"].as_str(),
                event["reason"].as_str(),
            )
        })
        .collect();
    let expected = [
        (1, "UserCreated", None),
        (2, "UserNameChanged", Some("married")),
        (3, "UserEmailChanged", None),
        (4, "UserStatusChanged", Some("asked why")),
        (5, "UserStatusChanged", Some("was told")),
        (6, "UserNameCorrected", Some("typing errors")),
        (7, "UserEmailCorrected", Some("typing errors")),
        (8, "UserDeleted", Some("asked to")),
    ];
    assert_eq!(
        told,
        expected.map(|(version, kind, why)| (Some(version), Some(kind), why))
    );
    assert!(events.iter().all(|event| event["actor"] == "local"));
    assert_eq!(
        events[1]["data"],
        json!({ "old": "Sarah", "new": "Sara", "reason": "married" })
    );
    assert_eq!(events[7]["data"]["email"], "s@example.com", "what it held");

    assert!(events.iter().all(|event| event.get("today").is_none()));
    let today = api.get(&format!("{path}/history?form=today")).await;
    let deleted = &today.body["data"][7];
    assert_eq!(deleted["data"], events[7]["data"], "what was stored");
    assert_eq!(
        deleted["today"],
        json!([{ "type": "UserDeleted", "data": events[7]["data"] }])
    );

    let restored = api
        .call(
            "POST",
            &format!("{path}/restoration"),
            json!({ "reason": "by mistake" }),
        )
        .await;
    assert_eq!(restored.status, 202);
    let shown = api.get(&restored.headers["location"]).await;
    assert_eq!(
        (&shown.body["email"], &shown.body["status"]),
        (&json!("s@example.com"), &json!("active"))
    );
    stack.settled(SETTLE).await.expect("settled");
    assert_eq!(api.get("/users").await.body["data"][0]["id"], json!(id));
    stack.stop().await;
}

#[tokio::test]
async fn history_is_paged_even_within_a_commit() {
    let (stack, api) = start().await;
    let id = create(&api, "Sarah", "sarah@example.com").await.id();
    for number in 0..4 {
        let corrected = json!({ "name": format!("S {number}"), "email": format!("s{number}@example.com"), "reason": "r" });
        assert_eq!(
            api.call("POST", &format!("/users/{id}/corrections"), corrected)
                .await
                .status,
            202
        );
    }
    let mut versions: Vec<u64> = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = api
            .get(&format!("/users/{id}/history?limit=2{cursor}"))
            .await;
        let events = page.body["data"].as_array().expect("events");
        assert!(events.len() <= 2);
        versions.extend(events.iter().filter_map(|event| event["version"].as_u64()));
        let Some(next) = page.body["next_cursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(versions, (1..=9).collect::<Vec<_>>());
    stack.stop().await;
}
