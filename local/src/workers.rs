//! The functions as those who invoke them see them: what waits for a process, and what is being done.
//! Each function has one process at a time; one that died can take no more work.

use crate::template::Function;
use axum::body::Bytes;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

/// What Lambda takes at most, as event and as answer.
pub const MAX_PAYLOAD: usize = 6 * 1024 * 1024;

/// So many processes that end before they ask for work make a function that cannot start.
const STILLBORN: u32 = 3;

/// The functions of the stack, as those who invoke them see them.
#[derive(Clone)]
pub struct Workers {
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
    /// How many processes in a row ended before they asked for work.
    stillborn: u32,
    /// How many invocations there were.
    called: u64,
    waiting: VecDeque<Invocation>,
    running: HashMap<String, oneshot::Sender<Result<Bytes, Failure>>>,
}

/// What a process is to do.
pub(crate) struct Work {
    /// The id of the invocation.
    pub(crate) request: String,
    /// What the function is given.
    pub(crate) event: Bytes,
    /// How long it may take.
    pub(crate) timeout: Duration,
}

struct Invocation {
    event: Bytes,
    answer: oneshot::Sender<Result<Bytes, Failure>>,
}

impl Workers {
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
        Workers { workers }
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
        worker.wait(Invocation { event, answer });
        answered.await.unwrap_or(Err(Failure::Crash))
    }

    /// How often each function was called, whichever of its processes did the work.
    pub fn called(&self) -> BTreeMap<String, u64> {
        let mut called = BTreeMap::new();
        for (id, worker) in self.workers.iter() {
            *called.entry(function_of(id).to_owned()).or_default() += worker.state().called;
        }
        called
    }

    /// Waits until the function's process has asked for work; false if processes keep ending before that.
    pub async fn ready(&self, function: &str) -> bool {
        let Some(worker) = self.workers.get(function) else {
            return false;
        };
        let look = |state: &mut Shared| match (state.has_asked, state.stillborn) {
            (true, _) => Some(true),
            (false, STILLBORN..) => Some(false),
            (false, _) => None,
        };
        worker.until(look).await
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
            state.stillborn += 1;
            state.waiting.clear();
        }
        state.has_asked = false;
        state.running.clear();
        drop(state);
        worker.changed.notify_waiters();
    }

    /// Asks for the function's process to be killed, or all of them where it has several.
    pub(crate) fn kill(&self, function: &str) {
        let of_function = |id: &str| id == function || function_of(id) == function;
        let workers = self.workers.iter().filter(|(id, _)| of_function(id));
        workers.for_each(|(_, worker)| worker.kill.notify_one());
    }

    /// Waits until somebody wants the function's process killed.
    pub(crate) async fn killed(&self, function: &str) {
        match self.workers.get(function) {
            Some(worker) => worker.kill.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Waits for work for a process; `None` if the process is not the function's latest.
    pub(crate) async fn take(&self, function: &str, process: u64) -> Option<Work> {
        let worker = self.workers.get(function)?;
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
            let request = Uuid::now_v7().to_string();
            state.running.insert(request.clone(), answer);
            Some(Some((request, event)))
        });
        let (request, event) = work.await?;
        let timeout = worker.function.timeout;
        tokio::spawn(watch(
            self.clone(),
            function.to_owned(),
            request.clone(),
            timeout,
        ));
        Some(Work {
            request,
            event,
            timeout,
        })
    }

    /// Hands the answer to whoever waits for it; false if nobody does.
    pub(crate) fn settle(
        &self,
        function: &str,
        request: &str,
        answer: Result<Bytes, Failure>,
    ) -> bool {
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

/// The id under which another process of a function is given work of its own.
pub fn another(function: &str, number: u32) -> String {
    format!("{function}~{number}")
}

/// The function that does the work that is given to this id.
pub fn function_of(id: &str) -> &str {
    id.split('~').next().unwrap_or(id)
}

impl Worker {
    fn state(&self) -> MutexGuard<'_, Shared> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, invocation: Invocation) {
        let mut state = self.state();
        state.called += 1;
        state.waiting.push_back(invocation);
        drop(state);
        self.changed.notify_waiters();
    }

    fn announce(&self, process: u64) {
        let mut state = self.state();
        if state.process == process && !state.has_asked {
            (state.has_asked, state.stillborn) = (true, 0);
            drop(state);
            self.changed.notify_waiters();
        }
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

/// Kills the process if it does not answer in time, as Lambda does.
async fn watch(workers: Workers, function: String, request: String, timeout: Duration) {
    tokio::time::sleep(timeout).await;
    if workers.settle(&function, &request, Err(Failure::Timeout)) {
        tracing::error!(function, seconds = timeout.as_secs_f32(), "timed out");
        workers.kill(&function);
    }
}
