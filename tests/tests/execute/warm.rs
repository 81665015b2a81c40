//! Commands of a sandbox that remembers: when it need not read, and when it must.

use chrono::TimeDelta;
use event_store::{Cache, DynamoDbEventLog, ExecuteError, Part, execute};
use tests::account::{Account, Command, Refusal, load, run, unkeyed};
use tests::backend::Backend;
use tests::machine::Machine;
use tests::on_each_backend;

on_each_backend! {
    a_command_on_a_stream_seen_before_reads_nothing
    a_refusal_on_a_guess_is_checked
    nothing_to_do_on_a_guess_is_checked
    an_unexpected_version_on_a_guess_is_checked
    a_true_refusal_costs_one_read
    a_wrong_guess_reads_only_what_is_new
    a_stream_that_was_guessed_wrong_is_read_first_for_a_while
    a_stream_that_was_thought_to_be_new_is_read_first_for_a_while
    a_conflict_that_does_not_settle_is_not_guessed_again
    a_cache_is_bounded_in_bytes
    a_cache_forgets_after_a_quarter_of_an_hour
    two_warm_sandboxes_lose_nothing
}

const NAME: &str = "account-1";
const DEPOSIT: Command = Command::Deposit(1, 7);

/// A sandbox: a process with a cache of its own.
struct Sandbox<'a> {
    cache: Cache<Account>,
    log: DynamoDbEventLog,
    backend: &'a Backend,
}

impl<'a> Sandbox<'a> {
    fn new(backend: &'a Backend) -> Self {
        Self {
            cache: Cache::new(1 << 20),
            log: backend.log(),
            backend,
        }
    }

    async fn run(&self, command: &Command) -> u64 {
        let clock = &self.backend.clock;
        let done = run(&self.cache, &self.log, clock, &unkeyed(), NAME, command).await;
        done.expect("accepted").version
    }

    async fn refused(&self, command: &Command) -> ExecuteError<Refusal> {
        let clock = &self.backend.clock;
        let done = run(&self.cache, &self.log, clock, &unkeyed(), NAME, command).await;
        done.expect_err("refused")
    }

    fn requests(&self) -> Vec<String> {
        self.backend.requests.clear()
    }
}

/// Two sandboxes that both know the account, which has nothing in it.
async fn two(backend: &Backend) -> (Sandbox<'_>, Sandbox<'_>) {
    let (one, other) = (Sandbox::new(backend), Sandbox::new(backend));
    one.run(&Command::Open("1")).await;
    other.refused(&Command::Withdraw(1)).await;
    one.requests();
    (one, other)
}

async fn a_command_on_a_stream_seen_before_reads_nothing(backend: &Backend) {
    let (one, other) = two(backend).await;
    one.run(&DEPOSIT).await;
    one.run(&DEPOSIT).await;
    assert_eq!(one.requests(), ["PutItem", "PutItem"]);
    drop(other);
    let cold = Sandbox::new(backend);
    cold.run(&DEPOSIT).await;
    cold.run(&DEPOSIT).await;
    assert_eq!(one.requests(), ["Query", "PutItem", "PutItem"], "read once");
    assert_eq!(load(&cold.log, NAME).await.state.balance, 28);
}

async fn a_refusal_on_a_guess_is_checked(backend: &Backend) {
    let (one, other) = two(backend).await;
    one.run(&DEPOSIT).await;
    one.requests();
    other.run(&Command::Withdraw(7)).await;
    assert_eq!(
        one.requests(),
        ["Query", "PutItem"],
        "for all it knew there was nothing in it"
    );
}

async fn nothing_to_do_on_a_guess_is_checked(backend: &Backend) {
    let (one, other) = two(backend).await;
    one.run(&DEPOSIT).await;
    one.requests();
    assert_eq!(
        other.run(&Command::Leave).await,
        2,
        "the version that it is at"
    );
    assert_eq!(one.requests(), ["Query"]);
}

async fn an_unexpected_version_on_a_guess_is_checked(backend: &Backend) {
    let (one, other) = two(backend).await;
    one.run(&DEPOSIT).await;
    let part = Part::<Account>::new(NAME, &DEPOSIT, &other.cache).expecting(Some(2));
    let done = execute(&other.log, &backend.clock, &unkeyed(), part).await;
    assert_eq!(done.expect("as expected").version, 3);
}

async fn a_true_refusal_costs_one_read(backend: &Backend) {
    let (one, _) = two(backend).await;
    let refused = one.refused(&Command::Withdraw(1)).await;
    assert!(matches!(
        refused,
        ExecuteError::Rejected {
            error: Refusal::Insufficient(0),
            version: 1
        }
    ));
    assert_eq!(one.requests(), ["Query"]);
}

async fn a_wrong_guess_reads_only_what_is_new(backend: &Backend) {
    let (one, mut other) = two(backend).await;
    for _ in 0..5 {
        one.run(&DEPOSIT).await;
    }
    let (log, meter) = backend.metered_log().await;
    other.log = log;
    assert_eq!(other.run(&DEPOSIT).await, 7);
    let billed = meter.take();
    let operations: Vec<_> = billed
        .iter()
        .map(|request| request.operation.as_str())
        .collect();
    assert_eq!(operations, ["PutItem", "Query", "PutItem"]);
    assert!(
        billed[1].units <= 1.0,
        "five commits, and not the one before them"
    );
    assert_eq!(load(&one.log, NAME).await.state.balance, 42);
}

async fn a_stream_that_was_guessed_wrong_is_read_first_for_a_while(backend: &Backend) {
    let (one, other) = two(backend).await;
    one.run(&DEPOSIT).await;
    one.requests();
    other.run(&DEPOSIT).await;
    assert_eq!(
        one.requests(),
        ["PutItem", "Query", "PutItem"],
        "a wrong guess"
    );
    other.run(&DEPOSIT).await;
    other.run(&DEPOSIT).await;
    assert_eq!(
        one.requests(),
        ["Query", "PutItem", "Query", "PutItem"],
        "no more guesses"
    );
    other.run(&DEPOSIT).await;
    assert_eq!(one.requests(), ["PutItem"], "three in a row were its own");
    one.run(&DEPOSIT).await;
    one.requests();
    other.refused(&Command::Withdraw(1_000)).await;
    other.run(&DEPOSIT).await;
    assert_eq!(
        one.requests(),
        ["Query", "Query", "PutItem"],
        "another's commit was found"
    );
}

async fn a_stream_that_was_thought_to_be_new_is_read_first_for_a_while(backend: &Backend) {
    let (one, other) = (Sandbox::new(backend), Sandbox::new(backend));
    one.run(&Command::Open("1")).await;
    one.requests();
    other.refused(&Command::Open("1")).await;
    assert_eq!(one.requests(), ["TransactWriteItems", "Query"]);
    other.run(&DEPOSIT).await;
    assert_eq!(one.requests(), ["Query", "PutItem"], "no more guesses");
}

async fn a_conflict_that_does_not_settle_is_not_guessed_again(backend: &Backend) {
    let (one, other) = two(backend).await;
    let mut others = Vec::new();
    for _ in 0..3 {
        // What a third sandbox writes each time, just before this one.
        let (memory, cache) = (event_store::MemoryEventLog::default(), Cache::none());
        let log = backend.log();
        for commit in event_store::EventLog::read(&log, NAME, 1..=u64::MAX, 100)
            .await
            .expect("readable")
        {
            event_store::EventLog::append(&memory, &event_store::Batch::of(commit))
                .await
                .expect("copied");
        }
        for batch in &others {
            event_store::EventLog::append(&memory, batch)
                .await
                .expect("copied");
        }
        run(&cache, &memory, &backend.clock, &unkeyed(), NAME, &DEPOSIT)
            .await
            .expect("deposited");
        let newest = event_store::EventLog::newest(&memory, NAME, 1..=u64::MAX, 1).await;
        others.push(event_store::Batch::of(newest.expect("readable").remove(0)));
    }
    others.reverse();
    let others = std::sync::Mutex::new(others);
    let log = tests::interfere::Interfering {
        log: backend.log(),
        others,
    };
    let lost = run(
        &other.cache,
        &log,
        &backend.clock,
        &unkeyed(),
        NAME,
        &DEPOSIT,
    )
    .await;
    assert!(matches!(lost, Err(ExecuteError::Conflict)), "{lost:?}");
    one.requests();
    assert_eq!(other.run(&DEPOSIT).await, 5);
    assert_eq!(one.requests(), ["Query", "PutItem"]);
}

async fn a_cache_is_bounded_in_bytes(backend: &Backend) {
    let (log, clock) = (backend.log(), &backend.clock);
    let cache = Cache::<Account>::new(10_000);
    let numbers = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"];
    for number in numbers {
        let name = format!("account-{number}");
        run(
            &cache,
            &log,
            clock,
            &unkeyed(),
            &name,
            &Command::Open(number),
        )
        .await
        .expect("opened");
        let (streams, bytes) = cache.size();
        assert!(
            bytes <= 10_000 && streams > 0,
            "{streams} streams, {bytes} bytes"
        );
    }
    assert!(cache.size().0 < numbers.len());
    backend.requests.clear();
    run(&cache, &log, clock, &unkeyed(), "account-10", &DEPOSIT)
        .await
        .expect("deposited");
    assert_eq!(backend.requests.clear(), ["PutItem"], "the last is kept");
    run(&cache, &log, clock, &unkeyed(), "account-1", &DEPOSIT)
        .await
        .expect("deposited");
    assert_eq!(
        backend.requests.clear(),
        ["Query", "PutItem"],
        "the first is not"
    );
    let tiny = Cache::<Account>::new(10);
    run(&tiny, &log, clock, &unkeyed(), "account-1", &DEPOSIT)
        .await
        .expect("deposited");
    assert_eq!(
        tiny.size(),
        (0, 0),
        "what is larger than all of it is not kept"
    );
}

async fn a_cache_forgets_after_a_quarter_of_an_hour(backend: &Backend) {
    /// A clock that is always right, on a machine where time passes.
    struct Right(Machine);
    impl event_store::Clock for Right {
        fn now(&self) -> Result<chrono::DateTime<chrono::Utc>, event_store::ClockOff> {
            self.0.clock().now()
        }
    }
    let (clock, cache, log) = (
        Right(Machine::default()),
        Cache::new(1 << 20),
        backend.log(),
    );
    run(&cache, &log, &clock, &unkeyed(), NAME, &Command::Open("1"))
        .await
        .expect("opened");
    clock.0.pass(TimeDelta::minutes(14));
    backend.requests.clear();
    run(&cache, &log, &clock, &unkeyed(), NAME, &DEPOSIT)
        .await
        .expect("deposited");
    assert_eq!(backend.requests.clear(), ["PutItem"]);
    clock.0.pass(TimeDelta::minutes(16));
    run(&cache, &log, &clock, &unkeyed(), NAME, &DEPOSIT)
        .await
        .expect("deposited");
    assert_eq!(backend.requests.clear(), ["Query", "PutItem"]);
    clock.0.pass(TimeDelta::minutes(16));
    run(
        &cache,
        &log,
        &clock,
        &unkeyed(),
        "account-2",
        &Command::Open("2"),
    )
    .await
    .expect("opened");
    assert_eq!(cache.size().0, 1, "what nobody asks for goes, too");
}

async fn two_warm_sandboxes_lose_nothing(backend: &Backend) {
    let (one, other) = two(backend).await;
    let (ones, others) = tokio::join!(work(one), work(other));
    let account = load(&backend.log(), NAME).await;
    assert_eq!(account.version, 1 + ones + others);
    assert_eq!(account.state.balance, 7 * (ones + others));
}

/// So many of forty commands were accepted.
async fn work(sandbox: Sandbox<'_>) -> u64 {
    let mut accepted = 0;
    for _ in 0..40 {
        let clock = &sandbox.backend.clock;
        match run(
            &sandbox.cache,
            &sandbox.log,
            clock,
            &unkeyed(),
            NAME,
            &DEPOSIT,
        )
        .await
        {
            Ok(_) => accepted += 1,
            Err(error) => assert!(matches!(error, ExecuteError::Conflict), "{error:?}"),
        }
    }
    accepted
}
