//! What a command is about to write, once all of its parts have decided.

use crate::answers::has_ledger;
use crate::{
    Appended, Batch, Clock, Decided, Done, Metadata, Participant, Position, Stamp, StoreError,
};
use chrono::TimeDelta;

/// How long a [`decider::Idempotency::Ledger`] remembers a command.
const REMEMBERED_FOR: TimeDelta = TimeDelta::hours(48);

/// What is about to be written, and what to answer when it is.
pub(crate) struct Draft {
    pub batch: Batch,
    stamps: Vec<Option<Stamp>>,
    answers: Vec<Appended>,
    pub now: chrono::DateTime<chrono::Utc>,
}

impl Draft {
    pub fn new<L, E>(
        clock: &impl Clock,
        metadata: &Metadata,
        parts: &[&mut dyn Participant<L, E>],
        decided: Vec<Option<Decided>>,
    ) -> Result<Self, StoreError> {
        let now = clock.now()?;
        let timestamp = parts
            .iter()
            .fold(now, |latest, part| latest.max(part.timestamp()));
        let mut metadata = metadata.clone();
        metadata.parts = decided
            .iter()
            .flatten()
            .map(|part| part.at.clone())
            .collect();
        let done = has_ledger(&metadata, parts)
            .then(|| metadata.parts.first().cloned())
            .flatten();
        if metadata.parts.len() == 1 {
            metadata.parts.clear();
        }
        let mut draft = Self {
            batch: Batch {
                done: done.map(|at| Done {
                    command_id: metadata.command_id,
                    at,
                    now,
                    until: now + REMEMBERED_FOR,
                }),
                ..Batch::default()
            },
            stamps: Vec::new(),
            answers: Vec::new(),
            now,
        };
        for (part, decided) in parts.iter().zip(decided) {
            let Some(decided) = decided else {
                let (stream, version) = (part.name().to_owned(), part.version());
                draft.batch.unchanged.push(Position { stream, version });
                draft.answers.push(Appended::nothing(version));
                draft.stamps.push(None);
                continue;
            };
            let stamp = Stamp {
                id: clock.new_id(),
                timestamp,
            };
            draft
                .batch
                .commits
                .push(part.commit(&decided, &stamp, &metadata)?);
            let claims = decided.claims.into_iter();
            draft
                .batch
                .claims
                .extend(claims.map(|claim| (decided.at.stream.clone(), claim)));
            draft.answers.push(Appended {
                version: part.version() + decided.events.len() as u64,
                event_ids: decided.events.iter().map(|event| event.id).collect(),
                replayed: false,
            });
            draft.stamps.push(Some(stamp));
        }
        Ok(draft)
    }

    /// It is written.
    pub fn keep<L, E>(self, parts: &mut [&mut dyn Participant<L, E>]) -> Vec<Appended> {
        let mut commits = self.batch.commits.iter();
        for (part, stamp) in parts.iter_mut().zip(&self.stamps) {
            let written = stamp
                .as_ref()
                .and_then(|stamp| Some((commits.next()?, stamp)));
            part.keep(written, self.now);
        }
        self.answers
    }
}
