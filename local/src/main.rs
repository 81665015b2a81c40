//! `cargo run`: the whole stack on one machine.

use clap::{Parser, Subcommand};
use local::{Options, Stack};
use std::path::PathBuf;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Runs Strangelog on this machine: every function as its own process, wired as template.yaml says. Never touches AWS.
#[derive(Parser)]
#[command(
    version,
    after_help = "Examples:
  cargo run                                                   in memory, on port 3000
  cargo run -- --data .local                                  keep the data
  cargo run -- --port 0 --ready-file ready.json               for scripts: any port, written to a file
  cargo run -- --dynamodb http://localhost:8000               use a DynamoDB Local that runs already
  cargo run -- --parameter Search=off                         as the template says with this parameter
  cargo run -- demo                                           a month passes and an account is gone: find out why"
)]
struct Arguments {
    /// Where the API answers; 0 is any port that is free
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// A folder that keeps the data; without one it is forgotten
    #[arg(long, value_name = "DIR", conflicts_with = "dynamodb")]
    data: Option<PathBuf>,
    /// A DynamoDB Local that runs already
    #[arg(long, value_name = "URL")]
    dynamodb: Option<String>,
    /// A file to write the URLs to, as JSON, as soon as the stack is ready
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
    /// What defines the stack
    #[arg(long, value_name = "PATH")]
    template: Option<PathBuf>,
    /// A value for one of the template's parameters; may be repeated
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = pair)]
    parameters: Vec<(String, String)>,
    /// How many processes a function may have that consumes a queue, within its own bound
    #[arg(long, value_name = "N", default_value_t = 1)]
    processes: u32,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Lets a month of users and accounts pass, and tells what it is for: an account is gone; who did it, when and why?
    Demo,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let level = if arguments.command.is_some() {
        "warn"
    } else {
        "info"
    };
    // The embedded database warns of each condition that fails, which is nothing out of the ordinary.
    let default = format!("{level},dynoxide=error");
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    let result = runtime.block_on(run(arguments));
    // So that a build that is still running holds nobody up.
    runtime.shutdown_background();
    result.map_or_else(|error| fail(&error), |()| ExitCode::SUCCESS)
}

fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = pair.ok_or("a name and a value are needed, as in Search=off")?;
    Ok((name.to_owned(), value.to_owned()))
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    tokio::pin!(stop);
    let defaults = Options::default();
    let options = Options {
        port: arguments.port,
        data: arguments.data,
        dynamodb: arguments.dynamodb,
        template: arguments.template.unwrap_or(defaults.template),
        parameters: arguments.parameters.into_iter().collect(),
        processes: arguments.processes,
        ready_file: arguments.ready_file,
        ..defaults
    };
    let is_demo = matches!(arguments.command, Some(Command::Demo));
    let start = async {
        match is_demo {
            true => local::demo::tell(options).await,
            false => Stack::start(options).await,
        }
    };
    let stack = tokio::select! {
        stack = start => stack?,
        _ = &mut stop => return Ok(()),
    };
    if !is_demo {
        greet(&stack);
    }
    let signal = stop.await;
    tracing::info!("stopping: {signal}");
    stack.stop().await;
    Ok(())
}

fn greet(stack: &Stack) {
    let api = stack.api.replace("127.0.0.1", "localhost");
    println!(
        "\nReady.
  API        {api}
  console    {api}/console
  mails      {api}/mail
  DynamoDB   {}

Try:
  curl -i {api}/users -d '{{\"name\":\"Sarah\",\"email\":\"sarah@example.com\"}}'

Ctrl-C stops it.",
        stack.dynamodb
    );
}

/// Ends at Ctrl-C or SIGTERM, and says which.
fn stop_signal() -> anyhow::Result<impl Future<Output = &'static str>> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    #[cfg(unix)]
    let terminated = async move { terminate.recv().await };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    Ok(async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => "Ctrl-C",
            _ = terminated => "SIGTERM",
        }
    })
}
