//! The one entry of every consumer: a batch of its queue, told apart and done side by side.

use crate::message::Heard;
use crate::{Consume, ConsumerError, Left, Own, Queue};
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use chrono::{DateTime, TimeDelta, Utc};
use edge::{Message, causes};
use event_store::{EventLog, SeenStreams, rfc3339};
use futures_util::future::join_all;
use read_model::{Generation, Generations, ReadModelTable, Shards};
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How a consumer goes about its work.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How many chains of messages walk along a generation side by side.
    pub workers: u8,
    /// Over how many partitions the keys of a new generation are spread.
    pub shards: Shards,
    /// Nobody walks nearer to the present than this. What the publisher saw a moment ago may not be in the index yet (it
    /// follows within a second, as a rule), clocks of several publishers may differ, and its message is on its way: what
    /// is heard of within a minute needs no walk.
    pub grace: Duration,
    /// How long one batch may be at work, at most: so long ago it may have read which generations there are.
    pub batch: Duration,
    /// How many streams a walk looks at, at a time: 100 documents are one BatchGetItem.
    pub page: usize,
    /// How much of a tick goes into walking; what is left then is done by messages.
    pub tick: Duration,
    /// A chain of messages that has not written for so long was lost; a tick begins it again.
    pub stalled: Duration,
    /// How long one message walks.
    pub slice: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            workers: 4,
            shards: Shards::default(),
            grace: Duration::from_secs(60),
            batch: Duration::from_secs(30),
            page: 100,
            tick: Duration::from_secs(3),
            // Longer than it takes until a message comes again that died half-way. OK because two chains at one place do no
            // harm: one of them ends.
            stalled: Duration::from_secs(120),
            slice: Duration::from_secs(5),
        }
    }
}

impl Settings {
    /// As `REBUILD_WORKERS`, `LIST_SHARDS`, `COUNTER_SHARDS` and `WALK_GRACE` (in seconds) say, where they are set.
    ///
    /// # Errors
    /// One of them is no number that will do.
    pub fn from_environment() -> Result<Self, String> {
        let usual = Self::default();
        let grace = read("WALK_GRACE")?.map_or(usual.grace, Duration::from_secs);
        Ok(Self {
            workers: positive("REBUILD_WORKERS")?.unwrap_or(usual.workers),
            shards: Shards {
                lists: positive("LIST_SHARDS")?.unwrap_or(usual.shards.lists),
                counters: positive("COUNTER_SHARDS")?.unwrap_or(usual.shards.counters),
            },
            grace,
            // OK because who asks for less grace wants to wait less, and runs no batches of half a minute.
            batch: usual.batch.min(grace),
            ..usual
        })
    }
}

fn positive(name: &str) -> Result<Option<u8>, String> {
    match read::<u8>(name)? {
        Some(0) => Err(format!("{name} must be 1 or more")),
        number => Ok(number),
    }
}

fn read<N: FromStr>(name: &str) -> Result<Option<N>, String> {
    let value = std::env::var(name).ok();
    let read = value.map(|value| value.parse());
    read.transpose()
        .map_err(|_| format!("{name} must be a number that is not too great"))
}

/// A consumer with all that it reaches.
#[derive(Debug)]
pub struct Consumer<C, L, S, Q> {
    /// What it does with a stream.
    pub consume: C,
    /// The events.
    pub log: L,
    /// Which streams there are news of.
    pub seen: S,
    /// What it keeps.
    pub table: ReadModelTable,
    /// Its own queue.
    pub queue: Q,
    /// How it goes about it.
    pub settings: Settings,
    /// Since when it is there, once that is known.
    pub started: OnceLock<String>,
}

impl<C: Consume, L: EventLog, S: SeenStreams, Q: Queue> Consumer<C, L, S, Q> {
    /// Hears a batch, and names the messages that must come again. One that cannot be read fails by itself, and so gets to the
    /// dead letters.
    pub async fn handle(&self, batch: SqsEvent) -> SqsBatchResponse {
        let mut answer = SqsBatchResponse::default();
        let mut heard = Vec::new();
        for record in batch.records {
            let id = record.message_id.unwrap_or_default();
            match Heard::read(&record.body.unwrap_or_default()) {
                Ok(said) => heard.push((id, said)),
                Err(error) => {
                    tracing::error!(message = %id, error = causes(&error), "message cannot be read");
                    answer.add_failure(id);
                }
            }
        }
        if let Err(error) = self.since(&heard).await {
            tracing::error!(error = causes(&error), "the batch failed");
            heard.into_iter().for_each(|(id, _)| answer.add_failure(id));
            return answer;
        }
        let (mut news, mut operations, mut own, mut ticks) = (vec![], vec![], vec![], vec![]);
        for (id, said) in heard {
            let ids = vec![id];
            match said {
                Heard::News(announcement) => news.push(Message { ids, announcement }),
                Heard::Operation(announcement) => operations.push(Message { ids, announcement }),
                Heard::Own(said) => own.push((ids, said)),
                Heard::Tick(_) => ticks.extend(ids),
            }
        }
        let mut failed = Vec::new();
        // OK because they come first: what they change is then read once, for all the rest.
        for Message { ids, announcement } in Message::join(operations) {
            let done = self.operate(&announcement.stream).await;
            failed.extend(ids_of_failed(done, &announcement.stream, ids));
        }
        failed.extend(self.news(Message::join(news)).await);
        let own = own.into_iter().map(|(ids, said)| async move {
            let done = self.own(&said).await;
            ids_of_failed(done, &said.body(), ids)
        });
        failed.extend(join_all(own).await.into_iter().flatten());
        if !ticks.is_empty() {
            failed.extend(ids_of_failed(self.tick().await, "tick", ticks));
        }
        failed.into_iter().for_each(|id| answer.add_failure(id));
        answer
    }

    async fn news(&self, news: Vec<Message>) -> Vec<String> {
        if news.is_empty() {
            return vec![];
        }
        let generations = match self.table.generations().await {
            Ok(generations) => generations,
            Err(error) => {
                tracing::error!(error = causes(&error), "the generations were not read");
                return news.into_iter().flat_map(|message| message.ids).collect();
            }
        };
        let generations = &generations;
        let done = news.into_iter().map(|message| async move {
            let said = message.announcement;
            let done = self.hear(generations, &said.stream, said.version).await;
            ids_of_failed(done, &said.stream, message.ids)
        });
        join_all(done).await.into_iter().flatten().collect()
    }

    async fn own(&self, said: &Own) -> Result<(), ConsumerError> {
        match said {
            Own::Walk {
                generation,
                chain,
                of,
            } => {
                let until = Instant::now() + self.settings.slice;
                let Some(generation) = self.written(*generation).await? else {
                    return Ok(());
                };
                match self.walk(generation, *chain, *of, until).await? {
                    Left::More => self.send(said).await,
                    Left::Nothing => self.finish(generation, said).await,
                    Left::Overtaken => Ok(()),
                }
            }
            Own::Clear { generation } => {
                let until = Instant::now() + self.settings.slice;
                if self.clear(*generation, until).await? == Left::More {
                    self.send(said).await?;
                }
                Ok(())
            }
            Own::Redrive { streams } => self.redrive(streams).await,
        }
    }

    /// The generation of this number, if it is written.
    async fn written(&self, number: u32) -> Result<Option<Generation>, ConsumerError> {
        let generations = self.table.generations().await?;
        let found = generations.written().find(|one| one.number == number);
        Ok(found)
    }

    pub(crate) async fn send(&self, own: &Own) -> Result<(), ConsumerError> {
        self.send_later(own, Duration::ZERO).await
    }

    pub(crate) async fn send_later(&self, own: &Own, delay: Duration) -> Result<(), ConsumerError> {
        let sent = self.queue.send(&own.body(), delay).await;
        sent.map_err(ConsumerError::Queue)
    }

    /// Begins to walk along a generation.
    pub(crate) async fn send_walkers(&self, generation: Generation) -> Result<(), ConsumerError> {
        let of = self.settings.workers.max(1);
        for chain in 0..of {
            let generation = generation.number;
            self.send(&Own::Walk {
                generation,
                chain,
                of,
            })
            .await?;
        }
        Ok(())
    }

    /// Since when there is this consumer: before the first message that it ever got.
    async fn since(&self, heard: &[(String, Heard)]) -> Result<(), ConsumerError> {
        let first = heard.iter().filter_map(|(_, said)| said.timestamp()).min();
        let now = rfc3339(Utc::now());
        let first = first.map_or(now.as_str(), |first| first.min(&now));
        self.started(first).await.map(drop)
    }

    /// When it was first heard of; `now` if that is now.
    pub(crate) async fn started(&self, now: &str) -> Result<&str, ConsumerError> {
        if let Some(started) = self.started.get() {
            return Ok(started);
        }
        let started = self.table.start(now).await?;
        Ok(self.started.get_or_init(|| started))
    }

    /// So long ago.
    pub(crate) fn ago(&self, time: Duration) -> DateTime<Utc> {
        Utc::now() - TimeDelta::from_std(time).unwrap_or_default()
    }

    /// Brings a stream up to `version` in all generations.
    ///
    /// # Errors
    /// It is not in one of them; in the others it may be.
    pub async fn hear(
        &self,
        generations: &Generations,
        stream: &str,
        version: u64,
    ) -> Result<(), ConsumerError> {
        self.ring(generations, stream, version, crate::Ring::News)
            .await
    }
}

fn ids_of_failed(done: Result<(), ConsumerError>, what: &str, ids: Vec<String>) -> Vec<String> {
    let Err(error) = done else { return vec![] };
    tracing::error!(what, error = causes(&error), "message failed");
    ids
}
