//! Answers queries over HTTP: one deployment per aggregate, named by `AGGREGATE`, and one for the statistics and one for the
//! timeline, each named by `READ_MODEL`.

mod answer;
mod events;
mod history;
mod list;
mod one;
mod state;
mod stats;

use aws_sdk_dynamodb::Client;
use domain::Aggregate;
use domain::registry::{self, AggregateVisitor};
use edge::{sdk_config, variable};
use event_store::{DynamoDbEventLog, DynamoDbHeads};
use lambda_http::{Body, Error, Request, Response, service_fn, tracing};
use read_model::ReadModelTable;
use std::convert::Infallible;
use std::pin::Pin;

type Served = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

struct Serve {
    log: DynamoDbEventLog,
    read_model: ReadModelTable,
    search: Option<ReadModelTable>,
    heads: DynamoDbHeads,
    subject_claim: String,
}

impl Serve {
    async fn answer<A: Aggregate>(&self, request: Request) -> Result<Response<Body>, Infallible> {
        // OK because the generation that is shown is asked for now and then, and is known else.
        let live = async {
            let search = match &self.search {
                Some(table) => Some(table.live().await?),
                None => None,
            };
            Ok((self.read_model.live().await?, search))
        };
        let (documents, search) = match live.await {
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

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let client = Client::new(&sdk_config()?);
    let read_model = ReadModelTable::new(client.clone(), variable("READ_MODEL_TABLE")?);
    let subject_claim = variable("SUBJECT_CLAIM")?;
    if variable("READ_MODEL").is_ok_and(|name| name == domain::statistics::NAME) {
        let (read_model, subject_claim) = (&read_model, &subject_claim);
        return lambda_http::run(service_fn(|request: Request| async move {
            match read_model.live().await {
                Ok(live) => answer::answer_statistics(&live, subject_claim, request).await,
                Err(error) => Ok(answer::unanswered(&request, error)),
            }
        }))
        .await;
    }
    let log = DynamoDbEventLog::new(client.clone(), variable("EVENTS_TABLE")?);
    if variable("READ_MODEL").is_ok_and(|name| name == domain::timeline::NAME) {
        let (log, read_model, subject_claim) = (&log, &read_model, &subject_claim);
        return lambda_http::run(service_fn(|request: Request| async move {
            match read_model.live().await {
                Ok(live) => events::answer(log, &live, subject_claim, request).await,
                Err(error) => Ok(answer::unanswered(&request, error)),
            }
        }))
        .await;
    }
    let search = match variable("SEARCH").as_deref() {
        Ok("on") => Some(ReadModelTable::new(
            client.clone(),
            variable("SEARCH_TABLE")?,
        )),
        _ => None,
    };
    let serve = Serve {
        log,
        read_model,
        search,
        heads: DynamoDbHeads::new(client, variable("HEADS_TABLE")?),
        subject_claim,
    };
    let name = variable("AGGREGATE")?;
    registry::aggregate(&name, serve)
        .ok_or_else(|| format!("no aggregate is named {name}"))?
        .await
}
