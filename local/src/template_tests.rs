use super::*;
use serde_json::json;

const FIXTURE: &str = r#"
Parameters:
  Owner:
    Type: String
Globals:
  Function:
    Timeout: 7
    Environment:
      Variables:
        LEVEL: info
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
  Things:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: !Sub ${AWS::StackName}-things
      AttributeDefinitions:
        - AttributeName: id
          AttributeType: S
      KeySchema:
        - AttributeName: id
          KeyType: HASH
      StreamSpecification:
        StreamViewType: NEW_IMAGE
      TimeToLiveSpecification:
        AttributeName: expires
        Enabled: true
  Plain:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions:
        - AttributeName: id
          AttributeType: S
      KeySchema:
        - AttributeName: id
          KeyType: HASH
  Bus:
    Type: AWS::Events::EventBus
    Properties:
      Name: bus
  Commands:
    Type: AWS::Serverless::Function
    Metadata:
      BuildProperties:
        Binary: commands
    Properties:
      Timeout: 15
      Environment:
        Variables:
          TABLE: !Ref Things
          OWNER: !Ref Owner
          KEY: "{{resolve:secretsmanager:x}}"
      Events:
        Create:
          Type: HttpApi
          Properties:
            ApiId: !Ref Api
            Path: /things
            Method: POST
        Rename:
          Type: HttpApi
          Properties:
            Path: /things/{id}/name
            Method: PUT
        Rest:
          Type: HttpApi
  Reader:
    Type: AWS::Serverless::Function
    Metadata:
      BuildProperties:
        Binary: reader
    Properties:
      Events:
        Stream:
          Type: DynamoDB
          Properties:
            Stream: !GetAtt Things.StreamArn
            BatchSize: 5
            BisectBatchOnFunctionError: true
            MaximumRetryAttempts: 9
        Messages:
          Type: SQS
          Properties:
            Queue: !GetAtt Inbox.Arn
            FunctionResponseTypes:
              - ReportBatchItemFailures
  Rule:
    Type: AWS::Events::Rule
    Properties:
      EventBusName: !Ref Bus
      EventPattern:
        detail-type:
          - ThingMade
        detail:
          stream:
            - prefix: thing-
      Targets:
        - Id: Inbox
          Arn: !GetAtt Inbox.Arn
  Inbox:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 42
      RedrivePolicy:
        deadLetterTargetArn: !GetAtt Dead.Arn
        maxReceiveCount: 5
  Dead:
    Type: AWS::SQS::Queue
Outputs:
  Made:
    Value: !Ref Dead
"#;

fn parse(text: &str) -> Result<Template, Vec<Wrong>> {
    let binaries = BTreeSet::from(["commands".to_owned(), "reader".to_owned()]);
    let aggregates: &[(&str, &[&str])] = &[("thing", &["ThingMade", "ThingGone"])];
    Template::parse(
        text,
        &Known {
            binaries: &binaries,
            aggregates,
        },
    )
}

#[test]
fn a_template_says_what_to_serve() {
    let template = parse(FIXTURE).unwrap();
    let [things, plain] = template.tables.as_slice() else {
        panic!("two tables")
    };
    assert_eq!(
        (things.name.as_str(), plain.name.as_str()),
        ("strangelog-things", "strangelog-Plain")
    );
    assert_eq!(
        things.definition["StreamSpecification"]["StreamEnabled"],
        true
    );
    assert_eq!(things.definition["KeySchema"][0]["KeyType"], "HASH");
    let forgets = json!({ "AttributeName": "expires", "Enabled": true });
    assert_eq!(things.time_to_live, Some(forgets));

    let [commands, reader] = template.functions.as_slice() else {
        panic!("two functions")
    };
    assert_eq!(
        (commands.timeout.as_secs(), reader.timeout.as_secs()),
        (15, 7)
    );
    let environment = |name: &str| commands.environment[name].as_str();
    assert_eq!(environment("TABLE"), "strangelog-things");
    assert_eq!(environment("OWNER"), "local-Owner");
    assert_eq!(
        (environment("KEY"), environment("LEVEL")),
        ("local", "info")
    );

    let routes: Vec<_> = template
        .routes
        .iter()
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    assert_eq!(
        routes,
        ["POST /things", "PUT /things/{id}/name", "ANY $default"]
    );
    let stream = &template.streams[0];
    assert_eq!(
        (stream.table.as_str(), stream.batch_size, stream.retries),
        ("strangelog-things", 5, Some(9))
    );
    assert!(stream.bisect && !stream.partial && template.consumers[0].partial);
    assert_eq!(template.consumers[0].batch_size, 10);
    assert_eq!(template.queues[0].visibility.as_secs(), 42);
    assert_eq!(
        template.queues[0].dead_letters,
        Some(("Dead".to_owned(), 5))
    );
    assert_eq!(
        (template.rules[0].bus.as_str(), &template.rules[0].queues),
        ("bus", &vec!["Inbox".to_owned()])
    );
}

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
    refused("Type: SQS", "Type: Schedule", "`Schedule` is not served");
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
fn the_projects_own_template_is_served_whole() {
    let text = include_str!("../../template.yaml");
    let binaries = crate::functions::names().unwrap();
    let known = Known {
        binaries: &binaries,
        aggregates: domain::registry::AGGREGATES,
    };
    let template = Template::parse(text, &known).unwrap();
    let written = |line: &str| text.lines().filter(|found| found.trim() == line).count();
    assert_eq!(template.tables.len(), written("Type: AWS::DynamoDB::Table"));
    assert_eq!(
        template.functions.len(),
        written("Type: AWS::Serverless::Function")
    );
    assert_eq!(template.routes.len(), written("Type: HttpApi"));
    assert_eq!(template.streams.len(), written("Type: DynamoDB"));
    assert_eq!(template.consumers.len(), written("Type: SQS"));
    assert_eq!(template.queues.len(), written("Type: AWS::SQS::Queue"));
    assert_eq!(template.rules.len(), written("Type: AWS::Events::Rule"));
    assert!(!template.routes.is_empty() && !template.rules.is_empty());
}
