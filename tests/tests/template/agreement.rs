//! The template agrees with the code: keys, routes, names and the sample events.

use crate::spoil::{Faults, Template, holds};
use domain::registry::{self, AggregateVisitor, MailingVisitor, ReadModelVisitor};
use domain::{Aggregate, Mailing, ReadModel, User};
use event_store::{Commit, schema};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

/// The collection of an aggregate, and its routes with the types of their commands.
type Served = (&'static str, &'static [(&'static str, &'static str)]);

/// Asks for what an aggregate is served under, or whether there is something of a name.
struct Known;

impl AggregateVisitor for Known {
    type Output = Served;
    fn visit<A: Aggregate>(self) -> Served {
        (A::COLLECTION, A::ROUTES)
    }
}

impl ReadModelVisitor for Known {
    type Output = ();
    fn visit<R: ReadModel>(self) {}
}

impl MailingVisitor for Known {
    type Output = ();
    fn visit<M: Mailing>(self) {}
}

#[test]
fn the_tables_of_the_event_log_have_the_keys_that_the_store_uses() {
    fn rule(template: &Template, faults: &mut Faults) {
        let events = [
            (schema::STREAM, "S", "HASH"),
            (schema::VERSION, "N", "RANGE"),
        ];
        let claims = [(schema::CLAIM, "S", "HASH")];
        let heads = [(schema::STREAM, "S", "HASH")];
        let seen = [(schema::SHARD, "S", "HASH"), (schema::SEEN, "S", "RANGE")];
        for (id, keys) in [
            ("EventsTable", &events[..]),
            ("ClaimsTable", &claims[..]),
            ("HeadsTable", &heads[..]),
        ] {
            let table = template.properties(id);
            for (at, (name, kind, role)) in keys.iter().enumerate() {
                let attribute = json!({ "AttributeName": name, "AttributeType": kind });
                let key = json!({ "AttributeName": name, "KeyType": role });
                faults.unless(
                    table["AttributeDefinitions"][at] == attribute,
                    id,
                    "has another attribute",
                );
                faults.unless(table["KeySchema"][at] == key, id, "has another key");
            }
        }
        let heads = template.properties("HeadsTable");
        let attribute = |(name, kind, _)| json!({ "AttributeName": name, "AttributeType": kind });
        let key = |(name, _, role)| json!({ "AttributeName": name, "KeyType": role });
        let index = json!([{
            "IndexName": schema::SEEN_INDEX,
            "KeySchema": seen.map(key),
            "Projection": { "ProjectionType": "INCLUDE", "NonKeyAttributes": [schema::VERSION] },
        }]);
        faults.unless(
            heads["GlobalSecondaryIndexes"] == index
                && heads["AttributeDefinitions"]
                    .as_array()
                    .map(|all| &all[1..])
                    == Some(&seen.map(attribute)),
            "HeadsTable",
            "has another index",
        );
        let forgets = json!({ "AttributeName": schema::EXPIRES, "Enabled": true });
        faults.unless(
            template.properties("ClaimsTable")["TimeToLiveSpecification"] == forgets,
            "ClaimsTable",
            "must forget commands, and nothing else",
        );
        for id in ["EventsTable", "HeadsTable"] {
            let forgets = &template.properties(id)["TimeToLiveSpecification"];
            faults.unless(forgets.is_null(), id, "must forget nothing");
        }
        let view = &template.properties("EventsTable")["StreamSpecification"]["StreamViewType"];
        faults.unless(
            view == "NEW_IMAGE",
            "EventsTable",
            "must stream whole commits",
        );
    }
    holds(
        rule,
        &[
            ("AttributeName: version", "AttributeName: sequence"),
            ("AttributeType: N", "AttributeType: S"),
            ("AttributeName: claim", "AttributeName: key"),
            ("AttributeName: stream", "AttributeName: name"),
            ("AttributeName: shard", "AttributeName: part"),
            ("AttributeName: seen", "AttributeName: at"),
            ("IndexName: seen", "IndexName: news"),
            ("- version\n", "- hash\n"),
            ("ProjectionType: INCLUDE", "ProjectionType: KEYS_ONLY"),
            (
                "up.\n      TimeToLiveSpecification:\n        AttributeName: expires\n        Enabled: true\n",
                "up.\n      TimeToLiveSpecification:\n        AttributeName: until\n        Enabled: true\n",
            ),
            (
                "up.\n      TimeToLiveSpecification:\n        AttributeName: expires\n        Enabled: true\n",
                "up.\n",
            ),
            (
                "TableName: !Sub ${AWS::StackName}-heads\n",
                "TableName: !Sub ${AWS::StackName}-heads\n      TimeToLiveSpecification: { AttributeName: expires, Enabled: true }\n",
            ),
            (
                "TableName: !Sub ${AWS::StackName}-events\n",
                "TableName: !Sub ${AWS::StackName}-events\n      TimeToLiveSpecification: { AttributeName: expires, Enabled: true }\n",
            ),
            ("StreamViewType: NEW_IMAGE", "StreamViewType: KEYS_ONLY"),
        ],
    );
}

#[test]
fn the_routes_are_those_of_the_aggregates() {
    fn rule(template: &Template, faults: &mut Faults) {
        let routes_of = |binary: &str, variable: &str, name: &str| {
            let served = template.triggers("HttpApi").filter(|trigger| {
                template.binary(trigger.function) == binary
                    && template.variable(trigger.function, variable) == Some(name)
            });
            let routes = served.map(|trigger| (trigger.route(), trigger.id.to_owned()));
            routes.collect::<BTreeSet<_>>()
        };
        let whole = ["GET /deliveries", "GET /rebuilds", "GET /rebuilds/{id}"];
        let mut told: BTreeSet<_> = whole.map(str::to_owned).into();
        for (category, _) in registry::AGGREGATES {
            let Some((collection, routes)) = registry::aggregate(category, Known) else {
                continue;
            };
            let routes = routes
                .iter()
                .map(|(route, command)| ((*route).to_owned(), (*command).to_owned()));
            let routes: BTreeSet<_> = routes.collect();
            let changes = routes.iter().any(|(route, _)| route.contains("{id}"));
            let commands = routes_of("commands", "AGGREGATE", category);
            faults.unless(
                commands == routes,
                category,
                "has other routes for commands",
            );
            if registry::projection(collection, category, Known).is_none() {
                continue;
            }
            let queries = routes_of("queries", "AGGREGATE", category);
            let mut queried = vec!["GET", "GET /{id}", "GET /{id}/history", "GET /{id}/state"];
            // OK because what is never changed has one moment only.
            if changes {
                queried.extend(["GET /{id}/diff", "POST /{id}/what-if"]);
            }
            for route in queried {
                let (method, path) = route.split_once(' ').unwrap_or((route, ""));
                let route = format!("{method} /{collection}{path}");
                faults.unless(
                    queries.iter().any(|(served, _)| *served == route),
                    &route,
                    "is missing",
                );
            }
            told.insert(format!("GET /{collection}/{{id}}/deliveries"));
        }
        let served = template.triggers("HttpApi");
        let served = served.filter(|trigger| template.binary(trigger.function) == "deliveries");
        let served: BTreeSet<_> = served.map(|trigger| trigger.route()).collect();
        faults.unless(served == told, "deliveries", "has other routes");
        let console = template.triggers("HttpApi");
        let console = console.filter(|trigger| template.binary(trigger.function) == "console");
        let console: BTreeSet<_> = console.map(|trigger| trigger.route()).collect();
        let files = ["GET /console", "GET /console/{file}"].map(str::to_owned);
        faults.unless(console == files.into(), "console", "has other routes");
        let statistics = routes_of("queries", "READ_MODEL", "statistics");
        let expected = [("GET /stats".to_owned(), "GetStatistics".to_owned())];
        faults.unless(statistics == expected.into(), "GET /stats", "is missing");
        let events = routes_of("queries", "READ_MODEL", "timeline");
        let expected = [("GET /events".to_owned(), "ListEvents".to_owned())];
        faults.unless(events == expected.into(), "GET /events", "is missing");
        let rest = template
            .triggers("HttpApi")
            .filter(|trigger| trigger.route() == "$default");
        faults.unless(rest.count() == 1, "$default", "must be served once");
    }
    holds(
        rule,
        &[
            ("Method: P", "Method: XP"),
            ("Method: GET", "Method: HEAD"),
            ("Path: /users", "Path: /people"),
            ("        RestoreUser:\n", "        UndeleteUser:\n"),
            ("Path: $default", "Path: /default"),
            ("/{id}/diff", "/{id}/difference"),
            ("/{id}/what-if", "/{id}/what-for"),
            ("Path: /stats", "Path: /statistics"),
            ("Path: /events", "Path: /changes"),
            ("Path: /console", "Path: /cockpit"),
            ("Path: /rebuilds", "Path: /builds"),
            ("Path: /deliveries/redrives", "Path: /redrives"),
            ("Path: /deliveries\n", "Path: /lags\n"),
            ("/{id}/deliveries", "/{id}/delivery"),
            ("AGGREGATE: user", "AGGREGATE: loser"),
        ],
    );
}

#[test]
fn every_name_is_known_to_the_code() {
    fn rule(template: &Template, faults: &mut Faults) {
        for (id, _) in template.functions() {
            let named = |name: &str| template.variable(id, name);
            let built = binaries().contains(template.binary(id));
            faults.unless(built, id, "has a binary that is not built");
            let aggregate =
                named("AGGREGATE").is_none_or(|name| registry::aggregate(name, Known).is_some());
            faults.unless(aggregate, id, "names no aggregate");
            let kept = |name: &str| registry::PROJECTIONS.iter().any(|(kept, _)| *kept == name);
            let model = named("READ_MODEL").is_none_or(kept);
            faults.unless(model, id, "names no read model");
            let mailing = named("MAIL").is_none_or(|name| registry::mailing(name, Known).is_some());
            faults.unless(mailing, id, "names no mailing");
        }
    }
    holds(
        rule,
        &[
            ("Binary: ", "Binary: no-"),
            ("BuildMethod: rust-cargolambda", "BuildMethod: makefile"),
            ("AGGREGATE: user", "AGGREGATE: loser"),
            ("READ_MODEL: users", "READ_MODEL: losers"),
            ("READ_MODEL: statistics", "READ_MODEL: guesses"),
            ("MAIL: welcome", "MAIL: farewell"),
        ],
    );
}

#[test]
fn every_parameter_is_used() {
    fn rule(template: &Template, faults: &mut Faults) {
        for parameter in template.parameters() {
            faults.unless(
                template.refers_to(parameter),
                parameter,
                "is asked for in vain",
            );
        }
    }
    holds(
        rule,
        &[
            ("!Ref LogLevel", "INFO"),
            ("!Ref SweepRate", "rate(5 minutes)"),
            ("!Ref UsersConcurrency", "10"),
        ],
    );
}

#[test]
fn every_function_has_sample_events() {
    fn rule(template: &Template, faults: &mut Faults) {
        let samples = samples();
        for (name, _) in &samples {
            let owned = template
                .functions()
                .any(|(id, _)| name.starts_with(&kebab(id)));
            faults.unless(owned, name, "is a sample for no function");
        }
        for (id, _) in template.functions() {
            let own = samples
                .iter()
                .filter(|(name, _)| name.starts_with(&kebab(id)));
            let own: Vec<_> = own.map(|(_, sample)| sample).collect();
            faults.unless(!own.is_empty(), id, "has no sample event");
            for sample in own {
                let kind = match sample["Records"][0]["eventSource"].as_str() {
                    Some("aws:dynamodb") => "DynamoDB",
                    Some("aws:sqs") => "SQS",
                    _ if sample["detail-type"] == "Scheduled Event" => "Schedule",
                    _ => "HttpApi",
                };
                let mut triggers = template
                    .triggers(kind)
                    .filter(|trigger| trigger.function == id);
                let takes = triggers
                    .any(|trigger| kind != "HttpApi" || sample["routeKey"] == trigger.route());
                faults.unless(takes, id, "has a sample event that it is never sent");
            }
        }
    }
    holds(
        rule,
        &[
            ("  Publish:\n", "  Announce:\n"),
            ("Path: /users/{id}/name", "Path: /users/{id}/names"),
            ("Type: DynamoDB\n", "Type: Kinesis\n"),
            ("Type: SQS\n", "Type: SNS\n"),
            ("Type: Schedule\n", "Type: ScheduleV2\n"),
        ],
    );
}

#[test]
fn the_sample_of_the_stream_holds_commits_as_the_store_writes_them() {
    let samples = samples();
    let stream = samples.iter().find(|(name, _)| name == "publish.json");
    let (_, sample) = stream.expect("events/publish.json");
    let records = sample["Records"].as_array().expect("records");
    for record in records {
        let image = &record["dynamodb"]["NewImage"];
        let item: serde_dynamo::Item = serde_json::from_value(image.clone()).expect("an item");
        let commit: Commit = serde_dynamo::from_item(item.clone()).expect("a commit");
        assert!(!commit.recorded::<User>().expect("events").is_empty());
        assert_eq!(commit.chain.hash, commit.hash());
        let again: serde_dynamo::Item = serde_dynamo::to_item(&commit).expect("an item");
        assert_eq!(again, item);
    }
}

/// The names of the workspace's binaries.
fn binaries() -> &'static BTreeSet<String> {
    static NAMES: OnceLock<BTreeSet<String>> = OnceLock::new();
    NAMES.get_or_init(|| local::functions::names().expect("the workspace is understood"))
}

/// The files of `events/` by their names.
fn samples() -> Vec<(String, Value)> {
    let files = fs::read_dir(root("events")).expect("events/");
    let read = files.map(|file| {
        let file = file.expect("a file");
        let text = fs::read_to_string(file.path()).expect("a sample");
        let name = file.file_name().to_string_lossy().into_owned();
        (name, serde_json::from_str(&text).expect("JSON"))
    });
    read.collect()
}

fn root(path: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", path].iter().collect()
}

/// `UserCommands` is `user-commands` in the name of a file.
fn kebab(id: &str) -> String {
    let letters = id.chars().enumerate().map(|(at, letter)| {
        let dash = if at > 0 && letter.is_uppercase() {
            "-"
        } else {
            ""
        };
        format!("{dash}{}", letter.to_lowercase())
    });
    letters.collect()
}
