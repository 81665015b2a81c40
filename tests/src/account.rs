//! Two aggregates of the tests' own, as small as they can be: accounts, which keep a ledger, and transfers.

use decider::{Claim, Decider, Idempotency};
use event_store::{
    Appended, Cache, Clock, EventLog, ExecuteError, Metadata, Part, Participant, Stream, execute,
};
use serde::{Deserialize, Serialize};

/// An account: a number and a balance.
pub enum Account {}

/// What is asked of an account.
#[derive(Clone, Debug)]
pub enum Command {
    /// Opens it.
    Open(&'static str),
    /// Puts money in, by so many events of so much each.
    Deposit(usize, u64),
    /// Takes money out.
    Withdraw(u64),
    /// Nothing is to happen.
    Leave,
}

/// What happened to an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// It is there.
    Opened {
        /// Unique.
        number: String,
    },
    /// Money went in.
    Deposited {
        /// How much.
        amount: u64,
        /// Makes it as long as an event of the world.
        memo: String,
    },
    /// Money went out.
    Withdrawn {
        /// How much.
        amount: u64,
    },
}

/// What is known of an account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Empty for one that is not there.
    pub number: String,
    /// What is in it.
    pub balance: u64,
}

/// Why an account refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Open it first.
    #[error("no such account")]
    Unknown,
    /// It is open.
    #[error("there is such an account")]
    Exists,
    /// There is not enough in it.
    #[error("{0} is all there is")]
    Insufficient(u64),
}

impl Decider for Account {
    const CATEGORY: &'static str = "account";
    const IDEMPOTENCY: Idempotency = Idempotency::Ledger;
    type State = State;
    type Command = Command;
    type Event = Event;
    type Error = Refusal;

    fn decide(command: &Command, state: &State) -> Result<Vec<Event>, Refusal> {
        let is_open = !state.number.is_empty();
        match command {
            Command::Leave => Ok(vec![]),
            Command::Open(_) if is_open => Err(Refusal::Exists),
            Command::Open(number) => Ok(vec![Event::Opened {
                number: (*number).to_owned(),
            }]),
            _ if !is_open => Err(Refusal::Unknown),
            Command::Deposit(times, amount) => {
                let deposited = Event::Deposited {
                    amount: *amount,
                    memo: "x".repeat(170),
                };
                Ok(vec![deposited; *times])
            }
            Command::Withdraw(amount) if *amount > state.balance => {
                Err(Refusal::Insufficient(state.balance))
            }
            Command::Withdraw(amount) => Ok(vec![Event::Withdrawn { amount: *amount }]),
        }
    }

    fn evolve(mut state: State, event: &Event) -> State {
        match event {
            Event::Opened { number } => state.number.clone_from(number),
            Event::Deposited { amount, .. } => state.balance += amount,
            Event::Withdrawn { amount } => state.balance -= amount,
        }
        state
    }

    fn claims(state: &State) -> Vec<Claim> {
        let number = Some(&state.number).filter(|number| !number.is_empty());
        Vec::from_iter(number.map(|number| Claim {
            kind: "account_number",
            canonical: number.clone(),
        }))
    }
}

/// A transfer, which is made once.
pub enum Transfer {}

/// That a transfer was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum TransferEvent {
    /// It was.
    Made {
        /// How much.
        amount: u64,
    },
}

impl Decider for Transfer {
    const CATEGORY: &'static str = "transfer";
    type State = Option<u64>;
    type Command = u64;
    type Event = TransferEvent;
    type Error = Refusal;

    fn decide(amount: &u64, made: &Option<u64>) -> Result<Vec<TransferEvent>, Refusal> {
        match made {
            Some(_) => Err(Refusal::Exists),
            None => Ok(vec![TransferEvent::Made { amount: *amount }]),
        }
    }

    fn evolve(_: Option<u64>, TransferEvent::Made { amount }: &TransferEvent) -> Option<u64> {
        Some(*amount)
    }
}

/// Executes a command on an account.
pub async fn run(
    cache: &Cache<Account>,
    log: &impl EventLog,
    clock: &impl Clock,
    metadata: &Metadata,
    name: &str,
    command: &Command,
) -> Result<Appended, ExecuteError<Refusal>> {
    let creates = matches!(command, Command::Open(_));
    let part = Part::new(name, command, cache).creating(creates);
    execute(log, clock, metadata, part).await
}

/// Makes a transfer: its own stream and both accounts'.
pub async fn transfer(
    log: &impl EventLog,
    clock: &impl Clock,
    metadata: &Metadata,
    [name, from, to]: [&str; 3],
    amount: u64,
) -> Result<Vec<Appended>, ExecuteError<Refusal>> {
    let (transfers, accounts) = (Cache::none(), Cache::none());
    let (take, give) = (Command::Withdraw(amount), Command::Deposit(1, amount));
    let mut made = Part::<Transfer>::new(name, &amount, &transfers).creating(true);
    let mut sent = Part::<Account>::new(from, &take, &accounts);
    let mut received = Part::<Account>::new(to, &give, &accounts);
    let parts: &mut [&mut dyn Participant<_, Refusal>] = &mut [&mut made, &mut sent, &mut received];
    event_store::execute_all(log, clock, metadata, parts).await
}

/// Metadata of a command that cannot come again.
pub fn unkeyed() -> Metadata {
    Metadata::new("tests", "tests")
}

/// The state of an account, and its version, read from the log.
pub async fn load(log: &impl EventLog, name: &str) -> Stream<Account> {
    Stream::load(log, name).await.expect("readable")
}
