use super::*;
use domain::Welcome;
use event_store::{AppendError, ClaimChange, Commit};
use serde_json::json;
use std::ops::RangeInclusive;
use std::sync::Mutex;

/// One stream with one commit, an outbox with one place, and a post office that does as it is told.
struct Fake {
    commit: Commit,
    claim: Mutex<Option<Option<Outcome>>>,
    sent: Mutex<Vec<String>>,
    answers: Mutex<Vec<Result<String, SendError>>>,
}

impl EventLog for &Fake {
    async fn append(&self, _: &Commit, _: &[ClaimChange]) -> Result<(), AppendError> {
        Err(AppendError::Conflict)
    }

    async fn read(
        &self,
        _: &str,
        _: RangeInclusive<u64>,
        _: usize,
    ) -> Result<Vec<Commit>, StoreError> {
        Ok(vec![self.commit.clone()])
    }
}

impl Outbox for &Fake {
    async fn claim(&self, _: &Announcement) -> Result<Claim, DeliverError> {
        let mut claim = self.claim.lock().expect("no panic");
        Ok(match &*claim {
            None => {
                *claim = Some(None);
                Claim::Ours
            }
            Some(None) => Claim::Open,
            Some(Some(_)) => Claim::Done,
        })
    }

    async fn mark(&self, _: Uuid, outcome: &Outcome) -> Result<(), DeliverError> {
        *self.claim.lock().expect("no panic") = Some(Some(outcome.clone()));
        Ok(())
    }

    async fn release(&self, _: Uuid) -> Result<(), DeliverError> {
        *self.claim.lock().expect("no panic") = None;
        Ok(())
    }
}

impl Mailer for &Fake {
    async fn send(&self, mail: &Mail) -> Result<String, SendError> {
        self.sent.lock().expect("no panic").push(mail.to.clone());
        self.answers
            .lock()
            .expect("no panic")
            .pop()
            .unwrap_or(Ok("message".into()))
    }
}

fn fake(answers: Vec<Result<String, SendError>>, email: serde_json::Value) -> Fake {
    let id = "01a1fc61-f202-72bb-b4b9-5bacd9cefb5a";
    let events = json!([{ "id": id, "type": "UserCreated", "schema_version": 1, "data": { "name": "Sarah", "email": email } }]);
    let commit = json!({
        "stream": format!("user-{id}"), "version": 1, "id": id, "timestamp": "2026-11-21T04:33:59.810629Z",
        "events": events.to_string(), "command_id": id, "fingerprint": "f", "actor": "local", "correlation_id": id,
        "source": "http",
    });
    let commit = serde_json::from_value(commit).expect("a commit");
    Fake {
        commit,
        claim: Mutex::default(),
        sent: Mutex::default(),
        answers: Mutex::new(answers),
    }
}

fn sarah() -> serde_json::Value {
    "sarah@example.com".into()
}

async fn deliver(fake: &Fake) -> Result<(), DeliverError> {
    let said = Announcement::of(&fake.commit, "users").remove(0);
    Delivery {
        log: fake,
        outbox: fake,
        mailer: fake,
    }
    .deliver::<Welcome>(&said)
    .await
}

impl Fake {
    fn sent(&self) -> usize {
        self.sent.lock().expect("no panic").len()
    }

    fn outcome(&self) -> Option<Option<Outcome>> {
        self.claim.lock().expect("no panic").clone()
    }
}

#[tokio::test]
async fn a_doubled_message_sends_one_mail() {
    let fake = fake(vec![], sarah());
    deliver(&fake).await.expect("sent");
    deliver(&fake).await.expect("sent before");
    assert_eq!(fake.sent(), 1);
    assert_eq!(fake.outcome(), Some(Some(Outcome::Sent("message".into()))));
}

#[tokio::test]
async fn a_refused_mail_is_tried_again() {
    let fake = fake(vec![Err(SendError::Refused("too many".into()))], sarah());
    assert!(matches!(
        deliver(&fake).await,
        Err(DeliverError::Send(SendError::Refused(_)))
    ));
    assert_eq!(fake.outcome(), None, "the claim is given back");
    deliver(&fake).await.expect("sent");
    assert_eq!(fake.outcome(), Some(Some(Outcome::Sent("message".into()))));
}

#[tokio::test]
async fn a_mail_of_unknown_outcome_is_marked_and_not_sent_again() {
    let fake = fake(vec![Err(SendError::Unknown("silence".into()))], sarah());
    deliver(&fake).await.expect("marked");
    deliver(&fake).await.expect("nothing to do");
    assert_eq!(
        (fake.sent(), fake.outcome()),
        (1, Some(Some(Outcome::Unknown)))
    );
}

#[tokio::test]
async fn a_claim_left_open_by_a_crash_is_marked_and_not_sent() {
    let fake = fake(vec![], sarah());
    *fake.claim.lock().expect("no panic") = Some(None);
    deliver(&fake).await.expect("marked");
    assert_eq!(
        (fake.sent(), fake.outcome()),
        (0, Some(Some(Outcome::Unknown)))
    );
}

#[tokio::test]
async fn an_erased_address_gets_no_mail() {
    let fake = fake(vec![], json!({ "erased": true }));
    deliver(&fake).await.expect("nothing to do");
    assert_eq!((fake.sent(), fake.outcome()), (0, None));
}
