//! Writes a month as if it had passed: the very commands, decided as ever, by a clock that stands at each of its moments.

use crate::Stack;
use crate::demo::month::{Month, Step};
use anyhow::{Context, anyhow};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Builder, Credentials, Region};
use chrono::{DateTime, Utc};
use domain::registry::{self, AggregateVisitor};
use domain::{Aggregate, parse};
use event_store::{
    Cache, ClaimsKey, Clock, ClockOff, DynamoDbEventLog, ExecuteError, Metadata, Part, execute,
    stream_name,
};
use std::collections::BTreeMap;
use std::pin::Pin;
use uuid::{NoContext, Timestamp, Uuid};

/// What the local stack calls its access key and its secrets.
const LOCAL: &str = "local";

/// It is always then.
struct Then(DateTime<Utc>);

impl Clock for Then {
    fn now(&self) -> Result<DateTime<Utc>, ClockOff> {
        Ok(self.0)
    }

    fn is_checked(&self) -> bool {
        false
    }

    fn new_id(&self) -> Uuid {
        let seconds = u64::try_from(self.0.timestamp()).unwrap_or_default();
        let nanos = self.0.timestamp_subsec_nanos();
        Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, nanos))
    }
}

/// Writes a month, and says how many commands were not refused.
///
/// # Errors
/// The store failed, or a step cannot be read.
pub async fn write(stack: &Stack, month: &Month) -> anyhow::Result<usize> {
    let credentials = Credentials::new(LOCAL, LOCAL, None, None, LOCAL);
    let config = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(credentials)
        .endpoint_url(&stack.dynamodb)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    let client = Client::from_conf(config);
    let log = DynamoDbEventLog::new(client, "strangelog-events")
        .with_claims("strangelog-claims", ClaimsKey::new(LOCAL));
    // OK because a stream's commands come in order, and those of different streams need not wait for each other.
    let mut streams = BTreeMap::<Uuid, Vec<&Step>>::new();
    for step in &month.steps {
        streams.entry(step.id).or_default().push(step);
    }
    let mut written = 0;
    for steps in streams.values() {
        for step in steps {
            let log = &log;
            let write = Write { log, step };
            let executed = registry::aggregate(step.category, write);
            written += executed.context("it is in the registry")?.await?;
        }
    }
    Ok(written)
}

/// One step, to be written.
struct Write<'a> {
    log: &'a DynamoDbEventLog,
    step: &'a Step,
}

impl<'a> AggregateVisitor for Write<'a> {
    type Output = Pin<Box<dyn Future<Output = anyhow::Result<usize>> + Send + 'a>>;

    fn visit<A: Aggregate>(self) -> Self::Output {
        Box::pin(async move {
            let Self { log, step } = self;
            let fields = step.fields.as_object().cloned().unwrap_or_default();
            let reason = fields.get("reason").and_then(|reason| reason.as_str());
            let metadata = Metadata {
                reason: reason.map(str::to_owned),
                ..Metadata::new(&step.actor, "http")
            };
            let command = parse::<A>(step.command, fields)
                .map_err(|errors| anyhow!("{step:?}: {errors:?}"))?;
            let stream = stream_name(A::CATEGORY, step.id);
            let (clock, cache) = (Then(step.at), Cache::<A>::none());
            let executed = execute(log, &clock, &metadata, Part::new(&stream, &command, &cache));
            match executed.await {
                Ok(_) => Ok(1),
                Err(ExecuteError::Rejected { .. }) => Ok(0),
                Err(error) => Err(anyhow::Error::new(error).context(format!("{step:?}"))),
            }
        })
    }
}
