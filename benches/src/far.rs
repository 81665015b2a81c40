//! A client of a DynamoDB on this machine, from which every answer may take as long as from one that is further away.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use std::time::Duration;

/// A client with connections of its own, whose requests each wait for `delay` before they are sent.
pub fn client(endpoint: &str, delay: Duration) -> Client {
    let near = aws_smithy_http_client::Builder::new().build_http();
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::new("us-east-1"))
        // OK because DynamoDB Local keeps tables apart by key: these are those that the tests make tables with.
        .credentials_provider(Credentials::new("tests", "tests", None, None, "tests"));
    let config = match delay.is_zero() {
        true => config.http_client(near),
        false => config.http_client(Far { near, delay }),
    };
    Client::from_conf(config.build())
}

#[derive(Debug)]
struct Far {
    near: SharedHttpClient,
    delay: Duration,
}

#[derive(Debug)]
struct FarConnector {
    near: SharedHttpConnector,
    delay: Duration,
}

impl HttpClient for Far {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(FarConnector {
            near: self.near.http_connector(settings, components),
            delay: self.delay,
        })
    }
}

impl HttpConnector for FarConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (near, delay) = (self.near.clone(), self.delay);
        HttpConnectorFuture::new(async move {
            tokio::time::sleep(delay).await;
            near.call(request).await
        })
    }
}
