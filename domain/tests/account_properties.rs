//! What holds of accounts whatever is asked of them, in whatever order.

use decider::Decider;
use domain::account::{Command, Event, State};
use domain::money::{Amount, Currency, Id, MOST, Money};
use domain::{Account, Aggregate};
use proptest::prelude::*;
use uuid::Uuid;

fn amount() -> impl Strategy<Value = Amount> {
    prop_oneof![4 => 1..200_i64, 1 => 1..=MOST].prop_map(Amount::of)
}

fn money() -> impl Strategy<Value = Money> {
    prop_oneof![4 => 0..200_i64, 1 => 0..=MOST].prop_map(Money::of)
}

fn currency() -> impl Strategy<Value = Currency> {
    prop_oneof![9 => Just("EUR"), 1 => Just("USD")].prop_map(Currency::from)
}

fn command() -> impl Strategy<Value = Command> {
    use Command::*;
    let (transfer, to, from) = (Id(Uuid::max()), Id(Uuid::max()), Id(Uuid::max()));
    prop_oneof![
        1 => (money(), money(), currency()).prop_map(|(deposit, overdraft_limit, currency)| OpenAccount {
            account_number: "1".into(), currency, initial_deposit: Some(deposit), owner: None, overdraft_limit,
        }),
        3 => amount().prop_map(|amount| DepositMoney { amount, description: None }),
        3 => amount().prop_map(|amount| WithdrawMoney { amount, description: None }),
        2 => amount().prop_map(move |amount| SendMoney { transfer, to, amount }),
        2 => (amount(), currency()).prop_map(move |(amount, currency)| ReceiveMoney { transfer, from, amount, currency }),
        1 => Just(CloseAccount { reason: None }),
    ]
}

/// What an event brings in, or takes out when below 0.
fn change(event: &Event) -> i128 {
    match event {
        Event::AccountOpened {
            initial_deposit, ..
        } => initial_deposit.minor_units().into(),
        Event::MoneyDeposited { amount, .. } | Event::MoneyReceived { amount, .. } => {
            amount.minor_units().into()
        }
        Event::MoneyWithdrawn { amount, .. } | Event::MoneySent { amount, .. } => {
            -i128::from(amount.minor_units())
        }
        Event::AccountClosed { .. } => 0,
    }
}

proptest! {
    #[test]
    fn the_balance_is_what_came_in_less_what_went_out_and_within_its_limits(
        commands in proptest::collection::vec(command(), 0..60)
    ) {
        let (mut state, mut sum) = (State::default(), 0_i128);
        for command in commands {
            let Ok(events) = Account::decide(&command, &state) else { continue };
            sum += events.iter().map(change).sum::<i128>();
            let was_closed = matches!(state, State::Closed(_));
            prop_assert!(!was_closed || events.is_empty(), "closed is closed");
            state = Account::fold(state, &events);
            let Some(held) = state.held() else { continue };
            prop_assert_eq!(i128::from(held.balance), sum);
            prop_assert!((-held.overdraft_limit.minor_units()..=MOST).contains(&held.balance));
            prop_assert!(!matches!(state, State::Closed(_)) || sum == 0);
            prop_assert_eq!(Account::claims(&state).len(), 1);
        }
    }

    #[test]
    fn the_command_that_events_tell_of_makes_them_again(
        commands in proptest::collection::vec(command(), 0..40)
    ) {
        let mut state = State::default();
        for command in commands {
            let events = Account::decide(&command, &state).unwrap_or_default();
            if events.is_empty() {
                continue;
            }
            let asked = Account::asked(&events);
            prop_assert!(asked.is_some(), "{:?}", events);
            let again = asked.map(|asked| Account::decide(&asked, &state));
            prop_assert_eq!(again, Some(Ok(events.clone())));
            state = Account::fold(state, &events);
        }
    }

    #[test]
    fn no_history_makes_a_panic(commands in proptest::collection::vec(command(), 0..60), last in command()) {
        let mut state = State::default();
        for command in &commands {
            // As if another state had been decided on.
            let other = Account::fold(State::default(), &Account::decide(&commands[0], &State::default()).unwrap_or_default());
            let events = Account::decide(command, &other).unwrap_or_default();
            state = Account::fold(state, &events);
        }
        let _ = (Account::decide(&last, &state), Account::claims(&state));
    }
}
