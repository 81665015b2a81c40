use super::*;
use crate::template::{Function, Table};
use std::collections::VecDeque;

const FUNCTION: &str = "Reader";

/// What a function does with a batch.
type Behaviour = Box<dyn FnMut(&[String]) -> Result<Value, ()> + Send>;

struct Stream {
    database: Arc<DynamoDb>,
    progress: Progress,
    seen: Arc<Mutex<VecDeque<Vec<String>>>>,
}

/// A table, its reader, and a function that behaves so; the records are called by their ids.
async fn start(mut behaviour: Behaviour, mapping: StreamMapping) -> Stream {
    let database = Arc::new(DynamoDb::start(None, None).await.unwrap());
    let definition = json!({
        "TableName": "things",
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
        "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
        "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_IMAGE" },
    });
    let (id, name) = ("Things".to_owned(), "things".to_owned());
    let table = Table {
        id,
        name,
        definition,
        time_to_live: None,
    };
    database.create(&[table]).await.unwrap();
    let function = Function {
        id: FUNCTION.to_owned(),
        binary: String::new(),
        environment: Default::default(),
        timeout: Duration::from_secs(15),
        memory: String::new(),
    };
    let api = Workers::new(&[function]);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let number = api.begin(FUNCTION);
    let base = format!(
        "http://{}/{FUNCTION}/{number}/2018-06-01/runtime/invocation",
        listener.local_addr().unwrap()
    );
    let router = crate::runtime_api::router(&api);
    tokio::spawn(async move { axum::serve(listener, router).await });
    let seen = Arc::new(Mutex::new(VecDeque::new()));
    let recorded = seen.clone();
    tokio::spawn(async move {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        loop {
            let work = client.get(format!("{base}/next")).send().await.unwrap();
            let request = work.headers()["lambda-runtime-aws-request-id"].clone();
            let request = request.to_str().unwrap().to_owned();
            let event: Value = work.json().await.unwrap();
            let ids: Vec<String> = event["Records"]
                .as_array()
                .unwrap()
                .iter()
                .map(id_of)
                .collect();
            let answer = behaviour(&ids);
            recorded.lock().unwrap().push_back(ids);
            let (path, body) = match answer {
                Ok(mut answer) => {
                    name_numbers(&mut answer, &event);
                    ("response", answer.to_string())
                }
                Err(()) => ("error", "broken".to_owned()),
            };
            let url = format!("{base}/{request}/{path}");
            client.post(url).body(body).send().await.unwrap();
        }
    });
    let reader = StreamReader::new(mapping, database.clone(), api);
    let progress = reader.progress();
    tokio::spawn(reader.run());
    Stream {
        database,
        progress,
        seen,
    }
}

fn id_of(record: &Value) -> String {
    record["dynamodb"]["NewImage"]["id"]["S"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// A behaviour names records by their ids; Lambda wants their sequence numbers.
fn name_numbers(answer: &mut Value, event: &Value) {
    for item in answer["batchItemFailures"].as_array_mut().unwrap() {
        let named = event["Records"]
            .as_array()
            .unwrap()
            .iter()
            .find(|record| id_of(record) == item["itemIdentifier"]);
        if let Some(record) = named {
            item["itemIdentifier"] = record["dynamodb"]["SequenceNumber"].clone();
        }
    }
}

impl Stream {
    async fn put(&self, ids: &[&str]) {
        for id in ids {
            let put = json!({ "TableName": "things", "Item": { "id": { "S": id } } });
            let put = self.database.call("DynamoDB_20120810.PutItem", &put).await;
            put.unwrap().unwrap();
        }
    }

    async fn settle(&self) {
        tokio::time::timeout(Duration::from_secs(20), self.progress.caught_up())
            .await
            .expect("the reader comes to the end");
    }

    fn seen(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|batch| batch.join("")).collect()
    }
}

fn mapping(bisect: bool, retries: Option<u32>) -> StreamMapping {
    StreamMapping {
        table: "things".to_owned(),
        function: FUNCTION.to_owned(),
        batch_size: 100,
        bisect,
        retries,
        partial: true,
    }
}

fn failures(ids: &[&str]) -> Result<Value, ()> {
    let item = |id: &&str| json!({ "itemIdentifier": id });
    Ok(json!({ "batchItemFailures": ids.iter().map(item).collect::<Vec<_>>() }))
}

#[tokio::test]
async fn records_come_in_order_and_once() {
    let stream = start(Box::new(|_| failures(&[])), mapping(true, Some(3))).await;
    stream.put(&["a", "b"]).await;
    stream.settle().await;
    stream.put(&["c"]).await;
    stream.settle().await;
    assert_eq!(stream.seen().join(""), "abc");
}

#[tokio::test]
async fn a_stream_that_loses_records_never_gives_them() {
    let stream = start(Box::new(|_| failures(&[])), mapping(true, Some(3))).await;
    stream.progress.lose(true);
    stream.put(&["a", "b"]).await;
    stream.settle().await;
    stream.progress.lose(false);
    stream.put(&["c"]).await;
    stream.settle().await;
    assert_eq!(stream.seen(), ["c"]);
}

#[tokio::test]
async fn a_batch_goes_on_from_the_lowest_record_that_failed() {
    let mut first = true;
    let behaviour = move |ids: &[String]| {
        let fails = std::mem::take(&mut first) && ids.len() == 3;
        failures(if fails { &["c", "b"] } else { &[] })
    };
    let stream = start(Box::new(behaviour), mapping(false, None)).await;
    let whole = json!([
        { "id": "a" }, { "id": "b" }, { "id": "c" },
    ]);
    put_at_once(&stream, &whole).await;
    stream.settle().await;
    assert_eq!(stream.seen(), ["abc", "bc"]);
}

#[tokio::test]
async fn a_record_that_fails_for_good_is_kept_and_the_others_get_through() {
    let behaviour = |ids: &[String]| match ids.contains(&"b".to_owned()) {
        true => Err(()),
        false => failures(&[]),
    };
    let stream = start(Box::new(behaviour), mapping(true, Some(2))).await;
    put_at_once(
        &stream,
        &json!([{ "id": "a" }, { "id": "b" }, { "id": "c" }, { "id": "d" }]),
    )
    .await;
    stream.settle().await;
    let given_up: Vec<_> = stream.progress.given_up().iter().map(id_of).collect();
    assert_eq!(given_up, ["b"]);
    let seen = stream.seen();
    let tries = seen.iter().filter(|batch| *batch == "b").count();
    assert_eq!(tries, 3, "the first time and 2 more: {seen:?}");
    for id in ["a", "c", "d"] {
        assert!(
            seen.iter()
                .any(|batch| batch.contains(id) && !batch.contains("b")),
            "{id} in {seen:?}"
        );
    }
}

#[test]
fn an_answer_that_makes_no_sense_fails_the_whole_batch() {
    let record = |number: &str| json!({ "dynamodb": { "SequenceNumber": number } });
    let batch = [record("1"), record("2")];
    let judge = |answer: &str| first_failed(answer.as_bytes(), &batch);
    assert_eq!(
        judge(r#"{"batchItemFailures":[{"itemIdentifier":"2"}]}"#),
        Some(1)
    );
    assert_eq!(
        judge(r#"{"batchItemFailures":[{"itemIdentifier":"9"}]}"#),
        Some(0)
    );
    assert_eq!(judge("no JSON"), Some(0));
    assert_eq!(judge(r#"{"batchItemFailures":[]}"#), None);
    assert_eq!(judge("null"), None);
    assert_eq!(judge(""), None);
}

/// One transaction, so that the reader finds all records in one batch.
async fn put_at_once(stream: &Stream, items: &Value) {
    let put = |item: &Value| json!({ "Put": { "TableName": "things", "Item": { "id": { "S": item["id"] } } } });
    let puts: Vec<_> = items.as_array().unwrap().iter().map(put).collect();
    let request = json!({ "TransactItems": puts });
    let answer = stream
        .database
        .call("DynamoDB_20120810.TransactWriteItems", &request);
    answer.await.unwrap().unwrap();
}
