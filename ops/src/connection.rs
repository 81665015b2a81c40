//! Where the tables are, and how they are reached.

use crate::rebuild::Operations;
use anyhow::Context;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_smithy_http_client::tls;
use clap::Args;
use deliveries::{Consumers, Deliveries};
use event_store::{ClaimsKey, DynamoDbEventLog, DynamoDbHeads, ServiceClock};
use std::env;
use std::sync::OnceLock;

/// What the local stack calls its access key, its region and its secrets.
const LOCAL: &str = "local";
const LOCAL_REGION: &str = "us-east-1";

/// An address of HTTP or HTTPS.
fn url(text: &str) -> Result<String, String> {
    match text.starts_with("http://") || text.starts_with("https://") {
        true => Ok(text.to_owned()),
        false => Err("must be a URL such as http://127.0.0.1:8000".to_owned()),
    }
}

/// Options that say where the store is.
#[derive(Clone, Debug, Args)]
pub struct Connection {
    /// The stack, whose tables are named NAME-events, NAME-claims, NAME-heads and NAME-<consumer>
    #[arg(long, global = true, value_name = "NAME", default_value = "strangelog")]
    stack: String,
    /// The AWS region; else that of the profile or of the environment
    #[arg(long, global = true)]
    region: Option<String>,
    /// The AWS profile
    #[arg(long, global = true)]
    profile: Option<String>,
    /// Another DynamoDB than that of AWS; on this machine it needs no credentials
    #[arg(long, global = true, value_name = "URL", value_parser = url)]
    endpoint: Option<String>,
    /// The events table, where it has another name
    #[arg(long, global = true, value_name = "NAME")]
    events_table: Option<String>,
    /// The claims table, where it has another name
    #[arg(long, global = true, value_name = "NAME")]
    claims_table: Option<String>,
    /// The heads table, where it has another name
    #[arg(long, global = true, value_name = "NAME")]
    heads_table: Option<String>,
    /// A consumer that the stack leaves out, such as search
    #[arg(long, global = true, value_name = "CONSUMER")]
    without: Vec<String>,
    /// Where DynamoDB is, once it was looked for.
    #[arg(skip)]
    place: OnceLock<String>,
}

impl Connection {
    /// The event log; with claims, if there is a key for them.
    pub async fn log(&self, key: Option<ClaimsKey>) -> DynamoDbEventLog {
        let log = DynamoDbEventLog::new(
            self.client().await,
            self.table(&self.events_table, "events"),
        );
        match key {
            Some(key) => log.with_claims(self.table(&self.claims_table, "claims"), key),
            None => log,
        }
    }

    /// The heads of its streams.
    pub async fn heads(&self) -> DynamoDbHeads {
        DynamoDbHeads::new(self.client().await, self.table(&self.heads_table, "heads"))
    }

    /// What deliveries are derived from.
    pub async fn deliveries(&self) -> Deliveries<DynamoDbEventLog, DynamoDbHeads> {
        let consumers = Consumers::new(self.client().await, format!("{}-", self.stack));
        Deliveries {
            log: self.log(None).await,
            heads: self.heads().await,
            consumers: self
                .without
                .iter()
                .fold(consumers, |consumers, name| consumers.without(name)),
        }
    }

    /// What operations are asked for with.
    pub async fn operations(&self) -> Operations {
        let clock = ServiceClock::default();
        let config = self.client().await.config().to_builder();
        let client = Client::from_conf(config.interceptor(clock.clone()).build());
        Operations {
            log: DynamoDbEventLog::new(client, self.table(&self.events_table, "events")),
            clock,
            heads: self.heads().await,
        }
    }

    /// The secret of the claims, as it was given, or as the local stack has it.
    ///
    /// # Errors
    /// There is none.
    pub fn claims_key(&self, given: Option<String>) -> anyhow::Result<String> {
        // OK because an editor ends a file with a line feed, and no secret does.
        let given = given.map(|given| given.trim_end_matches(['\r', '\n']).to_owned());
        given
            .filter(|given| !given.is_empty())
            .or_else(|| self.is_local().then(|| LOCAL.to_owned()))
            .context(
                "the claims key is needed: set CLAIMS_KEY, or name a file with --claims-key-file",
            )
    }

    async fn client(&self) -> Client {
        let https = aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(
                tls::rustls_provider::CryptoMode::Ring,
            ))
            .build_https();
        let mut config = aws_config::defaults(BehaviorVersion::latest()).http_client(https);
        if let Some(profile) = &self.profile {
            config = config.profile_name(profile);
        }
        if let Some(region) = &self.region {
            config = config.region(Region::new(region.clone()));
        }
        if let Some(endpoint) = &self.endpoint {
            config = config.endpoint_url(endpoint);
        }
        let has_credentials = |name| env::var_os(name).is_some();
        if self.is_local()
            && self.profile.is_none()
            && !["AWS_ACCESS_KEY_ID", "AWS_PROFILE"]
                .into_iter()
                .any(has_credentials)
        {
            config = config.credentials_provider(Credentials::new(LOCAL, LOCAL, None, None, LOCAL));
        }
        if self.is_local() && self.profile.is_none() && self.region.is_none() {
            config = config.region(Region::new(LOCAL_REGION));
        }
        let config = config.load().await;
        let region = config.region().map(|region| format!("in {region}"));
        let place = config.endpoint_url().map(|url| format!("at {url}"));
        if let Some(place) = place.or(region) {
            self.place.get_or_init(|| place);
        }
        Client::new(&config)
    }

    /// Where DynamoDB is, once it was looked for: `at` an endpoint, or `in` a region.
    pub fn place(&self) -> Option<&str> {
        self.place.get().map(String::as_str)
    }

    fn table(&self, given: &Option<String>, name: &str) -> String {
        let named = || format!("{}-{name}", self.stack);
        given.clone().unwrap_or_else(named)
    }

    /// Whether the endpoint is on this machine.
    fn is_local(&self) -> bool {
        self.endpoint.as_deref().is_some_and(is_here)
    }
}

/// Whether an address is on this machine.
pub(crate) fn is_here(url: &str) -> bool {
    let host = url.split('/').nth(2).map(|authority| {
        let port = authority
            .rfind(':')
            .filter(|at| !authority[*at..].contains(']'));
        authority[..port.unwrap_or(authority.len())].trim_matches(['[', ']'])
    });
    host.is_some_and(|host| {
        let address = host.parse::<std::net::IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        connection: Connection,
    }

    fn parsed(arguments: &[&str]) -> Connection {
        Alone::parse_from([&["strangelog"], arguments].concat()).connection
    }

    #[test]
    fn this_machine_is_told_from_others() {
        for (url, is_local) in [
            ("http://127.0.0.1:8000", true),
            ("http://localhost:8000/", true),
            ("http://[::1]:8000", true),
            ("http://[::1]", true),
            ("http://localhost.example.com:8000", false),
            ("https://dynamodb.eu-north-1.amazonaws.com", false),
        ] {
            assert_eq!(parsed(&["--endpoint", url]).is_local(), is_local, "{url}");
        }
    }

    #[test]
    fn tables_are_named_after_the_stack_unless_they_are_named_themselves() {
        let connection = parsed(&["--stack", "other", "--heads-table", "mine"]);
        assert_eq!(
            connection.table(&connection.events_table, "events"),
            "other-events"
        );
        assert_eq!(connection.table(&connection.heads_table, "heads"), "mine");
    }

    #[test]
    fn a_key_is_needed_but_on_this_machine() {
        let local = parsed(&["--endpoint", "http://localhost:8000"]);
        assert_eq!(local.claims_key(None).expect("a key"), "local");
        assert!(parsed(&[]).claims_key(None).is_err());
        let given = Some("secret\n".to_owned());
        assert_eq!(parsed(&[]).claims_key(given).expect("a key"), "secret");
    }
}
