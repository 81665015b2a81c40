//! Answers queries over HTTP: one deployment per aggregate, named by `AGGREGATE`, and one for the statistics and one for the timeline, each
//! named by `READ_MODEL`.

mod answer;
mod diff;
mod events;
mod history;
mod list;
mod moment;
mod one;
mod state;
mod stats;
mod what_if;

use aws_sdk_dynamodb::Client;
use domain::Aggregate;
use domain::registry::{self, AggregateVisitor};
use edge::{sdk_config, variable};
use event_store::{DynamoDbEventLog, DynamoDbHeads, stream_category};
use lambda_http::{Body, Error, Request, Response, service_fn, tracing};
use read_model::ReadModelTable;
use std::convert::Infallible;
use std::pin::Pin;

type Served = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

struct Serve {
    log: DynamoDbEventLog,
    read_model: ReadModelTable,
    /// Where parts of texts are looked up, where this deployment has search.
    search: Option<ReadModelTable>,
    heads: DynamoDbHeads,
    subject_claim: String,
}

impl Serve {
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

impl AggregateVisitor for Serve {
    type Output = Served;

    fn visit<A: Aggregate>(self) -> Served {
        Box::pin(async move {
            let serve = &self;
            lambda_http::run(service_fn(|request| serve.answer::<A>(request))).await
        })
    }
}

/// A read model that is no aggregate's own.
struct OverAll {
    read_model: ReadModelTable,
    /// The categories whose streams it reads.
    categories: Vec<&'static str>,
    /// What the timeline reads what it lists from.
    timeline_of: Option<DynamoDbEventLog>,
    heads: DynamoDbHeads,
    subject_claim: String,
}

impl OverAll {
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

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let client = Client::new(&sdk_config()?);
    let read_model = ReadModelTable::new(client.clone(), variable("READ_MODEL_TABLE")?);
    let log = || variable("EVENTS_TABLE").map(|table| DynamoDbEventLog::new(client.clone(), table));
    let heads = DynamoDbHeads::new(client.clone(), variable("HEADS_TABLE")?);
    let subject_claim = variable("SUBJECT_CLAIM")?;
    if let Ok(name) = variable("READ_MODEL") {
        let timeline_of = match name.as_str() {
            domain::timeline::NAME => Some(log()?),
            domain::statistics::NAME => None,
            name => return Err(format!("nothing is asked of the read model {name} alone").into()),
        };
        let over_all = &OverAll {
            read_model,
            categories: registry::consumers()
                .remove(name.as_str())
                .unwrap_or_default(),
            timeline_of,
            heads,
            subject_claim,
        };
        return lambda_http::run(service_fn(|request| over_all.answer(request))).await;
    }
    let search = match variable("SEARCH").as_deref() {
        Ok("on") => Some(variable("SEARCH_TABLE")?),
        _ => None,
    };
    let serve = Serve {
        log: log()?,
        read_model,
        search: search.map(|table| ReadModelTable::new(client.clone(), table)),
        heads,
        subject_claim,
    };
    let name = variable("AGGREGATE")?;
    registry::aggregate(&name, serve)
        .ok_or_else(|| format!("no aggregate is named {name}"))?
        .await
}
