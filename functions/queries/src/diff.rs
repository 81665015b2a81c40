//! `GET /{collection}/{id}/diff`: what changed between two moments, and which events did it.

use crate::answer::{Queries, owned};
use crate::history::{cursor, place};
use crate::list::limit;
use crate::moment::{moment, unanswerable};
use crate::state::{no_read_model, read_model};
use chrono::{DateTime, Utc};
use domain::registry::{self, ReadModelVisitor};
use domain::{Aggregate, ReadModel};
use edge::{Answer, Caller, Invalid, Problem, json, parameters, stream_id};
use event_store::{EventLog, SeenStreams, stream_name};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use past::{Between, Diff, DocumentOf, Moment, PastError, StateOf, diff};
use read_model::Documents;
use serde_json::json;
use std::pin::Pin;

/// The changes, the patch, and a page of the events between the two.
///
/// # Errors
/// 404 for an unknown stream, 409 for a version that is yet to come, 422 for a parameter that is not as it must be.
pub async fn answer<A: Aggregate>(
    queries: &Queries<impl EventLog, impl Documents, impl SeenStreams>,
    request: &Request,
    caller: &Caller,
) -> Result<Response<Body>, Problem> {
    let id = stream_id(request)?;
    owned::<A>(queries, caller, "audit:read", id).await?;
    let now = Utc::now();
    let known = ["from", "to", "limit", "cursor", "read_model"];
    let parameters = parameters(request, &known)?;
    let from = moment(&parameters, "from", now)?.ok_or_else(|| {
        let why = "is required: a version, or a time of RFC 3339";
        Problem::invalid([Invalid::new("from", why)])
    })?;
    let asked = Asked {
        log: &queries.log,
        stream: stream_name(A::CATEGORY, id),
        between: Between {
            from,
            to: moment(&parameters, "to", now)?.unwrap_or(Moment::Time(now)),
            limit: limit(&parameters)?,
            place: place(&parameters)?,
        },
        now,
    };
    let found = match read_model::<A>(&parameters)? {
        None => diff::<StateOf<A>>(asked.log, &asked.stream, &asked.between, now).await,
        Some(name) => {
            let diff = registry::projection(name, A::CATEGORY, asked);
            diff.ok_or_else(|| no_read_model::<A>())?.await
        }
    };
    let found = found.map_err(|error| {
        let is_from =
            matches!(error, PastError::Ahead { version, .. } if from == Moment::Version(version));
        unanswerable(error, if is_from { "from" } else { "to" })
    })?;
    let next_cursor = found.page.next.map(cursor);
    let body = json!({
        "from": found.from.moment(), "to": found.to.moment(),
        "changes": found.changes, "patch": found.patch,
        "events": found.page.events, "next_cursor": next_cursor,
    });
    Ok(json(Answer::new(StatusCode::OK), &body))
}

/// Two documents that are asked for.
struct Asked<'a, L> {
    log: &'a L,
    stream: String,
    between: Between,
    now: DateTime<Utc>,
}

impl<'a, L: EventLog> ReadModelVisitor for Asked<'a, L> {
    type Output = Pin<Box<dyn Future<Output = Result<Diff, PastError>> + Send + 'a>>;

    fn visit<R: ReadModel>(self) -> Self::Output {
        Box::pin(async move {
            diff::<DocumentOf<R>>(self.log, &self.stream, &self.between, self.now).await
        })
    }
}
