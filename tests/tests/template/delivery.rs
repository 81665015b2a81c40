//! What is committed reaches everyone who waits for it, and what cannot be delivered is kept and rings.

use crate::spoil::{Faults, Template, holds, id_of};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const QUEUE: &str = "AWS::SQS::Queue";
const DAY: u64 = 24 * 60 * 60;

#[test]
fn the_stream_is_read_from_its_start_and_what_fails_is_kept_whole() {
    fn rule(template: &Template, faults: &mut Faults) {
        for trigger in template.triggers("DynamoDB") {
            let (id, mapping) = (trigger.function, trigger.properties);
            let tries = mapping["MaximumRetryAttempts"].as_u64().unwrap_or(u64::MAX);
            let age = mapping["MaximumRecordAgeInSeconds"]
                .as_u64()
                .unwrap_or(u64::MAX);
            let bucket = id_of(&mapping["DestinationConfig"]["OnFailure"]["Destination"]);
            faults.unless(
                mapping["StartingPosition"] == "TRIM_HORIZON",
                id,
                "may miss records",
            );
            faults.unless(
                mapping["BisectBatchOnFunctionError"] == true,
                id,
                "must bisect",
            );
            faults.unless(
                (1..=100).contains(&tries),
                id,
                "must try again, but not for ever",
            );
            faults.unless(
                (DAY / 24..DAY).contains(&age),
                id,
                "must give up before the stream does",
            );
            faults.unless(
                template.is_a(bucket, "AWS::S3::Bucket"),
                id,
                "must keep failed records",
            );
        }
    }
    holds(
        rule,
        &[
            ("StartingPosition: TRIM_HORIZON", "StartingPosition: LATEST"),
            (
                "BisectBatchOnFunctionError: true",
                "BisectBatchOnFunctionError: false",
            ),
            ("MaximumRetryAttempts: 10", "MaximumRetryAttempts: -1"),
            (
                "MaximumRecordAgeInSeconds: 43200",
                "MaximumRecordAgeInSeconds: 86400",
            ),
            (
                "Destination: !GetAtt UnpublishedRecords.Arn",
                "Destination: !GetAtt WelcomeMailQueue.Arn",
            ),
        ],
    );
}

#[test]
fn a_batch_fails_message_by_message() {
    fn rule(template: &Template, faults: &mut Faults) {
        for kind in ["DynamoDB", "SQS"] {
            for trigger in template.triggers(kind) {
                let answer = &trigger.properties["FunctionResponseTypes"];
                let told = *answer == json!(["ReportBatchItemFailures"]);
                faults.unless(told, trigger.function, "must report single failures");
                let size = &trigger.properties["BatchSize"];
                faults.unless(
                    size.is_u64(),
                    trigger.function,
                    "must say how many it takes",
                );
            }
        }
        for trigger in template.triggers("SQS") {
            let bound = &trigger.properties["ScalingConfig"]["MaximumConcurrency"];
            faults.unless(
                bound.is_u64(),
                trigger.function,
                "must be bounded by its mapping",
            );
            let reserved = &template.properties(trigger.function)["ReservedConcurrentExecutions"];
            faults.unless(
                reserved.is_null(),
                trigger.function,
                "must not turn messages away",
            );
        }
    }
    holds(
        rule,
        &[
            ("- ReportBatchItemFailures", "- ReportNothing"),
            ("MaximumConcurrency:", "MinimumConcurrency:"),
            ("BatchSize: 10", "BatchSize: many"),
            (
                "Binary: project\n    Properties:\n",
                "Binary: project\n    Properties:\n      ReservedConcurrentExecutions: 1\n",
            ),
        ],
    );
}

#[test]
fn a_message_is_tried_often_enough_and_then_kept() {
    fn rule(template: &Template, faults: &mut Faults) {
        let number = |value: &Value| value.as_u64().unwrap_or_default();
        for trigger in template.triggers("SQS") {
            let id = id_of(&trigger.properties["Queue"]);
            let queue = template.properties(id);
            let dead = template.properties(id_of(&queue["RedrivePolicy"]["deadLetterTargetArn"]));
            let timeout = number(&template.properties(trigger.function)["Timeout"]);
            let hidden = number(&queue["VisibilityTimeout"]);
            faults.unless(
                timeout > 0 && hidden >= 6 * timeout,
                id,
                "must hide a message for 6 timeouts",
            );
            let received = number(&queue["RedrivePolicy"]["maxReceiveCount"]);
            faults.unless(received >= 5, id, "must try 5 times");
            let (kept, kept_dead) = (
                number(&queue["MessageRetentionPeriod"]),
                number(&dead["MessageRetentionPeriod"]),
            );
            faults.unless(
                kept > 0 && kept_dead >= kept,
                id,
                "must outlive its dead letters",
            );
            faults.unless(
                kept_dead == 14 * DAY,
                id,
                "must keep dead letters for 14 days",
            );
        }
        for (id, queue) in template.of(QUEUE) {
            faults.unless(
                queue["SqsManagedSseEnabled"] == true,
                id,
                "must be encrypted",
            );
        }
    }
    holds(
        rule,
        &[
            ("VisibilityTimeout: 90", "VisibilityTimeout: 89"),
            ("maxReceiveCount: 5", "maxReceiveCount: 4"),
            ("deadLetterTargetArn:", "noDeadLetterTargetArn:"),
            (
                "MessageRetentionPeriod: 345600",
                "MessageRetentionPeriod: 1209601",
            ),
            (
                "MessageRetentionPeriod: 1209600",
                "MessageRetentionPeriod: 1209599",
            ),
            ("SqsManagedSseEnabled: true", "SqsManagedSseEnabled: false"),
        ],
    );
}

#[test]
fn a_rule_may_write_to_its_queue_and_to_its_dead_letters_and_nobody_else_may() {
    fn rule(template: &Template, faults: &mut Faults) {
        for (id, rule) in template.of("AWS::Events::Rule") {
            for target in rule["Targets"].as_array().into_iter().flatten() {
                for queue in [&target["Arn"], &target["DeadLetterConfig"]["Arn"]] {
                    let queue_id = id_of(queue);
                    let only_the_rule = json!([{
                        "Effect": "Allow",
                        "Principal": { "Service": "events.amazonaws.com" },
                        "Action": "sqs:SendMessage",
                        "Resource": queue,
                        "Condition": {
                            "ArnEquals": { "aws:SourceArn": { "Fn::GetAtt": format!("{id}.Arn") } }
                        },
                    }]);
                    let let_in = template.of("AWS::SQS::QueuePolicy").any(|(_, policy)| {
                        policy["Queues"] == json!([{ "Ref": queue_id }])
                            && policy["PolicyDocument"]["Statement"] == only_the_rule
                    });
                    faults.unless(let_in && template.is_a(queue_id, QUEUE), id, "cannot write");
                }
            }
        }
    }
    holds(
        rule,
        &[
            ("DeadLetterConfig:", "NoDeadLetterConfig:"),
            ("ArnEquals:", "ArnNotEquals:"),
            (
                "aws:SourceArn: !GetAtt WelcomeMailRule.Arn",
                "aws:SourceArn: !GetAtt ProjectUsersRule.Arn",
            ),
            ("{ Service: events.amazonaws.com }", "\"*\""),
            ("Action: sqs:SendMessage", "Action: sqs:ReceiveMessage"),
            (
                "- !Ref WelcomeMailDeadLetters\n",
                "- !Ref WelcomeMailQueue\n",
            ),
            ("- !Ref ProjectUsersQueue\n", "- !Ref WelcomeMailQueue\n"),
        ],
    );
}

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
    assert!(alarms_in_logs().contains("tampering"));
    holds(
        rule,
        &[
            (
                "!GetAtt WelcomeMailDeadLetters.QueueName",
                "!GetAtt WelcomeMailQueue.QueueName",
            ),
            ("MetricName: ", "MetricName: Other"),
            ("GreaterThanThreshold", "LessThanThreshold"),
            ("- !Ref Alarms", "- !Ref EventBus"),
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

/// What the functions say in the field `alarm` of their logs.
fn alarms_in_logs() -> BTreeSet<String> {
    let functions = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("functions");
    let mut found = BTreeSet::new();
    let mut folders = vec![functions];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(path).expect("source");
                let said = text.split("alarm = \"").skip(1);
                found.extend(said.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
            }
        }
    }
    found
}

/// Each of them is counted, and the count rings.
fn logs_ring(template: &Template, faults: &mut Faults) {
    for said in alarms_in_logs() {
        let pattern = format!("{{ $.fields.alarm = \"{said}\" }}");
        let rings = template.of("AWS::Logs::MetricFilter").any(|(_, filter)| {
            let counted = &filter["MetricTransformations"][0];
            let (namespace, name) = (&counted["MetricNamespace"], &counted["MetricName"]);
            filter["FilterPattern"] == pattern
                && counted["MetricValue"] == "1"
                && template.is_a(id_of(&filter["LogGroupName"]), "AWS::Logs::LogGroup")
                && template.of("AWS::CloudWatch::Alarm").any(|(_, alarm)| {
                    (&alarm["Namespace"], &alarm["MetricName"]) == (namespace, name)
                        && alarm["ComparisonOperator"] == "GreaterThanThreshold"
                        && template.is_a(id_of(&alarm["AlarmActions"][0]), "AWS::SNS::Topic")
                })
        });
        faults.unless(rings, &said, "is called an alarm, and rings nowhere");
    }
}
