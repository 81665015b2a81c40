use super::*;
use domain::Account;
use domain::money::{Amount, Money};
use event_store::{Cache, MemoryEventLog, Metadata, Part, Seen, ServiceClock, execute};
use lambda_http::request::from_str;
use read_model::{Counts, Row, StoredDocument, Trouble, project};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

const ID: &str = "01a1e50a-5950-7a61-8fa4-5be3d833d61d";

/// A read model in memory; one that is far behind, too: what it should know comes of the log.
#[derive(Default)]
struct Memory(Mutex<BTreeMap<String, StoredDocument>>);

impl Memory {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, StoredDocument>> {
        self.0.lock().expect("nobody panicked")
    }
}

impl Documents for Memory {
    async fn get(&self, id: &str, _: bool) -> Result<Option<StoredDocument>, ReadModelError> {
        Ok(self.all().get(id).cloned())
    }

    async fn get_all(&self, ids: &[String]) -> Result<Vec<StoredDocument>, ReadModelError> {
        let all = self.all();
        Ok(ids.iter().filter_map(|id| all.get(id).cloned()).collect())
    }

    async fn put(
        &self,
        document: &StoredDocument,
        _: Option<&StoredDocument>,
        _: &Counts,
    ) -> Result<(), ReadModelError> {
        self.all().insert(document.id.clone(), document.clone());
        Ok(())
    }

    async fn settle(&self, document: &StoredDocument) -> Result<(), ReadModelError> {
        if let Some(document) = self.all().get_mut(&document.id) {
            document.pending.clear();
        }
        Ok(())
    }

    async fn rows(
        &self,
        partition: &str,
        _: Option<&str>,
        _: usize,
    ) -> Result<Vec<Row>, ReadModelError> {
        let all = self.all();
        let rows = all.values().flat_map(|document| &document.rows);
        Ok(rows
            .filter(|row| row.partition == partition)
            .cloned()
            .collect())
    }

    async fn counters(&self, _: &str, _: &str) -> Result<Counts, ReadModelError> {
        Ok(Counts::new())
    }
}

/// The publisher saw every stream up to this version.
struct SeenTo(u64);

impl SeenStreams for SeenTo {
    async fn seen(&self, _: u8, _: &str, _: &str, _: usize) -> Result<Vec<Seen>, StoreError> {
        Ok(Vec::new())
    }

    async fn heads(&self, streams: &[String]) -> Result<Vec<Seen>, StoreError> {
        let head = |stream: &String| Seen {
            stream: stream.clone(),
            version: self.0,
            at: String::new(),
        };
        Ok(streams.iter().map(head).collect())
    }
}

type InMemory = Queries<MemoryEventLog, Memory, SeenTo>;

/// The queries of accounts, where `ID` is Sarah's.
async fn queries() -> InMemory {
    let queries = Queries {
        log: MemoryEventLog::default(),
        documents: Memory::default(),
        search: None,
        heads: SeenTo(2),
        subject_claim: "sub".into(),
    };
    let (stream, cache) = (format!("account-{ID}"), Cache::<Account>::none());
    let open = domain::account::Command::OpenAccount {
        account_number: "1".into(),
        currency: "EUR".into(),
        initial_deposit: Some(Money::of(5)),
        owner: Some("sarah".into()),
        overdraft_limit: Money::of(0),
    };
    let deposit = domain::account::Command::DepositMoney {
        amount: Amount::of(1),
        description: None,
    };
    for command in [open, deposit] {
        let part = Part::new(&stream, &command, &cache);
        let (clock, metadata) = (ServiceClock::default(), Metadata::new("sarah", "http"));
        execute(&queries.log, &clock, &metadata, part)
            .await
            .expect("executed");
    }
    queries
}

fn get(route: &str, subject: &str, scope: &str) -> Request {
    ask(route, (subject, scope), "", &json!({}))
}

fn ask(route: &str, caller: (&str, &str), query: &str, headers: &Value) -> Request {
    request("GET", route, caller, query, headers, None)
}

fn request(
    method: &str,
    route: &str,
    (subject, scope): (&str, &str),
    query: &str,
    headers: &Value,
    body: Option<&Value>,
) -> Request {
    let route = format!("{method} {route}");
    let event = json!({
        "version": "2.0", "routeKey": route, "rawPath": "/", "rawQueryString": query, "headers": headers,
        "pathParameters": { "id": ID },
        "requestContext": {
            "accountId": "1", "apiId": "a", "domainName": "d", "domainPrefix": "p", "requestId": "r", "stage": "$default",
            "routeKey": route, "time": "16/Nov/2026:15:47:03 +0000", "timeEpoch": 1_794_844_023_120_u64,
            "authorizer": { "jwt": { "claims": { "sub": subject, "scope": scope }, "scopes": null } },
            "http": { "method": method, "path": "/", "protocol": "HTTP/1.1", "sourceIp": "::1", "userAgent": "t" },
        },
        "body": body.map(Value::to_string), "isBase64Encoded": false,
    });
    from_str(&event.to_string()).expect("a request")
}

#[tokio::test]
async fn an_account_is_shown_to_its_owner_and_to_who_has_the_scope() {
    let queries = &queries().await;
    for (subject, scope, account, past) in [
        ("sarah", "self", 200, 200),
        ("mallory", "self", 403, 403),
        ("clerk", "accounts:read", 200, 403),
        ("auditor", "audit:read", 403, 200),
        ("mallory", "self users:read accounts:write", 403, 403),
    ] {
        for (route, expected) in [
            ("/accounts/{id}", account),
            ("/accounts/{id}/history", past),
            ("/accounts/{id}/state", past),
        ] {
            let Ok(answered) = answer::<Account>(queries, get(route, subject, scope)).await;
            let status = answered.status().as_u16();
            assert_eq!(status, expected, "{route} for {subject} with {scope}");
        }
        let request = ask(
            "/accounts/{id}/diff",
            (subject, scope),
            "from=0",
            &json!({}),
        );
        let Ok(answered) = answer::<Account>(queries, request).await;
        let status = answered.status().as_u16();
        assert_eq!(status, past, "diff for {subject} with {scope}");
        let (status, _) = suppose(queries, (subject, scope), &withdrawal(1)).await;
        assert_eq!(status, past, "what-if for {subject} with {scope}");
    }
}

#[tokio::test]
async fn lists_and_statistics_are_nobodys_own() {
    let queries = &queries().await;
    for (scope, lists, statistics) in [
        ("self", 403, 403),
        ("self accounts:read", 200, 403),
        ("self audit:read", 403, 200),
    ] {
        let Ok(answered) = answer::<Account>(queries, get("/accounts", "sarah", scope)).await;
        assert_eq!(answered.status().as_u16(), lists, "{scope}");
        let request = get("/stats", "sarah", scope);
        let Ok(answered) =
            answer_statistics(&queries.documents, async { Ok(3) }, "sub", request).await;
        assert_eq!(answered.status().as_u16(), statistics, "{scope}");
    }
}

type Answered = (u16, BTreeMap<String, String>, Value);

/// The answer to a clerk's `GET` of the route.
async fn answered(queries: &InMemory, route: &str, query: &str, prefer: Option<&str>) -> Answered {
    let headers = prefer.map_or(json!({}), |prefer| json!({ "prefer": prefer }));
    let request = ask(route, ("clerk", "accounts:read"), query, &headers);
    let Ok(answered) = answer::<Account>(queries, request).await;
    let headers = answered.headers().iter();
    let headers = headers.map(|(name, value)| {
        let value = value.to_str().expect("text");
        (name.to_string(), value.to_owned())
    });
    let headers = headers.collect();
    let Body::Text(text) = answered.body() else {
        panic!("a body is text");
    };
    let body = serde_json::from_str(text).expect("JSON");
    (answered.status().as_u16(), headers, body)
}

async fn ring(queries: &InMemory, version: u64) {
    let stream = format!("account-{ID}");
    let (log, documents) = (&queries.log, &queries.documents);
    let projected = project::<ReadModelOf<Account>>(log, documents, &stream, version);
    projected.await.expect("projected");
}

#[tokio::test]
async fn an_answer_says_which_version_it_shows_and_how_far_that_is_behind() {
    let queries = &queries().await;
    ring(queries, 1).await;
    for (query, version, behind) in [
        ("", "\"1\"", "1"),
        ("min_version=1", "\"1\"", "1"),
        ("min_version=2", "\"2\"", "0"),
        ("consistency=strong", "\"2\"", "0"),
    ] {
        let (status, headers, _) = answered(queries, "/accounts/{id}", query, None).await;
        assert_eq!(
            (status, headers["etag"].as_str()),
            (200, version),
            "{query}"
        );
        assert_eq!(headers["strangelog-behind"], behind, "{query}");
        assert_eq!(headers.get("preference-applied"), None);
    }
    let (_, headers, body) = answered(queries, "/accounts", "", None).await;
    assert_eq!(
        (&body["data"][0]["version"], &headers["strangelog-behind"]),
        (&json!(1), &"1".to_owned())
    );
    ring(queries, 2).await;
    let (_, headers, _) = answered(queries, "/accounts", "", None).await;
    assert_eq!(headers["strangelog-behind"], "0");
}

#[tokio::test]
async fn a_caller_who_would_rather_wait_is_answered_when_the_read_model_is_there() {
    let queries = &queries().await;
    ring(queries, 1).await;
    let waiting = answered(queries, "/accounts/{id}", "min_version=2", Some("wait=4"));
    let news = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        ring(queries, 2).await;
    };
    let started = Instant::now();
    let ((status, headers, _), ()) = tokio::join!(waiting, news);
    assert_eq!(
        (status, headers["preference-applied"].as_str()),
        (200, "wait=4")
    );
    let waited = started.elapsed();
    let in_between = Duration::from_millis(150)..Duration::from_secs(3);
    assert!(in_between.contains(&waited), "{waited:?}");
    let (_, headers, body) = answered(queries, "/accounts", "", None).await;
    assert_eq!(
        (&body["data"][0]["version"], &headers["strangelog-behind"]),
        (&json!(2), &"0".to_owned())
    );
}

#[tokio::test]
async fn a_caller_who_waited_in_vain_is_answered_as_one_who_did_not_wait() {
    let queries = &queries().await;
    ring(queries, 1).await;
    for (query, status) in [("min_version=2", 200), ("min_version=3", 409)] {
        let started = Instant::now();
        let (found, headers, _) = answered(queries, "/accounts/{id}", query, Some("wait=1")).await;
        assert_eq!(found, status, "{query}");
        assert!(started.elapsed() >= Duration::from_secs(1));
        if status == 200 {
            assert_eq!(headers["etag"], "\"2\"");
        }
    }
    // Without a version to wait for, and with a preference that is none, nobody waits.
    let started = Instant::now();
    for (query, prefer) in [("", "wait=5"), ("min_version=2", "wait=soon")] {
        let (_, headers, _) = answered(queries, "/accounts/{id}", query, Some(prefer)).await;
        assert_eq!(headers.get("preference-applied"), None);
    }
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_parked_document_is_shown_as_far_as_it_is_and_no_further() {
    let queries = &queries().await;
    ring(queries, 1).await;
    queries.documents.all().get_mut(ID).expect("there").trouble = Some(Trouble {
        version: 2,
        why: "sarah's secret".into(),
        since: String::new(),
        attempts: 1,
        parked_by: Some("a build".into()),
    });
    let (status, headers, _) = answered(queries, "/accounts/{id}", "", None).await;
    assert_eq!((status, headers["etag"].as_str()), (200, "\"1\""));
    assert_eq!(headers["strangelog-behind"], "1");
    let started = Instant::now();
    for (query, expected, code) in [
        ("min_version=2", 503, "urn:strangelog:problem:parked"),
        ("consistency=strong", 503, "urn:strangelog:problem:parked"),
        ("min_version=3", 409, "urn:strangelog:problem:version-ahead"),
    ] {
        let (status, _, body) = answered(queries, "/accounts/{id}", query, Some("wait=5")).await;
        assert_eq!((status, &body["type"]), (expected, &json!(code)), "{query}");
        assert!(!body.to_string().contains("secret"), "{body}");
    }
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "nobody waits for it"
    );
}

fn withdrawal(amount: i64) -> Value {
    json!({ "command": { "type": "WithdrawMoney", "data": { "amount": amount } } })
}

/// What comes of supposing something.
async fn suppose(queries: &InMemory, caller: (&str, &str), body: &Value) -> (u16, Value) {
    let route = "/accounts/{id}/what-if";
    let request = request("POST", route, caller, "", &json!({}), Some(body));
    let Ok(answered) = answer::<Account>(queries, request).await;
    let Body::Text(text) = answered.body() else {
        panic!("a body is text");
    };
    let told = serde_json::from_str(text).expect("JSON");
    (answered.status().as_u16(), told)
}

#[tokio::test]
async fn what_is_supposed_is_answered_as_it_would_have_been() {
    let queries = &queries().await;
    let caller = ("auditor", "audit:read");
    let (status, told) = suppose(queries, caller, &withdrawal(1)).await;
    assert_eq!((status, &told["accepted"]), (200, &json!(true)));
    assert_eq!(told["events"][0]["type"], "MoneyWithdrawn");
    let (status, told) = suppose(queries, caller, &withdrawal(1_000_000_000)).await;
    assert_eq!((status, &told["accepted"]), (200, &json!(false)));
    let refusal = &told["refusal"];
    assert_eq!(refusal["type"], "urn:strangelog:problem:insufficient-funds");
    assert_eq!(refusal["status"], 409);
    is_answered_so(refusal, "insufficient-funds");
    let unopened = json!({ "version": 0, "command": withdrawal(1)["command"] });
    let (_, told) = suppose(queries, caller, &unopened).await;
    assert_eq!(told["refusal"]["status"], 404);
    is_answered_so(&told["refusal"], "unknown-account");
}

/// A refusal that is told is what the command itself is answered: it has the members of [`Problem::refused`].
#[track_caller]
fn is_answered_so(refusal: &Value, code: &str) {
    let mut members = refusal.as_object().expect("an object").clone();
    for told_anyway in ["type", "title", "status", "version"] {
        members.shift_remove(told_anyway);
    }
    let detail = members.shift_remove("detail").expect("in words");
    let detail = detail.as_str().expect("text").to_owned();
    let version = refusal["version"].as_u64().expect("a number");
    let problem = Problem::refused(version, code.to_owned(), detail, members);
    assert_eq!(
        refusal.to_string(),
        Value::Object(problem.members()).to_string()
    );
}

#[tokio::test]
async fn what_cannot_be_supposed_names_the_field() {
    let queries = &queries().await;
    let command = || withdrawal(1)["command"].clone();
    for (body, field) in [
        (json!({}), "command"),
        (json!({ "command": command(), "events": [] }), "events"),
        (json!({ "events": [] }), "events"),
        (json!({ "events": ["MoneyDeposited"] }), "events[0]"),
        (json!({ "command": "WithdrawMoney" }), "command"),
        (json!({ "command": { "data": {} } }), "command"),
        (
            json!({ "command": { "type": "WithdrawMoney", "data": 1 } }),
            "command.data",
        ),
        (
            json!({ "command": { "type": "WithdrawMoney", "data": {} } }),
            "command.data.amount",
        ),
        (json!({ "command": command(), "version": "1" }), "version"),
        (
            json!({ "command": command(), "version": 1, "at": "2026-11-16T15:47:00Z" }),
            "version",
        ),
        (json!({ "command": command(), "at": "1" }), "at"),
        (
            json!({ "command": command(), "at": "2999-01-01T00:00:00Z" }),
            "at",
        ),
        (json!({ "command": command(), "when": 1 }), "when"),
    ] {
        let (status, told) = suppose(queries, ("auditor", "audit:read"), &body).await;
        let named = &told["errors"][0]["field"];
        assert_eq!((status, named), (422, &json!(field)), "{body}: {told}");
    }
    let ahead = json!({ "command": command(), "version": 99 });
    let (status, _) = suppose(queries, ("auditor", "audit:read"), &ahead).await;
    assert_eq!(status, 409);
}

#[tokio::test]
async fn a_question_about_the_past_that_is_wrong_names_the_parameter() {
    let queries = &queries().await;
    for (route, query, status, field) in [
        ("history", "from=soon", 422, "from"),
        ("history", "to=", 422, "to"),
        ("history", "type=MoneyLost", 422, "type"),
        ("history", "form=tomorrow", 422, "form"),
        ("history", "cursor=x", 422, "cursor"),
        ("history", "since=1", 422, "since"),
        ("state", "version=0", 200, ""),
        ("state", "version=-1", 422, "version"),
        ("state", "at=2999-01-01T00:00:00Z", 422, "at"),
        ("state", "version=99", 409, ""),
        ("state", "read_model=users", 422, "read_model"),
        ("diff", "", 422, "from"),
        ("diff", "from=0&to=2999-01-01T00:00:00Z", 422, "to"),
        ("diff", "from=0&to=99", 409, ""),
        ("diff", "from=0&limit=0", 422, "limit"),
        ("diff", "from=0&read_model=search", 422, "read_model"),
    ] {
        let route = format!("/accounts/{{id}}/{route}");
        let request = ask(&route, ("auditor", "audit:read"), query, &json!({}));
        let Ok(answered) = answer::<Account>(queries, request).await;
        let Body::Text(text) = answered.body() else {
            panic!("a body is text");
        };
        let told: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(
            answered.status().as_u16(),
            status,
            "{route}?{query}: {told}"
        );
        if status == 422 {
            assert_eq!(told["errors"][0]["field"], field, "{route}?{query}: {told}");
        }
    }
}

#[tokio::test]
async fn a_document_of_the_past_is_that_of_its_version() {
    let queries = &queries().await;
    for read_model in ["accounts", "statistics", "timeline"] {
        let query = format!("version=1&read_model={read_model}");
        let route = "/accounts/{id}/state";
        let request = ask(route, ("auditor", "audit:read"), &query, &json!({}));
        let Ok(answered) = answer::<Account>(queries, request).await;
        let Body::Text(text) = answered.body() else {
            panic!("a body is text");
        };
        let told: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(told["version"], 1, "{told}");
        assert_eq!(told["read_model"], read_model);
        if read_model == "accounts" {
            assert_eq!(told["document"]["id"], ID);
            assert_eq!(told["document"]["version"], 1);
        }
    }
}
