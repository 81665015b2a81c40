//! Whether commands over several streams are whole: each of their commits names them all, so that what a restore or a
//! deletion tore shows on those that are left.

use crate::schema::MAX_TRANSACTION_ITEMS;
use crate::{Commit, Hash, Position};
use std::collections::HashMap;
use uuid::Uuid;

/// The size that DynamoDB allows a partition key, in bytes.
const MAX_NAME: usize = 2048;

/// A command over several streams, as each of its commits names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    command_id: Uuid,
    positions: Vec<Position>,
}

/// The commands over several streams of which not every commit was met as yet.
///
/// It keeps where one commit of each lies, about 200 bytes, until it has met them all. A scan meets them in no order: halfway
/// through it, three in four of all commands over three streams are kept, 150 MB for a million of them.
#[derive(Debug, Default)]
pub struct Incomplete {
    commands: HashMap<[u8; 32], Met>,
}

#[derive(Debug)]
struct Met {
    /// Which of the parts, a bit for each.
    parts: u128,
    /// Where the first that was met lies.
    at: Position,
}

impl Parts {
    /// `None` for a commit of a command on one stream, and for one that was edited: that names nothing that can be trusted.
    pub fn of(commit: &Commit) -> Option<Self> {
        let metadata = commit.metadata().ok()?;
        let (command_id, mut positions) = (metadata.command_id, metadata.parts);
        if positions.is_empty() || commit.hash() != commit.chain.hash {
            return None;
        }
        // OK because no command has written more: whatever else is named was never there.
        positions.truncate(MAX_TRANSACTION_ITEMS);
        Some(Self {
            command_id,
            positions,
        })
    }

    /// Where they lie.
    pub fn positions(&self) -> &[Position] {
        &self.positions
    }

    /// Whether a commit that lies at one of the positions is the part that belongs there, as far as can be said: one that was
    /// edited may be.
    ///
    /// Its command's id alone does not say so: a command that was forgotten may have come again.
    pub fn has(&self, commit: &Commit) -> bool {
        commit.hash() != commit.chain.hash || Self::of(commit).as_ref() == Some(self)
    }

    fn key(&self) -> [u8; 32] {
        let start = Hash::of(&[self.command_id.as_bytes()]);
        let key = self.positions.iter().fold(start, |key, at| {
            let version = at.version.to_be_bytes();
            Hash::of(&[key.as_bytes(), at.stream.as_bytes(), &version])
        });
        *key.as_bytes()
    }
}

impl Position {
    /// Whether a table can have an item there: who asks for another is refused.
    pub fn is_possible(&self) -> bool {
        (1..=MAX_NAME).contains(&self.stream.len())
    }
}

impl Incomplete {
    /// The next commit, of whatever stream.
    pub fn commit(&mut self, commit: &Commit) {
        let Some(parts) = Parts::of(commit) else {
            return;
        };
        let is_here = |at: &Position| at.stream == commit.stream && at.version == commit.version;
        let mut numbered = (0..).zip(&parts.positions);
        let part = numbered.find(|(_, at)| is_here(at));
        // One that names others and not itself makes nothing complete.
        let bit = part.map_or(0, |(number, _)| 1_u128 << number);
        let key = parts.key();
        let met = self.commands.entry(key).or_insert_with(|| Met {
            parts: 0,
            at: Position {
                stream: commit.stream.clone(),
                version: commit.version,
            },
        });
        met.parts |= bit;
        if met.parts.count_ones() as usize == parts.positions.len() {
            self.commands.remove(&key);
        }
    }

    /// Where a commit lies of each command that is not complete, once there are no more commits.
    pub fn finish(self) -> Vec<Position> {
        let met = self.commands.into_values();
        let mut positions: Vec<_> = met.map(|met| met.at).collect();
        positions.sort_by(|one, other| {
            let key = |at: &Position| (at.stream.clone(), at.version);
            key(one).cmp(&key(other))
        });
        positions
    }
}

#[cfg(test)]
#[path = "parts_tests.rs"]
mod tests;
