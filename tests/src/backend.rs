//! A DynamoDB to test on, with tables that no other test uses.

use crate::dynamodb_local;
use crate::meter::Meter;
use crate::wire::{Requests, Wire};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use event_store::conformance::Fixture;
use event_store::{ClaimsKey, DynamoDbEventLog, DynamoDbHeads, ServiceClock, schema};
use read_model::{DynamoDbDocuments, ReadModelTable};
use uuid::Uuid;

/// Makes each function named here, which takes a `&Backend`, a test on DynamoDB Local and one on the embedded DynamoDB.
#[macro_export]
macro_rules! on_each_backend {
    ($($test:ident)+) => {
        mod dynamodb_local {
            $(#[tokio::test] async fn $test() { super::$test(&$crate::backend::Backend::dynamodb_local().await).await; })+
        }
        mod embedded {
            $(#[tokio::test] async fn $test() { super::$test(&$crate::backend::Backend::embedded().await).await; })+
        }
    };
}

/// The secret under which the tests claim values.
pub const CLAIMS_KEY: &str = "a secret of tests";

/// Tables of one test, and a client that counts what is sent.
pub struct Backend {
    /// The client, for looking behind the scenes; what it sends is counted, too.
    pub client: Client,
    /// The endpoint that `client` speaks to.
    pub endpoint: String,
    /// What was sent.
    pub requests: Requests,
    /// The clock that learns from the client's answers.
    pub clock: ServiceClock,
    prefix: String,
}

impl Backend {
    /// On DynamoDB Local, which the first test of a binary starts.
    pub async fn dynamodb_local() -> Self {
        // OK because starting blocks, and other tests wait for the same thing.
        let endpoint = tokio::task::spawn_blocking(dynamodb_local::endpoint)
            .await
            .expect("it starts");
        Self::new(endpoint.to_owned()).await
    }

    /// On a DynamoDB embedded in this process, one for each test.
    pub async fn embedded() -> Self {
        let database = dynoxide::Database::memory().expect("memory is there");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let endpoint = format!("http://{}", listener.local_addr().expect("it is bound"));
        tokio::spawn(async move { dynoxide::server::serve_on(listener, database).await });
        Self::new(endpoint).await
    }

    async fn new(endpoint: String) -> Self {
        let requests = Requests::default();
        let clock = ServiceClock::default();
        let client = client(&endpoint, &requests, &clock);
        let backend = Self {
            client,
            endpoint,
            requests,
            clock,
            prefix: Uuid::now_v7().to_string(),
        };
        backend
            .create(
                "events",
                &[
                    ("stream", ScalarAttributeType::S),
                    ("version", ScalarAttributeType::N),
                ],
            )
            .await;
        backend
            .create("claims", &[("claim", ScalarAttributeType::S)])
            .await;
        backend.create_heads().await;
        backend.create_read_model().await;
        backend.requests.clear();
        backend
    }

    /// The full name of one of the tables: `events`, `claims`, `heads`, `users`.
    pub fn table(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    /// The event log under test.
    pub fn log(&self) -> DynamoDbEventLog {
        Self::log_over(self, self.client.clone())
    }

    /// The heads of its streams.
    pub fn heads(&self) -> DynamoDbHeads {
        DynamoDbHeads::new(self.client.clone(), self.table("heads"))
    }

    /// The read model under test.
    pub fn documents(&self) -> DynamoDbDocuments {
        DynamoDbDocuments::new(self.client.clone(), self.table("users"))
    }

    /// The read model under test, with all of its generations.
    pub fn read_model(&self) -> ReadModelTable {
        ReadModelTable::new(self.client.clone(), self.table("users"))
    }

    /// The same log, reached through a wire that loses the reply to the first request of these operations.
    pub async fn log_that_loses_one_reply_to(
        &self,
        operations: &'static [&'static str],
    ) -> DynamoDbEventLog {
        self.log_over(self.client_that_loses_one_reply_to(operations).await)
    }

    /// A client over a wire that loses the reply to the first request of these operations.
    pub async fn client_that_loses_one_reply_to(
        &self,
        operations: &'static [&'static str],
    ) -> Client {
        let wire = Wire::losing_one_reply_to(operations, &self.endpoint).await;
        client(&wire.endpoint, &self.requests, &self.clock)
    }

    /// The same log, reached through a wire that loses the reply to the first put, and refuses its retries with this error.
    pub async fn log_that_loses_a_put_and_refuses_its_retry(
        &self,
        error: &'static str,
    ) -> DynamoDbEventLog {
        self.log_over(
            self.client_that_loses_a_reply_and_refuses_its_retry(&["PutItem"], error)
                .await,
        )
    }

    /// A client over a wire that loses the reply to the first of these operations, and refuses the next two with this error.
    pub async fn client_that_loses_a_reply_and_refuses_its_retry(
        &self,
        operations: &'static [&'static str],
        error: &'static str,
    ) -> Client {
        let lost = Wire::losing_one_reply_and_refusing_its_retry(operations, error, &self.endpoint);
        client(&lost.await.endpoint, &self.requests, &self.clock)
    }

    /// A client over a wire that leaves its first batch unprocessed.
    pub async fn client_whose_first_batch_is_left(&self) -> Client {
        let wire = Wire::leaving_the_first_batch_unprocessed(&self.endpoint).await;
        client(&wire.endpoint, &self.requests, &self.clock)
    }

    /// The same log, reached through a meter.
    pub async fn metered_log(&self) -> (DynamoDbEventLog, Meter) {
        let (client, meter) = self.metered_client().await;
        (self.log_over(client), meter)
    }

    /// A client over a meter.
    pub async fn metered_client(&self) -> (Client, Meter) {
        let meter = Meter::before(&self.endpoint).await;
        let client = client(&meter.endpoint, &self.requests, &self.clock);
        (client, meter)
    }

    /// The same log, whose answers tell this clock the time.
    pub fn log_with_clock(&self, clock: &ServiceClock) -> DynamoDbEventLog {
        self.log_over(client(&self.endpoint, &self.requests, clock))
    }

    fn log_over(&self, client: Client) -> DynamoDbEventLog {
        DynamoDbEventLog::new(client, self.table("events"))
            .with_claims(self.table("claims"), ClaimsKey::new(CLAIMS_KEY))
    }

    /// Deletes the table of the read model, and makes it again, with nothing in it.
    pub async fn empty_read_model(&self) {
        let deletion = self.client.delete_table().table_name(self.table("users"));
        deletion.send().await.expect("deleted");
        self.create_read_model().await;
    }

    async fn create_read_model(&self) {
        self.create_consumer("users").await;
    }

    /// Makes the table of a consumer; that of `users` is there.
    pub async fn create_consumer(&self, name: &str) {
        let key = [
            ("pk", ScalarAttributeType::S),
            ("sk", ScalarAttributeType::S),
        ];
        self.create(name, &key).await;
    }

    /// The heads with the index of when they were seen.
    async fn create_heads(&self) {
        let text = |name: &str| {
            AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(ScalarAttributeType::S)
                .build()
                .expect("complete")
        };
        let element = |name: &str, role| {
            KeySchemaElement::builder()
                .attribute_name(name)
                .key_type(role)
                .build()
                .expect("complete")
        };
        let projection = Projection::builder()
            .projection_type(ProjectionType::Include)
            .non_key_attributes(schema::VERSION)
            .build();
        let index = GlobalSecondaryIndex::builder()
            .index_name(schema::SEEN_INDEX)
            .key_schema(element(schema::SHARD, KeyType::Hash))
            .key_schema(element(schema::SEEN, KeyType::Range))
            .projection(projection)
            .build()
            .expect("complete");
        let create = self
            .client
            .create_table()
            .table_name(self.table("heads"))
            .billing_mode(BillingMode::PayPerRequest)
            .attribute_definitions(text(schema::STREAM))
            .attribute_definitions(text(schema::SHARD))
            .attribute_definitions(text(schema::SEEN))
            .key_schema(element(schema::STREAM, KeyType::Hash))
            .global_secondary_indexes(index);
        create.send().await.expect("a new table");
    }

    async fn create(&self, name: &str, key: &[(&str, ScalarAttributeType)]) {
        let mut request = self
            .client
            .create_table()
            .table_name(self.table(name))
            .billing_mode(BillingMode::PayPerRequest);
        for ((attribute, kind), role) in key.iter().zip([KeyType::Hash, KeyType::Range]) {
            let definition = AttributeDefinition::builder()
                .attribute_name(*attribute)
                .attribute_type(kind.clone());
            let element = KeySchemaElement::builder()
                .attribute_name(*attribute)
                .key_type(role);
            request = request
                .attribute_definitions(definition.build().expect("complete"))
                .key_schema(element.build().expect("complete"));
        }
        request.send().await.expect("a new table");
    }
}

impl Fixture for Backend {
    type Log = DynamoDbEventLog;

    async fn log(&self) -> DynamoDbEventLog {
        Self::log(self)
    }

    async fn log_that_loses_a_reply(&self) -> DynamoDbEventLog {
        self.log_that_loses_one_reply_to(&["PutItem", "TransactWriteItems"])
            .await
    }
}

/// A client whose requests are counted, and whose answers the clock learns from.
pub fn client(endpoint: &str, requests: &Requests, clock: &ServiceClock) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("tests", "tests", None, None, "tests"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .interceptor(requests.clone())
        .interceptor(clock.clone())
        .build();
    Client::from_conf(config)
}
