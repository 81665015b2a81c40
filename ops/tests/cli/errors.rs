//! What cannot be done: what is said of it, and what it ends with.

use crate::{Cli, KEY, Said, say};
use futures_util::future::join_all;

#[tokio::test]
async fn what_cannot_be_done_says_what_mends_it() {
    let cli = Cli::new().await;
    let said = cli.say(&["verify", "user-none"], &[]).await;
    assert_eq!((said.code, said.stdout.as_str()), (Some(5), ""));
    assert!(
        said.stderr.contains("there is no stream user-none"),
        "{}",
        said.stderr
    );
    let aws = &["--region", "eu-north-1"];
    for (arguments, mend) in [
        (
            &["verify", "--events-table", "none"][..],
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
    assert_eq!(
        said.stderr,
        "error: DynamoDB was not asked: no region is known; name it with --region, or choose a profile that does with --profile\n"
    );
}

#[tokio::test]
async fn an_error_of_dynamodb_is_one_line_that_says_where_and_what_mends_it() {
    let cli = Cli::new().await;
    let (nobody, here) = ("http://127.0.0.1:9", cli.backend.endpoint.as_str());
    let refused = format!(
        "error: DynamoDB at {nobody} cannot be reached: Connection refused (os error 111); \
         check --endpoint and --region, and that it runs\n"
    );
    let unknown = format!("error: DynamoDB at {here} has no such table: ");
    let no_table = format!(
        " in DynamoDB at {here}; name the stack with --stack, or its region with --region\n"
    );
    let no_credentials = "error: DynamoDB in eu-north-1 was not asked: no credentials were found; \
        sign in, or choose a profile with --profile\n";
    let stream = cli.stream.as_str();
    let rebuild = ["rebuild", "users", "--reason", "r", "--yes"];
    let asked = [
        &["lag"][..],
        &["stats"],
        &["deliveries"],
        &["history", stream],
        &["state", stream],
        &["verify"],
        &["tail"],
        &["around"],
        &["rebuild", "users", "--diff"],
        &rebuild,
        &["claims"],
    ];
    let said = asked.iter().map(async |command| {
        let said = async |place: &[&str]| say(&[command, place].concat(), KEY).await;
        (
            said(&["--endpoint", nobody]).await,
            said(&["--endpoint", here, "--stack", "none"]).await,
            said(&["--region", "eu-north-1"]).await,
        )
    });
    for (command, said) in asked.iter().zip(join_all(said).await) {
        let (unreached, tableless, unknown_caller) = said;
        assert_eq!(unreached.stderr, refused, "{command:?}");
        assert_eq!(unknown_caller.stderr, no_credentials, "{command:?}");
        let Said { stderr, .. } = &tableless;
        let is_told = stderr.starts_with(&unknown)
            || stderr.ends_with(&no_table) && stderr.contains("table in DynamoDB");
        assert!(is_told, "{command:?}: {stderr}");
        for said in [unreached, tableless, unknown_caller] {
            assert_eq!((said.code, said.stdout.as_str()), (Some(3), ""));
            assert_eq!(said.stderr.lines().count(), 1, "{}", said.stderr);
        }
    }
}

#[tokio::test]
async fn a_story_that_nobody_answers_could_not_be_played() {
    let said = say(&["smoke", "--api", "http://127.0.0.1:9"], &[]).await;
    assert_eq!(said.code, Some(3), "{}", said.stderr);
    assert!(said.stdout.starts_with("failed "), "{}", said.stdout);
    assert!(
        said.stderr.contains("and then no answer came\n"),
        "{}",
        said.stderr
    );
}
