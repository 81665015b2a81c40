//! Callers who ask all the while, and complain of whatever they should not have seen.

use crate::{create, rename};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tests::http::{Answer, Api};
use tokio::task::JoinSet;

/// Callers of an API.
pub struct Watchers {
    tasks: JoinSet<()>,
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
}

impl Watchers {
    /// Asks for lists and for single users until it is told to stop: the `known`, whose names all hold `part`, are in each
    /// answer, and never at a version before the one that they had.
    pub fn watch(api: &Api, known: &[String], part: &'static str) -> Self {
        let mut watchers = Self {
            tasks: JoinSet::new(),
            stop: Arc::default(),
            asked: Arc::default(),
        };
        let known = known.to_vec();
        for path in [
            "/users?limit=100".to_owned(),
            format!("/users?limit=100&query={part}"),
        ] {
            let known = known.clone();
            watchers.ask(api, move |api| {
                let (path, known) = (path.clone(), known.clone());
                async move { assert_whole(&path, &all(&api, &path).await, &known) }
            });
        }
        let mut turn = 0;
        watchers.ask(api, move |api| {
            turn = (turn + 1) % known.len();
            let id = known[turn].clone();
            async move {
                let shown = api.get(&format!("/users/{id}")).await;
                assert_eq!(shown.status, 200, "{id}: {:?}", shown.body);
            }
        });
        watchers
    }

    /// Creates users and renames them until it is told to stop.
    pub fn write(&mut self, api: &Api) {
        let mut number = 0;
        self.ask(api, move |api| {
            number += 1;
            async move {
                let id = create(&api, "Late", &format!("{number}@b.io")).await;
                rename(&api, &id, "Later").await;
            }
        });
    }

    fn ask<F: Future<Output = ()> + Send>(
        &mut self,
        api: &Api,
        mut once: impl FnMut(Api) -> F + Send + 'static,
    ) {
        let (api, stop, asked) = (api.clone(), self.stop.clone(), self.asked.clone());
        self.tasks.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                once(api.clone()).await;
                asked.fetch_add(1, Ordering::Relaxed);
                // So that it is a load, and not all that the machine does.
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        });
    }

    /// Stops them; how often they asked. What one of them complained of fails the test.
    pub async fn stop(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        self.tasks.join_all().await;
        self.asked.load(Ordering::Relaxed)
    }

    /// How often they have asked so far.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

/// Whoever is listed, on all pages.
async fn all(api: &Api, path: &str) -> Vec<Answer> {
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = api.get(&format!("{path}{cursor}")).await;
        let next = page.body["next_cursor"].as_str().map(str::to_owned);
        pages.push(page);
        let Some(next) = next else {
            return pages;
        };
        cursor = format!("&cursor={next}");
    }
}

fn assert_whole(path: &str, pages: &[Answer], known: &[String]) {
    let mut listed = BTreeSet::new();
    for page in pages {
        assert_eq!(page.status, 200, "{path}: {:?}", page.body);
        for id in crate::ids(page) {
            assert!(listed.insert(id.clone()), "{path} lists {id} twice");
        }
    }
    let missing = known.iter().filter(|id| !listed.contains(*id)).count();
    assert_eq!(missing, 0, "{path} lacks {missing} of {}", known.len());
}
