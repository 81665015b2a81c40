//! EventBridge: takes PutEvents, judges each entry by the rules, and puts it on their queues.

use crate::intrinsics::{ACCOUNT, REGION};
use crate::queues::Queues;
use crate::template::Rule;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

const MAX_ENTRIES: usize = 10;
const MAX_REQUEST: usize = 1024 * 1024;
const MAX_ENTRY: usize = 256 * 1024;

/// The buses of the stack.
#[derive(Clone)]
pub struct Bus {
    names: Arc<[String]>,
    rules: Arc<[Rule]>,
    /// The ids of the rules that let nothing through. OK because it is never held across an await.
    disabled: Arc<Mutex<HashSet<String>>>,
    /// How many requests there were, and entries in them.
    put: Arc<(AtomicU64, AtomicU64)>,
    queues: Queues,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutEvents {
    #[serde(default)]
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Entry {
    source: String,
    detail_type: String,
    detail: String,
    event_bus_name: String,
    time: Option<f64>,
    resources: Vec<String>,
}

impl Bus {
    /// Buses of these names, with the rules on them.
    pub fn new(names: Vec<String>, rules: Vec<Rule>, queues: Queues) -> Self {
        let (names, rules) = (names.into(), rules.into());
        Bus {
            names,
            rules,
            disabled: Arc::default(),
            put: Arc::default(),
            queues,
        }
    }

    /// Lets a rule do its work, or not; false if there is none of this id.
    pub fn enable(&self, rule: &str, is_enabled: bool) -> bool {
        let mut disabled = self.disabled.lock().unwrap_or_else(PoisonError::into_inner);
        match is_enabled {
            true => disabled.remove(rule),
            false => disabled.insert(rule.to_owned()),
        };
        self.rules.iter().any(|known| known.id == rule)
    }

    /// How many PutEvents requests there were, and entries in them.
    pub fn counted(&self) -> (u64, u64) {
        let (requests, entries) = &*self.put;
        (
            requests.load(Ordering::Relaxed),
            entries.load(Ordering::Relaxed),
        )
    }

    /// The endpoint that the SDK posts to.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/", post(put_events))
            .layer(DefaultBodyLimit::max(4 * MAX_REQUEST))
            .with_state(self.clone())
    }

    fn count(&self, sent: usize) {
        let (requests, entries) = &*self.put;
        requests.fetch_add(1, Ordering::Relaxed);
        entries.fetch_add(sent as u64, Ordering::Relaxed);
    }

    fn put(&self, entry: Entry) -> Value {
        for (name, value) in [
            ("Source", &entry.source),
            ("DetailType", &entry.detail_type),
            ("Detail", &entry.detail),
        ] {
            if value.is_empty() {
                let message = format!(
                    "Parameter {name} is not valid. Reason: {name} is a required argument."
                );
                return refused("InvalidArgument", &message);
            }
        }
        let Ok(detail) = serde_json::from_str::<Map<String, Value>>(&entry.detail) else {
            return refused("MalformedDetail", "Detail is malformed.");
        };
        let bus = entry.event_bus_name.rsplit('/').next().unwrap_or_default();
        if !self.names.iter().any(|name| name == bus) {
            // AWS would drop it; here it is a mistake that somebody wants to hear of.
            tracing::error!(bus, "an event was put on a bus that is not in the template");
            return refused(
                "ResourceNotFoundException",
                &format!("Event bus {bus} does not exist."),
            );
        }
        let id = Uuid::now_v7().to_string();
        let time = entry
            .time
            .and_then(|time| DateTime::from_timestamp_millis((time * 1000.0) as i64));
        let event = json!({
            "version": "0",
            "id": id,
            "detail-type": entry.detail_type,
            "source": entry.source,
            "account": ACCOUNT,
            "time": time.unwrap_or_else(Utc::now).to_rfc3339_opts(SecondsFormat::Secs, true),
            "region": REGION,
            "resources": entry.resources,
            "detail": detail,
        });
        let disabled = self.disabled.lock().unwrap_or_else(PoisonError::into_inner);
        let enabled = self
            .rules
            .iter()
            .filter(|rule| !disabled.contains(&rule.id));
        let matching = enabled.filter(|rule| rule.bus == bus && rule.pattern.matches(&event));
        for queue in matching.flat_map(|rule| &rule.queues) {
            self.queues.send(queue, event.to_string());
        }
        json!({ "EventId": id })
    }
}

impl Entry {
    /// The size that AWS counts.
    fn size(&self) -> usize {
        let texts = [&self.source, &self.detail_type, &self.detail];
        let texts = texts.into_iter().chain(&self.resources).map(String::len);
        texts.sum::<usize>() + if self.time.is_some() { 14 } else { 0 }
    }
}

/// An event of each type of each aggregate, as it would come from the bus: what rules are tried on.
pub fn samples(aggregates: &[(&str, &[&str])]) -> impl Iterator<Item = Value> {
    let of = |category: &str, kind: &str| {
        let id = Uuid::now_v7();
        json!({
            "version": "0",
            "id": id,
            "detail-type": kind,
            "source": "strangelog",
            "account": ACCOUNT,
            "time": "2026-01-01T00:00:00Z",
            "region": REGION,
            "resources": [],
            "detail": {
                "id": id,
                "stream": format!("{category}-{id}"),
                "version": 1,
                "type": kind,
                "schema_version": 1,
                "timestamp": "2026-01-01T00:00:00.000000Z",
                "command_id": id,
                "correlation_id": id,
                "causation_id": null,
                "source": "api",
                "dataref": format!("/{category}s/{id}/history"),
            },
        })
    };
    aggregates
        .iter()
        .flat_map(move |(category, kinds)| kinds.iter().map(move |kind| of(category, kind)))
}

async fn put_events(State(bus): State<Bus>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok());
    if target != Some("AWSEvents.PutEvents") {
        return failed(
            "UnknownOperationException",
            "only PutEvents is served by the local stack",
        );
    }
    let request: PutEvents = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => return failed("SerializationException", &error.to_string()),
    };
    if !(1..=MAX_ENTRIES).contains(&request.entries.len()) {
        let count = request.entries.len();
        return failed(
            "ValidationException",
            &format!("1 to {MAX_ENTRIES} entries are needed, found {count}"),
        );
    }
    let sizes: Vec<_> = request.entries.iter().map(Entry::size).collect();
    if sizes.iter().sum::<usize>() >= MAX_REQUEST || sizes.iter().any(|size| *size > MAX_ENTRY) {
        return failed(
            "ValidationException",
            "Total size of the entries in the request is over the limit.",
        );
    }
    bus.count(sizes.len());
    let entries: Vec<_> = request
        .entries
        .into_iter()
        .map(|entry| bus.put(entry))
        .collect();
    let count = entries
        .iter()
        .filter(|entry| entry.get("ErrorCode").is_some())
        .count();
    answer(
        StatusCode::OK,
        json!({ "FailedEntryCount": count, "Entries": entries }),
    )
}

fn refused(code: &str, message: &str) -> Value {
    json!({ "ErrorCode": code, "ErrorMessage": message })
}

fn failed(kind: &str, message: &str) -> Response {
    answer(
        StatusCode::BAD_REQUEST,
        json!({ "__type": kind, "message": message }),
    )
}

fn answer(status: StatusCode, body: Value) -> Response {
    (
        status,
        [("content-type", "application/x-amz-json-1.1")],
        body.to_string(),
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patterns::Pattern;
    use crate::template::Queue;
    use crate::yaml::Node;

    fn bus() -> (Bus, Queues) {
        let queue = |id: &str| Queue {
            id: id.to_owned(),
            visibility: Default::default(),
            dead_letters: None,
        };
        let queues = Queues::new(&[queue("Created"), queue("All")]);
        let rule = |pattern: &str, queue: &str| Rule {
            id: queue.to_owned(),
            bus: "bus".to_owned(),
            pattern: Pattern::parse(&Node::parse(pattern).unwrap()).unwrap(),
            queues: vec![queue.to_owned()],
        };
        let rules = vec![
            rule("detail-type: [UserCreated]", "Created"),
            rule("source: [strangelog]", "All"),
        ];
        (
            Bus::new(vec!["bus".to_owned()], rules, queues.clone()),
            queues,
        )
    }

    fn entry(kind: &str) -> Value {
        json!({ "Source": "strangelog", "DetailType": kind, "Detail": "{\"a\":1}", "EventBusName": "bus" })
    }

    async fn put(bus: &Bus, entries: Value) -> (StatusCode, Value) {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-target", "AWSEvents.PutEvents".parse().unwrap());
        let body = Bytes::from(json!({ "Entries": entries }).to_string());
        let answer = put_events(State(bus.clone()), headers, body).await;
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX)
            .await
            .unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_whole_event_goes_to_the_queue_of_each_rule_that_matches() {
        let (bus, queues) = bus();
        let (_, answer) = put(&bus, json!([entry("UserCreated"), entry("UserDeleted")])).await;
        assert_eq!(answer["FailedEntryCount"], 0);
        assert_eq!(
            (
                queues.messages("Created").len(),
                queues.messages("All").len()
            ),
            (1, 2)
        );
        let event: Value = serde_json::from_str(&queues.messages("Created")[0].body).unwrap();
        assert_eq!(event["id"], answer["Entries"][0]["EventId"]);
        assert_eq!(event["detail"], json!({ "a": 1 }));
        assert_eq!(event["detail-type"], "UserCreated");
    }

    #[tokio::test]
    async fn a_disabled_rule_lets_nothing_through() {
        let (bus, queues) = bus();
        assert!(bus.enable("All", false) && !bus.enable("None", false));
        put(&bus, json!([entry("UserCreated")])).await;
        assert!(bus.enable("All", true));
        put(&bus, json!([entry("UserDeleted")])).await;
        let all = queues.messages("All");
        assert_eq!((queues.messages("Created").len(), all.len()), (1, 1));
        assert!(all[0].body.contains("UserDeleted"));
    }

    #[tokio::test]
    async fn an_entry_that_is_refused_does_not_stop_the_others() {
        let (bus, queues) = bus();
        let mut malformed = entry("UserCreated");
        malformed["Detail"] = "no JSON".into();
        let mut elsewhere = entry("UserCreated");
        elsewhere["EventBusName"] = "another".into();
        let (status, answer) = put(
            &bus,
            json!([malformed, {}, elsewhere, entry("UserDeleted")]),
        )
        .await;
        assert_eq!(
            (status, &answer["FailedEntryCount"]),
            (StatusCode::OK, &json!(3))
        );
        assert_eq!(answer["Entries"][0]["ErrorCode"], "MalformedDetail");
        assert_eq!(answer["Entries"][1]["ErrorCode"], "InvalidArgument");
        assert!(answer["Entries"][3]["EventId"].is_string());
        assert_eq!(queues.messages("All").len(), 1);
    }

    #[tokio::test]
    async fn too_many_or_too_large_entries_are_refused_together() {
        let (bus, queues) = bus();
        let mut large = entry("UserCreated");
        large["Detail"] = json!({ "a": "x".repeat(MAX_ENTRY) }).to_string().into();
        for entries in [
            json!([]),
            vec![entry("UserCreated"); 11].into(),
            json!([large]),
        ] {
            let (status, answer) = put(&bus, entries).await;
            assert_eq!(
                (status, &answer["__type"]),
                (StatusCode::BAD_REQUEST, &json!("ValidationException"))
            );
        }
        assert!(queues.messages("All").is_empty());
    }
}
