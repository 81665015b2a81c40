//! `GET /deliveries`, `GET /{collection}/{id}/deliveries` and `GET /rebuilds`.

use crate::{Deliveries, Place, Status, rebuilds};
use domain::Aggregate;
use domain::registry::{self, AggregateVisitor};
use edge::{Answer, Caller, Invalid, Problem, causes, json, parameters, route_key, stream_id};
use event_store::{EventLog, SeenStreams, stream_name};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response, tracing};
use read_model::ReadModelError;
use serde_json::json;
use std::collections::BTreeMap;
use std::convert::Infallible;

/// How many deliveries a page has, unless the caller says otherwise.
const LIMIT: usize = 20;
/// How many a page may have.
const MAX_LIMIT: usize = 100;

/// The answer to a request, whatever it is.
///
/// # Errors
/// None: a problem is an answer, too.
pub async fn answer(
    deliveries: &Deliveries<impl EventLog, impl SeenStreams>,
    subject_claim: &str,
    request: Request,
) -> Result<Response<Body>, Infallible> {
    let route = route_key(&request);
    let answered = async {
        let caller = Caller::of(&request, subject_claim)?;
        match route.as_str() {
            "GET /deliveries" => all(deliveries, &request, &caller).await,
            "GET /rebuilds" => rebuilds::all(deliveries, &request, &caller).await,
            "GET /rebuilds/{id}" => rebuilds::one(deliveries, &request, &caller).await,
            route => answer_one(deliveries, route, &request, &caller).await,
        }
    };
    Ok(answered.await.unwrap_or_else(|problem: Problem| {
        tracing::info!(route, code = problem.code(), "refused");
        problem.into()
    }))
}

/// All consumers of one stream.
///
/// # Errors
/// 404 for an unknown stream.
pub async fn answer_one(
    deliveries: &Deliveries<impl EventLog, impl SeenStreams>,
    route: &str,
    request: &Request,
    caller: &Caller,
) -> Result<Response<Body>, Problem> {
    caller.may("audit:read", None)?;
    let category = category(route).ok_or_else(|| {
        let detail = format!("there is no route {route}; the README lists them");
        Problem::new(StatusCode::NOT_FOUND, "no-such-route", detail)
    })?;
    let id = stream_id(request)?;
    parameters(request, &[])?;
    let found = deliveries.of_stream(&stream_name(category, id)).await;
    let found = found.map_err(failed)?.ok_or_else(|| {
        let detail = format!("nothing is known of {id}");
        Problem::new(StatusCode::NOT_FOUND, "unknown-stream", detail)
    })?;
    Ok(json(
        Answer::new(StatusCode::OK).version(found.version),
        &json!(found),
    ))
}

/// What is not completed, over all streams, and how far each consumer is behind.
async fn all(
    deliveries: &Deliveries<impl EventLog, impl SeenStreams>,
    request: &Request,
    caller: &Caller,
) -> Result<Response<Body>, Problem> {
    caller.may("audit:read", None)?;
    let parameters = parameters(request, &["consumer", "status", "limit", "cursor"])?;
    let mut wrong = Vec::new();
    let consumer = parameters.get("consumer").map(String::as_str);
    let consumers = registry::consumers();
    if consumer.is_some_and(|name| !consumers.contains_key(name)) {
        let known: Vec<_> = consumers.into_keys().collect();
        wrong.push(Invalid::new(
            "consumer",
            format!("must be one of: {}", known.join(", ")),
        ));
    }
    let status = parameters.get("status").map(|status| status_of(status));
    if status == Some(None) {
        let why = "must be one of: pending, processing, failed; what is completed, GET /{collection}/{id}/deliveries shows";
        wrong.push(Invalid::new("status", why));
    }
    let limit = limit(&parameters);
    if limit.is_none() {
        wrong.push(Invalid::new(
            "limit",
            format!("must be a whole number from 1 to {MAX_LIMIT}"),
        ));
    }
    let place = |text: &String| Place::parse(text).filter(|place| place.is_of(consumer));
    let cursor = parameters.get("cursor").map(place);
    if cursor == Some(None) {
        let why = "must be the next_cursor of a page of the same list";
        wrong.push(Invalid::new("cursor", why));
    }
    let (Some(limit), true) = (limit, wrong.is_empty()) else {
        return Err(Problem::invalid(wrong));
    };
    let is_first = cursor.is_none();
    let look = deliveries.look(consumer, cursor.flatten()).await;
    let look = look.map_err(failed)?;
    let page = look.behind(status.flatten(), limit).await;
    let (data, next) = page.map_err(failed)?;
    let mut body = json!({ "data": data, "next_cursor": next.map(|place| place.to_text()) });
    // OK because they are the same on each page of a list, and cost some reads.
    if is_first {
        body["consumers"] = json!(look.lags().await.map_err(failed)?);
    }
    Ok(json(Answer::new(StatusCode::OK), &body))
}

fn status_of(text: &str) -> Option<Status> {
    match text {
        "pending" => Some(Status::Pending),
        "processing" => Some(Status::Processing),
        "failed" => Some(Status::Failed),
        _ => None,
    }
}

fn limit(parameters: &BTreeMap<String, String>) -> Option<usize> {
    let Some(text) = parameters.get("limit") else {
        return Some(LIMIT);
    };
    let limit = text.parse().ok();
    limit.filter(|limit| (1..=MAX_LIMIT).contains(limit))
}

/// The category whose streams a route is about.
fn category(route: &str) -> Option<&'static str> {
    struct IsCollection<'a>(&'a str);
    impl AggregateVisitor for IsCollection<'_> {
        type Output = bool;

        fn visit<A: Aggregate>(self) -> bool {
            A::COLLECTION == self.0
        }
    }
    let collection = route
        .strip_prefix("GET /")?
        .strip_suffix("/{id}/deliveries")?;
    let mut categories = registry::AGGREGATES.iter().map(|(category, _)| *category);
    categories
        .find(|category| registry::aggregate(category, IsCollection(collection)) == Some(true))
}

/// What a failure is to the caller.
pub(crate) fn failed(error: ReadModelError) -> Problem {
    tracing::error!(error = causes(&error), "deliveries cannot be read");
    match error {
        ReadModelError::Corrupt { .. } => Problem::internal(),
        _ => Problem::unavailable("the store did not answer; send the same request again"),
    }
}
