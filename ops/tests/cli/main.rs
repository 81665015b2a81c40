//! The tool as a person or a script calls it: what it prints, and what it ends with.

mod errors;

use aws_sdk_dynamodb::types::AttributeValue;
use event_store::{EventLog, advance};
use serde_json::{Value, json};
use std::process::Output;
use tests::backend::{Backend, CLAIMS_KEY};
use tests::users::{create, rename, run, stream};
use tokio::process::Command;
use uuid::Uuid;

const KEY: &[(&str, &str)] = &[("CLAIMS_KEY", CLAIMS_KEY)];

struct Cli {
    backend: Backend,
    stream: String,
}

struct Said {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Cli {
    /// On a store with one user, of whom the publisher knows.
    async fn new() -> Self {
        let backend = Backend::embedded().await;
        let id = Uuid::now_v7();
        for command in [create("sarah@example.com"), rename("Mei"), rename("Ida")] {
            let done = run(&backend.log(), &backend.clock, id, &command).await;
            done.expect("done");
        }
        let stream = stream(id);
        let commits = backend.log().read(&stream, 1..=9, 9).await.expect("read");
        let (heads, log) = (backend.heads(), backend.log());
        advance(&heads, &log, &stream, &commits)
            .await
            .expect("linked");
        Self { backend, stream }
    }

    async fn say(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Said {
        let stack = self.backend.table("events");
        let stack = stack.strip_suffix("-events").expect("its name");
        let store = ["--endpoint", &self.backend.endpoint, "--stack", stack];
        say(&[arguments, &store].concat(), environment).await
    }

    async fn edit_second_commit(&self) {
        let update = self.backend.client.update_item();
        update
            .table_name(self.backend.table("events"))
            .key("stream", AttributeValue::S(self.stream.clone()))
            .key("version", AttributeValue::N("2".into()))
            .update_expression("SET #metadata = :metadata")
            .expression_attribute_names("#metadata", "metadata")
            .expression_attribute_values(":metadata", AttributeValue::S("{}".into()))
            .send()
            .await
            .expect("edited");
    }

    async fn delete_claims(&self) {
        let table = self.backend.table("claims");
        let rows = self.backend.client.scan().table_name(&table).send().await;
        for row in rows.expect("read").items.expect("rows") {
            let delete = self.backend.client.delete_item().table_name(&table);
            let delete = delete.key("claim", row["claim"].clone());
            delete.send().await.expect("deleted");
        }
    }
}

/// Nothing of the surroundings reaches the tool, but what is given here.
async fn say(arguments: &[&str], environment: &[(&str, &str)]) -> Said {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(env!("CARGO_BIN_EXE_strangelog"))
        .args(arguments)
        .env_clear()
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(environment.iter().copied())
        .output()
        .await
        .expect("it runs");
    Said {
        code: status.code(),
        stdout: String::from_utf8(stdout).expect("text"),
        stderr: String::from_utf8(stderr).expect("text"),
    }
}

#[tokio::test]
async fn a_store_that_nobody_touched_is_clean() {
    let cli = Cli::new().await;
    for streams in [&[][..], &[cli.stream.as_str()]] {
        let said = cli.say(&[&["verify"], streams].concat(), &[]).await;
        assert_eq!(
            (said.code, said.stdout.as_str()),
            (Some(0), ""),
            "{}",
            said.stderr
        );
        assert_eq!(
            said.stderr,
            "1 stream with 3 commits verified, 0 of them without a head as yet, nothing found\n"
        );
    }
}

#[tokio::test]
async fn a_finding_is_a_sentence_or_json() {
    let cli = Cli::new().await;
    cli.edit_second_commit().await;
    let text = format!(
        "{} at version 2: edited: the commit is not what it was written as\n",
        cli.stream
    );
    let json = format!(
        r#"{{"stream":"{}","version":2,"what":"edited"}}"#,
        cli.stream
    );
    for (output, line) in [("table", text), ("jsonl", format!("{json}\n"))] {
        for streams in [&[][..], &[cli.stream.as_str()]] {
            let arguments = [&["verify", "--output", output], streams].concat();
            let said = cli.say(&arguments, &[]).await;
            assert_eq!((said.code, said.stdout), (Some(1), line.clone()));
            assert!(said.stderr.ends_with(", 1 finding\n"), "{}", said.stderr);
        }
    }
    let said = cli.say(&["verify", "--output", "json"], &[]).await;
    let document: Value = serde_json::from_str(&said.stdout).expect("one document");
    assert_eq!(said.code, Some(1));
    assert_eq!(
        document,
        json!({
            "data": [{ "stream": cli.stream, "version": 2, "what": "edited" }],
            "summary": { "streams": 1, "commits": 3, "without_head": 0, "torn": 0 },
        })
    );
}

#[tokio::test]
async fn claims_are_compared_and_repaired() {
    let cli = Cli::new().await;
    assert_eq!(cli.say(&["claims"], KEY).await.code, Some(0));
    cli.delete_claims().await;
    let said = cli.say(&["claims"], KEY).await;
    let line = format!("missing: there is no claim on the email of {}", cli.stream);
    assert_eq!((said.code, said.stdout), (Some(1), format!("{line}\n")));
    for (arguments, code, why) in [
        (&["claims", "--repair"][..], 2, "say it with --reason"),
        (&["claims", "--repair", "--reason", "r"], 2, "say --yes"),
        (&["claims", "--reason", "r"], 2, "--repair"),
        (
            &["claims", "--repair", "--dry-run"],
            1,
            "1 of 1 finding would be mended",
        ),
    ] {
        let said = cli.say(arguments, KEY).await;
        assert_eq!(said.code, Some(code), "{}", said.stderr);
        assert!(said.stderr.contains(why), "{}", said.stderr);
    }
    assert_eq!(
        cli.say(&["claims"], KEY).await.code,
        Some(1),
        "nothing was mended so far"
    );
    let repair = [
        "claims",
        "--repair",
        "--reason",
        "a restore",
        "--yes",
        "--actor",
        "mei",
    ];
    let said = cli.say(&repair, KEY).await;
    assert_eq!(
        (said.code, said.stdout),
        (Some(0), format!("{line} (mended)\n")),
        "{}",
        said.stderr
    );
    let (mended, operation) = said
        .stderr
        .split_once("1 mended, 0 left; ")
        .expect("a summary");
    assert!(mended.ends_with("1 finding\n"), "{mended}");
    let operation = operation
        .strip_suffix(" says who asked, and why\n")
        .expect("a stream");
    let asked = cli
        .backend
        .log()
        .read(operation, 1..=9, 9)
        .await
        .expect("read");
    let metadata = asked[0].metadata().expect("metadata");
    assert_eq!(
        (metadata.actor.as_str(), metadata.reason.as_deref()),
        ("mei", Some("a restore"))
    );
    assert_eq!(
        asked[0].events().expect("events")[0].kind,
        "ClaimsRepairRequested"
    );
    // The key may lie in a file, as an editor leaves it.
    let file = std::env::temp_dir().join(format!("claims-key-{}", Uuid::now_v7()));
    std::fs::write(&file, format!("{CLAIMS_KEY}\n")).expect("written");
    let path = file.to_str().expect("text");
    let said = cli
        .say(
            &["claims", "--output", "jsonl", "--claims-key-file", path],
            &[],
        )
        .await;
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (Some(0), ""),
        "{}",
        said.stderr
    );
    std::fs::remove_file(file).expect("removed");
    // Under the key of the local stack, which is not the tests'.
    let said = cli.say(&["claims"], &[]).await;
    assert_eq!(said.code, Some(3));
    assert!(said.stderr.contains("check CLAIMS_KEY"), "{}", said.stderr);
}

#[tokio::test]
async fn a_wrong_use_is_told_from_a_finding() {
    for arguments in [
        &[][..],
        &["verfy"],
        &["verify", "--output", "xml"],
        &["verify", "--segments", "0"],
        &["lag", "--consumer", "people"],
        &[
            "tail",
            "--output",
            "json",
            "--endpoint",
            "http://127.0.0.1:9",
        ],
        &["tail", "--type", "UserVanished"],
        &["what-if", "user-1"],
        &[
            "what-if",
            "user-1",
            "--command",
            "DeleteUser",
            "--data",
            "{",
        ],
        &["state", "user-1", "--at", "yesterday"],
        &["around", "--window", "32d"],
        &["stats", "--from", "2026-11-21", "--to", "2026-11-20"],
        &["smoke", "--api", "localhost:3000"],
        &["smoke", "--api", "https://strangelog.invalid"],
    ] {
        assert_eq!(say(arguments, &[]).await.code, Some(2));
    }
    let said = say(&["verfy"], &[]).await;
    assert!(said.stderr.contains("verify"), "{}", said.stderr);
}

#[tokio::test]
async fn shells_are_told_how_to_complete() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = say(&["completions", shell], &[]).await;
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        for word in ["strangelog", "what-if", "redrive", "dry-run"] {
            assert!(said.stdout.contains(word), "{shell} does not know {word}");
        }
    }
    let said = say(&["completions", "fish"], &[]).await;
    assert!(
        said.stdout.contains("name-change"),
        "consumers are known by name"
    );
    assert_eq!(say(&["completions", "tcsh"], &[]).await.code, Some(2));
}

#[tokio::test]
async fn who_closes_the_pipe_has_read_enough() {
    let cli = Cli::new().await;
    let stack = cli.backend.table("events");
    let stack = stack.strip_suffix("-events").expect("its name");
    let mut child = Command::new(env!("CARGO_BIN_EXE_strangelog"))
        .args([
            "export",
            "--endpoint",
            &cli.backend.endpoint,
            "--stack",
            stack,
        ])
        .env_clear()
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it runs");
    drop(child.stdout.take());
    let Output { status, stderr, .. } = child.wait_with_output().await.expect("it ends");
    let stderr = String::from_utf8(stderr).expect("text");
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
}
