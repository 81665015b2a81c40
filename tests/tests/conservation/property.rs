//! Whatever is asked for, by whomever at once, with copies and lost replies: the books are what the accepted answers say.

use crate::books::Books;
use crate::{PATIENCE, is_unsettled};
use event_store::{DynamoDbEventLog, ServiceClock};
use fastrand::Rng;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use tests::backend::Backend;
use tests::gateway::Call;
use tests::http::Answer;
use tests::losing::Losing;
use tests::on_each_backend;
use tests::sandbox::Sandbox;
use tokio::task::JoinSet;
use uuid::Uuid;

on_each_backend! {
    the_sum_is_what_the_accepted_answers_say
}

const WRITERS: usize = 6;
const COMMANDS: usize = 60;
/// The last but one is in another currency, and the last is never opened.
const ACCOUNTS: usize = 7;

/// What the writers share.
struct World {
    sandboxes: Vec<Sandbox<Losing<DynamoDbEventLog>, ServiceClock>>,
    accounts: Vec<Uuid>,
}

/// A command that was accepted, with its first answer.
struct Accepted {
    call: Call,
    body: Value,
}

async fn the_sum_is_what_the_accepted_answers_say(backend: &Backend) {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut sandboxes = Vec::new();
    for number in 0..WRITERS as u64 {
        let wire = backend.log_that_loses_one_reply_to(&["TransactWriteItems"]);
        let log = Losing {
            log: wire.await,
            rng: Mutex::new(Rng::with_seed(seed ^ number)),
            one_in: 12,
        };
        sandboxes.push(Sandbox::new(log, backend.clock.clone()));
    }
    let world = Arc::new(World {
        sandboxes,
        accounts: (0..ACCOUNTS).map(|_| Uuid::now_v7()).collect(),
    });
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let rng = Rng::with_seed(seed.wrapping_add(1 + writer as u64));
        writers.spawn(write(world.clone(), writer, rng));
    }
    let accepted: Vec<_> = writers.join_all().await.into_iter().flatten().collect();
    let books = Books::read(backend).await;
    println!("{} accepted, {} transfers", accepted.len(), books.transfers);
    check(&world, &accepted, &books);
}

/// One writer's commands: those that were accepted.
async fn write(world: Arc<World>, writer: usize, mut rng: Rng) -> Vec<Accepted> {
    let mut accepted = Vec::new();
    for number in 0..COMMANDS {
        let mut call = world.any_call(&mut rng);
        let mut copies = 0;
        if rng.u8(..8) > 0 {
            call = call.keyed(format!("key-{writer}-{number}"));
            copies = rng.usize(0..=2);
        }
        let wheres: Vec<_> = (0..=copies).map(|_| rng.usize(..WRITERS)).collect();
        let answers = if rng.bool() {
            join_all(wheres.iter().map(|at| world.settle(*at, &call))).await
        } else {
            let mut answers: Vec<Answer> = Vec::new();
            for at in wheres {
                let answer = world.settle(at, &call).await;
                let was_accepted = answers.iter().any(|answer| answer.status == 202);
                assert!(
                    !was_accepted || answer.status == 202,
                    "{call:?}: {answers:?}, then {answer:?}"
                );
                answers.push(answer);
            }
            answers
        };
        let mut bodies = answers.into_iter().filter(|answer| answer.status == 202);
        if let Some(Answer { body, .. }) = bodies.next() {
            for copy in bodies {
                assert_eq!(copy.body, body, "{call:?}");
            }
            accepted.push(Accepted { call, body });
        }
    }
    accepted
}

impl World {
    /// Sends a call until it is answered for good.
    async fn settle(&self, sandbox: usize, call: &Call) -> Answer {
        for _ in 0..PATIENCE {
            let answer = self.sandboxes[sandbox].call(call).await;
            if is_unsettled(&answer) {
                continue;
            }
            assert!(
                [202, 404, 409, 422].contains(&answer.status.as_u16()),
                "{call:?}: {answer:?}"
            );
            return answer;
        }
        panic!("{call:?} does not settle");
    }

    /// A command that may be refused, or be none at all.
    fn any_call(&self, rng: &mut Rng) -> Call {
        let (number, other) = (rng.usize(..ACCOUNTS), rng.usize(..ACCOUNTS));
        let (id, amount) = (self.accounts[number], rng.i64(0..300));
        match rng.u8(..20) {
            0..4 if number < ACCOUNTS - 1 => {
                let currency = if number == ACCOUNTS - 2 { "USD" } else { "EUR" };
                // OK because now and then two accounts want one number.
                let named = self.accounts[if rng.u8(..5) == 0 { other } else { number }];
                let body = json!({
                    "id": id, "account_number": named.simple().to_string(), "currency": currency,
                    "initial_deposit": amount, "overdraft_limit": rng.i64(0..100),
                });
                Call::new("POST /accounts", body)
            }
            0..8 => Call::on(
                id,
                "POST /accounts/{id}/deposits",
                json!({ "amount": amount }),
            ),
            8..11 => Call::on(
                id,
                "POST /accounts/{id}/withdrawals",
                json!({ "amount": amount }),
            ),
            11 => Call::on(id, "POST /accounts/{id}/closure", json!({})),
            _ => {
                let body = json!({ "from": id, "to": self.accounts[other], "amount": amount });
                Call::new("POST /transfers", body)
            }
        }
    }
}

/// The books say what the accepted answers say, and nothing else.
fn check(world: &World, accepted: &[Accepted], books: &Books) {
    let (mut sum, mut transfers) = (0, 0);
    let (mut events, mut ids) = (BTreeMap::<Uuid, usize>::new(), BTreeSet::new());
    let uuid = |value: &Value| serde_json::from_value::<Uuid>(value.clone()).expect("an id");
    for Accepted { call, body } in accepted {
        let appended = body["event_ids"].as_array().expect("ids");
        // OK because to close what is closed is accepted, and appends nothing.
        if appended.is_empty() {
            assert!(call.route.ends_with("closure"), "{call:?}: {body}");
            continue;
        }
        let amount = call.body["amount"].as_i64();
        sum += match call.route {
            "POST /accounts" => call.body["initial_deposit"].as_i64().expect("an amount"),
            "POST /accounts/{id}/deposits" => amount.expect("an amount"),
            "POST /accounts/{id}/withdrawals" => -amount.expect("an amount"),
            _ => 0,
        };
        if call.route == "POST /transfers" {
            transfers += 1;
            for side in ["from", "to"] {
                *events.entry(uuid(&call.body[side])).or_default() += 1;
            }
            continue;
        }
        *events.entry(uuid(&body["id"])).or_default() += 1;
        for id in appended {
            assert!(ids.insert(uuid(id).to_string()), "{call:?}: {body}");
        }
    }
    assert_eq!(books.sum(), sum);
    assert_eq!(books.transfers, transfers);
    for account in &world.accounts {
        let expected = events.get(account).copied().unwrap_or_default();
        assert_eq!(books.events(*account), expected, "{account}");
    }
    let stored: BTreeSet<_> = books.event_ids().into_iter().collect();
    assert!(ids.is_subset(&stored), "what was answered is stored");
}
