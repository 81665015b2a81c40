//! Queries of a read model that is no aggregate's own: the statistics, or the timeline.

use crate::{answer, events};
use aws_sdk_dynamodb::Client;
use domain::{registry, statistics, timeline};
use edge::variable;
use event_store::{DynamoDbEventLog, DynamoDbHeads, stream_category};
use lambda_http::{Body, Error, Request, Response, service_fn};
use read_model::ReadModelTable;
use std::convert::Infallible;

/// What they are answered from.
pub struct OverAll {
    read_model: ReadModelTable,
    /// The categories whose streams it reads.
    categories: Vec<&'static str>,
    /// What the timeline reads what it lists from.
    timeline_of: Option<DynamoDbEventLog>,
    heads: DynamoDbHeads,
    subject_claim: String,
}

impl OverAll {
    /// The read model of this name, where the environment says.
    ///
    /// # Errors
    /// It says too little, or nothing is asked of this read model.
    pub fn named(name: &str, client: Client) -> Result<Self, Error> {
        let timeline_of = match name {
            timeline::NAME => {
                let table = variable("EVENTS_TABLE")?;
                Some(DynamoDbEventLog::new(client.clone(), table))
            }
            statistics::NAME => None,
            name => return Err(format!("nothing is asked of the read model {name} alone").into()),
        };
        Ok(Self {
            read_model: ReadModelTable::new(client.clone(), variable("READ_MODEL_TABLE")?),
            categories: registry::consumers().remove(name).unwrap_or_default(),
            timeline_of,
            heads: DynamoDbHeads::new(client, variable("HEADS_TABLE")?),
            subject_claim: variable("SUBJECT_CLAIM")?,
        })
    }

    /// Answers one request after the other.
    ///
    /// # Errors
    /// Lambda cannot be asked for them.
    pub async fn run(&self) -> Result<(), Error> {
        lambda_http::run(service_fn(|request| self.answer(request))).await
    }

    async fn answer(&self, request: Request) -> Result<Response<Body>, Infallible> {
        let live = match self.read_model.live().await {
            Ok(live) => live,
            Err(error) => return Ok(answer::unanswered(&request, error)),
        };
        let reads = |stream: &str| self.categories.contains(&stream_category(stream));
        let behind = self.read_model.behind(&live, &self.heads, reads);
        let claim = &self.subject_claim;
        match &self.timeline_of {
            Some(log) => events::answer(log, &live, behind, claim, request).await,
            None => answer::answer_statistics(&live, behind, claim, request).await,
        }
    }
}
