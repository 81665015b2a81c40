//! Queries of one aggregate and its read model.

use crate::answer;
use aws_sdk_dynamodb::Client;
use domain::Aggregate;
use domain::registry::{self, AggregateVisitor};
use edge::variable;
use event_store::{DynamoDbEventLog, DynamoDbHeads};
use lambda_http::{Body, Error, Request, Response, service_fn};
use read_model::ReadModelTable;
use std::convert::Infallible;
use std::pin::Pin;

type Served = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

/// What they are answered from.
pub struct OfAggregate {
    log: DynamoDbEventLog,
    read_model: ReadModelTable,
    /// Where parts of texts are looked up, where this deployment has search.
    search: Option<ReadModelTable>,
    heads: DynamoDbHeads,
    subject_claim: String,
}

impl OfAggregate {
    /// What the environment says.
    ///
    /// # Errors
    /// It says too little.
    pub fn new(client: Client) -> Result<Self, Error> {
        let search = match variable("SEARCH").as_deref() {
            Ok("on") => Some(variable("SEARCH_TABLE")?),
            _ => None,
        };
        Ok(Self {
            log: DynamoDbEventLog::new(client.clone(), variable("EVENTS_TABLE")?),
            read_model: ReadModelTable::new(client.clone(), variable("READ_MODEL_TABLE")?),
            search: search.map(|table| ReadModelTable::new(client.clone(), table)),
            heads: DynamoDbHeads::new(client, variable("HEADS_TABLE")?),
            subject_claim: variable("SUBJECT_CLAIM")?,
        })
    }

    /// Answers one request after the other about the aggregate of this name.
    ///
    /// # Errors
    /// There is none, or Lambda cannot be asked for requests.
    pub async fn run(self, name: &str) -> Result<(), Error> {
        registry::aggregate(name, self)
            .ok_or_else(|| format!("no aggregate is named {name}"))?
            .await
    }

    async fn answer<A: Aggregate>(&self, request: Request) -> Result<Response<Body>, Infallible> {
        // OK because the generation that is shown is asked for now and then, and is known else.
        let search = async {
            match &self.search {
                Some(table) => table.live().await.map(Some),
                None => Ok(None),
            }
        };
        let (documents, search) = match tokio::try_join!(self.read_model.live(), search) {
            Ok(live) => live,
            Err(error) => return Ok(answer::unanswered(&request, error)),
        };
        let queries = answer::Queries {
            log: self.log.clone(),
            documents,
            search,
            heads: self.heads.clone(),
            subject_claim: self.subject_claim.clone(),
        };
        answer::answer::<A>(&queries, request).await
    }
}

impl AggregateVisitor for OfAggregate {
    type Output = Served;

    fn visit<A: Aggregate>(self) -> Served {
        Box::pin(async move {
            let serve = &self;
            lambda_http::run(service_fn(|request| serve.answer::<A>(request))).await
        })
    }
}
