//! What those who look after the service ask for, as their streams say, and what time brings with it.

use crate::turn::{Now, turned};
use crate::walk::is_built;
use crate::{Consume, Consumer, ConsumerError, Left, Own, Queue, Ring};
use chrono::{TimeDelta, Utc};
use domain::Operation;
use domain::operation::{Consumer as Name, State, StreamName};
use event_store::{EventLog, SeenStreams, Stream, rfc3339};
use read_model::{Cleared, Generation, Generations, PARKED, ReadModelError};
use std::collections::BTreeSet;
use std::time::Instant;

/// How many parked streams one message tries again.
const REDRIVEN: usize = 50;
/// How often the generations are read again after another worker changed them.
const ATTEMPTS: usize = 5;

impl<C: Consume, L: EventLog, S: SeenStreams, Q: Queue> Consumer<C, L, S, Q> {
    /// Does what an `ops-` stream asks of this consumer; of another one, nothing. Twice does no harm.
    ///
    /// # Errors
    /// It must be heard of again.
    pub async fn operate(&self, name: &str) -> Result<(), ConsumerError> {
        let operation = Stream::<Operation>::load(&self.log, name).await?;
        let asked = operation.state.consumer().map(Name::as_str);
        if asked != Some(self.consume.name()) {
            return Ok(());
        }
        // OK because what was asked for before there was this table is done in it: all of it was made since.
        if rfc3339(operation.timestamp).as_str() < self.started(&rfc3339(Utc::now())).await? {
            return Ok(());
        }
        match &operation.state {
            State::Redriven { stream, .. } => self.redrive_parked(stream.as_ref()).await,
            // OK because a mail that was sent cannot be made anew.
            _ if !self.consume.is_pure() => Ok(()),
            State::Remade { stream, .. } => {
                let generations = self.table.generations().await?;
                self.ring_to_the_end(&generations, stream.as_str(), Ring::Anew)
                    .await
            }
            rebuild => self.turn(name, rebuild).await,
        }
    }

    /// Lets time pass: takes up what is due, and walks along every generation for a moment. What is left then is handed to the
    /// pool of workers.
    ///
    /// # Errors
    /// The next tick may do better.
    pub async fn tick(&self) -> Result<(), ConsumerError> {
        let until = Instant::now() + self.settings.tick;
        self.started(&rfc3339(Utc::now())).await?;
        let generations = self.table.generations().await?;
        // OK because what fails is told at the end, and holds up nothing else: a rebuild may be what mends it.
        let mut done = Vec::new();
        for generation in generations.written() {
            done.push(self.walk_or_send(&generations, generation, until).await);
        }
        if let Some(building) = &generations.building {
            done.push(self.operate(&building.rebuild).await);
        }
        let now = rfc3339(Utc::now());
        for gone in generations.gone.iter().filter(|gone| gone.since <= now) {
            done.push(self.clear_or_send(gone.generation, until).await);
        }
        done.into_iter().collect()
    }

    /// Deletes items of a generation that is gone, unless a chain of messages does.
    async fn clear_or_send(
        &self,
        generation: Generation,
        until: Instant,
    ) -> Result<(), ConsumerError> {
        let fresh = rfc3339(self.ago(self.settings.stalled));
        let noted = self.table.cleared_at(generation).await?;
        if noted.is_some_and(|noted| noted > fresh) {
            return Ok(());
        }
        let generation = generation.number;
        match self.clear(generation, until).await? {
            Left::More => self.send(&Own::Clear { generation }).await,
            Left::Nothing | Left::Overtaken => Ok(()),
        }
    }

    /// Deletes items of a generation that is gone, until none is left or the time is up.
    ///
    /// # Errors
    /// The store failed.
    pub async fn clear(&self, number: u32, until: Instant) -> Result<Left, ConsumerError> {
        let generations = self.table.generations().await?;
        let is_it = |gone: &&read_model::Gone| gone.generation.number == number;
        let Some(gone) = generations.gone.iter().find(is_it) else {
            return Ok(Left::Nothing);
        };
        if self.table.clear(gone.generation, until).await? == Cleared::Some {
            return Ok(Left::More);
        }
        self.change(|mut generations| {
            generations
                .gone
                .retain(|gone| gone.generation.number != number);
            generations
        })
        .await?;
        Ok(Left::Nothing)
    }

    async fn turn(&self, name: &str, rebuild: &State) -> Result<(), ConsumerError> {
        let before = self.table.generations().await?;
        let built = match &before.building {
            Some(building) => {
                let checkpoints = self.table.checkpoints(building.generation).await?;
                is_built(building, &checkpoints).then_some(building.generation.number)
            }
            None => None,
        };
        let batch = TimeDelta::from_std(self.settings.batch).unwrap_or_default();
        let known_from = rfc3339(Utc::now() + batch);
        let (before, after) = self
            .change(|generations| {
                let building = generations.building.as_ref();
                let building = building.map(|building| building.generation.number);
                let now = Now {
                    known_from: known_from.clone(),
                    // OK because what was built stays so: its checkpoints never go back.
                    is_built: building.is_some() && building == built,
                    shards: self.settings.shards,
                };
                turned(&generations, name, rebuild, &now)
            })
            .await?;
        if before.live != after.live {
            let (live, was) = (after.live.number, before.live.number);
            tracing::info!(name, live, was, "another generation is shown");
        }
        match &after.building {
            Some(building) if before.building.as_ref() != Some(building) => {
                self.send_walkers(building.generation).await
            }
            _ => Ok(()),
        }
    }

    /// Writes what `to` makes of the generations, if that is anything else; answers both.
    async fn change(
        &self,
        to: impl Fn(Generations) -> Generations,
    ) -> Result<(Generations, Generations), ConsumerError> {
        for _ in 0..ATTEMPTS {
            let before = self.table.generations().await?;
            let after = to(before.clone());
            if after == before {
                return Ok((before, after));
            }
            match self.table.put(after, &before).await {
                Ok(after) => return Ok((before, after)),
                Err(ReadModelError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ReadModelError::Conflict.into())
    }

    async fn redrive_parked(&self, stream: Option<&StreamName>) -> Result<(), ConsumerError> {
        if let Some(stream) = stream {
            return self.redrive(&[stream.as_str().to_owned()]).await;
        }
        let mut streams = BTreeSet::new();
        for generation in self.table.generations().await?.written() {
            let ids = self.table.ids(generation, PARKED).await?;
            streams.extend(ids.iter().map(|id| self.consume.stream(id)));
        }
        let streams: Vec<_> = streams.into_iter().collect();
        for streams in streams.chunks(REDRIVEN) {
            let streams = streams.to_vec();
            self.send(&Own::Redrive { streams }).await?;
        }
        Ok(())
    }
}
