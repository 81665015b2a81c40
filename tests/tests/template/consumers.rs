//! Every consumer of the registry is deployed, hears of all that it reads, and has a table named by it.

use crate::spoil::{Faults, Template, holds, id_of};
use domain::Mailing;
use domain::registry::{self, MailingVisitor};
use local::patterns::Pattern;
use local::yaml::Node;
use serde_json::{Value, json};

/// The streams of operations, which all consumers hear of, and what is announced there.
const OPS: &str = "ops";
const TICK: &str = "Tick";
const REDRIVE: &str = "RedriveRequested";

/// The types of the events that a mailing looks at.
struct Types;

impl MailingVisitor for Types {
    type Output = &'static [&'static str];
    fn visit<M: Mailing>(self) -> Self::Output {
        M::EVENT_TYPES
    }
}

/// The one function of a consumer, and the variable that names its table.
fn deployed<'t>(template: &'t Template, name: &str) -> Option<(&'t str, &'static str)> {
    let of = |binary, variable, table| {
        let mut found = template.functions().filter(move |(id, _)| {
            template.binary(id) == binary && template.variable(id, variable) == Some(name)
        });
        match (found.next(), found.next()) {
            (Some((id, _)), None) => Some((id, table)),
            _ => None,
        }
    };
    match registry::mailing(name, Types) {
        Some(_) => of("mail", "MAIL", "CONSUMER_TABLE"),
        None => of("project", "READ_MODEL", "READ_MODEL_TABLE"),
    }
}

#[test]
fn every_consumer_has_a_function_and_a_table_of_its_name() {
    fn rule(template: &Template, faults: &mut Faults) {
        for name in registry::consumers().keys() {
            let Some((function, table)) = deployed(template, name) else {
                faults.unless(false, name, "is deployed not once");
                continue;
            };
            let variables = template.variables(function);
            let table = template.properties(id_of(&variables[table]));
            let named = json!({ "Fn::Sub": format!("${{AWS::StackName}}-{name}") });
            faults.unless(
                table["TableName"] == named,
                name,
                "has a table of another name",
            );
            let keys = json!([
                { "AttributeName": "pk", "KeyType": "HASH" },
                { "AttributeName": "sk", "KeyType": "RANGE" },
            ]);
            faults.unless(
                table["KeySchema"] == keys,
                name,
                "has a table of other keys",
            );
            let forgets = &table["TimeToLiveSpecification"];
            faults.unless(
                forgets["AttributeName"] == "expires",
                name,
                "keeps marks for ever",
            );
            let read = [
                ("EVENTS_TABLE", "EventsTable"),
                ("HEADS_TABLE", "HeadsTable"),
            ];
            let reads = read
                .iter()
                .all(|(variable, table)| id_of(&variables[*variable]) == *table);
            faults.unless(reads, name, "must be told where to read");
        }
    }
    holds(
        rule,
        &[
            ("-name-change\n      Billing", "-names\n      Billing"),
            ("READ_MODEL: search", "READ_MODEL: users"),
            (
                "READ_MODEL: timeline\n          EVENTS_TABLE: !Ref EventsTable\n          HEADS_TABLE: !Ref HeadsTable\n          READ_MODEL_TABLE: !Ref TimelineTable\n          QUEUE",
                "READ_MODEL: stories\n          QUEUE",
            ),
            ("MAIL: welcome", "MAIL: name-change"),
            (
                "CONSUMER_TABLE: !Ref WelcomeTable",
                "CONSUMER_TABLE: !Ref NameChangeTable",
            ),
            (
                "AttributeName: sk\n          KeyType: RANGE",
                "AttributeName: sort\n          KeyType: RANGE",
            ),
            (
                "MAIL: welcome\n          EVENTS_TABLE: !Ref EventsTable",
                "MAIL: welcome\n          EVENTS_TABLE: !Ref ClaimsTable",
            ),
        ],
    );
}

#[test]
fn every_consumer_hears_of_the_streams_that_it_reads_of_operations_and_ticks_and_of_no_other() {
    fn rule(template: &Template, faults: &mut Faults) {
        for (name, categories) in registry::consumers() {
            let queue = deployed(template, name)
                .map(|(function, _)| id_of(&template.variables(function)["QUEUE_URL"]))
                .unwrap_or_default();
            let patterns: Vec<_> = template
                .of("AWS::Events::Rule")
                .filter(|(_, rule)| id_of(&rule["Targets"][0]["Arn"]) == queue)
                .map(|(_, rule)| pattern(&rule["EventPattern"]))
                .collect();
            let hears = |category: &str, kind: &str| {
                let event = announcement(category, kind);
                patterns.iter().any(|pattern| pattern.matches(&event))
            };
            faults.unless(hears(OPS, TICK), name, "hears of no tick");
            let mailed = registry::mailing(name, Types);
            for (category, kinds) in registry::AGGREGATES {
                for kind in *kinds {
                    let wanted = match mailed {
                        Some(_) if *category == OPS => *kind == REDRIVE,
                        Some(types) => types.contains(kind),
                        None => *category == OPS || categories.contains(category),
                    };
                    let heard = hears(category, kind);
                    faults.unless(heard || !wanted, name, &format!("hears of no {kind}"));
                    faults.unless(!heard || wanted, name, &format!("hears of {kind} in vain"));
                }
            }
        }
    }
    holds(
        rule,
        &[
            ("            - prefix: ops-\n", ""),
            ("- prefix: user-", "- prefix: account-"),
            ("- prefix: transfer-", "- prefix: trans-"),
            ("          - Tick\n", ""),
            ("          - RedriveRequested\n", ""),
            ("          - UserCreated\n", "          - UserDeleted\n"),
            (
                "          - UserNameChanged\n",
                "          - UserNameChanged\n          - UserNameCorrected\n",
            ),
            (
                "source:\n          - strangelog\n      Targets",
                "source:\n          - elsewhere\n      Targets",
            ),
        ],
    );
}

#[test]
fn the_search_alone_may_be_left_out_and_its_table_stays() {
    fn rule(template: &Template, faults: &mut Faults) {
        let on = json!({ "Fn::Equals": [{ "Ref": "Search" }, "on"] });
        faults.unless(
            *template.condition("WithSearch") == on,
            "WithSearch",
            "means something else",
        );
        for (id, condition) in template.conditional() {
            let well = match id.starts_with("ProjectSearch") {
                true => condition == "WithSearch",
                false => condition.is_null(),
            };
            faults.unless(well, id, "has another condition");
        }
    }
    holds(
        rule,
        &[
            ("    Condition: WithSearch\n", ""),
            (
                "!Equals [!Ref Search, \"on\"]",
                "!Equals [!Ref Search, \"off\"]",
            ),
            (
                "  SearchTable:\n    Type: AWS::DynamoDB::Table\n",
                "  SearchTable:\n    Type: AWS::DynamoDB::Table\n    Condition: WithSearch\n",
            ),
        ],
    );
}

fn pattern(written: &Value) -> Pattern {
    // JSON is YAML, too.
    let node = Node::parse(&written.to_string()).expect("a pattern");
    Pattern::parse(&node).expect("a pattern that can be judged")
}

/// An event as the bus gives it to rules.
fn announcement(category: &str, kind: &str) -> Value {
    json!({
        "source": "strangelog",
        "detail-type": kind,
        "detail": { "stream": format!("{category}-00000000-0000-7000-8000-000000000000"), "type": kind },
    })
}
