//! The event log on DynamoDB.

use crate::item::{Item, decode, decode_events, encode};
use crate::schema::{CLAIM, EVENTS, STREAM, VERSION};
use crate::transaction::Transaction;
use crate::{AppendError, Batch, ClaimsKey, Commit, EventLog, Position, StoreError};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use chrono::{DateTime, Utc};
use std::error::Error;
use std::ops::RangeInclusive;
use uuid::Uuid;

/// Commits in one table, claims in another.
#[derive(Clone, Debug)]
pub struct DynamoDbEventLog {
    pub(crate) client: Client,
    pub(crate) events: String,
    pub(crate) claims: Option<(String, ClaimsKey)>,
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

    /// The same, with claims, and the commands that were done, in the table named `claims`.
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
            Some(PutItemError::ConditionalCheckFailedException(failed))
                if is_ours(failed.item(), commit) =>
            {
                Ok(())
            }
            // What stands in the way is not said here, and a first try whose reply was lost may have landed before it.
            Some(PutItemError::TransactionConflictException(_)) => {
                let at = commit.version..=commit.version;
                let there = self.read(&commit.stream, at, 1).await?;
                if there.iter().any(|there| there.chain == commit.chain) {
                    return Ok(());
                }
                Err(AppendError::Conflict)
            }
            Some(PutItemError::ConditionalCheckFailedException(_)) => Err(AppendError::Conflict),
            _ => Err(failure(error).into()),
        }
    }

    async fn transact(&self, batch: &Batch, items: Vec<Item>) -> Result<(), AppendError> {
        let claims = self
            .claims
            .as_ref()
            .map(|(table, key)| (table.as_str(), key));
        let transaction = Transaction::new(&self.events, claims, batch, items)?;
        let sent = self
            .client
            .transact_write_items()
            .set_client_request_token(transaction.token())
            .set_transact_items(Some(transaction.items()))
            .send()
            .await;
        let Err(error) = sent else { return Ok(()) };
        transaction
            .judge(error.as_service_error())
            .unwrap_or_else(|| Err(failure(error).into()))
    }

    /// `None` for a range that is empty: the service refuses to be asked for it.
    fn query(&self, stream: &str, versions: RangeInclusive<u64>) -> Option<QueryFluentBuilder> {
        if versions.is_empty() {
            return None;
        }
        let (from, to) = versions.into_inner();
        let query = self
            .client
            .query()
            .table_name(&self.events)
            .consistent_read(true)
            .key_condition_expression("#stream = :stream AND #version BETWEEN :from AND :to")
            .expression_attribute_names("#stream", STREAM)
            .expression_attribute_names("#version", VERSION)
            .expression_attribute_values(":stream", AttributeValue::S(stream.to_owned()))
            .expression_attribute_values(":from", AttributeValue::N(from.to_string()))
            .expression_attribute_values(":to", AttributeValue::N(to.to_string()));
        Some(query)
    }
}

impl EventLog for DynamoDbEventLog {
    async fn append(&self, batch: &Batch) -> Result<(), AppendError> {
        batch.check()?;
        let mut items: Vec<_> = batch.commits.iter().map(encode).collect();
        let is_alone =
            batch.unchanged.is_empty() && batch.claims.is_empty() && batch.done.is_none();
        match batch.commits.as_slice() {
            [] if is_alone => Ok(()),
            [commit] if is_alone => self.put(commit, items.remove(0)).await,
            _ => self.transact(batch, items).await,
        }
    }

    async fn read(
        &self,
        stream: &str,
        versions: RangeInclusive<u64>,
        limit: usize,
    ) -> Result<Vec<Commit>, StoreError> {
        let query = self.query(stream, versions);
        let items = pages(query, limit).await?;
        items.into_iter().map(|item| decode(stream, item)).collect()
    }

    async fn newest(
        &self,
        stream: &str,
        versions: RangeInclusive<u64>,
        limit: usize,
    ) -> Result<Vec<Commit>, StoreError> {
        let query = self.query(stream, versions);
        let query = query.map(|query| query.scan_index_forward(false));
        let items = pages(query, limit).await?;
        items.into_iter().map(|item| decode(stream, item)).collect()
    }

    async fn events(
        &self,
        stream: &str,
        versions: RangeInclusive<u64>,
    ) -> Result<Vec<(u64, String)>, StoreError> {
        let query = self.query(stream, versions).map(|query| {
            query
                .expression_attribute_names("#events", EVENTS)
                .projection_expression("#version, #events")
        });
        let items = pages(query, usize::MAX).await?;
        items
            .into_iter()
            .map(|item| decode_events(stream, item))
            .collect()
    }

    async fn done(
        &self,
        command_id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Option<Position>, StoreError> {
        let Some((table, _)) = &self.claims else {
            return Ok(None);
        };
        let found = self
            .client
            .get_item()
            .table_name(table)
            .consistent_read(true)
            .key(
                CLAIM,
                AttributeValue::S(crate::claims::command_key(command_id)),
            )
            .send()
            .await
            .map_err(failure)?;
        Ok(found.item().and_then(|item| crate::claims::done(item, now)))
    }
}

/// All that a query finds, up to a limit, page by page.
async fn pages(query: Option<QueryFluentBuilder>, limit: usize) -> Result<Vec<Item>, StoreError> {
    let mut items = Vec::new();
    // OK because the service takes a limit of 0 for a mistake.
    let Some(query) = query.filter(|_| limit > 0) else {
        return Ok(items);
    };
    let mut next = None;
    loop {
        let page = query
            .clone()
            .set_limit(i32::try_from(limit - items.len()).ok())
            .set_exclusive_start_key(next)
            .send()
            .await
            .map_err(failure)?;
        items.extend(page.items.unwrap_or_default());
        next = page.last_evaluated_key;
        if next.is_none() || items.len() >= limit {
            return Ok(items);
        }
    }
}

/// The first try landed and its reply was lost: what stands in the way is our own commit.
pub(crate) fn is_ours(old: Option<&Item>, commit: &Commit) -> bool {
    old.and_then(|old| decode(&commit.stream, old.clone()).ok())
        .is_some_and(|old| old.chain == commit.chain)
}

pub(crate) fn failure<E, R>(error: SdkError<E, R>) -> StoreError
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hash, Metadata, Stamp};

    /// The size of an item, counted attribute by attribute.
    fn size(item: &Item) -> usize {
        let value = |value: &AttributeValue| match value {
            AttributeValue::S(text) => text.len(),
            AttributeValue::B(bytes) => bytes.as_ref().len(),
            AttributeValue::N(_) => 21,
            other => panic!("no commit has {other:?}"),
        };
        item.iter()
            .map(|(name, held)| name.len() + value(held))
            .sum()
    }

    #[test]
    fn a_commit_has_the_size_of_its_item() {
        for snapshot in [None, Some("Zoë \u{1F980}".to_owned())] {
            let at = Position {
                stream: "user-1".into(),
                version: 1,
            };
            let stamp = Stamp {
                id: Uuid::now_v7(),
                timestamp: Utc::now(),
            };
            let metadata = Metadata::new("tests", "tests");
            let commit = Commit::new(at, Hash::default(), &stamp, &metadata, &[], snapshot);
            let commit = commit.expect("it has JSON");
            let item = serde_dynamo::to_item(&commit).expect("an item");
            assert_eq!(commit.size(), size(&item));
        }
    }
}
