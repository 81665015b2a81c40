//! Answers which events were not processed yet, and why, and how far rebuilds are.

use aws_sdk_dynamodb::Client;
use deliveries::{Consumers, Deliveries, answer};
use edge::{sdk_config, variable};
use event_store::{DynamoDbEventLog, DynamoDbHeads};
use lambda_http::{Error, Request, service_fn, tracing};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let client = Client::new(&sdk_config()?);
    let (log, heads) = (variable("EVENTS_TABLE")?, variable("HEADS_TABLE")?);
    let consumers = Consumers::new(client.clone(), variable("TABLES_PREFIX")?);
    let deliveries = &Deliveries {
        log: DynamoDbEventLog::new(client.clone(), log),
        heads: DynamoDbHeads::new(client, heads),
        consumers: match variable("SEARCH").as_deref() {
            Ok("off") => consumers.without(domain::search::NAME),
            _ => consumers,
        },
    };
    let subject_claim = &variable("SUBJECT_CLAIM")?;
    let answer = |request: Request| answer(deliveries, subject_claim, request);
    lambda_http::run(service_fn(answer)).await
}
