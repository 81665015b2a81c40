//! Publishes what the stream of the events table did not carry, one segment of the table a run, and tells all consumers that
//! time has passed.

use aws_sdk_dynamodb::Client;
use chrono::Utc;
use edge::{sdk_config, variable};
use event_store::{DynamoDbEventLog, DynamoDbHeads, Segment};
use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};
use publish::{EventBridgeBus, Sweeper, Swept, segment_at, tick};
use serde::Deserialize;
use std::time::Duration;

/// What the function is invoked with: nothing that it looks at by the schedule, a segment by hand.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    segment: Option<i32>,
    of: Option<i32>,
}

/// How long before its time is up a run stops, to say so.
const MARGIN: Duration = Duration::from_secs(5);

/// What is younger is left alone: [`Sweeper::GRACE`], unless `SWEEP_GRACE` says how many seconds.
fn grace() -> Result<Duration, Error> {
    match std::env::var("SWEEP_GRACE") {
        Ok(seconds) => Ok(Duration::from_secs(seconds.parse()?)),
        Err(_) => Ok(Sweeper::<EventBridgeBus>::GRACE),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let config = sdk_config()?;
    let client = Client::new(&config);
    let sweeper = &Sweeper {
        bus: EventBridgeBus {
            client: aws_sdk_eventbridge::Client::new(&config),
            name: variable("EVENT_BUS")?,
        },
        heads: DynamoDbHeads::new(client.clone(), variable("HEADS_TABLE")?),
        log: DynamoDbEventLog::new(client, variable("EVENTS_TABLE")?),
        grace: grace()?,
    };
    let segments: i32 = variable("SWEEP_SEGMENTS")?.parse()?;
    let handler = |event: LambdaEvent<Asked>| async move {
        // OK because it comes first: consumers catch up whether or not the sweep does its work.
        let ticked = tick(&sweeper.bus).await;
        let Asked { segment, of } = event.payload;
        let segment = match segment.zip(of) {
            Some((index, of)) => Segment { index, of },
            None => segment_at(Utc::now(), segments),
        };
        let until = event.context.deadline().checked_sub(MARGIN);
        let swept = sweeper
            .sweep(segment, until.unwrap_or_else(std::time::SystemTime::now))
            .await?;
        if !ticked {
            return Err("the bus did not take the tick".into());
        }
        Ok::<Swept, Error>(swept)
    };
    lambda_runtime::run(service_fn(handler)).await
}
