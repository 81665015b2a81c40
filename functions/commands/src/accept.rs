//! One command: who asks, what for, and what came of it.

use crate::call::Call;
use crate::refuse::refusal;
use domain::Aggregate;
use domain::values::Reason;
use edge::{Answer, Caller, Invalid, Problem, json};
use event_store::{Appended, Cache, Clock, EventLog, Metadata, Part, execute, stream_name};
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
pub async fn answer<A: Aggregate>(
    commands: &Commands<impl EventLog, impl Clock>,
    cache: &Cache<A>,
    request: Request,
) -> Result<Response<Body>, Infallible> {
    Ok(accept::<A>(commands, cache, &request)
        .await
        .unwrap_or_else(|problem| {
            tracing::info!(code = problem.code(), "refused");
            problem.into()
        }))
}

async fn accept<A: Aggregate>(
    commands: &Commands<impl EventLog, impl Clock>,
    cache: &Cache<A>,
    request: &Request,
) -> Result<Response<Body>, Problem> {
    let caller = Caller::of(request, &commands.subject_claim)?;
    let call = Call::read::<A>(request, &caller.subject)?;
    let id = call.id.to_string();
    caller.may(&format!("{}:write", A::COLLECTION), Some(&id))?;
    let reason = call.fields.get("reason").and_then(Value::as_str);
    let reason = reason.map(|reason| Reason::from(reason).as_str().to_owned());
    let command = domain::parse::<A>(call.command, call.fields).map_err(|errors| {
        Problem::invalid(
            errors
                .into_iter()
                .map(|error| Invalid::new(error.field, error.why)),
        )
    })?;
    let stream = stream_name(A::CATEGORY, call.id);
    let metadata = Metadata {
        command_id: call.command_id,
        fingerprint: call.fingerprint,
        actor: caller.subject,
        correlation_id: call.correlation_id.unwrap_or(call.command_id),
        causation_id: None,
        traceparent: call.traceparent,
        source: "http".to_owned(),
        reason,
        parts: Vec::new(),
    };
    let part = Part::new(&stream, &command, cache)
        .expecting(call.expected)
        .creating(call.creates);
    let appended = execute(&commands.log, &commands.clock, &metadata, part)
        .await
        .map_err(|error| refusal(&stream, error))?;
    tracing::info!(
        stream,
        command = call.command,
        version = appended.version,
        replayed = appended.replayed,
        "accepted"
    );
    Ok(accepted::<A>(&id, &appended))
}

fn accepted<A: Aggregate>(id: &str, appended: &Appended) -> Response<Body> {
    let Appended {
        version,
        event_ids,
        replayed,
    } = appended;
    let mut answer = Answer::new(StatusCode::ACCEPTED).version(*version).header(
        header::LOCATION,
        format!("/{}/{id}?min_version={version}", A::COLLECTION),
    );
    if *replayed {
        answer = answer.header(HeaderName::from_static("idempotent-replayed"), "true");
    }
    json(
        answer,
        &json!({ "id": id, "version": version, "event_ids": event_ids, "status": "accepted" }),
    )
}
