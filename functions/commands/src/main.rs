//! One deployment per aggregate, named by `AGGREGATE`.

use aws_sdk_dynamodb::{Client, config};
use commands::{Commands, answer, transfers};
use decider::Decider;
use domain::registry::{self, AggregateVisitor};
use domain::{Aggregate, Transfer};
use edge::{sdk_config, variable};
use event_store::{Cache, ClaimsKey, DynamoDbEventLog, ServiceClock};
use lambda_http::{Error, Request, service_fn, tracing};
use std::pin::Pin;

/// What the streams seen last may take: a quarter of the function's memory, in bytes.
const CACHE_BYTES: usize = 64 * 1024 * 1024;

type Served = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

struct Serve(Commands<DynamoDbEventLog, ServiceClock>);

impl AggregateVisitor for Serve {
    type Output = Served;

    fn visit<A: Aggregate>(self) -> Served {
        Box::pin(async move {
            let (commands, cache) = (&self.0, &Cache::new(CACHE_BYTES));
            let answer = |request: Request| answer::<A>(commands, cache, request);
            lambda_http::run(service_fn(answer)).await
        })
    }
}

async fn serve_transfers(commands: Commands<DynamoDbEventLog, ServiceClock>) -> Result<(), Error> {
    let (commands, accounts) = (&commands, &Cache::new(CACHE_BYTES));
    let answer = |request: Request| transfers::answer(commands, accounts, request);
    lambda_http::run(service_fn(answer)).await
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
    let commands = Commands {
        log,
        clock,
        subject_claim: variable("SUBJECT_CLAIM")?,
    };
    let name = variable("AGGREGATE")?;
    if name == Transfer::CATEGORY {
        return serve_transfers(commands).await;
    }
    registry::aggregate(&name, Serve(commands))
        .ok_or_else(|| format!("no aggregate is named {name}"))?
        .await
}
