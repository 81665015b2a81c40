//! The latest commands of a stream, and its first: packed so small that a snapshot carries them for next to nothing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use decider::Idempotency;
use std::collections::VecDeque;
use uuid::Uuid;

/// How many commands a stream remembers, besides its first.
pub const RING: usize = 64;

/// Where the commits of the latest commands lie, and of the first, which stays so that a repeated create is known for ever.
///
/// Of an id only 32 bits are kept: they tell where to look, and what lies there tells whether it is the one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ring {
    first: Option<u32>,
    latest: VecDeque<(u32, u64)>,
}

impl Ring {
    /// Remembers the command whose commit begins at `version`; where there is a ledger, only the stream's first.
    pub fn push(&mut self, command_id: Uuid, version: u64, idempotency: Idempotency) {
        if version == 1 {
            self.first = Some(tag(command_id));
        }
        if idempotency == Idempotency::Ledger {
            return;
        }
        if self.latest.len() == RING {
            self.latest.pop_front();
        }
        self.latest.push_back((tag(command_id), version));
    }

    /// The versions of the commits that may be those of a command; of the first commit alone it is certain that it
    /// would be here.
    pub fn find(&self, command_id: Uuid) -> Vec<u64> {
        let wanted = tag(command_id);
        let first = self.first.filter(|first| *first == wanted).map(|_| 1);
        let latest = self.latest.iter().rev().filter(|(tag, _)| *tag == wanted);
        let mut found: Vec<_> = latest.map(|(_, version)| *version).chain(first).collect();
        found.dedup();
        found
    }

    /// The ring of a stream whose last event has the version `last`, as text.
    pub fn pack(&self, last: u64) -> String {
        let mut bytes = self.first.unwrap_or_default().to_be_bytes().to_vec();
        for (tag, version) in &self.latest {
            // OK because what is so far back is left over from before the aggregate had a ledger.
            let Ok(back) = u16::try_from(last.saturating_sub(*version)) else {
                continue;
            };
            bytes.extend(tag.to_be_bytes());
            bytes.extend(back.to_be_bytes());
        }
        STANDARD_NO_PAD.encode(bytes)
    }

    /// The ring that was packed; `None` if this is no ring of a stream that ends there.
    pub fn unpack(text: &str, last: u64) -> Option<Self> {
        let bytes = STANDARD_NO_PAD.decode(text).ok()?;
        let (first, latest) = bytes.split_first_chunk::<4>()?;
        let (entries, rest) = latest.as_chunks::<6>();
        if !rest.is_empty() || entries.len() > RING {
            return None;
        }
        let entry = |entry: &[u8; 6]| {
            let [a, b, c, d, e, f] = *entry;
            let version = last.checked_sub(u16::from_be_bytes([e, f]).into())?;
            Some((u32::from_be_bytes([a, b, c, d]), version))
        };
        Some(Self {
            first: Some(u32::from_be_bytes(*first)),
            latest: entries.iter().map(entry).collect::<Option<_>>()?,
        })
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.latest.len()
    }
}

/// The end of an id is random in a UUIDv7, and a hash in a UUIDv8.
fn tag(command_id: Uuid) -> u32 {
    let [.., a, b, c, d] = *command_id.as_bytes();
    u32::from_be_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(commands: &[Uuid]) -> Ring {
        let mut ring = Ring::default();
        for (version, id) in (1..).step_by(50).zip(commands) {
            ring.push(*id, version, Idempotency::Ring);
        }
        ring
    }

    #[test]
    fn the_first_command_and_the_latest_are_found() {
        let ids: Vec<_> = (0..RING + 10).map(|_| Uuid::now_v7()).collect();
        let ring = ring(&ids);
        assert_eq!(ring.len(), RING);
        assert_eq!(ring.find(ids[0]), [1], "the first, for ever");
        assert_eq!(ring.find(ids[9]), [] as [u64; 0], "forgotten");
        assert_eq!(ring.find(ids[10]), [501]);
        assert_eq!(ring.find(ids[RING + 9]), [(RING as u64 + 9) * 50 + 1]);
    }

    #[test]
    fn the_only_command_is_found_once() {
        let ids = [Uuid::now_v7()];
        assert_eq!(ring(&ids).find(ids[0]), [1]);
    }

    #[test]
    fn a_packed_ring_is_the_same_ring_and_small() {
        let ids: Vec<_> = (0..RING + 1).map(|_| Uuid::now_v7()).collect();
        let (ring, last) = (ring(&ids), (RING as u64) * 50 + 50);
        let packed = ring.pack(last);
        assert_eq!(packed.len(), 518);
        assert_eq!(Ring::unpack(&packed, last), Some(ring));
    }

    #[test]
    fn what_is_no_ring_is_none() {
        let packed = ring(&[Uuid::now_v7()]).pack(1);
        for wrong in ["", "AAAA", "?", &packed[1..], &"A".repeat(8 + 65 * 8)] {
            assert_eq!(Ring::unpack(wrong, 1), None, "{wrong}");
        }
        let far = ring(&[Uuid::now_v7()]).pack(100);
        assert_eq!(Ring::unpack(&far, 50), None, "before the first version");
    }
}
