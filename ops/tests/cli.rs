//! The tool as a person or a script calls it: what it prints, and what it ends with.

use aws_sdk_dynamodb::types::AttributeValue;
use event_store::{EventLog, advance};
use std::process::Output;
use tests::backend::{Backend, CLAIMS_KEY};
use tests::users::{create, rename, run, stream};
use tokio::process::Command;
use uuid::Uuid;

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
async fn a_finding_is_a_line_of_text_or_of_json() {
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
    for (output, line) in [("text", text), ("json", format!("{json}\n"))] {
        for streams in [&[][..], &[cli.stream.as_str()]] {
            let arguments = [&["verify", "--output", output], streams].concat();
            let said = cli.say(&arguments, &[]).await;
            assert_eq!((said.code, said.stdout), (Some(1), line.clone()));
            assert!(said.stderr.ends_with(", 1 finding\n"), "{}", said.stderr);
        }
    }
}

#[tokio::test]
async fn claims_are_compared_and_repaired() {
    let cli = Cli::new().await;
    let key = [("CLAIMS_KEY", CLAIMS_KEY)];
    assert_eq!(cli.say(&["claims"], &key).await.code, Some(0));
    cli.delete_claims().await;
    let said = cli.say(&["claims"], &key).await;
    let line = format!("missing: there is no claim on the email of {}", cli.stream);
    assert_eq!((said.code, said.stdout), (Some(1), format!("{line}\n")));
    let said = cli.say(&["claims", "--repair"], &key).await;
    assert_eq!(
        (said.code, said.stdout),
        (Some(0), format!("{line} (mended)\n"))
    );
    assert!(
        said.stderr.ends_with("1 mended, 0 left\n"),
        "{}",
        said.stderr
    );
    // The key may lie in a file, as an editor leaves it.
    let file = std::env::temp_dir().join(format!("claims-key-{}", Uuid::now_v7()));
    std::fs::write(&file, format!("{CLAIMS_KEY}\n")).expect("written");
    let path = file.to_str().expect("text");
    let said = cli
        .say(
            &["claims", "--output", "json", "--claims-key-file", path],
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
async fn what_cannot_be_done_says_what_mends_it() {
    let cli = Cli::new().await;
    let aws = &["--region", "eu-north-1"];
    for (arguments, mend) in [
        (&["verify", "user-none"][..], "there is no stream user-none"),
        (
            &["verify", "--events-table", "none"],
            "name the stack with --stack",
        ),
        (
            &["claims", "--claims-key-file", "/none"],
            "/none: No such file",
        ),
    ] {
        let said = cli.say(arguments, &[]).await;
        assert_eq!(
            (said.code, said.stdout.as_str()),
            (Some(3), ""),
            "{}",
            said.stderr
        );
        assert!(said.stderr.contains(mend), "{}", said.stderr);
    }
    for (arguments, mend) in [
        (&["claims"][..], "set CLAIMS_KEY"),
        (&["verify"], "choose a profile with --profile"),
        (
            &["verify", "--endpoint", "http://127.0.0.1:9"],
            "check --endpoint",
        ),
    ] {
        let said = say(&[arguments, aws].concat(), &[]).await;
        assert_eq!(
            (said.code, said.stdout.as_str()),
            (Some(3), ""),
            "{}",
            said.stderr
        );
        assert!(said.stderr.contains(mend), "{}", said.stderr);
    }
    let said = say(
        &["verify"],
        &[("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")],
    )
    .await;
    assert!(said.stderr.contains("--region"), "{}", said.stderr);
}

#[tokio::test]
async fn a_wrong_use_is_told_from_a_finding() {
    for arguments in [
        &[][..],
        &["verfy"],
        &["verify", "--output", "xml"],
        &["verify", "--segments", "0"],
    ] {
        assert_eq!(say(arguments, &[]).await.code, Some(2));
    }
    let said = say(&["verfy"], &[]).await;
    assert!(said.stderr.contains("verify"), "{}", said.stderr);
    for command in ["verify", "claims"] {
        let said = say(&[command, "--help"], &[]).await;
        assert_eq!(said.code, Some(0));
        assert!(said.stdout.contains("Examples:"), "{}", said.stdout);
    }
}
