//! Counters in the table of their read model: one item per counter and shard, written with the document that counts.

use crate::documents::shard;
use crate::dynamodb::{Item, PARTITION, SORT, failure, text};
use crate::{Counts, Generation, ReadModelError};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use futures_util::future::try_join_all;
use std::time::Duration;

/// How much a counter has, in its item.
const COUNT: &str = "n";
/// How often a transaction is tried that meets another one on a counter.
const ATTEMPTS: u32 = 6;

/// Puts a document and adds to counters in one transaction.
///
/// # Errors
/// [`ReadModelError::Conflict`] where the document's condition fails, or others were at the same counters every time.
pub(crate) async fn put_and_count(
    client: &Client,
    table: &str,
    generation: Generation,
    put: Put,
    id: &str,
    counts: &Counts,
) -> Result<(), ReadModelError> {
    let mut items = vec![TransactWriteItem::builder().put(put).build()];
    for (counter, by) in counts {
        let update = Update::builder()
            .table_name(table)
            .set_key(Some(key(
                generation,
                shard(id, generation.shards.counters),
                counter,
            )))
            .update_expression("ADD #n :by")
            .expression_attribute_names("#n", COUNT)
            .expression_attribute_values(":by", AttributeValue::N(by.to_string()))
            .build()
            .map_err(failure)?;
        items.push(TransactWriteItem::builder().update(update).build());
    }
    for attempt in 0..ATTEMPTS {
        let transaction = client
            .transact_write_items()
            .set_transact_items(Some(items.clone()));
        let error = match transaction.send().await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        match error.as_service_error().and_then(judge) {
            None => return Err(failure(error)),
            Some(Cancelled::Moved) => return Err(ReadModelError::Conflict),
            Some(Cancelled::Busy) => pause(attempt).await,
        }
    }
    Err(ReadModelError::Conflict)
}

/// What each counter of a range has, over all shards.
///
/// # Errors
/// The store failed, or an item is no counter.
pub(crate) async fn read(
    client: &Client,
    table: &str,
    generation: Generation,
    from: &str,
    to: &str,
) -> Result<Counts, ReadModelError> {
    let shards = (0..generation.shards.counters).map(|shard| async move {
        let mut pages = client
            .query()
            .table_name(table)
            .key_condition_expression("#pk = :partition AND #sk BETWEEN :from AND :to")
            .expression_attribute_names("#pk", PARTITION)
            .expression_attribute_names("#sk", SORT)
            .expression_attribute_values(":partition", text(partition(generation, shard)))
            .expression_attribute_values(":from", text(from))
            .expression_attribute_values(":to", text(to))
            .into_paginator()
            .items()
            .send();
        let mut items = Vec::new();
        while let Some(item) = pages.next().await {
            items.push(decode(&item.map_err(failure)?)?);
        }
        Ok::<_, ReadModelError>(items)
    });
    let mut sums = Counts::new();
    for (counter, by) in try_join_all(shards).await?.into_iter().flatten() {
        let sum = sums.entry(counter).or_default();
        // OK because a number of DynamoDB has 38 digits, of which no sum of 256 is too long.
        *sum += by;
    }
    Ok(sums)
}

/// Why a transaction did not happen, where that settles it or trying again may.
#[derive(Debug, PartialEq)]
enum Cancelled {
    /// The document is not the one that was read.
    Moved,
    /// Others are writing, or more than the table takes.
    Busy,
}

fn judge(error: &TransactWriteItemsError) -> Option<Cancelled> {
    const BUSY: [&str; 3] = [
        "TransactionConflict",
        "ThrottlingError",
        "ProvisionedThroughputExceeded",
    ];
    let cancelled = match error {
        TransactWriteItemsError::TransactionCanceledException(cancelled) => cancelled,
        // Our own that is still at work: the condition will tell whether it landed.
        TransactWriteItemsError::TransactionInProgressException(_) => return Some(Cancelled::Busy),
        _ => return None,
    };
    let codes = || {
        cancelled
            .cancellation_reasons()
            .iter()
            .filter_map(|reason| reason.code())
    };
    if codes().any(|code| code == "ConditionalCheckFailed") {
        Some(Cancelled::Moved)
    } else {
        codes()
            .any(|code| BUSY.contains(&code))
            .then_some(Cancelled::Busy)
    }
}

/// Full jitter, so that writers who met once do not meet again.
pub(crate) async fn pause(attempt: u32) {
    tokio::time::sleep(Duration::from_millis(fastrand::u64(0..10 << attempt))).await;
}

fn partition(generation: Generation, shard: u8) -> String {
    generation.key(&format!("counters#{shard}"))
}

fn key(generation: Generation, shard: u8, counter: &str) -> Item {
    Item::from([
        (PARTITION.to_owned(), text(partition(generation, shard))),
        (SORT.to_owned(), text(counter)),
    ])
}

fn decode(item: &Item) -> Result<(String, i128), ReadModelError> {
    let counter = item.get(SORT).and_then(|sort| sort.as_s().ok());
    let count = item.get(COUNT).and_then(|count| count.as_n().ok());
    let count = count.and_then(|count| count.parse().ok());
    let counter = counter.cloned().unwrap_or_default();
    match count {
        Some(count) => Ok((counter, count)),
        None => Err(ReadModelError::Corrupt {
            document: counter,
            why: "a counter must have a whole number".into(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamodb::number;
    use aws_sdk_dynamodb::types::CancellationReason;
    use aws_sdk_dynamodb::types::error::{
        TransactionCanceledException, TransactionInProgressException,
    };

    fn cancelled(codes: [&str; 2]) -> TransactWriteItemsError {
        let reasons = codes.map(|code| CancellationReason::builder().code(code).build());
        let cancelled = TransactionCanceledException::builder();
        let cancelled = cancelled.set_cancellation_reasons(Some(reasons.into()));
        TransactWriteItemsError::TransactionCanceledException(cancelled.build())
    }

    #[test]
    fn what_will_pass_is_tried_again_unless_the_document_is_another() {
        for code in [
            "TransactionConflict",
            "ThrottlingError",
            "ProvisionedThroughputExceeded",
        ] {
            let busy = judge(&cancelled(["None", code]));
            assert_eq!(busy, Some(Cancelled::Busy), "{code}");
            let moved = judge(&cancelled([code, "ConditionalCheckFailed"]));
            assert_eq!(moved, Some(Cancelled::Moved), "{code}");
        }
        let at_work = TransactionInProgressException::builder().build();
        let at_work = TransactWriteItemsError::TransactionInProgressException(at_work);
        assert_eq!(judge(&at_work), Some(Cancelled::Busy));
        assert_eq!(judge(&cancelled(["None", "ValidationError"])), None);
    }

    #[test]
    fn what_is_no_whole_number_is_not_taken_for_none() {
        let item = |count| Item::from([(SORT.to_owned(), text("a")), (COUNT.to_owned(), count)]);
        assert_eq!(decode(&item(number(7))).expect("a counter").1, 7);
        let half = AttributeValue::N("0.5".to_owned());
        for wrong in [half, text("7")] {
            let decoded = decode(&item(wrong));
            assert!(
                matches!(decoded, Err(ReadModelError::Corrupt { .. })),
                "{decoded:?}"
            );
        }
    }
}
