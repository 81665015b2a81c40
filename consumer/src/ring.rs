//! One stream, in all generations.

use crate::{Consume, Consumer, ConsumerError, Queue, Ring};
use event_store::{EventLog, SeenStreams, stream_category};
use futures_util::future::join_all;
use read_model::{Generation, Generations};

impl<C: Consume, L: EventLog, S: SeenStreams, Q: Queue> Consumer<C, L, S, Q> {
    pub(crate) async fn ring(
        &self,
        generations: &Generations,
        stream: &str,
        version: u64,
        ring: Ring,
    ) -> Result<(), ConsumerError> {
        if !self.consume.reads(stream_category(stream)) {
            return Err(ConsumerError::Foreign {
                consumer: self.consume.name().to_owned(),
                stream: stream.to_owned(),
            });
        }
        let each = generations
            .written()
            .map(|generation| self.ring_in(generation, stream, version, ring));
        // OK because what fails in one generation is done in the others all the same.
        join_all(each).await.into_iter().collect()
    }

    pub(crate) async fn ring_in(
        &self,
        generation: Generation,
        stream: &str,
        version: u64,
        ring: Ring,
    ) -> Result<(), ConsumerError> {
        let documents = self.table.documents(generation);
        let done = self.consume.consume(&documents, stream, version, ring);
        let Err(error) = done.await else {
            return Ok(());
        };
        let error = ConsumerError::Consume(error);
        let why = error.in_brief();
        self.consume.note(&documents, stream, version, &why).await;
        Err(error)
    }

    /// Turns to a stream up to its last event.
    pub(crate) async fn ring_to_the_end(
        &self,
        generations: &Generations,
        stream: &str,
        ring: Ring,
    ) -> Result<(), ConsumerError> {
        let newest = self.log.newest(stream, 1..=u64::MAX, 1).await?;
        match newest.first() {
            Some(commit) => {
                // OK because a commit that cannot be read parks the stream, wherever it would have ended.
                let version = commit.last_version().unwrap_or(commit.version);
                self.ring(generations, stream, version, ring).await
            }
            None => {
                tracing::warn!(stream, "there is no such stream");
                Ok(())
            }
        }
    }

    /// Tries parked streams again.
    pub(crate) async fn redrive(&self, streams: &[String]) -> Result<(), ConsumerError> {
        let generations = &self.table.generations().await?;
        let each = streams
            .iter()
            .map(|stream| self.ring_to_the_end(generations, stream, Ring::Redrive));
        join_all(each).await.into_iter().collect()
    }
}
