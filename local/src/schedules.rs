//! EventBridge's schedules: calls functions at their rates, with the event that EventBridge would give them.

use crate::intrinsics::{ACCOUNT, REGION, arn};
use crate::template::Schedule;
use crate::workers::{Failure, Workers};
use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use uuid::Uuid;

/// Calls a function for ever, the first time when one period has passed, as on AWS.
pub async fn run(schedule: Schedule, workers: Workers) {
    let mut ticks = interval_at(Instant::now() + schedule.every, schedule.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        if let Err(error) = call(&schedule, &workers).await {
            tracing::error!(function = schedule.function, %error, "a scheduled call failed");
        }
    }
}

/// Calls a function once.
///
/// # Errors
/// It failed.
pub async fn call(schedule: &Schedule, workers: &Workers) -> Result<(), Failure> {
    let event = event(&schedule.rule);
    let answer = workers.invoke(&schedule.function, &event).await;
    answer.map(|_| ())
}

fn event(rule: &str) -> Value {
    json!({
        "version": "0",
        "id": Uuid::now_v7(),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
        "region": REGION,
        "resources": [arn("events", &format!("rule/{rule}"))],
        "detail": {},
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Function;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_function_is_called_once_a_period() {
        let function = Function {
            id: "Sweep".to_owned(),
            binary: String::new(),
            environment: Default::default(),
            timeout: Duration::from_secs(15),
            memory: String::new(),
        };
        let workers = Workers::new(&[function]);
        let process = workers.begin("Sweep");
        let every = Duration::from_secs(300);
        let (rule, function) = ("SweepTick".to_owned(), "Sweep".to_owned());
        let schedule = Schedule {
            rule,
            function,
            every,
        };
        tokio::spawn(run(schedule, workers.clone()));
        let start = Instant::now();
        for time in 1..=3 {
            let work = workers.take("Sweep", process).await.unwrap();
            let event: Value = serde_json::from_slice(&work.event).unwrap();
            assert_eq!(event["detail-type"], "Scheduled Event");
            assert_eq!(start.elapsed().as_secs(), time * 300);
            workers.settle("Sweep", &work.request, Ok("null".into()));
        }
    }
}
