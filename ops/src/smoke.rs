//! `strangelog smoke`: the story of the deleted account, played against a deployment over HTTP.
//!
//! It works on a user and an account of its own, and leaves them deleted and closed: events are never removed.

mod story;

use crate::http::{Answer, Api};
use http::Method;
use serde::Serialize;
use serde_json::Value;
use std::fmt;
use std::time::Instant;
use uuid::Uuid;

/// One step of the story.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// What it does.
    pub step: &'static str,
    /// The request that it ends with.
    pub request: String,
    /// How long that took, in milliseconds.
    pub took_ms: u64,
    /// Whether what came was what was expected.
    pub passed: bool,
    /// What was expected, and what was found, if it was not that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// The story, as it goes.
pub struct Story<'a> {
    api: &'a Api,
    told: &'a mut dyn FnMut(&Step),
    steps: Vec<Step>,
    /// The path of the user, once it was asked for: under an id of ours, so that it is known even if the answer is lost.
    user: String,
    /// That of the account.
    account: String,
    email: String,
    number: String,
}

/// How it went.
#[derive(Clone, Debug)]
pub struct Played {
    /// All steps that were done.
    pub steps: Vec<Step>,
    /// Whether that is the whole story.
    pub ended: Result<(), Otherwise>,
    /// What may be there still, as no answer says that it has ended.
    pub left: Vec<String>,
}

/// A step went otherwise; it was told already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// What came is not what was expected.
    Found,
    /// No answer came.
    Unanswered,
}

type Told<T> = Result<T, Otherwise>;

/// What is expected of an answer: a status, and what its body holds, by JSON pointers.
struct Expected<'a> {
    status: u16,
    problem: Option<&'a str>,
    holds: &'a [(&'a str, Value)],
}

/// Plays it, and then cleans up, however it went. Each step is told as soon as it is done.
pub async fn play(api: &Api, told: &mut dyn FnMut(&Step)) -> Played {
    let mut story = Story::new(api, told);
    let ended = story.play().await;
    let left = match ended {
        Ok(()) => Vec::new(),
        Err(_) => story.clean_up().await,
    };
    let steps = story.steps;
    Played { steps, ended, left }
}

impl<'a> Story<'a> {
    fn new(api: &'a Api, told: &'a mut dyn FnMut(&Step)) -> Self {
        let id = Uuid::now_v7();
        Self {
            api,
            told,
            steps: Vec::new(),
            user: String::new(),
            account: String::new(),
            // The mailbox simulator of SES takes the welcome mail, wherever this is played.
            email: format!("success+smoke-{}@simulator.amazonses.com", id.simple()),
            number: format!("SM{}", id.simple()),
        }
    }

    async fn play(&mut self) -> Told<()> {
        self.of_the_user().await?;
        self.of_the_account().await?;
        self.of_the_past().await?;
        self.of_the_end().await
    }

    async fn get(
        &mut self,
        step: &'static str,
        path: &str,
        expected: &Expected<'_>,
    ) -> Told<Value> {
        self.call(step, Method::GET, path, None, expected).await
    }

    async fn post(
        &mut self,
        step: &'static str,
        path: &str,
        body: Value,
        expected: &Expected<'_>,
    ) -> Told<Value> {
        self.call(step, Method::POST, path, Some(body), expected)
            .await
    }

    async fn call(
        &mut self,
        step: &'static str,
        method: Method,
        path: &str,
        body: Option<Value>,
        expected: &Expected<'_>,
    ) -> Told<Value> {
        let begun = Instant::now();
        let answer = self.api.send(&method, path, None, body.as_ref()).await;
        self.told(step, format!("{method} {path}"), begun, answer, |answer| {
            expected.of(answer)
        })
    }

    async fn keyed(
        &mut self,
        step: &'static str,
        path: &str,
        key: &str,
        body: &Value,
        expected: &Expected<'_>,
        is_replayed: bool,
    ) -> Told<Value> {
        let begun = Instant::now();
        let answer = self
            .api
            .send(&Method::POST, path, Some(key), Some(body))
            .await;
        self.told(step, format!("POST {path}"), begun, answer, |answer| {
            expected.of(answer)?;
            if answer.is_replayed != is_replayed {
                let wanted = if is_replayed {
                    "the first answer"
                } else {
                    "an answer of its own"
                };
                return Err(format!(
                    "expected {wanted} (Idempotent-Replayed), and found {}",
                    answer.is_replayed
                ));
            }
            Ok(())
        })
    }

    fn told(
        &mut self,
        step: &'static str,
        request: String,
        begun: Instant,
        answer: anyhow::Result<Answer>,
        judge: impl FnOnce(&Answer) -> Result<(), String>,
    ) -> Told<Value> {
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let why = match &answer {
            Ok(answer) => judge(answer).err(),
            Err(error) => Some(format!("expected an answer, and found: {error:#}")),
        };
        let step = Step {
            step,
            request,
            took_ms,
            passed: why.is_none(),
            why,
        };
        (self.told)(&step);
        let passed = step.passed;
        self.steps.push(step);
        match answer {
            Ok(answer) if passed => Ok(answer.body),
            Ok(_) => Err(Otherwise::Found),
            Err(_) => Err(Otherwise::Unanswered),
        }
    }
}

const ACCEPTED: Expected<'static> = Expected {
    status: 202,
    problem: None,
    holds: &[],
};

fn ok<'a>(holds: &'a [(&'a str, Value)]) -> Expected<'a> {
    Expected {
        status: 200,
        problem: None,
        holds,
    }
}

impl Expected<'_> {
    /// Why an answer is not what is expected.
    fn of(&self, answer: &Answer) -> Result<(), String> {
        let found = |what: &dyn fmt::Display| {
            format!("{what}, and found {} {}", answer.status, answer.body)
        };
        if answer.status != self.status {
            return Err(found(&format!("expected status {}", self.status)));
        }
        if let Some(problem) = self.problem.filter(|problem| *problem != answer.problem()) {
            return Err(found(&format!("expected the problem {problem}")));
        }
        let is_otherwise =
            |(path, wanted): &&(&str, Value)| answer.body.pointer(path) != Some(wanted);
        match self.holds.iter().find(is_otherwise) {
            Some((path, wanted)) => Err(found(&format!("expected {wanted} at {path}"))),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let passed = if self.passed { "ok" } else { "failed" };
        write!(
            formatter,
            "{passed:6} {:>5} ms  {:50} {}",
            self.took_ms, self.step, self.request
        )?;
        match &self.why {
            Some(why) => write!(formatter, "\n       {why}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
