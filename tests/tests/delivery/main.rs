//! What the read side promises, over HTTP: real functions, the real template, the local stack around them.

mod asked;
mod found;
mod lost;
mod poison;
mod rebuilt;
mod shown;
mod watchers;

use local::{Options, Stack};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tests::http::{Answer, Api};

const SETTLE: Duration = Duration::from_secs(60);
/// The scheduled function that publishes what was lost, and tells all consumers that time has passed.
const SWEEP: &str = "Sweep";

/// Nobody leaves a moment to messages that may still come, and a run sweeps all of the log.
fn hurried() -> Options {
    let environment = [("WALK_GRACE", "0"), ("SWEEP_GRACE", "0")];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Options {
        environment: environment.into(),
        parameters: BTreeMap::from([("SweepSegments".to_owned(), "1".to_owned())]),
        ..Options::default()
    }
}

async fn start(options: Options) -> (Stack, Api) {
    let stack = Stack::start(options).await.expect("the stack starts");
    let api = Api::new(&stack.api);
    (stack, api)
}

async fn create(api: &Api, name: &str, email: &str) -> String {
    let body = json!({ "name": name, "email": email });
    let created = api.call("POST", "/users", body).await;
    assert_eq!(created.status, 202, "{:?}", created.body);
    created.id()
}

async fn rename(api: &Api, id: &str, name: &str) {
    let body = json!({ "name": name, "reason": "married" });
    let renamed = api.call("PUT", &format!("/users/{id}/name"), body).await;
    assert_eq!(renamed.status, 202, "{:?}", renamed.body);
}

/// The ids of a page.
fn ids(page: &Answer) -> Vec<String> {
    let data = page.body["data"].as_array();
    let data = data.unwrap_or_else(|| panic!("no list: {:?}", page.body));
    let id = |row: &Value| row["id"].as_str().expect("an id").to_owned();
    data.iter().map(id).collect()
}

/// The status of each consumer's delivery of a user.
async fn statuses(api: &Api, id: &str) -> BTreeMap<String, String> {
    let told = api.get(&format!("/users/{id}/deliveries")).await;
    assert_eq!(told.status, 200, "{:?}", told.body);
    let data = told.body["data"].as_array().expect("a list").iter();
    let text = |delivery: &Value, name: &str| delivery[name].as_str().expect("a text").to_owned();
    data.map(|delivery| (text(delivery, "consumer"), text(delivery, "status")))
        .collect()
}

/// Asks until the answer will do.
async fn until(api: &Api, path: &str, will_do: impl Fn(&Answer) -> bool) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = api.get(path).await;
        if will_do(&answer) {
            return answer;
        }
        assert!(
            begun.elapsed() < SETTLE,
            "{path} still says {:?}",
            answer.body
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Lets a tick pass, and all that comes of it.
async fn tick(stack: &Stack) {
    stack.tick(SWEEP).await.expect("swept");
    stack.settled(SETTLE).await.expect("settled");
}
