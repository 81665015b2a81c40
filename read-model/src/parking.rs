//! Poison: what no retry brings further. It parks its own stream, with the reason beside the document, until somebody asks for
//! another try or another build comes.

use crate::list::merged;
use crate::{
    Cursor, Documents, Page, ReadModelError, Row, RowChange, Shards, StoredDocument, Trouble,
};
use chrono::Utc;
use decider::Entry;
use event_store::{StoreError, rfc3339};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::sync::OnceLock;

/// The list of the streams that are parked.
pub const PARKED: &str = "parked";
/// What is kept of a reason, in characters; [`MAX_SIZE`](crate::item::MAX_SIZE) leaves room for it.
const LONGEST_WHY: usize = 300;

/// What keeps a document from its stream's next event, and is no failure of the moment.
#[derive(Debug)]
pub(crate) struct Poison {
    pub version: u64,
    pub why: String,
}

impl Poison {
    /// The poison in an error, or the error.
    pub fn of(error: ReadModelError) -> Result<Self, ReadModelError> {
        match error {
            ReadModelError::Poison { version, why, .. } => Ok(Self { version, why }),
            ReadModelError::Log(error @ StoreError::Corrupt { .. }) => {
                let mut version = 0;
                let why = unread(&error, &mut version);
                Ok(Self { version, why })
            }
            error => Err(error),
        }
    }

    /// What is noted of it; `before` is what was noted so far.
    pub fn trouble(&self, before: Option<&Trouble>, parked_by: Option<&str>) -> Trouble {
        let before = before.filter(|before| before.version == self.version);
        Trouble {
            version: self.version,
            why: self.why.chars().take(LONGEST_WHY).collect(),
            since: before.map_or_else(|| rfc3339(Utc::now()), |before| before.since.clone()),
            attempts: before.map_or(1, |before| before.attempts.saturating_add(1)),
            parked_by: parked_by.map(str::to_owned),
        }
    }
}

impl StoredDocument {
    /// What keeps it from what follows, if that is poison: messages bring it no further.
    pub fn parked(&self) -> Option<&Trouble> {
        let trouble = self.trouble.as_ref();
        trouble.filter(|trouble| trouble.parked_by.is_some())
    }

    /// As it would be if nothing were wrong, with nothing left to write.
    pub(crate) fn without_trouble(&self, shards: Shards) -> Self {
        let parked = self.trouble.as_ref();
        let parked = parked.and_then(|trouble| parked_row(&self.id, shards, trouble));
        let rows = self.rows.iter().filter(|row| Some(*row) != parked.as_ref());
        Self {
            rows: rows.cloned().collect(),
            pending: parked.into_iter().map(RowChange::gone).collect(),
            trouble: None,
            ..self.clone()
        }
    }

    /// The same in trouble, which an index row leads to if it is parked.
    pub(crate) fn in_trouble(mut self, trouble: Trouble, shards: Shards) -> Self {
        if let Some(row) = parked_row(&self.id, shards, &trouble) {
            // OK because a row that is there already stays.
            self.pending.retain(|change| change.row != row);
            self.pending.push(RowChange::come(row.clone()));
            self.rows.push(row);
        }
        self.trouble = Some(trouble);
        self
    }
}

/// Names the executable that runs: another one may do better with what this one cannot apply. It is read once, and only
/// where something is parked.
pub fn build() -> &'static str {
    static BUILD: OnceLock<String> = OnceLock::new();
    BUILD.get_or_init(|| {
        let digest = || -> io::Result<String> {
            let (mut hasher, mut piece) = (Sha256::new(), vec![0; 1 << 16]);
            let mut executable = File::open(std::env::current_exe()?)?;
            loop {
                match executable.read(&mut piece)? {
                    0 => break,
                    read => hasher.update(&piece[..read]),
                }
            }
            let digest = hasher.finalize();
            Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
        };
        // OK because a build without a name waits for redrives, as every build may.
        digest().unwrap_or_else(|_| "unknown".to_owned())
    })
}

/// The streams that are parked, newest first.
///
/// # Errors
/// The store failed.
pub async fn parked(
    documents: &impl Documents,
    cursor: Option<&Cursor>,
    limit: usize,
) -> Result<Page<StoredDocument>, ReadModelError> {
    let (rows, next) = merged(documents, PARKED, cursor.map(Cursor::as_str), limit).await?;
    let ids: Vec<_> = rows.iter().map(|row| row.id().to_owned()).collect();
    let stored = documents.get_all(&ids).await?.into_iter();
    let mut by_id: HashMap<_, _> = stored.map(|stored| (stored.id.clone(), stored)).collect();
    let stored = rows.iter().filter_map(|row| by_id.remove(row.id()));
    Ok(Page {
        documents: stored.filter(|stored| stored.parked().is_some()).collect(),
        next,
    })
}

/// Notes that a message about `version` failed, and may go better the next time. A document that has the version by now, or is
/// parked, stays as it is; one that is not there is begun. Nothing depends on such a note, so that it may be lost.
///
/// # Errors
/// The store failed.
pub async fn note(
    documents: &impl Documents,
    id: &str,
    version: u64,
    why: &str,
) -> Result<(), ReadModelError> {
    let why = why.to_owned();
    let trouble = Poison { version, why }.trouble(None, None);
    documents.note(id, &trouble).await
}

/// The index row of a document in this trouble.
fn parked_row(id: &str, shards: Shards, trouble: &Trouble) -> Option<Row> {
    trouble.parked_by.as_ref()?;
    let entry = Entry::Listed {
        list: PARKED.into(),
        sort: trouble.since.clone(),
    };
    Some(Row::of(&entry, id, shards))
}

/// Says what cannot be read, and where, without what is in it; `at` becomes its version.
pub(crate) fn unread(error: &StoreError, at: &mut u64) -> String {
    let StoreError::Corrupt { version, why, .. } = error else {
        return "it cannot be read".to_owned();
    };
    *at = *version;
    let (event, told) = match why.split_once(": ") {
        Some((event, told)) if event.starts_with("event ") => (event, told),
        _ => ("it", why.as_str()),
    };
    // OK because a parser may quote what it found before it says where that was.
    let told = match told.rsplit_once(" at line ") {
        _ if told.starts_with("schema versions ") => format!(": {told}"),
        Some((_, place)) if is_place(place) => format!(", at line {place}"),
        _ => String::new(),
    };
    format!("{event} cannot be read{told}")
}

fn is_place(place: &str) -> bool {
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    place
        .split_once(" column ")
        .is_some_and(|(line, column)| is_number(line) && is_number(column))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(why: &str) -> String {
        let (stream, why) = ("user-1".to_owned(), why.to_owned());
        let version = 7;
        let error = StoreError::Corrupt {
            stream,
            version,
            why,
        };
        let mut at = 1;
        let told = unread(&error, &mut at);
        assert_eq!(at, 7);
        told
    }

    #[test]
    fn what_is_said_of_an_event_quotes_nothing_of_it() {
        for (why, expected) in [
            (
                r#"event 01a1 of type Renamed: invalid type: string "sarah at line 3", expected u32 at line 1 column 30"#,
                "event 01a1 of type Renamed cannot be read, at line 1 column 30",
            ),
            (
                "event 01a1 of type Renamed: sarah@example.com has no name",
                "event 01a1 of type Renamed cannot be read",
            ),
            (
                "event 01a1 of type Renamed: schema versions [1] are known, found 2",
                "event 01a1 of type Renamed cannot be read: schema versions [1] are known, found 2",
            ),
            ("its events: sarah at line one", "it cannot be read"),
        ] {
            assert_eq!(told(why), expected);
        }
    }

    #[test]
    fn trouble_with_the_same_event_is_counted_on_and_other_trouble_begins_anew() {
        let poison = |version| Poison {
            version,
            why: "x".repeat(1000),
        };
        let first = poison(3).trouble(None, None);
        assert_eq!((first.attempts, first.why.len()), (1, LONGEST_WHY));
        let second = poison(3).trouble(Some(&first), Some("a"));
        assert_eq!((second.attempts, &second.since), (2, &first.since));
        assert_eq!(poison(4).trouble(Some(&second), None).attempts, 1);
    }

    #[test]
    fn the_row_of_a_stream_that_stays_parked_does_not_go() {
        let why = "refused".to_owned();
        let trouble = Poison { version: 3, why }.trouble(None, Some("a"));
        let shards = Shards::default();
        let parked = StoredDocument::default().in_trouble(trouble.clone(), shards);
        assert_eq!((parked.rows.len(), parked.pending.len()), (1, 1));
        let again = parked.without_trouble(shards).in_trouble(trouble, shards);
        assert_eq!(again, parked);
    }
}
