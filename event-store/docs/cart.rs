use decider::Decider;
use serde::{Deserialize, Serialize};

/// A shopping cart.
struct Cart;

enum Command {
    AddItem { item: String },
    CheckOut,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
enum Event {
    ItemAdded { item: String },
    CheckedOut,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct State {
    items: Vec<String>,
    is_checked_out: bool,
}

#[derive(Debug, PartialEq, thiserror::Error)]
enum Refusal {
    #[error("the cart is empty")]
    Empty,
    #[error("the cart was checked out")]
    CheckedOut,
}

impl Decider for Cart {
    const CATEGORY: &'static str = "cart";
    type State = State;
    type Command = Command;
    type Event = Event;
    type Error = Refusal;

    fn decide(command: &Command, state: &State) -> Result<Vec<Event>, Refusal> {
        match command {
            Command::AddItem { .. } if state.is_checked_out => Err(Refusal::CheckedOut),
            Command::AddItem { item } => Ok(vec![Event::ItemAdded { item: item.clone() }]),
            Command::CheckOut if state.is_checked_out => Ok(vec![]), // already done
            Command::CheckOut if state.items.is_empty() => Err(Refusal::Empty),
            Command::CheckOut => Ok(vec![Event::CheckedOut]),
        }
    }

    fn evolve(mut state: State, event: &Event) -> State {
        match event {
            Event::ItemAdded { item } => state.items.push(item.clone()),
            Event::CheckedOut => state.is_checked_out = true,
        }
        state
    }
}
