//! Which query a request is, and what it is answered when it cannot be.

use crate::{history, list, one, stats};
use chrono::Utc;
use domain::Aggregate;
use edge::{Caller, Problem, causes, route_key};
use event_store::{EventLog, StoreError};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, RequestExt, Response, tracing};
use read_model::{Documents, ReadModelError};
use std::convert::Infallible;

/// What queries are answered from.
pub struct Queries<L, D> {
    /// The events.
    pub log: L,
    /// The read model.
    pub documents: D,
    /// The claim of a token that names its subject.
    pub subject_claim: String,
}

/// The answer to a request for an aggregate, whatever it is.
pub async fn answer<A: Aggregate>(
    queries: &Queries<impl EventLog, impl Documents>,
    request: Request,
) -> Result<Response<Body>, Infallible> {
    let route = route_key(&request);
    let answered = async {
        let caller = Caller::of(&request, &queries.subject_claim)?;
        match query::<A>(&route) {
            Some(Query::List) => list::answer::<A>(queries, &request, &caller).await,
            Some(Query::One) => one::answer::<A>(queries, &request, &caller).await,
            Some(Query::History) => history::answer::<A>(queries, &request, &caller).await,
            None => Err(no_such_route(&request)),
        }
    };
    Ok(or_problem(&route, answered.await))
}

/// The answer to a request for the statistics, whatever it is.
pub async fn answer_statistics(
    queries: &Queries<impl EventLog, impl Documents>,
    request: Request,
) -> Result<Response<Body>, Infallible> {
    let route = route_key(&request);
    let answered = async {
        let caller = Caller::of(&request, &queries.subject_claim)?;
        match route.as_str() {
            "GET /stats" => {
                let today = Utc::now().date_naive();
                stats::answer(queries, &request, &caller, today).await
            }
            _ => Err(no_such_route(&request)),
        }
    };
    Ok(or_problem(&route, answered.await))
}

fn or_problem(route: &str, answered: Result<Response<Body>, Problem>) -> Response<Body> {
    answered.unwrap_or_else(|problem| {
        tracing::info!(route, code = problem.code(), "refused");
        problem.into()
    })
}

enum Query {
    List,
    One,
    History,
}

fn query<A: Aggregate>(route: &str) -> Option<Query> {
    match route.strip_prefix("GET /")?.strip_prefix(A::COLLECTION)? {
        "" => Some(Query::List),
        "/{id}" => Some(Query::One),
        "/{id}/history" => Some(Query::History),
        _ => None,
    }
}

fn no_such_route(request: &Request) -> Problem {
    let detail = format!(
        "there is no route {} {}; the README lists them",
        request.method(),
        request.raw_http_path()
    );
    Problem::new(StatusCode::NOT_FOUND, "no-such-route", detail)
}

/// 404 for a stream without events.
pub fn unknown(id: &str) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown-stream",
        format!("nothing is known of {id}"),
    )
}

/// 409 for a version that the stream does not have.
pub fn ahead(version: u64, head: u64) -> Problem {
    let detail = format!("min_version is {version}, the stream is at version {head}");
    Problem::new(StatusCode::CONFLICT, "version-ahead", detail).with("version", head)
}

/// What a failure of the read side is to the caller.
pub fn failed(error: ReadModelError) -> Problem {
    match error {
        ReadModelError::Ahead { version, head, .. } => ahead(version, head),
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
