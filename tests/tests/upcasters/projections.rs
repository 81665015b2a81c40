//! Projections over streams that hold events of both times.

use decider::{Decider, Entry, Projection, Recorded};
use event_store::{Cache, EventLog};
use read_model::{AtLeast, Documents, ReadModelError, listed, project, show};
use serde::{Deserialize, Serialize};
use tests::backend::Backend;
use tests::doors::{Before, Door, Event, Old, run};
use tests::on_each_backend;

on_each_backend! {
    every_event_of_a_version_is_folded_and_the_document_has_the_last_version
    a_stream_of_which_nothing_is_left_today_has_no_document_until_something_is
    an_event_that_cannot_be_read_leaves_the_document_at_what_came_before_it
}

const NAME: &str = "door-1";

/// What happened to a door, and at which versions.
struct Diary;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Page(Vec<(u64, Event)>);

impl Projection for Diary {
    const NAME: &'static str = "diary";
    type Source = Door;
    type Document = Page;
    type Error = std::convert::Infallible;

    fn fold(
        page: Option<Page>,
        recorded: &Recorded<<Door as Decider>::Event>,
    ) -> Result<Page, Self::Error> {
        let mut page = page.unwrap_or_default();
        page.0.push((recorded.version, recorded.event.clone()));
        Ok(page)
    }

    fn entries(page: &Page) -> Vec<Entry> {
        vec![Entry::Listed {
            list: "doors".into(),
            sort: format!("{:03}", page.0.len()),
        }]
    }
}

async fn append(log: &impl EventLog, events: Vec<Old>) {
    let done = run(&Cache::<Before>::none(), log, NAME, None, events).await;
    done.expect("appended");
}

fn labelled(label: &str) -> Old {
    let label = label.into();
    Old::Labelled { label }
}

fn opened() -> Event {
    let by = "Sarah".into();
    Event::Opened { by, degrees: 0 }
}

/// The document as it is kept, and its applied version.
async fn kept(backend: &Backend) -> Option<(u64, Page)> {
    let stored = backend.documents().get("1", true).await.expect("readable");
    stored.map(|stored| {
        let page = serde_json::from_str(&stored.document.expect("folded")).expect("a page");
        (stored.applied, page)
    })
}

async fn shown(backend: &Backend, at_least: AtLeast) -> Option<(u64, Page)> {
    let (log, documents) = (backend.log(), backend.documents());
    let shown = show::<Diary>(&log, &documents, NAME, at_least).await;
    shown
        .expect("readable")
        .map(|shown| (shown.version, shown.document))
}

async fn ring(backend: &Backend, version: u64) -> Result<(), ReadModelError> {
    project::<Diary>(&backend.log(), &backend.documents(), NAME, version).await
}

async fn every_event_of_a_version_is_folded_and_the_document_has_the_last_version(
    backend: &Backend,
) {
    let log = backend.log();
    let by = "Sarah".into();
    append(&log, vec![labelled("12 north"), Old::Opened { by }]).await;
    append(&log, vec![Old::Knocked {}]).await;
    let page = Page(vec![
        (1, Event::Labelled { number: 12 }),
        (
            1,
            Event::Placed {
                side: "north".into(),
            },
        ),
        (2, opened()),
    ]);
    assert_eq!(
        shown(backend, AtLeast::Version(3)).await,
        Some((3, page.clone()))
    );
    for version in [2, 3, 3, 1] {
        ring(backend, version).await.expect("projected");
    }
    assert_eq!(kept(backend).await, Some((3, page.clone())));
    assert_eq!(
        shown(backend, AtLeast::Version(3)).await,
        Some((3, page.clone()))
    );
    let listed = listed::<Diary>(&backend.log(), &backend.documents(), "doors", None, 10).await;
    assert_eq!(listed.expect("readable").documents, [page]);
}

async fn a_stream_of_which_nothing_is_left_today_has_no_document_until_something_is(
    backend: &Backend,
) {
    let log = backend.log();
    append(&log, vec![Old::Knocked {}]).await;
    append(&log, vec![Old::Knocked {}, Old::Knocked {}]).await;
    for version in [1, 3, 2, 3] {
        ring(backend, version)
            .await
            .expect("there is nothing to do");
    }
    assert_eq!(kept(backend).await, None);
    for at_least in [AtLeast::Any, AtLeast::Version(3), AtLeast::Head] {
        assert_eq!(shown(backend, at_least).await, None);
    }
    let ahead = ring(backend, 4).await;
    assert!(
        matches!(ahead, Err(ReadModelError::Ahead { head: 3, .. })),
        "{ahead:?}"
    );

    let done = run(&Cache::<Door>::none(), &log, NAME, Some(3), vec![opened()]).await;
    done.expect("appended");
    ring(backend, 4).await.expect("projected");
    assert_eq!(kept(backend).await, Some((4, Page(vec![(4, opened())]))));
}

async fn an_event_that_cannot_be_read_leaves_the_document_at_what_came_before_it(
    backend: &Backend,
) {
    let log = backend.log();
    append(&log, vec![labelled("12 north")]).await;
    ring(backend, 1).await.expect("projected");
    let before = kept(backend).await;
    append(&log, vec![Old::Knocked {}, labelled("north")]).await;
    append(&log, vec![labelled("13 south")]).await;
    for version in [3, 4] {
        ring(backend, version).await.expect("heard");
        let stored = backend.documents().get("1", true).await;
        let stored = stored.expect("readable").expect("there");
        assert_eq!(stored.parked().map(|trouble| trouble.version), Some(3));
        assert_eq!(kept(backend).await, before);
    }
}
