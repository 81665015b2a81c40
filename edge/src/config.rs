//! Configuration from the environment that Lambda gives a function; read once, passed on as values.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::tls;
use aws_types::SdkConfig;
use aws_types::region::Region;
use aws_types::sdk_config::TimeoutConfig;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use std::env;
use std::time::Duration;

/// A variable that the template should have set.
#[derive(Debug, thiserror::Error)]
#[error("environment variable {0} must be set, see template.yaml")]
pub struct ConfigError(&'static str);

/// The value of an environment variable.
///
/// # Errors
/// It is not set, or not Unicode.
pub fn variable(name: &'static str) -> Result<String, ConfigError> {
    env::var(name).map_err(|_| ConfigError(name))
}

/// What every AWS client of a function is made from: Lambda's credentials and region, TLS by rustls, and
/// `AWS_ENDPOINT_URL_<SERVICE>` where it is set.
///
/// # Errors
/// A variable that Lambda sets is missing.
pub fn sdk_config() -> Result<SdkConfig, ConfigError> {
    let credentials = Credentials::new(
        variable("AWS_ACCESS_KEY_ID")?,
        variable("AWS_SECRET_ACCESS_KEY")?,
        env::var("AWS_SESSION_TOKEN").ok(),
        None,
        "environment",
    );
    // OK because a lost answer is recognised when the attempt is repeated, and 15 s is what a function has.
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
    Ok(SdkConfig::builder()
        .region(Region::new(variable("AWS_REGION")?))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(https)
        .timeout_config(timeouts)
        .service_config(Environment)
        .build())
}

/// Finds `AWS_ENDPOINT_URL_<SERVICE>`, the variable of the AWS SDKs reference guide.
#[derive(Debug)]
struct Environment;

impl LoadServiceConfig for Environment {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().replace([' ', '-'], "_").to_uppercase();
        env::var(format!("{}_{service}", key.env())).ok()
    }
}
