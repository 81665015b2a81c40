//! A command on two streams: both, or neither.

use super::Fixture;
use super::account::*;
use super::kit::{RACERS, all, stream};
use crate::{Appended, Cache, EventLog, ExecuteError, Metadata, Part, Participant, execute_all};
use futures_util::future::join_all;

async fn transfer<L: EventLog>(
    log: &L,
    [from, to]: [&str; 2],
    [taken, given]: [u64; 2],
    metadata: &Metadata,
) -> Result<Vec<Appended>, ExecuteError<Error>> {
    let (withdraw, deposit) = (
        Command::Withdraw { amount: taken },
        Command::Deposit { amount: given },
    );
    // The one remembers in a ring, the other in a ledger: the command is remembered as the first says.
    let (left, right) = (
        Cache::<Account<true>>::none(),
        Cache::<Account<false>>::none(),
    );
    let mut left = Part::new(from, &withdraw, &left);
    let mut right = Part::new(to, &deposit, &right);
    let parts: &mut [&mut dyn Participant<L, Error>] = &mut [&mut left, &mut right];
    execute_all(log, &Steady::now(), metadata, parts).await
}

async fn deposit(log: &impl EventLog, name: &str, amount: u64) {
    let command = Command::Deposit { amount };
    let deposited = run::<true>(log, name, &command, &keyed()).await;
    deposited.expect("deposited");
}

/// A refusal of one part is that of all; a part with nothing to write gets no commit; a copy gets both answers.
pub async fn a_transfer_is_whole_or_not_at_all(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let (from, to) = (stream(), stream());
    let streams = [from.as_str(), to.as_str()];
    deposit(&log, &from, 10).await;
    let refused = transfer(&log, streams, [11, 11], &keyed()).await;
    assert!(
        matches!(
            refused,
            Err(ExecuteError::Rejected {
                error: Error::InsufficientFunds,
                version: 1
            })
        ),
        "{refused:?}"
    );
    assert_eq!(
        (all(&log, &from).await.len(), all(&log, &to).await.len()),
        (1, 0)
    );

    let metadata = keyed();
    let done = transfer(&log, streams, [4, 4], &metadata).await;
    let done = done.expect("transferred");
    assert_eq!((done[0].version, done[1].version), (2, 1));
    let again = transfer(&log, streams, [4, 4], &metadata).await;
    for (again, first) in again.expect("it is known").into_iter().zip(done) {
        let replayed = Appended {
            replayed: true,
            ..first
        };
        assert_eq!(again, replayed);
    }
    assert_eq!(state(&log, &from).await.balance, 6);
    assert_eq!(state(&log, &to).await.balance, 4);

    let one_sided = transfer(&log, streams, [1, 0], &keyed()).await;
    let one_sided = one_sided.expect("withdrawn");
    assert_eq!((one_sided[0].version, one_sided[1].version), (3, 1));
    assert_eq!(
        (all(&log, &from).await.len(), all(&log, &to).await.len()),
        (3, 1)
    );
}

/// Transfers back and forth between three accounts: the sum stays what it was.
pub async fn thirty_two_racing_transfers_lose_nothing(fixture: &impl Fixture) {
    let log = &fixture.log().await;
    let names = &[stream(), stream(), stream()];
    for name in names {
        deposit(log, name, 5).await;
    }
    let send = async |racer: usize| {
        let streams = [&names[racer % 3], &names[(racer + 1 + racer % 2) % 3]];
        let (log, metadata) = (Interleaved(log), keyed());
        loop {
            match transfer(&log, streams.map(String::as_str), [2, 2], &metadata).await {
                Ok(_) => break 1,
                Err(ExecuteError::Rejected { .. }) => break 0,
                Err(ExecuteError::Conflict) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    };
    let moved: u64 = join_all((0..RACERS).map(send)).await.into_iter().sum();
    let (mut sum, mut commits) = (0, 0);
    for name in names {
        sum += state(log, name).await.balance;
        commits += all(log, name).await.len() as u64;
        assert_whole(log, name).await;
    }
    assert_eq!((sum, commits), (15, 3 + 2 * moved));
    assert!(moved > 0);
}
