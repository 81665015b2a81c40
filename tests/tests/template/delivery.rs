//! What is committed reaches everyone who waits for it, and what cannot be delivered is kept.

use crate::spoil::{Faults, Template, holds, id_of};
use serde_json::{Value, json};
use std::collections::BTreeSet;

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
                let size = template.number(&trigger.properties["BatchSize"]);
                let window = template.number(&trigger.properties["MaximumBatchingWindowInSeconds"]);
                faults.unless(
                    size.is_some(),
                    trigger.function,
                    "must say how many it takes",
                );
                faults.unless(
                    window.is_some(),
                    trigger.function,
                    "must say how long it waits",
                );
                let fits = kind != "SQS" || size <= Some(10) || window >= Some(1);
                faults.unless(fits, trigger.function, "must wait for so many");
            }
        }
        let mut bounds = BTreeSet::new();
        for trigger in template.triggers("SQS") {
            let bound = &trigger.properties["ScalingConfig"]["MaximumConcurrency"];
            faults.unless(
                template.number(bound).is_some() && bounds.insert(bound.to_string()),
                trigger.function,
                "must be bounded by its mapping, and by itself",
            );
            let workers = template.number(&template.variables(trigger.function)["REBUILD_WORKERS"]);
            faults.unless(
                template.number(bound) > workers,
                trigger.function,
                "must have room for news beside a rebuild",
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
            (
                "MaximumConcurrency: !Ref UsersConcurrency",
                "MaximumConcurrency: !Ref AccountsConcurrency",
            ),
            (
                "BatchSize: !Ref ConsumerBatchSize",
                "BatchSize: !Ref LogLevel",
            ),
            (
                "MaximumBatchingWindowInSeconds:",
                "MinimumBatchingWindowInSeconds:",
            ),
            (
                "Default: 10\n    MinValue: 1\n    MaxValue: 100",
                "Default: 11\n    MinValue: 1\n    MaxValue: 100",
            ),
            (
                "Default: 4\n    MinValue: 1\n    MaxValue: 8",
                "Default: 8\n    MinValue: 1\n    MaxValue: 8",
            ),
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
