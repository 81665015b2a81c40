use super::*;
use crate::deliver::{Outcome, SendError};
use domain::user::Command;
use domain::{NameChange, User, Welcome};
use event_store::{Cache, MemoryEventLog, Metadata, Part, ServiceClock, execute};
use serde_json::json;
use std::sync::Mutex;
use world::{Noted, Step, World};

mod world;

const STREAM: &str = "user-01a1fc61-f202-72bb-b4b9-5bacd9cefb5a";
/// Before all that is recorded here.
const START: &str = "2000-01-01T00:00:00.000000Z";

async fn run(log: &MemoryEventLog, kind: &str, data: serde_json::Value) {
    let serde_json::Value::Object(fields) = data else {
        panic!("fields are an object");
    };
    let command: Command = domain::parse::<User>(kind, fields).expect("a valid command");
    let cache = Cache::<User>::none();
    let part = Part::new(STREAM, &command, &cache);
    let metadata = Metadata::new("sarah", "http");
    let done = execute(log, &ServiceClock::default(), &metadata, part).await;
    done.expect("executed");
}

/// Sarah, who was renamed so often.
async fn sarah(renames: usize) -> MemoryEventLog {
    let log = MemoryEventLog::default();
    let created = json!({ "name": "Sarah", "email": "sarah@example.com" });
    run(&log, "CreateUser", created).await;
    for at in 0..renames {
        rename(&log, &format!("Sara {at}")).await;
    }
    log
}

async fn rename(log: &MemoryEventLog, name: &str) {
    run(
        log,
        "ChangeUserName",
        json!({ "name": name, "reason": "married" }),
    )
    .await;
}

async fn hear<M: Mailing>(
    world: &World,
    log: &MemoryEventLog,
    version: u64,
) -> Result<(), DeliverError> {
    heard::<M>(world, log, version, Ring::News, START).await
}

async fn heard<M: Mailing>(
    world: &World,
    log: &MemoryEventLog,
    version: u64,
    ring: Ring,
    start: &str,
) -> Result<(), DeliverError> {
    let delivery = Delivery {
        outbox: world,
        mailer: world,
    };
    let stream = STREAM;
    let heard = Heard {
        stream,
        version,
        ring,
        start,
    };
    heard.bring::<M>(log, &delivery, world).await
}

fn refusals(number: usize) -> World {
    let refused = || SendError::Refused("too many".into());
    World {
        answers: Mutex::new((0..number).map(|_| refused()).collect()),
        ..World::default()
    }
}

#[tokio::test]
async fn messages_may_be_lost_doubled_and_late() {
    let (world, log) = (World::default(), sarah(3).await);
    for version in [3, 1, 3, 2, 4, 4, 1] {
        hear::<NameChange>(&world, &log, version)
            .await
            .expect("done");
    }
    assert_eq!((world.sent(), world.applied()), (3, 4));
    let texts: Vec<_> = world
        .sent
        .lock()
        .expect("no panic")
        .iter()
        .map(|mail| mail.text.clone())
        .collect();
    for (at, text) in texts.iter().enumerate() {
        assert!(text.contains(&format!("to Sara {at}.")), "in order: {text}");
    }
}

#[tokio::test]
async fn a_mail_goes_to_the_email_that_the_user_had_then() {
    let (world, log) = (World::default(), sarah(1).await);
    run(
        &log,
        "ChangeUserEmail",
        json!({ "email": "new@example.com" }),
    )
    .await;
    rename(&log, "Sally").await;
    hear::<NameChange>(&world, &log, 4).await.expect("done");
    let to: Vec<_> = world
        .sent
        .lock()
        .expect("no panic")
        .iter()
        .map(|mail| mail.to.clone())
        .collect();
    assert_eq!(to, ["sarah@example.com", "new@example.com"]);
}

#[tokio::test]
async fn a_mail_is_sent_at_most_once_wherever_a_function_is_killed() {
    for step in [Step::Claimed, Step::Sent, Step::Marked, Step::Reached] {
        let (world, log) = (World::default(), sarah(0).await);
        *world.killed.lock().expect("no panic") = Some(step);
        let _ = hear::<Welcome>(&world, &log, 1).await;
        for ring in [Ring::News, Ring::Redrive, Ring::Anew, Ring::News] {
            let again = heard::<Welcome>(&world, &log, 1, ring, START).await;
            again.expect("done");
        }
        let outcome = match step {
            Step::Claimed | Step::Sent => Outcome::Unknown,
            _ => Outcome::Sent("message".into()),
        };
        assert_eq!(world.outcomes(), [Noted::Done(outcome)], "after {step:?}");
        let sent = usize::from(step != Step::Claimed);
        assert_eq!((world.sent(), world.applied()), (sent, 1), "after {step:?}");
    }
}

#[tokio::test]
async fn a_position_that_was_lost_sends_nothing_again() {
    let (world, log) = (World::default(), sarah(2).await);
    hear::<NameChange>(&world, &log, 3).await.expect("done");
    world.positions.lock().expect("no panic").clear();
    hear::<NameChange>(&world, &log, 3).await.expect("done");
    assert_eq!((world.sent(), world.applied()), (2, 3));
}

#[tokio::test]
async fn what_another_copy_is_sending_is_waited_for() {
    let (mut world, log) = (World::default(), sarah(0).await);
    *world.killed.lock().expect("no panic") = Some(Step::Claimed);
    let _ = hear::<Welcome>(&world, &log, 1).await;
    world.is_busy = true;
    let busy = hear::<Welcome>(&world, &log, 1).await;
    assert!(matches!(busy, Err(DeliverError::Busy)));
    assert_eq!((world.sent(), world.applied()), (0, 0));
}

#[tokio::test]
async fn what_was_recorded_before_there_was_a_mailing_asks_for_no_mail() {
    let log = sarah(20).await;
    let start = rfc3339(Utc::now());
    rename(&log, "Sally").await;
    for version in [22, 3] {
        let world = World::default();
        let done = heard::<NameChange>(&world, &log, version, Ring::News, &start).await;
        done.expect("done");
        let sent = usize::from(version == 22);
        assert_eq!((world.sent(), world.applied()), (sent, version));
    }
}

#[tokio::test]
async fn a_version_that_is_yet_to_come_comes_again() {
    let (world, log) = (World::default(), sarah(0).await);
    let ahead = hear::<Welcome>(&world, &log, 2).await;
    assert!(matches!(ahead, Err(DeliverError::NoSuchEvent)));
    hear::<Welcome>(&world, &log, 1).await.expect("done");
    assert_eq!((world.sent(), world.applied()), (1, 1));
}

#[tokio::test]
async fn a_refused_mail_is_tried_again() {
    let (world, log) = (refusals(1), sarah(0).await);
    let refused = hear::<Welcome>(&world, &log, 1).await;
    assert!(matches!(
        refused,
        Err(DeliverError::Refused { attempts: 1 })
    ));
    assert_eq!(world.applied(), 0);
    hear::<Welcome>(&world, &log, 1).await.expect("sent");
    assert_eq!((world.sent(), world.applied()), (1, 1));
}

#[tokio::test]
async fn a_mail_that_is_refused_five_times_is_parked_until_a_redrive() {
    let (world, log) = (refusals(6), sarah(1).await);
    for attempt in 1..=5 {
        let refused = hear::<NameChange>(&world, &log, 2).await;
        assert_eq!(refused.is_ok(), attempt == 5, "attempt {attempt}");
    }
    let position = world.position().expect("a position");
    let trouble = position.parked().expect("parked").clone();
    assert_eq!((position.applied, trouble.version), (1, 2));
    assert_eq!(trouble.why, "the mail was refused 5 times");
    assert_eq!(position.rows.len(), 1, "it is listed");
    rename(&log, "Sally").await;
    hear::<NameChange>(&world, &log, 3).await.expect("waits");
    assert_eq!(world.outcomes(), [Noted::Refused { attempts: 5 }]);
    // Refused once more, and then sent, with what came after it.
    for sent in [0, 2] {
        let redriven = heard::<NameChange>(&world, &log, 3, Ring::Redrive, START).await;
        redriven.expect("parked or sent");
        assert_eq!(world.sent(), sent);
    }
    let position = world.position().expect("a position");
    assert_eq!((position.applied, position.trouble), (3, None));
    assert!(position.rows.is_empty(), "it is no longer listed");
}

/// Tells of changes of names, and trips over one of them.
struct Clumsy;

impl Mailing for Clumsy {
    const NAME: &'static str = "clumsy";
    const EVENT_TYPES: &'static [&'static str] = NameChange::EVENT_TYPES;
    type Source = User;

    fn write(
        state: &<User as Decider>::State,
        event: &<User as Decider>::Event,
    ) -> Option<domain::Mail> {
        let mail = NameChange::write(state, event)?;
        assert!(!mail.text.contains("to Sara 1."), "over a name");
        Some(mail)
    }
}

#[tokio::test]
async fn a_panic_parks_its_stream() {
    let (world, log) = (World::default(), sarah(3).await);
    for ring in [Ring::News, Ring::News, Ring::Redrive] {
        let done = heard::<Clumsy>(&world, &log, 4, ring, START).await;
        done.expect("parked");
        let position = world.position().expect("a position");
        let trouble = position.parked().expect("parked").clone();
        assert_eq!((position.applied, trouble.version, world.sent()), (2, 3, 1));
        assert_eq!(trouble.why, "the mailing panicked");
    }
    // Another build does better.
    let redriven = heard::<NameChange>(&world, &log, 4, Ring::Redrive, START).await;
    redriven.expect("sent");
    assert_eq!((world.sent(), world.applied()), (3, 4));
}

#[tokio::test]
async fn a_killed_refusal_is_counted_and_sends_nothing() {
    let (world, log) = (refusals(1), sarah(0).await);
    *world.killed.lock().expect("no panic") = Some(Step::Refused);
    assert!(hear::<Welcome>(&world, &log, 1).await.is_err());
    assert_eq!(world.outcomes(), [Noted::Refused { attempts: 1 }]);
    hear::<Welcome>(&world, &log, 1).await.expect("sent");
    assert_eq!(world.sent(), 1);
}

#[tokio::test]
async fn what_cannot_be_read_parks_the_stream_after_what_can() {
    let (world, log) = (World::default(), sarah(3).await);
    let mut commits = log.read(STREAM, 3..=3, 1).await.expect("there");
    let mut bad = commits.remove(0);
    let good = bad.clone();
    bad.events = bad.events.replace("\"new\"", "\"old\"");
    log.tamper(bad);
    hear::<NameChange>(&world, &log, 4).await.expect("parked");
    let position = world.position().expect("a position");
    let trouble = position.parked().expect("parked").clone();
    assert_eq!((position.applied, trouble.version, world.sent()), (2, 3, 1));
    assert!(!trouble.why.contains("Sara"), "{}", trouble.why);
    log.tamper(good);
    hear::<NameChange>(&world, &log, 4).await.expect("waits");
    assert_eq!(world.sent(), 1);
    let redriven = heard::<NameChange>(&world, &log, 4, Ring::Redrive, START).await;
    redriven.expect("sent");
    assert_eq!((world.sent(), world.applied()), (3, 4));
}
