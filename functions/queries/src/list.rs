//! `GET /{collection}`: documents, newest first, or those that match.

use crate::answer::{Queries, failed};
use crate::one::document;
use domain::{ALL, Aggregate, Document, ReadModelOf, search};
use edge::{Answer, Caller, Invalid, Problem, json, parameters};
use event_store::{EventLog, SeenStreams};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use read_model::{Cursor, Documents, Page, Wanted, found, listed, stream};
use serde_json::json;
use std::collections::BTreeMap;

/// How many rows a page has, unless the caller says otherwise.
const LIMIT: usize = 20;
/// How many rows a page may have.
const MAX_LIMIT: usize = 100;

/// A page of documents.
///
/// # Errors
/// 422 for a parameter that is not as it must be.
pub async fn answer<A: Aggregate>(
    queries: &Queries<impl EventLog, impl Documents, impl SeenStreams>,
    request: &Request,
    caller: &Caller,
) -> Result<Response<Body>, Problem> {
    caller.may(&format!("{}:read", A::SCOPE), None)?;
    let parameters = parameters(request, &["query", "status", "limit", "cursor"])?;
    let limit = limit(&parameters)?;
    let cursor = parameters
        .get("cursor")
        .map(|text| Cursor::parse(text).ok_or_else(no_cursor))
        .transpose()?;
    let status = parameters.get("status");
    if status.is_some_and(|status| !A::STATUSES.contains(&status.as_str())) {
        return Err(Problem::invalid([Invalid::new(
            "status",
            format!("must be one of: {}", A::STATUSES.join(", ")),
        )]));
    }
    let page = match parameters.get("query") {
        None => {
            let list = status.map_or(ALL, String::as_str);
            listed::<ReadModelOf<A>>(
                &queries.log,
                &queries.documents,
                list,
                cursor.as_ref(),
                limit,
            )
            .await
            .map_err(failed)?
        }
        Some(query) => {
            let asked = Asked {
                query,
                status: status.map(String::as_str),
                cursor: cursor.as_ref(),
                limit,
            };
            match &queries.search {
                Some(index) if A::IS_SEARCHED => by_part::<A>(queries, index, &asked).await?,
                _ => by_value::<A>(queries, &asked).await?,
            }
        }
    };
    let data = page
        .documents
        .iter()
        .map(document::<A>)
        .collect::<Result<Vec<_>, _>>()?;
    let next_cursor = page.next.map(|cursor| cursor.to_text());
    let behind = behind::<A>(&queries.heads, &page.documents).await?;
    Ok(json(
        Answer::new(StatusCode::OK).behind(behind),
        &json!({ "data": data, "next_cursor": next_cursor }),
    ))
}

/// What is searched for.
struct Asked<'a> {
    query: &'a str,
    status: Option<&'a str>,
    cursor: Option<&'a Cursor>,
    limit: usize,
}

impl Asked<'_> {
    fn has_status<A: Aggregate>(&self, state: &A::State) -> bool {
        self.status.is_none_or(|status| A::status(state) == status)
    }
}

/// A page of the documents that hold a part of a text.
async fn by_part<A: Aggregate>(
    queries: &Queries<impl EventLog, impl Documents, impl SeenStreams>,
    index: &impl Documents,
    asked: &Asked<'_>,
) -> Result<Page<Document<A::State>>, Problem> {
    let folded = search::fold(asked.query);
    let parts = search::parts(&folded);
    if parts.is_empty() {
        let why = format!(
            "must have {} characters at least, besides accents",
            search::FEWEST
        );
        return Err(Problem::invalid([Invalid::new("query", why)]));
    }
    let lists: Vec<_> = parts.iter().map(|part| search::list::<A>(part)).collect();
    let wanted = Wanted {
        lists: &lists,
        matches: |document: &Document<A::State>| {
            let state = &document.state;
            document.deleted_at.is_none()
                && asked.has_status::<A>(state)
                && search::holds::<A>(state, &folded)
        },
        cursor: asked.cursor,
        limit: asked.limit,
    };
    let page =
        read_model::search::<ReadModelOf<A>>(&queries.log, &queries.documents, index, &wanted);
    let page = page.await.map_err(failed)?;
    let is_nothing = page.documents.is_empty() && page.next.is_none() && asked.cursor.is_none();
    // OK because of long texts not all parts are listed: a whole value is found without them.
    match is_nothing && A::lookup(asked.query).is_ok() {
        true => by_value::<A>(queries, asked).await,
        false => Ok(page),
    }
}

/// The documents that are found by a whole value.
async fn by_value<A: Aggregate>(
    queries: &Queries<impl EventLog, impl Documents, impl SeenStreams>,
    asked: &Asked<'_>,
) -> Result<Page<Document<A::State>>, Problem> {
    let claim = A::lookup(asked.query).map_err(|why| {
        let off = if A::IS_SEARCHED {
            ": the search by a part of one is off in this deployment"
        } else {
            ""
        };
        Problem::invalid([Invalid::new("query", why + off)])
    })?;
    let entry = domain::found(claim);
    let mut documents = found::<ReadModelOf<A>>(&queries.log, &queries.documents, &entry)
        .await
        .map_err(failed)?;
    documents.retain(|document| asked.has_status::<A>(&document.state));
    Ok(Page {
        documents,
        next: None,
    })
}

/// How many events the streams of these documents have beyond them, as far as the publisher has seen. It takes half a read unit
/// for each document.
///
/// # Errors
/// The store failed.
pub async fn behind<A: Aggregate>(
    heads: &impl SeenStreams,
    documents: &[Document<A::State>],
) -> Result<u64, Problem> {
    let shown = documents.iter().map(|document| {
        let stream = stream::<ReadModelOf<A>>(&document.id);
        (stream, document.version)
    });
    let shown: BTreeMap<_, _> = shown.collect();
    let streams: Vec<_> = shown.keys().cloned().collect();
    let heads = heads.heads(&streams).await;
    let heads = heads.map_err(|error| failed(error.into()))?;
    let behind = heads.iter().filter_map(|head| {
        let version = shown.get(&head.stream)?;
        Some(head.version.saturating_sub(*version))
    });
    Ok(behind.sum())
}

/// The `limit` of a page.
///
/// # Errors
/// 422 when it is no number from 1 to [`MAX_LIMIT`].
pub fn limit(parameters: &BTreeMap<String, String>) -> Result<usize, Problem> {
    let Some(text) = parameters.get("limit") else {
        return Ok(LIMIT);
    };
    text.parse()
        .ok()
        .filter(|limit| (1..=MAX_LIMIT).contains(limit))
        .ok_or_else(|| {
            Problem::invalid([Invalid::new(
                "limit",
                format!("must be a whole number from 1 to {MAX_LIMIT}"),
            )])
        })
}

/// 422 for a cursor that no page has given out.
pub fn no_cursor() -> Problem {
    Problem::invalid([Invalid::new("cursor", "must be the next_cursor of a page")])
}
