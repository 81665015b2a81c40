//! `strangelog`: what those who look after a store can do.

use clap::Parser;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    ops::run(ops::Options::parse()).await
}
