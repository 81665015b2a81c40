//! What somebody must look at rings.

use crate::spoil::{Faults, Template, holds, id_of};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const QUEUE: &str = "AWS::SQS::Queue";

#[test]
fn what_somebody_must_look_at_rings() {
    fn rule(template: &Template, faults: &mut Faults) {
        let rings = |metric: &str, of: Value| {
            template.of("AWS::CloudWatch::Alarm").any(|(_, alarm)| {
                alarm["MetricName"] == metric
                    && alarm["Dimensions"][0]["Value"] == of
                    && alarm["ComparisonOperator"] == "GreaterThanThreshold"
                    && template.is_a(id_of(&alarm["AlarmActions"][0]), "AWS::SNS::Topic")
            })
        };
        for (id, queue) in template.of(QUEUE) {
            let dead = id_of(&queue["RedrivePolicy"]["deadLetterTargetArn"]);
            let name = json!({ "Fn::GetAtt": format!("{dead}.QueueName") });
            let rung = dead.is_empty() || rings("ApproximateNumberOfMessagesVisible", name);
            faults.unless(rung, id, "has dead letters that nobody hears of");
        }
        for trigger in template.triggers("DynamoDB") {
            let function = trigger.function;
            let mapping = format!("{function}{}", trigger.id);
            faults.unless(
                rings("IteratorAge", json!({ "Ref": function })),
                function,
                "may fall behind",
            );
            let given_up = rings(
                "OnFailureDestinationDeliveredEventCount",
                json!({ "Ref": mapping }),
            );
            // Lambda counts what it gives up on only where it is asked to.
            let counted = trigger.properties["MetricsConfig"]["Metrics"] == json!(["EventCount"]);
            faults.unless(given_up && counted, function, "may give up unheard");
        }
        logs_ring(template, faults);
    }
    let said = alarms_in_logs();
    assert!(said.iter().any(|(_, alarm)| alarm == "tampering"));
    holds(
        rule,
        &[
            (
                "!GetAtt WelcomeMailDeadLetters.QueueName",
                "!GetAtt WelcomeMailQueue.QueueName",
            ),
            ("\n      MetricName: ", "\n      MetricName: Other"),
            ("\n          MetricName: ", "\n          MetricName: Other"),
            ("\"parked\"", "\"marked\""),
            ("\"unpublished\"", "\"published\""),
            ("\"sweep\"", "\"sleep\""),
            ("\"mail-unknown\"", "\"mail-known\""),
            (
                "LogGroupName: !Ref ProjectUsersLogs",
                "LogGroupName: !Ref ProjectAccountsLogs",
            ),
            ("GreaterThanThreshold", "LessThanThreshold"),
            (
                "notBreaching\n      AlarmActions:\n        - !Ref Alarms",
                "notBreaching\n      AlarmActions:\n        - !Ref EventBus",
            ),
            ("!Ref PublishCommits", "!Ref PublishRecords"),
            ("- EventCount", "- ErrorCount"),
            ("\"tampering\"", "\"temperature\""),
            (
                "LogGroupName: !Ref PublishLogs",
                "LogGroupName: !Ref EventsTable",
            ),
            ("MetricValue: \"1\"", "MetricValue: \"0\""),
        ],
    );
}

#[test]
fn a_sweep_that_does_not_run_rings() {
    fn rule(template: &Template, faults: &mut Faults) {
        for trigger in template.triggers("Schedule") {
            let function = trigger.function;
            let counts = |metric: &Value, name: &str| {
                let counted = &metric["MetricStat"]["Metric"];
                counted["MetricName"] == name
                    && counted["Dimensions"][0]["Value"] == json!({ "Ref": function })
            };
            let rings = template.of("AWS::CloudWatch::Alarm").any(|(_, alarm)| {
                let metrics = alarm["Metrics"].as_array();
                let any = |name| metrics.into_iter().flatten().any(|one| counts(one, name));
                alarm["Metrics"][0]["Expression"] == "runs - errors"
                    && any("Invocations")
                    && any("Errors")
                    && (&alarm["ComparisonOperator"], &alarm["Threshold"])
                        == (&json!("LessThanThreshold"), &json!(1))
                    && alarm["TreatMissingData"] == "breaching"
                    && template.is_a(id_of(&alarm["AlarmActions"][0]), "AWS::SNS::Topic")
            });
            faults.unless(rings, function, "may not run, unheard");
        }
        let swept = template
            .triggers("Schedule")
            .map(|one| template.binary(one.function));
        faults.unless(swept.eq(["sweep"]), "Sweep", "must run regularly");
    }
    holds(
        rule,
        &[
            ("Type: Schedule", "Type: HttpApi"),
            ("Binary: sweep", "Binary: publish"),
            ("Expression: runs - errors", "Expression: runs"),
            ("MetricName: Invocations", "MetricName: Duration"),
            ("MetricName: Errors", "MetricName: Throttles"),
            (
                "ComparisonOperator: LessThanThreshold",
                "ComparisonOperator: LessThanOrEqualToThreshold",
            ),
            (
                "TreatMissingData: breaching",
                "TreatMissingData: notBreaching",
            ),
            ("Value: !Ref Sweep\n", "Value: !Ref Publish\n"),
        ],
    );
}

/// What is said in the field `alarm` of the logs, with the folder of who says it.
fn alarms_in_logs() -> BTreeSet<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = BTreeSet::new();
    let mut folders = vec![root.join("functions"), root.join("consumer")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("source");
                let below = path.strip_prefix(&root).expect("below");
                let mut names = below.iter().filter_map(|name| name.to_str());
                let whose = names.find(|name| *name != "functions").unwrap_or_default();
                let said = text.split("alarm = \"").skip(1);
                let said = said.filter_map(|rest| rest.split_once('"'));
                found.extend(said.map(|(alarm, _)| (whose.to_owned(), alarm.to_owned())));
            }
        }
    }
    found
}

/// Each of them is counted in the log of everyone who may say it, and the count rings.
fn logs_ring(template: &Template, faults: &mut Faults) {
    let rings = |said: &str, group: &Value| {
        let pattern = format!("{{ $.fields.alarm = \"{said}\" }}");
        template.of("AWS::Logs::MetricFilter").any(|(_, filter)| {
            let counted = &filter["MetricTransformations"][0];
            let (namespace, name) = (&counted["MetricNamespace"], &counted["MetricName"]);
            filter["FilterPattern"] == pattern
                && filter["LogGroupName"] == *group
                && counted["MetricValue"] == "1"
                && template.of("AWS::CloudWatch::Alarm").any(|(_, alarm)| {
                    (&alarm["Namespace"], &alarm["MetricName"]) == (namespace, name)
                        && alarm["ComparisonOperator"] == "GreaterThanThreshold"
                        && template.is_a(id_of(&alarm["AlarmActions"][0]), "AWS::SNS::Topic")
                })
        })
    };
    let group = |function: &str| &template.properties(function)["LoggingConfig"]["LogGroup"];
    for (whose, said) in alarms_in_logs() {
        let whose: &[&str] = match (whose.as_str(), said.as_str()) {
            ("consumer", _) => &["project", "mail"],
            ("publish", "tampering") => &["publish", "sweep"],
            ("publish", _) => &["sweep"],
            (whose, _) => &[whose],
        };
        let speakers = template
            .functions()
            .filter(|(id, _)| whose.contains(&template.binary(id)));
        for (id, _) in speakers {
            faults.unless(
                rings(&said, group(id)),
                id,
                &format!("says {said}, which rings nowhere"),
            );
        }
    }
    for (id, _) in template.functions() {
        let said = match template.binary(id) {
            "project" | "mail" => "parked",
            "sweep" => "unpublished",
            _ => continue,
        };
        faults.unless(
            rings(said, group(id)),
            id,
            &format!("says {said}, which rings nowhere"),
        );
    }
}
