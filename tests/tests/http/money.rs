//! Bank accounts and transfers, as callers see them.

use crate::{SETTLE, start};
use serde_json::{Value, json};
use tests::http::{Answer, Api};

/// Posts a command under a key; its copies must be answered like the first.
async fn thrice(api: &Api, path: &str, key: &str, body: Value) -> Answer {
    let send = async || {
        let headers = [("idempotency-key", key)];
        let answer = api.send("POST", path, &headers, body.to_string()).await;
        answer.expect("an answer")
    };
    let first = send().await;
    assert_eq!(first.status.as_u16(), 202, "{}", first.body);
    for _ in 0..2 {
        let again = send().await;
        assert_eq!((again.status, &again.body), (first.status, &first.body));
        assert_eq!(again.headers["idempotent-replayed"], "true");
    }
    first
}

async fn open(api: &Api, number: &str, currency: &str, deposit: i64) -> String {
    let body =
        json!({ "account_number": number, "currency": currency, "initial_deposit": deposit });
    api.call("POST", "/accounts", body).await.id()
}

async fn balance(api: &Api, id: &str) -> Value {
    let account = api.get(&format!("/accounts/{id}?consistency=strong")).await;
    account.body["balance"].clone()
}

fn types(history: &Answer) -> Vec<&str> {
    let events = history.body["data"].as_array().expect("events").iter();
    let types = events.map(|event| event["type"].as_str().expect("a type"));
    types.collect()
}

#[tokio::test]
async fn the_example_of_the_guide_is_counted_once() {
    let (stack, api) = start().await;
    let opening = json!({ "account_number": "ACC-001", "currency": "EUR", "initial_deposit": 100_000, "owner": "sarah" });
    let id = thrice(&api, "/accounts", "open", opening).await.id();
    let path = format!("/accounts/{id}");
    let deposit = json!({ "amount": 50_000, "description": "salary" });
    thrice(&api, &format!("{path}/deposits"), "in", deposit).await;
    let withdrawal = json!({ "amount": 20_000 });
    let last = thrice(&api, &format!("{path}/withdrawals"), "out", withdrawal).await;

    let location = &last.headers["location"];
    let account = api.get(location).await.body;
    let wanted = json!({
        "id": id, "account_number": "ACC-001", "owner": "sarah", "currency": "EUR", "balance": 130_000,
        "overdraft_limit": 0, "status": "open", "version": 3,
        "created_at": account["created_at"], "updated_at": account["updated_at"],
    });
    assert_eq!(account, wanted);
    let history = api.get(&format!("{path}/history")).await;
    assert_eq!(
        types(&history),
        ["AccountOpened", "MoneyDeposited", "MoneyWithdrawn"]
    );
    stack.stop().await;
}

#[tokio::test]
async fn an_account_is_found_by_its_number_listed_by_its_status_and_seen_at_any_moment() {
    let (stack, api) = start().await;
    let id = open(&api, "DE89 3704 0044 0532 0130 00", "EUR", 500).await;
    let path = format!("/accounts/{id}");
    let number = json!({ "account_number": "de89370400440532013000", "currency": "EUR", "initial_deposit": 0 });
    let taken = api.call("POST", "/accounts", number).await;
    assert_eq!(taken.problem(), "account-number-taken");
    let refused = api
        .call("POST", &format!("{path}/closure"), json!({}))
        .await;
    assert_eq!(refused.problem(), "balance-not-zero");
    api.call(
        "POST",
        &format!("{path}/withdrawals"),
        json!({ "amount": 500 }),
    )
    .await;
    let closed = api
        .call(
            "POST",
            &format!("{path}/closure"),
            json!({ "reason": "moved" }),
        )
        .await;
    assert_eq!(closed.body["version"], 3);
    let late = api
        .call("POST", &format!("{path}/deposits"), json!({ "amount": 1 }))
        .await;
    assert_eq!(late.problem(), "account-closed");

    let found = async |query: &str| {
        let list = api.get(&format!("/accounts?{query}")).await;
        list.body["data"].as_array().map_or(0, Vec::len)
    };
    stack.settled(SETTLE).await.expect("settled");
    assert_eq!(found("query=de89-3704.0044/0532013000").await, 1);
    assert_eq!(found("status=closed").await, 1);
    assert_eq!(found("status=open").await, 0);

    let events = api.get(&format!("{path}/history")).await.body["data"].clone();
    for (version, balance, status) in [(1, 500, "open"), (2, 0, "open"), (3, 0, "closed")] {
        let state = api
            .get(&format!("{path}/state?version={version}"))
            .await
            .body;
        let at = &events[version - 1]["timestamp"];
        assert_eq!(
            (&state["version"], &state["timestamp"]),
            (&json!(version), at)
        );
        assert_eq!(state["state"]["balance"], balance);
        assert_eq!(state["state"]["status"], status);
        let at = at.as_str().expect("a time");
        let then = api.get(&format!("{path}/state?at={at}")).await.body;
        assert_eq!(
            (&then["version"], &then["state"]),
            (&state["version"], &state["state"])
        );
        assert_eq!(
            (&state["settled"], &then["settled"]),
            (&json!(true), &json!(false))
        );
    }
    let before = api
        .get(&format!("{path}/state?at=2020-01-01T00:00:00Z"))
        .await
        .body;
    assert_eq!(
        before,
        json!({ "version": 0, "timestamp": null, "settled": true, "state": null })
    );
    for (query, problem) in [
        ("version=4", "version-ahead"),
        ("version=-1", "invalid-fields"),
        ("at=2999-01-01T00:00:00Z", "invalid-fields"),
        ("at=2020-01-01T00:00:00Z&version=1", "invalid-fields"),
    ] {
        let answer = api.get(&format!("{path}/state?{query}")).await;
        assert_eq!(answer.problem(), problem, "{query}");
    }
    stack.stop().await;
}

#[tokio::test]
async fn money_is_transferred_once_and_never_in_part() {
    let (stack, api) = start().await;
    let (from, to) = (
        open(&api, "1", "EUR", 1_000).await,
        open(&api, "2", "EUR", 0).await,
    );
    let dollars = open(&api, "3", "USD", 0).await;
    let body = json!({ "from": from, "to": to, "amount": 300 });
    let made = thrice(&api, "/transfers", "rent", body.clone()).await;
    assert_eq!(
        made.body["accounts"],
        json!([{ "id": from, "version": 2 }, { "id": to, "version": 2 }])
    );
    let transfer = api.get(&made.headers["location"]).await.body;
    let wanted = json!({
        "id": made.body["id"], "status": "made", "from": from, "to": to, "amount": 300, "currency": "EUR",
        "created_at": transfer["created_at"], "updated_at": transfer["created_at"], "version": 1,
    });
    assert_eq!(transfer, wanted);
    let other = json!({ "from": from, "to": to, "amount": 301 }).to_string();
    let headers = [("idempotency-key", "rent")];
    let reused = api.send("POST", "/transfers", &headers, other).await;
    assert_eq!(
        reused.expect("an answer").problem(),
        "idempotency-key-reused"
    );

    let nobody = "01a1e50a-5950-7a61-8fa4-5be3d833d61d";
    for (to, amount, problem) in [
        (to.as_str(), 701, "insufficient-funds"),
        (&dollars, 1, "currency-mismatch"),
        (nobody, 1, "unknown-account"),
        (&from, 1, "invalid-fields"),
        (&to, 0, "invalid-fields"),
        (&to, -1, "invalid-fields"),
    ] {
        let body = json!({ "from": from, "to": to, "amount": amount });
        let refused = api.call("POST", "/transfers", body).await;
        assert_eq!(refused.problem(), problem);
    }
    assert_eq!(balance(&api, &from).await, 700);
    assert_eq!(balance(&api, &to).await, 300);
    stack.settled(SETTLE).await.expect("settled");
    let transfers = api.get("/transfers").await.body["data"].clone();
    assert_eq!(
        transfers,
        json!([transfer]),
        "those that were refused are not there"
    );
    for (id, kind) in [(&from, "MoneySent"), (&to, "MoneyReceived")] {
        let history = api.get(&format!("/accounts/{id}/history")).await;
        assert_eq!(types(&history), ["AccountOpened", kind]);
        let data = &history.body["data"][1]["data"];
        assert_eq!(data["transfer"], made.body["id"]);
        assert_eq!(history.body["data"][1]["command_id"], made.body["id"]);
    }
    stack.stop().await;
}
