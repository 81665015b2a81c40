//! Killed functions and killed stacks: nothing that was answered 202 is lost, and the read model catches up by itself.

use local::{Options, Stack, functions};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tests::http::Api;
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const SETTLE: Duration = Duration::from_secs(120);
/// How many requests are in flight.
const IN_FLIGHT: usize = 16;

/// How often functions are killed, at the most: each of five four times, since what fails five times is a dead letter.
const MOST_KILLS: u64 = 20;

/// A contact of another system: some have no email, some have one that another has, in other letters.
#[derive(Clone)]
struct Contact {
    key: String,
    name: String,
    email: Option<String>,
}

/// 240 contacts: of each eight, three have an email of their own, one has one of those, four have none.
fn contacts() -> Vec<Contact> {
    let contact = |number: usize| Contact {
        key: format!("contact-{number}"),
        name: format!("Contact {number}"),
        email: match number % 8 {
            0..=2 => Some(format!("Contact.{number}@example.com")),
            3 => Some(format!("CONTACT.{}@EXAMPLE.COM", number - 1)),
            _ => None,
        },
    };
    (0..240).map(contact).collect()
}

/// Posts a contact until somebody says what became of it.
async fn post(api: Api, contact: Contact) -> (Contact, u16, Value) {
    let body = json!({ "name": contact.name, "email": contact.email }).to_string();
    loop {
        let headers = [("idempotency-key", contact.key.as_str())];
        match api.send("POST", "/users", &headers, body.clone()).await {
            Ok(answer) if answer.status.is_server_error() || answer.problem() == "conflict" => {}
            Ok(answer) => return (contact, answer.status.as_u16(), answer.body),
            Err(_) => {}
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Posts all contacts side by side; returns those that were accepted, by id.
async fn post_all(api: &Api) -> BTreeMap<String, Contact> {
    let in_flight = Arc::new(Semaphore::new(IN_FLIGHT));
    let mut posts = JoinSet::new();
    for contact in contacts() {
        let (api, in_flight) = (api.clone(), in_flight.clone());
        posts.spawn(async move {
            let _permit = in_flight.acquire().await.expect("never closed");
            post(api, contact).await
        });
    }
    let mut accepted = BTreeMap::new();
    let mut refused = BTreeMap::new();
    for (contact, status, body) in posts.join_all().await {
        match status {
            202 => {
                accepted.insert(body["id"].as_str().expect("an id").to_owned(), contact);
            }
            _ => *refused.entry(status).or_insert(0) += 1,
        }
    }
    assert_eq!(
        (accepted.len(), refused),
        (90, BTreeMap::from([(409, 30), (422, 120)]))
    );
    accepted
}

/// Asserts that the read model has the accepted contacts, each of them, and no other.
async fn assert_listed(api: &Api, accepted: &BTreeMap<String, Contact>) {
    let mut listed = BTreeSet::new();
    let mut cursor = String::new();
    loop {
        let page = api.get(&format!("/users?limit=50{cursor}")).await;
        for user in page.body["data"].as_array().expect("a list") {
            assert!(
                listed.insert(user["id"].as_str().expect("an id").to_owned()),
                "listed once"
            );
        }
        let Some(next) = page.body["next_cursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(listed, accepted.keys().cloned().collect());
    for (id, contact) in accepted {
        let capitals = contact
            .email
            .as_deref()
            .expect("accepted")
            .to_uppercase()
            .replace('@', "%40");
        let found = api.get(&format!("/users?query={capitals}")).await;
        assert_eq!(found.body["data"][0]["id"], json!(id));
        let history = api.get(&format!("/users/{id}/history")).await;
        assert_eq!(
            history.body["data"].as_array().map(Vec::len),
            Some(1),
            "appended once"
        );
    }
}

#[tokio::test]
async fn killed_functions_lose_nothing() {
    let stack = Stack::start(Options::default())
        .await
        .expect("the stack starts");
    let api = Api::new(&stack.api);
    let done = AtomicBool::new(false);
    let kill = async {
        let functions = [
            "UserCommands",
            "Publish",
            "ProjectUsers",
            "WelcomeMail",
            "UserQueries",
        ];
        let mut kills = 0;
        while kills < MOST_KILLS && !done.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(60 + kills % 7 * 20)).await;
            stack.kill(functions[kills as usize % functions.len()]);
            kills += 1;
        }
        kills
    };
    let post = async {
        let accepted = post_all(&api).await;
        done.store(true, Ordering::Relaxed);
        accepted
    };
    let (accepted, kills) = tokio::join!(post, kill);
    assert!(kills >= 5, "each function was killed at least once");
    stack.settled(SETTLE).await.expect("settled");
    assert_listed(&api, &accepted).await;
    assert_eq!(stack.messages("ProjectUsersDeadLetters").len(), 0);
    let mut greeted = BTreeSet::new();
    for mail in stack.mails() {
        assert!(greeted.insert(mail.to), "no mail is sent twice");
    }
    stack.stop().await;
}

/// A stack in a process of its own, which can be killed.
async fn start_process(data: &Path) -> (Child, Api) {
    let ready = data.join("ready.json");
    let _ = std::fs::remove_file(&ready);
    let binaries = tokio::task::spawn_blocking(functions::functions)
        .await
        .expect("no panic")
        .expect("a build");
    let stack = Command::new(&binaries["local"])
        .args(["--port", "0", "--data"])
        .arg(data)
        .arg("--ready-file")
        .arg(&ready)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    for _ in 0..1200 {
        if let Ok(text) = std::fs::read_to_string(&ready) {
            let urls: Value = serde_json::from_str(&text).expect("json");
            return (stack, Api::new(urls["api"].as_str().expect("a url")));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the stack is not ready after two minutes");
}

#[tokio::test]
async fn a_killed_stack_that_keeps_its_data_loses_nothing() {
    let data = tempfile::tempdir().expect("a folder");
    let (mut stack, api) = start_process(data.path()).await;
    let mut answered = BTreeMap::new();
    let mut posts = JoinSet::new();
    for contact in contacts() {
        let api = api.clone();
        posts.spawn(async move {
            let body = json!({ "name": contact.name, "email": contact.email }).to_string();
            let headers = [("idempotency-key", contact.key.as_str())];
            let answer = api.send("POST", "/users", &headers, body).await.ok()?;
            (answer.status == 202).then(|| (answer.id(), contact))
        });
    }
    while answered.len() < 20 {
        let answer = posts
            .join_next()
            .await
            .expect("more to come")
            .expect("no panic");
        answered.extend(answer);
    }
    stack.kill().await.expect("killed");
    answered.extend(posts.join_all().await.into_iter().flatten());

    let (mut stack, api) = start_process(data.path()).await;
    for id in answered.keys() {
        assert_eq!(
            api.get(&format!("/users/{id}?consistency=strong"))
                .await
                .status,
            200,
            "answered 202 and kept"
        );
    }
    let accepted = post_all(&api).await;
    assert!(
        answered.keys().all(|id| accepted.contains_key(id)),
        "a repeated create meets its own stream"
    );
    let until = Instant::now() + SETTLE;
    loop {
        let newest = api.get("/users?limit=100").await;
        let newest = newest.body["data"].as_array().map(Vec::len);
        // Not the mails: one that was being sent when its sender was killed is taken up a quarter of an hour later.
        let behind = api.get("/deliveries?consumer=search").await.body;
        if newest == Some(accepted.len()) && behind["data"] == json!([]) {
            break;
        }
        let is_time = Instant::now() < until;
        assert!(
            is_time,
            "it does not catch up by itself: {newest:?} {behind}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_listed(&api, &accepted).await;
    stack.kill().await.expect("killed");
}
