//! How far a consumer has walked along all streams.

use crate::Consumer;
use event_store::{SEEN_SHARDS, Seen};
use read_model::{Checkpoint, DynamoDbDocuments, ReadModelError};

/// How far the consumer has walked along each shard.
pub(crate) async fn walked(
    consumer: &Consumer,
    live: &DynamoDbDocuments,
) -> Result<Vec<Checkpoint>, ReadModelError> {
    let start = Checkpoint {
        // OK because what was seen before there was this mailing asks for no mail.
        seen: match consumer.is_mailing {
            true => consumer.table.started().await?.unwrap_or_default(),
            false => String::new(),
        },
        ..Checkpoint::default()
    };
    let mut walked = vec![start; usize::from(SEEN_SHARDS)];
    for checkpoint in consumer.table.checkpoints(live.generation()).await? {
        let shard = usize::from(checkpoint.shard);
        if let Some(walked) = walked.get_mut(shard) {
            *walked = checkpoint;
        }
    }
    Ok(walked)
}

/// Places of what is owed begin with it: it comes before every moment.
const OWED: char = '!';

/// The streams that a walk has passed and could not bring on, each with a place before all that was seen since.
pub(crate) fn owed(walked: &Checkpoint) -> impl Iterator<Item = Seen> {
    walked.owed.iter().map(|owed| Seen {
        stream: owed.stream.clone(),
        version: owed.version,
        at: format!("{OWED}{}", owed.stream),
    })
}

/// Whether it is a place that [`owed`] gave.
pub(crate) fn is_place_of_owed(place: &str) -> bool {
    place.starts_with(OWED)
}

/// The moment in a place of the index.
pub(crate) fn time(place: &str) -> Option<String> {
    let (time, _) = place.split_once('#').unwrap_or((place, ""));
    Some(time.to_owned()).filter(|time| !time.is_empty() && !is_place_of_owed(time))
}
