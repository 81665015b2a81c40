//! The timeline on the real store: every event has one row, whatever its stream's messages do.

use decider::Projection;
use domain::timeline::{Marked, day};
use domain::{TimelineOf, User};
use event_store::{EventLog, rfc3339};
use read_model::{merged, project, project_anew};
use serde_json::json;
use tests::backend::Backend;
use tests::on_each_backend;
use tests::users::{command, create, rename, run, stream};
use uuid::Uuid;

on_each_backend! {
    every_event_of_every_stream_is_there_once
}

async fn every_event_of_every_stream_is_there_once(backend: &Backend) {
    let (log, documents) = (backend.log(), backend.documents());
    let mut wanted = Vec::new();
    for number in 0..3 {
        let id = Uuid::now_v7();
        let delete = command("DeleteUser", json!({ "reason": "asked to" }));
        let restore = command("RestoreUser", json!({ "reason": "mistake" }));
        let create = create(&format!("user-{number}@example.com"));
        for command in [&create, &rename("Sara"), &delete, &restore] {
            run(&log, &backend.clock, id, command).await.expect("done");
        }
        let stream = stream(id);
        for version in [2, 1, 4, 4, 3] {
            let kept = project::<TimelineOf<User>>(&log, &documents, &stream, version).await;
            kept.expect("kept");
        }
        let anew = project_anew::<TimelineOf<User>>(&log, &documents, &stream, 4).await;
        anew.expect("made anew");
        for commit in log
            .read(&stream, 1..=u64::MAX, 100)
            .await
            .expect("readable")
        {
            let timestamp = rfc3339(commit.stamp().expect("readable").timestamp);
            let events = commit.events().expect("readable").into_iter();
            for (event, version) in events.zip(commit.version..) {
                wanted.push((timestamp.clone(), version, event.kind, stream.clone()));
            }
        }
    }
    let mut days: Vec<_> = wanted.iter().map(|(at, ..)| day(at).to_owned()).collect();
    days.dedup();
    let mut found = Vec::new();
    for day in days {
        let (rows, next) = merged(&documents, &day, None, 100).await.expect("read");
        assert_eq!(next, None);
        found.extend(rows);
    }
    let found = found.iter().map(|row| {
        let Marked {
            timestamp,
            version,
            kind,
            stream,
        } = Marked::of(&row.sort).expect("a row");
        (
            timestamp.to_owned(),
            version,
            kind.to_owned(),
            stream.to_owned(),
        )
    });
    let mut found: Vec<_> = found.collect();
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
    assert_eq!(TimelineOf::<User>::entries(&()), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_takes_so_many_write_units() {
    let backend = Backend::embedded().await;
    let (log, id) = (backend.log(), Uuid::now_v7());
    let (client, meter) = backend.metered_client().await;
    let documents = read_model::DynamoDbDocuments::new(client, backend.table("users"));
    let mut written = Vec::new();
    for (version, command) in [(1, create("sarah@example.com")), (2, rename("Sara"))] {
        run(&log, &backend.clock, id, &command).await.expect("done");
        let kept = project::<TimelineOf<User>>(&log, &documents, &stream(id), version).await;
        kept.expect("kept");
        let billed = meter.take().into_iter();
        let writes = billed.filter(|billed| billed.operation != "GetItem");
        written.push(writes.map(|billed| billed.units).sum::<f64>());
    }
    eprintln!("write units of the timeline, for the first event and the second: {written:?}");
    assert!(written.iter().all(|units| *units <= 3.0), "{written:?}");
}
