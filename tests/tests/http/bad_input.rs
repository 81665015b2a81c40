//! Bad input: a 4xx with a reason, and no trace in the store.

use crate::{SETTLE, create, start, types};
use uuid::Uuid;

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
        refused("DELETE", &format!("/users/{{{id}}}?reason=r"), &[], "").await,
        is(422, "invalid-fields", "id")
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
        refused("GET", &format!("{path}/history?form=tomorrow"), &[], "").await,
        is(422, "invalid-fields", "form")
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
    let future = format!("{path}?consistency=strong&min_version=2");
    assert_eq!(
        refused("GET", &future, &[], "").await,
        is(409, "version-ahead", "")
    );
    assert_eq!(
        refused("POST", "/users?dry_run=true", &[], "{}").await,
        is(422, "invalid-fields", "dry_run")
    );
    assert_eq!(
        refused(
            "DELETE",
            &format!("{path}?reason=r"),
            &[],
            r#"{"reason":"s"}"#
        )
        .await,
        is(422, "invalid-fields", "reason")
    );
    for query in [
        "limit=0",
        "limit=101",
        "limit=x",
        "cursor=x",
        "status=gone",
        "query=sa",
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
