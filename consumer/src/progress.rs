//! How far a consumer is, for whoever waits for it.

use crate::ConsumerError;
use crate::walk::is_built;
use event_store::SEEN_SHARDS;
use read_model::{Checkpoint, Generation, Generations, Owed, PARKED, ReadModelTable};
use serde::Serialize;

/// How far a consumer's generations are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Progress {
    /// Which there are.
    pub generations: Generations,
    /// How far the live one is.
    pub live: Walked,
    /// How far the one in the making is.
    pub building: Option<Walked>,
    /// Whether the one in the making can be switched to.
    pub is_built: bool,
}

/// How far the walk along one generation is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Walked {
    /// Which one.
    pub generation: Generation,
    /// How many streams were looked at; one that moved meanwhile counts twice. `DynamoDbHeads::estimate` says of how many.
    pub streams: u64,
    /// How many shards have nothing left but what came since.
    pub shards_done: usize,
    /// Of so many.
    pub shards: usize,
    /// Streams that failed for the time being.
    pub owed: Vec<Owed>,
    /// How many streams are parked in it: they are shown as far as they could be taken in.
    pub parked: usize,
}

/// How far the consumer of this table is.
///
/// # Errors
/// The table cannot be read.
pub async fn progress(table: &ReadModelTable) -> Result<Progress, ConsumerError> {
    let generations = table.generations().await?;
    let checkpoints = table.checkpoints(generations.live).await?;
    let live = walked(table, generations.live, checkpoints, "").await?;
    let (mut building, mut built) = (None, false);
    if let Some(made) = &generations.building {
        let checkpoints = table.checkpoints(made.generation).await?;
        built = is_built(made, &checkpoints);
        building = Some(walked(table, made.generation, checkpoints, &made.since).await?);
    }
    Ok(Progress {
        generations,
        live,
        building,
        is_built: built,
    })
}

async fn walked(
    table: &ReadModelTable,
    generation: Generation,
    checkpoints: Vec<Checkpoint>,
    since: &str,
) -> Result<Walked, ConsumerError> {
    let done = checkpoints
        .iter()
        .filter(|one| one.seen.as_str() >= since && !one.is_under_way);
    Ok(Walked {
        generation,
        streams: checkpoints.iter().map(|one| one.walked).sum(),
        shards_done: done.count(),
        shards: usize::from(SEEN_SHARDS),
        owed: checkpoints.into_iter().flat_map(|one| one.owed).collect(),
        parked: table.ids(generation, PARKED).await?.len(),
    })
}
