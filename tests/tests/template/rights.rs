//! Nobody may do more than they need: callers, functions, and above all whoever would change an event.

use crate::spoil::{Faults, Template, holds, id_of, texts};
use serde_json::{Value, json};

const ROLE: &str = "AWS::IAM::Role";

/// What is asked about the past.
const PAST: [&str; 4] = ["/history", "/state", "/diff", "/what-if"];

#[test]
fn every_route_takes_a_token_of_the_right_scope() {
    fn rule(template: &Template, faults: &mut Faults) {
        for (id, api) in template.of("AWS::Serverless::HttpApi") {
            let authorizer = api["Auth"]["DefaultAuthorizer"].as_str().unwrap_or("none");
            let token = &api["Auth"]["Authorizers"][authorizer]["JwtConfiguration"];
            let expected =
                json!({ "issuer": { "Ref": "JwtIssuer" }, "audience": [{ "Ref": "JwtAudience" }] });
            faults.unless(
                *token == expected,
                id,
                "must take tokens of the issuer only",
            );
        }
        for trigger in template.triggers("HttpApi") {
            let (route, auth) = (trigger.route(), &trigger.properties["Auth"]);
            let collection = match route.split('/').nth(1) {
                Some("transfers") => "accounts",
                collection => collection.unwrap_or_default(),
            };
            let expected = match template.binary(trigger.function) {
                "console" => Value::Null,
                _ if route == "$default" => Value::Null,
                _ if matches!(collection, "rebuilds" | "deliveries")
                    && route != "GET /deliveries" =>
                {
                    json!(["ops:write"])
                }
                _ if route.ends_with("/deliveries") => json!(["audit:read"]),
                "commands" => json!([format!("{collection}:write"), "self"]),
                _ if matches!(route.as_str(), "GET /stats" | "GET /events") => {
                    json!(["audit:read"])
                }
                _ if PAST.iter().any(|past| route.ends_with(past)) => {
                    json!(["audit:read", "self"])
                }
                _ => json!([format!("{collection}:read"), "self"]),
            };
            faults.unless(
                auth["AuthorizationScopes"] == expected,
                &route,
                "asks for other scopes",
            );
            // The page holds no data, and whoever loads it has no token yet.
            let is_open = template.binary(trigger.function) == "console";
            let authorizer = if is_open { json!("NONE") } else { Value::Null };
            faults.unless(
                auth["Authorizer"] == authorizer,
                &route,
                "has another authorizer",
            );
            let api = id_of(&trigger.properties["ApiId"]);
            faults.unless(
                template.is_a(api, "AWS::Serverless::HttpApi"),
                &route,
                "is of no API",
            );
        }
    }
    holds(
        rule,
        &[
            ("DefaultAuthorizer: Jwt", "# no default"),
            ("issuer: !Ref JwtIssuer", "issuer: https://example.com"),
            ("[\"users:write\", self]", "[\"users:read\", self]"),
            ("[\"audit:read\", self]", "[\"users:read\", self]"),
            ("[\"audit:read\"]", "[\"audit:read\", self]"),
            ("[\"ops:write\"]", "[\"ops:write\", self]"),
            ("[\"ops:write\"]", "[\"audit:read\"]"),
            ("[\"users:read\", self]", "[]"),
            (
                "AuthorizationScopes:",
                "Authorizer: NONE\n              AuthorizationScopes:",
            ),
            ("Authorizer: NONE", "Authorizer: Jwt"),
            ("ApiId: !Ref Api", "# an API of its own"),
        ],
    );
}

#[test]
fn every_function_has_a_role_of_its_own() {
    fn rule(template: &Template, faults: &mut Faults) {
        let role_of = |function: &Value| id_of(&function["Role"]).to_owned();
        for (id, function) in template.functions() {
            let role = role_of(function);
            let shared = template
                .functions()
                .filter(|(_, other)| role_of(other) == role)
                .count();
            faults.unless(
                template.is_a(&role, ROLE) && shared == 1,
                id,
                "must have its own role",
            );
        }
        for (id, role) in template.of(ROLE) {
            faults.unless(
                role["ManagedPolicyArns"].is_null(),
                id,
                "must spell out its rights",
            );
            let trusted = &role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"];
            let lambda = json!({ "Service": "lambda.amazonaws.com" });
            faults.unless(*trusted == lambda, id, "must trust Lambda only");
        }
    }
    holds(
        rule,
        &[
            (
                "Role: !GetAtt WelcomeMailRole.Arn",
                "Role: !GetAtt ProjectUsersRole.Arn",
            ),
            ("      Role: ", "      Roles: "),
            (
                "      Policies:\n",
                "      ManagedPolicyArns: [AdministratorAccess]\n      Policies:\n",
            ),
            ("{ Service: lambda.amazonaws.com }", "\"*\""),
        ],
    );
}

#[test]
fn no_role_has_a_wildcard() {
    fn rule(template: &Template, faults: &mut Faults) {
        for (id, statement) in statements(template) {
            let actions = texts(&statement["Action"]);
            let named = actions
                .iter()
                .all(|action| action.contains(':') && !action.contains('*'));
            faults.unless(named && !actions.is_empty(), id, "must name each action");
            let resource = &statement["Resource"];
            // The names of objects are made by whoever writes them; the bucket is named.
            let objects = resource["Fn::Sub"]
                .as_str()
                .filter(|_| actions == ["s3:PutObject"]);
            let text = objects.and_then(|objects| objects.strip_suffix("/*"));
            let text = text.map_or_else(|| resource.to_string(), str::to_owned);
            faults.unless(
                !text.contains('*') && !resource.is_null(),
                id,
                "must name each resource",
            );
            faults.unless(statement["Effect"] == "Allow", id, "must allow, not deny");
        }
    }
    holds(
        rule,
        &[
            ("Action: dynamodb:Query", "Action: dynamodb:*"),
            ("Action: events:PutEvents", "Action: \"*\""),
            (
                "Action: [dynamodb:Query, dynamodb:PutItem]",
                "NotAction: [dynamodb:UpdateItem]",
            ),
            ("Resource: !GetAtt EventsTable.Arn", "Resource: \"*\""),
            (
                "Resource: !GetAtt UnpublishedRecords.Arn",
                "Resource: !Sub ${UnpublishedRecords.Arn}*",
            ),
            ("${UnpublishedRecords.Arn}/aws/lambda/*", "arn:aws:s3:::*/*"),
            ("identity/${MailIdentity}", "identity/*"),
        ],
    );
}

/// The statements of all roles, with the ids of the roles.
fn statements(template: &Template) -> impl Iterator<Item = (&str, &Value)> {
    let roles = template.of(ROLE);
    roles.flat_map(|(id, _)| {
        template
            .statements(id)
            .map(move |statement| (id, statement))
    })
}
