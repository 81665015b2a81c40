//! What a person finds out on the command line alone: who deleted this account, what was there before, and what would have been
//! allowed; on a whole stack.

mod world;

use serde_json::{Value, json};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use uuid::Uuid;
use world::{Said, World};

/// What is about a user and an account.
struct Told {
    world: World,
    user: String,
    account: String,
}

impl Told {
    /// A user, renamed and deleted, and an account with three movements, of which all have heard.
    async fn new() -> Self {
        let world = World::new().await;
        let body = json!({ "name": "Sarah", "email": "sarah@example.com" });
        let user = world.api.call("POST", "/users", body).await.id();
        let body = json!({ "name": "Sarah Lindt", "reason": "married" });
        world
            .api
            .call("PUT", &format!("/users/{user}/name"), body)
            .await;
        let path = format!("/users/{user}?reason=clean-up");
        world
            .api
            .send("DELETE", &path, &[], "")
            .await
            .expect("an answer");
        let body = json!({ "account_number": "A-1", "currency": "EUR", "initial_deposit": 10_000 });
        let account = world.api.call("POST", "/accounts", body).await.id();
        for (what, amount) in [("deposits", 5_000), ("withdrawals", 14_000)] {
            let path = format!("/accounts/{account}/{what}");
            let done = world
                .api
                .call("POST", &path, json!({ "amount": amount }))
                .await;
            assert_eq!(done.status, 202);
        }
        world.settled().await;
        let (user, account) = (format!("user-{user}"), format!("account-{account}"));
        Self {
            world,
            user,
            account,
        }
    }

    /// What it says as one document.
    async fn document(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        let Said {
            code,
            stdout,
            stderr,
        } = self
            .world
            .say(&[arguments, &["--output", "json"]].concat())
            .await;
        (
            code,
            serde_json::from_str(&stdout)
                .unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}")),
        )
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_deleted_it_what_was_there_before_and_what_would_have_been_allowed() {
    let told = Told::new().await;
    let (world, user, account) = (&told.world, told.user.as_str(), told.account.as_str());

    let said = world
        .done(&["history", user, "--type", "UserDeleted"])
        .await;
    let row = said.lines().nth(1).expect("a row");
    assert!(row.starts_with("3        2"), "{said}");
    assert!(
        row.contains("  UserDeleted  local  clean-up  {\"name\":\"Sarah Lindt\""),
        "{said}"
    );
    let (code, history) = told.document(&["history", user]).await;
    assert_eq!(
        (code, &history["summary"]),
        (Some(0), &json!({ "events": 3, "more": false }))
    );
    let of_api = world
        .api
        .get(&format!("/users/{}/history", &user["user-".len()..]))
        .await
        .body;
    assert_eq!(history["data"], of_api["data"]);
    let said = world
        .done(&["history", user, "--limit", "2", "--output", "jsonl"])
        .await;
    assert!(
        said.ends_with("\n2 events, and there are more: say --limit\n"),
        "{said}"
    );
    for (filter, versions) in [
        (&["--from", "2"][..], &[2, 3][..]),
        (&["--from", "1", "--to", "2"], &[1, 2]),
        (&["--actor", "local", "--to", "1"], &[1]),
        (&["--actor", "nobody"], &[]),
        (&["--to", "1h ago"], &[]),
        (&["--from", "1h ago"], &[1, 2, 3]),
    ] {
        let (_, found) = told.document(&[&["history", user], filter].concat()).await;
        let found = found["data"].as_array().expect("a list");
        let found: Vec<_> = found
            .iter()
            .map(|event| event["version"].as_u64().expect("a version"))
            .collect();
        assert_eq!(found, versions, "{filter:?}");
    }

    let (_, before) = told.document(&["state", account, "--version", "2"]).await;
    assert_eq!(
        (&before["version"], &before["state"]["balance"]),
        (&json!(2), &json!(15_000))
    );
    let at = before["timestamp"].as_str().expect("a time");
    let (_, then) = told.document(&["state", account, "--at", at]).await;
    assert_eq!(then["state"], before["state"]);
    let said = world.done(&["state", account, "--version", "2"]).await;
    assert!(said.contains("\nbalance          15000\n"), "{said}");
    let (_, before) = told.document(&["state", account, "--at", "1h ago"]).await;
    assert_eq!(
        (&before["version"], &before["state"]),
        (&json!(0), &Value::Null)
    );
    let (_, document) = told
        .document(&["state", user, "--version", "1", "--read-model", "users"])
        .await;
    assert_eq!(
        (&document["document"]["name"], &document["read_model"]),
        (&json!("Sarah"), &json!("users"))
    );

    let said = world
        .done(&["diff", account, "--from", "1", "--to", "3"])
        .await;
    assert!(
        said.contains("/balance  changed  10000  1000  2, 3\n"),
        "{said}"
    );
    assert!(said.contains("  MoneyWithdrawn  "), "{said}");
    let (_, diff) = told.document(&["diff", account, "--from", "2"]).await;
    assert_eq!(
        diff["patch"],
        json!([{ "op": "replace", "path": "/balance", "value": 1_000 }])
    );

    let withdraw = |version: &'static str| {
        [
            "what-if",
            account,
            "--version",
            version,
            "--command",
            "WithdrawMoney",
            "--data",
            r#"{"amount":5000}"#,
        ]
    };
    let (code, then) = told.document(&withdraw("2")).await;
    assert_eq!(
        (code, &then["accepted"], &then["state"]["balance"]),
        (Some(0), &json!(true), &json!(10_000))
    );
    let (code, now) = told.document(&withdraw("3")).await;
    assert_eq!(
        (code, &now["accepted"], &now["refusal"]["balance"]),
        (Some(4), &json!(false), &json!(1_000))
    );
    for (version, mut told) in [(2, then), (3, now)] {
        let command = json!({ "type": "WithdrawMoney", "data": { "amount": 5_000 } });
        let body = json!({ "version": version, "command": command });
        let path = format!("/accounts/{}/what-if", &account["account-".len()..]);
        let of_api = world.api.call("POST", &path, body).await.body;
        let told_too = told.as_object_mut().expect("an object");
        let stream = told_too.shift_remove("stream");
        assert_eq!(
            (stream, told.to_string()),
            (Some(json!(account)), of_api.to_string())
        );
    }
    let said = world.say(&withdraw("2")).await.stdout;
    assert!(
        said.starts_with("accepted, of account-") && said.contains("\n3        MoneyWithdrawn  "),
        "{said}"
    );
    let said = world.say(&withdraw("3")).await.stdout;
    assert!(
        said.contains("the balance of 1000 may not fall below 0, and 5000 was asked for"),
        "{said}"
    );
    let file = std::env::temp_dir().join(format!("events-{}", Uuid::now_v7()));
    let events = r#"[{"type":"MoneyDeposited","data":{"amount":1,"currency":"EUR"}}]"#;
    std::fs::write(&file, events).expect("written");
    let given = format!("@{}", file.display());
    let (_, supposed) = told
        .document(&["what-if", account, "--events", &given])
        .await;
    assert_eq!(supposed["state"]["balance"], 1_001);
    std::fs::remove_file(file).expect("removed");
    let (_, history) = told.document(&["history", account]).await;
    assert_eq!(history["summary"]["events"], 3, "nothing was written");

    for (arguments, code, why) in [
        (
            &["history", "user-none"][..],
            5,
            "there is no stream user-none",
        ),
        (&["state", "nothing-1"], 5, "there is no stream nothing-1"),
        (
            &["diff", "user-none", "--from", "0"],
            5,
            "there is no stream user-none",
        ),
        (
            &["state", account, "--version", "9"],
            2,
            "the stream is at version 3",
        ),
        (
            &["history", account, "--type", "UserCreated"],
            2,
            "there are: AccountOpened",
        ),
        (&["state", account, "--read-model", "users"], 2, "accounts"),
        (
            &[
                "what-if",
                account,
                "--command",
                "WithdrawMoney",
                "--data",
                "{}",
            ],
            2,
            "command.data.amount",
        ),
        (
            &["what-if", account, "--command", "Rob"],
            2,
            "must be one of: OpenAccount",
        ),
    ] {
        let said = world.say(arguments).await;
        assert_eq!(
            (said.code, said.stdout.as_str()),
            (Some(code), ""),
            "{arguments:?}: {}",
            said.stderr
        );
        assert!(said.stderr.contains(why), "{arguments:?}: {}", said.stderr);
    }
    told.world.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_else_happened_is_listed_and_told_as_it_happens() {
    let told = Told::new().await;
    let (world, account) = (&told.world, told.account.as_str());
    let (_, around) = told.document(&["around"]).await;
    let types: Vec<_> = around["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|event| &event["type"])
        .collect();
    let newest_first = [
        "MoneyWithdrawn",
        "MoneyDeposited",
        "AccountOpened",
        "UserDeleted",
        "UserNameChanged",
        "UserCreated",
    ];
    assert_eq!(types, newest_first);
    assert_eq!(around["summary"]["more"], false);
    let said = world
        .done(&["around", "--category", "account", "--limit", "2"])
        .await;
    assert_eq!(said.lines().count(), 4, "{said}");
    assert!(said.contains("there may be more"), "{said}");
    let (_, long_ago) = told.document(&["around", "1h ago"]).await;
    assert_eq!(long_ago["data"], json!([]));
    let (_, of_nobody) = told.document(&["around", "--actor", "nobody"]).await;
    assert_eq!(of_nobody["data"], json!([]));

    let mut tail = world.tool(&[
        "tail", "--stream", account, "--every", "1", "--output", "jsonl",
    ]);
    let mut tail = tail
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("it runs");
    let mut lines = BufReader::new(tail.stdout.take().expect("its output")).lines();
    // It tells what comes from now on: once it has looked for the first time.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let id = &account["account-".len()..];
    for amount in [1, 2] {
        let path = format!("/accounts/{id}/deposits");
        world
            .api
            .call("POST", &path, json!({ "amount": amount }))
            .await;
        let body = json!({ "name": "Ida", "email": format!("ida{amount}@example.com") });
        world.api.call("POST", "/users", body).await;
        let line = tokio::time::timeout(Duration::from_secs(30), lines.next_line()).await;
        let line = line.expect("in time").expect("text").expect("a line");
        let event: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(
            (&event["stream"], &event["data"]["amount"]),
            (&json!(account), &json!(amount))
        );
    }
    let pid = tail.id().expect("it runs").to_string();
    let interrupt = std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status();
    assert!(interrupt.expect("it runs").success());
    let ended = tokio::time::timeout(Duration::from_secs(10), tail.wait()).await;
    assert_eq!(ended.expect("it ends").expect("a status").code(), Some(0));

    world.settled().await;
    let (_, stats) = told.document(&["stats"]).await;
    let of_api = world.api.get("/stats").await.body;
    assert_eq!(stats, of_api);
    let said = world.done(&["stats"]).await;
    assert!(said.contains("\nEUR       1003\n"), "{said}");
    told.world.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_exported_and_replayed_and_the_story_is_played_against_it() {
    let told = Told::new().await;
    let (world, account) = (&told.world, told.account.as_str());
    let said = world.say(&["smoke", "--api", &world.stack.api]).await;
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    assert!(
        said.stdout.lines().all(|line| line.starts_with("ok ")),
        "{}",
        said.stdout
    );
    assert!(said.stdout.lines().count() >= 20, "{}", said.stdout);
    world.settled().await;
    let users = world.api.get("/users?status=active").await.body;
    assert_eq!(users["data"], json!([]), "it cleaned up");
    let (code, steps) = told
        .document(&["smoke", "--api", &format!("{}/none", world.stack.api)])
        .await;
    assert_eq!(
        (code, &steps["summary"]),
        (Some(1), &json!({ "passed": 0, "failed": 1, "left": [] }))
    );
    let why = steps["data"][0]["why"].as_str().expect("why");
    assert!(
        why.starts_with("expected status 202, and found 404"),
        "{why}"
    );

    let folder = std::env::temp_dir().join(format!("export-{}", Uuid::now_v7()));
    std::fs::create_dir(&folder).expect("made");
    let path = |name: &str| folder.join(name).to_str().expect("text").to_owned();
    let (all, one) = (path("all.jsonl"), path("one.jsonl"));
    world.done(&["export", "--to", &all]).await;
    let said = world.done(&["export", account, "--to", &one]).await;
    assert_eq!(said, format!("3 commits of 1 stream written to {one}\n"));
    for file in [&all, &one] {
        let said = world.say(&["replay", file]).await;
        assert_eq!(
            (said.code, said.stdout.as_str()),
            (Some(0), ""),
            "{}",
            said.stderr
        );
        assert!(
            said.stderr.contains("0 otherwise, 0 cannot be told"),
            "{}",
            said.stderr
        );
    }
    let again = world.say(&["export", "--to", &all]).await;
    assert_eq!(again.code, Some(2));
    assert!(
        again.stderr.contains("is there already"),
        "{}",
        again.stderr
    );
    let none = world
        .say(&["export", "user-none", "--to", &path("none.jsonl")])
        .await;
    assert_eq!(none.code, Some(5));
    let left: Vec<_> = std::fs::read_dir(&folder).expect("readable").collect();
    assert_eq!(left.len(), 2, "what was not finished is gone: {left:?}");

    // A store whose account was drawn on by other rules.
    let text = std::fs::read_to_string(&one).expect("readable");
    let edited = text.replace(r#""amount":14000"#, r#""amount":24000"#);
    assert_ne!(edited, text);
    std::fs::write(&one, edited).expect("written");
    let said = world.say(&["replay", &one]).await;
    assert_eq!(said.code, Some(1));
    assert!(
        said.stdout.contains("at version 3: not as written: edited"),
        "{}",
        said.stdout
    );
    assert!(
        said.stdout.contains("at version 3: decided otherwise"),
        "{}",
        said.stdout
    );
    std::fs::remove_dir_all(folder).expect("removed");
    told.world.stack.stop().await;
}
