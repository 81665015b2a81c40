//! What is said of an error: of one of DynamoDB or of the way to it in one line, with where that is and what a person can do.

use crate::deliveries::NoTable;
use aws_smithy_types::error::ErrorMetadata;
use std::error::Error;

/// What a person can do about an error of DynamoDB.
struct Known {
    /// A part of what the error says.
    sign: &'static str,
    /// What that comes to.
    what: &'static str,
    /// Whether the first cause says more than that.
    has_cause: bool,
    mend: &'static str,
}

const fn known(sign: &'static str, what: &'static str, mend: &'static str) -> Known {
    Known {
        sign,
        what,
        has_cause: false,
        mend,
    }
}

impl Known {
    const fn with_cause(mut self) -> Self {
        self.has_cause = true;
        self
    }
}

const fn without_credentials(sign: &'static str) -> Known {
    let mend = "sign in, or choose a profile with --profile";
    known(sign, "was not asked: no credentials were found", mend)
}

const KNOWN: &[Known] = &[
    known(
        "ResourceNotFoundException",
        "has no such table",
        "name the stack with --stack, its region with --region, or the tables with --events-table, --claims-table and --heads-table",
    )
    .with_cause(),
    known(
        "AccessDenied",
        "does not let these credentials do that",
        "`strangelog help COMMAND` names the rights that are needed",
    )
    .with_cause(),
    known(
        "ExpiredToken",
        "was asked with credentials that have expired",
        "sign in again",
    ),
    known(
        "UnrecognizedClient",
        "does not know these credentials",
        "choose others with --profile",
    ),
    without_credentials("credential provider was not enabled"),
    without_credentials("while loading credentials").with_cause(),
    without_credentials("credentials provider").with_cause(),
    known(
        "Missing Region",
        "was not asked: no region is known",
        "name it with --region, or choose a profile that does with --profile",
    ),
    known(
        "dispatch failure",
        "cannot be reached",
        "check --endpoint and --region, and that it runs",
    )
    .with_cause(),
    known(
        THROTTLES,
        "is asked too much of this table",
        "try again later",
    ),
];

/// What the errors of the store begin with, below which lies what the SDK says.
const FAILED: &str = "dynamodb failed";
const THROTTLES: &str = "dynamodb throttles";

/// An error in one line, where `place` is where DynamoDB is, as far as it was looked for.
pub fn line(error: &anyhow::Error, place: Option<&str>) -> String {
    let service = place.map_or("DynamoDB".to_owned(), |place| format!("DynamoDB {place}"));
    if error.is::<NoTable>() {
        let mend = "name the stack with --stack, or its region with --region";
        return format!("{error:#} in {service}; {mend}");
    }
    let causes: Vec<_> = error.chain().map(said).collect();
    let is_of_service = |cause: &String| cause == FAILED || cause == THROTTLES;
    let Some(at) = causes.iter().position(is_of_service) else {
        return format!("{error:#}");
    };
    let around = &causes[..at];
    // Some of the SDK's errors tell their name in this form alone.
    let all = format!("{error:#} {error:?} {:?}", error.root_cause());
    let told = KNOWN.iter().find(|known| all.contains(known.sign));
    let told = told.map_or_else(
        || format!("{service} failed: {}", causes[at + 1..].join(": ")),
        |known| {
            let cause = causes.last().filter(|_| known.has_cause);
            let cause = cause.map(|cause| format!(": {cause}"));
            let (what, mend) = (known.what, known.mend);
            format!("{service} {what}{}; {mend}", cause.unwrap_or_default())
        },
    );
    [around, &[told]].concat().join(": ").replace('\n', " ")
}

/// What an error says of itself, without the form that programmers see.
fn said(error: &(dyn Error + 'static)) -> String {
    let metadata = error.downcast_ref::<ErrorMetadata>();
    let message = metadata.and_then(ErrorMetadata::message);
    let said = message.map_or_else(|| error.to_string(), str::to_owned);
    let said = said.trim_end_matches('.');
    match said.split_once("Exception: ") {
        Some((name, message)) if name.chars().all(char::is_alphanumeric) => message.to_owned(),
        _ => said.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_credential_types::provider::error::CredentialsError;
    use aws_sdk_dynamodb::error::SdkError;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use event_store::StoreError;

    fn refused() -> StoreError {
        let metadata = ErrorMetadata::builder();
        let metadata = metadata.code("AccessDeniedException");
        let metadata = metadata.message("may not Query").build();
        StoreError::Aws(Box::new(metadata))
    }

    #[test]
    fn what_is_known_of_an_error_says_where_it_was_why_and_what_mends_it() {
        let error = anyhow::Error::from(refused()).context("ops-1 was not written");
        let line = line(&error, Some("in eu-north-1"));
        assert_eq!(
            line,
            "ops-1 was not written: DynamoDB in eu-north-1 does not let these credentials do that: may not Query; \
             `strangelog help COMMAND` names the rights that are needed"
        );
    }

    #[test]
    fn credentials_that_cannot_be_had_are_told_from_a_service_that_cannot_be_reached() {
        for (error, why) in [
            (CredentialsError::not_loaded("no profile"), ""),
            (
                CredentialsError::provider_error("forbidden."),
                ": forbidden",
            ),
            (
                CredentialsError::invalid_configuration("no role"),
                ": no role",
            ),
        ] {
            let error = ConnectorError::other(error.into(), None);
            let error = SdkError::<ErrorMetadata, ()>::dispatch_failure(error);
            let error = StoreError::Aws(Box::new(error)).into();
            assert_eq!(
                line(&error, None),
                format!(
                    "DynamoDB was not asked: no credentials were found{why}; sign in, or choose a profile with --profile"
                )
            );
        }
    }

    #[test]
    fn what_is_not_known_is_told_with_its_causes() {
        let error = StoreError::Aws("a riddle\nin two lines".into()).into();
        assert_eq!(line(&error, None), "DynamoDB failed: a riddle in two lines");
        let error = anyhow::anyhow!("no region").context("the file");
        assert_eq!(line(&error, None), "the file: no region");
    }
}
