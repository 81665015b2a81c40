//! What callers rely on: retries, lists, mails.

use crate::{SETTLE, create, start, types};
use serde_json::{Value, json};
use tests::http::Answer;

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
    let loud = path
        .to_uppercase()
        .replace("/USERS/", "/users/")
        .replace("/NAME", "/name");
    let body = json!({ "name": "Sara", "reason": "r" }).to_string();
    let headers = [("idempotency-key", "one")];
    let spelt = api
        .send("PUT", &loud, &headers, body)
        .await
        .expect("an answer");
    assert_eq!(spelt.body, renamed.body, "another spelling of the same id");
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
