//! The event store as a function has it: the same client, clock and cache; its log counts conflicts.

use crate::Args;
use anyhow::{Context, Result};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_smithy_http_client::tls;
use benches::{Account, Command, unkeyed};
use chrono::{DateTime, Utc};
use event_store::{
    AppendError, Batch, Cache, Commit, DynamoDbEventLog, EventLog, ExecuteError, Part, Position,
    ServiceClock, StoreError, execute, schema,
};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// What the functions give their cache.
const CACHE_BYTES: usize = 64 * 1024 * 1024;

pub struct Store {
    pub log: Counted,
    clock: ServiceClock,
    client: Client,
    table: String,
}

/// A log with the number of appends that were conflicts, which `execute` keeps to itself.
pub struct Counted {
    log: DynamoDbEventLog,
    pub conflicts: AtomicU64,
}

impl Store {
    pub fn new(args: &Args) -> Self {
        let clock = ServiceClock::default();
        let client = client(&args.endpoint, &clock);
        let table = format!("{}-events", args.prefix);
        let log = Counted {
            log: DynamoDbEventLog::new(client.clone(), &table),
            conflicts: AtomicU64::new(0),
        };
        Self {
            log,
            clock,
            client,
            table,
        }
    }

    /// Executes a command, again at once where the store gives up.
    pub async fn execute(
        &self,
        cache: &Cache<Account>,
        stream: &str,
        command: &Command,
    ) -> Result<()> {
        let metadata = unkeyed();
        let creates = matches!(command, Command::Open { .. });
        loop {
            let part = Part::new(stream, command, cache).creating(creates);
            match execute(&self.log, &self.clock, &metadata, part).await {
                Ok(_) => return Ok(()),
                Err(ExecuteError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub async fn create_table(&self) -> Result<()> {
        let mut request = self
            .client
            .create_table()
            .table_name(&self.table)
            .billing_mode(BillingMode::PayPerRequest);
        let keys = [
            (schema::STREAM, ScalarAttributeType::S, KeyType::Hash),
            (schema::VERSION, ScalarAttributeType::N, KeyType::Range),
        ];
        for (name, kind, role) in keys {
            let definition = AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(kind);
            let element = KeySchemaElement::builder()
                .attribute_name(name)
                .key_type(role);
            request = request
                .attribute_definitions(definition.build()?)
                .key_schema(element.build()?);
        }
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.into_service_error() {
                error if error.is_resource_in_use_exception() => Ok(()),
                error => Err(error).context("the table of events"),
            },
        }
    }

    /// A table that is not there is as good as deleted.
    pub async fn delete_table(&self) {
        let request = self.client.delete_table().table_name(&self.table);
        let _ = request.send().await;
    }
}

impl EventLog for Counted {
    async fn append(&self, batch: &Batch) -> Result<(), AppendError> {
        let appended = self.log.append(batch).await;
        if matches!(appended, Err(AppendError::Conflict)) {
            self.conflicts.fetch_add(1, Ordering::Relaxed);
        }
        appended
    }

    async fn read(
        &self,
        stream: &str,
        versions: RangeInclusive<u64>,
        limit: usize,
    ) -> Result<Vec<Commit>, StoreError> {
        self.log.read(stream, versions, limit).await
    }

    async fn newest(
        &self,
        stream: &str,
        versions: RangeInclusive<u64>,
        limit: usize,
    ) -> Result<Vec<Commit>, StoreError> {
        self.log.newest(stream, versions, limit).await
    }

    async fn events(
        &self,
        stream: &str,
        versions: RangeInclusive<u64>,
    ) -> Result<Vec<(u64, String)>, StoreError> {
        self.log.events(stream, versions).await
    }

    async fn done(
        &self,
        command_id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Option<Position>, StoreError> {
        self.log.done(command_id, now).await
    }
}

/// What a sandbox that has just started knows, or one that never learns.
pub fn cache(is_cold: bool) -> Cache<Account> {
    if is_cold {
        Cache::none()
    } else {
        Cache::new(CACHE_BYTES)
    }
}

/// As `edge::sdk_config` makes it.
fn client(endpoint: &str, clock: &ServiceClock) -> Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(10))
        .build();
    let https = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(
            tls::rustls_provider::CryptoMode::Ring,
        ))
        .build_https();
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("bench", "bench", None, None, "bench"))
        .http_client(https)
        .timeout_config(timeouts)
        .interceptor(clock.clone())
        .build();
    Client::from_conf(config)
}
