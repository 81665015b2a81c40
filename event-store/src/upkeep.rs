//! What those who look after a store need, and no function may: everything that a table holds, whatever it is, and a way
//! to take a claim from whoever should not have it.

use crate::dynamodb::failure;
use crate::item::{Item, decode, encode, version};
use crate::schema::{CLAIM, STREAM, VERSION};
use crate::transaction::{Built, unchanged};
use crate::{
    AppendError, COMMAND, Commit, DynamoDbEventLog, DynamoDbHeads, Head, Position, StoreError,
    heads_dynamodb,
};
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::scan::builders::ScanFluentBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, TransactWriteItem};
use decider::Claim;
use std::collections::HashMap;

/// Where a page ended, and the next one begins.
pub type Key = HashMap<String, AttributeValue>;

/// One of several parts of a table that are read side by side.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    /// Which one, from 0.
    pub index: i32,
    /// How many there are.
    pub of: i32,
}

/// A part of what was asked for.
#[derive(Debug)]
pub struct Page<T> {
    /// What it holds.
    pub items: Vec<T>,
    /// Where the next one begins, if there is one.
    pub next: Option<Key>,
}

/// An item of the events table.
#[derive(Debug)]
pub struct Stored {
    /// The stream's name.
    pub stream: String,
    /// The version that it lies at; 0 if that is none.
    pub version: u64,
    /// The commit, or why it is none.
    pub commit: Result<Commit, String>,
}

/// An item of the claims table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its key.
    pub key: String,
    /// The stream that holds the value; none if somebody spoiled the item.
    pub stream: Option<String>,
}

impl DynamoDbEventLog {
    /// A page of all items of the events table; those of one stream come in order, and in one segment.
    ///
    /// # Errors
    /// The store could not do its work.
    pub async fn scan(
        &self,
        segment: Segment,
        from: Option<Key>,
    ) -> Result<Page<Stored>, StoreError> {
        let scan = self.client.scan().table_name(&self.events);
        page(scan, segment, from, stored).await
    }

    /// A page of the names of all streams that have a first event.
    ///
    /// # Errors
    /// The store could not do its work.
    pub async fn streams(
        &self,
        segment: Segment,
        from: Option<Key>,
    ) -> Result<Page<String>, StoreError> {
        let scan = self
            .client
            .scan()
            .table_name(&self.events)
            .projection_expression("#stream, #version")
            .filter_expression("#version = :first")
            .expression_attribute_names("#stream", STREAM)
            .expression_attribute_names("#version", VERSION)
            .expression_attribute_values(":first", AttributeValue::N("1".to_owned()));
        page(scan, segment, from, |item| text(&item, STREAM)).await
    }

    /// A page of all items of one stream, in order.
    ///
    /// # Errors
    /// The store could not do its work.
    pub async fn stored(
        &self,
        stream: &str,
        from: Option<Key>,
    ) -> Result<Page<Stored>, StoreError> {
        // OK because it asks for no range: what lies where no commit can lie is looked at, too.
        let found = self
            .client
            .query()
            .table_name(&self.events)
            .consistent_read(true)
            .key_condition_expression("#stream = :stream")
            .expression_attribute_names("#stream", STREAM)
            .expression_attribute_values(":stream", AttributeValue::S(stream.to_owned()))
            .set_exclusive_start_key(from)
            .send()
            .await
            .map_err(failure)?;
        let items = found.items.unwrap_or_default().into_iter();
        Ok(Page {
            items: items.filter_map(stored).collect(),
            next: found.last_evaluated_key,
        })
    }

    /// A page of all claims; commands that were done are left out.
    ///
    /// # Errors
    /// The store could not do its work.
    pub async fn rows(&self, segment: Segment, from: Option<Key>) -> Result<Page<Row>, StoreError> {
        let (table, _) = self.claims.as_ref().ok_or(StoreError::NoClaims)?;
        let scan = self
            .client
            .scan()
            .table_name(table)
            .filter_expression("NOT begins_with(#claim, :command)")
            .expression_attribute_names("#claim", CLAIM)
            .expression_attribute_values(":command", AttributeValue::S(format!("{COMMAND}#")));
        page(scan, segment, from, row).await
    }

    /// The key that a claim lies under.
    ///
    /// # Errors
    /// [`StoreError::NoClaims`].
    pub fn claim_key(&self, claim: &Claim) -> Result<String, StoreError> {
        let (_, key) = self.claims.as_ref().ok_or(StoreError::NoClaims)?;
        Ok(key.item_key(claim))
    }

    /// The claim under a key.
    ///
    /// # Errors
    /// The store could not do its work.
    pub async fn row(&self, key: &str) -> Result<Option<Row>, StoreError> {
        let (table, _) = self.claims.as_ref().ok_or(StoreError::NoClaims)?;
        let found = self
            .client
            .get_item()
            .table_name(table)
            .consistent_read(true)
            .key(CLAIM, AttributeValue::S(key.to_owned()))
            .send()
            .await
            .map_err(failure)?;
        Ok(found.item.and_then(row))
    }

    /// Takes the claim under a key from the stream that the item names, which is known not to want it at this version.
    ///
    /// # Errors
    /// [`AppendError::Conflict`] when the stream has moved on, or another holds the claim by now.
    pub async fn discard(&self, key: &str, holder: &Position) -> Result<(), AppendError> {
        let (table, _) = self.claims.as_ref().ok_or(StoreError::NoClaims)?;
        let items: Result<Vec<_>, BuildError> = [
            unchanged(&self.events, &holder.stream, holder.version),
            delete(table, key, &holder.stream),
        ]
        .into_iter()
        .collect();
        let items = items.map_err(|error| StoreError::Aws(error.into()))?;
        let sent = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            .send()
            .await;
        let Err(error) = sent else { return Ok(()) };
        let is_conflict = match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                let conflicts = [Some("ConditionalCheckFailed"), Some("TransactionConflict")];
                let mut reasons = cancelled.cancellation_reasons().iter();
                reasons.any(|reason| conflicts.contains(&reason.code()))
            }
            Some(TransactWriteItemsError::TransactionInProgressException(_)) => true,
            _ => false,
        };
        Err(if is_conflict {
            AppendError::Conflict
        } else {
            failure(error).into()
        })
    }
}

impl DynamoDbHeads {
    /// A page of all heads.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when one of them cannot be read.
    pub async fn scan(
        &self,
        segment: Segment,
        from: Option<Key>,
    ) -> Result<Page<Head>, StoreError> {
        let scan = self.client.scan().table_name(&self.table);
        let Page { items, next } = page(scan, segment, from, Some).await?;
        let read =
            |item: Item| heads_dynamodb::decode(&text(&item, STREAM).unwrap_or_default(), item);
        let items = items.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page { items, next })
    }
}

async fn page<T>(
    scan: ScanFluentBuilder,
    segment: Segment,
    from: Option<Key>,
    read: impl Fn(Item) -> Option<T>,
) -> Result<Page<T>, StoreError> {
    let found = scan
        .consistent_read(true)
        .segment(segment.index)
        .total_segments(segment.of)
        .set_exclusive_start_key(from)
        .send()
        .await
        .map_err(failure)?;
    let items = found.items.unwrap_or_default().into_iter();
    Ok(Page {
        items: items.filter_map(read).collect(),
        next: found.last_evaluated_key,
    })
}

/// OK because it skips none: each item has a text for a stream.
fn stored(item: Item) -> Option<Stored> {
    let stream = text(&item, STREAM)?;
    Some(match version(&item) {
        Some(version) => Stored {
            version,
            commit: exactly(&stream, &item),
            stream,
        },
        None => Stored {
            stream,
            version: 0,
            commit: Err("no commit has such a version".to_owned()),
        },
    })
}

/// The commit in an item that holds nothing else: what no reader looks at could be put there unnoticed.
fn exactly(stream: &str, item: &Item) -> Result<Commit, String> {
    let commit = decode(stream, item.clone()).map_err(|error| error.to_string())?;
    let again = encode(&commit);
    let differs = |name: &&String| item.get(*name) != again.get(*name);
    match item.keys().chain(again.keys()).find(differs) {
        None => Ok(commit),
        Some(name) => Err(format!("its attribute {name} is not as a commit has it")),
    }
}

fn row(item: Item) -> Option<Row> {
    Some(Row {
        key: text(&item, CLAIM)?,
        stream: text(&item, STREAM),
    })
}

fn text(item: &Item, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}

fn delete(table: &str, key: &str, stream: &str) -> Built {
    let delete = Delete::builder()
        .table_name(table)
        .key(CLAIM, AttributeValue::S(key.to_owned()))
        .condition_expression("#stream = :stream")
        .expression_attribute_names("#stream", STREAM)
        .expression_attribute_values(":stream", AttributeValue::S(stream.to_owned()));
    delete
        .build()
        .map(|delete| TransactWriteItem::builder().delete(delete).build())
}
