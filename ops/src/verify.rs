//! `strangelog verify`: goes through streams, and names what was changed in them behind the service's back.
//!
//! Heads are read first: whatever they say is in the events table by then, however many commits come meanwhile. What looks
//! wrong is read once more, stream by stream or command by command, before it is reported.

use crate::counted::counted;
use crate::exit::Stop;
use crate::pages::{Reading, all, each_segment};
use crate::parts::torn;
use event_store::{
    Commit, DynamoDbEventLog, DynamoDbHeads, Finding, Hash, Head, Heads, Incomplete, StoreError,
    Stored, Verifier,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many streams are read side by side.
const SIDE_BY_SIDE: usize = 8;

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How many streams.
    pub streams: u64,
    /// How many commits.
    pub commits: u64,
    /// How many of the streams have no head: the publisher may not have seen them yet.
    pub without_head: u64,
    /// How many commands over several streams lack a part.
    pub torn: u64,
}

/// Verifies the named streams, or all.
///
/// # Errors
/// A table cannot be read, or a stream is not there and never was.
pub async fn verify(
    log: &DynamoDbEventLog,
    heads: &DynamoDbHeads,
    streams: &[String],
    reading: &Reading,
) -> anyhow::Result<(Vec<Finding>, Summary)> {
    reading.progress.set_message("commits");
    let incomplete = Mutex::default();
    let (mut findings, mut summary) = if streams.is_empty() {
        every_stream(log, heads, &incomplete, reading).await?
    } else {
        named_streams(log, heads, streams, &incomplete, reading).await?
    };
    let suspects = std::mem::take(&mut *lock(&incomplete)).finish();
    for command in torn(log, suspects).await? {
        summary.torn += 1;
        findings.extend(command.findings);
    }
    Ok((findings, summary))
}

async fn named_streams(
    log: &DynamoDbEventLog,
    heads: &DynamoDbHeads,
    streams: &[String],
    incomplete: &Mutex<Incomplete>,
    reading: &Reading,
) -> anyhow::Result<(Vec<Finding>, Summary)> {
    let (mut findings, mut summary) = (Vec::new(), Summary::default());
    for name in streams {
        let met = |commit: &Commit| lock(incomplete).commit(commit);
        let (found, seen) = one_stream(log, heads, name, reading, met).await?;
        if seen.commits == 0 && found.is_empty() {
            return Err(Stop::UnknownStream(name.clone()).into());
        }
        summary += seen;
        findings.extend(found);
    }
    Ok((findings, summary))
}

/// What a segment has seen; nothing is kept of a stream that is in order.
#[derive(Default)]
struct Seen {
    current: Option<(String, Verifier, u64)>,
    suspects: BTreeSet<String>,
    summary: Summary,
}

/// Heads by stream, until the stream is met.
type Unmet = Mutex<HashMap<String, (u64, Hash)>>;

async fn every_stream(
    log: &DynamoDbEventLog,
    heads: &DynamoDbHeads,
    incomplete: &Mutex<Incomplete>,
    reading: &Reading,
) -> Result<(Vec<Finding>, Summary), StoreError> {
    let known = all(reading, |segment, from| heads.scan(segment, from)).await?;
    let known = known.into_iter();
    let unmet: Unmet = Mutex::new(
        known
            .map(|head| (head.stream, (head.version, head.hash)))
            .collect(),
    );
    let seen = each_segment(
        reading,
        |segment, from| log.scan(segment, from),
        Seen::default,
        |seen, stored| {
            reading.progress.inc(1);
            let commit = stored.commit.iter();
            commit.for_each(|commit| lock(incomplete).commit(commit));
            seen.step(stored, &unmet);
        },
    )
    .await?;
    let (mut suspects, mut summary) = (BTreeSet::new(), Summary::default());
    for mut seen in seen {
        seen.close();
        suspects.extend(seen.suspects);
        summary += seen.summary;
    }
    // A head whose stream was not met may be all that is left of it.
    suspects.extend(lock(&unmet).drain().map(|(stream, _)| stream));
    let checks = stream::iter(suspects)
        .map(|suspect| async move { one_stream(log, heads, &suspect, reading, |_| {}).await });
    let checked: Vec<_> = checks.buffered(SIDE_BY_SIDE).try_collect().await?;
    let mut findings = Vec::new();
    for (found, seen) in checked {
        findings.extend(found);
        summary += seen;
    }
    Ok((findings, summary))
}

impl Seen {
    fn step(&mut self, stored: Stored, unmet: &Unmet) {
        let is_next = |(stream, ..): &(String, Verifier, u64)| *stream == stored.stream;
        if !self.current.as_ref().is_some_and(is_next) {
            self.close();
            let head = lock(unmet).remove(&stored.stream);
            let head = head.map(|(version, hash)| Head {
                stream: stored.stream.clone(),
                version,
                hash,
            });
            let verifier = Verifier::new(&stored.stream, head);
            self.current = Some((stored.stream.clone(), verifier, 0));
        }
        if let Some((_, verifier, commits)) = &mut self.current {
            give(verifier, stored);
            *commits += 1;
        }
    }

    /// The current stream has no more commits. One that comes again is a suspect then, as it does not begin anew.
    fn close(&mut self) {
        let Some((stream, verifier, commits)) = self.current.take() else {
            return;
        };
        let has_head = verifier.has_head();
        if verifier.finish().is_empty() {
            self.summary += Summary::of(commits, has_head);
        } else {
            self.suspects.insert(stream);
        }
    }
}

async fn one_stream(
    log: &DynamoDbEventLog,
    heads: &DynamoDbHeads,
    name: &str,
    reading: &Reading,
    met: impl Fn(&Commit),
) -> Result<(Vec<Finding>, Summary), StoreError> {
    let head = heads.head(name).await?;
    let has_head = head.is_some();
    let mut verifier = Verifier::new(name, head);
    let (mut commits, mut next) = (0, None);
    loop {
        let page = log.stored(name, next).await?;
        commits += page.items.len() as u64;
        reading.progress.inc(page.items.len() as u64);
        for stored in page.items {
            stored.commit.iter().for_each(&met);
            give(&mut verifier, stored);
        }
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    Ok((verifier.finish(), Summary::of(commits, has_head)))
}

fn give(verifier: &mut Verifier, stored: Stored) {
    match stored.commit {
        Ok(commit) => verifier.commit(&commit),
        Err(why) => verifier.unreadable(stored.version, why),
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    // OK because nothing under a lock leaves what is shared half done.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Summary {
    fn of(commits: u64, has_head: bool) -> Self {
        Self {
            streams: 1,
            commits,
            without_head: u64::from(!has_head),
            torn: 0,
        }
    }
}

impl std::ops::AddAssign for Summary {
    fn add_assign(&mut self, other: Self) {
        self.streams += other.streams;
        self.commits += other.commits;
        self.without_head += other.without_head;
        self.torn += other.torn;
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            streams,
            commits,
            without_head,
            torn,
        } = self;
        let (streams, commits) = (counted(*streams, "stream"), counted(*commits, "commit"));
        write!(
            formatter,
            "{streams} with {commits} verified, {without_head} of them without a head as yet"
        )?;
        match torn {
            0 => Ok(()),
            torn => write!(formatter, ", {} torn", counted(*torn, "command")),
        }
    }
}
