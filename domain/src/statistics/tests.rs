use super::*;
use crate::Personal;
use crate::money::{Amount, Money};
use crate::user::Held;
use decider::Decider;
use serde_json::json;

fn at<E>(day: &str, event: E) -> Recorded<E> {
    Recorded {
        id: "event".to_owned(),
        stream_id: "stream".to_owned(),
        version: 1,
        timestamp: format!("{day}T23:59:59.999999Z"),
        event,
    }
}

/// What these events add to the counters.
fn counted<P: Projection<Document = ()>>(
    events: impl IntoIterator<Item = (&'static str, <P::Source as Decider>::Event)>,
) -> BTreeMap<String, i128> {
    let mut sums = BTreeMap::new();
    for (day, event) in events {
        for Count { counter, by } in P::counts(None, &at(day, event)) {
            *sums.entry(counter).or_default() += i128::from(by);
        }
    }
    sums
}

fn set(old: Status, new: Status) -> user::Event {
    let reason = "fraud".into();
    user::Event::UserStatusChanged { old, new, reason }
}

fn users() -> BTreeMap<String, i128> {
    use user::Event::*;
    let held = Held {
        name: Personal::Known("Sarah".into()),
        email: Personal::Known("sarah@example.com".into()),
        phone: None,
    };
    let Held { name, email, phone } = held.clone();
    let (active, suspended) = (Status::Active, Status::Suspended);
    let deleted = UserDeleted {
        held: held.clone(),
        status: active,
        reason: "asked".into(),
    };
    let renamed = UserNameChanged {
        old: name.clone(),
        new: name.clone(),
        reason: "married".into(),
    };
    counted::<UserStatistics>([
        ("2026-11-20", UserCreated { name, email, phone }),
        ("2026-11-20", set(active, suspended)),
        ("2026-11-21", set(suspended, active)),
        ("2026-11-21", set(active, suspended)),
        ("2026-11-21", set(suspended, active)),
        ("2026-11-21", deleted),
        (
            "2026-11-21",
            UserRestored {
                held,
                reason: "by mistake".into(),
            },
        ),
        ("2026-11-22", renamed),
    ])
}

fn opened(currency: &str, initial_deposit: i64) -> account::Event {
    account::Event::AccountOpened {
        account_number: "1".into(),
        owner: None,
        currency: currency.into(),
        initial_deposit: Money::of(initial_deposit),
        overdraft_limit: Money::of(0),
    }
}

fn accounts() -> BTreeMap<String, i128> {
    use account::Event::*;
    let (currency, description) = (|| "EUR".into(), None);
    let amount = Amount::of;
    let (transfer, from, to) = Default::default();
    counted::<AccountStatistics>([
        ("2026-11-20", opened("EUR", 1000)),
        ("2026-11-20", opened("JPY", 0)),
        (
            "2026-11-20",
            MoneyDeposited {
                amount: amount(500),
                currency: currency(),
                description: description.clone(),
            },
        ),
        (
            "2026-11-20",
            MoneySent {
                transfer,
                to,
                amount: amount(7),
                currency: currency(),
            },
        ),
        (
            "2026-11-21",
            MoneyReceived {
                transfer,
                from,
                amount: amount(7),
                currency: currency(),
            },
        ),
        (
            "2026-11-21",
            MoneyWithdrawn {
                amount: amount(1500),
                currency: currency(),
                description,
            },
        ),
        ("2026-11-21", AccountClosed { reason: None }),
    ])
}

#[test]
fn days_are_shown_newest_first_and_only_those_on_which_something_happened() {
    let mut counters: BTreeMap<_, _> = users().into_iter().chain(accounts()).collect();
    counters.retain(|name, _| !name.starts_with(BALANCES));
    assert_eq!(
        json!(days(&counters)),
        json!([
            {
                "day": "2026-11-21",
                "users": { "created": 0, "suspended": 1, "reactivated": 2, "deleted": 1, "restored": 1 },
                "accounts": { "opened": 0, "closed": 1 },
                "currencies": { "EUR": {
                    "deposits": { "count": 0, "amount": 0 },
                    "withdrawals": { "count": 1, "amount": 1500 },
                    "balance_change": -1500,
                } },
            },
            {
                "day": "2026-11-20",
                "users": { "created": 1, "suspended": 1, "reactivated": 0, "deleted": 0, "restored": 0 },
                "accounts": { "opened": 2, "closed": 0 },
                "currencies": { "EUR": {
                    "deposits": { "count": 2, "amount": 1500 },
                    "withdrawals": { "count": 0, "amount": 0 },
                    "balance_change": 1500,
                } },
            },
        ])
    );
}

#[test]
fn balances_are_the_sum_of_all_days() {
    let (first, last) = of_balances();
    let counters = accounts();
    let in_range = counters.range(first..=last);
    let counters = in_range.map(|(name, by)| (name.clone(), *by)).collect();
    assert_eq!(balances(&counters), BTreeMap::from([("EUR".to_owned(), 0)]));
}

#[test]
fn a_range_of_days_has_their_counters_and_no_others() {
    let (first, last) = of_days("2026-11-20", "2026-11-20");
    let counters = users();
    let names: Vec<_> = counters.range(first..=last).map(|(name, _)| name).collect();
    assert_eq!(
        names,
        ["2026-11-20#users.created", "2026-11-20#users.suspended"]
    );
}

#[test]
fn what_a_newer_build_counts_is_passed_over() {
    let counters = BTreeMap::from([
        ("2026-11-20#users.born".to_owned(), 1),
        ("2026-11-20#users.created".to_owned(), 2),
    ]);
    let days = days(&counters);
    assert_eq!((days.len(), days[0].users.created), (1, 2));
}
