//! What movements of money cost through the functions that take them, in requests and in units.

use event_store::{DynamoDbEventLog, EventLog, ServiceClock};
use serde_json::json;
use tests::backend::Backend;
use tests::gateway::Call;
use tests::meter::Meter;
use tests::on_each_backend;
use tests::sandbox::Sandbox;
use uuid::Uuid;

on_each_backend! {
    a_deposit_under_a_key_is_one_transaction_of_four_units
}

type Functions = Sandbox<DynamoDbEventLog, ServiceClock>;

/// Two accounts, opened by a sandbox that is warm then.
async fn opened(backend: &Backend) -> (Functions, DynamoDbEventLog, Meter, [Uuid; 2]) {
    let (log, meter) = backend.metered_log().await;
    let none = log.read("account-none", 1..=1, 1).await;
    none.expect("the clock is checked");
    let sandbox = Sandbox::new(log.clone(), backend.clock.clone());
    let ids = [Uuid::now_v7(), Uuid::now_v7()];
    for id in ids {
        let body = json!({
            "id": id, "account_number": id.simple().to_string(), "currency": "EUR", "initial_deposit": 100,
        });
        let opened = sandbox.call(&Call::new("POST /accounts", body)).await;
        assert_eq!(opened.status, 202);
    }
    meter.take();
    (sandbox, log, meter, ids)
}

/// What a call costs.
async fn cost(sandbox: &Functions, meter: &Meter, call: Call) -> Vec<(String, f64)> {
    let answer = sandbox.call(&call.keyed(Uuid::now_v7().to_string())).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let billed = meter.take().into_iter();
    billed
        .map(|billed| (billed.operation, billed.units))
        .collect()
}

fn requests<const N: usize>(requests: [(&str, f64); N]) -> Vec<(String, f64)> {
    requests
        .map(|(operation, units)| (operation.to_owned(), units))
        .into()
}

async fn a_deposit_under_a_key_is_one_transaction_of_four_units(backend: &Backend) {
    let (warm, log, meter, [id, _]) = opened(backend).await;
    let deposit = || Call::on(id, "POST /accounts/{id}/deposits", json!({ "amount": 5 }));
    let written = ("TransactWriteItems", 4.0);
    assert_eq!(cost(&warm, &meter, deposit()).await, requests([written]));
    let cold = Sandbox::cold(log, backend.clock.clone());
    let read = ("Query", 1.0);
    assert_eq!(
        cost(&cold, &meter, deposit()).await,
        requests([read, written])
    );
}

/// Not on DynamoDB Local, which reports 4 units: those of one item for each of the two tables.
#[tokio::test]
async fn a_transfer_is_one_transaction_of_eight_units() {
    let backend = &Backend::embedded().await;
    let (sandbox, log, meter, [from, to]) = opened(backend).await;
    let transfer = || {
        Call::new(
            "POST /transfers",
            json!({ "from": from, "to": to, "amount": 5 }),
        )
    };
    let written = ("TransactWriteItems", 8.0);
    let read = ("Query", 1.0);
    let first = cost(&sandbox, &meter, transfer()).await;
    assert_eq!(first, requests([read, read, written]), "it is cold");
    let second = cost(&sandbox, &meter, transfer()).await;
    assert_eq!(second, requests([written]), "it is warm");
    let with_snapshots = cost(&sandbox, &meter, transfer()).await;
    assert_eq!(with_snapshots, requests([("TransactWriteItems", 12.0)]));
    let cold = Sandbox::cold(log, backend.clock.clone());
    assert_eq!(
        cost(&cold, &meter, transfer()).await,
        requests([read, read, written])
    );
}
