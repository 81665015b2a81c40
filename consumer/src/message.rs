//! What a message of a consumer's queue says: an announcement off the bus, or what the consumer told itself.

use crate::ConsumerError;
use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use edge::Announcement;
use event_store::stream_category;
use serde::{Deserialize, Serialize};

/// A message that a consumer sends to its own queue, so that its pool of workers does the work: its body is this, in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "own", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Own {
    /// Walk along the shards of a chain for a while, and send the same again if there is more.
    Walk {
        /// The number of the generation.
        generation: u32,
        /// Which chain.
        chain: u8,
        /// How many there are: a chain has every so manieth shard.
        of: u8,
    },
    /// Delete items of a generation for a while, and send the same again if there are more.
    Clear {
        /// The number of the generation.
        generation: u32,
    },
    /// Try these parked streams again.
    Redrive {
        /// Their names.
        streams: Vec<String>,
    },
}

/// What was heard.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A stream has news.
    News(Announcement),
    /// Somebody asks for something.
    Operation(Announcement),
    /// Time has passed.
    Tick(Announcement),
    /// We told ourselves.
    Own(Own),
}

impl Heard {
    pub fn read(body: &str) -> Result<Self, ConsumerError> {
        if let Ok(own) = serde_json::from_str(body) {
            return Ok(Self::Own(own));
        }
        let event: EventBridgeEvent<Announcement> =
            serde_json::from_str(body).map_err(ConsumerError::Unread)?;
        let said = event.detail;
        Ok(if said.is_tick() {
            Self::Tick(said)
        } else if stream_category(&said.stream) == edge::OPERATIONS {
            Self::Operation(said)
        } else {
            Self::News(said)
        })
    }

    /// When what was announced happened.
    pub fn timestamp(&self) -> Option<&str> {
        match self {
            Self::News(said) | Self::Operation(said) | Self::Tick(said) => Some(&said.timestamp),
            Self::Own(_) => None,
        }
    }
}

impl Own {
    pub(crate) fn body(&self) -> String {
        // OK because texts and numbers have a JSON form.
        serde_json::to_string(self).expect("a message has a JSON form")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_tell_ourselves_is_heard_as_it_was_said() {
        let walk = Own::Walk {
            generation: 2,
            chain: 1,
            of: 4,
        };
        assert_eq!(
            walk.body(),
            r#"{"own":"walk","generation":2,"chain":1,"of":4}"#
        );
        for own in [
            walk,
            Own::Clear { generation: 0 },
            Own::Redrive {
                streams: vec!["user-1".to_owned()],
            },
        ] {
            assert!(matches!(Heard::read(&own.body()), Ok(Heard::Own(heard)) if heard == own));
        }
    }

    #[test]
    fn what_is_no_message_is_not_taken_for_one() {
        for body in ["", "{}", r#"{"own":"dance"}"#, r#"{"own":"clear"}"#] {
            assert!(Heard::read(body).is_err(), "{body}");
        }
    }
}
