//! What commands cost, in requests and in the units that DynamoDB bills.

use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use decider::Decider;
use event_store::{Cache, DynamoDbEventLog, EventLog, MemoryEventLog, RING, SNAPSHOT_EVERY};
use tests::account::{Command, run, unkeyed};
use tests::backend::Backend;
use tests::meter::Meter;
use tests::on_each_backend;
use tests::users::{create, metadata, rename, run_with};
use uuid::Uuid;

on_each_backend! {
    a_warm_command_is_one_put_of_one_unit
    a_snapshot_with_a_full_ring_costs_one_unit_more
    a_cold_command_reads_the_same_from_a_short_stream_and_from_a_long_one
    a_create_with_a_unique_value_is_one_transaction
    a_keyed_command_of_a_ledger_is_one_transaction_of_four_units
}

/// A deposit whose event has 200 bytes of data.
const DEPOSIT: Command = Command::Deposit(1, 7);

/// What was asked for since the last time, and what each request cost.
fn billed(meter: &Meter) -> Vec<(String, f64)> {
    let billed = meter.take().into_iter();
    billed
        .map(|request| (request.operation, request.units))
        .collect()
}

fn one(operation: &str, units: f64) -> (String, f64) {
    (operation.to_owned(), units)
}

/// An account and, in the cache, what it amounts to.
async fn opened(
    backend: &Backend,
    cache: &Cache<tests::account::Account>,
) -> (DynamoDbEventLog, Meter) {
    let (log, meter) = backend.metered_log().await;
    log.read("account-none", 1..=1, 1)
        .await
        .expect("the clock is checked");
    run(
        cache,
        &log,
        &backend.clock,
        &unkeyed(),
        "account-1",
        &Command::Open("1"),
    )
    .await
    .expect("opened");
    (log, meter)
}

async fn a_warm_command_is_one_put_of_one_unit(backend: &Backend) {
    let cache = Cache::new(1 << 20);
    let (log, meter) = opened(backend, &cache).await;
    billed(&meter);
    for version in 2..=4 * SNAPSHOT_EVERY {
        run(
            &cache,
            &log,
            &backend.clock,
            &unkeyed(),
            "account-1",
            &DEPOSIT,
        )
        .await
        .expect("deposited");
        assert_eq!(billed(&meter), [one("PutItem", 1.0)], "version {version}");
    }
}

async fn a_snapshot_with_a_full_ring_costs_one_unit_more(backend: &Backend) {
    let (cache, id) = (Cache::new(1 << 20), Uuid::now_v7());
    let (log, meter) = backend.metered_log().await;
    let clock = &backend.clock;
    run_with(
        &cache,
        Uuid::now_v7(),
        &log,
        clock,
        id,
        &create("sarah@example.com"),
    )
    .await
    .expect("created");
    for number in 0..RING {
        let rename = rename(&format!("Sarah {number}"));
        run_with(&cache, Uuid::now_v7(), &log, clock, id, &rename)
            .await
            .expect("renamed");
    }
    billed(&meter);
    let mut units = Vec::new();
    for number in 0..2 * SNAPSHOT_EVERY {
        let rename = rename(&format!("Sara {number}"));
        run_with(&cache, Uuid::now_v7(), &log, clock, id, &rename)
            .await
            .expect("renamed");
        units.extend(billed(&meter).into_iter().map(|(_, units)| units));
    }
    assert_eq!(
        units.iter().filter(|units| **units == 2.0).count(),
        2,
        "{units:?}"
    );
    assert_eq!(
        units.iter().sum::<f64>(),
        2.0 * (SNAPSHOT_EVERY as f64 + 1.0),
        "{units:?}"
    );
}

async fn a_cold_command_reads_the_same_from_a_short_stream_and_from_a_long_one(backend: &Backend) {
    let (log, meter) = backend.metered_log().await;
    log.read("account-none", 1..=1, 1)
        .await
        .expect("the clock is checked");
    let mut reads = Vec::new();
    for commits in [10, 10_000 - (10_000 % SNAPSHOT_EVERY) + 10 % SNAPSHOT_EVERY] {
        let name = format!("account-{commits}");
        seed(backend, &name, commits).await;
        billed(&meter);
        run(
            &Cache::none(),
            &log,
            &backend.clock,
            &unkeyed(),
            &name,
            &DEPOSIT,
        )
        .await
        .expect("deposited");
        let billed = billed(&meter);
        assert_eq!(billed[1..], [one("PutItem", 1.0)]);
        assert_eq!(billed[0].0, "Query");
        reads.push(billed[0].1);
    }
    assert_eq!(reads[0], reads[1], "however long the stream");
    assert!(reads[0] <= 4.0, "{} units", reads[0]);
}

/// Makes a stream of one-event commits in memory, and copies it.
async fn seed(backend: &Backend, name: &str, commits: usize) {
    let (memory, cache) = (MemoryEventLog::default(), Cache::new(1 << 20));
    run(
        &cache,
        &memory,
        &backend.clock,
        &unkeyed(),
        name,
        &Command::Open("1"),
    )
    .await
    .expect("opened");
    for _ in 1..commits {
        run(&cache, &memory, &backend.clock, &unkeyed(), name, &DEPOSIT)
            .await
            .expect("deposited");
    }
    let commits = memory
        .read(name, 1..=u64::MAX, usize::MAX)
        .await
        .expect("readable");
    for some in commits.chunks(25) {
        let request = |commit| {
            let item = serde_dynamo::to_item(commit).expect("an item");
            let put = PutRequest::builder()
                .set_item(Some(item))
                .build()
                .expect("complete");
            WriteRequest::builder().put_request(put).build()
        };
        let requests = some.iter().map(request).collect();
        let batch = backend
            .client
            .batch_write_item()
            .request_items(backend.table("events"), requests);
        batch.send().await.expect("written");
    }
}

async fn a_create_with_a_unique_value_is_one_transaction(backend: &Backend) {
    let (_, meter) = opened(backend, &Cache::none()).await;
    let billed = billed(&meter);
    assert_eq!(
        billed[1..],
        [one("TransactWriteItems", 4.0)],
        "a commit and a claim, each twice"
    );
}

async fn a_keyed_command_of_a_ledger_is_one_transaction_of_four_units(backend: &Backend) {
    assert_eq!(
        tests::account::Account::IDEMPOTENCY,
        decider::Idempotency::Ledger
    );
    let cache = Cache::new(1 << 20);
    let (log, meter) = opened(backend, &cache).await;
    billed(&meter);
    let keyed = metadata(Uuid::now_v7());
    run(&cache, &log, &backend.clock, &keyed, "account-1", &DEPOSIT)
        .await
        .expect("deposited");
    assert_eq!(billed(&meter), [one("TransactWriteItems", 4.0)]);
}
