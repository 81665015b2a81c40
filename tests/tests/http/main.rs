//! The whole pipeline over HTTP: real functions, the real template, the local stack around them.

mod bad_input;
mod callers;
mod life;
mod money;
mod statistics;

use local::{Options, Stack};
use serde_json::json;
use std::time::Duration;
use tests::http::{Answer, Api};

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
