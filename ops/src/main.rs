//! `strangelog`: what those who look after a store can do.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let options = ops::Options::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(3);
        }
    };
    let exit = runtime.block_on(ops::run(options));
    // So that a question that nobody answered holds nobody up.
    runtime.shutdown_background();
    exit
}
