//! An aggregate of the tests' own at two times: doors as they were, and doors since their events changed shape.

use decider::{Decider, Upcaster};
use event_store::{
    Appended, Cache, EventLog, ExecuteError, Metadata, Part, ServiceClock, StoredEvent, execute,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::marker::PhantomData;
use uuid::Uuid;

/// What happened to doors as they were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Old {
    /// Today two events, one of which has the same type.
    Labelled {
        /// A number and a side: `12 north`.
        label: String,
    },
    /// Today nothing.
    Knocked {},
    /// Today an event of another type.
    Bolted {},
    /// Today of the same shape, and of another meaning.
    Locked {
        /// Half turns of the key.
        turns: u32,
    },
    /// Today with a field more.
    Opened {
        /// Who did it.
        by: String,
    },
}

/// What happens to doors today.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// Has a number.
    Labelled {
        /// The number.
        number: u32,
    },
    /// Is on a side.
    Placed {
        /// The side.
        side: String,
    },
    /// Was made fast.
    Secured {
        /// What holds it.
        by: String,
    },
    /// Was locked.
    Locked {
        /// Whole turns of the key.
        turns: u32,
    },
    /// Was opened.
    Opened {
        /// Who did it.
        by: String,
        /// How far; 0 where nobody looked.
        #[serde(default)]
        degrees: u32,
    },
}

/// Doors with events of one time. A command is what it appends, a state all that happened.
pub struct Doors<E>(PhantomData<E>);

/// Doors as they were.
pub type Before = Doors<Old>;
/// Doors as they are today.
pub type Door = Doors<Event>;

/// What sets the times apart.
pub trait Time: Clone + Sized + 'static {
    /// As in [`Decider`].
    const EVOLVE_VERSION: u32;
    /// As in [`Decider`].
    const UPCASTERS: &'static [Upcaster<Self>];
}

impl Time for Old {
    const EVOLVE_VERSION: u32 = 1;
    const UPCASTERS: &'static [Upcaster<Self>] = &[];
}

impl Time for Event {
    const EVOLVE_VERSION: u32 = 2;
    const UPCASTERS: &'static [Upcaster<Self>] = &[
        Upcaster {
            kind: "Labelled",
            schema_version: 1,
            read: labelled,
        },
        Upcaster {
            kind: "Knocked",
            schema_version: 1,
            read: |_| Ok(vec![]),
        },
        Upcaster {
            kind: "Locked",
            schema_version: 1,
            read: locked,
        },
        Upcaster {
            kind: "Bolted",
            schema_version: 1,
            read: |_| {
                Ok(vec![Event::Secured {
                    by: "a bolt".into(),
                }])
            },
        },
    ];
}

impl<E: Time> Decider for Doors<E> {
    const CATEGORY: &'static str = "door";
    const EVOLVE_VERSION: u32 = E::EVOLVE_VERSION;
    const UPCASTERS: &'static [Upcaster<E>] = E::UPCASTERS;
    type State = Vec<E>;
    type Command = Vec<E>;
    type Event = E;
    type Error = ();

    fn decide(command: &Vec<E>, _: &Vec<E>) -> Result<Vec<E>, ()> {
        Ok(command.clone())
    }

    fn evolve(mut state: Vec<E>, event: &E) -> Vec<E> {
        state.push(event.clone());
        state
    }
}

/// `12 north` is the number 12, and the side north.
fn labelled(json: &str) -> Result<Vec<Event>, String> {
    #[derive(Deserialize)]
    struct Labelled {
        label: String,
    }
    let Labelled { label } = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let (number, side) = label.split_once(' ').ok_or("a label has two parts")?;
    let number = number.parse().map_err(|_| "a label begins with a number")?;
    let side = side.to_owned();
    Ok(vec![Event::Labelled { number }, Event::Placed { side }])
}

/// Two half turns are a whole one.
fn locked(json: &str) -> Result<Vec<Event>, String> {
    #[derive(Deserialize)]
    struct Locked {
        turns: u32,
    }
    let Locked { turns } = serde_json::from_str(json).map_err(|error| error.to_string())?;
    Ok(vec![Event::Locked { turns: turns / 2 }])
}

/// An event as it lies in a store.
pub fn stored(kind: &str, schema_version: u32, data: &Value) -> StoredEvent {
    let id = Uuid::now_v7();
    let stored = json!({ "id": id, "type": kind, "schema_version": schema_version, "data": data });
    serde_json::from_str(&stored.to_string()).expect("a stored event")
}

/// Appends these events to a stream, which must be at the version `expected`, if one is given.
pub async fn run<E: Time + Serialize + DeserializeOwned + Send + Sync>(
    cache: &Cache<Doors<E>>,
    log: &impl EventLog,
    name: &str,
    expected: Option<u64>,
    events: Vec<E>,
) -> Result<Appended, ExecuteError<()>> {
    let part = Part::new(name, &events, cache).expecting(expected);
    let (clock, metadata) = (ServiceClock::default(), Metadata::new("tests", "tests"));
    execute(log, &clock, &metadata, part).await
}
