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
    let without = match variable("SEARCH")?.as_str() {
        "off" => vec![domain::search::NAME.to_owned()],
        _ => vec![],
    };
    let deliveries = &Deliveries {
        log: DynamoDbEventLog::new(client.clone(), variable("EVENTS_TABLE")?),
        heads: DynamoDbHeads::new(client.clone(), variable("HEADS_TABLE")?),
        consumers: Consumers::new(client, variable("TABLES_PREFIX")?).without(without),
    };
    let subject_claim = &variable("SUBJECT_CLAIM")?;
    let answer = |request: Request| answer(deliveries, subject_claim, request);
    lambda_http::run(service_fn(answer)).await
}
