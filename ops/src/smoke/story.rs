//! What happens in the story, and what is expected of each answer.

use super::{ACCEPTED, Expected, Story, Told, ok};
use crate::http::Answer;
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

impl Story<'_> {
    pub(super) async fn of_the_user(&mut self) -> Told<()> {
        let id = Uuid::now_v7();
        self.user = format!("/users/{id}");
        let body = json!({ "id": id, "name": "Smoke Test", "email": self.email });
        let created = [("/id", json!(id))];
        let created = Expected {
            holds: &created,
            ..ACCEPTED
        };
        self.post("a user is created", "/users", body, &created)
            .await?;
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

    pub(super) async fn of_the_account(&mut self) -> Told<()> {
        let id = Uuid::now_v7();
        self.account = format!("/accounts/{id}");
        let body = json!({
            "id": id, "account_number": self.number, "currency": "EUR", "initial_deposit": 10_000,
        });
        let opened = [("/id", json!(id))];
        let opened = Expected {
            holds: &opened,
            ..ACCEPTED
        };
        self.post("an account is opened", "/accounts", body, &opened)
            .await?;
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

    pub(super) async fn of_the_past(&mut self) -> Told<()> {
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

    pub(super) async fn of_the_end(&mut self) -> Told<()> {
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

    /// Closes and deletes what there is after a story that went otherwise; the paths of what may be there still.
    pub(super) async fn clean_up(&mut self) -> Vec<String> {
        // OK because what is not there, or not as it should be, is why this is done: of an answer nothing is expected.
        let (mut left, api) = (Vec::new(), self.api);
        if !self.account.is_empty() {
            let (account, post) = (&self.account, Method::POST);
            let path = format!("{account}?consistency=strong");
            let answer = api.send(&Method::GET, &path, None, None).await;
            let balance = answer
                .ok()
                .and_then(|answer| answer.body["balance"].as_i64());
            if let Some(amount) = balance.filter(|balance| *balance > 0) {
                let (path, body) = (
                    format!("{account}/withdrawals"),
                    json!({ "amount": amount }),
                );
                let _ = api.send(&post, &path, None, Some(&body)).await;
            }
            let path = format!("{account}/closure");
            let closed = api.send(&post, &path, None, Some(&json!({}))).await;
            left.extend(is_left(closed).then(|| account.clone()));
        }
        if !self.user.is_empty() {
            let path = format!("{}?reason=smoke", self.user);
            let deleted = api.send(&Method::DELETE, &path, None, None).await;
            left.extend(is_left(deleted).then(|| self.user.clone()));
        }
        left
    }
}

/// Whether what was to be closed or deleted may be there still: no answer says that it has ended, or never was.
fn is_left(ended: anyhow::Result<Answer>) -> bool {
    !ended.is_ok_and(|answer| matches!(answer.status, 202 | 404 | 410))
}
