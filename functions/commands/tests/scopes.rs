//! Whose accounts a caller may change, whose money they may send, and in which currency that goes.

use commands::{Commands, answer, transfers};
use domain::Account;
use event_store::{Cache, Clock, ClockOff, EventLog, MemoryEventLog};
use lambda_http::Body;
use lambda_http::request::from_str;
use serde_json::{Value, json};
use std::time::SystemTime;

struct Machine;

impl Clock for Machine {
    fn now(&self) -> Result<chrono::DateTime<chrono::Utc>, ClockOff> {
        Ok(SystemTime::now().into())
    }
}

/// The functions of accounts and of transfers, with a log in memory.
struct Functions {
    commands: Commands<MemoryEventLog, Machine>,
    cache: Cache<Account>,
}

/// A subject, and what its token allows.
type Caller = (&'static str, &'static str);

const SARAH: Caller = ("sarah", "self");
const MALLORY: Caller = ("mallory", "self accounts:read users:write");
const CLERK: Caller = ("clerk", "accounts:write");

impl Functions {
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

    async fn post(&self, caller: Caller, path: &str, body: Value) -> (u16, Value) {
        self.post_if(None, caller, path, body).await
    }

    /// Under the condition of an `If-Match`.
    async fn post_if(
        &self,
        condition: Option<&str>,
        caller: Caller,
        path: &str,
        body: Value,
    ) -> (u16, Value) {
        let parts: Vec<_> = path.split('/').collect();
        let (route, id) = match parts[..] {
            ["", collection, id, what] => (format!("POST /{collection}/{{id}}/{what}"), id),
            _ => (format!("POST {path}"), ""),
        };
        let (subject, scope) = caller;
        let mut headers = json!({ "content-type": "application/json" });
        if let Some(condition) = condition {
            headers["if-match"] = condition.into();
        }
        let event = json!({
            "version": "2.0", "routeKey": route, "rawPath": path, "rawQueryString": "", "headers": headers,
            "pathParameters": { "id": id },
            "requestContext": {
                "accountId": "1", "apiId": "a", "domainName": "d", "domainPrefix": "p", "requestId": "r", "stage": "$default",
                "routeKey": route, "time": "16/Nov/2026:15:47:03 +0000", "timeEpoch": 1_794_844_023_120_u64,
                "authorizer": { "jwt": { "claims": { "sub": subject, "scope": scope }, "scopes": null } },
                "http": { "method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "::1", "userAgent": "t" },
            },
            "body": body.to_string(), "isBase64Encoded": false,
        });
        let request = from_str(&event.to_string()).expect("a request");
        let Ok(answered) = if path == "/transfers" {
            transfers::answer(&self.commands, &self.cache, request).await
        } else {
            answer::<Account>(&self.commands, &self.cache, request).await
        };
        let (status, body) = (answered.status().as_u16(), answered.into_body());
        let Body::Text(body) = body else {
            panic!("an answer is text");
        };
        (status, serde_json::from_str(&body).expect("JSON"))
    }

    /// An account of `owner`, opened by a clerk.
    async fn open(&self, number: &str, owner: Option<&str>) -> String {
        self.open_in("EUR", number, owner).await
    }

    async fn open_in(&self, currency: &str, number: &str, owner: Option<&str>) -> String {
        let body = json!({ "account_number": number, "currency": currency, "initial_deposit": 100, "owner": owner });
        let (status, opened) = self.post(CLERK, "/accounts", body).await;
        assert_eq!(status, 202, "{opened}");
        opened["id"].as_str().expect("an id").to_owned()
    }

    async fn version(&self, id: &str) -> usize {
        let stream = format!("account-{id}");
        let commits = self.commands.log.read(&stream, 1..=u64::MAX, 100).await;
        commits.expect("readable").len()
    }
}

#[tokio::test]
async fn self_opens_an_account_in_nobody_elses_name() {
    let functions = Functions::new();
    for (number, owner, status) in [
        ("1", json!("sarah"), 202),
        ("2", json!("mallory"), 403),
        ("3", json!("Sarah"), 403),
        ("4", Value::Null, 403),
    ] {
        let body = json!({ "account_number": number, "currency": "EUR", "initial_deposit": 0, "owner": owner });
        let (found, _) = functions.post(SARAH, "/accounts", body).await;
        assert_eq!(found, status, "{owner}");
    }
}

#[tokio::test]
async fn self_changes_its_own_accounts_alone() {
    let functions = Functions::new();
    let hers = functions.open("1", Some("sarah")).await;
    let nobodys = functions.open("2", None).await;
    for what in ["deposits", "withdrawals", "closure"] {
        let body = || match what {
            "closure" => json!({}),
            _ => json!({ "amount": 100 }),
        };
        for id in [&hers, &nobodys, "01a1e50a-5950-7a61-8fa4-5be3d833d61d"] {
            let path = format!("/accounts/{id}/{what}");
            let (status, _) = functions.post(MALLORY, &path, body()).await;
            assert_eq!(status, 403, "{path}");
        }
    }
    assert_eq!(functions.version(&hers).await, 1, "no trace");
    let path = format!("/accounts/{hers}/withdrawals");
    let (status, _) = functions.post(SARAH, &path, json!({ "amount": 100 })).await;
    assert_eq!(status, 202);
}

#[tokio::test]
async fn self_sends_its_own_money_alone_and_to_anybody() {
    let functions = Functions::new();
    let hers = functions.open("1", Some("sarah")).await;
    let his = functions.open("2", Some("mallory")).await;
    let transfer = json!({ "from": hers, "to": his, "amount": 60 });
    for (caller, status) in [
        (MALLORY, 403),
        (SARAH, 202),
        (CLERK, 409),
        (("sarah", "accounts:read"), 403),
    ] {
        let (found, answer) = functions.post(caller, "/transfers", transfer.clone()).await;
        assert_eq!(found, status, "{caller:?}: {answer}");
    }
    assert_eq!(functions.version(&hers).await, 2);
    let stolen = json!({ "from": his, "to": hers, "amount": 1 });
    let (status, _) = functions.post(SARAH, "/transfers", stolen).await;
    assert_eq!(status, 403);
}

#[tokio::test]
async fn a_transfer_is_in_the_currency_of_the_account_that_sends() {
    let functions = Functions::new();
    let mut yen = Vec::new();
    for number in ["1", "2"] {
        yen.push(functions.open_in("JPY", number, None).await);
    }
    let euros = functions.open("3", None).await;
    let mismatch = json!({ "from": yen[0], "to": euros, "amount": 60 });
    let (status, refused) = functions.post(CLERK, "/transfers", mismatch).await;
    assert_eq!((status, &refused["sends"]), (409, &json!("JPY")));
    let transfer = json!({ "from": yen[0], "to": yen[1], "amount": 60 });
    let (status, made) = functions.post(CLERK, "/transfers", transfer).await;
    assert_eq!(status, 202, "{made}");
    let stream = format!("transfer-{}", made["id"].as_str().expect("an id"));
    let commits = functions.commands.log.read(&stream, 1..=1, 1).await;
    let events = &commits.expect("readable")[0].events;
    assert!(events.contains(r#""currency":"JPY""#), "{events}");
}

#[tokio::test]
async fn a_transfer_that_is_to_be_new_is_at_version_0() {
    let functions = Functions::new();
    let (from, to) = (
        functions.open("1", None).await,
        functions.open("2", None).await,
    );
    for (condition, status) in [("\"1\"", 412), ("\"0\"", 202)] {
        let transfer = json!({ "from": from, "to": to, "amount": 60 });
        let post = functions.post_if(Some(condition), CLERK, "/transfers", transfer);
        assert_eq!(post.await.0, status, "{condition}");
    }
}
