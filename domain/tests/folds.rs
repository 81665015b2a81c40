//! Freezes what each aggregate's `evolve` makes of a history, step by step: snapshots hold such states, and are believed
//! as long as their number is the aggregate's. A fold that changes gets the next number, and a file of its own; the
//! histories of the old ones can still be read.

use domain::Aggregate;
use domain::registry::{self, AggregateVisitor};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::{fs, path::PathBuf};

/// An event as it was stored, and the state after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Step {
    event: Stored,
    state: Value,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Stored {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default = "first", skip_serializing_if = "is_first")]
    schema_version: u32,
    data: Value,
}

fn first() -> u32 {
    1
}

fn is_first(version: &u32) -> bool {
    *version == first()
}

impl Stored {
    fn today<A: Aggregate>(&self) -> Vec<A::Event> {
        let Self {
            kind,
            schema_version,
            data,
        } = self;
        let old = A::UPCASTERS
            .iter()
            .find(|old| (old.kind, old.schema_version) == (kind, *schema_version));
        if let Some(old) = old {
            return (old.read)(&data.to_string()).expect("an old event");
        }
        assert_eq!(*schema_version, A::schema_version(kind), "{kind}");
        let event = json!({ "type": kind, "data": data });
        vec![serde_json::from_value(event).expect("an event")]
    }
}

/// The steps of a file, with the states that today's code comes to.
fn steps<A: Aggregate>(number: u32) -> (Vec<Step>, Vec<Step>) {
    let file = format!("golden/folds/{}.v{number}.json", A::CATEGORY);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(&file);
    let golden = fs::read_to_string(path)
        .unwrap_or_else(|_| panic!("no {file} freezes the fold of this number"));
    let golden: Vec<Step> = serde_json::from_str(&golden).expect("steps");
    let mut state = A::State::default();
    let mut found = golden.clone();
    for step in &mut found {
        state = A::fold(state, &step.event.today::<A>());
        step.state = serde_json::to_value(&state).expect("a state is JSON");
        state =
            serde_json::from_value(step.state.clone()).expect("a state is read as it was written");
        assert_eq!(step.state["status"], A::status(&state));
    }
    (golden, found)
}

struct Fold;

impl AggregateVisitor for Fold {
    type Output = ();

    fn visit<A: Aggregate>(self) {
        for number in 1..A::EVOLVE_VERSION {
            let (old, found) = steps::<A>(number);
            assert_ne!(
                old, found,
                "number {number} folds as it did: why another one?"
            );
        }
        let (golden, found) = steps::<A>(A::EVOLVE_VERSION);
        assert!(
            found == golden,
            "{} folds otherwise than number {} did: raise EVOLVE_VERSION, and freeze in a new file\n{}",
            A::CATEGORY,
            A::EVOLVE_VERSION,
            serde_json::to_string_pretty(&found).expect("JSON"),
        );
        let types = golden.iter().map(|step| step.event.kind.as_str());
        let all = A::EVENT_TYPES.iter().copied();
        let all = all.chain(A::UPCASTERS.iter().map(|old| old.kind));
        assert_eq!(
            types.collect::<BTreeSet<_>>(),
            all.collect(),
            "each type of event is there"
        );
    }
}

#[test]
fn each_aggregate_folds_as_the_number_of_its_snapshots_says() {
    for (category, _) in registry::AGGREGATES {
        registry::aggregate(category, Fold).expect("a registered aggregate");
    }
}
