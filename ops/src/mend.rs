//! What a person can do about an error of DynamoDB or of the way to it.

/// Parts of what an error says, with what mends it.
const MENDS: &[(&str, &str)] = &[
    (
        "ResourceNotFoundException",
        "there is no such table here: name the stack with --stack, its region with --region, or the tables with --events-table, \
         --claims-table and --heads-table",
    ),
    (
        "AccessDenied",
        "these credentials may not do that: `strangelog help COMMAND` names the rights that are needed",
    ),
    (
        "ExpiredToken",
        "the credentials have expired: sign in again",
    ),
    (
        "UnrecognizedClient",
        "AWS does not know these credentials: choose others with --profile",
    ),
    (
        "CredentialsNotLoaded",
        "no credentials were found: sign in, or choose a profile with --profile",
    ),
    (
        "no credentials",
        "no credentials were found: sign in, or choose a profile with --profile",
    ),
    (
        "a region",
        "no region is known: name it with --region, or choose a profile that does with --profile",
    ),
    (
        "dispatch failure",
        "DynamoDB cannot be reached: check --endpoint and --region, and that it runs",
    ),
    (
        "dynamodb throttles",
        "the table is asked too much: try again later",
    ),
];

/// The mend of an error, if there is one.
pub fn of(error: &anyhow::Error) -> Option<&'static str> {
    // Some of DynamoDB's errors tell their name in this form alone.
    let said = format!("{error:#} {error:?} {:?}", error.root_cause());
    let known = MENDS.iter().find(|(part, _)| said.contains(part));
    known.map(|(_, mend)| *mend)
}
