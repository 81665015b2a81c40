//! The Lambda Runtime API: processes ask here for work, and whoever invokes a function waits here
//! for its answer. Each process has a path of its own, so that one that died can take no more work.

use crate::intrinsics::arn;
use crate::template::Function;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

/// What Lambda takes at most, as event and as answer.
pub const MAX_PAYLOAD: usize = 6 * 1024 * 1024;

/// The functions of the stack, as those who invoke them see them.
#[derive(Clone)]
pub struct RuntimeApi {
    workers: Arc<HashMap<String, Worker>>,
}

/// Why an invocation has no answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// It took too long; the process was killed.
    Timeout,
    /// The process ended.
    Crash,
    /// The function answered with an error.
    Error(String),
    /// The event is larger than Lambda takes.
    TooLarge,
}

struct Worker {
    function: Function,
    state: Mutex<Shared>,
    /// There is work, or a newer process.
    changed: Notify,
    /// The process must be killed.
    kill: Notify,
}

/// OK because it is never held across an await.
#[derive(Default)]
struct Shared {
    process: u64,
    has_asked: bool,
    waiting: VecDeque<Invocation>,
    running: HashMap<String, oneshot::Sender<Result<Bytes, Failure>>>,
}

struct Invocation {
    event: Bytes,
    answer: oneshot::Sender<Result<Bytes, Failure>>,
}

impl RuntimeApi {
    /// Serves these functions.
    pub fn new(functions: &[Function]) -> Self {
        let worker = |function: &Function| {
            let worker = Worker {
                function: function.clone(),
                state: Mutex::default(),
                changed: Notify::new(),
                kill: Notify::new(),
            };
            (function.id.clone(), worker)
        };
        let workers = Arc::new(functions.iter().map(worker).collect());
        RuntimeApi { workers }
    }

    /// Where processes find it, below any path.
    pub fn router(&self) -> Router {
        let base = "/{function}/{process}/2018-06-01/runtime";
        Router::new()
            .route(&format!("{base}/invocation/next"), get(next))
            .route(
                &format!("{base}/invocation/{{request}}/response"),
                post(response),
            )
            .route(&format!("{base}/invocation/{{request}}/error"), post(error))
            .route(&format!("{base}/init/error"), post(init_error))
            // Base64 and JSON's escapes may come on top of what an answer holds.
            .layer(DefaultBodyLimit::max(2 * MAX_PAYLOAD))
            .with_state(self.clone())
    }

    /// Gives an event to a function, and waits for its answer.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn invoke(&self, function: &str, event: &Value) -> Result<Bytes, Failure> {
        let event = Bytes::from(event.to_string());
        if event.len() > MAX_PAYLOAD {
            return Err(Failure::TooLarge);
        }
        let Some(worker) = self.workers.get(function) else {
            return Err(Failure::Error(format!("there is no function {function}")));
        };
        let (answer, answered) = oneshot::channel();
        worker
            .state()
            .waiting
            .push_back(Invocation { event, answer });
        worker.changed.notify_waiters();
        answered.await.unwrap_or(Err(Failure::Crash))
    }

    /// Waits until the function's process has asked for work.
    pub async fn ready(&self, function: &str) {
        let Some(worker) = self.workers.get(function) else {
            return;
        };
        worker.until(|state| state.has_asked.then_some(())).await;
    }

    /// Makes room for a new process; returns its number. Earlier ones get no more work.
    pub(crate) fn begin(&self, function: &str) -> u64 {
        let Some(worker) = self.workers.get(function) else {
            return 0;
        };
        let mut state = worker.state();
        state.process += 1;
        state.has_asked = false;
        state.process
    }

    /// Fails what a process that ended was doing. One that never asked for work would do no better
    /// with what waits.
    pub(crate) fn end(&self, function: &str) {
        let Some(worker) = self.workers.get(function) else {
            return;
        };
        let mut state = worker.state();
        state.process += 1;
        if !state.has_asked {
            state.waiting.clear();
        }
        state.has_asked = false;
        state.running.clear();
        drop(state);
        worker.changed.notify_waiters();
    }

    /// Asks for the function's process to be killed.
    pub(crate) fn kill(&self, function: &str) {
        if let Some(worker) = self.workers.get(function) {
            worker.kill.notify_one();
        }
    }

    /// Waits until somebody wants the function's process killed.
    pub(crate) async fn killed(&self, function: &str) {
        match self.workers.get(function) {
            Some(worker) => worker.kill.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Hands the answer to whoever waits for it; false if nobody does.
    fn settle(&self, function: &str, request: &str, answer: Result<Bytes, Failure>) -> bool {
        let Some(worker) = self.workers.get(function) else {
            return false;
        };
        let waiting = worker.state().running.remove(request);
        waiting.is_some_and(|waiting| {
            // OK because who does not wait any more needs no answer.
            let _ = waiting.send(answer);
            true
        })
    }
}

impl Worker {
    fn state(&self) -> MutexGuard<'_, Shared> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `look` finds something; it looks after each change.
    async fn until<T>(&self, mut look: impl FnMut(&mut Shared) -> Option<T>) -> T {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if let Some(found) = look(&mut self.state()) {
                return found;
            }
            changed.await;
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Timeout => f.write_str("the function took too long and was killed"),
            Failure::Crash => f.write_str("the function's process ended"),
            Failure::Error(message) => write!(f, "the function failed: {message}"),
            Failure::TooLarge => f.write_str("the event is larger than Lambda takes"),
        }
    }
}

async fn next(
    State(api): State<RuntimeApi>,
    Path((function, process)): Path<(String, u64)>,
) -> Response {
    let Some(worker) = api.workers.get(&function) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let request = Uuid::now_v7().to_string();
    worker.announce(process);
    let work = worker.until(|state| {
        if state.process != process {
            return Some(None);
        }
        // Who gave up waiting, as the gateway does in time, must not be worked for.
        while state
            .waiting
            .front()
            .is_some_and(|next| next.answer.is_closed())
        {
            state.waiting.pop_front();
        }
        let Invocation { event, answer } = state.waiting.pop_front()?;
        state.running.insert(request.clone(), answer);
        Some(Some(event))
    });
    let Some(event) = work.await else {
        return StatusCode::GONE.into_response();
    };
    let timeout = worker.function.timeout;
    let deadline = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        + timeout;
    let trace = Uuid::now_v7().simple().to_string();
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", request.clone()),
        (
            "lambda-runtime-deadline-ms",
            deadline.as_millis().to_string(),
        ),
        (
            "lambda-runtime-invoked-function-arn",
            arn("lambda", &format!("function:{function}")),
        ),
        (
            "lambda-runtime-trace-id",
            format!("Root=1-{}-{};Sampled=0", &trace[..8], &trace[8..]),
        ),
    ];
    tokio::spawn(watch(api, function, request, timeout));
    (axum::response::AppendHeaders(headers), event).into_response()
}

/// Kills the process if it does not answer in time, as Lambda does.
async fn watch(api: RuntimeApi, function: String, request: String, timeout: Duration) {
    tokio::time::sleep(timeout).await;
    if api.settle(&function, &request, Err(Failure::Timeout)) {
        tracing::error!(function, seconds = timeout.as_secs_f32(), "timed out");
        api.kill(&function);
    }
}

impl Worker {
    fn announce(&self, process: u64) {
        let mut state = self.state();
        if state.process == process && !state.has_asked {
            state.has_asked = true;
            drop(state);
            self.changed.notify_waiters();
        }
    }
}

async fn response(
    State(api): State<RuntimeApi>,
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
    accepted(api.settle(&function, &request, answer))
}

async fn error(
    State(api): State<RuntimeApi>,
    Path((function, _, request)): Path<(String, u64, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let kind = headers
        .get("lambda-runtime-function-error-type")
        .and_then(|kind| kind.to_str().ok());
    let message = String::from_utf8_lossy(&body).into_owned();
    tracing::error!(function, kind, error = message, "failed");
    accepted(api.settle(&function, &request, Err(Failure::Error(message))))
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
    use serde_json::json;

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

    async fn start(timeout: Duration) -> (RuntimeApi, Process) {
        let function = Function {
            id: "F".to_owned(),
            binary: "f".to_owned(),
            environment: Default::default(),
            timeout,
            memory: "128".to_owned(),
        };
        let api = RuntimeApi::new(&[function]);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = api.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let process = process(&api, address);
        (api, process)
    }

    fn process(api: &RuntimeApi, address: std::net::SocketAddr) -> Process {
        let number = api.begin("F");
        Process {
            base: format!("http://{address}/F/{number}/2018-06-01/runtime"),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
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
        let (answer, status) = tokio::join!(api.invoke("F", &event), serve);
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
        let (answer, _) = tokio::join!(api.invoke("F", &event), serve);
        assert_eq!(answer, Err(Failure::Error("broken".to_owned())));
    }

    #[tokio::test]
    async fn one_that_takes_too_long_is_killed() {
        let (api, process) = start(Duration::from_millis(50)).await;
        let event = json!({});
        let (answer, _, ()) = tokio::join!(api.invoke("F", &event), process.ask(), api.killed("F"));
        assert_eq!(answer, Err(Failure::Timeout));
    }

    #[tokio::test]
    async fn a_process_that_ended_takes_no_more_work() {
        let (api, process) = start(Duration::from_secs(15)).await;
        let event = json!({});
        let crash = async {
            process.ask().await;
            api.end("F");
        };
        let (answer, ()) = tokio::join!(api.invoke("F", &event), crash);
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
            let waiting = tokio::spawn(async move { waiting.invoke("F", &json!({})).await });
            tokio::task::yield_now().await;
            api.end("F");
            let second = process(&api, address);
            let id = request(&second.ask().await);
            second.post(format!("invocation/{id}/response"), "1").await;
            waiting.await.unwrap()
        };
        let (crashed, answered) = tokio::join!(api.invoke("F", &event), story);
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
        let (answer, ()) = tokio::join!(api.invoke("F", &event), end);
        assert_eq!(answer, Err(Failure::Crash));
    }
}
