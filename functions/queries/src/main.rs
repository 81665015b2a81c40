//! Answers queries over HTTP: one deployment per aggregate, named by `AGGREGATE`, and one for the statistics and one for the timeline, each
//! named by `READ_MODEL`.

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
use event_store::DynamoDbEventLog;
use lambda_http::{Error, Request, service_fn, tracing};
use read_model::DynamoDbDocuments;
use std::pin::Pin;

type Served = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

struct Serve(answer::Queries<DynamoDbEventLog, DynamoDbDocuments>);

impl AggregateVisitor for Serve {
    type Output = Served;

    fn visit<A: Aggregate>(self) -> Served {
        Box::pin(async move {
            let queries = &self.0;
            lambda_http::run(service_fn(|request: Request| {
                answer::answer::<A>(queries, request)
            }))
            .await
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let client = Client::new(&sdk_config()?);
    let documents = DynamoDbDocuments::new(client.clone(), variable("READ_MODEL_TABLE")?);
    let subject_claim = variable("SUBJECT_CLAIM")?;
    if variable("READ_MODEL").is_ok_and(|name| name == domain::statistics::NAME) {
        let (documents, subject_claim) = (&documents, &subject_claim);
        return lambda_http::run(service_fn(|request: Request| {
            answer::answer_statistics(documents, subject_claim, request)
        }))
        .await;
    }
    let log = DynamoDbEventLog::new(client.clone(), variable("EVENTS_TABLE")?);
    if variable("READ_MODEL").is_ok_and(|name| name == domain::timeline::NAME) {
        let (log, documents, subject_claim) = (&log, &documents, &subject_claim);
        return lambda_http::run(service_fn(|request: Request| {
            events::answer(log, documents, subject_claim, request)
        }))
        .await;
    }
    let search = match variable("SEARCH").as_deref() {
        Ok("on") => Some(DynamoDbDocuments::new(client, variable("SEARCH_TABLE")?)),
        _ => None,
    };
    let queries = answer::Queries {
        log,
        documents,
        search,
        subject_claim,
    };
    let name = variable("AGGREGATE")?;
    registry::aggregate(&name, Serve(queries))
        .ok_or_else(|| format!("no aggregate is named {name}"))?
        .await
}
