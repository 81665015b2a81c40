//! Documents, index rows and counters of one generation, in a DynamoDB table with the partition key `pk` and the sort key `sk`.

use crate::item::Unchanged;
use crate::{
    Counts, Documents, Generation, ReadModelError, Row, RowChange, Shards, StoredDocument, Trouble,
    counters,
};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, Put};
use futures_util::stream::{self, StreamExt};
use std::collections::HashMap;
use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Partition key of documents and rows.
pub const PARTITION: &str = "pk";
/// Sort key of documents and rows.
pub const SORT: &str = "sk";
/// When DynamoDB may delete the mark of a row that has gone.
pub const EXPIRES: &str = "expires";

/// A writer that is later than this is not about to write any more.
const MARK_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// How many index rows of a document are written at once.
const AT_ONCE: usize = 16;
pub(crate) type Item = HashMap<String, AttributeValue>;

/// One generation of the read model in one table.
#[derive(Clone, Debug)]
pub struct DynamoDbDocuments {
    client: Client,
    table: String,
    generation: Generation,
}

impl DynamoDbDocuments {
    /// The first generation of the read model in the table of this name.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self::of(client, table, Generation::default())
    }

    /// Another generation of it.
    pub fn of(client: Client, table: impl Into<String>, generation: Generation) -> Self {
        Self {
            client,
            table: table.into(),
            generation,
        }
    }

    /// Which one it is.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Writes an index row, or the mark of one that has gone, unless a later version of its document did.
    async fn settle_row(&self, change: &RowChange, version: u64) -> Result<(), ReadModelError> {
        let mut item = HashMap::from([
            (
                PARTITION.to_owned(),
                text(self.generation.key(&change.row.partition)),
            ),
            (SORT.to_owned(), text(&change.row.sort)),
            ("version".to_owned(), number(version)),
        ]);
        if change.gone {
            item.insert(EXPIRES.to_owned(), number(mark_expires()));
        }
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#pk) OR #version <= :version")
            .expression_attribute_names("#pk", PARTITION)
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":version", number(version));
        unless_condition_failed(put.send().await, |error| {
            error.is_conditional_check_failed_exception()
        })
        .map(drop)
    }

    fn document_key(&self, id: &str) -> Item {
        HashMap::from([
            (
                PARTITION.to_owned(),
                text(self.generation.key(&format!("document#{id}"))),
            ),
            (SORT.to_owned(), text("document")),
        ])
    }
}

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

impl Documents for DynamoDbDocuments {
    fn shards(&self) -> Shards {
        self.generation.shards
    }

    async fn get(
        &self,
        id: &str,
        consistent: bool,
    ) -> Result<Option<StoredDocument>, ReadModelError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(self.document_key(id)))
            .consistent_read(consistent)
            .send()
            .await
            .map_err(failure)?;
        answer.item.map(decode).transpose()
    }

    async fn get_all(&self, ids: &[String]) -> Result<Vec<StoredDocument>, ReadModelError> {
        /// What one BatchGetItem takes.
        const BATCH: usize = 100;
        let mut documents = Vec::new();
        for ids in ids.chunks(BATCH) {
            let keys = ids.iter().map(|id| self.document_key(id)).collect();
            let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).build();
            let mut wanted = Some(HashMap::from([(
                self.table.clone(),
                wanted.map_err(failure)?,
            )]));
            let mut attempt = 0;
            while let Some(request) = wanted.take().filter(|request| !request.is_empty()) {
                let answer = self
                    .client
                    .batch_get_item()
                    .set_request_items(Some(request))
                    .send()
                    .await
                    .map_err(failure)?;
                for item in answer
                    .responses
                    .into_iter()
                    .flatten()
                    .flat_map(|(_, items)| items)
                {
                    documents.push(decode(item)?);
                }
                wanted = answer.unprocessed_keys;
                if wanted.as_ref().is_some_and(|left| !left.is_empty()) {
                    counters::pause(attempt).await;
                    attempt = u32::min(attempt + 1, 6);
                }
            }
        }
        Ok(documents)
    }

    async fn put(
        &self,
        document: &StoredDocument,
        over: Option<&StoredDocument>,
        counts: &Counts,
    ) -> Result<(), ReadModelError> {
        let mut item: Item = serde_dynamo::to_item(document).map_err(failure)?;
        item.extend(self.document_key(&document.id));
        let condition = Unchanged::of(over);
        if counts.is_empty() {
            let put = self
                .client
                .put_item()
                .table_name(&self.table)
                .set_item(Some(item))
                .condition_expression(condition.expression)
                .set_expression_attribute_names(Some(condition.names))
                .set_expression_attribute_values(condition.values);
            return unless_condition_failed(put.send().await, |error| {
                error.is_conditional_check_failed_exception()
            })?
            .then_some(())
            .ok_or(ReadModelError::Conflict);
        }
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(condition.expression)
            .set_expression_attribute_names(Some(condition.names))
            .set_expression_attribute_values(condition.values)
            .build()
            .map_err(failure)?;
        let (client, table, generation) = (&self.client, &self.table, self.generation);
        counters::put_and_count(client, table, generation, put, &document.id, counts).await
    }

    async fn note(&self, id: &str, trouble: &Trouble) -> Result<(), ReadModelError> {
        let update = || {
            self.client
                .update_item()
                .table_name(&self.table)
                .set_key(Some(self.document_key(id)))
                .expression_attribute_names("#trouble", "trouble")
                .expression_attribute_names("#applied", "applied")
                .expression_attribute_values(":version", number(trouble.version))
        };
        let again = update()
            .update_expression(
                "SET #trouble.#version = :version, #trouble.#why = :why ADD #trouble.#attempts :one",
            )
            .condition_expression(
                "attribute_exists(#trouble) AND attribute_not_exists(#trouble.#parked) AND #applied < :version",
            )
            .expression_attribute_names("#version", "version")
            .expression_attribute_names("#why", "why")
            .expression_attribute_names("#attempts", "attempts")
            .expression_attribute_names("#parked", "parked_by")
            .expression_attribute_values(":why", text(&trouble.why))
            .expression_attribute_values(":one", number(1));
        let is_condition = UpdateItemError::is_conditional_check_failed_exception;
        if unless_condition_failed(again.send().await, is_condition)? {
            return Ok(());
        }
        let trouble = serde_dynamo::to_attribute_value(trouble).map_err(failure)?;
        let first = update()
            .update_expression(
                "SET #trouble = :trouble, #applied = if_not_exists(#applied, :none), #id = :id",
            )
            .condition_expression(
                "attribute_not_exists(#trouble) AND (attribute_not_exists(#applied) OR #applied < :version)",
            )
            .expression_attribute_names("#id", "id")
            .expression_attribute_values(":trouble", trouble)
            .expression_attribute_values(":none", number(0))
            .expression_attribute_values(":id", text(id));
        unless_condition_failed(first.send().await, is_condition).map(drop)
    }

    async fn settle(&self, document: &StoredDocument) -> Result<(), ReadModelError> {
        let mut rows = Vec::with_capacity(document.pending.len());
        for change in &document.pending {
            rows.push(self.settle_row(change, document.applied));
        }
        let mut rows = stream::iter(rows).buffer_unordered(AT_ONCE);
        while let Some(settled) = rows.next().await {
            settled?;
        }
        let condition = Unchanged::of(Some(document));
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(self.document_key(&document.id)))
            .update_expression("REMOVE #pending")
            .condition_expression(condition.expression)
            .set_expression_attribute_names(Some(condition.names))
            .expression_attribute_names("#pending", "pending")
            .set_expression_attribute_values(condition.values);
        unless_condition_failed(update.send().await, |error| {
            error.is_conditional_check_failed_exception()
        })
        .map(drop)
    }

    async fn rows(
        &self,
        partition: &str,
        below: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Row>, ReadModelError> {
        /// How many items are read at a time, at most.
        const MOST: usize = 1000;
        let mut rows = Vec::new();
        let mut below = below.map(str::to_owned);
        let mut at_a_time = limit;
        while rows.len() < limit {
            let mut query = self
                .client
                .query()
                .table_name(&self.table)
                .scan_index_forward(false)
                .set_limit(i32::try_from(at_a_time).ok())
                .key_condition_expression("#pk = :partition")
                .expression_attribute_names("#pk", PARTITION)
                .expression_attribute_values(":partition", text(self.generation.key(partition)));
            if let Some(below) = &below {
                query = query
                    .key_condition_expression("#pk = :partition AND #sk < :below")
                    .expression_attribute_names("#sk", SORT)
                    .expression_attribute_values(":below", text(below));
            }
            let page = query.send().await.map_err(failure)?;
            for item in page.items.unwrap_or_default() {
                let Some(Ok(sort)) = item.get(SORT).map(|sort| sort.as_s()) else {
                    continue;
                };
                below = Some(sort.clone());
                if !item.contains_key(EXPIRES) {
                    rows.push(Row {
                        partition: partition.to_owned(),
                        sort: sort.clone(),
                    });
                }
            }
            if page.last_evaluated_key.is_none() {
                break;
            }
            // OK because there may be thousands of marks of rows that have gone: then a few large pages pass them.
            at_a_time = at_a_time.saturating_mul(2).min(limit.max(MOST));
        }
        rows.truncate(limit);
        Ok(rows)
    }

    async fn counters(&self, from: &str, to: &str) -> Result<Counts, ReadModelError> {
        counters::read(&self.client, &self.table, self.generation, from, to).await
    }
}

fn decode(item: Item) -> Result<StoredDocument, ReadModelError> {
    let id = item
        .get(PARTITION)
        .and_then(|partition| partition.as_s().ok())
        .cloned()
        .unwrap_or_default();
    serde_dynamo::from_item(item).map_err(|why| ReadModelError::Corrupt {
        document: id,
        why: why.into(),
    })
}

/// Whether a conditional write was done; a failed condition is an answer, not an error.
fn unless_condition_failed<T, E, R>(
    sent: Result<T, SdkError<E, R>>,
    is_condition: impl Fn(&E) -> bool,
) -> Result<bool, ReadModelError>
where
    E: Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    match sent {
        Ok(_) => Ok(true),
        Err(error) if error.as_service_error().is_some_and(is_condition) => Ok(false),
        Err(error) => Err(failure(error)),
    }
}

pub(crate) fn failure(error: impl Error + Send + Sync + 'static) -> ReadModelError {
    ReadModelError::Aws(Box::new(error))
}

fn mark_expires() -> u64 {
    // OK because a clock before 1970 only lets the mark expire early.
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    (now + MARK_KEPT).as_secs()
}
