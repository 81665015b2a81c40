//! Which function may do what with which table: nobody changes an event, and nobody writes to what is another's.

use crate::spoil::{Faults, Template, holds, id_of, texts};
use decider::{Decider, Idempotency};
use domain::registry::{self, AggregateVisitor};
use domain::{Aggregate, Transfer};
use event_store::schema;
use serde_json::json;
use std::collections::BTreeSet;

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
            let look_up = (&table, &["dynamodb:BatchGetItem"][..]);
            let walk = (&index, &["dynamodb:Query"][..]);
            let sweep = &[
                "dynamodb:BatchGetItem",
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:Scan",
            ];
            let expected = match template.binary(function) {
                "publish" => vec![(&table, &["dynamodb:GetItem", "dynamodb:PutItem"][..])],
                "sweep" => vec![(&table, &sweep[..])],
                "queries" => vec![look_up],
                "project" | "mail" => vec![walk],
                "deliveries" => vec![look_up, walk],
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
fn deliveries_look_into_what_every_consumer_keeps_and_change_nothing() {
    fn rule(template: &Template, faults: &mut Faults) {
        let tables = template.triggers("SQS").map(|trigger| {
            let variables = template.variables(trigger.function);
            let table = ["READ_MODEL_TABLE", "CONSUMER_TABLE"].map(|name| id_of(&variables[name]));
            table.concat()
        });
        let tables: BTreeSet<_> = tables.collect();
        let is_it = |function: &&str| template.binary(function) == "deliveries";
        let function = template.functions().map(|(id, _)| id).find(is_it);
        let function = function.unwrap_or_default();
        let role = id_of(&template.properties(function)["Role"]);
        let read = [
            "dynamodb:GetItem",
            "dynamodb:BatchGetItem",
            "dynamodb:Query",
        ];
        let looked_into = template
            .statements(role)
            .filter(|statement| texts(&statement["Action"]) == read)
            .map(|statement| id_of(&statement["Resource"]).to_owned());
        let looked_into: BTreeSet<_> = looked_into.collect();
        faults.unless(
            !tables.is_empty() && looked_into == tables,
            function,
            "must look into the tables of all consumers",
        );
        let only_looks = |action: &&str| read.contains(action) || action.starts_with("logs:");
        let statements = template.statements(role);
        let actions: Vec<_> = statements.flat_map(|one| texts(&one["Action"])).collect();
        let looks = actions.iter().all(|action| only_looks(&action));
        faults.unless(looks, function, "must change nothing");
    }
    holds(
        rule,
        &[
            ("Binary: deliveries", "Binary: queries"),
            (
                "Query]\n                Resource: !GetAtt NameChangeTable.Arn",
                "PutItem]\n                Resource: !GetAtt NameChangeTable.Arn",
            ),
            (
                "Query]\n                Resource: !GetAtt WelcomeTable.Arn",
                "Query]\n                Resource: !GetAtt NameChangeTable.Arn",
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
