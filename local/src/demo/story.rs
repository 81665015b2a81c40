//! Monday, 15:47: what a person does who looks for an account that is gone.

use crate::Stack;
use crate::demo::month::Month;
use anyhow::{Context, ensure};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use reqwest::{Client, Method};
use serde_json::{Value, json};

struct Teller {
    api: String,
    dynamodb: String,
    client: Client,
}

/// Tells the story on a stack that has lived through the month.
///
/// # Errors
/// It does not answer as the story goes.
pub async fn tell(stack: &Stack, month: &Month) -> anyhow::Result<()> {
    let teller = Teller {
        api: stack.api.replace("127.0.0.1", "localhost"),
        dynamodb: stack.dynamodb.clone(),
        client: Client::builder().no_proxy().build()?,
    };
    let Month { sarah, account, .. } = month;
    let (user, own) = (format!("/users/{sarah}"), format!("/accounts/{account}"));
    say("\nMonday, 15:47. Sarah cannot log in. Her account is gone. Is it really?\n");
    let gone = teller.get(&user).await?;
    ensure!(
        gone["status"] == 410,
        "the user should be gone, found {gone}"
    );
    let deleted_at = text(&gone, "/deleted_at");
    say(&format!(
        "      deleted at {deleted_at}; the answer says where to look"
    ));

    say("\nSo, who deleted my user?\n");
    let deletions = teller
        .get(&format!("{user}/history?type=UserDeleted"))
        .await?;
    let deletion = &deletions["data"][0];
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
    teller.look(&format!("stream/user-{sarah}"));
    teller.type_in(&format!("history user-{sarah}"));

    say("\nWhat else happened around that moment, to whomever?\n");
    let around = format!("/events?around={}&window=30m", text(deletion, "/timestamp"));
    let events = teller.get(&around).await?;
    let events = events["data"].as_array().context("a list has data")?;
    for event in events.iter().rev() {
        let [at, kind, actor] = ["/timestamp", "/type", "/actor"].map(|path| text(event, path));
        say(&format!("  {at}  {kind:<16} by {actor}{}", because(event)));
    }

    let an_hour_before = time(month.monday - TimeDelta::hours(1));
    say("\nHer bank account, an hour before: what was its balance?\n");
    let state = teller
        .get(&format!("{own}/state?at={an_hour_before}"))
        .await?;
    ensure!(
        state["state"]["balance"] == 12_000,
        "120.00 should have been there, found {state}"
    );
    let (balance, currency) = (&state["state"]["balance"], text(&state, "/state/currency"));
    say(&format!(
        "      {} {currency}, at version {}, {}",
        money(balance),
        state["version"],
        text(&state, "/state/status")
    ));
    teller.look(&format!(
        "stream/account-{account}/slider?version={}",
        state["version"]
    ));
    teller.type_in(&format!("state account-{account} --at {an_hour_before}"));

    say(
        "\nAnd would a withdrawal of 50 have been allowed then? It is asked of the code that decides today's; nothing is written.\n",
    );
    let withdraw = json!({ "type": "WithdrawMoney", "data": { "amount": 5000 } });
    let supposed = json!({ "at": an_hour_before, "command": withdraw });
    let outcome = teller
        .call(Method::POST, &format!("{own}/what-if"), Some(supposed))
        .await?;
    ensure!(
        outcome["accepted"] == true,
        "it should be allowed, found {outcome}"
    );
    say(&format!(
        "      yes: {} would have been left",
        money(&outcome["state"]["balance"])
    ));
    let supposed = json!({ "command": withdraw });
    let outcome = teller
        .call(Method::POST, &format!("{own}/what-if"), Some(supposed))
        .await?;
    ensure!(
        outcome["accepted"] == false,
        "it should be refused, found {outcome}"
    );
    say(&format!(
        "      and now: no, {}",
        text(&outcome, "/refusal/detail")
    ));
    teller.look(&format!(
        "stream/account-{account}/what-if?at={an_hour_before}"
    ));
    let data = json!({ "amount": 5000 });
    teller.type_in(&format!(
        "what-if account-{account} --at {an_hour_before} --command WithdrawMoney --data '{data}'"
    ));

    say("\nWhat has changed since?\n");
    let diff = teller
        .get(&format!("{own}/diff?from={an_hour_before}"))
        .await?;
    for change in diff["changes"].as_array().into_iter().flatten() {
        say(&format!(
            "      {}: {} -> {}, by versions {}",
            text(change, "/path"),
            change["from"],
            change["to"],
            change["by"]
        ));
    }
    teller.look(&format!(
        "stream/account-{account}/compare?from={an_hour_before}"
    ));

    say("\nThe wrong Sarah was on the cleanup list. Bring her back:\n");
    let body = json!({ "reason": "was no duplicate, ticket 4733" });
    let restored = teller
        .call(Method::POST, &format!("{user}/restoration"), Some(body))
        .await?;
    let user = teller
        .get(&format!("{user}?min_version={}", restored["version"]))
        .await?;
    ensure!(
        user["name"] == deletion["data"]["name"],
        "what it held should be back, found {user}"
    );
    say(&format!(
        "      {} <{}> is {} again, at version {}, and every step on the way is still there.",
        text(&user, "/name"),
        text(&user, "/email"),
        text(&user, "/status"),
        text(&user, "/version"),
    ));
    say("\nLook around:");
    teller.look("feed");
    teller.type_in("lag");
    say("\nThe stack goes on until Ctrl-C.");
    Ok(())
}

impl Teller {
    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.call(Method::GET, path, None).await
    }

    /// Makes a call, and shows it as it can be typed.
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let url = format!("{}{path}", self.api);
        let mut request = self.client.request(method.clone(), &url);
        let data = body.as_ref().map(|body| format!(" -d '{body}'"));
        if let Some(body) = &body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        say(&format!(
            "  curl '{url}'{}\n      -> {status}",
            data.unwrap_or_default()
        ));
        let body: Value = answer.json().await?;
        ensure!(
            status.is_success() || status == 410,
            "{method} {path} answered {status}: {body}"
        );
        Ok(body)
    }

    /// Where the same is to be seen.
    fn look(&self, place: &str) {
        say(&format!("  console     {}/console#{place}", self.api));
    }

    /// How the same is asked from a command line.
    fn type_in(&self, command: &str) {
        say(&format!(
            "  terminal    strangelog {command} --endpoint {}",
            self.dynamodb
        ));
    }
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Minor units of a currency that has two digits of them.
fn money(minor_units: &Value) -> String {
    let units = minor_units.as_i64().unwrap_or_default();
    format!(
        "{}{}.{:02}",
        if units < 0 { "-" } else { "" },
        units.abs() / 100,
        units.abs() % 100
    )
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
