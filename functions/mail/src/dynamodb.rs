//! The outbox in the table of a consumer: one item per mail, `claimed`, then `sent`, `unknown` or `refused`.

use crate::deliver::{Claim, DeliverError, Due, Outbox, Outcome};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use std::collections::HashMap;
use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Partition key, by the event's id; no position and no index row begins so.
const PARTITION: &str = "pk";
/// Sort key, always the same.
const SORT: &str = "sk";
const MAIL: &str = "mail";
const STATUS: &str = "status";
/// Tells our own claim from another's.
const ATTEMPT: &str = "attempt";
const CLAIMED: &str = "claimed";
const REFUSED: &str = "refused";
const ATTEMPTS: &str = "attempts";

/// Who claimed a mail so long ago is not about to say what became of it: no function runs for so long.
const AT_WORK: Duration = Duration::from_secs(30);

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

fn key(event: Uuid) -> HashMap<String, AttributeValue> {
    HashMap::from([
        (PARTITION.to_owned(), text(format!("{MAIL}#{event}"))),
        (SORT.to_owned(), text(MAIL)),
    ])
}

/// Whether a claim was made a moment ago; its attempt is a UUIDv7, and tells.
fn is_at_work(attempt: Option<&AttributeValue>) -> bool {
    let made = attempt
        .and_then(|attempt| attempt.as_s().ok()?.parse::<Uuid>().ok()?.get_timestamp())
        .map(|made| made.to_unix());
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    match (made, now) {
        (Some((seconds, _)), Ok(now)) => now.as_secs() < seconds + AT_WORK.as_secs(),
        _ => false,
    }
}

impl Outbox for DynamoDbOutbox {
    async fn claim(&self, due: &Due<'_>) -> Result<Claim, DeliverError> {
        let attempt = text(Uuid::now_v7());
        let claim = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(due.event)))
            .update_expression(
                "SET #status = :claimed, #attempt = :attempt, #stream = :stream, #version = :version",
            )
            .condition_expression("attribute_not_exists(#status) OR #status = :refused")
            .expression_attribute_names("#status", STATUS)
            .expression_attribute_names("#attempt", ATTEMPT)
            .expression_attribute_names("#stream", "stream")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":claimed", text(CLAIMED))
            .expression_attribute_values(":refused", text(REFUSED))
            .expression_attribute_values(":attempt", attempt.clone())
            .expression_attribute_values(":stream", text(due.stream))
            .expression_attribute_values(":version", AttributeValue::N(due.version.to_string()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = claim.send().await else {
            return Ok(Claim::Ours);
        };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(found)) => {
                let attribute = |name| found.item().and_then(|item| item.get(name));
                // Our first try landed, and its reply was lost.
                if attribute(ATTEMPT) == Some(&attempt) {
                    return Ok(Claim::Ours);
                }
                let is_claimed = attribute(STATUS) == Some(&text(CLAIMED));
                Ok(match is_claimed {
                    true if is_at_work(attribute(ATTEMPT)) => Claim::Busy,
                    true => Claim::Open,
                    false => Claim::Done,
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
            .set_key(Some(key(event)))
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

    async fn refuse(&self, event: Uuid) -> Result<u32, DeliverError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(event)))
            .update_expression("SET #status = :refused ADD #attempts :one")
            .expression_attribute_names("#status", STATUS)
            .expression_attribute_names("#attempts", ATTEMPTS)
            .expression_attribute_values(":refused", text(REFUSED))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .return_values(ReturnValue::UpdatedNew);
        let updated = update.send().await.map_err(failed)?;
        let attempts = updated.attributes.and_then(|new| {
            let attempts = new.get(ATTEMPTS)?.as_n().ok()?;
            attempts.parse().ok()
        });
        Ok(attempts.unwrap_or(1))
    }
}
