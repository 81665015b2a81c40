//! Money is conserved: the sum of all balances changes only by opening deposits, deposits and withdrawals.

mod books;
mod property;

use books::Books;
use event_store::{DynamoDbEventLog, ServiceClock};
use fastrand::Rng;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;
use tests::backend::Backend;
use tests::gateway::Call;
use tests::http::Answer;
use tests::on_each_backend;
use tests::sandbox::Sandbox;
use tokio::task::JoinSet;
use uuid::Uuid;

on_each_backend! {
    copies_of_one_transfer_at_once_make_one
    what_comes_in_less_what_goes_out_is_there_however_often_it_was_asked_for
}

/// How often a call is sent before it should have settled.
const PATIENCE: usize = 200;

fn sandbox(backend: &Backend) -> Sandbox<DynamoDbEventLog, ServiceClock> {
    Sandbox::new(backend.log(), backend.clock.clone())
}

fn open(id: Uuid) -> Call {
    let body = json!({
        "id": id, "account_number": id.simple().to_string(), "currency": "EUR", "initial_deposit": BALANCE,
    });
    Call::new("POST /accounts", body)
}

/// Nobody knows whether it was done, or somebody else was first: the caller is asked to send it again.
fn is_unsettled(answer: &Answer) -> bool {
    answer.status == 503 || answer.problem() == "conflict"
}

async fn what_comes_in_less_what_goes_out_is_there_however_often_it_was_asked_for(
    backend: &Backend,
) {
    let (id, sandbox) = (Uuid::now_v7(), sandbox(backend));
    let open = json!({
        "id": id, "account_number": "ACC-001", "currency": "EUR", "initial_deposit": 100_000,
    });
    let calls = [
        Call::new("POST /accounts", open),
        Call::on(
            id,
            "POST /accounts/{id}/deposits",
            json!({ "amount": 50_000 }),
        ),
        Call::on(
            id,
            "POST /accounts/{id}/withdrawals",
            json!({ "amount": 20_000 }),
        ),
    ];
    for (call, version) in calls.into_iter().zip(1..) {
        let call = call.keyed(format!("key-{version}"));
        let first = sandbox.call(&call).await;
        assert_eq!(
            (first.status.as_u16(), &first.body["version"]),
            (202, &json!(version))
        );
        assert!(!first.headers.contains_key("idempotent-replayed"));
        for _ in 0..2 {
            let again = sandbox.call(&call).await;
            assert_eq!(again.body, first.body);
            assert!(again.headers.contains_key("idempotent-replayed"));
        }
    }
    let books = Books::read(backend).await;
    assert_eq!((books.sum(), books.events(id)), (130_000, 3));
}

async fn copies_of_one_transfer_at_once_make_one(backend: &Backend) {
    let (opener, ids) = (sandbox(backend), [Uuid::now_v7(), Uuid::now_v7()]);
    for id in ids {
        assert_eq!(opener.call(&open(id)).await.status, 202);
    }
    let call = Call::new(
        "POST /transfers",
        json!({ "from": ids[0], "to": ids[1], "amount": BALANCE }),
    )
    .keyed("key");
    let sandboxes: Vec<_> = (0..4).map(|_| sandbox(backend)).collect();
    let answers = join_all(sandboxes.iter().map(|sandbox| sandbox.call(&call))).await;
    for answer in answers {
        let answer = if is_unsettled(&answer) {
            opener.call(&call).await
        } else {
            answer
        };
        assert_eq!(answer.status, 202, "{answer:?}");
    }
    let books = Books::read(backend).await;
    assert_eq!((books.transfers, books.sum()), (1, 2 * BALANCE));
}

const WRITERS: usize = 16;
const ACCOUNTS: usize = 50;
const TRANSFERS: usize = 2_000;
/// In each account at first.
const BALANCE: i64 = 1_000;

/// What came of a writer's transfers.
#[derive(Debug, Default)]
struct Told {
    made: Vec<Value>,
    insufficient: usize,
    sent_again: usize,
}

/// On DynamoDB Local, whose races are real, and on two threads, so that ours are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_transfers_by_many_writers_keep_the_sum() {
    let backend = &Backend::dynamodb_local().await;
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let ids: Arc<[Uuid]> = (0..ACCOUNTS).map(|_| Uuid::now_v7()).collect();
    let opener = sandbox(backend);
    for id in ids.iter() {
        let opened = opener.call(&open(*id)).await;
        assert_eq!(opened.status, 202, "{opened:?}");
    }
    let (began, mut writers) = (Instant::now(), JoinSet::new());
    for writer in 0..WRITERS {
        let (sandbox, ids) = (sandbox(backend), ids.clone());
        let rng = Rng::with_seed(seed.wrapping_add(writer as u64));
        writers.spawn(transfers(sandbox, ids, writer, rng));
    }
    let told = writers.join_all().await;
    let sum = |count: fn(&Told) -> usize| told.iter().map(count).sum::<usize>();
    let (made, insufficient) = (sum(|told| told.made.len()), sum(|told| told.insufficient));
    println!(
        "{made} made, {insufficient} refused, {} sent again after a conflict, in {:?}",
        sum(|told| told.sent_again),
        began.elapsed()
    );
    assert_eq!(made + insufficient, TRANSFERS);
    let ids: HashSet<_> = told.iter().flat_map(|told| &told.made).collect();
    let books = Books::read(backend).await;
    assert_eq!((ids.len(), books.transfers), (made, made));
    assert_eq!(books.accounts(), ACCOUNTS);
    assert_eq!(books.sum(), ACCOUNTS as i64 * BALANCE);
}

/// One writer's transfers; a tenth of those that were made are sent once more.
async fn transfers(
    sandbox: Sandbox<DynamoDbEventLog, ServiceClock>,
    ids: Arc<[Uuid]>,
    writer: usize,
    mut rng: Rng,
) -> Told {
    let mut told = Told::default();
    for number in 0..TRANSFERS / WRITERS {
        let from = rng.usize(..ACCOUNTS);
        let to = (from + rng.usize(1..ACCOUNTS)) % ACCOUNTS;
        let body = json!({ "from": ids[from], "to": ids[to], "amount": rng.i64(1..=BALANCE / 2) });
        let call = Call::new("POST /transfers", body).keyed(format!("key-{writer}-{number}"));
        let mut answer = sandbox.call(&call).await;
        for _ in 0..PATIENCE {
            if !is_unsettled(&answer) {
                break;
            }
            told.sent_again += 1;
            answer = sandbox.call(&call).await;
        }
        if answer.status != 202 {
            assert_eq!(answer.problem(), "insufficient-funds", "{answer:?}");
            told.insufficient += 1;
            continue;
        }
        if rng.u8(..10) == 0 {
            let again = sandbox.call(&call).await;
            assert_eq!((&again.status, &again.body), (&answer.status, &answer.body));
        }
        told.made.push(answer.body["id"].clone());
    }
    told
}
