//! One example for each thing that may come of a command.

use super::*;
use crate::money::Id;
use decider::testing::given;
use uuid::Uuid;

fn id(number: u128) -> Id {
    Id(Uuid::from_u128(number))
}

fn open(initial_deposit: i64, overdraft_limit: i64) -> Command {
    Command::OpenAccount {
        account_number: "ACC-1".into(),
        currency: "EUR".into(),
        initial_deposit: Some(Money::of(initial_deposit)),
        owner: Some("sarah".into()),
        overdraft_limit: Money::of(overdraft_limit),
    }
}

fn opened(initial_deposit: i64, overdraft_limit: i64) -> Event {
    Event::AccountOpened {
        account_number: "ACC-1".into(),
        owner: Some("sarah".into()),
        currency: "EUR".into(),
        initial_deposit: Money::of(initial_deposit),
        overdraft_limit: Money::of(overdraft_limit),
    }
}

fn deposit(amount: i64) -> Command {
    Command::DepositMoney {
        amount: Amount::of(amount),
        description: None,
    }
}

fn deposited(amount: i64) -> Event {
    Event::MoneyDeposited {
        amount: Amount::of(amount),
        currency: "EUR".into(),
        description: None,
    }
}

fn withdraw(amount: i64) -> Command {
    Command::WithdrawMoney {
        amount: Amount::of(amount),
        description: Some("rent".into()),
    }
}

fn withdrawn(amount: i64) -> Event {
    Event::MoneyWithdrawn {
        amount: Amount::of(amount),
        currency: "EUR".into(),
        description: Some("rent".into()),
    }
}

fn send(amount: i64) -> Command {
    Command::SendMoney {
        transfer: id(1),
        to: id(2),
        amount: Amount::of(amount),
    }
}

fn sent(amount: i64) -> Event {
    Event::MoneySent {
        transfer: id(1),
        to: id(2),
        amount: Amount::of(amount),
        currency: "EUR".into(),
    }
}

fn receive(amount: i64, currency: &str) -> Command {
    Command::ReceiveMoney {
        transfer: id(1),
        from: id(2),
        amount: Amount::of(amount),
        currency: currency.into(),
    }
}

fn received(amount: i64) -> Event {
    Event::MoneyReceived {
        transfer: id(1),
        from: id(2),
        amount: Amount::of(amount),
        currency: "EUR".into(),
    }
}

fn close() -> Command {
    Command::CloseAccount { reason: None }
}

fn closed() -> Event {
    Event::AccountClosed { reason: None }
}

fn balance(history: &[Event]) -> Option<i64> {
    let state = Account::fold(State::Unknown, history);
    state.held().map(|held| held.balance)
}

#[test]
fn the_example_of_the_guide() {
    let history = [opened(100_000, 0), deposited(50_000), withdrawn(20_000)];
    given::<Account>([])
        .when(open(100_000, 0))
        .then([opened(100_000, 0)]);
    given::<Account>([opened(100_000, 0)])
        .when(deposit(50_000))
        .then([deposited(50_000)]);
    given::<Account>(history[..2].to_vec())
        .when(withdraw(20_000))
        .then([withdrawn(20_000)]);
    assert_eq!(balance(&history), Some(130_000));
}

#[test]
fn an_id_serves_one_account_for_ever() {
    for history in [vec![opened(0, 0)], vec![opened(0, 0), closed()]] {
        given::<Account>(history)
            .when(open(5, 0))
            .then_error(Error::AccountExists);
    }
}

#[test]
fn nothing_happens_to_an_unknown_account() {
    for command in [deposit(1), withdraw(1), send(1), receive(1, "EUR"), close()] {
        given::<Account>([])
            .when(command)
            .then_error(Error::UnknownAccount);
    }
}

#[test]
fn no_more_than_the_limit_is_owed() {
    let refused = |balance, overdraft_limit, amount| Error::InsufficientFunds {
        balance,
        overdraft_limit,
        amount,
    };
    let account = |limit| given::<Account>([opened(100, limit)]);
    account(0).when(withdraw(100)).then([withdrawn(100)]);
    account(0)
        .when(withdraw(101))
        .then_error(refused(100, 0, 101));
    account(50).when(withdraw(150)).then([withdrawn(150)]);
    account(50)
        .when(withdraw(151))
        .then_error(refused(100, 50, 151));
    account(0).when(send(100)).then([sent(100)]);
    account(0).when(send(101)).then_error(refused(100, 0, 101));
    account(MOST).when(withdraw(MOST)).then([withdrawn(MOST)]);
    let owing = given::<Account>([opened(0, MOST), withdrawn(MOST)]);
    owing
        .when(withdraw(MOST))
        .then_error(refused(-MOST, MOST, MOST));
}

#[test]
fn no_balance_grows_beyond_what_json_can_say() {
    let account = || given::<Account>([opened(MOST - 1, 0)]);
    let refused = |amount| Error::BalanceTooLarge {
        balance: MOST - 1,
        amount,
    };
    account().when(deposit(1)).then([deposited(1)]);
    account().when(deposit(2)).then_error(refused(2));
    account().when(receive(1, "EUR")).then([received(1)]);
}

#[test]
fn who_sends_too_much_is_not_told_what_the_receiver_holds() {
    let refused = Error::TooMuchToReceive { amount: MOST };
    let told = format!("{refused} {}", serde_json::json!(refused));
    assert!(!told.contains("777"), "{told}");
    given::<Account>([opened(777, 0)])
        .when(receive(MOST, "EUR"))
        .then_error(refused);
}

#[test]
fn a_transfer_is_sent_and_received_in_one_currency() {
    let account = || given::<Account>([opened(5, 0)]);
    account().when(receive(7, "EUR")).then([received(7)]);
    account()
        .when(receive(7, "USD"))
        .then_error(Error::CurrencyMismatch {
            sends: "USD".into(),
            receives: "EUR".into(),
        });
    assert_eq!(balance(&[opened(5, 0), received(7), sent(12)]), Some(0));
}

#[test]
fn an_account_is_closed_when_nothing_is_held_or_owed() {
    given::<Account>([opened(0, 0)])
        .when(close())
        .then([closed()]);
    given::<Account>([opened(5, 0)])
        .when(close())
        .then_error(Error::BalanceNotZero { balance: 5 });
    given::<Account>([opened(0, 9), withdrawn(9)])
        .when(close())
        .then_error(Error::BalanceNotZero { balance: -9 });
}

#[test]
fn closed_is_closed() {
    let account = || given::<Account>([opened(0, 50), closed()]);
    for command in [deposit(1), withdraw(1), send(1), receive(1, "EUR")] {
        account().when(command).then_error(Error::AccountClosed);
    }
    account().when(close()).then([]);
}

#[test]
fn a_number_is_claimed_for_ever() {
    let claims = |history: &[Event]| Account::claims(&Account::fold(State::Unknown, history));
    let number = Account::lookup("acc 1").expect("a number");
    assert_eq!(claims(&[]), []);
    assert_eq!(claims(&[opened(0, 0)]), std::slice::from_ref(&number));
    assert_eq!(claims(&[opened(0, 0), closed()]), [number]);
}

#[test]
fn an_account_is_its_owners() {
    let state = Account::fold(State::Unknown, &[opened(0, 0)]);
    assert_eq!(Account::owner("id", &state), Some("sarah"));
    assert_eq!(Account::owner("id", &State::Unknown), None);
}
