//! Goes through whole tables, several segments side by side.

use event_store::{Key, Page, Segment, StoreError};
use futures_util::stream::{FuturesUnordered, TryStreamExt};
use indicatif::ProgressBar;
use std::future::Future;

/// How tables are read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// How many segments are read side by side.
    pub segments: u16,
    /// Shows how far it is.
    pub progress: ProgressBar,
}

/// Gives each item of a table to a fold of its own for each segment, in order.
pub(crate) async fn each_segment<T, S, F>(
    reading: &Reading,
    read: impl Fn(Segment, Option<Key>) -> F,
    start: impl Fn() -> S,
    step: impl Fn(&mut S, T),
) -> Result<Vec<S>, StoreError>
where
    F: Future<Output = Result<Page<T>, StoreError>>,
{
    let (read, start, step) = (&read, &start, &step);
    let of = i32::from(reading.segments);
    let segments = (0..of).map(|index| async move {
        let segment = Segment { index, of };
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
pub(crate) async fn all<T, F>(
    reading: &Reading,
    read: impl Fn(Segment, Option<Key>) -> F,
) -> Result<Vec<T>, StoreError>
where
    F: Future<Output = Result<Page<T>, StoreError>>,
{
    let segments = each_segment(reading, read, Vec::new, Vec::push).await?;
    Ok(segments.into_iter().flatten().collect())
}
