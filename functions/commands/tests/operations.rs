//! Who may ask something of consumers: operators alone, and nobody for being the owner of something.

use commands::{Commands, answer};
use domain::Operation;
use event_store::{Cache, EventLog, MemoryEventLog};
use serde_json::json;
use tests::gateway::Call;
use tests::sandbox::Right;
use uuid::Uuid;

#[tokio::test]
async fn only_operators_rebuild_and_redrive() {
    let commands = Commands {
        log: MemoryEventLog::default(),
        clock: Right,
        subject_claim: "sub".to_owned(),
    };
    let cache = Cache::<Operation>::none();
    let id = Uuid::now_v7();
    let started = json!({ "id": id, "consumer": "users", "reason": "a better fold" });
    let switched = json!({ "status": "switched", "reason": "they are the same" });
    let redrive = json!({ "consumer": "users", "reason": "mended" });
    let calls = [
        Call::new("POST /rebuilds", started),
        Call::on(id, "PUT /rebuilds/{id}", switched),
        Call::on(id, "DELETE /rebuilds/{id}", json!({ "reason": "no use" })),
        Call::new("POST /deliveries/redrives", redrive),
    ];
    for scopes in ["", "self", "audit:read", "self users:write accounts:write"] {
        for call in &calls {
            let call = call.clone().by("mallory", scopes);
            let Ok(answered) = answer(&commands, &cache, call.request()).await;
            let answered = tests::gateway::answer(&answered);
            let told = (answered.status.as_u16(), answered.body["scope"].as_str());
            assert_eq!(
                told,
                (403, Some("ops:write")),
                "{} with {scopes:?}",
                call.route
            );
        }
    }
    let log = &commands.log;
    let written = log.newest(&format!("ops-{id}"), 1..=u64::MAX, 1).await;
    assert!(written.expect("readable").is_empty(), "it left no trace");
    for call in calls {
        let call = call.by("mei", "ops:write");
        let Ok(answered) = answer(&commands, &cache, call.request()).await;
        let answered = tests::gateway::answer(&answered);
        assert_eq!(answered.status, 202, "{}: {}", call.route, answered.body);
    }
    let written = log.newest(&format!("ops-{id}"), 1..=u64::MAX, 1).await;
    let written = written.expect("readable");
    let metadata = written[0].metadata().expect("readable");
    assert_eq!(metadata.actor, "mei");
}
