//! Puts what the stream of the events table brings on the bus, and keeps how far each stream was seen to reach.

use aws_lambda_events::event::dynamodb::Event;
use edge::{sdk_config, variable};
use event_store::{DynamoDbEventLog, DynamoDbHeads};
use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};
use publish::{EventBridgeBus, publish};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let config = sdk_config()?;
    let dynamodb = aws_sdk_dynamodb::Client::new(&config);
    let bus = EventBridgeBus {
        client: aws_sdk_eventbridge::Client::new(&config),
        name: variable("EVENT_BUS")?,
    };
    let heads = DynamoDbHeads::new(dynamodb.clone(), variable("HEADS_TABLE")?);
    let log = DynamoDbEventLog::new(dynamodb, variable("EVENTS_TABLE")?);
    let handler = |event: LambdaEvent<Event>| async {
        Ok::<_, Error>(publish(&bus, &heads, &log, event.payload).await)
    };
    lambda_runtime::run(service_fn(handler)).await
}
