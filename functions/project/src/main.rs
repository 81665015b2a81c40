//! Keeps one read model: one deployment per read model, named by `READ_MODEL`.

use aws_lambda_events::event::sqs::SqsEvent;
use aws_sdk_dynamodb::Client;
use domain::ReadModel;
use domain::registry::{self, ReadModelVisitor};
use edge::{Message, each, sdk_config, variable};
use event_store::DynamoDbEventLog;
use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};
use read_model::{DynamoDbDocuments, project};
use std::pin::Pin;

type Served = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

struct Serve {
    log: DynamoDbEventLog,
    documents: DynamoDbDocuments,
}

impl ReadModelVisitor for Serve {
    type Output = Served;

    fn visit<R: ReadModel>(self) -> Served {
        Box::pin(async move {
            let (log, documents) = (&self.log, &self.documents);
            let handler = |event: LambdaEvent<SqsEvent>| async move {
                let work = async |said: edge::Announcement| {
                    project::<R>(log, documents, &said.stream, said.version).await
                };
                Ok::<_, Error>(each(event.payload, Message::join, work).await)
            };
            lambda_runtime::run(service_fn(handler)).await
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let client = Client::new(&sdk_config()?);
    let log = DynamoDbEventLog::new(client.clone(), variable("EVENTS_TABLE")?);
    let documents = DynamoDbDocuments::new(client, variable("READ_MODEL_TABLE")?);
    let name = variable("READ_MODEL")?;
    registry::read_model(&name, Serve { log, documents })
        .ok_or_else(|| format!("no read model is named {name}"))?
        .await
}
