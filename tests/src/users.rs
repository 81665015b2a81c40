//! Commands for users, as the tests send them.

use domain::User;
use domain::user::{Command, Error};
use event_store::{
    Appended, Cache, Clock, EventLog, ExecuteError, Metadata, Part, execute, stream_name,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// The stream of a user.
pub fn stream(id: Uuid) -> String {
    stream_name("user", id)
}

/// A command, checked as one that came over HTTP.
pub fn command(kind: &str, data: Value) -> Command {
    let Value::Object(fields) = data else {
        panic!("data is an object")
    };
    domain::parse::<User>(kind, fields).expect("a valid command")
}

/// The command that creates a user with this email.
pub fn create(email: &str) -> Command {
    command("CreateUser", json!({ "name": "Sarah", "email": email }))
}

/// The command that gives a user this name.
pub fn rename(name: &str) -> Command {
    command(
        "ChangeUserName",
        json!({ "name": name, "reason": "married" }),
    )
}

/// Metadata of a command with this id.
pub fn metadata(command_id: Uuid) -> Metadata {
    Metadata {
        correlation_id: command_id,
        ..Metadata::new("tests", "tests").keyed(command_id, "f")
    }
}

/// Executes a command under this id.
pub async fn run_as(
    command_id: Uuid,
    log: &impl EventLog,
    clock: &impl Clock,
    id: Uuid,
    command: &Command,
) -> Result<Appended, ExecuteError<Error>> {
    run_with(&Cache::none(), command_id, log, clock, id, command).await
}

/// Executes a command under this id in a sandbox that has this cache.
pub async fn run_with(
    cache: &Cache<User>,
    command_id: Uuid,
    log: &impl EventLog,
    clock: &impl Clock,
    id: Uuid,
    command: &Command,
) -> Result<Appended, ExecuteError<Error>> {
    let name = stream(id);
    let creates = matches!(command, Command::CreateUser { .. });
    let part = Part::new(&name, command, cache).creating(creates);
    execute(log, clock, &metadata(command_id), part).await
}

/// Executes a command under an id of its own.
pub async fn run(
    log: &impl EventLog,
    clock: &impl Clock,
    id: Uuid,
    command: &Command,
) -> Result<Appended, ExecuteError<Error>> {
    run_as(Uuid::now_v7(), log, clock, id, command).await
}
