//! The file that `strangelog export` writes and `strangelog replay` reads: JSON lines, of which the first names the format and
//! its version, and the last says how many there are, so that a file that was cut off is known for one.

use anyhow::{Context, bail, ensure};
use event_store::{Chain, Commit, Hash, Stored};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use std::io::BufRead;

/// What the first line calls it.
const FORMAT: &str = "strangelog-history";
/// The version that is written, and read.
const VERSION: u64 = 1;

/// What `--help` says of it.
pub(crate) const DESCRIPTION: &str = "\
A history file is lines of JSON:
  {\"format\":\"strangelog-history\",\"version\":1,\"exported_at\":\"…\",\"streams\":null}         null: all streams; else their names
  {\"stream\":\"user-…\",\"version\":1,\"events\":[…],\"metadata\":{…},\"previous\":\"…\",\"hash\":\"…\"}   a commit, byte for byte as it is stored
  {\"stream\":\"user-…\",\"version\":2,\"unreadable\":\"why\"}                                  an item that is no commit
  {\"end\":true,\"streams\":1,\"commits\":2}
`version` is that of a commit's first event. `events` have id, type, schema_version and data, `metadata` has id, timestamp, actor,
reason, command_id, correlation_id and source; `digest` and `snapshot` are there where the commit was written with a snapshot.
The commits of a stream stand together, in order. Whoever formats a line anew breaks its hash.";

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct First {
    format: String,
    version: u64,
    exported_at: String,
    streams: Option<Vec<String>>,
}

/// Any other line.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    streams: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commits: Option<u64>,
}

/// The line that begins a file.
pub(crate) fn first(
    exported_at: String,
    streams: Option<Vec<String>>,
) -> serde_json::Result<String> {
    serde_json::to_string(&First {
        format: FORMAT.to_owned(),
        version: VERSION,
        exported_at,
        streams,
    })
}

/// The line of an item.
pub(crate) fn line(stored: Stored) -> serde_json::Result<String> {
    let Stored {
        stream,
        version,
        commit,
    } = stored;
    let written = commit.and_then(|commit| {
        let snapshot = commit.snapshot.as_deref().map(raw).transpose()?;
        Ok(Line {
            events: Some(raw(&commit.events)?),
            metadata: Some(raw(&commit.metadata)?),
            previous: Some(commit.chain.previous.to_string()),
            hash: Some(commit.chain.hash.to_string()),
            digest: commit.digest.map(|digest| digest.to_string()),
            snapshot,
            ..Line::default()
        })
    });
    let line = written.unwrap_or_else(|why| Line {
        unreadable: Some(why),
        ..Line::default()
    });
    serde_json::to_string(&Line {
        stream: Some(stream),
        version: Some(version),
        ..line
    })
}

/// The line that ends a file.
pub(crate) fn last(streams: u64, commits: u64) -> String {
    json!({ "end": true, "streams": streams, "commits": commits }).to_string()
}

/// A text of a commit, as it is.
fn raw(text: &str) -> Result<Box<RawValue>, String> {
    let raw = RawValue::from_string(text.to_owned());
    let raw = raw
        .ok()
        .filter(|raw| raw.get() == text && !text.contains('\n'));
    raw.ok_or_else(|| "what is stored is no JSON on one line".to_owned())
}

/// Gives each item of a file to `step`, in order.
///
/// # Errors
/// It is no such file, or it was cut off, or `step` failed.
pub(crate) fn read(
    file: impl BufRead,
    mut step: impl FnMut(Stored) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut lines = file.lines();
    let text = lines.next().context("the file is empty")?;
    let first: First = serde_json::from_str(&text?)
        .ok()
        .filter(|first: &First| first.format == FORMAT)
        .with_context(|| {
            format!("this is no history: its first line should name the format {FORMAT}")
        })?;
    let version = first.version;
    ensure!(
        version == VERSION,
        "version {VERSION} of the format is known, found {version}"
    );
    for (text, commits) in lines.by_ref().zip(0_u64..) {
        let number = commits + 2;
        let line: Line = serde_json::from_str(&text?).with_context(|| format!("line {number}"))?;
        if line.end == Some(true) {
            let said = line
                .commits
                .context("the last line should count the commits")?;
            ensure!(
                said == commits,
                "{said} commits were exported, found {commits}"
            );
            ensure!(
                lines.next().is_none(),
                "line {number} says that it is the last, and others follow: one file holds one export"
            );
            return Ok(());
        }
        step(stored(line).with_context(|| format!("line {number} is not a commit's"))?)?;
    }
    bail!("the file was cut off: its last line should say that it is the last");
}

fn stored(line: Line) -> anyhow::Result<Stored> {
    let stream = line.stream.context("stream is missing")?;
    let version = line.version.context("version is missing")?;
    if let Some(why) = line.unreadable {
        let commit = Err(why);
        return Ok(Stored {
            stream,
            version,
            commit,
        });
    }
    let text = |name: &'static str, raw: Option<Box<RawValue>>| {
        raw.map(|raw| raw.get().to_owned())
            .with_context(|| format!("{name} is missing"))
    };
    let hash = |name: &'static str, text: Option<String>| {
        text.and_then(|text| unhex(&text))
            .with_context(|| format!("{name} should be 64 hexadecimal digits"))
    };
    let commit = Commit {
        stream: stream.clone(),
        version,
        events: text("events", line.events)?,
        metadata: text("metadata", line.metadata)?,
        chain: Chain {
            previous: hash("previous", line.previous)?,
            hash: hash("hash", line.hash)?,
        },
        digest: match line.digest {
            Some(digest) => Some(hash("digest", Some(digest))?),
            None => None,
        },
        snapshot: line.snapshot.map(|raw| raw.get().to_owned()),
    };
    Ok(Stored {
        stream,
        version,
        commit: Ok(commit),
    })
}

fn unhex(text: &str) -> Option<Hash> {
    let bytes = text.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    let bytes: Vec<_> = bytes.collect::<Option<_>>()?;
    Hash::try_from(&bytes[..]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::tests::users::{create, rename, run, stream};
    use event_store::{EventLog, MemoryEventLog, ServiceClock};
    use uuid::Uuid;

    async fn commits() -> Vec<Commit> {
        let (log, clock, id) = (
            MemoryEventLog::default(),
            ServiceClock::default(),
            Uuid::now_v7(),
        );
        run(&log, &clock, id, &create("zoe@example.com"))
            .await
            .expect("done");
        for name in ["Mei \"M\" \\ Lin", "Ida\u{2028}", "Zoë"] {
            run(&log, &clock, id, &rename(name)).await.expect("done");
        }
        log.read(&stream(id), 1..=9, 9).await.expect("readable")
    }

    fn file(commits: &[Commit], count: u64) -> String {
        let mut text = first("2026-11-21T15:47:00Z".into(), None).expect("it has JSON") + "\n";
        for commit in commits {
            let stored = Stored {
                stream: commit.stream.clone(),
                version: commit.version,
                commit: Ok(commit.clone()),
            };
            text += &(line(stored).expect("it has JSON") + "\n");
        }
        text + &last(1, count) + "\n"
    }

    fn read_all(file: &str) -> anyhow::Result<Vec<Stored>> {
        let mut found = Vec::new();
        read(file.as_bytes(), |stored| {
            found.push(stored);
            Ok(())
        })?;
        Ok(found)
    }

    #[tokio::test]
    async fn commits_are_read_byte_for_byte_as_they_were_stored() {
        let commits = commits().await;
        assert!(commits.iter().any(|commit| commit.snapshot.is_some()));
        let found = read_all(&file(&commits, 4)).expect("a whole file");
        let found: Vec<_> = found
            .into_iter()
            .map(|stored| stored.commit.expect("a commit"))
            .collect();
        assert_eq!(found, commits);
    }

    #[tokio::test]
    async fn what_is_no_commit_is_a_line_too() {
        let stored = |commit| Stored {
            stream: "user-1".into(),
            version: 2,
            commit,
        };
        let text = line(stored(Err("spoilt".into()))).expect("it has JSON");
        assert_eq!(
            text,
            r#"{"stream":"user-1","version":2,"unreadable":"spoilt"}"#
        );
        let mut broken = commits().await.remove(0);
        broken.events = "[\n]".into();
        let text = line(stored(Ok(broken))).expect("it has JSON");
        assert!(text.contains("no JSON on one line"), "{text}");
    }

    #[tokio::test]
    async fn a_file_that_is_none_or_was_cut_off_is_refused() {
        let whole = file(&commits().await, 4);
        let lines: Vec<_> = whole.lines().collect();
        let cut = lines[..lines.len() - 1].join("\n");
        let lost = [&lines[..2], &lines[3..]].concat().join("\n");
        let newer = whole.replacen(r#""version":1"#, r#""version":2"#, 1);
        for (file, why) in [
            ("", "the file is empty"),
            (
                "{\"format\":\"csv\"}",
                "its first line should name the format",
            ),
            (&cut, "the file was cut off"),
            (&lost, "4 commits were exported, found 3"),
            (&newer, "version 1 of the format is known, found 2"),
            (
                &whole.replacen("\"hash\":\"", "\"hash\":\"x", 1),
                "line 2 is not a commit's",
            ),
        ] {
            let error = read_all(file).expect_err("no whole file");
            assert!(format!("{error:#}").contains(why), "{error:#}");
        }
    }
}
