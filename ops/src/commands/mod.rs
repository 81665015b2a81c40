//! One file for each command: its options, what `--help` says of it, and what it does with the rest of this crate.

pub(crate) mod around;
pub(crate) mod claims;
pub(crate) mod completions;
pub(crate) mod deliveries;
pub(crate) mod diff;
pub(crate) mod export;
pub(crate) mod history;
pub(crate) mod lag;
pub(crate) mod rebuild;
pub(crate) mod redrive;
pub(crate) mod replay;
pub(crate) mod smoke;
pub(crate) mod state;
pub(crate) mod stats;
pub(crate) mod tail;
pub(crate) mod verify;
pub(crate) mod what_if;

use crate::exit::Stop;
use clap::builder::PossibleValuesParser;
use domain::registry;
use event_store::{stream_category, stream_id};
use past::PastError;
use uuid::Uuid;

/// The type of an event that is in the timeline.
fn event_type() -> PossibleValuesParser {
    let listed = registry::AGGREGATES.iter();
    let listed = listed.filter(|(category, _)| categories().any(|known| known == *category));
    PossibleValuesParser::new(listed.flat_map(|(_, types)| types.iter().copied()))
}

/// A category of streams that are in the timeline.
fn category() -> PossibleValuesParser {
    PossibleValuesParser::new(categories())
}

/// The name of a stream that may be in the timeline.
fn stream(text: &str) -> Result<String, String> {
    let is_one = categories().any(|category| category == stream_category(text));
    match is_one && stream_id(text).parse::<Uuid>().is_ok() {
        true => Ok(text.to_owned()),
        false => Err("must be like user-01a1e50a-5950-7a61-8fa4-5be3d833d61d".to_owned()),
    }
}

fn categories() -> impl Iterator<Item = &'static str> {
    let kept = registry::PROJECTIONS.iter();
    kept.filter(|(name, _)| *name == domain::timeline::NAME)
        .map(|(_, category)| *category)
}

/// What an error about the past ends with.
fn stopped(error: PastError) -> anyhow::Error {
    match error {
        PastError::Unknown { stream } => Stop::UnknownStream(stream).into(),
        PastError::Ahead { .. } => Stop::Usage(error.to_string()).into(),
        PastError::Poison { .. } | PastError::NoJson(_) | PastError::Store(_) => error.into(),
    }
}

/// The name of a consumer, as the registry has it.
fn consumer() -> PossibleValuesParser {
    PossibleValuesParser::new(registry::consumers().into_keys())
}
