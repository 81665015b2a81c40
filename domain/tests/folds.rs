//! Freezes what each aggregate's `evolve` makes of a history, step by step: snapshots hold such states, and are believed
//! as long as their number is the aggregate's. A fold that changes gets the next number, and a file of its own.

use domain::Aggregate;
use domain::registry::{self, AggregateVisitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
use std::{fs, path::PathBuf};

/// An event, and the state after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Step {
    event: Value,
    state: Value,
}

struct Fold;

impl AggregateVisitor for Fold {
    type Output = ();

    fn visit<A: Aggregate>(self) {
        let (category, number) = (A::CATEGORY, A::EVOLVE_VERSION);
        let file = format!("golden/folds/{category}.v{number}.json");
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(&file);
        let golden = fs::read_to_string(path)
            .unwrap_or_else(|_| panic!("no {file} freezes the fold of this number"));
        let golden: Vec<Step> = serde_json::from_str(&golden).expect("steps");
        let mut state = A::State::default();
        let mut found = Vec::new();
        for step in &golden {
            let event: A::Event = serde_json::from_value(step.event.clone()).expect("an event");
            state = A::evolve(state, &event);
            let json = serde_json::to_value(&state).expect("a state is JSON");
            state =
                serde_json::from_value(json.clone()).expect("a state is read as it was written");
            found.push(Step {
                event: step.event.clone(),
                state: json,
            });
        }
        assert!(
            found == golden,
            "{category} folds otherwise than number {number} did: raise EVOLVE_VERSION, and freeze in a new file\n{}",
            serde_json::to_string_pretty(&found).expect("JSON"),
        );
        let types = golden.iter().filter_map(|step| step.event["type"].as_str());
        let all = A::EVENT_TYPES.iter().copied().collect();
        assert_eq!(
            types.collect::<BTreeSet<_>>(),
            all,
            "{file} has each type of event"
        );
    }
}

#[test]
fn each_aggregate_folds_as_the_number_of_its_snapshots_says() {
    for (category, _) in registry::AGGREGATES {
        registry::aggregate(category, Fold).expect("a registered aggregate");
    }
}
