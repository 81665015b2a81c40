//! Several streams, their claims and their command change together, or not at all.

use super::Fixture;
use super::kit::*;
use crate::{AppendError, Batch, EventLog};
use decider::Claim;

/// Two first commits, a value for each, and their command.
fn two_streams() -> (Batch, [Claim; 2]) {
    let commits = vec![first(), first()];
    let values = [value(), value()];
    let claims = commits.iter().zip(&values);
    let batch = Batch {
        claims: claims
            .map(|(commit, claim)| take(&commit.stream, claim))
            .collect(),
        done: Some(done_in(&commits[0])),
        commits,
        unchanged: Vec::new(),
    };
    (batch, values)
}

/// Everything that a batch names is there.
pub async fn a_batch_over_several_streams_is_written_whole(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let (mut batch, values) = two_streams();
    let watched = first();
    append(&log, Batch::of(watched.clone())).await;
    batch.unchanged = vec![position(&watched.stream, 1), position(&stream(), 0)];
    append(&log, batch.clone()).await;
    for commit in &batch.commits {
        assert_eq!(
            all(&log, &commit.stream).await,
            std::slice::from_ref(commit)
        );
    }
    for claim in &values {
        assert!(!is_free(&log, claim).await);
    }
    let done = batch.done.expect("it has a command");
    let known = log.done(done.command_id, done.now).await;
    assert_eq!(known.expect("readable"), Some(done.at));
    assert_eq!(all(&log, &watched.stream).await, [watched]);
}

/// A half-failed batch: whichever condition fails, no other part of the batch leaves a trace.
pub async fn a_batch_is_never_half_done(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let (taken, held, known) = (first(), value(), first());
    append(&log, Batch::of(taken.clone())).await;
    append(
        &log,
        Batch {
            claims: vec![take(&known.stream, &held)],
            done: Some(done_in(&known)),
            ..Batch::of(known.clone())
        },
    )
    .await;
    let command = Batch {
        done: Some(done_in(&known)),
        ..Batch::of(commit(&known.stream, 2))
    };
    append(&log, command.clone()).await;

    type Spoil<'a> = &'a dyn Fn(&mut Batch);
    let conditions: [(&str, Spoil); 6] = [
        ("the last commit's version is taken", &|batch| {
            batch.commits.push(commit(&taken.stream, 1));
        }),
        ("the first commit's version is taken", &|batch| {
            batch.commits.insert(0, commit(&taken.stream, 1));
        }),
        ("a stream has moved on", &|batch| {
            batch.unchanged.push(position(&taken.stream, 0));
        }),
        ("a claim is taken", &|batch| {
            let name = batch.commits[1].stream.clone();
            batch.claims.push(take(&name, &held));
        }),
        ("a claim that goes is another's", &|batch| {
            let name = batch.commits[1].stream.clone();
            batch.claims.push(release(&name, &held));
        }),
        ("the command is done", &|batch| {
            batch.done.clone_from(&command.done);
        }),
    ];
    for (why, spoil) in conditions {
        let (mut batch, values) = two_streams();
        let (streams, done) = (batch.commits.clone(), batch.done.clone());
        spoil(&mut batch);
        let outcome = log.append(&batch).await;
        assert!(outcome.is_err(), "{why}");
        for commit in streams {
            assert_eq!(all(&log, &commit.stream).await, [], "{why}");
        }
        for claim in &values {
            assert!(is_free(&log, claim).await, "{why}");
        }
        let done = done.expect("it has a command");
        let unknown = log.done(done.command_id, done.now).await;
        assert_eq!(unknown.expect("readable"), None, "{why}");
    }
    assert_eq!(all(&log, &taken.stream).await.len(), 1);
    assert!(!is_free(&log, &held).await);
}

/// A stream that took part in a decision, and gets no commit, must not have moved on.
pub async fn a_stream_that_should_be_unchanged_is_watched(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let watched = stream();
    append(&log, Batch::of(commit_of(&watched, 1, &["1", "2"]))).await;
    let deciding = |version| Batch {
        unchanged: vec![position(&watched, version)],
        ..Batch::of(first())
    };
    assert_err!(log.append(&deciding(0)).await, AppendError::Conflict);
    append(&log, deciding(2)).await;
    append(&log, Batch::of(commit(&watched, 3))).await;
    assert_err!(log.append(&deciding(2)).await, AppendError::Conflict);
}

/// Batches that have one stream in common, beside streams of their own.
pub async fn of_32_batches_that_meet_one_wins(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let shared = stream();
    let meeting = |_| Batch {
        commits: vec![first(), commit(&shared, 1), first()],
        ..Batch::default()
    };
    let batches: Vec<_> = (0..RACERS).map(meeting).collect();
    let is_loss = |error: &AppendError| matches!(error, AppendError::Conflict);
    assert_eq!(race(&log, &batches, is_loss).await, 1);
    assert_eq!(all(&log, &shared).await.len(), 1);
    for batch in &batches {
        let [left, middle, right] = batch.commits.as_slice() else {
            unreachable!("three were made")
        };
        let is_there = all(&log, &shared).await.contains(middle);
        for own in [left, right] {
            assert_eq!(all(&log, &own.stream).await.len(), usize::from(is_there));
        }
    }
}

/// A repeated batch is there already: one commit of it that is found stands for all.
pub async fn our_own_batch_is_no_conflict(fixture: &impl Fixture) {
    let log = fixture.log().await;
    let (batch, values) = two_streams();
    append(&log, batch.clone()).await;
    append(&log, batch.clone()).await;
    append(&log, Batch::of(commit(&batch.commits[0].stream, 2))).await;
    append(&log, batch.clone()).await;
    assert_eq!(all(&log, &batch.commits[0].stream).await.len(), 2);
    assert_eq!(all(&log, &batch.commits[1].stream).await.len(), 1);
    for claim in &values {
        assert!(!is_free(&log, claim).await);
    }
}

/// The transaction landed, its reply did not.
pub async fn a_lost_reply_to_a_batch_is_no_conflict(fixture: &impl Fixture) {
    let log = fixture.log_that_loses_a_reply().await;
    let (batch, values) = two_streams();
    append_despite_loss(&log, &batch).await;
    for commit in &batch.commits {
        assert_eq!(
            all(&log, &commit.stream).await,
            std::slice::from_ref(commit)
        );
    }
    assert!(!is_free(&log, &values[0]).await);
}
