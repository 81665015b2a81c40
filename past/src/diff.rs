//! What changed between two moments, and which events did it.

use crate::fold::{Fold, Loaded, Then, then};
use crate::history::{Filter, Page, Place, history};
use crate::{Moment, PastError};
use chrono::{DateTime, Utc};
use event_store::{EventLog, StoreError};
use futures_util::future::try_join;
use json_patch::Patch;
use serde::Serialize;
use serde_json::Value;

/// Which two moments are compared, and how many of the events between them are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Between {
    /// One moment.
    pub from: Moment,
    /// The other one.
    pub to: Moment,
    /// How many events are shown.
    pub limit: usize,
    /// Where those begin that are shown.
    pub place: Option<Place>,
}

/// What changed between two moments.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diff {
    /// What was there at one moment.
    pub from: Then,
    /// What was there at the other one.
    pub to: Then,
    /// What is not the same in both.
    pub changes: Vec<Change>,
    /// What turns one state into the other (RFC 6902).
    pub patch: Patch,
    /// A page of the events between them.
    #[serde(skip)]
    pub page: Page,
}

/// One value that is not the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Where it is, as a JSON pointer (RFC 6901).
    pub path: String,
    /// What became of it.
    pub kind: Kind,
    /// What it was, unless it was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    /// What it is, unless it is no longer there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
    /// The versions of the events that touched it, of those that were looked at.
    pub by: Vec<u64>,
}

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It was not there.
    Added,
    /// It is no longer there.
    Removed,
    /// It is another.
    Changed,
}

/// What changed in `stream` between two moments, in whichever order they are given.
///
/// # Errors
/// As [`then`].
pub async fn diff<F: Fold>(
    log: &impl EventLog,
    stream: &str,
    between: &Between,
    now: DateTime<Utc>,
) -> Result<Diff, PastError> {
    let (from, to) = try_join(
        then::<F>(log, stream, between.from, now),
        then::<F>(log, stream, between.to, now),
    )
    .await?;
    let (first, last) = (
        from.version.min(to.version) + 1,
        from.version.max(to.version),
    );
    let page = if first > last {
        Page::default()
    } else {
        let filter = Filter {
            from: Some(Moment::Version(first)),
            to: Some(Moment::Version(last)),
            ..Filter::default()
        };
        history::<F::Source>(log, stream, &filter, between.place, between.limit).await?
    };
    let mut changes = changes(&from.state, &to.state);
    for (version, touched) in touched::<F>(log, stream, &page).await? {
        for change in &mut changes {
            if touched.iter().any(|path| meet(path, &change.path)) {
                change.by.push(version);
            }
        }
    }
    let patch = json_patch::diff(&from.state, &to.state);
    Ok(Diff {
        from,
        to,
        changes,
        patch,
        page,
    })
}

/// The paths that each event of a page touched, with its version.
async fn touched<F: Fold>(
    log: &impl EventLog,
    stream: &str,
    page: &Page,
) -> Result<Vec<(u64, Vec<String>)>, PastError> {
    let version = |event: &Value| event["version"].as_u64();
    let (Some(first), Some(last)) = (
        page.events.first().and_then(version),
        page.events.last().and_then(version),
    ) else {
        return Ok(Vec::new());
    };
    let Loaded { mut value, .. } = match first {
        1 => Loaded {
            value: F::start(),
            version: 0,
            timestamp: DateTime::UNIX_EPOCH,
        },
        first => F::load(log, stream, Moment::Version(first - 1)).await?,
    };
    let begins = log.newest(stream, 1..=first, 1).await?.pop();
    let begins = begins.map_or(first, |commit| commit.version);
    let commits = log.read(stream, begins..=last, page.events.len()).await?;
    let mut touched = Vec::new();
    for commit in &commits {
        let recorded = match commit.recorded::<F::Source>() {
            Ok(recorded) => recorded,
            // OK because the page shows what cannot be read, and nobody knows what comes after it.
            Err(StoreError::Corrupt { .. }) => break,
            Err(error) => return Err(error.into()),
        };
        // OK because an old event that is several of today's has one version, and is one step.
        for events in recorded.chunk_by(|one, next| one.version == next.version) {
            let version = events[0].version;
            if !(first..=last).contains(&version) {
                continue;
            }
            let before = F::json(&value, version - 1)?;
            for event in events {
                value = F::step(value, event)?;
            }
            let after = F::json(&value, version)?;
            let paths = changes(&before, &after).into_iter();
            touched.push((version, paths.map(|change| change.path).collect()));
        }
    }
    Ok(touched)
}

/// Whether one of two paths leads through the other.
fn meet(one: &str, other: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        let rest = inner.strip_prefix(outer);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    within(one, other) || within(other, one)
}

/// What is not the same in two values: members of objects each by itself, anything else as a whole. Before the first event
/// there is nothing, so that then every member is added.
///
/// # Example: a balance
/// ```
/// use past::{Kind, changes};
/// use serde_json::json;
///
/// let before = json!({ "status": "open", "balance": 1250, "owner": null });
/// let after = json!({ "status": "open", "balance": 250, "limit": 0 });
/// let found = changes(&before, &after);
/// let told = found.iter().map(|change| (change.path.as_str(), change.kind));
/// let expected = [("/balance", Kind::Changed), ("/owner", Kind::Removed), ("/limit", Kind::Added)];
/// assert_eq!(told.collect::<Vec<_>>(), expected);
/// ```
pub fn changes(from: &Value, to: &Value) -> Vec<Change> {
    let nothing = Value::Object(serde_json::Map::new());
    let (from, to) = match (from, to) {
        (Value::Null, Value::Object(_)) => (&nothing, to),
        (Value::Object(_), Value::Null) => (from, &nothing),
        _ => (from, to),
    };
    let mut changes = Vec::new();
    compare("", Some(from), Some(to), &mut changes);
    changes
}

fn compare(path: &str, from: Option<&Value>, to: Option<&Value>, changes: &mut Vec<Change>) {
    if let (Some(Value::Object(before)), Some(Value::Object(after))) = (from, to) {
        let added = after.iter().filter(|(name, _)| !before.contains_key(*name));
        for name in before.keys().chain(added.map(|(name, _)| name)) {
            let token = name.replace('~', "~0").replace('/', "~1");
            let inner = format!("{path}/{token}");
            compare(&inner, before.get(name), after.get(name), changes);
        }
        return;
    }
    let kind = match (from, to) {
        (None, _) => Kind::Added,
        (_, None) => Kind::Removed,
        (Some(from), Some(to)) if from == to => return,
        (Some(_), Some(_)) => Kind::Changed,
    };
    changes.push(Change {
        path: path.to_owned(),
        kind,
        from: from.cloned(),
        to: to.cloned(),
        by: Vec::new(),
    });
}

#[cfg(test)]
mod tests;
