//! Copies of commands, as callers send them.

use crate::accept::{Commands, answer};
use domain::User;
use event_store::{Cache, Clock, ClockOff, EventLog, MemoryEventLog};
use lambda_http::request::from_str;
use lambda_http::{Body, Response};
use serde_json::{Value, json};
use std::time::SystemTime;

const ID: &str = "01a1e50a-5950-7a61-8fa4-5be3d833d61d";

struct Machine;

impl Clock for Machine {
    fn now(&self) -> Result<chrono::DateTime<chrono::Utc>, ClockOff> {
        Ok(SystemTime::now().into())
    }
}

/// A function with a log in memory.
struct Function {
    commands: Commands<MemoryEventLog, Machine>,
    cache: Cache<User>,
}

struct Answered {
    status: u16,
    is_replayed: bool,
    body: Value,
}

impl Function {
    fn new() -> Self {
        let commands = Commands {
            log: MemoryEventLog::default(),
            clock: Machine,
            subject_claim: "sub".into(),
        };
        Self {
            commands,
            cache: Cache::new(1 << 20),
        }
    }

    /// Calls the route as `caller`, under a key.
    async fn call(&self, caller: &str, route: &str, key: &str, body: Value) -> Answered {
        let (method, path) = route.split_once(' ').expect("a method and a path");
        let claims = json!({ "sub": caller, "scope": "users:write" });
        let event = json!({
            "version": "2.0", "routeKey": route, "rawPath": path.replace("{id}", ID), "rawQueryString": "",
            "headers": { "content-type": "application/json", "idempotency-key": key },
            "pathParameters": { "id": ID },
            "requestContext": {
                "accountId": "1", "apiId": "a", "domainName": "d", "domainPrefix": "p", "requestId": "r", "stage": "$default",
                "routeKey": route, "time": "16/Nov/2026:15:47:03 +0000", "timeEpoch": 1_794_844_023_120_u64,
                "authorizer": { "jwt": { "claims": claims, "scopes": ["users:write"] } },
                "http": { "method": method, "path": path.replace("{id}", ID), "protocol": "HTTP/1.1", "sourceIp": "::1", "userAgent": "t" },
            },
            "body": body.to_string(), "isBase64Encoded": false,
        });
        let request = from_str(&event.to_string()).expect("an event of the gateway");
        let response: Response<Body> =
            match answer::<User>(&self.commands, &self.cache, request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
        Answered {
            status: response.status().as_u16(),
            is_replayed: response.headers().contains_key("idempotent-replayed"),
            body: serde_json::from_slice(response.body()).expect("JSON"),
        }
    }

    async fn create(&self, caller: &str, key: &str, email: &str) -> Answered {
        self.call(
            caller,
            "POST /users",
            key,
            json!({ "name": "Sarah", "email": email }),
        )
        .await
    }

    async fn rename(&self, caller: &str, key: &str, name: &str) -> Answered {
        self.call(
            caller,
            "PUT /users/{id}/name",
            key,
            json!({ "name": name, "reason": "r" }),
        )
        .await
    }

    /// The function with the user that has the id.
    async fn with_sarah() -> Self {
        let function = Self::new();
        let body = json!({ "id": ID, "name": "Sarah", "email": "sarah@example.com" });
        assert_eq!(
            function
                .call("admin", "POST /users", "first", body)
                .await
                .status,
            202
        );
        function
    }

    async fn commits(&self) -> usize {
        let stream = format!("user-{ID}");
        let commits = self
            .commands
            .log
            .read(&stream, 1..=u64::MAX, usize::MAX)
            .await;
        commits.expect("readable").len()
    }
}

#[tokio::test]
async fn two_callers_may_use_one_key() {
    let function = Function::with_sarah().await;
    let one = function.rename("alice", "key", "Sara").await;
    let other = function.rename("bob", "key", "Sally").await;
    assert_eq!(
        (&one.body["version"], &other.body["version"]),
        (&json!(2), &json!(3))
    );
    assert!(!other.is_replayed);
    for (caller, name, first) in [("alice", "Sara", one), ("bob", "Sally", other)] {
        let again = function.rename(caller, "key", name).await;
        assert_eq!(
            (again.status, again.is_replayed, again.body),
            (202, true, first.body)
        );
    }
    let (one, other) = (
        function.create("alice", "key", "a@example.com").await,
        function.create("bob", "key", "b@example.com").await,
    );
    assert_eq!((one.status, other.status), (202, 202));
    assert_ne!(one.body["id"], other.body["id"]);
}

#[tokio::test]
async fn a_repeat_is_known_across_a_snapshot() {
    let function = Function::with_sarah().await;
    let first = function.rename("alice", "key", "Sara").await;
    for number in 0..2 * event_store::SNAPSHOT_EVERY {
        function
            .rename("alice", &format!("key-{number}"), &format!("Sara {number}"))
            .await;
    }
    let cold = Function {
        cache: Cache::none(),
        ..function
    };
    let commits = cold.commits().await;
    let again = cold.rename("alice", "key", "Sara").await;
    assert_eq!(
        (again.status, again.is_replayed, again.body),
        (202, true, first.body)
    );
    let other = cold.rename("alice", "key", "Sally").await;
    assert_eq!((other.status, other.is_replayed), (422, false));
    assert_eq!(cold.commits().await, commits);
}

#[tokio::test]
async fn whose_answer_was_lost_may_ask_again() {
    let function = Function::new();
    function.commands.log.lose_replies(1);
    let lost = function.create("alice", "key", "sarah@example.com").await;
    assert_eq!(lost.status, 503);
    let again = function.create("alice", "key", "sarah@example.com").await;
    assert_eq!((again.status, again.is_replayed), (202, true));
    assert_eq!(again.body["version"], 1);
}

#[tokio::test]
async fn a_refusal_is_not_remembered() {
    let function = Function::with_sarah().await;
    assert_eq!(
        function
            .create("alice", "key", "sarah@example.com")
            .await
            .status,
        409
    );
    let delete = json!({ "reason": "r" });
    assert_eq!(
        function
            .call("alice", "DELETE /users/{id}", "delete", delete)
            .await
            .status,
        202
    );
    let created = function.create("alice", "key", "sarah@example.com").await;
    assert_eq!((created.status, created.is_replayed), (202, false));
}
