//! Puts what the stream of the events table brings on the bus.

mod pack;
mod publish;

use aws_lambda_events::event::dynamodb::Event;
use aws_sdk_eventbridge::Client;
use edge::{sdk_config, variable};
use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let bus = publish::EventBridgeBus {
        client: Client::new(&sdk_config()?),
        name: variable("EVENT_BUS")?,
    };
    let handler = |event: LambdaEvent<Event>| async {
        Ok::<_, Error>(publish::publish(&bus, event.payload).await)
    };
    lambda_runtime::run(service_fn(handler)).await
}
