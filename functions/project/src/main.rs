//! Keeps one read model: one deployment per read model, named by `READ_MODEL`.

use aws_lambda_events::event::sqs::SqsEvent;
use aws_sdk_dynamodb::Client;
use consumer::{Consumer, SqsQueue};
use edge::{quiet_panics, sdk_config, variable};
use event_store::{DynamoDbEventLog, DynamoDbHeads};
use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};
use project::Projections;
use read_model::ReadModelTable;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    quiet_panics();
    let config = sdk_config()?;
    let client = Client::new(&config);
    let log = DynamoDbEventLog::new(client.clone(), variable("EVENTS_TABLE")?);
    let name = variable("READ_MODEL")?;
    let consume = Projections::of(&name, log.clone());
    let consumer = &Consumer {
        consume: consume.ok_or_else(|| format!("no read model is named {name}"))?,
        log,
        seen: DynamoDbHeads::new(client.clone(), variable("HEADS_TABLE")?),
        table: ReadModelTable::new(client, variable("READ_MODEL_TABLE")?),
        queue: SqsQueue {
            client: aws_sdk_sqs::Client::new(&config),
            url: variable("QUEUE_URL")?,
        },
        settings: consumer::Settings::from_environment()?,
        started: Default::default(),
    };
    let handler = |event: LambdaEvent<SqsEvent>| async move {
        Ok::<_, Error>(consumer.handle(event.payload).await)
    };
    lambda_runtime::run(service_fn(handler)).await
}
