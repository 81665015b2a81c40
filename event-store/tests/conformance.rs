//! The checks on the log in memory; those on DynamoDB are in the workspace's `tests`.

use event_store::MemoryEventLog;
use event_store::conformance::Fixture;

struct InMemory;

impl Fixture for InMemory {
    type Log = MemoryEventLog;

    async fn log(&self) -> MemoryEventLog {
        MemoryEventLog::default()
    }

    async fn log_that_loses_a_reply(&self) -> MemoryEventLog {
        let log = MemoryEventLog::default();
        log.lose_replies(1);
        log
    }
}

event_store::conformance_tests!(InMemory);

/// The list of `conformance_tests!` is the only one: what is not on it runs nowhere.
#[test]
fn every_check_is_on_the_list() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/conformance");
    let list = include_str!("../src/conformance/mod.rs");
    let listed: Vec<_> = list.split_whitespace().collect();
    let mut found = 0;
    for file in std::fs::read_dir(folder).expect("the folder") {
        let text = std::fs::read_to_string(file.expect("a file").path()).expect("a text");
        let checks = text
            .lines()
            .filter_map(|line| line.strip_prefix("pub async fn "));
        for check in checks.filter_map(|line| line.split('(').next()) {
            assert!(listed.contains(&check), "{check} is not on the list");
            found += 1;
        }
    }
    assert!(found > 40, "found {found}");
}
