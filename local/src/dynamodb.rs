//! The database: embedded, or a DynamoDB Local that runs already. Spoken to in its own JSON, which is
//! also what a stream's records look like to a function.

use crate::intrinsics::REGION;
use crate::template::Table;
use anyhow::{Context, anyhow, bail};
use reqwest::{Client, Url};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::Path;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A database, and the way to it.
pub struct DynamoDb {
    /// Where it answers.
    pub url: String,
    client: Client,
    embedded: Option<Embedded>,
}

struct Embedded {
    server: JoinHandle<()>,
    /// Held until the end, so that no second stack reads and writes the same files.
    _lock: Option<File>,
}

/// What the database refused.
#[derive(Debug)]
pub struct Refusal {
    /// `ResourceInUseException`.
    pub kind: String,
    message: String,
}

impl DynamoDb {
    /// Uses the database at `url`; else starts one, kept in the folder `data` if there is one.
    ///
    /// # Errors
    /// The URL is not on this machine, or the folder cannot be used.
    pub async fn start(data: Option<&Path>, url: Option<&str>) -> anyhow::Result<Self> {
        if let Some(url) = url {
            let url = loopback(url)?;
            return Self::at(url, None);
        }
        let (database, lock) = match data {
            None => (dynoxide::Database::memory(), None),
            Some(folder) => {
                let lock = lock(folder)?;
                let file = folder.join("dynamodb.sqlite");
                let file = file.to_str().context("the folder's name is not Unicode")?;
                (dynoxide::Database::new(file), Some(lock))
            }
        };
        let database = database.map_err(|error| anyhow!("cannot open the database: {error}"))?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let server = tokio::spawn(dynoxide::server::serve_on(listener, database));
        Self::at(
            url,
            Some(Embedded {
                server,
                _lock: lock,
            }),
        )
    }

    fn at(url: String, embedded: Option<Embedded>) -> anyhow::Result<Self> {
        let client = Client::builder().no_proxy().build()?;
        Ok(DynamoDb {
            url,
            client,
            embedded,
        })
    }

    /// Makes the tables that are not there yet.
    ///
    /// # Errors
    /// A table cannot be made.
    pub async fn create(&self, tables: &[Table]) -> anyhow::Result<()> {
        for table in tables {
            match self
                .call("DynamoDB_20120810.CreateTable", &table.definition)
                .await?
            {
                Err(refusal) if refusal.kind != "ResourceInUseException" => {
                    bail!(
                        "cannot create table {}: {}: {}",
                        table.name,
                        refusal.kind,
                        refusal.message
                    )
                }
                Ok(_) => {}
                Err(_) => self.index(table).await?,
            }
            if let Some(time_to_live) = &table.time_to_live {
                self.forget(&table.name, time_to_live).await?;
            }
        }
        Ok(())
    }

    /// Makes the indexes that a table lacks whose data is from before the template gave it them.
    async fn index(&self, table: &Table) -> anyhow::Result<()> {
        let definition = &table.definition;
        let Some(wanted) = definition["GlobalSecondaryIndexes"].as_array() else {
            return Ok(());
        };
        let refused = |refusal: Refusal| {
            let Refusal { kind, message } = refusal;
            anyhow!(
                "cannot make an index of table {}: {kind}: {message}",
                table.name
            )
        };
        let request = json!({ "TableName": table.name });
        let answer = self
            .call("DynamoDB_20120810.DescribeTable", &request)
            .await?;
        let found = &answer.map_err(refused)?["Table"]["GlobalSecondaryIndexes"];
        let has = |index: &Value| {
            let mut names = found.as_array().into_iter().flatten();
            names.any(|known| known["IndexName"] == index["IndexName"])
        };
        for index in wanted.iter().filter(|index| !has(index)) {
            let request = json!({
                "TableName": table.name,
                "AttributeDefinitions": definition["AttributeDefinitions"],
                "GlobalSecondaryIndexUpdates": [{ "Create": index }],
            });
            let answer = self.call("DynamoDB_20120810.UpdateTable", &request).await?;
            answer.map_err(refused)?;
        }
        Ok(())
    }

    /// Lets a table forget its items, unless it does so already.
    async fn forget(&self, table: &str, time_to_live: &Value) -> anyhow::Result<()> {
        let refused = |refusal: Refusal| {
            let Refusal { kind, message } = refusal;
            anyhow!("cannot set the time to live of table {table}: {kind}: {message}")
        };
        let request = json!({ "TableName": table });
        let answer = self
            .call("DynamoDB_20120810.DescribeTimeToLive", &request)
            .await?;
        let answer = answer.map_err(refused)?;
        if answer["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED" {
            return Ok(());
        }
        let request = json!({ "TableName": table, "TimeToLiveSpecification": time_to_live });
        let answer = self
            .call("DynamoDB_20120810.UpdateTimeToLive", &request)
            .await?;
        answer.map(|_| ()).map_err(refused)
    }

    /// The name of a table's stream.
    ///
    /// # Errors
    /// It has none, as when its data is from before the template gave it one.
    pub async fn stream(&self, table: &str) -> anyhow::Result<String> {
        let request = json!({ "TableName": table });
        let answer = self
            .call("DynamoDB_20120810.DescribeTable", &request)
            .await?;
        let answer = answer.map_err(|refusal| anyhow!("{}: {}", refusal.kind, refusal.message))?;
        let arn = answer["Table"]["LatestStreamArn"].as_str();
        Ok(arn
            .with_context(|| format!("table {table} has no stream"))?
            .to_owned())
    }

    /// Does one operation.
    ///
    /// # Errors
    /// The database cannot be reached. The inner error is its refusal.
    pub async fn call(
        &self,
        operation: &str,
        request: &Value,
    ) -> anyhow::Result<Result<Value, Refusal>> {
        // OK because neither database checks a signature; both want to see one, with this access key:
        // DynamoDB Local keeps tables apart by key and region.
        let signature = format!(
            "AWS4-HMAC-SHA256 Credential=local/20260101/{REGION}/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
        );
        let answer = self
            .client
            .post(&self.url)
            .header("x-amz-target", operation)
            .header("x-amz-date", "20260101T000000Z")
            .header("authorization", signature)
            .header("content-type", "application/x-amz-json-1.0")
            .body(request.to_string())
            .send()
            .await
            .with_context(|| format!("DynamoDB at {} does not answer", self.url))?;
        let is_success = answer.status().is_success();
        let body: Value = answer.json().await.context("DynamoDB answers no JSON")?;
        if is_success {
            return Ok(Ok(body));
        }
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        let kind = text("__type")
            .rsplit('#')
            .next()
            .unwrap_or_default()
            .to_owned();
        let message = [text("message"), text("Message")].concat();
        Ok(Err(Refusal { kind, message }))
    }
}

impl Drop for DynamoDb {
    fn drop(&mut self) {
        if let Some(embedded) = &self.embedded {
            embedded.server.abort();
        }
    }
}

/// Refuses what is not on this machine: the local stack never touches AWS.
fn loopback(url: &str) -> anyhow::Result<String> {
    let parsed = Url::parse(url).with_context(|| format!("{url} is no URL"))?;
    let host = parsed
        .host_str()
        .unwrap_or_default()
        .trim_matches(['[', ']']);
    let is_loopback = host == "localhost"
        || host
            .parse()
            .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    if parsed.scheme() != "http" || !is_loopback {
        bail!("DynamoDB must be on this machine, as in http://localhost:8000, found {url}");
    }
    Ok(url.trim_end_matches('/').to_owned())
}

fn lock(folder: &Path) -> anyhow::Result<File> {
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let file = File::create(folder.join("lock"))?;
    file.try_lock()
        .map_err(|_| anyhow!("the data in {} is used by another stack", folder.display()))?;
    Ok(file)
}

#[cfg(test)]
#[path = "dynamodb_tests.rs"]
mod tests;
