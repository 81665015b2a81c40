use super::*;
use domain::Account;
use domain::money::{Amount, Money};
use event_store::{Cache, MemoryEventLog, Metadata, Part, ServiceClock, execute};
use lambda_http::request::from_str;
use read_model::{Counts, Row, StoredDocument};
use serde_json::json;

const ID: &str = "01a1e50a-5950-7a61-8fa4-5be3d833d61d";

/// A read model that is far behind: what it should know comes of the log.
struct Empty;

impl Documents for Empty {
    async fn get(&self, _: &str, _: bool) -> Result<Option<StoredDocument>, ReadModelError> {
        Ok(None)
    }

    async fn get_all(&self, _: &[String]) -> Result<Vec<StoredDocument>, ReadModelError> {
        Ok(Vec::new())
    }

    async fn put(
        &self,
        _: &StoredDocument,
        _: Option<&StoredDocument>,
        _: &Counts,
    ) -> Result<(), ReadModelError> {
        Ok(())
    }

    async fn settle(&self, _: &StoredDocument) -> Result<(), ReadModelError> {
        Ok(())
    }

    async fn rows(&self, _: &str, _: Option<&str>, _: usize) -> Result<Vec<Row>, ReadModelError> {
        Ok(Vec::new())
    }

    async fn counters(&self, _: &str, _: &str) -> Result<Counts, ReadModelError> {
        Ok(Counts::new())
    }
}

/// The queries of accounts, where `ID` is Sarah's.
async fn queries() -> Queries<MemoryEventLog, Empty> {
    let queries = Queries {
        log: MemoryEventLog::default(),
        documents: Empty,
        search: None,
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
    let route = format!("GET {route}");
    let event = json!({
        "version": "2.0", "routeKey": route, "rawPath": "/", "rawQueryString": "", "headers": {},
        "pathParameters": { "id": ID },
        "requestContext": {
            "accountId": "1", "apiId": "a", "domainName": "d", "domainPrefix": "p", "requestId": "r", "stage": "$default",
            "routeKey": route, "time": "16/Nov/2026:15:47:03 +0000", "timeEpoch": 1_794_844_023_120_u64,
            "authorizer": { "jwt": { "claims": { "sub": subject, "scope": scope }, "scopes": null } },
            "http": { "method": "GET", "path": "/", "protocol": "HTTP/1.1", "sourceIp": "::1", "userAgent": "t" },
        },
        "isBase64Encoded": false,
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
        let Ok(answered) = answer_statistics(&Empty, "sub", request).await;
        assert_eq!(answered.status().as_u16(), statistics, "{scope}");
    }
}
