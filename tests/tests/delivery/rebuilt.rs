//! Read models are made anew beside the ones that are shown, under load, and nobody sees half of one.

use crate::poison::{dynamodb, texts};
use crate::watchers::Watchers;
use crate::{SETTLE, SWEEP, create, hurried, ids, start, until};
use local::Stack;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tests::http::{Answer, Api};

const USERS: usize = 16;
/// How long a rebuild may take on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(180);
/// How often callers ask at least before something else is done to the read model.
const ASKED: usize = 12;

/// Asks for an operation.
async fn ask(api: &Api, method: &str, path: &str, body: Value) -> Answer {
    let asked = api.call(method, path, body).await;
    assert_eq!(asked.status, 202, "{method} {path}: {:?}", asked.body);
    asked
}

async fn rebuild(api: &Api, consumer: &str) -> String {
    let body = json!({ "consumer": consumer, "reason": "a better fold" });
    let started = ask(api, "POST", "/rebuilds", body).await;
    let path = format!("/rebuilds/{}", started.id());
    let location = &started.headers["location"];
    assert_eq!(location.split('?').next(), Some(path.as_str()));
    assert_eq!(
        api.get(location).await.status,
        200,
        "a Location at once answers"
    );
    path
}

/// Waits until a rebuild is in a phase; time passes, too, since that may be what it waits for.
async fn phase(stack: &Stack, api: &Api, path: &str, phase: &str) -> Value {
    let (begun, mut ticks) = (Instant::now(), 1..);
    loop {
        let told = api.get(path).await;
        assert_eq!(told.status, 200, "{:?}", told.body);
        if told.body["phase"] == phase {
            return told.body;
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "{path} is never {phase}: {}",
            told.body
        );
        // OK because each is a walk of every consumer, which is not what is to be measured here.
        if ticks.next().is_some_and(|tick| tick % 20 == 0) {
            stack.tick(SWEEP).await.expect("swept");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Lets the callers ask some more.
async fn watched(watchers: &Watchers) {
    let (begun, before) = (Instant::now(), watchers.asked());
    while watchers.asked() < before + ASKED && begun.elapsed() < SETTLE {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn generations(api: &Api, consumer: &str) -> Value {
    let rebuilds = api.get("/rebuilds").await;
    let data = rebuilds.body["data"].as_array().expect("a list").iter();
    let mut own = data.filter(|rebuilt| rebuilt["consumer"] == consumer);
    own.next().expect("it is listed")["generations"].clone()
}

#[tokio::test]
async fn nobody_sees_half_a_read_model_while_it_is_made_anew_switched_back_and_let_go() {
    let (stack, api) = start(hurried()).await;
    let mut users = Vec::new();
    for number in 0..USERS {
        // Short texts, which have few rows in the search.
        users.push(create(&api, "Helmi", &format!("{number}@a.io")).await);
    }
    stack.settled(SETTLE).await.expect("settled");
    let mut watchers = Watchers::watch(&api, &users, "helmi");
    watchers.write(&api);
    watched(&watchers).await;

    let (of_users, of_search) = (rebuild(&api, "users").await, rebuild(&api, "search").await);
    for path in [&of_users, &of_search] {
        let built = phase(&stack, &api, path, "built").await;
        assert_eq!(built["status"], "started");
        let walked = &built["progress"]["building"];
        assert!(walked["streams"].as_u64() >= Some(USERS as u64), "{built}");
        assert_eq!(built["progress"]["is_built"], true, "{built}");
    }
    watched(&watchers).await;
    let numbers = async |consumer| {
        let generations = generations(&api, consumer).await;
        (
            generations["live"]["number"].clone(),
            generations["kept"]["number"].clone(),
        )
    };
    assert_eq!(numbers("users").await, (json!(0), Value::Null));
    for path in [&of_users, &of_search] {
        let body = json!({ "status": "switched", "reason": "they are the same" });
        ask(&api, "PUT", path, body).await;
        phase(&stack, &api, path, "live").await;
        watched(&watchers).await;
    }
    assert_eq!(numbers("users").await, (json!(1), json!(0)));
    assert_eq!(numbers("search").await, (json!(1), json!(0)));
    let body = json!({ "status": "switched-back", "reason": "they are not" });
    ask(&api, "PUT", &of_users, body).await;
    phase(&stack, &api, &of_users, "kept").await;
    watched(&watchers).await;
    assert_eq!(numbers("users").await, (json!(0), json!(1)));
    ask(
        &api,
        "DELETE",
        &format!("{of_users}?reason=no%20use"),
        json!({}),
    )
    .await;
    let gone = phase(&stack, &api, &of_users, "gone").await;
    assert_eq!(gone["status"], "discarded");
    watched(&watchers).await;
    let asked = watchers.stop().await;
    assert!(asked > 5 * ASKED, "they asked {asked} times");

    stack.settled(SETTLE).await.expect("settled");
    let listed = api.get("/users?limit=100").await;
    assert_eq!(listed.headers["strangelog-behind"], "0");
    let over = json!({ "status": "switched", "reason": "late" });
    let refused = api.call("PUT", &of_users, over).await;
    assert_eq!(
        (refused.status.as_u16(), refused.problem()),
        (409, "rebuild-over")
    );
    assert_mailed_once(&stack);
    stack.stop().await;
}

/// Nobody was welcomed twice, nor told twice of one change.
fn assert_mailed_once(stack: &Stack) {
    let mut sent = BTreeMap::new();
    for mail in stack.mails() {
        *sent.entry((mail.to, mail.subject)).or_insert(0) += 1;
    }
    assert!(sent.len() >= USERS);
    assert!(sent.values().all(|sent| *sent == 1), "{sent:?}");
}

#[tokio::test]
async fn a_rebuild_is_cancelled_before_it_was_ever_shown() {
    let (stack, api) = start(hurried()).await;
    let user = create(&api, "Sarah", "sarah@example.com").await;
    stack.settled(SETTLE).await.expect("settled");
    let first = rebuild(&api, "users").await;
    let second = rebuild(&api, "users").await;
    phase(&stack, &api, &first, "built").await;
    let waiting = api.get(&second).await;
    assert_eq!(waiting.body["phase"], "waiting", "{}", waiting.body);
    for path in [&second, &first] {
        let cancelled = api.send("DELETE", path, &[], "").await.expect("an answer");
        assert_eq!(
            (cancelled.status.as_u16(), cancelled.invalid()),
            (422, vec!["reason"])
        );
        ask(&api, "DELETE", &format!("{path}?reason=enough"), json!({})).await;
        let gone = phase(&stack, &api, path, "gone").await;
        assert_eq!(gone["status"], "cancelled");
    }
    stack.settled(SETTLE).await.expect("settled");
    let generations = generations(&api, "users").await;
    assert_eq!(
        (&generations["live"]["number"], &generations["building"]),
        (&json!(0), &Value::Null)
    );
    assert_eq!(ids(&api.get("/users").await), [user]);
    stack.stop().await;
}

#[tokio::test]
async fn one_stream_alone_is_made_anew() {
    let (stack, api) = start(hurried()).await;
    let spoilt = create(&api, "Sarah", "sarah@example.com").await;
    let other = create(&api, "Salma", "salma@example.com").await;
    stack.settled(SETTLE).await.expect("settled");
    for id in [&spoilt, &other] {
        let key = format!("document#{id}");
        let key = texts(&[("pk", &key), ("sk", "document")]);
        let item = json!({ "TableName": "strangelog-users", "Key": key });
        let item = dynamodb(&stack.dynamodb, "GetItem", item).await["Item"].clone();
        let document = item["document"]["S"].as_str().expect("a document");
        let mut item = item.clone();
        let wrong = document.replace("\"Sa", "\"Ma");
        item["document"] = json!({ "S": wrong });
        let put = json!({ "TableName": "strangelog-users", "Item": item });
        dynamodb(&stack.dynamodb, "PutItem", put).await;
    }
    let name = async |id: &str| api.get(&format!("/users/{id}")).await.body["name"].clone();
    assert_eq!(
        (name(&spoilt).await, name(&other).await),
        (json!("Marah"), json!("Malma"))
    );
    let body =
        json!({ "consumer": "users", "stream": format!("user-{spoilt}"), "reason": "it was off" });
    let asked = ask(&api, "POST", "/rebuilds", body).await;
    until(&api, &format!("/users/{spoilt}"), |shown| {
        shown.body["name"] == "Sarah"
    })
    .await;
    assert_eq!(name(&other).await, "Malma", "nobody asked for it");
    let told = api.get(&format!("/rebuilds/{}", asked.id())).await;
    assert_eq!(told.body["status"], "remade");
    assert_eq!(told.body["stream"], format!("user-{spoilt}"));
    assert_eq!(told.body.get("phase"), None, "{}", told.body);
    let by = |name: &str| told.body["asked"][0][name].clone();
    assert_eq!(
        (by("actor"), by("reason")),
        (json!("local"), json!("it was off"))
    );
    stack.settled(SETTLE).await.expect("settled");
    assert_eq!(stack.mails().len(), 2, "nothing is sent again");
    stack.stop().await;
}
