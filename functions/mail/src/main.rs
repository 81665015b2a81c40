//! Sends one kind of mail: one deployment per mailing, named by `MAIL`.

mod deliver;
mod dynamodb;
mod ses;

use aws_lambda_events::event::sqs::SqsEvent;
use aws_sdk_sesv2::config::{Builder, retry::RetryConfig};
use deliver::Delivery;
use domain::Mailing;
use domain::registry::{self, MailingVisitor};
use edge::{Announcement, each, sdk_config, variable};
use event_store::DynamoDbEventLog;
use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};
use std::pin::Pin;

type Served = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

struct Serve(Delivery<DynamoDbEventLog, dynamodb::DynamoDbOutbox, ses::SesMailer>);

impl MailingVisitor for Serve {
    type Output = Served;

    fn visit<M: Mailing>(self) -> Served {
        Box::pin(async move {
            let delivery = &self.0;
            let handler = |event: LambdaEvent<SqsEvent>| async move {
                let work = async |said: Announcement| delivery.deliver::<M>(&said).await;
                Ok::<_, Error>(each(event.payload, std::convert::identity, work).await)
            };
            lambda_runtime::run(service_fn(handler)).await
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let aws = sdk_config()?;
    // OK because whether to send again is decided here, and a repeated request would be a second mail.
    let ses = Builder::from(&aws)
        .retry_config(RetryConfig::disabled())
        .build();
    let client = aws_sdk_dynamodb::Client::new(&aws);
    let delivery = Delivery {
        log: DynamoDbEventLog::new(client.clone(), variable("EVENTS_TABLE")?),
        outbox: dynamodb::DynamoDbOutbox {
            client,
            table: variable("MAILS_TABLE")?,
        },
        mailer: ses::SesMailer {
            client: aws_sdk_sesv2::Client::from_conf(ses),
            from: variable("MAIL_FROM")?,
        },
    };
    let name = variable("MAIL")?;
    registry::mailing(&name, Serve(delivery))
        .ok_or_else(|| format!("no mailing is named {name}"))?
        .await
}
