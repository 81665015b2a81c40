//! RFC 9457 problem details: every error that a function answers over HTTP.

use crate::Answer;
use lambda_http::http::{StatusCode, header};
use lambda_http::{Body, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// An error as callers see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    status: StatusCode,
    code: String,
    detail: String,
    more: Vec<(String, Value)>,
    retry_after: Option<u32>,
}

/// A field or parameter that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Invalid {
    /// The field, parameter or header.
    pub field: String,
    /// What it must be.
    pub why: String,
}

impl Invalid {
    /// One field and what is wrong with it.
    pub fn new(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            why: why.into(),
        }
    }
}

impl Problem {
    /// A problem of a stable `code`, in words of a person.
    pub fn new(status: StatusCode, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            status,
            code: code.into(),
            detail: detail.into(),
            more: Vec::new(),
            retry_after: None,
        }
    }

    /// 422: fields are not as they must be, each of them named.
    pub fn invalid(fields: impl IntoIterator<Item = Invalid>) -> Self {
        let fields: Vec<_> = fields.into_iter().collect();
        let detail = fields
            .iter()
            .map(|Invalid { field, why }| format!("{field}: {why}"))
            .collect::<Vec<_>>()
            .join("; ");
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-fields", detail)
            .with("errors", json!(fields))
    }

    /// A rule refused a command, at this version of its stream: 404 where there is nothing that it could be for, else 409.
    pub fn refused(version: u64, code: String, detail: String, more: Map<String, Value>) -> Self {
        let status = match version {
            0 => StatusCode::NOT_FOUND,
            _ => StatusCode::CONFLICT,
        };
        let problem = Self::new(status, code, detail);
        let more = more.into_iter();
        let problem = more.fold(problem, |problem, (member, value)| {
            problem.with(&member, value)
        });
        problem.with("version", version)
    }

    /// 503: not the caller's fault, and it may go better in a second.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).retry_after(1)
    }

    /// 500: a person has to look; the log says more than the caller may know.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "this is our fault, and it is in the log",
        )
    }

    /// Adds a member.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.more.push((member.to_owned(), value.into()));
        self
    }

    /// Says after how many seconds the same request may do.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// What it is, for the log: it holds nothing personal.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The members of the body.
    pub fn members(&self) -> Map<String, Value> {
        let mut members: Map<_, _> = self.more.iter().cloned().collect();
        members.insert(
            "type".into(),
            format!("urn:strangelog:problem:{}", self.code).into(),
        );
        members.insert("title".into(), self.code.replace('-', " ").into());
        members.insert("status".into(), self.status.as_u16().into());
        members.insert("detail".into(), self.detail.clone().into());
        members
    }
}

impl From<Problem> for Response<Body> {
    fn from(problem: Problem) -> Self {
        let mut answer =
            Answer::new(problem.status).header(header::CONTENT_TYPE, "application/problem+json");
        if let Some(seconds) = problem.retry_after {
            answer = answer.header(header::RETRY_AFTER, seconds.to_string());
        }
        answer.body(Value::Object(problem.members()).to_string())
    }
}
