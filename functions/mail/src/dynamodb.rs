//! The outbox in DynamoDB: one item per event, `claimed`, then `sent` or `unknown`.

use crate::deliver::{Claim, DeliverError, Outbox, Outcome};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use edge::Announcement;
use std::error::Error;
use uuid::Uuid;

/// Partition key: the event's id.
const EVENT: &str = "event";
const STATUS: &str = "status";
/// Tells our own claim from another's.
const ATTEMPT: &str = "attempt";
const CLAIMED: &str = "claimed";

/// Mails in one table.
pub struct DynamoDbOutbox {
    /// Speaks to the service.
    pub client: Client,
    /// The name of the table.
    pub table: String,
}

fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

fn failed(error: impl Error + Send + Sync + 'static) -> DeliverError {
    DeliverError::Outbox(Box::new(error))
}

impl Outbox for DynamoDbOutbox {
    async fn claim(&self, mail: &Announcement) -> Result<Claim, DeliverError> {
        let attempt = text(Uuid::now_v7());
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .item(EVENT, text(mail.id))
            .item(ATTEMPT, attempt.clone())
            .item(STATUS, text(CLAIMED))
            .item("stream", text(&mail.stream))
            .item("version", AttributeValue::N(mail.version.to_string()))
            .condition_expression("attribute_not_exists(#event)")
            .expression_attribute_names("#event", EVENT)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = put.send().await else {
            return Ok(Claim::Ours);
        };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(found)) => {
                let attribute = |name| found.item().and_then(|item| item.get(name));
                // Our first try landed, and its reply was lost.
                if attribute(ATTEMPT) == Some(&attempt) {
                    return Ok(Claim::Ours);
                }
                let status = attribute(STATUS);
                Ok(if status == Some(&text(CLAIMED)) {
                    Claim::Open
                } else {
                    Claim::Done
                })
            }
            _ => Err(failed(error)),
        }
    }

    async fn mark(&self, event: Uuid, outcome: &Outcome) -> Result<(), DeliverError> {
        let (status, message_id) = match outcome {
            Outcome::Sent(message_id) => ("sent", message_id.as_str()),
            Outcome::Unknown => ("unknown", ""),
        };
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(EVENT, text(event))
            .update_expression("SET #status = :status, message_id = :message")
            .expression_attribute_names("#status", STATUS)
            .expression_attribute_values(":status", text(status))
            .expression_attribute_values(":message", text(message_id));
        // OK because of two copies of a message, the one that sent it knows best.
        let update = match outcome {
            Outcome::Sent(_) => update,
            Outcome::Unknown => update
                .condition_expression("#status = :claimed")
                .expression_attribute_values(":claimed", text(CLAIMED)),
        };
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Ok(())
            }
            Err(error) => Err(failed(error)),
        }
    }

    async fn release(&self, event: Uuid) -> Result<(), DeliverError> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key(EVENT, text(event));
        delete.send().await.map(drop).map_err(failed)
    }
}
