//! `GET /{collection}/{id}/history`: the events of one stream, oldest first.

use crate::answer::{Queries, owned};
use crate::list::{limit, no_cursor};
use crate::moment::{moment, unanswerable};
use chrono::Utc;
use domain::Aggregate;
use edge::{Answer, Caller, Invalid, Problem, json, parameters, stream_id};
use event_store::{EventLog, SeenStreams, stream_name};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use past::{Filter, Form, Place};
use read_model::{Cursor, Documents};
use serde_json::json;
use std::collections::BTreeMap;

/// A page of events, as they were stored, and with `form=today` as they are read, too.
///
/// # Errors
/// 404 for an unknown stream, 422 for a parameter that is not as it must be.
pub async fn answer<A: Aggregate>(
    queries: &Queries<impl EventLog, impl Documents, impl SeenStreams>,
    request: &Request,
    caller: &Caller,
) -> Result<Response<Body>, Problem> {
    let id = stream_id(request)?;
    owned::<A>(queries, caller, "audit:read", id).await?;
    let known = ["limit", "cursor", "form", "from", "to", "type", "actor"];
    let parameters = parameters(request, &known)?;
    let (limit, place) = (limit(&parameters)?, place(&parameters)?);
    let filter = filter::<A>(&parameters)?;
    let stream = stream_name(A::CATEGORY, id);
    let page = past::history::<A>(&queries.log, &stream, &filter, place, limit).await;
    let page = page.map_err(|error| unanswerable(error, "version"))?;
    let next_cursor = page.next.map(cursor);
    Ok(json(
        Answer::new(StatusCode::OK),
        &json!({ "data": page.events, "next_cursor": next_cursor }),
    ))
}

fn filter<A: Aggregate>(parameters: &BTreeMap<String, String>) -> Result<Filter, Problem> {
    let now = Utc::now();
    let kind = parameters.get("type").cloned();
    if let Some(kind) = &kind
        && !past::is_type::<A>(kind)
    {
        let why = "must be a type of event of this collection, such as ";
        let why = format!(
            "{why}{}",
            A::EVENT_TYPES.first().copied().unwrap_or_default()
        );
        return Err(Problem::invalid([Invalid::new("type", why)]));
    }
    Ok(Filter {
        from: moment(parameters, "from", now)?,
        to: moment(parameters, "to", now)?,
        kind,
        actor: parameters.get("actor").cloned(),
        form: form(parameters)?,
    })
}

fn form(parameters: &BTreeMap<String, String>) -> Result<Form, Problem> {
    match parameters.get("form").map(String::as_str) {
        None | Some("stored") => Ok(Form::Stored),
        Some("today") => Ok(Form::Today),
        Some(_) => Err(Problem::invalid([Invalid::new(
            "form",
            "must be one of: stored, today",
        )])),
    }
}

/// Where a page begins, by its cursor.
///
/// # Errors
/// 422 for a cursor that no page has given out.
pub fn place(parameters: &BTreeMap<String, String>) -> Result<Option<Place>, Problem> {
    let read = |text: &String| {
        let cursor = Cursor::parse(text)?;
        let (commit, skip) = cursor.as_str().split_once('#')?;
        Some(Place {
            commit: commit.parse().ok()?,
            skip: skip.parse().ok()?,
        })
    };
    let place = parameters.get("cursor");
    place
        .map(|text| read(text).ok_or_else(no_cursor))
        .transpose()
}

/// The cursor of a page that begins there.
pub fn cursor(place: Place) -> String {
    Cursor::new(format!("{}#{}", place.commit, place.skip)).to_text()
}
