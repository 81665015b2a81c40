//! Which function may do what with which table: nobody changes an event, and nobody writes to what is another's.

use crate::spoil::{Faults, Template, holds, id_of, texts};
use decider::{Decider, Idempotency};
use domain::registry::{self, AggregateVisitor};
use domain::{Aggregate, Transfer};
use event_store::schema;
use serde_json::json;

#[test]
fn events_are_appended_by_commands_and_changed_by_nobody() {
    fn rule(template: &Template, faults: &mut Faults) {
        for (function, properties) in template.functions() {
            let appends = template.binary(function) == "commands";
            let sweeps = template.binary(function) == "sweep";
            for statement in template.statements(id_of(&properties["Role"])) {
                if !statement["Resource"]
                    .to_string()
                    .contains("EventsTable.Arn")
                {
                    continue;
                }
                for action in texts(&statement["Action"]) {
                    let may = action == "dynamodb:Query"
                        || appends && action == "dynamodb:PutItem"
                        || sweeps && action == "dynamodb:Scan";
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
            (
                "Action: dynamodb:Query\n                Resource: !GetAtt EventsTable.Arn",
                "Action: dynamodb:Scan\n                Resource: !GetAtt EventsTable.Arn",
            ),
            (
                "[dynamodb:Query, dynamodb:Scan]",
                "[dynamodb:Query, dynamodb:PutItem]",
            ),
            (
                "Resource: !GetAtt WelcomeTable.Arn",
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
fn heads_are_kept_by_those_who_publish_and_changed_by_no_other() {
    fn rule(template: &Template, faults: &mut Faults) {
        let table = json!({ "Fn::GetAtt": "HeadsTable.Arn" });
        let index =
            json!({ "Fn::Sub": format!("${{HeadsTable.Arn}}/index/{}", schema::SEEN_INDEX) });
        for (function, properties) in template.functions() {
            let expected = match template.binary(function) {
                "publish" => vec![(&table, &["dynamodb:GetItem", "dynamodb:PutItem"][..])],
                "sweep" => vec![(
                    &table,
                    &[
                        "dynamodb:BatchGetItem",
                        "dynamodb:GetItem",
                        "dynamodb:PutItem",
                        "dynamodb:Scan",
                    ][..],
                )],
                "queries" if template.variables(function).get("AGGREGATE").is_some() => {
                    vec![(&table, &["dynamodb:BatchGetItem"][..])]
                }
                "project" | "mail" => vec![(&index, &["dynamodb:Query"][..])],
                // Over all streams, and no one's document: what they show is behind whatever was seen since.
                "queries" | "deliveries" => vec![
                    (&table, &["dynamodb:BatchGetItem"][..]),
                    (&index, &["dynamodb:Query"][..]),
                ],
                _ => vec![],
            };
            let statements = template.statements(id_of(&properties["Role"]));
            let of_heads = statements
                .map(|statement| (&statement["Resource"], texts(&statement["Action"])))
                .filter(|(resource, _)| resource.to_string().contains("HeadsTable.Arn"));
            let found: Vec<_> = of_heads.collect();
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(resource, actions)| (resource, actions.to_vec()))
                .collect();
            faults.unless(found == expected, function, "has other rights on heads");
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
            ("/index/seen", "/index/*"),
            (
                "!Sub ${HeadsTable.Arn}/index/seen",
                "!GetAtt HeadsTable.Arn",
            ),
            (
                "Resource: !GetAtt ClaimsTable.Arn",
                "Resource: [!GetAtt ClaimsTable.Arn, !GetAtt HeadsTable.Arn]",
            ),
        ],
    );
}

#[test]
fn a_consumer_has_rights_on_what_is_its_own_and_on_no_other() {
    fn rule(template: &Template, faults: &mut Faults) {
        for trigger in template.triggers("SQS") {
            let (function, variables) = (trigger.function, template.variables(trigger.function));
            let is_mail = template.binary(function) == "mail";
            let table = if is_mail {
                "CONSUMER_TABLE"
            } else {
                "READ_MODEL_TABLE"
            };
            let arn =
                |name: &str| json!({ "Fn::GetAtt": format!("{}.Arn", id_of(&variables[name])) });
            let mut own_table = vec![
                "dynamodb:GetItem",
                "dynamodb:BatchGetItem",
                "dynamodb:Query",
            ];
            // What has effects is never rebuilt, and so has no generations to let go of.
            own_table.extend(match is_mail {
                true => &["dynamodb:PutItem", "dynamodb:UpdateItem"][..],
                false => &[
                    "dynamodb:Scan",
                    "dynamodb:PutItem",
                    "dynamodb:UpdateItem",
                    "dynamodb:BatchWriteItem",
                ],
            });
            let own_queue = [
                "sqs:ReceiveMessage",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:SendMessage",
            ];
            let role = id_of(&template.properties(function)["Role"]);
            let statements = template.statements(role);
            let found: Vec<_> = statements
                .map(|statement| (statement["Resource"].clone(), texts(&statement["Action"])))
                .filter(|(_, actions)| actions.iter().all(|action| !action.starts_with("logs:")))
                .filter(|(_, actions)| !is_mail || *actions != ["ses:SendEmail"])
                .collect();
            let read = vec!["dynamodb:Query"];
            let expected = vec![
                (arn("QUEUE_URL"), own_queue.to_vec()),
                (arn("EVENTS_TABLE"), read.clone()),
                (json!({ "Fn::Sub": "${HeadsTable.Arn}/index/seen" }), read),
                (arn(table), own_table),
            ];
            faults.unless(found == expected, function, "has other rights");
            let queue = id_of(&trigger.properties["Queue"]);
            let sends = id_of(&variables["QUEUE_URL"]) == queue;
            faults.unless(sends, function, "must send to its own queue alone");
            let shared = template.triggers("SQS").filter(|other| {
                let others = template.variables(other.function);
                others[table] == variables[table] || others["QUEUE_URL"] == variables["QUEUE_URL"]
            });
            faults.unless(shared.count() == 1, function, "must share nothing");
        }
    }
    holds(
        rule,
        &[
            (", sqs:SendMessage]", "]"),
            ("sqs:GetQueueAttributes, ", ""),
            (
                "dynamodb:UpdateItem, dynamodb:BatchWriteItem]",
                "dynamodb:UpdateItem]",
            ),
            (
                "dynamodb:Query, dynamodb:Scan, dynamodb:PutItem",
                "dynamodb:Query, dynamodb:PutItem",
            ),
            (
                "dynamodb:PutItem, dynamodb:UpdateItem]",
                "dynamodb:PutItem]",
            ),
            (
                "READ_MODEL_TABLE: !Ref UsersTable\n          QUEUE",
                "READ_MODEL_TABLE: !Ref AccountsTable\n          QUEUE",
            ),
            (
                "CONSUMER_TABLE: !Ref WelcomeTable",
                "CONSUMER_TABLE: !Ref NameChangeTable",
            ),
            (
                "QUEUE_URL: !Ref ProjectUsersQueue",
                "QUEUE_URL: !Ref ProjectAccountsQueue",
            ),
            (
                "QUEUE_URL: !Ref WelcomeMailQueue",
                "QUEUE_URL: !Ref WelcomeMailDeadLetters",
            ),
            ("Action: ses:SendEmail", "Action: ses:SendRawEmail"),
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

#[test]
fn whoever_tells_of_deliveries_may_read_what_every_consumer_keeps_and_write_nothing() {
    fn rule(template: &Template, faults: &mut Faults) {
        let tellers = template
            .functions()
            .filter(|(id, _)| template.binary(id) == "deliveries");
        faults.unless(tellers.count() == 1, "deliveries", "must be told of once");
        for (function, properties) in template.functions() {
            if template.binary(function) != "deliveries" {
                continue;
            }
            let prefix = &template.variables(function)["TABLES_PREFIX"];
            let prefixed = *prefix == json!({ "Fn::Sub": "${AWS::StackName}-" });
            faults.unless(prefixed, function, "must be told how tables are named");
            let search = json!({ "Ref": "Search" });
            let knows = template.variables(function)["SEARCH"] == search;
            faults.unless(knows, function, "must be told whether there is a search");
            let mut read = Vec::new();
            for statement in template.statements(id_of(&properties["Role"])) {
                let actions = texts(&statement["Action"]);
                let is_read = [
                    "dynamodb:GetItem",
                    "dynamodb:BatchGetItem",
                    "dynamodb:Query",
                ];
                let reads = |action: &&str| action.starts_with("logs:") || is_read.contains(action);
                faults.unless(actions.iter().all(reads), function, "must only read");
                if actions == is_read {
                    read.extend(
                        statement["Resource"]
                            .as_array()
                            .into_iter()
                            .flatten()
                            .cloned(),
                    );
                }
            }
            for trigger in template.triggers("SQS") {
                let variables = template.variables(trigger.function);
                let kept = [&variables["READ_MODEL_TABLE"], &variables["CONSUMER_TABLE"]];
                let table = kept.into_iter().find(|table| !table.is_null());
                let table = id_of(table.unwrap_or(&serde_json::Value::Null));
                let arn = json!({ "Fn::GetAtt": format!("{table}.Arn") });
                faults.unless(
                    read.contains(&arn),
                    trigger.function,
                    "keeps what cannot be told of",
                );
            }
        }
    }
    holds(
        rule,
        &[
            ("Binary: deliveries", "Binary: queries"),
            (
                "TABLES_PREFIX: !Sub ${AWS::StackName}-",
                "TABLES_PREFIX: strangelog-",
            ),
            (
                "SEARCH: !Ref Search\n          SUBJECT_CLAIM: !Ref SubjectClaim\n      LoggingConfig:\n        LogGroup: !Ref DeliveriesLogs",
                "SUBJECT_CLAIM: !Ref SubjectClaim",
            ),
            ("- !GetAtt WelcomeTable.Arn", "- !GetAtt UsersTable.Arn"),
            ("- !GetAtt SearchTable.Arn\n", ""),
            (
                "dynamodb:Query]\n                Resource:\n",
                "dynamodb:Query, dynamodb:PutItem]\n                Resource:\n",
            ),
        ],
    );
}
