//! `GET /{collection}/{id}`: one document.

use crate::answer::{Queries, ahead, failed, owned};
use crate::moment::unknown;
use domain::{Aggregate, Document, ReadModelOf};
use edge::{Answer, Caller, Invalid, Problem, json, parameters, stream_id, wait};
use event_store::{EventLog, SeenStreams, stream_name};
use lambda_http::http::{HeaderName, StatusCode, header};
use lambda_http::{Body, Request, Response, tracing};
use read_model::{AtLeast, Documents, head, show, wait_for};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a caller may wait for the read model, in seconds.
const LONGEST_WAIT: u64 = 5;
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The document, at least as new as the caller asks, and how far it is behind.
///
/// # Errors
/// 404 for an unknown stream, 410 for a deleted one, 409 for a `min_version` that is yet to come, 503 for one that poison keeps
/// the document from.
pub async fn answer<A: Aggregate>(
    queries: &Queries<impl EventLog, impl Documents, impl SeenStreams>,
    request: &Request,
    caller: &Caller,
) -> Result<Response<Body>, Problem> {
    let id = stream_id(request)?;
    owned::<A>(queries, caller, &format!("{}:read", A::SCOPE), id).await?;
    let (at_least, min_version) = at_least(&parameters(request, &["min_version", "consistency"])?)?;
    let (log, documents) = (&queries.log, &queries.documents);
    let stream = stream_name(A::CATEGORY, id);
    let wait = wait(request).filter(|_| min_version > 0);
    let wait = wait.map(|seconds| seconds.min(LONGEST_WAIT));
    if let Some(seconds) = wait {
        let patience = Duration::from_secs(seconds);
        let arrived = wait_for::<ReadModelOf<A>>(documents, &stream, min_version, patience).await;
        arrived.map_err(failed)?;
    }
    let shown = show::<ReadModelOf<A>>(log, documents, &stream, at_least);
    // OK because it is read beside the document and takes no time; it takes 1 read unit, or more if the last commit is larger
    // than 4 KB.
    let (shown, head) = tokio::join!(shown, head(log, &stream, 0));
    let shown = shown
        .map_err(failed)?
        .ok_or_else(|| unknown(&id.to_string()))?;
    if shown.version < min_version {
        return Err(ahead("min_version", min_version, shown.version));
    }
    let behind = head.map_err(failed)?.saturating_sub(shown.version);
    if let Some(deleted_at) = &shown.document.deleted_at {
        let detail = format!("{id} was deleted at {deleted_at}; its history says by whom and why");
        return Err(Problem::new(StatusCode::GONE, "deleted", detail)
            .with("id", id.to_string())
            .with("deleted_at", deleted_at.as_str())
            .with("version", shown.version)
            .with("behind", behind)
            .with("history", format!("/{}/{id}/history", A::COLLECTION)));
    }
    let answer = Answer::new(StatusCode::OK).version(shown.version);
    let mut answer = answer.behind(behind).header(header::VARY, "Prefer");
    if let Some(seconds) = wait {
        answer = answer.header(PREFERENCE_APPLIED, format!("wait={seconds}"));
    }
    Ok(json(answer, &document::<A>(&shown.document)?))
}

/// A document as callers see it.
///
/// # Errors
/// 500 when it has no JSON form.
pub fn document<A: Aggregate>(document: &Document<A::State>) -> Result<serde_json::Value, Problem> {
    serde_json::to_value(document).map_err(|error| {
        tracing::error!(%error, "document cannot be written");
        Problem::internal()
    })
}

fn at_least(parameters: &BTreeMap<String, String>) -> Result<(AtLeast, u64), Problem> {
    let invalid = |field, why| Err(Problem::invalid([Invalid::new(field, why)]));
    let (version, min) = match parameters.get("min_version").map(|version| version.parse()) {
        None => (AtLeast::Any, 0),
        Some(Ok(min)) => (AtLeast::Version(min), min),
        Some(Err(_)) => return invalid("min_version", "must be a version, a whole number"),
    };
    match parameters.get("consistency").map(String::as_str) {
        None => Ok((version, min)),
        Some("strong") => Ok((AtLeast::Head, min)),
        Some(_) => invalid("consistency", "must be: strong"),
    }
}
