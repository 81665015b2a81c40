use super::*;
use crate::{Batch, MemoryEventLog, MemoryHeads, Metadata, Position, Stamp, StoredEvent};
use chrono::DateTime;
use serde_json::value::RawValue;
use std::ops::RangeInclusive;
use uuid::Uuid;

const STREAM: &str = "user-1";

pub(crate) fn commit(version: u64, events: usize, previous: Hash) -> Commit {
    let event = |_| StoredEvent {
        id: Uuid::now_v7(),
        kind: "UserDeleted".into(),
        schema_version: 1,
        data: RawValue::NULL.to_owned(),
        effective_at: None,
    };
    let metadata = Metadata::new("tests", "tests");
    let stamp = Stamp {
        id: Uuid::now_v7(),
        timestamp: DateTime::UNIX_EPOCH,
    };
    let at = Position {
        stream: STREAM.into(),
        version,
    };
    let events: Vec<_> = (0..events).map(event).collect();
    Commit::new(at, previous, &stamp, &metadata, &events, None).expect("a commit")
}

/// Commits of so many events each, chained.
pub(crate) fn chain(sizes: &[usize]) -> Vec<Commit> {
    let (mut version, mut previous, mut commits) = (1, Hash::default(), Vec::new());
    for size in sizes {
        let next = commit(version, *size, previous);
        version += *size as u64;
        previous = next.chain.hash;
        commits.push(next);
    }
    commits
}

pub(crate) fn head_of(commit: &Commit) -> Head {
    Head {
        stream: STREAM.into(),
        version: commit.last_version().expect("readable"),
        hash: commit.chain.hash,
    }
}

async fn log_of(commits: &[Commit]) -> MemoryEventLog {
    let log = MemoryEventLog::default();
    for commit in commits {
        log.append(&Batch::of(commit.clone())).await.expect("kept");
    }
    log
}

#[test]
fn a_head_moves_along_the_chain_and_passes_what_it_knows() {
    let commits = chain(&[1, 3, 2]);
    let mut head = Head::before(STREAM);
    assert_eq!(link(&mut head, &commits[..2]), Ok(()));
    assert_eq!(head, head_of(&commits[1]));
    assert_eq!(link(&mut head, &commits), Ok(()));
    assert_eq!(head, head_of(&commits[2]));
}

#[test]
fn a_gap_is_no_breach_but_asks_for_what_is_missing() {
    let commits = chain(&[1, 1, 1]);
    let mut head = Head::before(STREAM);
    let with_gap = [commits[0].clone(), commits[2].clone()];
    assert_eq!(link(&mut head, &with_gap), Err(Unlinked::Missing(3)));
    assert_eq!(head, head_of(&commits[0]));
}

#[test]
fn what_does_not_follow_leaves_the_head_on_the_last_that_did() {
    let commits = chain(&[1, 1, 1]);
    let mut edited = commits[1].clone();
    edited.metadata = edited.metadata.replace("tests", "nobody");
    let replaced = commit(2, 1, Hash::of(&[b"another"]));
    for (wrong, why) in [(edited, "written as"), (replaced, "does not follow")] {
        let mut head = Head::before(STREAM);
        let all = [commits[0].clone(), wrong, commits[2].clone()];
        let Err(Unlinked::Broken(broken)) = link(&mut head, &all) else {
            panic!("it was taken");
        };
        assert_eq!((broken.version, broken.stream.as_str()), (2, STREAM));
        assert!(broken.why.contains(why), "{broken}");
        assert_eq!(head, head_of(&commits[0]));
    }
}

#[tokio::test]
async fn what_is_missing_is_read_in_pieces_and_written_once() {
    let commits = chain(&vec![1; 3 * PIECE]);
    let (heads, log) = (MemoryHeads::default(), log_of(&commits).await);
    let newest = commits.last().expect("many");
    let seen = std::slice::from_ref(newest);
    advance(&heads, &log, STREAM, seen).await.expect("linked");
    assert_eq!(
        heads.head(STREAM).await.expect("kept"),
        Some(head_of(newest))
    );
    assert_eq!(heads.writes(), 1);
    // A duplicate writes nothing.
    advance(&heads, &log, STREAM, &commits)
        .await
        .expect("known");
    assert_eq!(heads.writes(), 1);
}

#[tokio::test]
async fn what_the_log_does_not_have_is_a_breach() {
    let commits = chain(&[1, 1, 1]);
    let (heads, log) = (
        MemoryHeads::default(),
        log_of(&[commits[0].clone(), commits[2].clone()]).await,
    );
    let Err(HeadError::Broken(broken)) = advance(&heads, &log, STREAM, &commits[2..]).await else {
        panic!("it was taken");
    };
    assert_eq!(broken.version, 2);
    assert_eq!(
        heads.head(STREAM).await.expect("kept"),
        Some(head_of(&commits[0]))
    );
}

/// Heads that another publisher moves before the first write.
struct Raced(MemoryHeads, Head, std::sync::atomic::AtomicBool);

impl Heads for Raced {
    async fn head(&self, stream: &str) -> Result<Option<Head>, StoreError> {
        self.0.head(stream).await
    }

    async fn put(&self, head: &Head, in_place_of: Option<&Head>) -> Result<bool, StoreError> {
        if !self.2.swap(true, std::sync::atomic::Ordering::SeqCst) {
            assert!(self.0.put(&self.1, in_place_of).await?);
        }
        self.0.put(head, in_place_of).await
    }
}

#[tokio::test]
async fn a_head_is_never_moved_back() {
    let commits = chain(&[1, 1, 1]);
    let log = log_of(&commits).await;
    let raced = Raced(
        MemoryHeads::default(),
        head_of(&commits[2]),
        Default::default(),
    );
    advance(&raced, &log, STREAM, &commits[..1])
        .await
        .expect("known by now");
    assert_eq!(
        raced.head(STREAM).await.expect("kept"),
        Some(head_of(&commits[2]))
    );
}

/// A log that fails when it is read.
struct Failing;

impl EventLog for Failing {
    async fn append(&self, _: &Batch) -> Result<(), crate::AppendError> {
        Ok(())
    }

    async fn read(
        &self,
        _: &str,
        _: RangeInclusive<u64>,
        _: usize,
    ) -> Result<Vec<Commit>, StoreError> {
        Err(StoreError::Throttled("slow down".into()))
    }

    async fn newest(
        &self,
        _: &str,
        _: RangeInclusive<u64>,
        _: usize,
    ) -> Result<Vec<Commit>, StoreError> {
        Ok(Vec::new())
    }

    async fn done(
        &self,
        _: Uuid,
        _: chrono::DateTime<chrono::Utc>,
    ) -> Result<Option<Position>, StoreError> {
        Ok(None)
    }
}

#[tokio::test]
async fn a_log_that_fails_is_no_breach() {
    let commits = chain(&[1, 1]);
    let heads = MemoryHeads::default();
    let failed = advance(&heads, &Failing, STREAM, &commits[1..]).await;
    assert!(matches!(
        failed,
        Err(HeadError::Store(StoreError::Throttled(_)))
    ));
    assert_eq!(heads.writes(), 0);
}
