//! `strangelog export`.

use crate::cli::Context;
use crate::counted::counted;
use crate::exit::{Exit, Stop};
use crate::history_file::{DESCRIPTION, first, last, line};
use crate::pages::{Reading, each_segment};
use anyhow::Context as _;
use chrono::Utc;
use event_store::{DynamoDbEventLog, StoreError, Stored, rfc3339};
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

const EXAMPLES: &str = "\
Examples:
  strangelog export --to store.jsonl                                                     # everything there is
  strangelog export user-01a1e50a-5950-7a61-8fa4-5be3d833d61d --to user.jsonl
  strangelog export account-01a1e50a-5950-7a61-8fa4-5be3d833d61d | jq -r '.metadata.actor // empty'
  strangelog export --to store.jsonl --segments 2 && strangelog replay store.jsonl

It holds what people wrote, in the clear: names, emails, amounts. The file is made so that only you can read it; keep it so.
What is written while a whole store is exported may be in the file or not, so that a command over several streams may be in it
in part. It reads the whole events table once: one read unit for each 4 KB. It needs dynamodb:Scan on the events table, or
dynamodb:Query where streams are named.";

/// Writes the commits of streams, as they are stored, to a file that `replay` reads
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{DESCRIPTION}\n\n{EXAMPLES}"))]
pub(crate) struct Args {
    /// The streams; all of them if none is named
    #[arg(value_name = "STREAM")]
    streams: Vec<String>,
    /// A new file; else it goes to stdout
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

impl Args {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let reading = context.reading();
        reading.progress.set_message("commits");
        let log = context.connection.log(None).await;
        let part = self.to.as_deref().map(Part::new).transpose()?;
        let writer: Box<dyn Write + Send> = match &part {
            Some(part) => Box::new(BufWriter::new(part.file.try_clone()?)),
            None => Box::new(io::stdout()),
        };
        let sink = Sink::new(writer);
        let mut streams = self.streams.clone();
        streams.sort();
        streams.dedup();
        let named = (!streams.is_empty()).then(|| streams.clone());
        sink.text(&(first(rfc3339(Utc::now()), named)? + "\n"))?;
        let read = if streams.is_empty() {
            every(&log, &sink, &reading).await
        } else {
            these(&log, &streams, &sink, &reading).await
        };
        let (streams, commits) = sink.finish(read)?;
        reading.progress.finish_and_clear();
        let to = match part {
            Some(part) => format!("written to {}", part.finish()?.display()),
            None => "written".to_owned(),
        };
        eprintln!(
            "{} of {} {to}",
            counted(commits, "commit"),
            counted(streams, "stream")
        );
        Ok(Exit::Done)
    }
}

async fn every(log: &DynamoDbEventLog, sink: &Sink, reading: &Reading) -> anyhow::Result<()> {
    // OK because nobody reads on what nobody can write: the sink knows why.
    let scan = |segment, from| async move {
        if sink.has_failed() {
            return Err(StoreError::Aws("the file cannot be written".into()));
        }
        log.scan(segment, from).await
    };
    let left = each_segment(reading, scan, Gathered::default, |gathered, stored| {
        reading.progress.inc(1);
        if gathered.stream.as_deref() != Some(&stored.stream) {
            sink.write(std::mem::take(gathered));
        }
        gathered.add(stored);
    });
    left.await?
        .into_iter()
        .for_each(|gathered| sink.write(gathered));
    Ok(())
}

async fn these(
    log: &DynamoDbEventLog,
    streams: &[String],
    sink: &Sink,
    reading: &Reading,
) -> anyhow::Result<()> {
    for stream in streams {
        let (mut gathered, mut next) = (Gathered::default(), None);
        loop {
            let page = log.stored(stream, next).await?;
            reading.progress.inc(page.items.len() as u64);
            page.items
                .into_iter()
                .for_each(|stored| gathered.add(stored));
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        if gathered.commits == 0 {
            return Err(Stop::UnknownStream(stream.clone()).into());
        }
        sink.write(gathered);
    }
    Ok(())
}

/// The lines of one stream: they are written together, whatever else is read side by side.
#[derive(Default)]
struct Gathered {
    stream: Option<String>,
    lines: String,
    commits: u64,
    failed: Option<serde_json::Error>,
}

impl Gathered {
    fn add(&mut self, stored: Stored) {
        self.stream = Some(stored.stream.clone());
        self.commits += 1;
        match line(stored) {
            Ok(line) => self.lines += &(line + "\n"),
            Err(error) => self.failed = Some(error),
        }
    }
}

/// Where lines go, and how many streams and commits went there.
struct Sink(Mutex<Sunk>);

struct Sunk {
    writer: Box<dyn Write + Send>,
    failed: Option<anyhow::Error>,
    streams: u64,
    commits: u64,
}

impl Sink {
    fn new(writer: Box<dyn Write + Send>) -> Self {
        Self(Mutex::new(Sunk {
            writer,
            failed: None,
            streams: 0,
            commits: 0,
        }))
    }

    fn text(&self, text: &str) -> io::Result<()> {
        self.lock().writer.write_all(text.as_bytes())
    }

    fn write(&self, gathered: Gathered) {
        let mut sunk = self.lock();
        if gathered.commits == 0 || sunk.failed.is_some() {
            return;
        }
        sunk.streams += 1;
        sunk.commits += gathered.commits;
        let written = match gathered.failed {
            Some(error) => Err(error.into()),
            None => sunk.writer.write_all(gathered.lines.as_bytes()),
        };
        sunk.failed = written.err().map(Into::into);
    }

    fn has_failed(&self) -> bool {
        self.lock().failed.is_some()
    }

    /// Writes the last line, if all went well; how many streams and commits there are.
    fn finish(self, read: anyhow::Result<()>) -> anyhow::Result<(u64, u64)> {
        let mut sunk = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        match sunk.failed {
            Some(error) => return Err(error),
            None => read?,
        }
        sunk.writer
            .write_all((last(sunk.streams, sunk.commits) + "\n").as_bytes())?;
        sunk.writer.flush()?;
        Ok((sunk.streams, sunk.commits))
    }

    fn lock(&self) -> MutexGuard<'_, Sunk> {
        // OK because nothing under the lock leaves it half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file that has its name once it is whole, and is gone if it never is.
struct Part {
    file: File,
    path: PathBuf,
    to: PathBuf,
    is_whole: bool,
}

impl Part {
    fn new(to: &Path) -> anyhow::Result<Self> {
        if to.exists() {
            let why = format!("{} is there already: choose another name", to.display());
            return Err(Stop::Usage(why).into());
        }
        let mut path = to.as_os_str().to_owned();
        path.push(".part");
        let path = PathBuf::from(path);
        // OK because what is left of an export that was killed is no use, and what is somebody else's must not be written to.
        let _ = std::fs::remove_file(&path);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options
            .open(&path)
            .with_context(|| path.display().to_string())?;
        Ok(Self {
            file,
            path,
            to: to.to_owned(),
            is_whole: false,
        })
    }

    fn finish(mut self) -> anyhow::Result<PathBuf> {
        self.file.sync_all()?;
        std::fs::rename(&self.path, &self.to).with_context(|| self.to.display().to_string())?;
        self.is_whole = true;
        Ok(self.to.clone())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_whole {
            // OK because what is left over is removed the next time.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
