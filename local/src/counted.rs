//! What the stack was asked to do, in the units that AWS bills: for whoever measures what a command costs.

use std::collections::BTreeMap;

/// How often what was done, since the stack started or since another count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Calls of each function, by its logical id.
    pub calls: BTreeMap<String, u64>,
    /// PutEvents requests.
    pub puts: u64,
    /// The entries in them.
    pub entries: u64,
    /// Messages that were put on each queue, by its logical id; a redelivery is none.
    pub messages: BTreeMap<String, u64>,
}

impl Counted {
    /// What was done since `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let less = |now: &BTreeMap<String, u64>, before: &BTreeMap<String, u64>| {
            let less = now.iter().map(|(name, count)| {
                let before = before.get(name).copied().unwrap_or_default();
                (name.clone(), count.saturating_sub(before))
            });
            less.filter(|(_, count)| *count > 0).collect()
        };
        Self {
            calls: less(&self.calls, &before.calls),
            puts: self.puts.saturating_sub(before.puts),
            entries: self.entries.saturating_sub(before.entries),
            messages: less(&self.messages, &before.messages),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_before_does_not_count() {
        let calls = |n| BTreeMap::from([("Publish".to_owned(), n), ("Sweep".to_owned(), 1)]);
        let count = |n| Counted {
            calls: calls(n),
            puts: n,
            entries: 2 * n,
            ..Counted::default()
        };
        let since = count(5).since(&count(2));
        assert_eq!(since.calls, BTreeMap::from([("Publish".to_owned(), 3)]));
        assert_eq!((since.puts, since.entries), (3, 6));
    }
}
