//! The statistics, counted by the whole pipeline.

use crate::{SETTLE, create, start};
use serde_json::{Value, json};
use tests::http::Api;

/// What all days have together at this place: `/users/created`. A test may run over midnight.
fn sum(stats: &Value, place: &str) -> i64 {
    let days = stats["days"].as_array().expect("days").iter();
    days.filter_map(|day| day.pointer(place)?.as_i64()).sum()
}

async fn accepted(api: &Api, method: &str, path: &str, body: Value) -> String {
    let answer = api.call(method, path, body).await;
    assert_eq!(answer.status, 202, "{method} {path}: {}", answer.body);
    answer.id()
}

#[tokio::test]
async fn what_happened_to_users_and_accounts_is_counted() {
    let (stack, api) = start().await;
    assert_eq!(
        api.get("/stats").await.body,
        json!({ "days": [], "balances": {} })
    );
    let mut ids = Vec::new();
    for number in 0..3 {
        let email = format!("user-{number}@example.com");
        ids.push(create(&api, "Sarah", &email).await.id());
    }
    for status in ["suspended", "active", "suspended"] {
        let body = json!({ "status": status, "reason": "asked" });
        accepted(&api, "PUT", &format!("/users/{}/status", ids[0]), body).await;
    }
    let deleted = format!("/users/{}?reason=asked", ids[1]);
    accepted(&api, "DELETE", &deleted, json!({})).await;
    let restored = format!("/users/{}/restoration", ids[1]);
    accepted(&api, "POST", &restored, json!({ "reason": "by mistake" })).await;

    let open = |number: &str, deposit: i64| json!({ "account_number": number, "currency": "EUR", "initial_deposit": deposit });
    // The id of a user, too: the documents of both must be kept apart.
    let mut with_id = open("DE1", 100_000);
    with_id["id"] = json!(ids[0]);
    let from = accepted(&api, "POST", "/accounts", with_id).await;
    let to = accepted(&api, "POST", "/accounts", open("DE2", 0)).await;
    let amount = |amount: i64| json!({ "amount": amount });
    accepted(
        &api,
        "POST",
        &format!("/accounts/{from}/deposits"),
        amount(50_000),
    )
    .await;
    accepted(
        &api,
        "POST",
        &format!("/accounts/{from}/withdrawals"),
        amount(20_000),
    )
    .await;
    let moved = json!({ "from": from, "to": to, "amount": 7 });
    accepted(&api, "POST", "/transfers", moved).await;

    stack.settled(SETTLE).await.expect("settled");
    let answer = api.get("/stats").await;
    assert_eq!(answer.status, 200);
    let stats = answer.body;
    for (place, count) in [
        ("/users/created", 3),
        ("/users/suspended", 2),
        ("/users/reactivated", 1),
        ("/users/deleted", 1),
        ("/users/restored", 1),
        ("/accounts/opened", 2),
        ("/accounts/closed", 0),
        ("/currencies/EUR/deposits/count", 2),
        ("/currencies/EUR/deposits/amount", 150_000),
        ("/currencies/EUR/withdrawals/count", 1),
        ("/currencies/EUR/withdrawals/amount", 20_000),
        ("/currencies/EUR/balance_change", 130_000),
    ] {
        assert_eq!(sum(&stats, place), count, "{place} in {stats}");
    }
    assert_eq!(stats["balances"], json!({ "EUR": 130_000 }));

    let long_ago = api.get("/stats?from=2020-01-01&to=2020-02-01").await;
    assert_eq!(
        long_ago.body,
        json!({ "days": [], "balances": { "EUR": 130_000 } })
    );
    let bad = api.get("/stats?from=yesterday&to=2020-13-01").await;
    assert_eq!(
        (bad.status.as_u16(), bad.invalid()),
        (422, vec!["from", "to"])
    );
    let too_long = api.get("/stats?from=2020-01-01&to=2021-01-02").await;
    assert_eq!(too_long.invalid(), ["from"]);
    stack.stop().await;
}
