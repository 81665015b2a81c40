//! The transaction of a batch: what is written under which condition, and what a cancellation means.

use crate::claims::{command_key, done};
use crate::dynamodb::is_ours;
use crate::item::Item;
use crate::schema::{CLAIM, EXPIRES, STREAM, VERSION};
use crate::{AppendError, Batch, ClaimChange, ClaimsKey, Done, StoreError};
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ConditionCheck, Delete, Put,
    ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use chrono::{DateTime, Utc};

/// A batch as DynamoDB takes it: the commits, the streams that stay, the command, the claims, in this order.
pub(crate) struct Transaction<'a> {
    batch: &'a Batch,
    items: Vec<TransactWriteItem>,
}

impl<'a> Transaction<'a> {
    /// Of commits in the table `events`, whose items are given, and of claims in a table under a key.
    pub fn new(
        events: &str,
        claims: Option<(&str, &ClaimsKey)>,
        batch: &'a Batch,
        commits: Vec<Item>,
    ) -> Result<Self, StoreError> {
        let mut items = Vec::new();
        for commit in commits {
            items.push(commit_write(events, commit));
        }
        for position in &batch.unchanged {
            items.push(unchanged(events, &position.stream, position.version));
        }
        if batch.done.is_some() || !batch.claims.is_empty() {
            let (table, key) = claims.ok_or(StoreError::NoClaims)?;
            items.extend(batch.done.iter().map(|done| done_write(table, done)));
            let claims = batch.claims.iter();
            items.extend(claims.map(|(stream, change)| claim_write(table, key, change, stream)));
        }
        let items = items.into_iter().collect::<Result<_, BuildError>>();
        Ok(Self {
            batch,
            items: items.map_err(|error| StoreError::Aws(error.into()))?,
        })
    }

    /// Makes the service recognise a repetition for ten minutes; after that the conditions do.
    pub fn token(&self) -> Option<String> {
        let first = self.batch.commits.first()?;
        first.stamp().ok().map(|stamp| stamp.id.to_string())
    }

    pub fn items(&self) -> Vec<TransactWriteItem> {
        self.items.clone()
    }

    /// What an error means; `None` when it is the service's own trouble.
    ///
    /// A repetition is judged first, then the streams: where one has moved on, what claims say is of the past.
    pub fn judge(
        &self,
        error: Option<&TransactWriteItemsError>,
    ) -> Option<Result<(), AppendError>> {
        // A transaction that is still in progress may land or not: that is for the service to say.
        let TransactWriteItemsError::TransactionCanceledException(cancelled) = error? else {
            return None;
        };
        let reasons = cancelled.cancellation_reasons();
        let Batch {
            commits,
            unchanged,
            claims,
            done: command,
        } = self.batch;
        let failed = |reason: &CancellationReason| reason.code() == Some("ConditionalCheckFailed");
        let (of_commits, rest) = reasons.split_at_checked(commits.len())?;
        let (of_unchanged, rest) = rest.split_at_checked(unchanged.len())?;
        let (of_command, of_claims) = rest.split_at_checked(command.iter().len())?;
        let mut commits = of_commits.iter().zip(commits);
        if commits.any(|(reason, commit)| failed(reason) && is_ours(reason.item(), commit)) {
            return Some(Ok(()));
        }
        if let (Some(reason), Some(command)) = (of_command.first(), command)
            && failed(reason)
            && let Some(at) = reason.item().and_then(|item| done(item, command.now))
        {
            return Some(Err(AppendError::Done(at)));
        }
        let transaction_conflict =
            |reason: &CancellationReason| reason.code() == Some("TransactionConflict");
        if of_commits
            .iter()
            .chain(of_unchanged)
            .chain(of_command)
            .any(failed)
            || reasons.iter().any(transaction_conflict)
        {
            return Some(Err(AppendError::Conflict));
        }
        let mut claims = of_claims.iter().zip(claims);
        let Some((_, (stream, change))) = claims.find(|(reason, _)| failed(reason)) else {
            let throttled = reasons.iter().find(|reason| throttles(reason))?;
            let why = throttled.message().unwrap_or_default();
            return Some(Err(StoreError::Throttled(why.into()).into()));
        };
        Some(Err(match change {
            ClaimChange::Take(claim) => AppendError::ClaimTaken { kind: claim.kind },
            ClaimChange::Release(claim) => {
                let why = format!(
                    "another stream holds the {} that it would release",
                    claim.kind
                );
                let version = self
                    .batch
                    .commits
                    .iter()
                    .find(|commit| commit.stream == *stream);
                StoreError::corrupt(stream, version.map_or(0, |commit| commit.version), why).into()
            }
        }))
    }
}

fn throttles(reason: &CancellationReason) -> bool {
    const CODES: [&str; 2] = ["ThrottlingError", "ProvisionedThroughputExceeded"];
    reason.code().is_some_and(|code| CODES.contains(&code))
}

pub(crate) type Built = Result<TransactWriteItem, BuildError>;

fn commit_write(table: &str, item: Item) -> Built {
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(item))
        .condition_expression("attribute_not_exists(#stream)")
        .expression_attribute_names("#stream", STREAM)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    put.build()
        .map(|put| TransactWriteItem::builder().put(put).build())
}

/// The version after a stream's last is still free.
pub(crate) fn unchanged(table: &str, stream: &str, version: u64) -> Built {
    let check = ConditionCheck::builder()
        .table_name(table)
        .key(STREAM, AttributeValue::S(stream.to_owned()))
        .key(VERSION, AttributeValue::N((version + 1).to_string()))
        .condition_expression("attribute_not_exists(#stream)")
        .expression_attribute_names("#stream", STREAM);
    check
        .build()
        .map(|check| TransactWriteItem::builder().condition_check(check).build())
}

fn done_write(table: &str, done: &Done) -> Built {
    let seconds = |time: DateTime<Utc>| AttributeValue::N(time.timestamp().to_string());
    let put = Put::builder()
        .table_name(table)
        .item(CLAIM, AttributeValue::S(command_key(done.command_id)))
        .item(STREAM, AttributeValue::S(done.at.stream.clone()))
        .item(VERSION, AttributeValue::N(done.at.version.to_string()))
        .item(EXPIRES, seconds(done.until))
        .condition_expression("attribute_not_exists(#claim) OR #expires <= :now")
        .expression_attribute_names("#claim", CLAIM)
        .expression_attribute_names("#expires", EXPIRES)
        .expression_attribute_values(":now", seconds(done.now))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    put.build()
        .map(|put| TransactWriteItem::builder().put(put).build())
}

/// A claim may be taken by whoever holds it already, and released where it is gone: both happen when an earlier try landed.
fn claim_write(table: &str, key: &ClaimsKey, change: &ClaimChange, stream: &str) -> Built {
    let item_key = AttributeValue::S(key.item_key(change.claim()));
    let holder = AttributeValue::S(stream.to_owned());
    let condition = "attribute_not_exists(#stream) OR #stream = :stream";
    let write = TransactWriteItem::builder();
    match change {
        ClaimChange::Take(_) => Put::builder()
            .table_name(table)
            .item(CLAIM, item_key)
            .item(STREAM, holder.clone())
            .condition_expression(condition)
            .expression_attribute_names("#stream", STREAM)
            .expression_attribute_values(":stream", holder)
            .build()
            .map(|put| write.put(put).build()),
        ClaimChange::Release(_) => Delete::builder()
            .table_name(table)
            .key(CLAIM, item_key)
            .condition_expression(condition)
            .expression_attribute_names("#stream", STREAM)
            .expression_attribute_values(":stream", holder)
            .build()
            .map(|delete| write.delete(delete).build()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Position;
    use aws_sdk_dynamodb::types::error::{
        TransactionCanceledException, TransactionInProgressException,
    };

    /// What is made of the reasons for which the parts of a batch were cancelled: two streams, a command.
    fn judged(codes: [&str; 3]) -> Option<Result<(), AppendError>> {
        let at = |stream: &str| Position {
            stream: stream.to_owned(),
            version: 1,
        };
        let batch = Batch {
            unchanged: vec![at("user-1"), at("user-2")],
            done: Some(Done {
                command_id: uuid::Uuid::nil(),
                at: at("user-1"),
                now: DateTime::UNIX_EPOCH,
                until: DateTime::UNIX_EPOCH,
            }),
            ..Batch::default()
        };
        let key = ClaimsKey::new("a secret of tests");
        let transaction = Transaction::new("events", Some(("claims", &key)), &batch, Vec::new());
        let reason = |code| CancellationReason::builder().code(code).build();
        let cancelled = TransactionCanceledException::builder()
            .set_cancellation_reasons(Some(codes.map(reason).into()))
            .build();
        let error = TransactWriteItemsError::TransactionCanceledException(cancelled);
        transaction.expect("it is complete").judge(Some(&error))
    }

    #[test]
    fn a_throttled_transaction_is_no_failure_of_unknown_outcome() {
        for code in ["ThrottlingError", "ProvisionedThroughputExceeded"] {
            let judged = judged(["None", code, "None"]);
            assert!(
                matches!(
                    judged,
                    Some(Err(AppendError::Store(StoreError::Throttled(_))))
                ),
                "{judged:?}"
            );
        }
    }

    #[test]
    fn another_transaction_at_work_is_a_conflict() {
        for codes in [
            ["None", "None", "TransactionConflict"],
            ["ThrottlingError", "ConditionalCheckFailed", "None"],
        ] {
            let judged = judged(codes);
            assert!(
                matches!(judged, Some(Err(AppendError::Conflict))),
                "{judged:?}"
            );
        }
    }

    #[test]
    fn our_own_transaction_at_work_is_not_decided_again() {
        let batch = Batch::default();
        let transaction = Transaction::new("events", None, &batch, Vec::new());
        let at_work = TransactionInProgressException::builder().build();
        let error = TransactWriteItemsError::TransactionInProgressException(at_work);
        let judged = transaction.expect("it is complete").judge(Some(&error));
        assert!(judged.is_none(), "nobody knows: {judged:?}");
    }
}
