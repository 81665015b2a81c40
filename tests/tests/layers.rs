//! The arrows between crates: who may depend on whom.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Each crate of ours with those that it may know; a crate that is not here does not belong.
const ARROWS: &[(&str, &[&str])] = &[
    ("decider", &[]),
    ("domain", &["decider"]),
    ("event-store", &["decider"]),
    ("read-model", &["decider", "event-store"]),
    ("past", &["decider", "domain", "event-store", "read-model"]),
    ("edge", &["event-store"]),
    ("consumer", &["domain", "edge", "event-store", "read-model"]),
    ("commands", &["decider", "domain", "edge", "event-store"]),
    (
        "queries",
        &[
            "decider",
            "domain",
            "edge",
            "event-store",
            "past",
            "read-model",
        ],
    ),
    ("publish", &["domain", "edge", "event-store"]),
    (
        "project",
        &["consumer", "domain", "edge", "event-store", "read-model"],
    ),
    (
        "mail",
        &[
            "consumer",
            "decider",
            "domain",
            "edge",
            "event-store",
            "read-model",
        ],
    ),
    (
        "deliveries",
        &[
            "consumer",
            "decider",
            "domain",
            "edge",
            "event-store",
            "read-model",
        ],
    ),
    ("console", &["domain", "edge"]),
    ("local", &["domain", "event-store"]),
    (
        "benches",
        &[
            "consumer",
            "decider",
            "domain",
            "event-store",
            "local",
            "project",
            "read-model",
            "tests",
        ],
    ),
    (
        "ops",
        &[
            "consumer",
            "decider",
            "deliveries",
            "domain",
            "event-store",
            "past",
            "read-model",
        ],
    ),
    (
        "tests",
        &[
            "commands",
            "consumer",
            "decider",
            "domain",
            "edge",
            "event-store",
            "local",
            "project",
            "publish",
            "read-model",
        ],
    ),
];

/// Our crates with all they depend on, as their Cargo.toml files say.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests has a parent");
    let mut folders: Vec<_> = fs::read_dir(root.join("functions"))
        .expect("functions")
        .collect();
    folders.extend(fs::read_dir(root).expect("root"));
    let manifests = folders.into_iter().filter_map(|folder| {
        let folder = folder.expect("readable").path();
        let text = fs::read_to_string(folder.join("Cargo.toml")).ok()?;
        let name = folder.file_name()?.to_str()?.to_owned();
        let (_, sections) = text.split_once("[dependencies]")?;
        let own = sections.split("\n[").next()?;
        let names = own
            .lines()
            .filter_map(|line| line.split(['.', ' ', '=']).next());
        Some((
            name,
            names
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect(),
        ))
    });
    manifests.collect()
}

#[test]
fn crates_know_only_those_they_may_know() {
    let found = dependencies();
    let ours: BTreeSet<_> = ARROWS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(
        found.keys().cloned().collect::<BTreeSet<_>>(),
        ours,
        "the list of crates"
    );
    for (name, allowed) in ARROWS {
        let known: BTreeSet<_> = found[*name]
            .intersection(&ours)
            .map(String::as_str)
            .collect();
        let allowed: BTreeSet<_> = allowed.iter().copied().collect();
        assert_eq!(known, allowed, "{name} depends on");
    }
}

#[test]
fn the_decider_needs_nothing_and_the_domain_knows_no_aws() {
    let found = dependencies();
    assert!(found["decider"].is_empty());
    let io = |name: &&String| {
        name.starts_with("aws") || name.starts_with("tokio") || name.starts_with("lambda")
    };
    assert_eq!(found["domain"].iter().find(io), None);
}
