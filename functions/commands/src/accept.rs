//! One command: who asks, what for, and what came of it.

use crate::asked::{Asked, asked};
use crate::refuse::{failed, refusal};
use domain::Aggregate;
use edge::{Answer, Problem, json};
use event_store::{Appended, Cache, Clock, EventLog, Part, Stream, execute, stream_name};
use lambda_http::http::{HeaderName, StatusCode, header};
use lambda_http::{Body, Request, Response, tracing};
use serde_json::{Value, json};
use std::convert::Infallible;

/// What commands are executed with.
pub struct Commands<L, C> {
    /// Where events go.
    pub log: L,
    /// What stamps them.
    pub clock: C,
    /// The claim of a token that names its subject.
    pub subject_claim: String,
}

/// The answer to a request, whatever it is.
///
/// # Errors
/// None: a problem is an answer, too.
pub async fn answer<A: Aggregate>(
    commands: &Commands<impl EventLog, impl Clock>,
    cache: &Cache<A>,
    request: Request,
) -> Result<Response<Body>, Infallible> {
    Ok(or_problem(accept::<A>(commands, cache, &request).await))
}

async fn accept<A: Aggregate>(
    commands: &Commands<impl EventLog, impl Clock>,
    cache: &Cache<A>,
    request: &Request,
) -> Result<Response<Body>, Problem> {
    let scope = format!("{}:write", A::SCOPE);
    let asked = asked::<A>(request, &commands.subject_claim, &scope)?;
    let stream = stream_name(A::CATEGORY, asked.call.id);
    if asked.is_bound {
        let owner = owner(commands, &asked, &stream).await?;
        asked.caller.may(&scope, owner.as_deref())?;
    }
    let part = Part::new(&stream, &asked.command, cache)
        .expecting(asked.call.expected)
        .creating(asked.call.creates);
    let appended = execute(&commands.log, &commands.clock, &asked.metadata, part)
        .await
        .map_err(|error| refusal(&stream, error))?;
    let id = asked.call.id.to_string();
    let Appended { version, .. } = appended;
    let location = format!("/{}/{id}?min_version={version}", A::COLLECTION);
    Ok(accepted(&asked, &appended, &location, json!({})))
}

/// Whose the stream is, or will be once the command has created it.
async fn owner<A: Aggregate>(
    commands: &Commands<impl EventLog, impl Clock>,
    asked: &Asked<A>,
    stream: &str,
) -> Result<Option<String>, Problem> {
    let (id, nothing) = (asked.call.id.to_string(), A::State::default());
    let owner = |state: &A::State| A::owner(&id, state).map(str::to_owned);
    if let Some(owner) = owner(&nothing) {
        return Ok(Some(owner));
    }
    if asked.call.creates {
        let events = A::decide(&asked.command, &nothing).unwrap_or_default();
        return Ok(owner(&A::fold(nothing, &events)));
    }
    let stream = Stream::<A>::load(&commands.log, stream)
        .await
        .map_err(|error| failed(stream, &error))?;
    Ok(owner(&stream.state))
}

/// 202, with what the command is answered and `more` members.
pub(crate) fn accepted<A: Aggregate>(
    asked: &Asked<A>,
    appended: &Appended,
    location: &str,
    mut more: Value,
) -> Response<Body> {
    let Appended {
        version,
        event_ids,
        replayed,
    } = appended;
    let (id, command) = (asked.call.id.to_string(), asked.call.command);
    tracing::info!(id, command, version, replayed, "accepted");
    let mut answer = Answer::new(StatusCode::ACCEPTED)
        .version(*version)
        .header(header::LOCATION, location);
    if *replayed {
        answer = answer.header(HeaderName::from_static("idempotent-replayed"), "true");
    }
    let mut body =
        json!({ "id": id, "version": version, "event_ids": event_ids, "status": "accepted" });
    if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object_mut()) {
        body.append(more);
    }
    json(answer, &body)
}

pub(crate) fn or_problem(answer: Result<Response<Body>, Problem>) -> Response<Body> {
    answer.unwrap_or_else(|problem| {
        tracing::info!(code = problem.code(), "refused");
        problem.into()
    })
}
