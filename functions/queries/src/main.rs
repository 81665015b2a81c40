//! Answers queries over HTTP: one deployment per aggregate, named by `AGGREGATE`, and one for the statistics, named by `READ_MODEL`.

mod answer;
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
    heads: DynamoDbHeads,
    subject_claim: String,
}

impl Serve {
    async fn answer<A: Aggregate>(&self, request: Request) -> Result<Response<Body>, Infallible> {
        // OK because the generation that is shown is asked for now and then, and is known else.
        let documents = match self.read_model.live().await {
            Ok(documents) => documents,
            Err(error) => return Ok(answer::unanswered(&request, error)),
        };
        let queries = answer::Queries {
            log: self.log.clone(),
            documents,
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
    let serve = Serve {
        log: DynamoDbEventLog::new(client.clone(), variable("EVENTS_TABLE")?),
        read_model,
        heads: DynamoDbHeads::new(client, variable("HEADS_TABLE")?),
        subject_claim,
    };
    let name = variable("AGGREGATE")?;
    registry::aggregate(&name, serve)
        .ok_or_else(|| format!("no aggregate is named {name}"))?
        .await
}
