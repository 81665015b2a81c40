//! The event log on DynamoDB.

use crate::item::{Item, decode, decode_events, encode, size};
use crate::schema::{CLAIM, EVENTS, MAX_ITEM, STREAM, VERSION};
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
            Some(
                PutItemError::ConditionalCheckFailedException(_)
                | PutItemError::TransactionConflictException(_),
            ) => Err(AppendError::Conflict),
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

    fn query(&self, stream: &str, versions: RangeInclusive<u64>) -> QueryFluentBuilder {
        let (from, to) = versions.into_inner();
        self.client
            .query()
            .table_name(&self.events)
            .consistent_read(true)
            .key_condition_expression("#stream = :stream AND #version BETWEEN :from AND :to")
            .expression_attribute_names("#stream", STREAM)
            .expression_attribute_names("#version", VERSION)
            .expression_attribute_values(":stream", AttributeValue::S(stream.to_owned()))
            .expression_attribute_values(":from", AttributeValue::N(from.to_string()))
            .expression_attribute_values(":to", AttributeValue::N(to.to_string()))
    }
}

impl EventLog for DynamoDbEventLog {
    async fn append(&self, batch: &Batch) -> Result<(), AppendError> {
        let mut items = Vec::with_capacity(batch.commits.len());
        for commit in &batch.commits {
            let item = encode(commit);
            within("bytes", MAX_ITEM, size(&item))?;
            items.push(item);
        }
        match (batch.commits.as_slice(), items.as_mut_slice()) {
            ([commit], [item])
                if batch.unchanged.is_empty()
                    && batch.claims.is_empty()
                    && batch.done.is_none() =>
            {
                self.put(commit, std::mem::take(item)).await
            }
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
        let query = self.query(stream, versions).scan_index_forward(false);
        let items = pages(query, limit).await?;
        items.into_iter().map(|item| decode(stream, item)).collect()
    }

    async fn events(
        &self,
        stream: &str,
        versions: RangeInclusive<u64>,
    ) -> Result<Vec<(u64, String)>, StoreError> {
        let query = self
            .query(stream, versions)
            .expression_attribute_names("#events", EVENTS)
            .projection_expression("#version, #events");
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

/// A range that is empty asks nothing.
async fn pages(query: QueryFluentBuilder, limit: usize) -> Result<Vec<Item>, StoreError> {
    let mut items = Vec::new();
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

pub(crate) fn within(unit: &'static str, limit: usize, found: usize) -> Result<(), StoreError> {
    if found > limit {
        return Err(StoreError::TooLarge { unit, limit, found });
    }
    Ok(())
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
