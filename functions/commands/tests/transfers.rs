//! Transfers as callers send them: whose money it is, what refuses them, and copies.

use event_store::{EventLog, MemoryEventLog, stream_name};
use serde_json::{Value, json};
use tests::gateway::Call;
use tests::http::Answer;
use tests::sandbox::{Right, Sandbox};
use uuid::Uuid;

/// A sandbox, and four accounts: two in euros, one in dollars, one in euros that is closed. The first is Sarah's.
struct Bank {
    sandbox: Sandbox<MemoryEventLog, Right>,
    euros: [Uuid; 2],
    dollars: Uuid,
    closed: Uuid,
}

impl Bank {
    async fn new() -> Self {
        let sandbox = Sandbox::new(MemoryEventLog::default(), Right);
        let ids: [Uuid; 4] = std::array::from_fn(|_| Uuid::now_v7());
        let of = [("EUR", 100), ("EUR", 100), ("USD", 100), ("EUR", 0)];
        for (id, (currency, balance)) in ids.into_iter().zip(of) {
            let mut body = json!({
                "id": id, "account_number": id.simple().to_string(), "currency": currency, "initial_deposit": balance,
            });
            if id == ids[0] {
                body["owner"] = json!("sarah");
            }
            assert_eq!(
                sandbox
                    .call(&Call::new("POST /accounts", body))
                    .await
                    .status,
                202
            );
        }
        let [one, other, dollars, closed] = ids;
        let bank = Self {
            sandbox,
            euros: [one, other],
            dollars,
            closed,
        };
        assert_eq!(bank.close(closed).await.status, 202);
        bank
    }

    async fn close(&self, id: Uuid) -> Answer {
        let close = Call::on(id, "POST /accounts/{id}/closure", json!({}));
        self.sandbox.call(&close).await
    }

    /// Sends 30 from the first account to the second.
    fn usual(&self) -> Call {
        transfer(self.euros[0], self.euros[1], 30)
    }

    /// How many commits there are: in the four accounts, and in the transfer of this id.
    async fn commits(&self, transfer: &Value) -> [usize; 5] {
        let [one, other] = self.euros;
        let accounts = [one, other, self.dollars, self.closed].map(|id| stream_name("account", id));
        let transfer = format!("transfer-{}", transfer.as_str().unwrap_or_default());
        let mut commits = [0; 5];
        for (count, name) in commits.iter_mut().zip(accounts.iter().chain([&transfer])) {
            let found = self
                .sandbox
                .log()
                .read(name, 1..=u64::MAX, usize::MAX)
                .await;
            *count = found.expect("readable").len();
        }
        commits
    }

    /// Whether nothing was written since the accounts were opened.
    async fn is_untouched(&self, transfer: Uuid) -> bool {
        self.commits(&json!(transfer)).await == [1, 1, 1, 2, 0]
    }
}

fn transfer(from: Uuid, to: Uuid, amount: i64) -> Call {
    Call::new(
        "POST /transfers",
        json!({ "from": from, "to": to, "amount": amount }),
    )
}

fn is_replayed(answer: &Answer) -> bool {
    answer.headers.contains_key("idempotent-replayed")
}

#[tokio::test]
async fn a_transfer_says_where_both_accounts_are_now() {
    let bank = Bank::new().await;
    let [from, to] = bank.euros;
    let made = bank.sandbox.call(&bank.usual().keyed("key")).await;
    assert_eq!(made.status, 202, "{made:?}");
    let accounts = json!([{ "id": from, "version": 2 }, { "id": to, "version": 2 }]);
    assert_eq!(made.body["accounts"], accounts);
    assert_eq!(
        (&made.body["version"], &made.body["status"]),
        (&json!(1), &json!("accepted"))
    );
    assert_eq!(
        made.headers["location"],
        format!(
            "/transfers/{}?min_version=1",
            made.body["id"].as_str().expect("an id")
        )
    );
    assert!(!is_replayed(&made));
    assert_eq!(bank.commits(&made.body["id"]).await, [2, 2, 1, 2, 1]);
}

#[tokio::test]
async fn what_is_refused_leaves_no_trace() {
    let bank = Bank::new().await;
    let ([one, other], unknown, id) = (bank.euros, Uuid::now_v7(), Uuid::now_v7());
    let cases = [
        (one, bank.dollars, 30, 409, "currency-mismatch", json!("to")),
        (unknown, one, 30, 404, "unknown-account", json!("from")),
        (one, unknown, 30, 404, "unknown-account", json!("to")),
        (bank.closed, one, 30, 409, "account-closed", json!("from")),
        (one, bank.closed, 30, 409, "account-closed", json!("to")),
        (one, other, 101, 409, "insufficient-funds", json!("from")),
    ];
    for (from, to, amount, status, problem, field) in cases {
        let mut call = transfer(from, to, amount).keyed(problem);
        call.body["id"] = json!(id);
        for _ in 0..2 {
            let refused = bank.sandbox.call(&call).await;
            let told = (
                refused.status.as_u16(),
                refused.problem(),
                &refused.body["field"],
            );
            assert_eq!(told, (status, problem, &field), "{refused:?}");
        }
        assert!(bank.is_untouched(id).await, "{problem}");
    }
    let mut to_itself = transfer(one, one, 30);
    to_itself.body["id"] = json!(id);
    let refused = bank.sandbox.call(&to_itself).await;
    assert_eq!(
        (refused.status.as_u16(), refused.invalid()),
        (422, vec!["to"])
    );
    assert!(bank.is_untouched(id).await);
}

#[tokio::test]
async fn with_self_alone_a_caller_sends_what_is_theirs() {
    let bank = Bank::new().await;
    let [of_sarah, other] = bank.euros;
    let (id, unknown) = (Uuid::now_v7(), Uuid::now_v7());
    for call in [
        bank.usual().by_owner("mallory"),
        transfer(other, of_sarah, 30).by_owner("sarah"),
        transfer(unknown, of_sarah, 30).by_owner("sarah"),
        bank.usual().by("sarah", "accounts:read users:write"),
    ] {
        let mut call = call;
        call.body["id"] = json!(id);
        let refused = bank.sandbox.call(&call).await;
        assert_eq!(
            (refused.status.as_u16(), refused.problem()),
            (403, "forbidden"),
            "{call:?}"
        );
        assert!(bank.is_untouched(id).await, "{call:?}");
    }
    let made = bank.sandbox.call(&bank.usual().by_owner("sarah")).await;
    assert_eq!(made.status, 202, "{made:?}");
}

#[tokio::test]
async fn a_repeated_transfer_is_made_once_whatever_came_between() {
    let bank = Bank::new().await;
    let [from, to] = bank.euros;
    let call = transfer(from, to, 100).keyed("key");
    let first = bank.sandbox.call(&call).await;
    assert_eq!(first.status, 202, "{first:?}");
    assert_eq!(bank.close(from).await.status, 202);
    let cold = Sandbox::cold(bank.sandbox.log().clone(), Right);
    let other_warm = Sandbox::new(bank.sandbox.log().clone(), Right);
    for sandbox in [&bank.sandbox, &cold, &other_warm] {
        let again = sandbox.call(&call).await;
        assert!(is_replayed(&again), "{again:?}");
        assert_eq!((again.status, &again.body), (first.status, &first.body));
        assert_eq!(again.headers["location"], first.headers["location"]);
        let other = sandbox.call(&transfer(from, to, 99).keyed("key")).await;
        let told = (other.status.as_u16(), other.problem());
        assert_eq!(told, (422, "idempotency-key-reused"));
    }
    assert_eq!(bank.commits(&first.body["id"]).await, [3, 2, 1, 2, 1]);
}

#[tokio::test]
async fn one_key_is_not_for_two_transfers_that_callers_named() {
    let bank = Bank::new().await;
    let named = |id: Uuid| {
        let mut call = bank.usual().keyed("key");
        call.body["id"] = json!(id);
        call
    };
    let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
    assert_eq!(bank.sandbox.call(&named(one)).await.status, 202);
    let refused = bank.sandbox.call(&named(other)).await;
    assert_eq!(refused.problem(), "idempotency-key-reused");
    let taken = bank.sandbox.call(&named(one).keyed("other")).await;
    assert_eq!(
        (taken.status.as_u16(), taken.problem()),
        (409, "transfer-exists")
    );
    assert_eq!(bank.commits(&json!(other)).await, [2, 2, 1, 2, 0]);
}

#[tokio::test]
async fn a_transfer_whose_answer_was_lost_is_not_made_again() {
    let bank = Bank::new().await;
    bank.sandbox.log().lose_replies(1);
    let call = bank.usual().keyed("key");
    assert_eq!(bank.sandbox.call(&call).await.status, 503);
    let again = bank.sandbox.call(&call).await;
    assert!(again.status == 202 && is_replayed(&again), "{again:?}");
    assert_eq!(bank.commits(&again.body["id"]).await, [2, 2, 1, 2, 1]);
}

#[tokio::test]
async fn a_transfer_is_in_the_currency_of_the_account_that_sends() {
    let bank = Bank::new().await;
    let other = Uuid::now_v7();
    let body =
        json!({ "id": other, "account_number": "5", "currency": "USD", "initial_deposit": 0 });
    let opened = bank.sandbox.call(&Call::new("POST /accounts", body)).await;
    assert_eq!(opened.status, 202);
    let mismatch = transfer(bank.dollars, bank.euros[0], 30);
    let refused = bank.sandbox.call(&mismatch).await;
    assert_eq!(
        (refused.problem(), &refused.body["sends"]),
        ("currency-mismatch", &json!("USD"))
    );
    let made = bank.sandbox.call(&transfer(bank.dollars, other, 30)).await;
    assert_eq!(made.status, 202, "{made:?}");
    let stream = format!("transfer-{}", made.id());
    let commits = bank.sandbox.log().read(&stream, 1..=1, 1).await;
    let events = &commits.expect("readable")[0].events;
    assert!(events.contains(r#""currency":"USD""#), "{events}");
}

#[tokio::test]
async fn a_transfer_that_is_to_be_new_is_at_version_0() {
    let bank = Bank::new().await;
    for (version, status) in [(1, 412), (0, 202)] {
        let answer = bank.sandbox.call(&bank.usual().expecting(version)).await;
        assert_eq!(answer.status, status);
    }
}
