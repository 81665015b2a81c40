//! Nobody may do more than they need: callers, functions, and above all whoever would change an event.

use crate::spoil::{Faults, Template, holds, id_of, texts};
use decider::{Decider, Idempotency};
use domain::registry::{self, AggregateVisitor};
use domain::{Aggregate, Transfer};
use serde_json::{Value, json};

const ROLE: &str = "AWS::IAM::Role";

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
                _ if route == "$default" => Value::Null,
                "commands" => json!([format!("{collection}:write"), "self"]),
                _ if route == "GET /stats" => json!(["audit:read"]),
                _ if route.ends_with("/history") || route.ends_with("/state") => {
                    json!(["audit:read", "self"])
                }
                _ => json!([format!("{collection}:read"), "self"]),
            };
            faults.unless(
                auth["AuthorizationScopes"] == expected,
                &route,
                "asks for other scopes",
            );
            faults.unless(
                auth["Authorizer"].is_null(),
                &route,
                "must have the API's authorizer",
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
            ("[\"users:read\", self]", "[]"),
            (
                "AuthorizationScopes:",
                "Authorizer: NONE\n              AuthorizationScopes:",
            ),
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

#[test]
fn events_are_appended_by_commands_and_changed_by_nobody() {
    fn rule(template: &Template, faults: &mut Faults) {
        for (function, properties) in template.functions() {
            let appends = template.binary(function) == "commands";
            for statement in template.statements(id_of(&properties["Role"])) {
                if !statement["Resource"]
                    .to_string()
                    .contains("EventsTable.Arn")
                {
                    continue;
                }
                for action in texts(&statement["Action"]) {
                    let may = action == "dynamodb:Query" || appends && action == "dynamodb:PutItem";
                    faults.unless(may, function, &format!("must not {action} an event"));
                }
            }
        }
    }
    holds(
        rule,
        &[
            (
                "[dynamodb:Query, dynamodb:PutItem]",
                "[dynamodb:Query, dynamodb:UpdateItem]",
            ),
            (
                "[dynamodb:Query, dynamodb:PutItem]",
                "[dynamodb:DeleteItem, dynamodb:PutItem]",
            ),
            ("Action: dynamodb:Query\n", "Action: dynamodb:PutItem\n"),
            (
                "Resource: !GetAtt MailsTable.Arn",
                "Resource: !GetAtt EventsTable.Arn",
            ),
            (
                "Resource: !GetAtt ClaimsTable.Arn",
                "Resource: [!GetAtt ClaimsTable.Arn, !GetAtt EventsTable.Arn]",
            ),
        ],
    );
}

#[test]
fn heads_are_kept_by_the_publisher_and_read_by_no_other() {
    fn rule(template: &Template, faults: &mut Faults) {
        for (function, properties) in template.functions() {
            let keeps = template.binary(function) == "publish";
            let statements = template.statements(id_of(&properties["Role"]));
            let of_heads = statements.filter(|statement| {
                let resource = statement["Resource"].to_string();
                resource.contains("HeadsTable.Arn")
            });
            let actions: Vec<_> = of_heads
                .flat_map(|statement| texts(&statement["Action"]))
                .collect();
            let expected: &[_] = if keeps {
                &["dynamodb:GetItem", "dynamodb:PutItem"]
            } else {
                &[]
            };
            faults.unless(actions == expected, function, "has other rights on heads");
        }
    }
    holds(
        rule,
        &[
            (
                "PutItem]\n                Resource: !GetAtt HeadsTable.Arn",
                "DeleteItem]\n                Resource: !GetAtt HeadsTable.Arn",
            ),
            (
                "Resource: !GetAtt HeadsTable.Arn",
                "Resource: !GetAtt UsersTable.Arn",
            ),
            (
                "Resource: !GetAtt ClaimsTable.Arn",
                "Resource: [!GetAtt ClaimsTable.Arn, !GetAtt HeadsTable.Arn]",
            ),
        ],
    );
}

#[test]
fn whoever_keeps_a_ledger_may_read_it() {
    struct Remembers;
    impl AggregateVisitor for Remembers {
        type Output = bool;
        fn visit<A: Aggregate>(self) -> bool {
            // A transfer is also a command on accounts, which keep one.
            A::IDEMPOTENCY == Idempotency::Ledger || A::CATEGORY == Transfer::CATEGORY
        }
    }
    fn rule(template: &Template, faults: &mut Faults) {
        for (function, properties) in template.functions() {
            let aggregate = template.variable(function, "AGGREGATE").unwrap_or_default();
            let keeps = registry::aggregate(aggregate, Remembers) == Some(true);
            if !keeps || template.binary(function) != "commands" {
                continue;
            }
            let mut statements = template.statements(id_of(&properties["Role"]));
            let may = statements.any(|statement| {
                let claims = statement["Resource"]
                    .to_string()
                    .contains("ClaimsTable.Arn");
                claims && texts(&statement["Action"]) == ["dynamodb:GetItem", "dynamodb:PutItem"]
            });
            faults.unless(may, function, "must read and write the ledger");
        }
    }
    holds(
        rule,
        &[(
            "[dynamodb:GetItem, dynamodb:PutItem]\n                Resource: !GetAtt ClaimsTable.Arn",
            "[dynamodb:PutItem]\n                Resource: !GetAtt ClaimsTable.Arn",
        )],
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
