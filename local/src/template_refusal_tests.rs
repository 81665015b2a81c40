//! What the local stack refuses to serve, each at its line.

use super::tests::{FIXTURE, parse, parse_with};
use crate::yaml::Wrong;

/// The fixture with one text replaced by another must be refused: at the line of the new text's end.
#[track_caller]
fn refused(from: &str, to: &str, message: &str) {
    assert_eq!(
        FIXTURE.matches(from).count(),
        1,
        "{from} must be there once"
    );
    let text = FIXTURE.replacen(from, to, 1);
    let before = text.find(to).unwrap();
    let line = text[..before + to.len()].lines().count();
    let wrong = parse(&text).unwrap_err();
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert_eq!(wrong[0].line, line, "{wrong:?}");
    assert!(wrong[0].message.contains(message), "{wrong:?}");
}

#[test]
fn a_reference_to_nothing_is_refused() {
    refused(
        "Value: !Ref Dead",
        "Value: !Ref Nothing",
        "there is no `Nothing`",
    );
    refused(
        "OWNER: !Ref Owner",
        "OWNER: !Ref Nobody",
        "there is no `Nobody`",
    );
    refused(
        "!Sub ${AWS::StackName}-things",
        "!Sub ${Nothing.Arn}-things",
        "there is no `Nothing`",
    );
}

#[test]
fn an_event_source_that_is_missing_or_of_another_kind_is_refused() {
    refused(
        "Stream: !GetAtt Things.StreamArn",
        "Stream: !GetAtt Nothing.StreamArn",
        "there is no `Nothing`",
    );
    refused(
        "Stream: !GetAtt Things.StreamArn",
        "Stream: !GetAtt Inbox.Arn",
        "is of type AWS::SQS::Queue",
    );
    refused(
        "Stream: !GetAtt Things.StreamArn",
        "Stream: !GetAtt Plain.StreamArn",
        "has no StreamSpecification",
    );
    refused(
        "            Queue: !GetAtt Inbox.Arn",
        "            Queue: !GetAtt Nothing.Arn",
        "there is no `Nothing`",
    );
    refused(
        "            Queue: !GetAtt Inbox.Arn",
        "            Queue: !GetAtt Things.Arn",
        "is of type AWS::DynamoDB::Table",
    );
    refused("Type: SQS", "Type: SNS", "`SNS` is not served");
    refused(
        "BatchSize: 5",
        "FilterCriteria: {}",
        "`FilterCriteria` is not understood",
    );
}

#[test]
fn a_rule_or_redrive_to_no_queue_is_refused() {
    refused(
        "          Arn: !GetAtt Inbox.Arn",
        "          Arn: !GetAtt Nothing.Arn",
        "there is no `Nothing`",
    );
    refused(
        "          Arn: !GetAtt Inbox.Arn",
        "          Arn: !GetAtt Commands.Arn",
        "is of type AWS::Serverless::Function",
    );
    refused(
        "deadLetterTargetArn: !GetAtt Dead.Arn",
        "deadLetterTargetArn: !GetAtt Nothing.Arn",
        "there is no `Nothing`",
    );
    refused(
        "EventBusName: !Ref Bus",
        "EventBusName: default",
        "AWS::Events::EventBus",
    );
    refused(
        "        - Id: Inbox",
        "        - InputPath: $.detail",
        "`InputPath` is not understood",
    );
}

#[test]
fn a_binary_that_is_not_in_the_workspace_is_refused() {
    refused("Binary: reader", "Binary: raeder", "has a binary `raeder`");
}

#[test]
fn a_rule_that_matches_no_event_is_refused() {
    let message = "no event of any aggregate matches this pattern";
    refused("          - ThingMade", "          - ThingMaid", message);
    refused(
        "            - prefix: thing-",
        "            - prefix: think-",
        message,
    );
    refused("          stream:", "          strean:", message);
    let text = FIXTURE.replace(
        "            - prefix: thing-",
        "            - exists: true\n          type:\n            - ThingGone",
    );
    let line = text[..text.find("EventPattern:").unwrap()].lines().count();
    assert_eq!(
        parse(&text).unwrap_err(),
        [Wrong::new(line, message)],
        "each part alone is met"
    );
}

#[test]
fn a_pattern_that_cannot_be_judged_is_refused() {
    refused(
        "- prefix: thing-",
        "- wildcard: thing-*",
        "`wildcard` cannot be judged",
    );
}

#[test]
fn a_route_that_is_there_twice_is_refused() {
    refused(
        "Path: /things/{id}/name\n            Method: PUT",
        "Method: POST\n            Path: /things",
        "already served by Commands",
    );
    refused("Method: PUT", "Method: PUSH", "`PUSH` is no method");
    refused("Path: /things/{id}/name", "Path: things", "begins with `/`");
}

#[test]
fn what_is_no_number_is_refused() {
    refused(
        "VisibilityTimeout: 42",
        "VisibilityTimeout: long",
        "a whole number is needed, found `long`",
    );
}

#[test]
fn every_wrong_line_is_named() {
    let text = FIXTURE
        .replace("Binary: reader", "Binary: raeder")
        .replace("!Ref Dead", "!Ref Nothing");
    assert_eq!(parse(&text).unwrap_err().len(), 2);
}

#[test]
fn a_rate_that_cannot_be_kept_is_refused() {
    for rate in [
        "rate(5 minute)",
        "rate(1 minutes)",
        "rate(0 minutes)",
        "cron(0 * * * ? *)",
    ] {
        let wrong = parse_with(FIXTURE, &[("Rate", rate)]).unwrap_err();
        assert!(wrong[0].message.contains("a rate is needed"), "{rate}");
    }
}
