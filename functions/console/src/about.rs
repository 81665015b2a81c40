//! `GET /console/about.json`: what the page must know of this build to draw forms and filters. No data of the store.

use crate::sign_in::SignIn;
use domain::Aggregate;
use domain::registry::{self, AggregateVisitor};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Describes the build: all of it comes from the registry, so that a new aggregate is in the console as it is.
///
/// `dynamodb` is where DynamoDB answers if that is not AWS: then `strangelog` must be told.
pub fn about(name: &str, sign_in: Option<&SignIn>, dynamodb: Option<&str>) -> Value {
    let mut read_models = BTreeMap::<_, Vec<_>>::new();
    for (name, category) in registry::PROJECTIONS {
        read_models.entry(*category).or_default().push(*name);
    }
    let auth = sign_in.map(|sign_in| {
        json!({
            "client_id": sign_in.client_id,
            "authorize_url": sign_in.authorize_url,
            "token_url": sign_in.token_url,
            "scopes": scopes(),
        })
    });
    json!({
        "name": name,
        "version": env!("CARGO_PKG_VERSION"),
        "dynamodb": dynamodb,
        "auth": auth,
        "aggregates": registry::descriptions(),
        "consumers": registry::consumers().keys().collect::<Vec<_>>(),
        "read_models": read_models,
    })
}

/// What the console asks for: it reads everything, and writes nothing but what operators ask of consumers.
fn scopes() -> BTreeSet<String> {
    struct Read;
    impl AggregateVisitor for Read {
        type Output = String;
        fn visit<A: Aggregate>(self) -> String {
            format!("{}:read", A::SCOPE)
        }
    }
    let kept = registry::PROJECTIONS.iter();
    let kept = kept.filter_map(|(_, category)| registry::aggregate(category, Read));
    let more = ["audit:read", "ops:write"].map(str::to_owned);
    kept.chain(more).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_aggregate_consumer_and_read_model_is_described() {
        let about = about("prod", None, None);
        assert_eq!(
            (&about["name"], &about["auth"]),
            (&json!("prod"), &json!(null))
        );
        let aggregates = about["aggregates"].as_array().expect("a list");
        let categories: Vec<_> = aggregates.iter().map(|one| &one["category"]).collect();
        assert_eq!(categories, ["user", "account", "transfer"]);
        let user = &aggregates[0];
        assert_eq!(user["collection"], "users");
        assert_eq!(user["statuses"], json!(["active", "suspended"]));
        let command = &user["commands"][1];
        assert_eq!(
            (&command["type"], &command["route"]),
            (&json!("ChangeUserName"), &json!("PUT /users/{id}/name"))
        );
        let field = |command: &Value, name: &str| {
            let fields = command["fields"].as_array().expect("a list");
            fields.iter().find(|field| field["name"] == name).cloned()
        };
        let name = field(command, "name").expect("a name is taken");
        assert_eq!(
            (&name["type"], &name["required"]),
            (&json!("string"), &json!(true))
        );
        assert_eq!(
            about["read_models"]["user"],
            json!(["users", "timeline", "statistics", "search"])
        );
        let consumers = about["consumers"].as_array().expect("a list");
        assert_eq!(consumers.len(), registry::consumers().len());
    }

    #[test]
    fn whoever_signs_in_is_asked_for_what_the_console_needs() {
        let sign_in = SignIn::of(
            "console".to_owned(),
            "https://a.example/in".to_owned(),
            "https://b.example/token".to_owned(),
        );
        let about = about("prod", sign_in.expect("it is right").as_ref(), None);
        assert_eq!(
            about["auth"],
            json!({
                "client_id": "console",
                "authorize_url": "https://a.example/in",
                "token_url": "https://b.example/token",
                "scopes": ["accounts:read", "audit:read", "ops:write", "users:read"],
            })
        );
    }
}
