//! What a request asks for, by whom, checked as far as that goes without the store.

use crate::call::Call;
use domain::Aggregate;
use domain::values::Reason;
use edge::{Caller, Invalid, Problem};
use event_store::Metadata;
use lambda_http::Request;
use serde_json::Value;

/// A command that may be executed, if what it is for is the caller's to change.
pub(crate) struct Asked<A: Aggregate> {
    pub caller: Caller,
    /// Only what is their own is open to the caller.
    pub is_bound: bool,
    pub call: Call,
    pub command: A::Command,
    pub metadata: Metadata,
}

/// Reads the request.
///
/// # Errors
/// As [`Call::read`]; 403 for a caller who has neither `scope` nor `self`, 422 for fields that are not as they must be.
pub(crate) fn asked<A: Aggregate>(
    request: &Request,
    subject_claim: &str,
    scope: &str,
) -> Result<Asked<A>, Problem> {
    let caller = Caller::of(request, subject_claim)?;
    let mut call = Call::read::<A>(request, &caller.subject)?;
    let is_bound = caller.is_bound_to_own(scope)?;
    let reason = call.fields.get("reason").and_then(Value::as_str);
    let reason = reason.map(|reason| Reason::from(reason).as_str().to_owned());
    let fields = std::mem::take(&mut call.fields);
    let command = domain::parse::<A>(call.command, fields).map_err(|errors| {
        let invalid = |error: domain::FieldError| Invalid::new(error.field, error.why);
        Problem::invalid(errors.into_iter().map(invalid))
    })?;
    let metadata = Metadata {
        command_id: call.command_id,
        fingerprint: call.fingerprint.take(),
        actor: caller.subject.clone(),
        correlation_id: call.correlation_id.unwrap_or(call.command_id),
        causation_id: None,
        traceparent: call.traceparent.take(),
        source: "http".to_owned(),
        reason,
        parts: Vec::new(),
    };
    Ok(Asked {
        caller,
        is_bound,
        call,
        command,
        metadata,
    })
}
