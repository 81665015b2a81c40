//! Claims that were deleted, doubled or left over are named, and put right where that can be done without a person.

use aws_sdk_dynamodb::types::AttributeValue;
use decider::Claim;
use event_store::{
    AppendError, ClaimsKey, Clock, DynamoDbEventLog, EventLog, ExecuteError, Position,
};
use indicatif::ProgressBar;
use ops::Reading;
use ops::claims::{Finding, What, claims};
use serde_json::json;
use tests::backend::Backend;
use tests::users::{command, create, rename, run, stream};
use uuid::Uuid;

const KIND: &str = "email";

struct Store {
    backend: Backend,
    log: DynamoDbEventLog,
}

impl Store {
    async fn new() -> Self {
        let backend = Backend::embedded().await;
        let log = backend.log();
        Self { backend, log }
    }

    async fn user(&self, email: &str) -> Uuid {
        let id = Uuid::now_v7();
        let created = run(&self.log, &self.backend.clock, id, &create(email)).await;
        created.expect("created");
        id
    }

    /// Whether a new user could take this email.
    async fn is_free(&self, email: &str) -> bool {
        let id = Uuid::now_v7();
        match run(&self.log, &self.backend.clock, id, &create(email)).await {
            Ok(_) => true,
            Err(ExecuteError::ClaimTaken { kind: KIND }) => false,
            Err(error) => panic!("{error:?}"),
        }
    }

    fn key(&self, email: &str) -> String {
        let claim = Claim {
            kind: KIND,
            canonical: email.into(),
        };
        self.log.claim_key(&claim).expect("a key")
    }

    /// Puts a row, behind the service's back.
    async fn put(&self, key: &str, stream: &str) {
        let put = self.backend.client.put_item();
        put.table_name(self.backend.table("claims"))
            .item("claim", AttributeValue::S(key.to_owned()))
            .item("stream", AttributeValue::S(stream.to_owned()))
            .send()
            .await
            .expect("put");
    }

    async fn delete(&self, email: &str) {
        let delete = self.backend.client.delete_item();
        delete
            .table_name(self.backend.table("claims"))
            .key("claim", AttributeValue::S(self.key(email)))
            .send()
            .await
            .expect("deleted");
    }

    async fn holder(&self, email: &str) -> Option<String> {
        let row = self.log.row(&self.key(email)).await.expect("readable");
        row.and_then(|row| row.stream)
    }

    async fn run(&self, repair: bool) -> Vec<Finding> {
        let reading = Reading {
            segments: 2,
            progress: ProgressBar::hidden(),
        };
        let ran = claims(&self.log, repair, false, &reading).await;
        ran.expect("it can be read").0
    }

    /// What is found, and found again as nothing was mended; then mended, and found no more.
    async fn mends(&self, expected: &[What]) {
        let as_found = |mended: bool| -> Vec<_> {
            let finding = |what: &What| Finding {
                what: what.clone(),
                mended,
            };
            expected.iter().map(finding).collect()
        };
        assert_eq!(self.run(false).await, as_found(false));
        assert_eq!(self.run(false).await, as_found(false));
        assert_eq!(self.run(true).await, as_found(true));
        assert_eq!(self.run(false).await, []);
    }
}

#[tokio::test]
async fn a_deleted_claim_is_made_again() {
    let store = Store::new().await;
    let (sarah, _) = (
        store.user("sarah@example.com").await,
        store.user("mei@example.com").await,
    );
    assert_eq!(store.run(false).await, []);
    store.delete("sarah@example.com").await;
    let stream = stream(sarah);
    store.mends(&[What::Missing { kind: KIND, stream }]).await;
    assert!(!store.is_free("sarah@example.com").await);
}

#[tokio::test]
async fn all_claims_are_made_again_from_nothing() {
    let store = Store::new().await;
    let emails = ["a@example.com", "b@example.com", "c@example.com"];
    for email in emails {
        store.user(email).await;
        store.delete(email).await;
    }
    assert_eq!(store.run(true).await.len(), 3);
    assert_eq!(store.run(false).await, []);
    for email in emails {
        assert!(!store.is_free(email).await);
    }
}

#[tokio::test]
async fn a_claim_that_is_left_over_is_deleted() {
    let store = Store::new().await;
    let deleted = store.user("gone@example.com").await;
    let delete = command("DeleteUser", json!({ "reason": "asked" }));
    run(&store.log, &store.backend.clock, deleted, &delete)
        .await
        .expect("deleted");
    store.user("mei@example.com").await;
    let never = stream(Uuid::now_v7());
    for (email, stream) in [
        ("gone@example.com", stream(deleted)),
        ("never@example.com", never),
    ] {
        let claim = store.key(email);
        store.put(&claim, &stream).await;
        assert!(!store.is_free(email).await);
        store.mends(&[What::LeftOver { claim, stream }]).await;
        assert!(store.is_free(email).await);
    }
}

#[tokio::test]
async fn a_claim_goes_to_the_stream_that_holds_the_value() {
    let store = Store::new().await;
    let (sarah, mei) = (
        store.user("sarah@example.com").await,
        store.user("mei@example.com").await,
    );
    let never = stream(Uuid::now_v7());
    for holder in [stream(mei), never] {
        store.put(&store.key("sarah@example.com"), &holder).await;
        let stream = stream(sarah);
        store
            .mends(&[What::WrongHolder {
                kind: KIND,
                stream: stream.clone(),
                holder,
            }])
            .await;
        assert_eq!(store.holder("sarah@example.com").await, Some(stream));
    }
}

#[tokio::test]
async fn of_two_that_hold_one_value_the_one_with_the_claim_keeps_it_and_the_other_is_named() {
    let store = Store::new().await;
    let older = store.user("sarah@example.com").await;
    store.delete("sarah@example.com").await;
    let newer = store.user("sarah@example.com").await;
    let doubled = |keeper, other| Finding {
        what: What::Doubled {
            kind: KIND,
            keeper: stream(keeper),
            stream: stream(other),
        },
        mended: false,
    };
    for repair in [false, true, true] {
        assert_eq!(store.run(repair).await, [doubled(newer, older)]);
        assert_eq!(store.holder("sarah@example.com").await, Some(stream(newer)));
    }
    // Without a row it is the one that has held it longest.
    store.delete("sarah@example.com").await;
    let missing = Finding {
        what: What::Missing {
            kind: KIND,
            stream: stream(older),
        },
        mended: true,
    };
    assert_eq!(store.run(true).await, [missing, doubled(older, newer)]);
    assert_eq!(store.run(true).await, [doubled(older, newer)]);
    assert_eq!(store.holder("sarah@example.com").await, Some(stream(older)));
    // A person corrects the one that has the claim, and the other is given it.
    let correction = json!({ "email": "other@example.com", "reason": "doubled" });
    let correct = command("CorrectUser", correction);
    let corrected = run(&store.log, &store.backend.clock, older, &correct).await;
    corrected.expect("corrected");
    let stream = stream(newer);
    store.mends(&[What::Missing { kind: KIND, stream }]).await;
    assert!(!store.is_free("sarah@example.com").await);
}

#[tokio::test]
async fn to_have_held_a_value_before_is_not_to_have_held_it_longest() {
    let store = Store::new().await;
    let clock = &store.backend.clock;
    let first = store.user("sarah@example.com").await;
    let away = command("ChangeUserEmail", json!({ "email": "away@example.com" }));
    run(&store.log, clock, first, &away).await.expect("moved");
    let second = store.user("sarah@example.com").await;
    store.delete("sarah@example.com").await;
    let back = command("ChangeUserEmail", json!({ "email": "sarah@example.com" }));
    run(&store.log, clock, first, &back).await.expect("back");
    store.delete("sarah@example.com").await;
    run(&store.log, clock, second, &rename("Mei"))
        .await
        .expect("renamed");
    let findings = store.run(true).await;
    assert_eq!(
        store.holder("sarah@example.com").await,
        Some(stream(second)),
        "{findings:?}"
    );
}

#[tokio::test]
async fn what_is_not_a_known_claim_is_left_alone() {
    let store = Store::new().await;
    store.user("sarah@example.com").await;
    let command = format!("command#{}", Uuid::now_v7());
    store.put(&command, "account-1").await;
    assert_eq!(store.run(true).await, []);
    store.put("email#1", "robot-1").await;
    let (claim, stream) = ("email#1".to_owned(), "robot-1".to_owned());
    let what = What::Unknown { claim, stream };
    let mended = false;
    assert_eq!(store.run(true).await, [Finding { what, mended }]);
    for key in [command.as_str(), "email#1"] {
        assert!(store.log.row(key).await.expect("readable").is_some());
    }
}

#[tokio::test]
async fn a_stream_that_cannot_be_read_keeps_its_claims() {
    let store = Store::new().await;
    let (sarah, _) = (
        store.user("sarah@example.com").await,
        store.user("mei@example.com").await,
    );
    let update = store.backend.client.update_item();
    update
        .table_name(store.backend.table("events"))
        .key("stream", AttributeValue::S(stream(sarah)))
        .key("version", AttributeValue::N("1".into()))
        .update_expression("SET #events = :none")
        .expression_attribute_names("#events", "events")
        .expression_attribute_values(":none", AttributeValue::S("[]".into()))
        .send()
        .await
        .expect("spoiled");
    let findings = store.run(true).await;
    let [
        Finding {
            what: What::Unreadable { stream: named, .. },
            mended: false,
        },
    ] = &findings[..]
    else {
        panic!("{findings:?}");
    };
    assert_eq!(*named, stream(sarah));
    assert!(!store.is_free("sarah@example.com").await);
}

#[tokio::test]
async fn another_key_is_refused_before_anything_is_changed() {
    let store = Store::new().await;
    store.user("sarah@example.com").await;
    let other = DynamoDbEventLog::new(store.backend.client.clone(), store.backend.table("events"))
        .with_claims(store.backend.table("claims"), ClaimsKey::new("another"));
    let reading = Reading {
        segments: 1,
        progress: ProgressBar::hidden(),
    };
    let refused = claims(&other, true, false, &reading)
        .await
        .expect_err("refused");
    assert!(refused.to_string().contains("CLAIMS_KEY"), "{refused}");
    assert_eq!(store.run(false).await, []);
    let (findings, _) = claims(&other, true, true, &reading)
        .await
        .expect("made anew");
    assert_eq!(findings.len(), 2);
    assert!(findings.iter().all(|finding| finding.mended));
    assert_eq!(
        claims(&other, false, false, &reading)
            .await
            .expect("read")
            .0,
        []
    );
}

#[tokio::test]
async fn a_claim_is_not_discarded_once_its_stream_has_moved_or_another_has_it() {
    let store = Store::new().await;
    let sarah = store.user("sarah@example.com").await;
    let key = store.key("sarah@example.com");
    let at = |version| Position {
        stream: stream(sarah),
        version,
    };
    run(&store.log, &store.backend.clock, sarah, &rename("Mei"))
        .await
        .expect("renamed");
    let stale = store.log.discard(&key, &at(1)).await;
    assert!(matches!(stale, Err(AppendError::Conflict)), "{stale:?}");
    let other = Position {
        stream: stream(Uuid::now_v7()),
        version: 0,
    };
    let foreign = store.log.discard(&key, &other).await;
    assert!(matches!(foreign, Err(AppendError::Conflict)), "{foreign:?}");
    assert_eq!(store.holder("sarah@example.com").await, Some(stream(sarah)));
    store.log.discard(&key, &at(2)).await.expect("discarded");
    assert_eq!(store.holder("sarah@example.com").await, None);
    assert!(store.backend.clock.is_checked());
    let commits = store
        .log
        .read(&stream(sarah), 1..=9, 9)
        .await
        .expect("readable");
    assert_eq!(commits.len(), 2);
}

#[tokio::test]
async fn a_spoiled_row_is_named_and_overwritten_where_a_stream_holds_the_value() {
    let store = Store::new().await;
    let sarah = store.user("sarah@example.com").await;
    for key in [
        store.key("sarah@example.com"),
        store.key("none@example.com"),
    ] {
        let put = store.backend.client.put_item();
        put.table_name(store.backend.table("claims"))
            .item("claim", AttributeValue::S(key))
            .send()
            .await
            .expect("put");
    }
    store.run(true).await;
    assert_eq!(store.holder("sarah@example.com").await, Some(stream(sarah)));
    let claim = store.key("none@example.com");
    let (what, mended) = (What::Spoiled { claim }, false);
    assert_eq!(store.run(true).await, [Finding { what, mended }]);
}
