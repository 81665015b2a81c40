//! The Lambda Runtime API: where processes ask for work and bring their answers.

use crate::intrinsics::arn;
use crate::workers::{Failure, MAX_PAYLOAD, Workers};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::{get, post};
use std::time::{SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Serves the processes of these functions; each has a path of its own, `/{function}/{process}`.
pub fn router(workers: &Workers) -> Router {
    let base = "/{function}/{process}/2018-06-01/runtime";
    Router::new()
        .route(&format!("{base}/invocation/next"), get(next))
        .route(
            &format!("{base}/invocation/{{request}}/response"),
            post(response),
        )
        .route(&format!("{base}/invocation/{{request}}/error"), post(error))
        .route(&format!("{base}/init/error"), post(init_error))
        // One that is too large is refused by us, and so fails its invocation.
        .layer(DefaultBodyLimit::max(2 * MAX_PAYLOAD))
        .with_state(workers.clone())
}

async fn next(
    State(workers): State<Workers>,
    Path((function, process)): Path<(String, u64)>,
) -> Response {
    let Some(work) = workers.take(&function, process).await else {
        return StatusCode::GONE.into_response();
    };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let trace = Uuid::now_v7().simple().to_string();
    let headers = AppendHeaders([
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", work.request),
        (
            "lambda-runtime-deadline-ms",
            (now + work.timeout).as_millis().to_string(),
        ),
        (
            "lambda-runtime-invoked-function-arn",
            arn("lambda", &format!("function:{function}")),
        ),
        (
            "lambda-runtime-trace-id",
            format!("Root=1-{}-{};Sampled=0", &trace[..8], &trace[8..]),
        ),
    ]);
    (headers, work.event).into_response()
}

async fn response(
    State(workers): State<Workers>,
    Path((function, _, request)): Path<(String, u64, String)>,
    body: Bytes,
) -> StatusCode {
    let answer = if body.len() > MAX_PAYLOAD {
        Err(Failure::Error(
            "the answer is larger than Lambda takes".to_owned(),
        ))
    } else {
        Ok(body)
    };
    accepted(workers.settle(&function, &request, answer))
}

async fn error(
    State(workers): State<Workers>,
    Path((function, _, request)): Path<(String, u64, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let kind = headers
        .get("lambda-runtime-function-error-type")
        .and_then(|kind| kind.to_str().ok());
    let message = String::from_utf8_lossy(&body).into_owned();
    tracing::error!(function, kind, error = message, "failed");
    accepted(workers.settle(&function, &request, Err(Failure::Error(message))))
}

async fn init_error(Path((function, _)): Path<(String, u64)>, body: Bytes) -> StatusCode {
    tracing::error!(function, error = %String::from_utf8_lossy(&body), "cannot start");
    StatusCode::ACCEPTED
}

fn accepted(known: bool) -> StatusCode {
    if known {
        StatusCode::ACCEPTED
    } else {
        StatusCode::BAD_REQUEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Function;
    use serde_json::{Value, json};
    use std::time::Duration;

    /// Nothing here takes this long, unless it never ends.
    const SOON: Duration = Duration::from_secs(5);

    async fn invoke(api: &Workers, event: &Value) -> Result<Bytes, Failure> {
        let answer = tokio::time::timeout(SOON, api.invoke("F", event)).await;
        answer.expect("an answer")
    }

    struct Process {
        base: String,
        client: reqwest::Client,
    }

    impl Process {
        async fn ask(&self) -> reqwest::Response {
            let url = format!("{}/invocation/next", self.base);
            self.client.get(url).send().await.unwrap()
        }

        async fn post(&self, path: String, body: &str) -> u16 {
            let url = format!("{}/{path}", self.base);
            self.client
                .post(url)
                .body(body.to_owned())
                .send()
                .await
                .unwrap()
                .status()
                .as_u16()
        }
    }

    async fn start(timeout: Duration) -> (Workers, Process) {
        let function = Function {
            id: "F".to_owned(),
            binary: "f".to_owned(),
            environment: Default::default(),
            timeout,
            memory: "128".to_owned(),
        };
        let api = Workers::new(&[function]);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = router(&api);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let process = process(&api, address);
        (api, process)
    }

    fn process(api: &Workers, address: std::net::SocketAddr) -> Process {
        let number = api.begin("F");
        Process {
            base: format!("http://{address}/F/{number}/2018-06-01/runtime"),
            client: reqwest::Client::builder()
                .no_proxy()
                .timeout(SOON)
                .build()
                .unwrap(),
        }
    }

    fn request(response: &reqwest::Response) -> String {
        response.headers()["lambda-runtime-aws-request-id"]
            .to_str()
            .unwrap()
            .to_owned()
    }

    #[tokio::test]
    async fn an_event_reaches_the_process_and_its_answer_the_caller() {
        let (api, process) = start(Duration::from_secs(15)).await;
        let event = json!({ "a": 1 });
        let serve = async {
            let work = process.ask().await;
            let id = request(&work);
            let deadline: u128 = work.headers()["lambda-runtime-deadline-ms"]
                .to_str()
                .unwrap()
                .parse()
                .unwrap();
            let now = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap()
                .as_millis();
            assert!((now + 10_000..=now + 15_000).contains(&deadline));
            assert!(
                work.headers()
                    .contains_key("lambda-runtime-invoked-function-arn")
            );
            assert!(work.headers().contains_key("lambda-runtime-trace-id"));
            assert_eq!(work.json::<Value>().await.unwrap(), json!({ "a": 1 }));
            process
                .post(format!("invocation/{id}/response"), "\"done\"")
                .await
        };
        let (answer, status) = tokio::join!(invoke(&api, &event), serve);
        assert_eq!((answer, status), (Ok(Bytes::from("\"done\"")), 202));
        assert_eq!(
            process
                .post("invocation/unknown/response".to_owned(), "")
                .await,
            400
        );
    }

    #[tokio::test]
    async fn an_error_of_the_function_reaches_the_caller() {
        let (api, process) = start(Duration::from_secs(15)).await;
        let event = json!({});
        let serve = async {
            let id = request(&process.ask().await);
            process
                .post(format!("invocation/{id}/error"), "broken")
                .await
        };
        let (answer, _) = tokio::join!(invoke(&api, &event), serve);
        assert_eq!(answer, Err(Failure::Error("broken".to_owned())));
    }

    #[tokio::test]
    async fn one_that_takes_too_long_is_killed() {
        let (api, process) = start(Duration::from_millis(50)).await;
        let event = json!({});
        let killed = tokio::time::timeout(SOON, api.killed("F"));
        let (answer, _, killed) = tokio::join!(invoke(&api, &event), process.ask(), killed);
        assert_eq!((answer, killed), (Err(Failure::Timeout), Ok(())));
    }

    #[tokio::test]
    async fn a_process_that_ended_takes_no_more_work() {
        let (api, process) = start(Duration::from_secs(15)).await;
        let event = json!({});
        let crash = async {
            process.ask().await;
            api.end("F");
        };
        let (answer, ()) = tokio::join!(invoke(&api, &event), crash);
        assert_eq!(answer, Err(Failure::Crash));
        assert_eq!(process.ask().await.status(), 410);
    }

    #[tokio::test]
    async fn what_waits_is_kept_for_the_next_process_if_the_last_one_worked() {
        let (api, first) = start(Duration::from_secs(15)).await;
        let address = first.base["http://".len()..]
            .split('/')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        let event = json!({});
        let story = async {
            first.ask().await;
            let waiting = api.clone();
            let waiting = tokio::spawn(async move { invoke(&waiting, &json!({})).await });
            tokio::task::yield_now().await;
            api.end("F");
            let second = process(&api, address);
            let id = request(&second.ask().await);
            second.post(format!("invocation/{id}/response"), "1").await;
            waiting.await.unwrap()
        };
        let (crashed, answered) = tokio::join!(invoke(&api, &event), story);
        assert_eq!(
            (crashed, answered),
            (Err(Failure::Crash), Ok(Bytes::from("1")))
        );
    }

    #[tokio::test]
    async fn a_process_that_never_asked_fails_what_waits() {
        let (api, _process) = start(Duration::from_secs(15)).await;
        let event = json!({});
        let end = async {
            tokio::task::yield_now().await;
            api.end("F");
        };
        let (answer, ()) = tokio::join!(invoke(&api, &event), end);
        assert_eq!(answer, Err(Failure::Crash));
    }
}
