//! The transaction of a commit and its claims: how a claim is written, and what a cancellation means.

use crate::schema::{CLAIM, COMMIT_ID, STREAM};
use crate::{AppendError, ClaimChange, ClaimsKey, Commit, StoreError};
use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason, Delete, Put, TransactWriteItem};
use std::collections::HashMap;

type Item = HashMap<String, AttributeValue>;

/// The first try landed and its reply was lost: what stands in the way is our own commit.
pub(crate) fn is_ours(old: Option<&Item>, commit: &Commit) -> bool {
    old.and_then(|item| item.get(COMMIT_ID))
        .and_then(|id| id.as_s().ok())
        .is_some_and(|id| *id == commit.id.to_string())
}

/// A claim may be taken by whoever holds it already, and released where it is gone: both happen when an earlier try landed.
pub(crate) fn claim_write(
    table: &str,
    key: &ClaimsKey,
    change: &ClaimChange,
    stream: &str,
) -> Result<TransactWriteItem, StoreError> {
    let item_key = AttributeValue::S(key.item_key(change.claim()));
    let holder = AttributeValue::S(stream.to_owned());
    let condition = "attribute_not_exists(#stream) OR #stream = :stream";
    let write = TransactWriteItem::builder();
    let write = match change {
        ClaimChange::Take(_) => Put::builder()
            .table_name(table)
            .item(CLAIM, item_key)
            .item(STREAM, holder.clone())
            .condition_expression(condition)
            .expression_attribute_names("#stream", STREAM)
            .expression_attribute_values(":stream", holder)
            .build()
            .map(|put| write.put(put)),
        ClaimChange::Release(_) => Delete::builder()
            .table_name(table)
            .key(CLAIM, item_key)
            .condition_expression(condition)
            .expression_attribute_names("#stream", STREAM)
            .expression_attribute_values(":stream", holder)
            .build()
            .map(|delete| write.delete(delete)),
    };
    write
        .map(|write| write.build())
        .map_err(|error| StoreError::Aws(error.into()))
}

/// What a cancelled transaction means; `None` when it is the service's own trouble.
/// The commit is judged first: where the stream has moved on, what its claims say is of the past.
pub(crate) fn judge(
    reasons: &[CancellationReason],
    commit: &Commit,
    claims: &[ClaimChange],
) -> Option<Result<(), AppendError>> {
    let (first, others) = reasons.split_first()?;
    let failed = |reason: &CancellationReason| reason.code() == Some("ConditionalCheckFailed");
    if failed(first) {
        return Some(if is_ours(first.item.as_ref(), commit) {
            Ok(())
        } else {
            Err(AppendError::Conflict)
        });
    }
    if reasons
        .iter()
        .any(|reason| reason.code() == Some("TransactionConflict"))
    {
        return Some(Err(AppendError::Conflict));
    }
    let (_, change) = others
        .iter()
        .zip(claims)
        .find(|(reason, _)| failed(reason))?;
    Some(Err(match change {
        ClaimChange::Take(claim) => AppendError::ClaimTaken { kind: claim.kind },
        ClaimChange::Release(claim) => StoreError::Corrupt {
            stream: commit.stream.clone(),
            version: commit.version,
            why: format!(
                "another stream holds the {} that it would release",
                claim.kind
            ),
        }
        .into(),
    }))
}
