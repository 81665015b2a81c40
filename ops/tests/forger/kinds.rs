//! Everything that the forger knows to do.

use super::{Forger, Item, STREAMS, Tampering, commit_in, item_of};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use event_store::{Commit, Hash, Position};
use std::ops::RangeInclusive;

/// What a tampering leaves of a stream, where it may be found, and what it was.
type Forged = (Vec<Item>, RangeInclusive<u64>, String);

type Kind = (&'static str, fn(&mut Forger, &[Item]) -> Forged);

const KINDS: &[Kind] = &[
    ("edit an attribute", edit),
    ("edit the events", edit_events),
    ("edit the metadata", edit_metadata),
    ("edit a snapshot", edit_snapshot),
    ("remove a commit", remove),
    ("swap the contents of two commits", swap),
    ("reorder two commits, with right hashes", reorder),
    ("insert a commit, and renumber", insert),
    ("insert a commit into another", overlap),
    ("put an item where no commit can be", misplace),
    ("cut off the end", cut_off),
    ("remove the stream", remove_all),
    ("replace a commit, with a right hash", replace),
    ("recompute the chain to its end", recompute),
    ("forge a snapshot and its digest", redigest),
    ("take a commit from another stream", transplant),
];

impl Forger {
    /// Does one of them to one of the streams.
    pub async fn tamper(&mut self, round: usize) -> Tampering {
        let (kind, forge) = KINDS[round % KINDS.len()];
        let index = self.rng.usize(..STREAMS);
        let (stream, items) = self.streams[index].clone();
        let (forged, versions, detail) = forge(self, &items);
        assert_ne!(forged, items, "{kind}, {detail}: nothing was changed");
        self.write(index, forged).await;
        Tampering {
            kind,
            stream,
            versions,
            detail,
        }
    }

    fn pick(&mut self, items: &[Item]) -> usize {
        self.rng.usize(..items.len())
    }

    /// Other text of the same kind.
    fn garble(&mut self, text: &str) -> String {
        let mut garbled: Vec<char> = text.chars().collect();
        let at = self.rng.usize(..garbled.len());
        match self.rng.u8(..4) {
            0 => drop(garbled.remove(at)),
            1 => garbled.insert(at, ' '),
            2 => garbled.truncate(at),
            _ => garbled[at] = if garbled[at] == 'x' { 'y' } else { 'x' },
        }
        garbled.into_iter().collect()
    }
}

/// Any attribute but the key and the snapshot: changed, taken away, of another type, or one too many.
fn edit(forger: &mut Forger, items: &[Item]) -> Forged {
    let (mut items, at) = (items.to_vec(), forger.pick(items));
    let name = ["events", "metadata", "chain", "digest"][forger.rng.usize(..4)];
    let detail = match (items[at].get(name).cloned(), forger.rng.u8(..4)) {
        (Some(_), 0) => {
            items[at].remove(name);
            format!("{name} removed")
        }
        (Some(value), 1) => {
            let other = match value {
                AttributeValue::S(text) => AttributeValue::B(Blob::new(text)),
                _ => AttributeValue::S("text".to_owned()),
            };
            items[at].insert(name.to_owned(), other);
            format!("{name} of another type")
        }
        (Some(AttributeValue::S(text)), _) => {
            let text = AttributeValue::S(forger.garble(&text));
            items[at].insert(name.to_owned(), text);
            format!("{name} garbled")
        }
        (Some(AttributeValue::B(bytes)), _) => {
            let mut bytes = bytes.into_inner();
            let bit = forger.rng.usize(..bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            let bytes = AttributeValue::B(Blob::new(bytes));
            items[at].insert(name.to_owned(), bytes);
            format!("{name} with another bit {bit}")
        }
        _ => {
            let name = ["digest", "expires", "note"][forger.rng.usize(..3)];
            let value = match name {
                "digest" => AttributeValue::B(Blob::new([7; 32])),
                "expires" => AttributeValue::N("1".to_owned()),
                _ => AttributeValue::Null(true),
            };
            items[at].insert(name.to_owned(), value);
            format!("{name} too many")
        }
    };
    let version = version(&items[at]);
    (items, version..=version, detail)
}

/// Still readable, and as plausible as can be.
fn edit_events(forger: &mut Forger, items: &[Item]) -> Forged {
    let at = forger.pick(items);
    change(items, at, |commit| {
        commit.events = commit.events.replacen("e", "E", 1);
        let parts = commit.events.rsplit_once("example.com");
        if let Some((before, after)) = parts {
            commit.events = format!("{before}example.org{after}");
        }
    })
}

fn edit_metadata(forger: &mut Forger, items: &[Item]) -> Forged {
    let at = forger.pick(items);
    let (from, to) = [
        ("tests", "nobody"),
        ("2026", "2016"),
        ("\"id\":\"0", "\"id\":\"1"),
    ][forger.rng.usize(..3)];
    change(items, at, |commit| {
        assert!(commit.metadata.contains(from), "{}", commit.metadata);
        commit.metadata = commit.metadata.replacen(from, to, 1);
    })
}

fn edit_snapshot(forger: &mut Forger, items: &[Item]) -> Forged {
    let at = with_snapshot(forger, items);
    let text = items[at]["snapshot"].as_s().expect("a text").clone();
    let garbled = forger.garble(&text);
    change(items, at, |commit| commit.snapshot = Some(garbled))
}

fn remove(forger: &mut Forger, items: &[Item]) -> Forged {
    let (mut items, at) = (items.to_vec(), forger.pick(items));
    let version = version(&items.remove(at));
    (items, version..=version, format!("at {version}"))
}

fn swap(forger: &mut Forger, items: &[Item]) -> Forged {
    let one = forger.pick(items);
    let other = (one + 1 + forger.rng.usize(..items.len() - 1)) % items.len();
    let (one, other) = (one.min(other), one.max(other));
    let (first, last) = (version(&items[one]), version(&items[other]));
    let mut items = items.to_vec();
    items.swap(one, other);
    // The keys stay where they are.
    for (at, version) in [(one, first), (other, last)] {
        let version = AttributeValue::N(version.to_string());
        items[at].insert("version".to_owned(), version);
    }
    (items, first..=last, format!("{first} and {last}"))
}

fn reorder(forger: &mut Forger, items: &[Item]) -> Forged {
    let at = forger.rng.usize(..items.len() - 1);
    let mut commits = commits(items);
    commits.swap(at, at + 1);
    let first = version(&items[at]);
    // Both are made to follow; what comes after them is not, or is, too.
    let to_the_end = forger.rng.bool();
    let upto = if to_the_end { commits.len() } else { at + 2 };
    renumber(&mut commits, at, upto);
    let last = end(items) + 1;
    let forged = commits.iter().map(item_of).collect();
    (
        forged,
        first..=last,
        format!("at {first}, to the end: {to_the_end}"),
    )
}

fn insert(forger: &mut Forger, items: &[Item]) -> Forged {
    let at = forger.rng.usize(..items.len());
    let mut commits = commits(items);
    let mut inserted = commits[at].clone();
    inserted.metadata = inserted.metadata.replace("tests", "nobody");
    commits.insert(at, inserted);
    let first = version(&items[at]);
    let rehashed = forger.rng.bool();
    let upto = if rehashed { commits.len() } else { at + 1 };
    renumber(&mut commits, at, upto);
    let last = end(items) + 1;
    let forged = commits.iter().map(item_of).collect();
    (
        forged,
        first..=last,
        format!("at {first}, hashed to the end: {rehashed}"),
    )
}

fn overlap(forger: &mut Forger, items: &[Item]) -> Forged {
    let wide = |at: &usize| length(&commit_in(&items[*at])) > 1;
    let wide: Vec<_> = (0..items.len()).filter(wide).collect();
    let around = commit_in(&items[wide[forger.rng.usize(..wide.len())]]);
    let mut inserted = around.clone();
    inserted.version += 1;
    inserted.chain.previous = around.chain.hash;
    inserted.chain.hash = inserted.hash();
    let version = inserted.version;
    let mut items = items.to_vec();
    items.push(item_of(&inserted));
    (items, version..=version, format!("at {version}"))
}

fn misplace(forger: &mut Forger, items: &[Item]) -> Forged {
    let mut item = items[forger.pick(items)].clone();
    let version = ["0", "-1", "1.5", "100000000000000000000000"][forger.rng.usize(..4)];
    item.insert("version".to_owned(), AttributeValue::N(version.to_owned()));
    let mut items = items.to_vec();
    items.push(item);
    (items, 0..=0, format!("at {version}"))
}

fn cut_off(forger: &mut Forger, items: &[Item]) -> Forged {
    let left = forger.rng.usize(1..items.len());
    let version = version(&items[left]);
    let detail = format!("from {version} on");
    (items[..left].to_vec(), version..=version, detail)
}

fn remove_all(_: &mut Forger, _: &[Item]) -> Forged {
    (Vec::new(), 1..=1, String::new())
}

fn replace(forger: &mut Forger, items: &[Item]) -> Forged {
    let (mut items, at) = (items.to_vec(), forger.pick(items));
    let mut commit = commit_in(&items[at]);
    commit.metadata = commit.metadata.replace("tests", "nobody");
    commit.chain.hash = commit.hash();
    items[at] = item_of(&commit);
    // The next one shows it; after the last, the head.
    let next = items.get(at + 1).map_or(end(&items), version);
    (
        items,
        commit.version..=next,
        format!("at {}", commit.version),
    )
}

fn recompute(forger: &mut Forger, items: &[Item]) -> Forged {
    let at = forger.pick(items);
    let mut commits = commits(items);
    let from = commits[at].version;
    let change = forger.rng.u8(..3);
    match change {
        0 => commits[at].metadata = commits[at].metadata.replace("tests", "nobody"),
        1 => drop(commits.remove(at)),
        _ => {
            let mut inserted = commits[at].clone();
            inserted.metadata = inserted.metadata.replace("tests", "nobody");
            commits.insert(at, inserted);
        }
    }
    let upto = commits.len();
    renumber(&mut commits, at, upto);
    let forged = commits.iter().map(item_of).collect();
    (
        forged,
        from..=end(items),
        format!("from {from}, change {change}"),
    )
}

fn redigest(forger: &mut Forger, items: &[Item]) -> Forged {
    let at = with_snapshot(forger, items);
    let mut commits = commits(items);
    let snapshot = commits[at].snapshot.as_ref().expect("it has one");
    let snapshot = snapshot.replace("active", "suspended");
    commits[at].digest = digest(&commits[at], &snapshot);
    commits[at].snapshot = Some(snapshot);
    let first = commits[at].version;
    let upto = [at, at + 1, commits.len()][forger.rng.usize(..3)];
    renumber(&mut commits, at, upto);
    let last = if upto == commits.len() {
        end(items)
    } else {
        commits.get(at + 1).map_or(end(items), |next| next.version)
    };
    let forged = commits.iter().map(item_of).collect();
    (
        forged,
        first..=last,
        format!("at {first}, hashed up to {upto}"),
    )
}

fn transplant(forger: &mut Forger, items: &[Item]) -> Forged {
    let (mut items, at) = (items.to_vec(), forger.pick(items));
    let stream = items[at]["stream"].clone();
    let others = forger.streams.iter();
    let others: Vec<_> = others
        .filter(|(_, other)| other[at]["stream"] != stream)
        .collect();
    let (_, other) = others[forger.rng.usize(..others.len())];
    let mut taken = other[at].clone();
    taken.insert("stream".to_owned(), stream);
    taken.insert("version".to_owned(), items[at]["version"].clone());
    let version = version(&items[at]);
    items[at] = taken;
    (items, version..=version, format!("at {version}"))
}

fn change(items: &[Item], at: usize, edit: impl FnOnce(&mut Commit)) -> Forged {
    let mut items = items.to_vec();
    let mut commit = commit_in(&items[at]);
    edit(&mut commit);
    items[at] = item_of(&commit);
    (
        items,
        commit.version..=commit.version,
        format!("at {}", commit.version),
    )
}

/// Gives commits from `at` on the versions that they must have, and those before `upto` right hashes.
fn renumber(commits: &mut [Commit], at: usize, upto: usize) {
    let (mut version, mut previous) = match at.checked_sub(1).map(|before| &commits[before]) {
        None => (1, Hash::default()),
        Some(before) => (before.version + length(before), before.chain.hash),
    };
    for (index, commit) in commits.iter_mut().enumerate().skip(at) {
        commit.version = version;
        version += length(commit);
        if index < upto {
            commit.chain.previous = previous;
            commit.chain.hash = commit.hash();
            previous = commit.chain.hash;
        }
    }
}

fn with_snapshot(forger: &mut Forger, items: &[Item]) -> usize {
    let has_one = |at: &usize| items[*at].contains_key("snapshot");
    let having: Vec<_> = (0..items.len()).filter(has_one).collect();
    having[forger.rng.usize(..having.len())]
}

/// The digest that a commit would have with this snapshot.
fn digest(commit: &Commit, snapshot: &str) -> Option<Hash> {
    let at = Position {
        stream: commit.stream.clone(),
        version: commit.version,
    };
    let (stamp, metadata) = (
        commit.stamp().expect("read"),
        commit.metadata().expect("read"),
    );
    let events = commit.events().expect("read");
    let snapshot = Some(snapshot.to_owned());
    let again = Commit::new(at, Hash::default(), &stamp, &metadata, &events, snapshot);
    again.expect("a commit").digest
}

fn commits(items: &[Item]) -> Vec<Commit> {
    items.iter().map(commit_in).collect()
}

fn length(commit: &Commit) -> u64 {
    commit.events().expect("read").len() as u64
}

fn end(items: &[Item]) -> u64 {
    let last = items.iter().map(version).max().expect("a stream");
    let commit = items.iter().find(|item| version(item) == last);
    last + length(&commit_in(commit.expect("the last"))) - 1
}

fn version(item: &Item) -> u64 {
    let version = item["version"].as_n().expect("a number");
    version.parse().expect("a version")
}
