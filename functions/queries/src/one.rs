//! `GET /{collection}/{id}`: one document.

use crate::answer::{Queries, ahead, failed, owned, unknown};
use domain::{Aggregate, Document, ReadModelOf};
use edge::{Answer, Caller, Invalid, Problem, json, parameters, stream_id};
use event_store::{EventLog, stream_name};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response, tracing};
use read_model::{AtLeast, Documents, show};
use std::collections::BTreeMap;

/// The document, at least as new as the caller asks.
///
/// # Errors
/// 404 for an unknown stream, 410 for a deleted one, 409 for a `min_version` that is yet to come.
pub async fn answer<A: Aggregate>(
    queries: &Queries<impl EventLog, impl Documents>,
    request: &Request,
    caller: &Caller,
) -> Result<Response<Body>, Problem> {
    let id = stream_id(request)?;
    owned::<A>(queries, caller, &format!("{}:read", A::SCOPE), id).await?;
    let (at_least, min_version) = at_least(&parameters(request, &["min_version", "consistency"])?)?;
    let shown = show::<ReadModelOf<A>>(
        &queries.log,
        &queries.documents,
        &stream_name(A::CATEGORY, id),
        at_least,
    )
    .await
    .map_err(failed)?
    .ok_or_else(|| unknown(&id.to_string()))?;
    if shown.version < min_version {
        return Err(ahead("min_version", min_version, shown.version));
    }
    if let Some(deleted_at) = &shown.document.deleted_at {
        let detail = format!("{id} was deleted at {deleted_at}; its history says by whom and why");
        return Err(Problem::new(StatusCode::GONE, "deleted", detail)
            .with("id", id.to_string())
            .with("deleted_at", deleted_at.as_str())
            .with("version", shown.version)
            .with("history", format!("/{}/{id}/history", A::COLLECTION)));
    }
    Ok(json(
        Answer::new(StatusCode::OK).version(shown.version),
        &document::<A>(&shown.document)?,
    ))
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
