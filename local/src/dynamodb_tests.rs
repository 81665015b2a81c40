use super::*;

#[test]
fn only_this_machine_is_spoken_to() {
    for url in [
        "http://localhost:8000",
        "http://127.0.0.1:8000/",
        "http://[::1]:8000",
    ] {
        assert!(loopback(url).is_ok(), "{url}");
    }
    for url in [
        "https://dynamodb.us-east-1.amazonaws.com",
        "http://10.0.0.1:8000",
        "http://localhost.example.com",
        "localhost:8000",
        "",
    ] {
        assert!(loopback(url).is_err(), "{url}");
    }
}

#[tokio::test]
async fn a_table_has_its_indexes_also_if_it_is_older_than_they() {
    let attribute = |name: &str| json!({ "AttributeName": name, "AttributeType": "S" });
    let key = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
    let table = |attributes: Value, indexes: Value| {
        let mut definition = json!({
            "TableName": "heads",
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [key("stream", "HASH")],
            "AttributeDefinitions": attributes,
        });
        if indexes.is_array() {
            definition["GlobalSecondaryIndexes"] = indexes;
        }
        let (id, name) = ("Heads".to_owned(), "heads".to_owned());
        [Table {
            id,
            name,
            definition,
            time_to_live: None,
        }]
    };
    let old = table(json!([attribute("stream")]), Value::Null);
    let index = json!([{
        "IndexName": "seen",
        "KeySchema": [key("shard", "HASH"), key("seen", "RANGE")],
        "Projection": { "ProjectionType": "INCLUDE", "NonKeyAttributes": ["version"] },
    }]);
    let attributes = ["stream", "shard", "seen"].map(attribute);
    let new = table(attributes.to_vec().into(), index);
    for created in [vec![&new], vec![&old, &new], vec![&new, &new]] {
        let database = DynamoDb::start(None, None).await.unwrap();
        for tables in created {
            database.create(tables).await.unwrap();
        }
        let item = json!({
            "stream": { "S": "user-1" }, "version": { "N": "3" }, "hash": { "S": "h" },
            "shard": { "S": "0" }, "seen": { "S": "2026" },
        });
        let put = json!({ "TableName": "heads", "Item": item });
        let put = database.call("DynamoDB_20120810.PutItem", &put).await;
        put.unwrap().unwrap();
        let query = json!({
            "TableName": "heads", "IndexName": "seen",
            "KeyConditionExpression": "#shard = :shard AND seen > :seen",
            "ExpressionAttributeNames": { "#shard": "shard" },
            "ExpressionAttributeValues": { ":shard": { "S": "0" }, ":seen": { "S": "1" } },
        });
        let found = database.call("DynamoDB_20120810.Query", &query).await;
        let found = &found.unwrap().unwrap()["Items"][0];
        assert_eq!(found["version"]["N"], "3");
        assert!(found.get("hash").is_none(), "it is not in the index");
    }
}

#[tokio::test]
async fn data_is_kept_and_belongs_to_one_stack_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let definition = json!({
        "TableName": "things",
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
        "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
        "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_IMAGE" },
    });
    let tables = [Table {
        id: "Things".to_owned(),
        name: "things".to_owned(),
        definition,
        time_to_live: Some(json!({ "AttributeName": "expires", "Enabled": true })),
    }];
    let first = DynamoDb::start(Some(folder.path()), None).await.unwrap();
    first.create(&tables).await.unwrap();
    let put = json!({ "TableName": "things", "Item": { "id": { "S": "a" } } });
    first
        .call("DynamoDB_20120810.PutItem", &put)
        .await
        .unwrap()
        .unwrap();
    assert!(DynamoDb::start(Some(folder.path()), None).await.is_err());
    drop(first);

    let second = DynamoDb::start(Some(folder.path()), None).await.unwrap();
    second.create(&tables).await.unwrap();
    let get = json!({ "TableName": "things", "Key": { "id": { "S": "a" } } });
    let item = second
        .call("DynamoDB_20120810.GetItem", &get)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(item["Item"]["id"]["S"], "a");
    assert!(second.stream("things").await.unwrap().contains("things"));
    let described = second
        .call(
            "DynamoDB_20120810.DescribeTimeToLive",
            &json!({ "TableName": "things" }),
        )
        .await;
    let described = &described.unwrap().unwrap()["TimeToLiveDescription"];
    assert_eq!(described["AttributeName"], "expires");
    let missing = second
        .call(
            "DynamoDB_20120810.GetItem",
            &json!({ "TableName": "none", "Key": {} }),
        )
        .await;
    assert_eq!(
        missing.unwrap().unwrap_err().kind,
        "ResourceNotFoundException"
    );
}
