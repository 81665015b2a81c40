//! `strangelog smoke`: the story of the deleted account, played against a deployment over HTTP.
//!
//! It works on a user and an account of its own, and leaves them deleted and closed: events are never removed.

use crate::http::{Answer, Api};
use http::Method;
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt;
use std::time::Instant;
use uuid::Uuid;

/// One step of the story.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// What it does.
    pub step: &'static str,
    /// The request that it ends with.
    pub request: String,
    /// How long that took, in milliseconds.
    pub took_ms: u64,
    /// Whether what came was what was expected.
    pub passed: bool,
    /// What was expected, and what was found, if it was not that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// The story, as it goes.
pub struct Story<'a> {
    api: &'a Api,
    told: &'a mut dyn FnMut(&Step),
    steps: Vec<Step>,
    user: String,
    account: String,
    email: String,
    number: String,
}

/// A step went otherwise; it was told already.
struct Otherwise;

type Told<T> = Result<T, Otherwise>;

/// What is expected of an answer: a status, and what its body holds, by JSON pointers.
struct Expected<'a> {
    status: u16,
    problem: Option<&'a str>,
    holds: &'a [(&'a str, Value)],
}

/// Plays it, and then cleans up, however it went. Each step is told as soon as it is done.
pub async fn play(api: &Api, told: &mut dyn FnMut(&Step)) -> Vec<Step> {
    let id = Uuid::now_v7();
    let mut story = Story {
        api,
        told,
        steps: Vec::new(),
        user: String::new(),
        account: String::new(),
        // The mailbox simulator of SES takes the welcome mail, wherever this is played.
        email: format!("success+smoke-{}@simulator.amazonses.com", id.simple()),
        number: format!("SM{}", id.simple()),
    };
    let Ok(()) = story.play().await else {
        story.clean_up().await;
        return story.steps;
    };
    story.steps
}

impl Story<'_> {
    async fn play(&mut self) -> Told<()> {
        self.of_the_user().await?;
        self.of_the_account().await?;
        self.of_the_past().await?;
        self.of_the_end().await
    }

    async fn of_the_user(&mut self) -> Told<()> {
        let body = json!({ "name": "Smoke Test", "email": self.email });
        let created = self
            .post("a user is created", "/users", body, &ACCEPTED)
            .await?;
        self.user = format!("/users/{}", text(&created, "id"));
        let path = format!("{}?min_version=1", self.user);
        let email = json!(self.email);
        let shown = [
            ("/name", json!("Smoke Test")),
            ("/email", email),
            ("/status", json!("active")),
        ];
        self.get("what was written is read at once", &path, &ok(&shown))
            .await?;
        let path = format!("{}/name", self.user);
        let body = json!({ "name": "Smoke Tester", "reason": "a smoke test" });
        let second = Expected {
            holds: &[("/version", json!(2))],
            ..ACCEPTED
        };
        self.call(
            "the user is renamed",
            Method::PUT,
            &path,
            Some(body),
            &second,
        )
        .await?;
        Ok(())
    }

    async fn of_the_account(&mut self) -> Told<()> {
        let body =
            json!({ "account_number": self.number, "currency": "EUR", "initial_deposit": 10_000 });
        let opened = self
            .post("an account is opened", "/accounts", body, &ACCEPTED)
            .await?;
        self.account = format!("/accounts/{}", text(&opened, "id"));
        let (path, key) = (
            format!("{}/deposits", self.account),
            Uuid::now_v7().to_string(),
        );
        let body = json!({ "amount": 5_000 });
        let second = Expected {
            holds: &[("/version", json!(2))],
            ..ACCEPTED
        };
        self.keyed("money is paid in", &path, &key, &body, &second, false)
            .await?;
        self.keyed(
            "a copy of it is not paid in twice",
            &path,
            &key,
            &body,
            &second,
            true,
        )
        .await?;
        let path = format!("{}/withdrawals", self.account);
        let third = Expected {
            holds: &[("/version", json!(3))],
            ..ACCEPTED
        };
        self.post("money is drawn", &path, json!({ "amount": 2_000 }), &third)
            .await?;
        let refused = Expected {
            status: 409,
            problem: Some("insufficient-funds"),
            holds: &[("/balance", json!(13_000))],
        };
        self.post(
            "an overdraft is refused",
            &path,
            json!({ "amount": 13_001 }),
            &refused,
        )
        .await?;
        Ok(())
    }

    async fn of_the_past(&mut self) -> Told<()> {
        let account = self.account.clone();
        let history = [
            ("/data/0/type", json!("AccountOpened")),
            ("/data/1/type", json!("MoneyDeposited")),
            ("/data/2/type", json!("MoneyWithdrawn")),
            ("/next_cursor", Value::Null),
        ];
        self.get(
            "the account has a history",
            &format!("{account}/history"),
            &ok(&history),
        )
        .await?;
        let before = [("/version", json!(2)), ("/state/balance", json!(15_000))];
        self.get(
            "it had more before money was drawn",
            &format!("{account}/state?version=2"),
            &ok(&before),
        )
        .await?;
        let changed = [
            ("/changes/0/path", json!("/balance")),
            ("/changes/0/from", json!(15_000)),
            ("/changes/0/to", json!(13_000)),
            ("/changes/0/by/0", json!(3)),
        ];
        self.get(
            "what changed since, and by which event",
            &format!("{account}/diff?from=2&to=3"),
            &ok(&changed),
        )
        .await?;
        let path = format!("{account}/what-if");
        let draw = |version: u64| {
            let command = json!({ "type": "WithdrawMoney", "data": { "amount": 14_000 } });
            json!({ "version": version, "command": command })
        };
        let accepted = [("/accepted", json!(true)), ("/state/balance", json!(1_000))];
        self.post(
            "what is too much now would have been allowed then",
            &path,
            draw(2),
            &ok(&accepted),
        )
        .await?;
        let refused = [
            ("/accepted", json!(false)),
            ("/refusal/balance", json!(13_000)),
        ];
        self.post("and is refused now", &path, draw(3), &ok(&refused))
            .await?;
        Ok(())
    }

    async fn of_the_end(&mut self) -> Told<()> {
        let path = format!("{}/withdrawals", self.account);
        self.post(
            "all money is drawn",
            &path,
            json!({ "amount": 13_000 }),
            &ACCEPTED,
        )
        .await?;
        let path = format!("{}/closure", self.account);
        self.post(
            "the account is closed",
            &path,
            json!({ "reason": "a smoke test" }),
            &ACCEPTED,
        )
        .await?;
        let user = self.user.clone();
        let path = format!("{user}?reason=smoke");
        self.call(
            "the user is deleted",
            Method::DELETE,
            &path,
            None,
            &ACCEPTED,
        )
        .await?;
        let gone = Expected {
            status: 410,
            problem: Some("deleted"),
            holds: &[("/version", json!(3))],
        };
        let path = format!("{user}?min_version=3");
        self.get("the user is gone, and the answer says so", &path, &gone)
            .await?;
        let held = [
            ("/data/2/type", json!("UserDeleted")),
            ("/data/2/reason", json!("smoke")),
            ("/data/2/data/name", json!("Smoke Tester")),
        ];
        self.get(
            "who deleted the user, and why",
            &format!("{user}/history"),
            &ok(&held),
        )
        .await?;
        let before = [
            ("/state/status", json!("active")),
            ("/state/name", json!("Smoke Tester")),
        ];
        self.get(
            "what the user was before",
            &format!("{user}/state?version=2"),
            &ok(&before),
        )
        .await?;
        let path = format!("{user}/restoration");
        let fourth = Expected {
            holds: &[("/version", json!(4))],
            ..ACCEPTED
        };
        self.post(
            "the user is restored",
            &path,
            json!({ "reason": "a smoke test" }),
            &fourth,
        )
        .await?;
        let path = format!("{user}?reason=smoke");
        self.call("and deleted again", Method::DELETE, &path, None, &ACCEPTED)
            .await?;
        Ok(())
    }

    /// Closes and deletes what there is after a story that went otherwise.
    async fn clean_up(&mut self) {
        // OK because what is not there, or not as it should be, is why this is done: nothing is expected of it.
        if !self.account.is_empty() {
            let (account, get) = (self.account.clone(), Method::GET);
            let path = format!("{account}?consistency=strong");
            let answer = self.api.send(&get, &path, None, None).await;
            let balance = answer
                .ok()
                .and_then(|answer| answer.body["balance"].as_i64());
            if let Some(amount) = balance.filter(|balance| *balance > 0) {
                let body = json!({ "amount": amount });
                let _ = self
                    .api
                    .send(
                        &Method::POST,
                        &format!("{account}/withdrawals"),
                        None,
                        Some(&body),
                    )
                    .await;
            }
            let _ = self
                .api
                .send(
                    &Method::POST,
                    &format!("{account}/closure"),
                    None,
                    Some(&json!({})),
                )
                .await;
        }
        if !self.user.is_empty() {
            let path = format!("{}?reason=smoke", self.user);
            let _ = self.api.send(&Method::DELETE, &path, None, None).await;
        }
    }

    async fn get(
        &mut self,
        step: &'static str,
        path: &str,
        expected: &Expected<'_>,
    ) -> Told<Value> {
        self.call(step, Method::GET, path, None, expected).await
    }

    async fn post(
        &mut self,
        step: &'static str,
        path: &str,
        body: Value,
        expected: &Expected<'_>,
    ) -> Told<Value> {
        self.call(step, Method::POST, path, Some(body), expected)
            .await
    }

    async fn call(
        &mut self,
        step: &'static str,
        method: Method,
        path: &str,
        body: Option<Value>,
        expected: &Expected<'_>,
    ) -> Told<Value> {
        let begun = Instant::now();
        let answer = self.api.send(&method, path, None, body.as_ref()).await;
        self.told(step, format!("{method} {path}"), begun, answer, |answer| {
            expected.of(answer)
        })
    }

    async fn keyed(
        &mut self,
        step: &'static str,
        path: &str,
        key: &str,
        body: &Value,
        expected: &Expected<'_>,
        is_replayed: bool,
    ) -> Told<Value> {
        let begun = Instant::now();
        let answer = self
            .api
            .send(&Method::POST, path, Some(key), Some(body))
            .await;
        self.told(step, format!("POST {path}"), begun, answer, |answer| {
            expected.of(answer)?;
            if answer.is_replayed != is_replayed {
                let wanted = if is_replayed {
                    "the first answer"
                } else {
                    "an answer of its own"
                };
                return Err(format!(
                    "expected {wanted} (Idempotent-Replayed), and found {}",
                    answer.is_replayed
                ));
            }
            Ok(())
        })
    }

    fn told(
        &mut self,
        step: &'static str,
        request: String,
        begun: Instant,
        answer: anyhow::Result<Answer>,
        judge: impl FnOnce(&Answer) -> Result<(), String>,
    ) -> Told<Value> {
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let why = match &answer {
            Ok(answer) => judge(answer).err(),
            Err(error) => Some(format!("expected an answer, and found: {error:#}")),
        };
        let step = Step {
            step,
            request,
            took_ms,
            passed: why.is_none(),
            why,
        };
        (self.told)(&step);
        let passed = step.passed;
        self.steps.push(step);
        match answer {
            Ok(answer) if passed => Ok(answer.body),
            Ok(_) | Err(_) => Err(Otherwise),
        }
    }
}

const ACCEPTED: Expected<'static> = Expected {
    status: 202,
    problem: None,
    holds: &[],
};

fn ok<'a>(holds: &'a [(&'a str, Value)]) -> Expected<'a> {
    Expected {
        status: 200,
        problem: None,
        holds,
    }
}

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_default()
}

impl Expected<'_> {
    /// Why an answer is not what is expected.
    fn of(&self, answer: &Answer) -> Result<(), String> {
        let found = |what: &dyn fmt::Display| {
            format!("{what}, and found {} {}", answer.status, answer.body)
        };
        if answer.status != self.status {
            return Err(found(&format!("expected status {}", self.status)));
        }
        if let Some(problem) = self.problem.filter(|problem| *problem != answer.problem()) {
            return Err(found(&format!("expected the problem {problem}")));
        }
        let is_otherwise =
            |(path, wanted): &&(&str, Value)| answer.body.pointer(path) != Some(wanted);
        match self.holds.iter().find(is_otherwise) {
            Some((path, wanted)) => Err(found(&format!("expected {wanted} at {path}"))),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let passed = if self.passed { "ok" } else { "failed" };
        write!(
            formatter,
            "{passed:6} {:>5} ms  {:50} {}",
            self.took_ms, self.step, self.request
        )?;
        match &self.why {
            Some(why) => write!(formatter, "\n       {why}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: Value) -> Answer {
        Answer {
            status,
            is_replayed: false,
            body,
        }
    }

    #[test]
    fn what_was_expected_and_what_was_found_is_said() {
        let refused = Expected {
            status: 409,
            problem: Some("insufficient-funds"),
            holds: &[("/balance", json!(13_000))],
        };
        let problem = |code: &str, balance: u64| json!({ "type": format!("urn:strangelog:problem:{code}"), "balance": balance });
        assert_eq!(
            refused.of(&answer(409, problem("insufficient-funds", 13_000))),
            Ok(())
        );
        for (answer, why) in [
            (
                answer(202, json!({})),
                "expected status 409, and found 202 {}",
            ),
            (
                answer(409, problem("account-closed", 13_000)),
                "expected the problem insufficient-funds",
            ),
            (
                answer(409, problem("insufficient-funds", 1)),
                "expected 13000 at /balance, and found 409",
            ),
        ] {
            let said = refused.of(&answer).expect_err("otherwise");
            assert!(said.starts_with(why), "{said}");
        }
    }
}
