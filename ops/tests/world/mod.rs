//! A whole stack, and the tool beside it, as a person or a script calls it.

use local::{Options, Stack};
use std::time::Duration;
use tests::http::Api;
use tokio::process::Command;

const SETTLE: Duration = Duration::from_secs(60);

pub struct World {
    pub stack: Stack,
    pub api: Api,
}

pub struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl World {
    pub async fn new() -> Self {
        // So that a rebuild need not wait until nobody is at work who does not know of it.
        let hurried = [("WALK_GRACE".to_owned(), "1".to_owned())];
        let options = Options {
            environment: hurried.into(),
            ..Options::default()
        };
        let stack = Stack::start(options).await.expect("the stack starts");
        let api = Api::new(&stack.api);
        Self { stack, api }
    }

    pub async fn settled(&self) {
        self.stack.settled(SETTLE).await.expect("settled");
    }

    /// The tool, about to be run; nothing of the surroundings reaches it.
    pub fn tool(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strangelog"));
        let store = ["--endpoint", &self.stack.dynamodb];
        command
            .args([arguments, &store].concat())
            .env_clear()
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("USER", "mei");
        command
    }

    pub async fn say(&self, arguments: &[&str]) -> Said {
        let output = self.tool(arguments).output().await.expect("it runs");
        Said {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }

    /// What it says, when all is well.
    pub async fn done(&self, arguments: &[&str]) -> String {
        let said = self.say(arguments).await;
        assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
        said.stdout + &said.stderr
    }
}
