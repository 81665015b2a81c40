//! The event log on DynamoDB.

use crate::schema::{MAX_ITEM, STREAM, VERSION};
use crate::transaction::{claim_write, is_ours, judge};
use crate::{AppendError, ClaimChange, ClaimsKey, Commit, EventLog, StoreError};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{
    AttributeValue, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use std::collections::HashMap;
use std::error::Error;
use std::ops::RangeInclusive;

type Item = HashMap<String, AttributeValue>;

/// Commits in one table, claims in another.
#[derive(Clone, Debug)]
pub struct DynamoDbEventLog {
    client: Client,
    events: String,
    claims: Option<(String, ClaimsKey)>,
}

impl DynamoDbEventLog {
    /// An event log over the table named `events`, for aggregates that claim nothing, and for readers.
    pub fn new(client: Client, events: impl Into<String>) -> Self {
        Self {
            client,
            events: events.into(),
            claims: None,
        }
    }

    /// The same, with claims in the table named `claims`.
    pub fn with_claims(mut self, claims: impl Into<String>, key: ClaimsKey) -> Self {
        self.claims = Some((claims.into(), key));
        self
    }

    async fn put(&self, commit: &Commit, item: Item) -> Result<(), AppendError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.events)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#stream)")
            .expression_attribute_names("#stream", STREAM)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = put.send().await else {
            return Ok(());
        };
        match error.as_service_error() {
            Some(service) if service.is_conditional_check_failed_exception() => {
                let old = match service {
                    aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(failed) => {
                        failed.item()
                    }
                    _ => None,
                };
                if is_ours(old, commit) {
                    Ok(())
                } else {
                    Err(AppendError::Conflict)
                }
            }
            Some(service) if service.is_transaction_conflict_exception() => {
                Err(AppendError::Conflict)
            }
            _ => Err(failure(error).into()),
        }
    }

    async fn transact(
        &self,
        commit: &Commit,
        item: Item,
        claims: &[ClaimChange],
    ) -> Result<(), AppendError> {
        let (table, key) = self.claims.as_ref().ok_or_else(|| StoreError::Corrupt {
            stream: commit.stream.clone(),
            version: commit.version,
            why: "its aggregate claims unique values, and this log was made without claims".into(),
        })?;
        let put = Put::builder()
            .table_name(&self.events)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#stream)")
            .expression_attribute_names("#stream", STREAM)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| StoreError::Aws(error.into()))?;
        let mut items = vec![TransactWriteItem::builder().put(put).build()];
        for change in claims {
            items.push(claim_write(table, key, change, &commit.stream)?);
        }
        let sent = self
            .client
            .transact_write_items()
            .client_request_token(commit.id.to_string())
            .set_transact_items(Some(items))
            .send()
            .await;
        let Err(error) = sent else { return Ok(()) };
        match error.as_service_error() {
            Some(aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(
                cancelled,
            )) => judge(cancelled.cancellation_reasons(), commit, claims).unwrap_or_else(|| Err(failure(error).into())),
            Some(service) if service.is_transaction_in_progress_exception() => Err(AppendError::Conflict),
            _ => Err(failure(error).into()),
        }
    }
}

impl EventLog for DynamoDbEventLog {
    async fn append(&self, commit: &Commit, claims: &[ClaimChange]) -> Result<(), AppendError> {
        let item: Item = serde_dynamo::to_item(commit).map_err(|error| StoreError::Corrupt {
            stream: commit.stream.clone(),
            version: commit.version,
            why: error.to_string(),
        })?;
        let found = size(&item);
        if found > MAX_ITEM {
            return Err(StoreError::TooLarge {
                unit: "bytes",
                limit: MAX_ITEM,
                found,
            }
            .into());
        }
        if claims.is_empty() {
            self.put(commit, item).await
        } else {
            self.transact(commit, item, claims).await
        }
    }

    async fn read(
        &self,
        stream: &str,
        versions: RangeInclusive<u64>,
        limit: usize,
    ) -> Result<Vec<Commit>, StoreError> {
        let mut commits = Vec::new();
        let mut next = None;
        loop {
            let missing = limit - commits.len();
            let page = self
                .client
                .query()
                .table_name(&self.events)
                .consistent_read(true)
                .key_condition_expression("#stream = :stream AND #version BETWEEN :from AND :to")
                .expression_attribute_names("#stream", STREAM)
                .expression_attribute_names("#version", VERSION)
                .expression_attribute_values(":stream", AttributeValue::S(stream.to_owned()))
                .expression_attribute_values(
                    ":from",
                    AttributeValue::N(versions.start().to_string()),
                )
                .expression_attribute_values(":to", AttributeValue::N(versions.end().to_string()))
                .set_limit(i32::try_from(missing).ok())
                .set_exclusive_start_key(next)
                .send()
                .await
                .map_err(failure)?;
            for item in page.items.unwrap_or_default() {
                commits.push(decode(stream, item)?);
            }
            next = page.last_evaluated_key;
            if next.is_none() || commits.len() >= limit {
                return Ok(commits);
            }
        }
    }
}

fn decode(stream: &str, item: Item) -> Result<Commit, StoreError> {
    let version = item
        .get(VERSION)
        .and_then(|version| version.as_n().ok())
        .and_then(|version| version.parse().ok());
    serde_dynamo::from_item(item).map_err(|error| StoreError::Corrupt {
        stream: stream.to_owned(),
        version: version.unwrap_or_default(),
        why: error.to_string(),
    })
}

/// The size of an item as DynamoDB counts it: names and values in UTF-8, a number at its most.
fn size(item: &Item) -> usize {
    item.iter()
        .map(|(name, value)| {
            name.len()
                + match value {
                    AttributeValue::S(text) => text.len(),
                    AttributeValue::N(_) => 21,
                    _ => 1,
                }
        })
        .sum()
}

fn failure<E, R>(error: SdkError<E, R>) -> StoreError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    const THROTTLES: [&str; 4] = [
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "ThrottlingError",
    ];
    let throttled = error.code().is_some_and(|code| THROTTLES.contains(&code));
    let source = Box::new(error);
    if throttled {
        StoreError::Throttled(source)
    } else {
        StoreError::Aws(source)
    }
}
