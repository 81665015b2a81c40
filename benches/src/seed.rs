//! Accounts with a history, as commands would have left them: made in memory, by the same code, and written in batches.

use crate::Machine;
use anyhow::{Context, Result};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use chrono::{DateTime, TimeDelta, Utc};
use domain::account::Command;
use domain::{Account, parse};
use event_store::{
    Cache, Commit, EventLog, Head, MemoryEventLog, Metadata, Part, execute, rfc3339, schema,
    seen_shard, stream_name,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use std::collections::HashMap;
use uuid::Uuid;

/// How many streams are made at a time.
const STREAMS: usize = 50;
/// How many requests are on their way at a time.
const SIDE_BY_SIDE: usize = 4;
/// What one BatchWriteItem takes.
const BATCH: usize = 25;

type Item = HashMap<String, AttributeValue>;

/// Where to write.
#[derive(Clone)]
pub struct Tables {
    /// The way there.
    pub client: Client,
    /// The table of events.
    pub events: String,
    /// The table of heads.
    pub heads: String,
}

/// Writes so many accounts with so many events each, a commit for each event, and their heads, all seen by the publisher an hour
/// ago; answers the names of the streams.
///
/// # Errors
/// The store failed.
pub async fn accounts(tables: &Tables, streams: usize, events: usize) -> Result<Vec<String>> {
    let names: Vec<_> = (0..streams)
        .map(|_| stream_name("account", Uuid::now_v7()))
        .collect();
    let begun = Utc::now() - TimeDelta::hours(1);
    let parts = names.chunks(STREAMS).enumerate().map(|(part, names)| {
        let (tables, names) = (tables.clone(), names.to_vec());
        let seen = begun + TimeDelta::microseconds((part * STREAMS) as i64);
        async move { tokio::spawn(async move { write(&tables, &names, events, seen).await }).await? }
    });
    let written = stream::iter(parts).buffer_unordered(SIDE_BY_SIDE);
    written.try_collect::<Vec<()>>().await?;
    Ok(names)
}

async fn write(
    tables: &Tables,
    names: &[String],
    events: usize,
    seen: DateTime<Utc>,
) -> Result<()> {
    let (mut items, mut heads) = (Vec::new(), Vec::new());
    for (at, name) in names.iter().enumerate() {
        let commits = commits(name, events).await?;
        heads.push(head(&commits, seen + TimeDelta::microseconds(at as i64))?);
        for commit in &commits {
            items.push(serde_dynamo::to_item(commit)?);
        }
    }
    put(&tables.client, &tables.events, items).await?;
    put(&tables.client, &tables.heads, heads).await
}

async fn commits(name: &str, events: usize) -> Result<Vec<Commit>> {
    let (log, cache) = (MemoryEventLog::default(), Cache::new(1 << 20));
    for version in 1..=events {
        let command = command(name, version)?;
        let part = Part::<Account>::new(name, &command, &cache).creating(version == 1);
        execute(&log, &Machine, &Metadata::new("bench", "http"), part).await?;
    }
    Ok(log.read(name, 1..=u64::MAX, usize::MAX).await?)
}

/// An account is opened, and then money comes and goes.
fn command(name: &str, version: usize) -> Result<Command> {
    let (kind, fields) = match version {
        1 => (
            "OpenAccount",
            json!({
                // OK because no two streams of one seed have the same, and nobody looks whether it was ever given.
                "account_number": format!("B{}", &name.replace('-', "")[18..]).to_uppercase(),
                "owner": "sarah", "currency": "EUR", "initial_deposit": 100_000, "overdraft_limit": 50_000,
            }),
        ),
        _ if version.is_multiple_of(2) => (
            "DepositMoney",
            json!({ "amount": 2_500, "description": "salary, payment run of 2026-01" }),
        ),
        _ => (
            "WithdrawMoney",
            json!({ "amount": 1_200, "description": "rent" }),
        ),
    };
    let Value::Object(fields) = fields else {
        unreachable!("the fields are an object")
    };
    parse::<Account>(kind, fields).map_err(|refused| anyhow::anyhow!("{kind}: {refused:?}"))
}

fn head(commits: &[Commit], seen: DateTime<Utc>) -> Result<Item> {
    let last = commits.last().context("a stream has a commit")?;
    let head = Head {
        stream: last.stream.clone(),
        version: last.last_version()?,
        hash: last.chain.hash,
    };
    let mut item: Item = serde_dynamo::to_item(&head)?;
    let text = |text: String| AttributeValue::S(text);
    let place = format!("{}#{}", rfc3339(seen), head.stream);
    item.insert(schema::SEEN.to_owned(), text(place));
    let shard = seen_shard(&head.stream).to_string();
    item.insert(schema::SHARD.to_owned(), text(shard));
    Ok(item)
}

async fn put(client: &Client, table: &str, items: Vec<Item>) -> Result<()> {
    let mut items = items.into_iter().peekable();
    while items.peek().is_some() {
        let mut batch = Vec::with_capacity(BATCH);
        for item in items.by_ref().take(BATCH) {
            let put = PutRequest::builder().set_item(Some(item)).build()?;
            batch.push(WriteRequest::builder().put_request(put).build());
        }
        let written = client.batch_write_item().request_items(table, batch);
        let left = written.send().await?.unprocessed_items.unwrap_or_default();
        anyhow::ensure!(left.is_empty(), "not everything was written");
    }
    Ok(())
}
