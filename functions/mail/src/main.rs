//! Sends one kind of mail: one deployment per mailing, named by `MAIL`.

mod deliver;
mod dynamodb;
mod mails;
mod ses;

use aws_lambda_events::event::sqs::SqsEvent;
use aws_sdk_sesv2::config::{Builder, retry::RetryConfig};
use aws_types::SdkConfig;
use consumer::{Consumer, Settings, SqsQueue};
use deliver::Delivery;
use domain::Mailing;
use domain::registry::{self, MailingVisitor};
use edge::{quiet_panics, sdk_config, variable};
use event_store::{DynamoDbEventLog, DynamoDbHeads};
use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};
use mails::Mails;
use read_model::ReadModelTable;
use std::marker::PhantomData;
use std::pin::Pin;

type Served = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

struct Serve(SdkConfig);

impl MailingVisitor for Serve {
    type Output = Served;

    fn visit<M: Mailing>(self) -> Served {
        Box::pin(serve::<M>(self.0))
    }
}

async fn serve<M: Mailing>(aws: SdkConfig) -> Result<(), Error> {
    // OK because whether to send again is decided here, and a repeated request would be a second mail.
    let ses = Builder::from(&aws)
        .retry_config(RetryConfig::disabled())
        .build();
    let client = aws_sdk_dynamodb::Client::new(&aws);
    let log = DynamoDbEventLog::new(client.clone(), variable("EVENTS_TABLE")?);
    let table = ReadModelTable::new(client.clone(), variable("CONSUMER_TABLE")?);
    let consumer = &Consumer {
        consume: Mails::<M, _, _, _> {
            log: log.clone(),
            delivery: Delivery {
                outbox: dynamodb::DynamoDbOutbox {
                    client: client.clone(),
                    table: variable("CONSUMER_TABLE")?,
                },
                mailer: ses::SesMailer {
                    client: aws_sdk_sesv2::Client::from_conf(ses),
                    from: variable("MAIL_FROM")?,
                },
            },
            table: table.clone(),
            mailing: PhantomData,
        },
        log,
        seen: DynamoDbHeads::new(client, variable("HEADS_TABLE")?),
        table,
        queue: SqsQueue {
            client: aws_sdk_sqs::Client::new(&aws),
            url: variable("QUEUE_URL")?,
        },
        settings: Settings::from_environment()?,
        started: Default::default(),
    };
    let handler = |event: LambdaEvent<SqsEvent>| async move {
        Ok::<_, Error>(consumer.handle(event.payload).await)
    };
    lambda_runtime::run(service_fn(handler)).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    quiet_panics();
    let name = variable("MAIL")?;
    registry::mailing(&name, Serve(sdk_config()?))
        .ok_or_else(|| format!("no mailing is named {name}"))?
        .await
}
