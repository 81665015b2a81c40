use super::*;
use decider::Upcaster;
use domain::{User, Welcome};
use event_store::{
    Batch, Commit, Hash, MemoryEventLog, Metadata, Position, Stamp, StoredEvent, stream_name,
};
use serde_json::json;
use std::sync::Mutex;
use std::time::SystemTime;

/// One commit, an outbox with one place, and a post office that does as it is told.
struct Fake {
    commit: Commit,
    claim: Mutex<Option<Option<Outcome>>>,
    sent: Mutex<Vec<String>>,
    answers: Mutex<Vec<Result<String, SendError>>>,
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
    let id = "01a1fc61-f202-72bb-b4b9-5bacd9cefb5a"
        .parse()
        .expect("an id");
    let created = json!({ "type": "UserCreated", "data": { "name": "Sarah", "email": email } });
    let created = serde_json::from_value(created).expect("an event");
    let event = StoredEvent::encode::<User>(id, &created).expect("it has JSON");
    let at = Position {
        stream: stream_name("user", id),
        version: 1,
    };
    let stamp = Stamp {
        id: Uuid::now_v7(),
        timestamp: SystemTime::UNIX_EPOCH.into(),
    };
    let metadata = Metadata::new("local", "http");
    let commit = Commit::new(at, Hash::default(), &stamp, &metadata, &[event], None);
    Fake {
        commit: commit.expect("a commit"),
        claim: Mutex::default(),
        sent: Mutex::default(),
        answers: Mutex::new(answers),
    }
}

fn sarah() -> serde_json::Value {
    "sarah@example.com".into()
}

async fn deliver(fake: &Fake) -> Result<(), DeliverError> {
    let said = Announcement::of(&fake.commit, "users").expect("it is readable");
    let log = MemoryEventLog::default();
    let batch = Batch::of(fake.commit.clone());
    log.append(&batch).await.expect("a new log takes it");
    Delivery {
        log,
        outbox: fake,
        mailer: fake,
    }
    .deliver::<Welcome>(&said[0])
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

/// Its events are rings; those of version 1 were of two bells at once, or of none.
enum Bell {}

impl Decider for Bell {
    const CATEGORY: &'static str = "user";
    const UPCASTERS: &'static [Upcaster<serde_json::Value>] = &[
        Upcaster {
            kind: "Rung",
            schema_version: 1,
            read: |data| Ok(vec![data.into(), data.into()]),
        },
        Upcaster {
            kind: "UserCreated",
            schema_version: 1,
            read: |_| Ok(vec![]),
        },
    ];
    type State = ();
    type Command = ();
    type Event = serde_json::Value;
    type Error = ();

    fn decide((): &(), (): &()) -> Result<Vec<Self::Event>, ()> {
        Ok(vec![])
    }

    fn evolve((): (), _: &Self::Event) {}
}

#[tokio::test]
async fn an_announced_event_may_be_none_today_or_several_but_must_be_there() {
    let fake = fake(vec![], sarah());
    let said = Announcement::of(&fake.commit, "users").expect("it is readable");
    let (log, other) = (MemoryEventLog::default(), Uuid::now_v7());
    let delivery = Delivery {
        log: log.clone(),
        outbox: &fake,
        mailer: &fake,
    };
    for (kind, today) in [("UserCreated", 0), ("Rung", 2)] {
        let mut commit = fake.commit.clone();
        let of_version_1 = commit
            .events
            .replace(r#""schema_version":2"#, r#""schema_version":1"#);
        commit.events = of_version_1.replace("UserCreated", kind);
        log.tamper(commit);
        let events = delivery.events::<Bell>(&said[0]).await;
        assert_eq!(events.expect("it is there").len(), today);
    }
    for (id, version) in [(other, 1), (said[0].id, 2)] {
        let said = Announcement {
            id,
            version,
            ..said[0].clone()
        };
        let events = delivery.events::<Bell>(&said).await;
        assert!(matches!(events, Err(DeliverError::NoSuchEvent)));
    }
}
