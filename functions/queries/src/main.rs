//! Answers queries over HTTP: one deployment per aggregate, named by `AGGREGATE`, and one for the statistics and one for the timeline, each
//! named by `READ_MODEL`.

mod answer;
mod diff;
mod events;
mod history;
mod list;
mod moment;
mod of_aggregate;
mod one;
mod over_all;
mod state;
mod stats;
mod what_if;

use aws_sdk_dynamodb::Client;
use edge::{sdk_config, variable};
use lambda_http::{Error, tracing};
use of_aggregate::OfAggregate;
use over_all::OverAll;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let client = Client::new(&sdk_config()?);
    if let Ok(name) = variable("READ_MODEL") {
        return OverAll::named(&name, client)?.run().await;
    }
    let name = variable("AGGREGATE")?;
    OfAggregate::new(client)?.run(&name).await
}
