//! `strangelog deliveries` and `strangelog lag`: which events has nobody processed yet, and why?

mod deployed;

pub use deployed::{NoTable, deployed};

use crate::counted::counted;
use crate::exit::Stop;
use crate::output::Columns;
use crate::pages::{Reading, each_segment};
use deliveries::{Deliveries, Delivery, Lag, Status};
use deployed::there_are;
use event_store::{DynamoDbEventLog, DynamoDbHeads, SeenStreams};
use serde::Serialize;
use std::collections::BTreeMap;

/// How many deliveries are read at a time.
const PAGE: usize = 100;

/// What `strangelog deliveries` looks for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// One stream, with all that is completed.
    pub stream: Option<String>,
    /// One consumer.
    pub consumer: Option<String>,
    /// One status.
    pub status: Option<Status>,
    /// What the publisher has not seen, too.
    pub unpublished: bool,
}

/// One line of what is found.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Line {
    /// How it stands with one stream for one consumer.
    Delivery(Delivery),
    /// A stream of which the publisher has not seen everything.
    Unpublished {
        /// The stream.
        stream: String,
        /// The version of its last event.
        version: u64,
        /// The version of the last one that the publisher saw.
        published: u64,
    },
}

/// How far a consumer is behind, as a line.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Behind(pub Lag);

type All = Deliveries<DynamoDbEventLog, DynamoDbHeads>;

/// Whatever is wanted, with a sentence that sums it up.
///
/// # Errors
/// The store failed, or there is no such stream or consumer.
pub async fn deliveries(
    all: &All,
    wanted: &Wanted,
    reading: &Reading,
) -> anyhow::Result<(Vec<Line>, String)> {
    there_are(all, wanted.consumer.as_deref()).await?;
    let mut lines = Vec::new();
    if let Some(stream) = &wanted.stream {
        let found = all.of_stream(stream).await?;
        let found = found.ok_or_else(|| Stop::UnknownStream(stream.clone()))?;
        let is_behind = |one: &Delivery| one.status != Status::Completed;
        let is_left = found.published < found.version || found.data.iter().any(is_behind);
        let is_wanted = |delivery: &Delivery| {
            let name = wanted.consumer.as_deref();
            name.is_none_or(|name| delivery.consumer == name)
                && wanted.status.is_none_or(|status| delivery.status == status)
        };
        lines.extend(found.data.into_iter().filter(is_wanted).map(Line::Delivery));
        let (version, published) = (found.version, found.published);
        if published < version {
            let stream = stream.clone();
            lines.push(Line::Unpublished {
                stream,
                version,
                published,
            });
        }
        let summary = match found.processed_by_nobody {
            None if is_left => {
                format!(
                    "each event of {stream}, up to version {version}, was processed by somebody"
                )
            }
            None => format!("{stream} is at version {version}, and nothing of it is left to do"),
            Some((from, to)) => {
                format!("versions {from} to {to} of {stream} were processed by nobody")
            }
        };
        return Ok((lines, summary));
    }
    let mut from = None;
    loop {
        let name = wanted.consumer.as_deref();
        let (page, next) = all
            .look(name, from)
            .await?
            .behind(wanted.status, PAGE)
            .await?;
        reading.progress.inc(page.len() as u64);
        lines.extend(page.into_iter().map(Line::Delivery));
        from = next;
        if from.is_none() {
            break;
        }
    }
    let behind = lines.len();
    if wanted.unpublished {
        lines.extend(unpublished(all, reading).await?);
    }
    let mut summary = match behind {
        1 => "1 delivery behind".to_owned(),
        behind => format!("{behind} deliveries behind"),
    };
    if wanted.unpublished {
        let streams = counted(lines.len() - behind, "stream");
        summary += &format!(", {streams} with events that the publisher has not seen");
    }
    Ok((lines, summary))
}

/// How far each consumer is behind.
///
/// # Errors
/// The store failed, or there is no such consumer.
pub async fn lags(all: &All, consumer: Option<&str>) -> anyhow::Result<Vec<Behind>> {
    there_are(all, consumer).await?;
    let lags = all.look(consumer, None).await?.lags().await?;
    Ok(lags.into_iter().map(Behind).collect())
}

/// The streams that reach further than the publisher saw, found by reading the whole events table.
async fn unpublished(all: &All, reading: &Reading) -> anyhow::Result<Vec<Line>> {
    reading.progress.set_message("commits");
    let scanned = each_segment(
        reading,
        |segment, from| all.log.scan(segment, from),
        BTreeMap::<String, u64>::new,
        |streams, stored| {
            reading.progress.inc(1);
            let commit = stored.commit.ok();
            let version = commit.and_then(|commit| commit.last_version().ok());
            let last = streams.entry(stored.stream).or_default();
            *last = version.unwrap_or(stored.version).max(*last);
        },
    );
    let mut lines = Vec::new();
    for streams in scanned.await? {
        let names: Vec<_> = streams.keys().cloned().collect();
        let heads = all.heads.heads(&names).await?;
        let heads: BTreeMap<_, _> = heads
            .into_iter()
            .map(|seen| (seen.stream, seen.version))
            .collect();
        for (stream, version) in streams {
            let published = heads.get(&stream).copied().unwrap_or(0);
            if published < version {
                lines.push(Line::Unpublished {
                    stream,
                    version,
                    published,
                });
            }
        }
    }
    Ok(lines)
}

impl Line {
    /// Whether something is left to do.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        match self {
            Self::Delivery(delivery) => delivery.status != Status::Completed,
            Self::Unpublished { .. } => true,
        }
    }

    /// Whether it waits for a redrive or another build.
    #[must_use]
    pub fn is_parked(&self) -> bool {
        match self {
            Self::Delivery(delivery) => delivery.failed.as_ref().is_some_and(|why| why.parked),
            Self::Unpublished { .. } => false,
        }
    }

    /// The stream that it is about.
    #[must_use]
    pub fn stream(&self) -> &str {
        match self {
            Self::Delivery(Delivery { stream, .. }) | Self::Unpublished { stream, .. } => stream,
        }
    }
}

impl Columns for Line {
    const NAMES: &'static [&'static str] =
        &["consumer", "status", "stream", "applied", "since", "why"];

    fn cells(&self) -> Vec<String> {
        let of = |applied: u64, version: u64| format!("{applied} of {version}");
        match self {
            Self::Unpublished {
                stream,
                version,
                published,
            } => vec![
                "publisher".to_owned(),
                "pending".to_owned(),
                stream.clone(),
                of(*published, *version),
                String::new(),
                String::new(),
            ],
            Self::Delivery(delivery) => {
                let status = match delivery.status {
                    Status::Pending => "pending",
                    Status::Processing => "processing",
                    Status::Completed => "completed",
                    Status::Failed => "failed",
                };
                let why = delivery.failed.as_ref().map(|failed| {
                    let tries = counted(failed.attempts as usize, "attempt");
                    let rest = if failed.parked { ", parked" } else { "" };
                    format!(
                        "{tries} at version {}{rest}: {}",
                        failed.version, failed.why
                    )
                });
                vec![
                    delivery.consumer.clone(),
                    status.to_owned(),
                    delivery.stream.clone(),
                    of(delivery.applied, delivery.version),
                    delivery.since.clone().unwrap_or_default(),
                    why.unwrap_or_default(),
                ]
            }
        }
    }
}

impl Columns for Behind {
    const NAMES: &'static [&'static str] = &[
        "consumer",
        "pending",
        "failed",
        "oldest",
        "nothing pending before",
    ];

    fn cells(&self) -> Vec<String> {
        let Lag {
            consumer,
            pending,
            failed,
            more,
            oldest,
            walked_to,
        } = &self.0;
        let more = if *more { " or more" } else { "" };
        let walked_to = walked_to.clone();
        vec![
            consumer.clone(),
            format!("{pending}{more}"),
            format!("{failed}{more}"),
            oldest.clone().unwrap_or_default(),
            walked_to.unwrap_or_else(|| "has not walked along all streams yet".to_owned()),
        ]
    }
}
