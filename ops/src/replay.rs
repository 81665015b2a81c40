//! `strangelog replay`: a history file against this build. Offline: it reads the file and nothing else.
//!
//! Each commit is read, folded, and decided anew: the command that its events answer ([`domain::Aggregate::asked`]) on the
//! state before it must make the same events today.

use crate::counted::counted;
use crate::history_file::read;
use domain::registry::{self, AggregateVisitor};
use domain::{Aggregate, Refusal};
use event_store::{Commit, Stored, StoredEvent, Verifier, stream_category};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt;
use std::io::BufRead;
use uuid::Uuid;

/// Something that is otherwise today, or wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// The stream.
    pub stream: String,
    /// The version of the commit's first event.
    pub version: u64,
    /// What it is.
    #[serde(flatten)]
    pub what: What,
}

/// What is otherwise, or wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum What {
    /// The stream is not as it was written.
    NotAsWritten {
        /// Why, as `strangelog verify` says it.
        why: String,
    },
    /// This build cannot read an event.
    Undecodable {
        /// Why.
        why: String,
    },
    /// This build folds the events to another state than the snapshot that was taken.
    FoldsOtherwise {
        /// What was taken.
        recorded: Value,
        /// What comes today.
        today: Value,
    },
    /// This build would decide otherwise.
    DecidedOtherwise {
        /// The events that were recorded.
        recorded: Vec<Value>,
        /// What comes today.
        today: Outcome,
    },
    /// This build knows no such aggregate.
    UnknownAggregate,
}

/// What a command comes to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Events; none if it is already done.
    Events(Vec<Value>),
    /// The rule that refuses it.
    Refused(Value),
}

/// What was compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How many streams.
    pub streams: u64,
    /// How many commits.
    pub commits: u64,
    /// How many events.
    pub events: u64,
    /// How many decisions came out the same.
    pub decisions_same: u64,
    /// How many came out otherwise.
    pub decisions_otherwise: u64,
    /// Of how many cannot be told what was asked, or on what state.
    pub decisions_untold: u64,
    /// How many snapshots are what comes today.
    pub snapshots_same: u64,
    /// How many were taken by another fold, and would not be used.
    pub snapshots_of_another_fold: u64,
}

/// Replays a file.
///
/// # Errors
/// It is no history file, or was cut off, or a stream's commits do not stand together.
pub fn replay(
    file: impl BufRead,
    mut met: impl FnMut(&Summary),
) -> anyhow::Result<(Vec<Finding>, Summary)> {
    let (mut seen, mut current) = (BTreeSet::new(), None::<Replay>);
    let mut found = Found::default();
    read(file, |stored| {
        if current
            .as_ref()
            .is_none_or(|current| current.stream != stored.stream)
        {
            if let Some(done) = current.take() {
                done.finish(&mut found);
            }
            anyhow::ensure!(
                seen.insert(stored.stream.clone()),
                "the commits of {} do not stand together",
                stored.stream
            );
            current = Some(Replay::new(&stored.stream));
            found.summary.streams += 1;
        }
        if let Some(current) = &mut current {
            current.step(stored, &mut found);
        }
        met(&found.summary);
        Ok(())
    })?;
    if let Some(done) = current {
        done.finish(&mut found);
    }
    Ok((found.findings, found.summary))
}

#[derive(Default)]
struct Found {
    findings: Vec<Finding>,
    summary: Summary,
}

impl Found {
    fn push(&mut self, stream: &str, version: u64, what: What) {
        self.findings.push(Finding {
            stream: stream.to_owned(),
            version,
            what,
        });
    }
}

/// One stream.
struct Replay {
    stream: String,
    verifier: Verifier,
    /// `None` for an aggregate that this build does not know.
    fold: Option<Box<dyn Fold>>,
}

impl Replay {
    fn new(stream: &str) -> Self {
        Self {
            stream: stream.to_owned(),
            verifier: Verifier::new(stream, None),
            fold: registry::aggregate(stream_category(stream), Begin),
        }
    }

    fn step(&mut self, stored: Stored, found: &mut Found) {
        found.summary.commits += 1;
        let version = stored.version;
        match stored.commit {
            Ok(commit) => {
                self.verifier.commit(&commit);
                match &mut self.fold {
                    Some(fold) => fold.commit(&commit, found),
                    None if found.findings.iter().any(|one| one.stream == self.stream) => {}
                    None => found.push(&self.stream, version, What::UnknownAggregate),
                }
            }
            Err(why) => {
                self.verifier.unreadable(version, why);
                if let Some(fold) = &mut self.fold {
                    fold.lose();
                }
            }
        }
    }

    fn finish(self, found: &mut Found) {
        for finding in self.verifier.finish() {
            let why = finding.what.to_string();
            found.push(&finding.stream, finding.version, What::NotAsWritten { why });
        }
    }
}

/// The fold of a stream, whatever its aggregate.
trait Fold {
    /// One more commit.
    fn commit(&mut self, commit: &Commit, found: &mut Found);
    /// Something cannot be read: what comes after it is folded on nobody knows what.
    fn lose(&mut self);
}

struct Begin;

impl AggregateVisitor for Begin {
    type Output = Box<dyn Fold>;

    fn visit<A: Aggregate>(self) -> Box<dyn Fold> {
        Box::new(Folded::<A> {
            state: Some(A::State::default()),
            version: 0,
        })
    }
}

struct Folded<A: Aggregate> {
    /// `None` after what cannot be read.
    state: Option<A::State>,
    version: u64,
}

impl<A: Aggregate> Fold for Folded<A> {
    fn commit(&mut self, commit: &Commit, found: &mut Found) {
        let stored = commit.events().map_or(0, |events| events.len() as u64);
        found.summary.events += stored;
        let events: Vec<A::Event> = match commit.recorded::<A>() {
            Ok(recorded) => recorded
                .into_iter()
                .map(|recorded| recorded.event)
                .collect(),
            Err(error) => {
                let why = error.to_string();
                found.push(&commit.stream, commit.version, What::Undecodable { why });
                return self.lose();
            }
        };
        let follows = commit.version == self.version + 1;
        self.version = commit.version.saturating_add(stored).saturating_sub(1);
        let Some(before) = self.state.take().filter(|_| follows) else {
            found.summary.decisions_untold += 1;
            return;
        };
        match decided_otherwise::<A>(&before, &events) {
            Compared::Same => found.summary.decisions_same += 1,
            Compared::Untold => found.summary.decisions_untold += 1,
            Compared::Otherwise(what) => {
                found.summary.decisions_otherwise += 1;
                found.push(&commit.stream, commit.version, what);
            }
        }
        let state = A::fold(before, &events);
        if let Some(snapshot) = &commit.snapshot {
            compare_snapshot::<A>(commit, snapshot, &state, found);
        }
        self.state = Some(state);
    }

    fn lose(&mut self) {
        self.state = None;
    }
}

enum Compared {
    Same,
    Otherwise(What),
    Untold,
}

/// Whether the command that these events answer makes others today.
fn decided_otherwise<A: Aggregate>(before: &A::State, events: &[A::Event]) -> Compared {
    let Some(asked) = A::asked(events) else {
        return Compared::Untold;
    };
    let recorded = shown::<A>(events);
    let today = match A::decide(&asked, before) {
        Ok(events) => Outcome::Events(shown::<A>(&events)),
        Err(error) => Outcome::Refused(json!(Refusal::of(&error))),
    };
    match today {
        Outcome::Events(today) if today == recorded => Compared::Same,
        today => Compared::Otherwise(What::DecidedOtherwise { recorded, today }),
    }
}

fn compare_snapshot<A: Aggregate>(
    commit: &Commit,
    snapshot: &str,
    state: &A::State,
    found: &mut Found,
) {
    let taken: Value = serde_json::from_str(snapshot).unwrap_or_default();
    if taken["evolve_version"] != json!(A::EVOLVE_VERSION) {
        found.summary.snapshots_of_another_fold += 1;
        return;
    }
    let (recorded, today) = (taken["state"].clone(), json!(state));
    if recorded == today {
        found.summary.snapshots_same += 1;
        return;
    }
    let what = What::FoldsOtherwise { recorded, today };
    found.push(&commit.stream, commit.version, what);
}

/// Events as they would be stored, but for their ids.
fn shown<A: Aggregate>(events: &[A::Event]) -> Vec<Value> {
    let shown = events.iter().map(|event| {
        // OK because every event has the JSON form {"type", "data"}, as golden files say.
        let stored = StoredEvent::encode::<A>(Uuid::nil(), event).ok();
        stored.map_or(
            Value::Null,
            |stored| json!({ "type": stored.kind, "data": stored.data }),
        )
    });
    shown.collect()
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} at version {}: {}",
            self.stream, self.version, self.what
        )
    }
}

impl fmt::Display for What {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsWritten { why } => write!(formatter, "not as written: {why}"),
            Self::Undecodable { why } => write!(formatter, "undecodable: {why}"),
            Self::FoldsOtherwise { recorded, today } => write!(
                formatter,
                "folds otherwise: the snapshot has {recorded}, and today it would have {today}"
            ),
            Self::DecidedOtherwise { recorded, today } => {
                let recorded = json!(recorded);
                write!(
                    formatter,
                    "decided otherwise: recorded is {recorded}, and today "
                )?;
                match today {
                    Outcome::Events(events) if events.is_empty() => {
                        formatter.write_str("nothing would happen")
                    }
                    Outcome::Events(events) => write!(formatter, "it would be {}", json!(events)),
                    Outcome::Refused(why) => {
                        let detail = why["detail"].as_str().unwrap_or_default();
                        write!(formatter, "it is refused: {detail}")
                    }
                }
            }
            Self::UnknownAggregate => formatter.write_str("this build knows no such aggregate"),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            streams,
            commits,
            events,
            decisions_same,
            decisions_otherwise,
            decisions_untold,
            snapshots_same,
            snapshots_of_another_fold,
        } = self;
        write!(
            formatter,
            "{} with {} and {} replayed; {}: {decisions_same} the same today, {decisions_otherwise} otherwise, {decisions_untold} cannot be told; {} as today, {snapshots_of_another_fold} of another fold",
            counted(*streams, "stream"),
            counted(*commits, "commit"),
            counted(*events, "event"),
            counted(
                decisions_same + decisions_otherwise + decisions_untold,
                "decision"
            ),
            counted(*snapshots_same, "snapshot"),
        )
    }
}
