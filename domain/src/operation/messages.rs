//! What is asked of consumers, and what of that has happened: the shapes that callers send and that are stored for ever.

use crate::registry;
use crate::values::{Reason, texts};
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

texts! {
    /// A consumer, by its name in the registry. Stored as it is, so that one that is gone one day can still be read.
    Consumer: consumer;
    /// One stream, by its whole name: `user-<uuid>`.
    StreamName: stream_name;
}

/// What a caller asks for.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema, Validate)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub enum Command {
    StartRebuild {
        #[serde(default)]
        #[garde(dive, custom(is_read_model))]
        consumer: Consumer,
        /// This one alone, in the generations that there are.
        #[garde(dive, custom(read_by(consumer)))]
        stream: Option<StreamName>,
        #[serde(default)]
        #[garde(dive)]
        reason: Reason,
    },
    ChangeRebuild {
        /// An option only so that its absence is reported beside the other fields; validation requires it.
        #[garde(custom(Shown::given))]
        status: Option<Shown>,
        #[serde(default)]
        #[garde(dive)]
        reason: Reason,
    },
    CancelRebuild {
        #[serde(default)]
        #[garde(dive)]
        reason: Reason,
    },
    Redrive {
        #[serde(default)]
        #[garde(dive)]
        consumer: Consumer,
        /// This one alone; else all that are parked.
        #[garde(dive, custom(read_by(consumer)))]
        stream: Option<StreamName>,
        #[serde(default)]
        #[garde(dive)]
        reason: Reason,
    },
    /// Of no consumer: the operators' tool does it, as soon as it is asked for.
    RepairClaims {
        #[serde(default)]
        #[garde(dive)]
        reason: Reason,
    },
}

/// Which generation queries are to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String", rename_all = "kebab-case")]
#[schemars(!try_from)]
pub enum Shown {
    /// The new one, as soon as it is built.
    Switched,
    /// The one that was shown before.
    SwitchedBack,
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    RebuildStarted {
        consumer: Consumer,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stream: Option<StreamName>,
        reason: Reason,
    },
    RebuildSwitched {
        reason: Reason,
    },
    RebuildSwitchedBack {
        reason: Reason,
    },
    RebuildCancelled {
        reason: Reason,
    },
    KeptDiscarded {
        reason: Reason,
    },
    RedriveRequested {
        consumer: Consumer,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stream: Option<StreamName>,
        reason: Reason,
    },
    ClaimsRepairRequested {
        reason: Reason,
    },
}

impl Shown {
    fn given(shown: &Option<Self>, _: &()) -> garde::Result {
        match shown {
            Some(Self::Switched | Self::SwitchedBack) => Ok(()),
            None => Err(garde::Error::new("is required: switched or switched-back")),
        }
    }
}

impl TryFrom<String> for Shown {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        match text.as_str() {
            "switched" => Ok(Self::Switched),
            "switched-back" => Ok(Self::SwitchedBack),
            _ => Err("must be switched or switched-back"),
        }
    }
}

fn consumer(text: &str) -> Result<(), String> {
    let consumers = registry::consumers();
    if consumers.contains_key(text) {
        return Ok(());
    }
    let names: Vec<_> = consumers.into_keys().collect();
    Err(format!("must be one of: {}", names.join(", ")))
}

fn stream_name(text: &str) -> Result<(), String> {
    let id = text.split_once('-').map(|(_, id)| id);
    // OK because the form without hyphens would be another name, of a stream that is not there.
    let is_usual = |id: &str| id.len() == 36 && uuid::Uuid::try_parse(id).is_ok();
    if id.is_some_and(is_usual) {
        return Ok(());
    }
    Err("must be the name of a stream: its category, - and a UUID".to_owned())
}

fn is_read_model(consumer: &Consumer, _: &()) -> garde::Result {
    let name = consumer.as_str();
    if registry::PROJECTIONS.iter().any(|(kept, _)| *kept == name) {
        return Ok(());
    }
    // OK because what is sent cannot be made anew: it would be sent twice.
    Err(garde::Error::new(
        "must be a read model: what has effects outside is never rebuilt",
    ))
}

fn read_by(consumer: &Consumer) -> impl FnOnce(&Option<StreamName>, &()) -> garde::Result {
    move |stream, ()| {
        let consumers = registry::consumers();
        let (Some(stream), Some(reads)) = (stream, consumers.get(consumer.as_str())) else {
            return Ok(());
        };
        let category = stream.as_str().split('-').next().unwrap_or_default();
        if reads.contains(&category) {
            return Ok(());
        }
        let why = format!("must be a stream that it reads: of {}", reads.join(", "));
        Err(garde::Error::new(why))
    }
}
