//! Commands for accounts as callers send them: whose account it is, and copies.

use domain::Account;
use event_store::{MemoryEventLog, Stream, stream_name};
use serde_json::{Value, json};
use tests::gateway::Call;
use tests::http::Answer;
use tests::sandbox::{Right, Sandbox};
use uuid::Uuid;

const ROUTES: [(&str, &str); 3] = [
    ("POST /accounts/{id}/deposits", r#"{"amount":1}"#),
    ("POST /accounts/{id}/withdrawals", r#"{"amount":1}"#),
    ("POST /accounts/{id}/closure", "{}"),
];

fn sandbox() -> Sandbox<MemoryEventLog, Right> {
    Sandbox::new(MemoryEventLog::default(), Right)
}

fn open(id: Uuid, owner: Option<&str>) -> Call {
    let mut body =
        json!({ "id": id, "account_number": "1", "currency": "EUR", "initial_deposit": 0 });
    if let Some(owner) = owner {
        body["owner"] = json!(owner);
    }
    Call::new("POST /accounts", body)
}

fn calls(id: Uuid) -> impl Iterator<Item = Call> {
    let body = |body| serde_json::from_str::<Value>(body).expect("JSON");
    ROUTES
        .into_iter()
        .map(move |(route, text)| Call::on(id, route, body(text)))
}

async fn version(sandbox: &Sandbox<MemoryEventLog, Right>, id: Uuid) -> u64 {
    let stream = Stream::<Account>::load(sandbox.log(), &stream_name("account", id)).await;
    stream.expect("readable").version
}

fn told(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), answer.problem())
}

#[tokio::test]
async fn an_owner_opens_pays_in_draws_on_and_closes_their_own() {
    let (sandbox, id) = (sandbox(), Uuid::now_v7());
    let opened = sandbox
        .call(&open(id, Some("sarah")).by_owner("sarah"))
        .await;
    assert_eq!(told(&opened), (202, ""));
    for (call, version) in calls(id).zip(2..) {
        let done = sandbox.call(&call.by_owner("sarah")).await;
        assert_eq!(
            (told(&done), &done.body["version"]),
            ((202, ""), &json!(version))
        );
    }
}

#[tokio::test]
async fn with_self_alone_nobody_reaches_what_is_not_theirs() {
    let sandbox = sandbox();
    let (of_sarah, of_nobody, unknown) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    for owner in [None, Some("sarah")] {
        let opened = sandbox
            .call(&open(unknown, owner).by_owner("mallory"))
            .await;
        assert_eq!(told(&opened), (403, "forbidden"), "{owner:?}");
    }
    let opened = sandbox.call(&open(of_sarah, Some("sarah"))).await;
    assert_eq!(told(&opened), (202, ""));
    let mut nobodys = open(of_nobody, None);
    nobodys.body["account_number"] = json!("2");
    assert_eq!(told(&sandbox.call(&nobodys).await), (202, ""));
    for (id, at) in [(of_sarah, 1), (of_nobody, 1), (unknown, 0)] {
        for call in calls(id) {
            let refused = sandbox.call(&call.by_owner("mallory")).await;
            assert_eq!(told(&refused), (403, "forbidden"));
            assert_eq!(refused.body["scope"], "accounts:write");
        }
        assert_eq!(version(&sandbox, id).await, at);
    }
}

#[tokio::test]
async fn a_caller_needs_the_scope_of_accounts() {
    let (sandbox, id) = (sandbox(), Uuid::now_v7());
    assert_eq!(
        told(&sandbox.call(&open(id, Some("sarah"))).await),
        (202, "")
    );
    for scopes in ["", "users:write accounts:read audit:read"] {
        for call in calls(id) {
            let refused = sandbox.call(&call.by("sarah", scopes)).await;
            assert_eq!(told(&refused), (403, "forbidden"), "{scopes:?}");
        }
    }
    assert_eq!(version(&sandbox, id).await, 1);
}

#[tokio::test]
async fn a_repeated_deposit_is_made_once_and_another_one_takes_another_key() {
    let (warm, id) = (sandbox(), Uuid::now_v7());
    let cold = Sandbox::cold(warm.log().clone(), Right);
    warm.call(&open(id, None)).await;
    let deposit = |amount: i64| Call::on(id, ROUTES[0].0, json!({ "amount": amount })).keyed("key");
    let first = warm.call(&deposit(5)).await;
    assert!(!first.headers.contains_key("idempotent-replayed"));
    assert_eq!(
        first.headers["location"],
        format!("/accounts/{id}?min_version=2")
    );
    warm.call(&Call::on(id, ROUTES[0].0, json!({ "amount": 1 })))
        .await;
    for sandbox in [&warm, &cold] {
        let again = sandbox.call(&deposit(5)).await;
        assert_eq!(again.headers["idempotent-replayed"], "true");
        assert_eq!(
            (again.status, again.body),
            (first.status, first.body.clone())
        );
        let other = sandbox.call(&deposit(6)).await;
        assert_eq!(told(&other), (422, "idempotency-key-reused"));
    }
    assert_eq!(version(&warm, id).await, 3);
}
