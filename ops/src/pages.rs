//! Goes through whole tables, several segments side by side.

use event_store::{Key, Page, Segment, StoreError};
use futures_util::stream::{FuturesUnordered, TryStreamExt};
use std::future::Future;

/// How many segments are read side by side.
const SEGMENTS: i32 = 8;

/// Gives each item of a table to a fold of its own for each segment, in order.
pub async fn each_segment<T, S, F>(
    read: impl Fn(Segment, Option<Key>) -> F,
    start: impl Fn() -> S,
    step: impl Fn(&mut S, T),
) -> Result<Vec<S>, StoreError>
where
    F: Future<Output = Result<Page<T>, StoreError>>,
{
    let (read, start, step) = (&read, &start, &step);
    let segments = (0..SEGMENTS).map(|index| async move {
        let segment = Segment {
            index,
            of: SEGMENTS,
        };
        let mut state = start();
        let mut next = None;
        loop {
            let page = read(segment, next).await?;
            page.items
                .into_iter()
                .for_each(|item| step(&mut state, item));
            next = page.next;
            if next.is_none() {
                return Ok(state);
            }
        }
    });
    segments
        .collect::<FuturesUnordered<_>>()
        .try_collect()
        .await
}

/// All items of a table.
pub async fn all<T, F>(read: impl Fn(Segment, Option<Key>) -> F) -> Result<Vec<T>, StoreError>
where
    F: Future<Output = Result<Page<T>, StoreError>>,
{
    let segments = each_segment(read, Vec::new, Vec::push).await?;
    Ok(segments.into_iter().flatten().collect())
}
