//! An event that cannot be read parks its own stream, and waits for a redrive; nothing else stops.

use crate::{SETTLE, create, hurried, ids, rename, start, statuses, tick, until};
use serde_json::{Map, Value, json};

/// Asks a database, in its own JSON.
pub async fn dynamodb(url: &str, operation: &str, body: Value) -> Value {
    const KEY: &str = "AWS4-HMAC-SHA256 Credential=tests/20261121/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0";
    let request = reqwest::Client::new()
        .post(url)
        .header("x-amz-date", "20261121T000000Z")
        .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
        .header("content-type", "application/x-amz-json-1.0")
        .header("authorization", KEY)
        .body(body.to_string());
    let answer = request.send().await.expect("an answer");
    let (status, text) = (answer.status(), answer.text().await.expect("text"));
    assert_eq!(status, 200, "{operation}: {text}");
    serde_json::from_str(&text).expect("JSON")
}

/// Attributes that are texts.
pub fn texts(attributes: &[(&str, &str)]) -> Value {
    let each = attributes.iter();
    let each = each.map(|(name, text)| ((*name).to_owned(), json!({ "S": text })));
    each.collect::<Map<_, _>>().into()
}

#[tokio::test]
async fn a_poisoned_stream_is_parked_listed_and_taken_up_in_order_and_no_other_is_held_up() {
    let (stack, api) = start(hurried()).await;
    let poisoned = create(&api, "Sarah", "sarah@example.com").await;
    let other = create(&api, "Salma", "salma@example.com").await;
    stack.settled(SETTLE).await.expect("settled");
    stack.disable("ProjectUsersRule").expect("a rule");
    for name in ["Sara", "Sally", "Sadie"] {
        rename(&api, &poisoned, name).await;
    }
    stack.settled(SETTLE).await.expect("settled");
    stack.enable("ProjectUsersRule").expect("a rule");

    // As a disk, or a bad script, may spoil it.
    let stream = format!("user-{poisoned}");
    let mut key = texts(&[("stream", &stream)]);
    key["version"] = json!({ "N": "3" });
    let get = json!({ "TableName": "strangelog-events", "Key": key });
    let sound = dynamodb(&stack.dynamodb, "GetItem", get).await["Item"].clone();
    let mut spoilt = sound.clone();
    let events = sound["events"]["S"].as_str().expect("a text");
    let wrong = events.replace("UserNameChanged", "UserNameLost");
    assert_ne!(wrong, events);
    spoilt["events"] = json!({ "S": wrong });
    let put = async |item: &Value| {
        let put = json!({ "TableName": "strangelog-events", "Item": item });
        dynamodb(&stack.dynamodb, "PutItem", put).await
    };
    put(&spoilt).await;

    tick(&stack).await;
    rename(&api, &other, "Selma").await;
    stack.settled(SETTLE).await.expect("settled");
    let shown = api.get(&format!("/users/{other}")).await;
    assert_eq!(
        (
            &shown.body["name"],
            shown.headers["strangelog-behind"].as_str()
        ),
        (&json!("Selma"), "0")
    );
    let path = format!("/users/{poisoned}");
    let shown = api.get(&path).await;
    assert_eq!(
        (
            &shown.body["name"],
            shown.headers["strangelog-behind"].as_str()
        ),
        (&json!("Sara"), "2"),
        "all before it is kept"
    );
    let above = api.get(&format!("{path}?min_version=3")).await;
    assert_eq!((above.status.as_u16(), above.problem()), (503, "parked"));
    assert_eq!(
        (&above.body["version"], &above.body["parked_at"]),
        (&json!(2), &json!(3))
    );

    // The rule of the welcome mail leaves out changes of names, so that it learnt of them at the tick, too.
    let listed = api.get("/deliveries?status=failed").await;
    let data = listed.body["data"].as_array().expect("a list");
    let consumers: Vec<_> = data.iter().map(|failed| &failed["consumer"]).collect();
    assert_eq!(consumers, ["users", "welcome"], "{}", listed.body);
    let failed = &data[0];
    assert_eq!(
        (&failed["stream"], &failed["applied"]),
        (&json!(stream), &json!(2))
    );
    let why = &failed["failed"];
    assert_eq!(
        (&why["version"], &why["parked"], &why["attempts"]),
        (&json!(3), &json!(true), &json!(1))
    );
    let said = why["why"].as_str().expect("a reason");
    assert!(
        said.contains("UserNameLost") && !said.contains("Sally"),
        "{said}"
    );
    let lags = listed.body["consumers"].as_array().expect("lags").iter();
    let failures: Vec<_> = lags
        .filter(|lag| lag["failed"] != json!(0))
        .map(|lag| {
            (
                lag["consumer"].clone(),
                lag["failed"].as_u64(),
                lag["oldest"].is_string(),
            )
        })
        .collect();
    let once = |name| (json!(name), Some(1), true);
    assert_eq!(failures, ["users", "welcome"].map(once));
    assert_eq!(statuses(&api, &poisoned).await["users"], "failed");
    assert_eq!(stack.messages("ProjectUsersDeadLetters").len(), 0);

    // It is still as it was: a redrive parks it again, and counts.
    let redrive =
        json!({ "consumer": "users", "stream": stream, "reason": "the disk was changed" });
    let asked = api.call("POST", "/deliveries/redrives", redrive).await;
    assert_eq!(asked.status, 202, "{:?}", asked.body);
    let again = |listed: &tests::http::Answer| listed.body["data"][0]["failed"]["attempts"] == 2;
    until(&api, "/deliveries?consumer=users&status=failed", again).await;

    put(&sound).await;
    for consumer in ["users", "welcome"] {
        let redrive = json!({ "consumer": consumer, "reason": "all that is parked" });
        let asked = api.call("POST", "/deliveries/redrives", redrive).await;
        assert_eq!(asked.status, 202, "{:?}", asked.body);
    }
    let shown = until(&api, &path, |shown| shown.body["name"] == "Sadie").await;
    assert_eq!(shown.headers["strangelog-behind"], "0");
    stack.settled(SETTLE).await.expect("settled");
    tick(&stack).await;
    assert_eq!(api.get("/deliveries").await.body["data"], json!([]));
    assert_eq!(statuses(&api, &poisoned).await["users"], "completed");
    assert_eq!(ids(&api.get("/users?query=sadie").await), [poisoned]);
    stack.stop().await;
}
