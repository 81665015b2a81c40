//! A world for mails: it holds positions, claims and what was sent, and functions are killed in it.

use super::STREAM;
use crate::deliver::{Claim, DeliverError, Due, Mailer, Outbox, Outcome, SendError};
use domain::Mail;
use read_model::{Counts, Documents, ReadModelError, Row, StoredDocument};
use std::collections::{BTreeMap, VecDeque};
use std::error::Error;
use std::sync::Mutex;
use uuid::Uuid;

/// A step of the way of a mail, at which a function may be killed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    Claimed,
    Sent,
    Marked,
    Refused,
    Reached,
}

/// What the world holds: positions, claims, what was sent, and what the post office is going to say.
#[derive(Default)]
pub struct World {
    pub positions: Mutex<BTreeMap<String, StoredDocument>>,
    pub claims: Mutex<BTreeMap<Uuid, Noted>>,
    pub sent: Mutex<Vec<Mail>>,
    pub answers: Mutex<VecDeque<SendError>>,
    /// After this step the function is killed, once.
    pub killed: Mutex<Option<Step>>,
    pub is_busy: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Noted {
    Claimed { attempts: u32 },
    Refused { attempts: u32 },
    Done(Outcome),
}

impl World {
    fn after(&self, step: Step) -> Result<(), Box<dyn Error + Send + Sync>> {
        let mut killed = self.killed.lock().expect("no panic");
        match *killed == Some(step) {
            true => {
                *killed = None;
                Err("killed".into())
            }
            false => Ok(()),
        }
    }

    fn outbox(&self, step: Step) -> Result<(), DeliverError> {
        self.after(step).map_err(DeliverError::Outbox)
    }

    pub fn sent(&self) -> usize {
        self.sent.lock().expect("no panic").len()
    }

    pub fn outcomes(&self) -> Vec<Noted> {
        let claims = self.claims.lock().expect("no panic");
        claims.values().cloned().collect()
    }

    pub fn position(&self) -> Option<StoredDocument> {
        self.positions
            .lock()
            .expect("no panic")
            .get(STREAM)
            .cloned()
    }

    pub fn applied(&self) -> u64 {
        self.position().map_or(0, |position| position.applied)
    }
}

impl Outbox for &World {
    async fn claim(&self, due: &Due<'_>) -> Result<Claim, DeliverError> {
        let claim = {
            let mut claims = self.claims.lock().expect("no panic");
            let attempts = match claims.get(&due.event) {
                None => 0,
                Some(Noted::Refused { attempts }) => *attempts,
                Some(Noted::Claimed { .. }) if self.is_busy => return Ok(Claim::Busy),
                Some(Noted::Claimed { .. }) => return Ok(Claim::Open),
                Some(Noted::Done(_)) => return Ok(Claim::Done),
            };
            claims.insert(due.event, Noted::Claimed { attempts });
            Claim::Ours
        };
        self.outbox(Step::Claimed)?;
        Ok(claim)
    }

    async fn mark(&self, event: Uuid, outcome: &Outcome) -> Result<(), DeliverError> {
        let mut claims = self.claims.lock().expect("no panic");
        claims.insert(event, Noted::Done(outcome.clone()));
        self.outbox(Step::Marked)
    }

    async fn refuse(&self, event: Uuid) -> Result<u32, DeliverError> {
        let mut claims = self.claims.lock().expect("no panic");
        let Some(Noted::Claimed { attempts }) = claims.get(&event) else {
            panic!("nobody claimed it");
        };
        let attempts = attempts + 1;
        claims.insert(event, Noted::Refused { attempts });
        self.outbox(Step::Refused)?;
        Ok(attempts)
    }
}

impl Mailer for &World {
    async fn send(&self, mail: &Mail) -> Result<String, SendError> {
        if let Some(error) = self.answers.lock().expect("no panic").pop_front() {
            return Err(error);
        }
        self.sent.lock().expect("no panic").push(mail.clone());
        self.after(Step::Sent).map_err(SendError::Unknown)?;
        Ok("message".into())
    }
}

impl Documents for World {
    async fn get(&self, id: &str, _: bool) -> Result<Option<StoredDocument>, ReadModelError> {
        Ok(self.positions.lock().expect("no panic").get(id).cloned())
    }

    async fn get_all(&self, _: &[String]) -> Result<Vec<StoredDocument>, ReadModelError> {
        Ok(Vec::new())
    }

    async fn put(
        &self,
        document: &StoredDocument,
        over: Option<&StoredDocument>,
        _: &Counts,
    ) -> Result<(), ReadModelError> {
        let mut positions = self.positions.lock().expect("no panic");
        let found = positions.get(&document.id).map(|found| found.applied);
        if found != over.map(|over| over.applied) {
            return Err(ReadModelError::Conflict);
        }
        positions.insert(document.id.clone(), document.clone());
        self.after(Step::Reached).map_err(ReadModelError::Aws)
    }

    async fn settle(&self, _: &StoredDocument) -> Result<(), ReadModelError> {
        Ok(())
    }

    async fn rows(&self, _: &str, _: Option<&str>, _: usize) -> Result<Vec<Row>, ReadModelError> {
        Ok(Vec::new())
    }

    async fn counters(&self, _: &str, _: &str) -> Result<Counts, ReadModelError> {
        Ok(Counts::new())
    }
}
