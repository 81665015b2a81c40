//! A commit: what one command appended to one stream, stored as one item.

use crate::metadata::Head;
use crate::schema::{CHAIN, DIGEST, EVENTS, METADATA, SNAPSHOT, STREAM, VERSION};
use crate::{Chain, Hash, Metadata, Stamp, StoreError, StoredEvent};
use decider::{Decider, Recorded};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

/// No stream gets so far; what follows it can still be counted.
const LAST_VERSION: u64 = u64::MAX / 2;
/// What a number takes of an item at its most, in bytes.
const NUMBER: usize = 21;

/// What one command appended to a stream, as it is stored: 1 to [`crate::schema::MAX_EVENTS`] events.
///
/// Its texts are kept as they are, since the [`Chain`] is over their bytes; [`Commit::events`] and the like read them.
///
/// # Example: what happened to a cart, and who did it
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cart.rs"));
/// use event_store::{
///     Cache, EventLog, MemoryEventLog, Metadata, Part, ServiceClock, StoreError, execute,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (log, clock) = (MemoryEventLog::default(), ServiceClock::default());
/// let (cache, add) = (Cache::<Cart>::none(), Command::AddItem { item: "a lamp".into() });
/// let metadata = Metadata::new("sarah", "http");
/// execute(&log, &clock, &metadata, Part::new("cart-1", &add, &cache)).await?;
///
/// let mut commit = log.read("cart-1", 1..=1, 1).await?.remove(0);
/// assert_eq!(commit.metadata()?.actor, "sarah");
/// let events = commit.recorded::<Cart>()?;
/// assert!(matches!(&events[0].event, Event::ItemAdded { item } if item == "a lamp"));
/// assert_eq!(commit.hash(), commit.chain.hash);
///
/// // Whoever changes what is stored is found out; what cannot be read is an error, and is not skipped.
/// commit.events = commit.events.replace("ItemAdded", "ItemStolen");
/// assert_ne!(commit.hash(), commit.chain.hash);
/// assert!(matches!(commit.recorded::<Cart>(), Err(StoreError::Corrupt { version: 1, .. })));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Commit {
    /// The stream's name, as [`stream_name`] makes it.
    pub stream: String,
    /// The stream's version after the first of the events.
    pub version: u64,
    /// The events, as the JSON of a list of [`StoredEvent`]s.
    pub events: String,
    /// A [`Stamp`] and a [`Metadata`], as one JSON object.
    pub metadata: String,
    /// Ties it to the commit before.
    pub chain: Chain,
    /// What its snapshot must hash to, if it was written with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Hash>,
    /// The state after it, if that was due, and nobody has deleted it since: only a shortcut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
}

/// Where a commit lies, or a stream ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The stream's name.
    pub stream: String,
    /// The version of the commit's first event, or that of the stream's last.
    pub version: u64,
}

impl Commit {
    /// A commit that follows the one with the hash `previous`.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for events that have no JSON.
    pub fn new(
        at: Position,
        previous: Hash,
        stamp: &Stamp,
        metadata: &Metadata,
        events: &[StoredEvent],
        snapshot: Option<String>,
    ) -> Result<Self, StoreError> {
        #[derive(Serialize)]
        struct Both<'a> {
            #[serde(flatten)]
            stamp: &'a Stamp,
            #[serde(flatten)]
            metadata: &'a Metadata,
        }
        let text = |json: serde_json::Result<String>| {
            json.map_err(|error| StoreError::corrupt(&at.stream, at.version, error))
        };
        let mut commit = Self {
            events: text(serde_json::to_string(events))?,
            metadata: text(serde_json::to_string(&Both { stamp, metadata }))?,
            digest: snapshot.as_deref().map(digest),
            snapshot,
            chain: Chain {
                previous,
                hash: Hash::default(),
            },
            stream: at.stream,
            version: at.version,
        };
        commit.chain.hash = commit.hash();
        Ok(commit)
    }

    /// What [`Chain::hash`] must be, if nothing was changed since.
    pub fn hash(&self) -> Hash {
        Hash::of(&[
            b"strangelog commit 1",
            self.chain.previous.as_bytes(),
            self.stream.as_bytes(),
            &self.version.to_be_bytes(),
            self.metadata.as_bytes(),
            self.events.as_bytes(),
            self.digest.as_ref().map_or(&[], |digest| digest.as_bytes()),
        ])
    }

    /// Whether the snapshot, if it has one, is the one that it was written with.
    pub fn has_its_snapshot(&self) -> bool {
        self.snapshot.as_deref().map(digest) == self.digest
    }

    /// Its size as DynamoDB counts it: names and values in UTF-8, a number at its most.
    pub fn size(&self) -> usize {
        let texts = [
            (STREAM, &self.stream),
            (EVENTS, &self.events),
            (METADATA, &self.metadata),
        ];
        let texts = texts
            .into_iter()
            .chain(self.snapshot.iter().map(|text| (SNAPSHOT, text)));
        let texts: usize = texts.map(|(name, text)| name.len() + text.len()).sum();
        let digest = self
            .digest
            .map_or(0, |digest| DIGEST.len() + digest.as_bytes().len());
        texts + digest + VERSION.len() + NUMBER + CHAIN.len() + 2 * self.chain.hash.as_bytes().len()
    }

    /// The stream's version after the last of the events.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if they cannot be read.
    pub fn last_version(&self) -> Result<u64, StoreError> {
        let events: Vec<IgnoredAny> = read(self, &self.events)?;
        let more = (events.len() as u64).saturating_sub(1);
        match self.version.checked_add(more) {
            Some(version) if version <= LAST_VERSION => Ok(version),
            _ => Err(StoreError::corrupt(
                &self.stream,
                self.version,
                "no stream is so long",
            )),
        }
    }

    /// Leaves out the events after the version `to`, and with them the snapshot, which is of the state after them.
    pub(crate) fn cut(&mut self, to: u64) -> Result<(), StoreError> {
        if to == u64::MAX || self.last_version()? <= to {
            return Ok(());
        }
        let events: Vec<&RawValue> = read(self, &self.events)?;
        let kept = events.into_iter().zip(self.version..=to);
        let kept: Vec<_> = kept.map(|(event, _)| event.get()).collect();
        self.events = format!("[{}]", kept.join(","));
        self.snapshot = None;
        Ok(())
    }

    /// The events.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if they cannot be read.
    pub fn events(&self) -> Result<Vec<StoredEvent>, StoreError> {
        read(self, &self.events)
    }

    /// When it was made.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it cannot be read.
    pub fn stamp(&self) -> Result<Stamp, StoreError> {
        read(self, &self.metadata)
    }

    /// What a stream keeps of it, read at once.
    pub(crate) fn head(&self) -> Result<Head, StoreError> {
        read(self, &self.metadata)
    }

    /// Who asked for it, through what, and why.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it cannot be read.
    pub fn metadata(&self) -> Result<Metadata, StoreError> {
        read(self, &self.metadata)
    }

    /// The events of today that it holds: those that are one stored event have its id and its version in common.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for an event that cannot be read.
    pub fn recorded<D>(&self) -> Result<Vec<Recorded<D::Event>>, StoreError>
    where
        D: Decider<Event: DeserializeOwned>,
    {
        let timestamp = crate::rfc3339(self.stamp()?.timestamp);
        let mut recorded = Vec::new();
        for (stored, after) in self.events()?.iter().zip(0..) {
            let version = self.version.saturating_add(after);
            for event in stored.decode::<D>(&self.stream, version)? {
                recorded.push(Recorded {
                    id: stored.id.to_string(),
                    stream_id: stream_id(&self.stream).to_owned(),
                    version,
                    timestamp: timestamp.clone(),
                    event,
                });
            }
        }
        Ok(recorded)
    }
}

/// The name of a stream: `user-<uuid>`.
pub fn stream_name(category: &str, id: Uuid) -> String {
    format!("{category}-{id}")
}

/// The category in a stream's name.
pub fn stream_category(stream: &str) -> &str {
    stream
        .split_once('-')
        .map_or(stream, |(category, _)| category)
}

/// The id in a stream's name.
pub fn stream_id(stream: &str) -> &str {
    stream.split_once('-').map_or(stream, |(_, id)| id)
}

fn digest(snapshot: &str) -> Hash {
    Hash::of(&[b"strangelog snapshot 1", snapshot.as_bytes()])
}

fn read<'de, T: Deserialize<'de>>(commit: &Commit, text: &'de str) -> Result<T, StoreError> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::corrupt(&commit.stream, commit.version, error))
}
