//! The story that all this is for, told on a stack of its own: a month of users and accounts, and at the end of it an account is
//! gone. Who did it, when, why, what did it hold, and how does it come back?

mod month;
mod seed;
mod story;

use crate::{Options, Stack};
use chrono::Utc;
use std::time::Duration;

/// How long the read models may take for a month.
const PATIENCE: Duration = Duration::from_secs(180);

/// Lets a month pass on a stack of its own, and tells the story; the stack goes on.
///
/// # Errors
/// The stack cannot start, or does not answer as the story goes.
pub async fn tell(options: Options) -> anyhow::Result<Stack> {
    println!("Starting a stack of its own; the first time, this compiles the functions.");
    let stack = Stack::start(Options {
        quiet: true,
        ..options
    })
    .await?;
    match told(&stack).await {
        Ok(()) => Ok(stack),
        Err(error) => {
            stack.stop().await;
            Err(error)
        }
    }
}

async fn told(stack: &Stack) -> anyhow::Result<()> {
    let month = month::Month::before(Utc::now());
    let written = seed::write(stack, &month).await?;
    println!("A month passes: {written} commands, by 20 people and those who look after them.");
    stack.settled(PATIENCE).await?;
    story::tell(stack, &month).await
}
