//! Why a command was not executed, in terms of HTTP: the one place where the two meet.

use domain::Refusal;
use edge::{Invalid, Problem, causes};
use event_store::{ExecuteError, StoreError};
use lambda_http::http::StatusCode;
use lambda_http::tracing;
use serde::Serialize;
use std::error::Error;

/// The problem that an error is to the caller.
pub fn refusal<E: Error + Serialize>(stream: &str, error: ExecuteError<E>) -> Problem {
    let detail = error.to_string();
    match error {
        ExecuteError::Rejected { error, version } => {
            let Refusal {
                code,
                detail,
                members,
            } = Refusal::of(&error);
            Problem::refused(version, code, detail, members)
        }
        ExecuteError::Stale { found } => {
            Problem::new(StatusCode::PRECONDITION_FAILED, "stale", detail).with("version", found)
        }
        ExecuteError::CommandIdReused => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency-key-reused",
            "this Idempotency-Key was used with another body; take a new key",
        ),
        ExecuteError::ClaimTaken { kind } => Problem::new(
            StatusCode::CONFLICT,
            format!("{}-taken", kind.replace('_', "-")),
            detail,
        )
        .with("field", kind),
        ExecuteError::Conflict => {
            let detail = "others wrote at the same time; send the same request again";
            Problem::new(StatusCode::CONFLICT, "conflict", detail).retry_after(1)
        }
        ExecuteError::Store(error) => failed(stream, &error),
    }
}

/// What a failure of the store is to the caller.
pub fn failed(stream: &str, error: &StoreError) -> Problem {
    match error {
        StoreError::TooLarge { .. } | StoreError::Twice { .. } => {
            Problem::invalid([Invalid::new("body", error.to_string())])
        }
        StoreError::Corrupt { .. } | StoreError::NoClaims => {
            tracing::error!(stream, error = causes(error), "the store cannot be used");
            Problem::internal()
        }
        StoreError::Throttled(_) | StoreError::ClockOff(_) | StoreError::Aws(_) => {
            tracing::error!(stream, error = causes(error), "the store failed");
            Problem::unavailable(
                "the event store did not answer; send the same request again, with its Idempotency-Key",
            )
        }
    }
}
