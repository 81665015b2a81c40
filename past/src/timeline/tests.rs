use super::*;
use crate::stored;
use event_store::{Batch, Commit, MemoryEventLog};

/// A commit of so many events, of which nobody has to know what they are.
fn commit(stream: &str, version: u64, events: usize) -> Commit {
    stored::commit(stream, version, &vec![("Knocked", 1, json!({})); events])
}

fn row(stream: &str, version: u64) -> String {
    format!("1970-01-01T00:00:00.000000Z#{version:020}#Knocked#{stream}")
}

/// The streams and versions that these rows lead to.
async fn told(log: &MemoryEventLog, rows: &[String]) -> Value {
    let events = happened(log, rows).await.expect("readable").into_iter();
    events
        .map(|event| json!([event["stream"], event["version"]]))
        .collect()
}

#[tokio::test]
async fn each_row_leads_to_its_event_wherever_in_a_commit_that_is() {
    let log = MemoryEventLog::default();
    for commit in [commit("door-1", 1, 3), commit("door-2", 1, 1)] {
        log.append(&Batch::of(commit)).await.expect("it is new");
    }
    let rows = [
        row("door-1", 3),
        row("door-2", 1),
        row("door-1", 1),
        row("door-1", 2),
    ];
    let wanted = json!([["door-1", 3], ["door-2", 1], ["door-1", 1], ["door-1", 2]]);
    assert_eq!(told(&log, &rows).await, wanted);
}

#[tokio::test]
async fn an_event_of_several_rows_is_shown_once() {
    let log = MemoryEventLog::default();
    let batch = Batch::of(commit("door-1", 1, 1));
    log.append(&batch).await.expect("it is new");
    let rows = [
        row("door-1", 1),
        row("door-1", 1).replace("Knocked", "Opened"),
    ];
    assert_eq!(told(&log, &rows).await, json!([["door-1", 1]]));
}

#[tokio::test]
async fn an_event_that_cannot_be_read_or_is_gone_hides_no_other() {
    let log = MemoryEventLog::default();
    let mut bad = commit("door-1", 1, 1);
    bad.events = "{".to_owned();
    log.tamper(bad);
    let batch = Batch::of(commit("door-2", 1, 1));
    log.append(&batch).await.expect("it is new");
    let rows = [row("door-1", 1), row("door-3", 1), row("door-2", 1)];
    assert_eq!(
        told(&log, &rows).await,
        json!([["door-1", 1], ["door-2", 1]])
    );
}
