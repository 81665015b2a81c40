//! The story that all this is for, told on a stack of its own: an account is gone; who did it, when,
//! why, what did it hold, and how does it come back.

use crate::{Options, Stack};
use anyhow::{Context, ensure};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::time::Duration;

struct Teller {
    api: String,
    client: Client,
}

/// Tells the story.
///
/// # Errors
/// The stack cannot start, or does not answer as the story goes.
pub async fn tell() -> anyhow::Result<()> {
    say("Starting a stack of its own; the first time, this compiles the functions.");
    let stack = Stack::start(Options {
        quiet: true,
        ..Options::default()
    })
    .await?;
    let teller = Teller {
        api: stack.api.clone(),
        client: Client::builder().no_proxy().build()?,
    };
    let told = teller.story(&stack).await;
    stack.stop().await;
    told
}

impl Teller {
    async fn story(&self, stack: &Stack) -> anyhow::Result<()> {
        say("\nOver the weekend: three users sign up, and people work on their accounts.\n");
        let sarah = self.create("Sarah Okafor", "sarah@example.com").await?;
        let mei = self.create("Mei Lin", "mei@example.com").await?;
        let jonas = self.create("Jonas Berg", "jonas@example.com").await?;
        let body = json!({ "name": "Sarah Okafor-Lindt", "reason": "has married, ticket 4711" });
        self.call(Method::PUT, &format!("/users/{sarah}/name"), Some(body))
            .await?;
        let body = json!({ "status": "suspended", "reason": "disputed invoice, ticket 4720" });
        self.call(Method::PUT, &format!("/users/{jonas}/status"), Some(body))
            .await?;
        let path = format!(
            "/users/{sarah}?reason=duplicate%20of%20Sara%20Okafor%2C%20cleanup%20list%2017"
        );
        self.call(Method::DELETE, &path, None).await?;
        let body = json!({ "email": "mei.lin@example.com", "reason": "asked for it" });
        self.call(Method::PUT, &format!("/users/{mei}/email"), Some(body))
            .await?;
        stack.settled(Duration::from_secs(30)).await?;

        say("\nMonday, 15:47. Sarah cannot log in. Her account is gone. Is it really?\n");
        let gone = self
            .call(Method::GET, &format!("/users/{sarah}"), None)
            .await?;
        ensure!(
            gone["status"] == 410,
            "the user should be gone, found {gone}"
        );
        say(&format!(
            "  It was deleted at {}, and the answer says where to look:\n",
            text(&gone, "/deleted_at")
        ));

        let path = format!("/users/{sarah}/history");
        let history = self.call(Method::GET, &path, None).await?;
        let events = history["data"].as_array().context("a history has data")?;
        for event in events {
            let [version, at, kind] =
                ["/version", "/timestamp", "/type"].map(|path| text(event, path));
            say(&format!(
                "  {version}  {at}  {kind:<16} by {}{}",
                text(event, "/actor"),
                because(event)
            ));
        }
        let deletion = events.iter().rfind(|event| event["type"] == "UserDeleted");
        let deletion = deletion.context("the history has the deletion")?;
        say("\nSo, who deleted my user?\n");
        for (question, path) in [
            ("who", "/actor"),
            ("when", "/timestamp"),
            ("why", "/reason"),
            ("by which request", "/correlation_id"),
            ("it held the name", "/data/name"),
            ("and the email", "/data/email"),
            ("and was", "/data/status"),
        ] {
            say(&format!("  {question:>17}: {}", text(deletion, path)));
        }

        say("\nThe wrong Sarah was on the cleanup list. Bring her back:\n");
        let body = json!({ "reason": "was no duplicate, ticket 4733" });
        let path = format!("/users/{sarah}/restoration");
        let restored = self.call(Method::POST, &path, Some(body)).await?;
        let path = format!("/users/{sarah}?min_version={}", restored["version"]);
        let user = self.call(Method::GET, &path, None).await?;
        ensure!(
            user["name"] == deletion["data"]["name"],
            "what it held should be back, found {user}"
        );
        say(&format!(
            "  {} <{}> is {} again, at version {}, and every step on the way is still there.",
            text(&user, "/name"),
            text(&user, "/email"),
            text(&user, "/status"),
            text(&user, "/version"),
        ));
        say("\nTry it yourself: cargo run");
        Ok(())
    }

    async fn create(&self, name: &str, email: &str) -> anyhow::Result<String> {
        let body = json!({ "name": name, "email": email });
        let created = self.call(Method::POST, "/users", Some(body)).await?;
        Ok(created["id"]
            .as_str()
            .context("a new user has an id")?
            .to_owned())
    }

    /// Makes a call, and shows it as it could be typed.
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let mut request = self
            .client
            .request(method.clone(), format!("{}{path}", self.api));
        let mut line = format!("  {method} {path}");
        if let Some(body) = body {
            line.push_str(&format!(" {body}"));
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let body: Value = answer.json().await?;
        let version = body
            .get("version")
            .map(|version| format!(", version {version}"));
        say(&format!(
            "{line}\n      -> {status}{}",
            version.unwrap_or_default()
        ));
        ensure!(
            status.is_success() || status == 410,
            "{method} {path} answered {status}: {body}"
        );
        Ok(body)
    }
}

fn because(event: &Value) -> String {
    let reason = event["reason"].as_str();
    reason
        .map(|reason| format!(", because: {reason}"))
        .unwrap_or_default()
}

fn text(value: &Value, path: &str) -> String {
    match value.pointer(path) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "unknown".to_owned(),
    }
}

fn say(line: &str) {
    println!("{line}");
}
