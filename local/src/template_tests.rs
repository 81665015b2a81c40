use super::*;
use serde_json::json;

pub(super) const FIXTURE: &str = r#"
Parameters:
  Owner:
    Type: String
  Size:
    Type: Number
    Default: 10
  Rate:
    Type: String
    Default: rate(5 minutes)
  Inboxes:
    Type: String
    Default: "on"
Conditions:
  WithInbox: !Equals [!Ref Inboxes, "on"]
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
        Clock:
          Type: Schedule
          Properties:
            Schedule: !Ref Rate
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
    Condition: WithInbox
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
            BatchSize: !Ref Size
            MaximumBatchingWindowInSeconds: 2
            FunctionResponseTypes:
              - ReportBatchItemFailures
            ScalingConfig:
              MaximumConcurrency: 3
  Rule:
    Type: AWS::Events::Rule
    Condition: WithInbox
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
    Condition: WithInbox
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

pub(super) fn parse(text: &str) -> Result<Template, Vec<Wrong>> {
    parse_with(text, &[])
}

pub(super) fn parse_with(text: &str, given: &[(&str, &str)]) -> Result<Template, Vec<Wrong>> {
    let pairs = given.iter();
    let parameters = pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let binaries = BTreeSet::from(["commands".to_owned(), "reader".to_owned()]);
    let aggregates: &[(&str, &[&str])] = &[("thing", &["ThingMade", "ThingGone"])];
    Template::parse(
        text,
        &Known {
            binaries: &binaries,
            aggregates,
            parameters: &parameters,
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
    let inbox = &template.consumers[0];
    assert_eq!(
        (inbox.batch_size, inbox.window.as_secs(), inbox.concurrency),
        (10, 2, 3)
    );
    let every = Duration::from_secs(300);
    let (rule, function) = ("CommandsClock".to_owned(), "Commands".to_owned());
    let clock = Schedule {
        rule,
        function,
        every,
    };
    assert_eq!(template.schedules, [clock]);
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

#[test]
fn a_template_follows_its_parameters() {
    let template = parse_with(FIXTURE, &[("Size", "4"), ("Rate", "rate(1 hour)")]).unwrap();
    assert_eq!(template.consumers[0].batch_size, 4);
    assert_eq!(template.schedules[0].every.as_secs(), 3600);
    let without = parse_with(FIXTURE, &[("Inboxes", "off")]).unwrap();
    let (functions, queues) = (without.functions.len(), without.queues.len());
    let wired = without.rules.len() + without.consumers.len() + without.streams.len();
    assert_eq!((functions, queues, wired), (1, 1, 0));
    let wrong = parse_with(FIXTURE, &[("Sizes", "4")]).unwrap_err();
    assert!(wrong[0].message.contains("no parameter `Sizes`"));
    let text = FIXTURE.replacen("Value: !Ref Dead", "Value: !Ref Inbox", 1);
    let wrong = parse_with(&text, &[("Inboxes", "off")]).unwrap_err();
    assert!(wrong[0].message.contains("there is no `Inbox`"));
}

#[test]
fn a_consumer_has_as_many_processes_as_it_may() {
    let template = parse(FIXTURE).unwrap();
    for (most, expected) in [(1, vec!["Reader"]), (2, vec!["Reader", "Reader~2"])] {
        let (functions, consumers) = template.processes(most);
        let given: Vec<_> = consumers.iter().map(|mapping| &mapping.function).collect();
        assert_eq!(given, expected);
        assert_eq!(functions.len(), 1 + expected.len());
    }
    assert_eq!(template.processes(9).1.len(), 3);
}

#[test]
fn the_projects_own_template_is_served_whole() {
    let text = include_str!("../../template.yaml");
    let binaries = crate::functions::names().unwrap();
    let known = Known {
        binaries: &binaries,
        aggregates: domain::registry::AGGREGATES,
        parameters: &Given::new(),
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
    assert_eq!(template.schedules.len(), written("Type: Schedule"));
    assert_eq!(template.queues.len(), written("Type: AWS::SQS::Queue"));
    assert_eq!(template.rules.len(), written("Type: AWS::Events::Rule"));
    assert!(!template.routes.is_empty() && !template.rules.is_empty());
}
