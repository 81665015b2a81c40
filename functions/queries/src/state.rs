//! `GET /{collection}/{id}/state`: what a stream amounted to, at a version or at a moment; with `read_model`, what its document
//! there was.

use crate::answer::{Queries, failed, owned};
use crate::moment::{at_or_version, unanswerable};
use chrono::{DateTime, Utc};
use domain::registry::{self, ReadModelVisitor};
use domain::{Aggregate, ReadModel};
use edge::{Answer, Caller, Invalid, Problem, json, parameters, stream_id};
use event_store::{EventLog, SeenStreams, stream_name};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use past::{DocumentOf, Moment, PastError, StateOf, Then, then};
use read_model::{Documents, head};
use serde_json::json;
use std::collections::BTreeMap;
use std::pin::Pin;

/// The state or the document, its version, and when that was recorded.
///
/// # Errors
/// 404 for an unknown stream, 409 for a version that is yet to come, 422 for a parameter that is not as it must be.
pub async fn answer<A: Aggregate>(
    queries: &Queries<impl EventLog, impl Documents, impl SeenStreams>,
    request: &Request,
    caller: &Caller,
) -> Result<Response<Body>, Problem> {
    let id = stream_id(request)?;
    let stream = stream_name(A::CATEGORY, id);
    owned::<A>(queries, caller, "audit:read", id).await?;
    let now = Utc::now();
    let parameters = parameters(request, &["at", "version", "read_model"])?;
    let moment = at_or_version(&parameters, now)?;
    let (log, read_model) = (&queries.log, read_model::<A>(&parameters)?);
    let found = match read_model {
        None => then::<StateOf<A>>(log, &stream, moment, now).await,
        Some(name) => {
            let asked = Asked {
                log,
                stream: &stream,
                moment,
                now,
            };
            let document = registry::projection(name, A::CATEGORY, asked);
            document.ok_or_else(|| no_read_model::<A>())?.await
        }
    };
    let found = found.map_err(|error| unanswerable(error, "version"))?;
    let mut body = json!({
        "version": found.version, "timestamp": found.timestamp, "settled": found.settled,
    });
    match read_model {
        None => body["state"] = found.state,
        Some(name) => (body["read_model"], body["document"]) = (name.into(), found.state),
    }
    // OK because it takes 1 read unit, or more if the last commit is larger than 4 KB.
    let head = head(log, &stream, 0).await.map_err(failed)?;
    let answer = Answer::new(StatusCode::OK).version(found.version);
    Ok(json(
        answer.behind(head.saturating_sub(found.version)),
        &body,
    ))
}

/// The read model that is named, if any is; it is one of those that are kept of the aggregate's streams.
///
/// # Errors
/// 422 for another one.
pub fn read_model<A: Aggregate>(
    parameters: &BTreeMap<String, String>,
) -> Result<Option<&str>, Problem> {
    let Some(name) = parameters.get("read_model") else {
        return Ok(None);
    };
    match kept::<A>().any(|kept| kept == name) {
        true => Ok(Some(name)),
        false => Err(no_read_model::<A>()),
    }
}

/// 422 for a read model that is not kept of the aggregate's streams.
pub fn no_read_model<A: Aggregate>() -> Problem {
    let kept: Vec<_> = kept::<A>().collect();
    let why = format!("must be one of: {}", kept.join(", "));
    Problem::invalid([Invalid::new("read_model", why)])
}

fn kept<A: Aggregate>() -> impl Iterator<Item = &'static str> {
    let of = registry::PROJECTIONS.iter();
    of.filter(|(_, category)| *category == A::CATEGORY)
        .map(|(name, _)| *name)
}

/// A document that is asked for.
struct Asked<'a, L> {
    log: &'a L,
    stream: &'a str,
    moment: Moment,
    now: DateTime<Utc>,
}

impl<'a, L: EventLog> ReadModelVisitor for Asked<'a, L> {
    type Output = Pin<Box<dyn Future<Output = Result<Then, PastError>> + Send + 'a>>;

    fn visit<R: ReadModel>(self) -> Self::Output {
        Box::pin(async move {
            then::<DocumentOf<R>>(self.log, self.stream, self.moment, self.now).await
        })
    }
}
