//! The whole pipeline over HTTP: real functions, the real template, the local stack around them.

use local::{Options, Stack};
use serde_json::{Value, json};
use std::time::Duration;
use tests::http::{Answer, Api};
use uuid::Uuid;

const SETTLE: Duration = Duration::from_secs(60);

async fn start() -> (Stack, Api) {
    let stack = Stack::start(Options::default())
        .await
        .expect("the stack starts");
    let api = Api::new(&stack.api);
    (stack, api)
}

async fn create(api: &Api, name: &str, email: &str) -> Answer {
    api.call("POST", "/users", json!({ "name": name, "email": email }))
        .await
}

/// The types of the events of a user.
async fn types(api: &Api, id: &str) -> Vec<String> {
    let history = api.get(&format!("/users/{id}/history?limit=100")).await;
    let events = history.body["data"].as_array().expect("events").iter();
    events
        .map(|event| event["type"].as_str().expect("a type").to_owned())
        .collect()
}

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

#[tokio::test]
async fn bad_input_gets_a_reason_and_leaves_no_trace() {
    let (stack, api) = start().await;
    let id = create(&api, "Sarah", "sarah@example.com").await.id();
    let path = format!("/users/{id}");
    let nobody = format!("/users/{}", Uuid::now_v7());
    let json_type = ("content-type", "application/json");
    let refused = async |method: &str, path: &str, headers: &[(&str, &str)], body: &str| {
        let answer = api
            .send(method, path, headers, body.to_owned())
            .await
            .expect("an answer");
        assert_eq!(
            answer.headers["content-type"], "application/problem+json",
            "{method} {path} {body}"
        );
        assert_eq!(answer.body["status"], answer.status.as_u16());
        (
            answer.status.as_u16(),
            answer.problem().to_owned(),
            answer.invalid().join(" "),
        )
    };
    let is =
        |status: u16, problem: &str, fields: &str| (status, problem.to_owned(), fields.to_owned());

    for broken in [
        "{",
        "[]",
        "7",
        "null",
        "\u{feff}{}",
        r#"{"name":"a","name":"b"}"#,
        "{\"name\":\"\\ud800\"}",
    ] {
        assert_eq!(
            refused("POST", "/users", &[json_type], broken).await,
            is(400, "not-json", ""),
            "{broken}"
        );
    }
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    assert_eq!(
        refused(
            "POST",
            "/users",
            &[json_type],
            &format!("{{\"name\":{deep}}}")
        )
        .await
        .0,
        400
    );
    assert_eq!(
        refused("POST", "/users", &[("content-type", "text/xml")], "<a/>").await,
        is(415, "not-json", "")
    );
    assert_eq!(
        refused("POST", "/users", &[json_type], &"x".repeat(65 * 1024)).await,
        is(413, "body-too-large", "")
    );
    let invalid = [
        (r#"{}"#, "email name"),
        (r#"{"name":"","email":""}"#, "email name"),
        (r#"{"name":"Sarah","email":"nobody"}"#, "email"),
        (r#"{"name":"Sarah\u0007","email":"a@example.com"}"#, "name"),
        (r#"{"name":"Sarah\uffff","email":"a@example.com"}"#, "name"),
        (r#"{"name":7,"email":"a@example.com"}"#, "name"),
        (
            r#"{"name":"Sarah","email":"a@example.com","role":"admin"}"#,
            "role",
        ),
        (r#"{"name":"Sarah","email":"a@example.com","id":"7"}"#, "id"),
    ];
    for (body, fields) in invalid {
        assert_eq!(
            refused("POST", "/users", &[json_type], body).await,
            is(422, "invalid-fields", fields),
            "{body}"
        );
    }
    assert_eq!(
        refused("PUT", &format!("{path}/name"), &[], r#"{"name":"S"}"#).await,
        is(422, "invalid-fields", "reason")
    );
    assert_eq!(
        refused(
            "PUT",
            &format!("{path}/status"),
            &[],
            r#"{"status":"gone","reason":"r"}"#
        )
        .await
        .2,
        "status"
    );
    assert_eq!(
        refused(
            "POST",
            &format!("{path}/corrections"),
            &[],
            r#"{"reason":"r"}"#
        )
        .await
        .0,
        422
    );
    assert_eq!(
        refused("DELETE", &path, &[], "").await,
        is(422, "invalid-fields", "reason")
    );
    assert_eq!(
        refused("DELETE", "/users/7?reason=r", &[], "").await,
        is(422, "invalid-fields", "id")
    );
    assert_eq!(
        refused("DELETE", &format!("{nobody}?reason=r"), &[], "").await,
        is(404, "unknown-user", "")
    );
    assert_eq!(
        refused(
            "POST",
            "/users",
            &[],
            r#"{"name":"S","email":"SARAH@example.com"}"#
        )
        .await,
        is(409, "email-taken", "")
    );
    let rename = r#"{"name":"S","reason":"r"}"#;
    assert_eq!(
        refused(
            "PUT",
            &format!("{path}/name"),
            &[("if-match", "\"9\"")],
            rename
        )
        .await,
        is(412, "stale", "")
    );
    assert_eq!(
        refused("PUT", &format!("{path}/name"), &[("if-match", "9")], rename).await,
        is(422, "invalid-fields", "If-Match")
    );
    let long = "k".repeat(256);
    assert_eq!(
        refused(
            "PUT",
            &format!("{path}/name"),
            &[("idempotency-key", &long)],
            rename
        )
        .await
        .2,
        "Idempotency-Key"
    );

    assert_eq!(
        refused("GET", &nobody, &[], "").await,
        is(404, "unknown-stream", "")
    );
    assert_eq!(
        refused("GET", &format!("{nobody}/history"), &[], "").await,
        is(404, "unknown-stream", "")
    );
    assert_eq!(
        refused("GET", "/users/7", &[], "").await,
        is(422, "invalid-fields", "id")
    );
    assert_eq!(
        refused("GET", &format!("{path}?min_version=2"), &[], "").await,
        is(409, "version-ahead", "")
    );
    assert_eq!(
        refused("GET", &format!("{path}?min_version=-1"), &[], "")
            .await
            .2,
        "min_version"
    );
    assert_eq!(
        refused("GET", &format!("{path}?consistency=weak"), &[], "")
            .await
            .2,
        "consistency"
    );
    for query in [
        "limit=0",
        "limit=101",
        "limit=x",
        "cursor=x",
        "status=gone",
        "query=sarah",
        "nonsense=1",
    ] {
        let field = query.split('=').next().expect("a name");
        assert_eq!(
            refused("GET", &format!("/users?{query}"), &[], "").await,
            is(422, "invalid-fields", field)
        );
    }
    assert_eq!(
        refused("GET", "/nowhere", &[], "").await,
        is(404, "no-such-route", "")
    );
    assert_eq!(
        refused("PATCH", &path, &[], rename).await,
        is(404, "no-such-route", "")
    );

    assert_eq!(types(&api, &id).await, ["UserCreated"]);
    stack.settled(SETTLE).await.expect("settled");
    assert_eq!(
        api.get("/users").await.body["data"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    stack.stop().await;
}

#[tokio::test]
async fn a_retried_command_is_answered_as_the_first_time() {
    let (stack, api) = start().await;
    let body = json!({ "name": "Sarah", "email": "sarah@example.com" }).to_string();
    let post = async |key: &str, body: String| {
        api.send("POST", "/users", &[("idempotency-key", key)], body)
            .await
            .expect("an answer")
    };
    let first = post("one", body.clone()).await;
    let again = post(
        "\"one\"",
        r#"{"email":"sarah@example.com","name":"Sarah"}"#.into(),
    )
    .await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (202, 202));
    assert_eq!(first.body, again.body, "the order of members says nothing");
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert!(!first.headers.contains_key("idempotent-replayed"));
    assert_eq!(
        post("one", body.replace("Sarah", "Sara")).await.problem(),
        "idempotency-key-reused"
    );
    assert_eq!(post("two", body).await.problem(), "email-taken");

    let path = format!("/users/{}/name", first.id());
    let rename = async |key: &str, name: &str| {
        let body = json!({ "name": name, "reason": "r" }).to_string();
        api.send("PUT", &path, &[("idempotency-key", key)], body)
            .await
            .expect("an answer")
    };
    let renamed = rename("one", "Sara").await;
    assert_eq!(renamed.body["version"], 2, "the path is part of the key");
    assert_eq!(rename("three", "Sally").await.body["version"], 3);
    assert_eq!(rename("one", "Sara").await.body, renamed.body);
    assert_eq!(
        types(&api, &first.id()).await,
        ["UserCreated", "UserNameChanged", "UserNameChanged"]
    );
    stack.stop().await;
}

#[tokio::test]
async fn users_are_listed_newest_first_and_found_by_email() {
    let (stack, api) = start().await;
    let mut ids = Vec::new();
    for number in 0..7 {
        ids.insert(
            0,
            create(&api, "Sarah", &format!("Sarah.{number}@example.com"))
                .await
                .id(),
        );
    }
    let suspend = json!({ "status": "suspended", "reason": "r" });
    api.call("PUT", &format!("/users/{}/status", ids[3]), suspend)
        .await;
    stack.settled(SETTLE).await.expect("settled");
    let listed = |answer: &Answer| -> Vec<String> {
        answer.body["data"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|user| user["id"].as_str().expect("an id").to_owned())
            .collect()
    };
    let first = api.get("/users?limit=4").await;
    assert_eq!(listed(&first), ids[..4]);
    let cursor = first.body["next_cursor"].as_str().expect("a cursor");
    create(&api, "Sarah", "late@example.com").await;
    let second = api.get(&format!("/users?limit=4&cursor={cursor}")).await;
    assert_eq!(
        listed(&second),
        ids[4..],
        "a new user does not shift a page"
    );
    assert_eq!(second.body["next_cursor"], Value::Null);
    assert_eq!(
        listed(&api.get("/users?status=suspended").await),
        [ids[3].clone()]
    );
    assert_eq!(
        listed(&api.get("/users?query=SARAH.2%40EXAMPLE.COM").await),
        [ids[4].clone()]
    );
    assert_eq!(
        listed(
            &api.get("/users?query=sarah.3%40example.com&status=active")
                .await
        ),
        [] as [String; 0]
    );
    let path = format!("/users/{}", ids[0]);
    api.call(
        "PUT",
        &format!("{path}/name"),
        json!({ "name": "Sara", "reason": "r" }),
    )
    .await;
    assert_eq!(
        api.get(&format!("{path}?consistency=strong")).await.body["name"],
        "Sara"
    );
    stack.stop().await;
}

#[tokio::test]
async fn a_welcome_mail_is_sent_once() {
    let (stack, api) = start().await;
    create(&api, "<b>Sarah</b>", "sarah@example.com").await;
    stack.settled(SETTLE).await.expect("settled");
    let mails = stack.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["sarah@example.com"]);
    let page = reqwest::get(format!("{}/mail", stack.api))
        .await
        .expect("a page")
        .text()
        .await
        .expect("text");
    assert!(
        page.contains("sarah@example.com") && !page.contains("<b>Sarah"),
        "escaped: {page}"
    );
    stack.stop().await;
}
