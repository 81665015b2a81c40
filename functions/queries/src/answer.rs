//! Which query a request is, and what it is answered when it cannot be.

use crate::{diff, history, list, one, state, stats, what_if};
use chrono::Utc;
use domain::{Aggregate, ReadModelOf};
use edge::{Caller, Problem, causes, route_key};
use event_store::{EventLog, SeenStreams, StoreError, stream_name};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, RequestExt, Response, tracing};
use read_model::{AtLeast, Documents, ReadModelError, show};
use std::convert::Infallible;
use uuid::Uuid;

/// What a query is answered from.
pub struct Queries<L, D, H> {
    /// The events.
    pub log: L,
    /// The read model, in the generation that is shown.
    pub documents: D,
    /// The index that parts of texts are looked up in, where this deployment has one.
    pub search: Option<D>,
    /// How far the publisher saw each stream.
    pub heads: H,
    /// The claim of a token that names its subject.
    pub subject_claim: String,
}

/// The answer to a request for an aggregate, whatever it is.
pub async fn answer<A: Aggregate>(
    queries: &Queries<impl EventLog, impl Documents, impl SeenStreams>,
    request: Request,
) -> Result<Response<Body>, Infallible> {
    let route = route_key(&request);
    let answered = async {
        let caller = Caller::of(&request, &queries.subject_claim)?;
        match query::<A>(&route) {
            Some(Query::List) => list::answer::<A>(queries, &request, &caller).await,
            Some(Query::One) => one::answer::<A>(queries, &request, &caller).await,
            Some(Query::History) => history::answer::<A>(queries, &request, &caller).await,
            Some(Query::State) => state::answer::<A>(queries, &request, &caller).await,
            Some(Query::Diff) => diff::answer::<A>(queries, &request, &caller).await,
            Some(Query::WhatIf) => what_if::answer::<A>(queries, &request, &caller).await,
            None => Err(no_such_route(&request)),
        }
    };
    Ok(or_problem(&route, answered.await))
}

/// The answer to a request for the statistics, whatever it is; `behind` finds how many events they do not hold yet.
pub async fn answer_statistics(
    documents: &impl Documents,
    behind: impl Future<Output = Result<u64, ReadModelError>>,
    subject_claim: &str,
    request: Request,
) -> Result<Response<Body>, Infallible> {
    let route = route_key(&request);
    let answered = async {
        let caller = Caller::of(&request, subject_claim)?;
        match route.as_str() {
            "GET /stats" => {
                let today = Utc::now().date_naive();
                stats::answer(documents, behind, &request, &caller, today).await
            }
            _ => Err(no_such_route(&request)),
        }
    };
    Ok(or_problem(&route, answered.await))
}

/// The answer where not even the read model was found.
pub fn unanswered(request: &Request, error: ReadModelError) -> Response<Body> {
    or_problem(&route_key(request), Err(failed(error)))
}

pub fn or_problem(route: &str, answered: Result<Response<Body>, Problem>) -> Response<Body> {
    answered.unwrap_or_else(|problem| {
        tracing::info!(route, code = problem.code(), "refused");
        problem.into()
    })
}

enum Query {
    List,
    One,
    History,
    State,
    Diff,
    WhatIf,
}

fn query<A: Aggregate>(route: &str) -> Option<Query> {
    let (method, path) = route.split_once(" /")?;
    match (method, path.strip_prefix(A::COLLECTION)?) {
        ("GET", "") => Some(Query::List),
        ("GET", "/{id}") => Some(Query::One),
        ("GET", "/{id}/history") => Some(Query::History),
        ("GET", "/{id}/state") => Some(Query::State),
        ("GET", "/{id}/diff") => Some(Query::Diff),
        ("POST", "/{id}/what-if") => Some(Query::WhatIf),
        _ => None,
    }
}

pub fn no_such_route(request: &Request) -> Problem {
    let detail = format!(
        "there is no route {} {}; the README lists them",
        request.method(),
        request.raw_http_path()
    );
    Problem::new(StatusCode::NOT_FOUND, "no-such-route", detail)
}

/// Checks that the caller has `scope`, or `self` on a stream that is theirs; whose it is, its document says.
///
/// # Errors
/// 403, or that the document cannot be read.
pub async fn owned<A: Aggregate>(
    queries: &Queries<impl EventLog, impl Documents, impl SeenStreams>,
    caller: &Caller,
    scope: &str,
    id: Uuid,
) -> Result<(), Problem> {
    if !caller.is_bound_to_own(scope)? {
        return Ok(());
    }
    let stream = stream_name(A::CATEGORY, id);
    let (id, nothing) = (id.to_string(), A::State::default());
    if let Some(owner) = A::owner(&id, &nothing) {
        return caller.may(scope, Some(owner));
    }
    let shown = show::<ReadModelOf<A>>(&queries.log, &queries.documents, &stream, AtLeast::Any);
    let shown = shown.await.map_err(failed)?;
    let owner = shown
        .as_ref()
        .and_then(|shown| A::owner(&id, &shown.document.state));
    caller.may(scope, owner)
}

/// 409 for a version that the stream does not have.
pub fn ahead(parameter: &str, version: u64, head: u64) -> Problem {
    let detail = format!("{parameter} is {version}, the stream is at version {head}");
    Problem::new(StatusCode::CONFLICT, "version-ahead", detail).with("version", head)
}

/// 503 for a version that the read model will not have until somebody has looked at the event before it.
fn parked(applied: u64, version: u64) -> Problem {
    let shown = match applied {
        0 => "nothing".to_owned(),
        applied => format!("version {applied} at most"),
    };
    let detail =
        format!("event {version} cannot be applied; until that is mended, {shown} can be shown");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "parked", detail)
        .with("version", applied)
        .with("parked_at", version)
        .retry_after(60)
}

/// What a failure of the read side is to the caller.
pub fn failed(error: ReadModelError) -> Problem {
    match error {
        ReadModelError::Ahead { version, head, .. } => ahead("min_version", version, head),
        ReadModelError::Parked {
            applied, version, ..
        } => parked(applied, version),
        ReadModelError::Log(StoreError::Corrupt { .. })
        | ReadModelError::Corrupt { .. }
        | ReadModelError::Counted { .. }
        | ReadModelError::Poison { .. } => {
            tracing::error!(error = causes(&error), "what is stored cannot be read");
            Problem::internal()
        }
        ReadModelError::Log(_) | ReadModelError::Conflict | ReadModelError::Aws(_) => {
            tracing::error!(error = causes(&error), "the store failed");
            Problem::unavailable("the store did not answer; send the same request again")
        }
    }
}

#[cfg(test)]
mod tests;
