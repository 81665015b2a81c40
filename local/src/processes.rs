//! Runs each function's binary as a process, and starts it again whenever it ends.

use crate::intrinsics::REGION;
use crate::template::Function;
use crate::workers::{Workers, function_of};
use anyhow::Context;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What processes keep of the environment of the stack: nothing of AWS's, nothing of a proxy's.
const KEPT: [&str; 8] = [
    "PATH",
    "LANG",
    "TZ",
    "TMPDIR",
    "RUST_BACKTRACE",
    "LD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
    "LLVM_PROFILE_FILE",
];

/// A process that lived this long did not fail to start.
const SETTLED: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// What is said of a process that was killed on purpose.
const KILLED: &str = "killed";

/// The running functions.
pub struct Processes {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// What a process finds around it.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The internal server: `http://127.0.0.1:4000`.
    pub internal: String,
    /// DynamoDB.
    pub dynamodb: String,
    /// Whether it logs warnings and errors alone.
    pub quiet: bool,
}

impl Processes {
    /// Starts a process for each function.
    ///
    /// # Errors
    /// A function's binary was not built.
    pub fn start(
        functions: &[Function],
        binaries: &BTreeMap<String, PathBuf>,
        surroundings: &Surroundings,
        api: &Workers,
    ) -> anyhow::Result<Self> {
        let (stop, mut tasks) = (watch::Sender::new(false), JoinSet::new());
        for function in functions {
            let binary = binaries.get(&function.binary);
            let binary =
                binary.with_context(|| format!("the binary {} was not built", function.binary))?;
            let keep = keep(
                function.clone(),
                binary.clone(),
                surroundings.clone(),
                api.clone(),
                stop.subscribe(),
            );
            tasks.spawn(keep);
        }
        Ok(Processes { stop, tasks })
    }

    /// Kills all processes, and waits until they are gone.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        self.tasks.join_all().await;
    }
}

async fn keep(
    function: Function,
    binary: PathBuf,
    surroundings: Surroundings,
    api: Workers,
    mut stop: watch::Receiver<bool>,
) {
    let id = &function.id;
    let mut pause = Duration::ZERO;
    loop {
        let started = Instant::now();
        let number = api.begin(id);
        let ended = match spawn(&function, &binary, &surroundings, number) {
            Ok(mut child) => {
                pass_on(id, child.stdout.take());
                pass_on(id, child.stderr.take());
                let ended = tokio::select! {
                    status = child.wait() => status.map_or_else(|error| error.to_string(), |status| status.to_string()),
                    () = api.killed(id) => {
                        // OK because it fails only if the process has ended already.
                        let _ = child.kill().await;
                        KILLED.to_owned()
                    }
                    () = stopped(&mut stop) => {
                        let _ = child.kill().await;
                        return;
                    }
                };
                ended
            }
            Err(error) => error.to_string(),
        };
        api.end(id);
        pause = match started.elapsed() {
            // A kill is no fault of the function's.
            lived if lived >= SETTLED || ended == KILLED => Duration::ZERO,
            _ => (pause * 2).clamp(Duration::from_millis(100), LONGEST_PAUSE),
        };
        tracing::warn!(
            function = id,
            ended,
            pause_ms = pause.as_millis() as u64,
            "process ended; starting it again"
        );
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stopped(&mut stop) => return,
        }
    }
}

/// Ends when everything is to stop, or nobody is left to say so.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

fn spawn(
    function: &Function,
    binary: &PathBuf,
    surroundings: &Surroundings,
    number: u64,
) -> std::io::Result<Child> {
    let Surroundings {
        internal,
        dynamodb,
        quiet,
    } = surroundings;
    let id = &function.id;
    let mut command = Command::new(binary);
    command
        .env_clear()
        .envs(
            KEPT.iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        )
        .envs(&function.environment)
        .env("RUST_LOG", log_filter(function, *quiet))
        .env(
            "AWS_LAMBDA_RUNTIME_API",
            format!("{internal}/runtime/{id}/{number}"),
        )
        .env("AWS_LAMBDA_FUNCTION_NAME", function_of(id))
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &function.memory)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_REGION", REGION)
        .env("AWS_ACCESS_KEY_ID", "local")
        .env("AWS_SECRET_ACCESS_KEY", "local")
        .env("AWS_ENDPOINT_URL_DYNAMODB", dynamodb)
        .env(
            "AWS_ENDPOINT_URL_EVENTBRIDGE",
            format!("{internal}/eventbridge/"),
        )
        .env("AWS_ENDPOINT_URL_SQS", format!("{internal}/sqs/"))
        .env("AWS_ENDPOINT_URL_SESV2", format!("{internal}/ses"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    // A group of its own, so that Ctrl-C reaches it through us alone.
    #[cfg(unix)]
    command.process_group(0);
    command.spawn()
}

/// The person's filter, or the template's. The runtime would put its request ids before each line: they serve where
/// there are many requests to tell apart.
fn log_filter(function: &Function, quiet: bool) -> String {
    if quiet {
        return "warn".to_owned();
    }
    std::env::var("RUST_LOG").unwrap_or_else(|_| {
        let level = function
            .environment
            .get("RUST_LOG")
            .map_or("info", String::as_str);
        format!("{level},lambda_runtime=warn")
    })
}

/// Passes a process's lines on, with the function's name in front.
fn pass_on(id: &str, output: Option<impl AsyncRead + Unpin + Send + 'static>) {
    let Some(output) = output else { return };
    let id = id.to_owned();
    tokio::spawn(async move {
        let mut lines = BufReader::new(output).split(b'\n');
        while let Ok(Some(line)) = lines.next_segment().await {
            eprintln!("{id:>14} | {}", String::from_utf8_lossy(&line));
        }
    });
}
