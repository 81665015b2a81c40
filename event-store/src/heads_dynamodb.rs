//! Heads on DynamoDB.

use crate::dynamodb::failure;
use crate::item::Item;
use crate::schema::{HASH, SEEN, SHARD, STREAM, VERSION};
use crate::{Head, Heads, StoreError, rfc3339, seen_shard};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use chrono::Utc;

/// Heads in one table.
#[derive(Clone, Debug)]
pub struct DynamoDbHeads {
    pub(crate) client: Client,
    pub(crate) table: String,
}

impl DynamoDbHeads {
    /// Heads in the table of this name.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
        }
    }
}

impl Heads for DynamoDbHeads {
    async fn head(&self, stream: &str) -> Result<Option<Head>, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .consistent_read(true)
            .key(STREAM, AttributeValue::S(stream.to_owned()))
            .send()
            .await
            .map_err(failure)?;
        found.item.map(|item| decode(stream, item)).transpose()
    }

    async fn put(&self, head: &Head, in_place_of: Option<&Head>) -> Result<bool, StoreError> {
        let mut item: Item = serde_dynamo::to_item(head)
            .map_err(|error| StoreError::corrupt(&head.stream, head.version, error))?;
        let (now, shard) = (rfc3339(Utc::now()), seen_shard(&head.stream));
        let place = format!("{now}#{}", head.stream);
        item.insert(SHARD.to_owned(), AttributeValue::S(shard.to_string()));
        item.insert(SEEN.to_owned(), AttributeValue::S(place));
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item));
        // OK because a head that is still the one that was read cannot be moved back.
        let put = match in_place_of {
            None => put
                .condition_expression("attribute_not_exists(#stream)")
                .expression_attribute_names("#stream", STREAM),
            Some(known) => {
                let hash = Blob::new(known.hash.as_bytes().as_slice());
                put.condition_expression("#version = :version AND #hash = :hash")
                    .expression_attribute_names("#version", VERSION)
                    .expression_attribute_names("#hash", HASH)
                    .expression_attribute_values(
                        ":version",
                        AttributeValue::N(known.version.to_string()),
                    )
                    .expression_attribute_values(":hash", AttributeValue::B(hash))
            }
        };
        let Err(error) = put.send().await else {
            return Ok(true);
        };
        match error.as_service_error() {
            // Our own write whose reply was lost ends here, too: the next read finds it.
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(failure(error)),
        }
    }
}

pub(crate) fn decode(stream: &str, item: Item) -> Result<Head, StoreError> {
    serde_dynamo::from_item(item)
        .map_err(|error| StoreError::corrupt(stream, 0, format!("its head: {error}")))
}
