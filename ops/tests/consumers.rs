//! What operators ask of consumers, on a whole stack: deliveries, lag, redrives and rebuilds.

mod world;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use serde_json::{Value, json};
use std::time::Duration;
use tests::backend::client;
use world::World;

impl World {
    /// A user with this name, whom all consumers have heard of; the stream.
    async fn user(&self, name: &str) -> String {
        let email = format!("{}@example.com", name.to_lowercase());
        let body = json!({ "name": name, "email": email });
        let created = self.api.call("POST", "/users", body).await;
        self.settled().await;
        format!("user-{}", created.id())
    }

    /// Writes over a text of an item, behind the service's back; what was there.
    async fn spoil(
        &self,
        table: &str,
        key: [(&str, AttributeValue); 2],
        name: &str,
        text: &str,
    ) -> String {
        let [partition, sort] = key;
        let client = client(
            &self.stack.dynamodb,
            &Default::default(),
            &Default::default(),
        );
        let update = client.update_item().table_name(table);
        let spoilt = update
            .key(partition.0, partition.1)
            .key(sort.0, sort.1)
            .update_expression("SET #name = :text")
            .expression_attribute_names("#name", name)
            .expression_attribute_values(":text", AttributeValue::S(text.to_owned()))
            .return_values(ReturnValue::UpdatedOld)
            .send()
            .await;
        let old = spoilt.expect("spoilt").attributes.expect("it was there");
        old[name].as_s().expect("a text").clone()
    }

    /// The same to the document of a user.
    async fn spoil_document(&self, generation: &str, user: &str, document: &str) -> String {
        let id = user.strip_prefix("user-").expect("a user");
        let text = |text: String| AttributeValue::S(text);
        let partition = ("pk", text(format!("{generation}document#{id}")));
        let key = [partition, ("sk", text("document".to_owned()))];
        self.spoil("strangelog-users", key, "document", document)
            .await
    }

    /// The same to the events of a commit.
    async fn spoil_events(&self, stream: &str, version: u64, events: &str) -> String {
        let stream = ("stream", AttributeValue::S(stream.to_owned()));
        let version = ("version", AttributeValue::N(version.to_string()));
        self.spoil("strangelog-events", [stream, version], "events", events)
            .await
    }

    /// The name of a user, as the API shows it.
    async fn name(&self, user: &str) -> Value {
        let id = user.strip_prefix("user-").expect("a user");
        let shown = self.api.get(&format!("/users/{id}")).await;
        shown.body["name"].clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_of_one_stream_and_of_all_what_is_left_to_do() {
    let world = World::new().await;
    let user = world.user("Sarah").await;
    let said = world.done(&["deliveries", "--stream", &user]).await;
    for consumer in ["search", "statistics", "timeline", "users"] {
        let line = format!("{consumer:11}  completed  {user}  1 of 1\n");
        assert!(said.contains(&line), "{said}");
    }
    let summary = format!("{user} is at version 1, and nothing of it is left to do\n");
    assert!(said.ends_with(&summary), "{said}");
    let none = "0 deliveries behind, 0 streams with events that the publisher has not seen\n";
    assert_eq!(world.done(&["deliveries", "--unpublished"]).await, none);

    world.stack.lose_streams(true);
    let renamed = json!({ "name": "Ida", "reason": "married" });
    let path = format!("/users/{}/name", &user["user-".len()..]);
    assert_eq!(world.api.call("PUT", &path, renamed).await.status, 202);
    world.settled().await;
    let said = world.say(&["deliveries", "--unpublished"]).await;
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    let line = format!("publisher  pending  {user}  1 of 2\n");
    assert!(said.stdout.ends_with(&line), "{}", said.stdout);
    assert_eq!(said.stdout.lines().count(), 2, "{}", said.stdout);
    let said = world.say(&["deliveries", "--stream", &user]).await;
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    let summary = format!("versions 2 to 2 of {user} were processed by nobody\n");
    assert_eq!(said.stderr, summary);
    world.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lag_is_a_line_for_each_consumer() {
    let world = World::new().await;
    world.user("Sarah").await;
    let said = world.say(&["lag", "--output", "jsonl"]).await;
    assert_eq!(
        (said.code, said.stderr.as_str()),
        (Some(0), "0 pending, 0 failed, in 8 consumers\n")
    );
    let lags = said.stdout.lines();
    let lags: Vec<Value> = lags
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lags.len(), 8);
    let is_idle = |lag: &Value| lag["pending"] == 0 && lag["failed"] == 0;
    assert!(lags.iter().all(is_idle), "{lags:?}");
    let said = world.done(&["lag", "--consumer", "users"]).await;
    assert!(said.contains("\nusers     0        0 "), "{said}");
    for command in ["lag", "deliveries"] {
        let said = world.say(&[command, "--consumer", "user"]).await;
        assert_eq!(said.code, Some(2));
        let names = "possible values: accounts, name-change, search";
        assert!(said.stderr.contains(names), "{}", said.stderr);
    }
    world.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_model_is_made_anew_compared_switched_and_switched_back() {
    let world = World::new().await;
    let user = world.user("Sarah").await;
    world.user("Ida").await;
    let reason = ["--reason", "names were cut", "--yes"];
    let rebuild = |arguments: &[&'static str]| [&["rebuild", "users"], arguments].concat();
    let same = "2 streams folded, 0 values would change\n";
    assert_eq!(world.done(&rebuild(&["--diff"])).await, same);

    // As a projection with a mistake would have left it.
    let document = world.spoil_document("", &user, "{}").await;
    let wrong = document.replace("Sarah", "Sa");
    world.spoil_document("", &user, &wrong).await;
    let said = world.say(&rebuild(&["--diff"])).await;
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    let change = r#"[{"op":"replace","path":"/name","value":"Sarah"}]"#;
    assert_eq!(said.stdout, format!("{user} at version 1: {change}\n"));
    assert_eq!(world.name(&user).await, "Sa");

    let said = world.done(&rebuild(&["--dry-run"])).await;
    assert!(
        said.starts_with("a dry run, nothing is written: users makes a new generation"),
        "{said}"
    );
    let said = world.say(&rebuild(&["--switch", "--dry-run"])).await;
    assert_eq!(
        said.code,
        Some(3),
        "nothing was made so far: {}",
        said.stdout
    );
    let said = world.done(&rebuild(&reason)).await;
    assert!(said.contains(" is built; `strangelog"), "{said}");
    assert_eq!(world.name(&user).await, "Sa");
    // What it changes is what is shown now, and would not be.
    let said = world.say(&rebuild(&["--diff"])).await;
    assert_eq!(said.stdout, format!("{user} at version 1: {change}\n"));
    let said = world.say(&rebuild(&reason)).await;
    assert_eq!(said.code, Some(3));
    let first = "users makes a generation already, for ops-";
    assert!(said.stderr.contains(first), "{}", said.stderr);
    let switch = [&["--switch"], &reason[..]].concat();
    let said = world.done(&rebuild(&switch)).await;
    assert!(said.ends_with(" made is shown\n"), "{said}");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(world.name(&user).await, "Sarah");
    assert_eq!(world.done(&rebuild(&["--diff"])).await, same);
    let back = [&["--switch-back"], &reason[..]].concat();
    world.done(&rebuild(&back)).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(world.name(&user).await, "Sa");
    let cancel = [&["--cancel"], &reason[..]].concat();
    world.done(&rebuild(&cancel)).await;
    world.settled().await;
    let said = world.say(&rebuild(&cancel)).await;
    assert_eq!(said.code, Some(3));
    let none = "users has no generation but the one that is shown";
    assert!(said.stderr.contains(none), "{}", said.stderr);
    world.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_stream_is_made_anew_and_one_that_is_parked_is_tried_again() {
    let world = World::new().await;
    let user = world.user("Sarah").await;
    let anew = [
        "rebuild", "users", "--stream", &user, "--reason", "one", "--yes",
    ];
    let document = world.spoil_document("", &user, "{}").await;
    let wrong = document.replace("Sarah", "Sa");
    world.spoil_document("", &user, &wrong).await;
    world.done(&anew).await;
    world.settled().await;
    assert_eq!(world.name(&user).await, "Sarah");

    let events = world.spoil_events(&user, 1, "{").await;
    world.done(&anew).await;
    world.settled().await;
    let said = world.say(&["deliveries", "--consumer", "users"]).await;
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    assert!(
        said.stdout.contains("\nusers     failed  "),
        "{}",
        said.stdout
    );
    assert!(
        said.stdout.contains("at version 1, parked: "),
        "{}",
        said.stdout
    );
    let lag = world
        .say(&["lag", "--consumer", "users", "--output", "jsonl"])
        .await;
    let said: Value = serde_json::from_str(&lag.stdout).expect("JSON");
    assert_eq!(
        (lag.code, &said["failed"]),
        (Some(1), &json!(1)),
        "{}",
        lag.stderr
    );
    let said = world.done(&["redrive", "users", "--dry-run"]).await;
    assert!(
        said.contains(&user) && said.ends_with("parked now: 1\n"),
        "{said}"
    );

    let happened = world.api.get("/events").await.body["data"][0].clone();
    assert_eq!(happened["type"], "UserCreated");
    assert!(happened["unreadable"].is_string(), "{happened}");
    let history = format!("/users/{}/history", &user["user-".len()..]);
    let history = world.api.get(&history).await.body;
    assert_eq!(history["data"][0]["version"], 1);
    assert!(history["data"][0]["unreadable"].is_string(), "{history}");

    world.spoil_events(&user, 1, &events).await;
    let said = world
        .done(&[
            "redrive", "users", "--reason", "mended", "--yes", "--output", "json",
        ])
        .await;
    let said: Value = serde_json::from_str(&said).expect("one document");
    assert_eq!(said["dry_run"], false);
    assert!(
        said["operation"]
            .as_str()
            .expect("a stream")
            .starts_with("ops-"),
        "{said}"
    );
    world.settled().await;
    world.done(&["deliveries", "--consumer", "users"]).await;
    assert_eq!(world.name(&user).await, "Sarah");
    world.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_for_is_refused_with_a_way_out() {
    let world = World::new().await;
    for (arguments, code, why) in [
        (&["rebuild", "users", "--yes"][..], 2, "--reason <REASON>"),
        (&["redrive", "users", "--yes"], 2, "--reason <REASON>"),
        (
            &["redrive", "users", "--reason", "r"],
            2,
            "say --yes, or --dry-run",
        ),
        (
            &["rebuild", "users", "--reason", "r"],
            2,
            "say --yes, or --dry-run",
        ),
        (
            &["rebuild", "people", "--diff"],
            2,
            "possible values: accounts",
        ),
        (
            &["rebuild", "welcome", "--reason", "r", "--yes"],
            3,
            "has effects outside is never rebuilt",
        ),
        (&["rebuild", "users", "--reason", "", "--yes"], 2, "reason"),
        (
            &["redrive", "people", "--reason", "r", "--yes"],
            2,
            "possible values: accounts",
        ),
        (
            &["rebuild", "users", "--switch", "--reason", "r", "--yes"],
            3,
            "no generation in the making",
        ),
        (
            &[
                "rebuild",
                "users",
                "--stream",
                "account-1",
                "--reason",
                "r",
                "--yes",
            ],
            3,
            "stream",
        ),
        (
            &["deliveries", "--stack", "other"],
            3,
            "name the stack with --stack",
        ),
        (
            &["rebuild", "welcome", "--diff"],
            3,
            "has effects outside is never rebuilt",
        ),
        (
            &[
                "redrive", "users", "--stream", "user-1", "--reason", "r", "--yes",
            ],
            5,
            "there is no stream user-1",
        ),
        (
            &["deliveries", "--stream", "user-1"],
            5,
            "there is no stream user-1",
        ),
    ] {
        let said = world.say(arguments).await;
        assert_eq!(
            said.code,
            Some(code),
            "{arguments:?}: {}{}",
            said.stdout,
            said.stderr
        );
        assert!(said.stderr.contains(why), "{arguments:?}: {}", said.stderr);
        assert_eq!(said.stdout, "");
    }
    world.stack.stop().await;
}
