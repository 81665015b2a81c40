//! Keeps one read model: one deployment per read model, named by `READ_MODEL`.

use aws_lambda_events::event::sqs::SqsEvent;
use aws_sdk_dynamodb::Client;
use domain::ReadModel;
use domain::registry::{self, ReadModelVisitor};
use edge::{Announcement, Message, each, sdk_config, variable};
use event_store::{DynamoDbEventLog, stream_category};
use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};
use read_model::{DynamoDbDocuments, ReadModelError, project};
use std::pin::Pin;

/// One announcement, to be heard by the projection of its stream's category.
struct Heard<'a> {
    log: &'a DynamoDbEventLog,
    documents: &'a DynamoDbDocuments,
    said: Announcement,
}

impl<'a> ReadModelVisitor for Heard<'a> {
    type Output = Pin<Box<dyn Future<Output = Result<(), ReadModelError>> + 'a>>;

    fn visit<R: ReadModel>(self) -> Self::Output {
        Box::pin(async move {
            let Announcement {
                stream, version, ..
            } = &self.said;
            project::<R>(self.log, self.documents, stream, *version).await
        })
    }
}

/// Why a message fails.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The rule lets through what the read model does not read.
    #[error("{read_model} reads nothing of {stream}")]
    Unread { read_model: String, stream: String },
    #[error(transparent)]
    Failed(#[from] ReadModelError),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let client = Client::new(&sdk_config()?);
    let log = &DynamoDbEventLog::new(client.clone(), variable("EVENTS_TABLE")?);
    let documents = &DynamoDbDocuments::new(client, variable("READ_MODEL_TABLE")?);
    let name = &variable("READ_MODEL")?;
    if registry::PROJECTIONS.iter().all(|(kept, _)| kept != name) {
        return Err(format!("no read model is named {name}").into());
    }
    let work = async |said: Announcement| {
        let stream = said.stream.clone();
        let heard = Heard {
            log,
            documents,
            said,
        };
        match registry::projection(name, stream_category(&stream), heard) {
            Some(projected) => Ok(projected.await?),
            None => Err(Failure::Unread {
                read_model: name.clone(),
                stream,
            }),
        }
    };
    let work = &work;
    let handler = |event: LambdaEvent<SqsEvent>| async move {
        Ok::<_, Error>(each(event.payload, Message::join, work).await)
    };
    lambda_runtime::run(service_fn(handler)).await
}
