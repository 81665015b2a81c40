//! Takes the commands of one aggregate over HTTP: one deployment per aggregate, named by `AGGREGATE`.

mod accept;
mod call;
mod refuse;
#[cfg(test)]
mod tests;

use aws_sdk_dynamodb::{Client, config};
use domain::Aggregate;
use domain::registry::{self, AggregateVisitor};
use edge::{sdk_config, variable};
use event_store::{Cache, ClaimsKey, DynamoDbEventLog, ServiceClock};
use lambda_http::{Error, Request, service_fn, tracing};
use std::pin::Pin;

/// What the streams seen last may take: a quarter of the function's memory, in bytes.
const CACHE_BYTES: usize = 64 * 1024 * 1024;

type Served = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

struct Serve(accept::Commands<DynamoDbEventLog, ServiceClock>);

impl AggregateVisitor for Serve {
    type Output = Served;

    fn visit<A: Aggregate>(self) -> Served {
        Box::pin(async move {
            let (commands, cache) = (&self.0, &Cache::new(CACHE_BYTES));
            lambda_http::run(service_fn(|request: Request| {
                accept::answer::<A>(commands, cache, request)
            }))
            .await
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let clock = ServiceClock::default();
    let client = Client::from_conf(
        config::Builder::from(&sdk_config()?)
            .interceptor(clock.clone())
            .build(),
    );
    let log = DynamoDbEventLog::new(client, variable("EVENTS_TABLE")?).with_claims(
        variable("CLAIMS_TABLE")?,
        ClaimsKey::new(variable("CLAIMS_KEY")?),
    );
    let commands = accept::Commands {
        log,
        clock,
        subject_claim: variable("SUBJECT_CLAIM")?,
    };
    let name = variable("AGGREGATE")?;
    registry::aggregate(&name, Serve(commands))
        .ok_or_else(|| format!("no aggregate is named {name}"))?
        .await
}
