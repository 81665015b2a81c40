//! Who calls, and what they may do. The gateway has checked the token; what it allows is decided here.

use crate::Problem;
use crate::http::gateway_context;
use lambda_http::Request;
use lambda_http::http::StatusCode;
use std::collections::BTreeSet;

/// The scope that allows a caller what is their own.
const SELF: &str = "self";

/// The subject of a token, with its scopes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Stands as the actor on every event that comes of the call.
    pub subject: String,
    scopes: BTreeSet<String>,
}

impl Caller {
    /// The caller of a request that has passed the gateway's JWT authorizer.
    ///
    /// # Errors
    /// 403 when the token does not say who it is for.
    pub fn of(request: &Request, subject_claim: &str) -> Result<Self, Problem> {
        let jwt = gateway_context(request)
            .and_then(|context| context.authorizer.as_ref())
            .and_then(|authorizer| authorizer.jwt.as_ref());
        let subject = jwt
            .and_then(|jwt| jwt.claims.get(subject_claim))
            .filter(|subject| !subject.is_empty());
        let (Some(jwt), Some(subject)) = (jwt, subject) else {
            let detail = format!("the token must have the claim {subject_claim}");
            return Err(Problem::new(StatusCode::FORBIDDEN, "no-subject", detail));
        };
        // Issuers name the claim either way; the gateway lists scopes only where the route asks for some.
        let claimed = ["scope", "scp"]
            .iter()
            .filter_map(|claim| jwt.claims.get(*claim));
        let scopes = claimed
            .flat_map(|scopes| scopes.trim_matches(['[', ']']).split([' ', ',']))
            .chain(jwt.scopes.iter().flatten().map(String::as_str))
            .filter(|scope| !scope.is_empty())
            .map(str::to_owned)
            .collect();
        Ok(Self {
            subject: subject.clone(),
            scopes,
        })
    }

    /// Whether only what is their own is open to the caller, who has `self` but not `scope`.
    ///
    /// # Errors
    /// 403 for a caller who has neither, naming the scope.
    pub fn is_bound_to_own(&self, scope: &str) -> Result<bool, Problem> {
        let is_free = self.scopes.contains(scope);
        if is_free || self.scopes.contains(SELF) {
            return Ok(!is_free);
        }
        Err(forbidden(scope))
    }

    /// Checks that the caller has `scope`, or `self` on what is theirs.
    ///
    /// # Errors
    /// 403, naming the scope.
    pub fn may(&self, scope: &str, owner: Option<&str>) -> Result<(), Problem> {
        let own = owner == Some(self.subject.as_str()) && self.scopes.contains(SELF);
        if own || self.scopes.contains(scope) {
            return Ok(());
        }
        Err(forbidden(scope))
    }
}

fn forbidden(scope: &str) -> Problem {
    let detail = format!("needs the scope {scope}, or {SELF} on your own data");
    Problem::new(StatusCode::FORBIDDEN, "forbidden", detail).with("scope", scope)
}
