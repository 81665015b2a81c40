//! The books: what lies in the events table once all is quiet, from the first event on, and whether it adds up.

use decider::{Decider, Recorded};
use domain::account::{self, State};
use domain::money::{Amount, Currency, Id};
use domain::{Account, Transfer, transfer};
use event_store::{Commit, Incomplete, Segment, Verifier, stream_name};
use std::collections::BTreeMap;
use tests::backend::Backend;
use uuid::Uuid;

/// What was found.
pub struct Books {
    accounts: BTreeMap<String, Vec<Recorded<account::Event>>>,
    /// The streams of transfers: how many there are.
    pub transfers: usize,
}

/// One half of a transfer, or what its own stream says of it: the transfer, from, to.
type Moved = (Uuid, Id, Id, Amount, Currency);

impl Books {
    /// Reads the whole table, and checks what must hold of it whatever was asked for.
    pub async fn read(backend: &Backend) -> Self {
        let (mut accounts, mut transfers) = (BTreeMap::new(), BTreeMap::new());
        for (stream, commits) in verified(backend).await {
            if stream.starts_with("account-") {
                accounts.insert(stream, recorded::<Account>(&commits));
            } else {
                transfers.insert(stream, recorded::<Transfer>(&commits));
            }
        }
        let (mut made, mut sent, mut received) = (vec![], vec![], vec![]);
        for (stream, events) in &transfers {
            assert_eq!(events.len(), 1, "{stream} is made once");
            let Recorded {
                stream_id, event, ..
            } = &events[0];
            let transfer::Event::TransferMade {
                from,
                to,
                amount,
                currency,
            } = event.clone();
            let id = Uuid::try_parse(stream_id).expect("an id");
            made.push((id, from, to, amount, currency));
        }
        for (stream, events) in &accounts {
            check_limits(stream, events);
            for recorded in events {
                halves(recorded, &mut sent, &mut received);
            }
        }
        let key = |moved: &Moved| moved.0;
        for moved in [&mut made, &mut sent, &mut received] {
            moved.sort_by_key(key);
        }
        assert_eq!(made, sent, "each transfer is sent once");
        assert_eq!(made, received, "each transfer is received once");
        Self {
            accounts,
            transfers: made.len(),
        }
    }

    /// How many events an account has.
    pub fn events(&self, account: Uuid) -> usize {
        let events = self.accounts.get(&stream_name("account", account));
        events.map_or(0, Vec::len)
    }

    /// The sum of all balances.
    pub fn sum(&self) -> i64 {
        let states = self.accounts.values().map(|events| fold(events));
        states.map(|state| balance(&state)).sum()
    }

    /// The accounts that were ever opened.
    pub fn accounts(&self) -> usize {
        self.accounts.len()
    }

    /// The ids of all events in accounts' streams.
    pub fn event_ids(&self) -> Vec<String> {
        let events = self.accounts.values().flatten();
        events.map(|recorded| recorded.id.clone()).collect()
    }
}

/// Every stream's commits, in which nothing was changed, cut or torn.
async fn verified(backend: &Backend) -> BTreeMap<String, Vec<Commit>> {
    let (log, mut next) = (backend.log(), None);
    let mut streams: BTreeMap<String, Vec<Commit>> = BTreeMap::new();
    let mut incomplete = Incomplete::default();
    loop {
        let page = log.scan(Segment { index: 0, of: 1 }, next).await;
        let page = page.expect("readable");
        for stored in page.items {
            let commit = stored.commit.expect("a commit");
            incomplete.commit(&commit);
            streams.entry(stored.stream).or_default().push(commit);
        }
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(incomplete.finish(), [], "commands that are torn");
    for (stream, commits) in &streams {
        let mut verifier = Verifier::new(stream, None);
        commits.iter().for_each(|commit| verifier.commit(commit));
        assert_eq!(verifier.finish(), []);
    }
    streams
}

fn recorded<D: Decider<Event: serde::de::DeserializeOwned>>(
    commits: &[Commit],
) -> Vec<Recorded<D::Event>> {
    let recorded = commits.iter().map(Commit::recorded::<D>);
    recorded
        .flat_map(|events| events.expect("readable"))
        .collect()
}

/// Sorts out what an event says of a transfer.
fn halves(recorded: &Recorded<account::Event>, sent: &mut Vec<Moved>, received: &mut Vec<Moved>) {
    let here = Id(Uuid::try_parse(&recorded.stream_id).expect("an id"));
    match recorded.event.clone() {
        account::Event::MoneySent {
            transfer,
            to,
            amount,
            currency,
        } => sent.push((transfer.0, here, to, amount, currency)),
        account::Event::MoneyReceived {
            transfer,
            from,
            amount,
            currency,
        } => received.push((transfer.0, from, here, amount, currency)),
        _ => {}
    }
}

/// After no event does an account owe more than it may.
fn check_limits(stream: &str, events: &[Recorded<account::Event>]) {
    for end in 1..=events.len() {
        let state = fold(&events[..end]);
        let held = state.held().expect("opened first");
        let least = -held.overdraft_limit.minor_units();
        assert!(held.balance >= least, "{stream} at version {end}: {held:?}");
    }
}

fn fold(events: &[Recorded<account::Event>]) -> State {
    let evolve = |state, recorded: &Recorded<_>| Account::evolve(state, &recorded.event);
    events.iter().fold(State::default(), evolve)
}

fn balance(state: &State) -> i64 {
    state.held().map_or(0, |held| held.balance)
}
