//! How far the rebuilds are: `GET /rebuilds`, `GET /rebuilds/{id}`.

use crate::answer::failed;
use crate::{Consumer, Deliveries};
use consumer::{ConsumerError, Progress, progress};
use decider::Decider;
use domain::operation::{Consumer as Name, State};
use domain::{Aggregate, Operation, registry};
use edge::{Answer, Caller, Invalid, Problem, causes, json, parameters, stream_id};
use event_store::{EventLog, SeenStreams, StoreError, Stream, rfc3339, stream_name};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response, tracing};
use read_model::Generations;
use serde::Serialize;
use serde_json::{Value, json};

/// How many commits of a rebuild are shown; each is a person asking for something.
const ASKED: usize = 100;

/// The generations of one consumer, and how far they are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rebuilt {
    /// Its name.
    pub consumer: String,
    /// How far each is.
    #[serde(flatten)]
    pub progress: Progress,
}

/// What has become of the generation that a rebuild makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The consumer has not begun with it: it has not heard of it yet, or another one comes first.
    Waiting,
    /// It is being written.
    Building,
    /// It holds everything.
    Built,
    /// Queries show it.
    Live,
    /// It is written, and not shown.
    Kept,
    /// It is let go.
    Gone,
}

/// The phase of the rebuild in this stream.
#[must_use]
pub fn phase(rebuild: &str, progress: &Progress) -> Phase {
    let Generations {
        live,
        building,
        kept,
        made,
        ..
    } = &progress.generations;
    let number = made.iter().find(|(_, stream)| *stream == rebuild);
    let Some((number, _)) = number else {
        return Phase::Waiting;
    };
    match building {
        Some(building) if building.rebuild == rebuild && progress.is_built => Phase::Built,
        Some(building) if building.rebuild == rebuild => Phase::Building,
        _ if live.number == *number => Phase::Live,
        _ if kept.is_some_and(|kept| kept.number == *number) => Phase::Kept,
        _ => Phase::Gone,
    }
}

/// The generations of all read models.
///
/// # Errors
/// 403, or the store failed.
pub(crate) async fn all(
    deliveries: &Deliveries<impl EventLog, impl SeenStreams>,
    request: &Request,
    caller: &Caller,
) -> Result<Response<Body>, Problem> {
    caller.may("ops:write", None)?;
    parameters(request, &[])?;
    let mut data = Vec::new();
    for consumer in deliveries.consumers.all().await.map_err(failed)? {
        if registry::PROJECTIONS
            .iter()
            .any(|(name, _)| *name == consumer.name)
        {
            data.push(rebuilt(&consumer).await?);
        }
    }
    let body = json!({ "data": data, "next_cursor": null });
    Ok(json(Answer::new(StatusCode::OK), &body))
}

/// One rebuild: what was asked for, and how far it is.
///
/// # Errors
/// 404 for an unknown one.
pub(crate) async fn one(
    deliveries: &Deliveries<impl EventLog, impl SeenStreams>,
    request: &Request,
    caller: &Caller,
) -> Result<Response<Body>, Problem> {
    caller.may("ops:write", None)?;
    let id = stream_id(request)?;
    let asked = parameters(request, &["min_version"])?;
    let min_version = asked.get("min_version").map(|version| version.parse());
    let Ok(min_version) = min_version.unwrap_or(Ok(0)) else {
        let why = "must be a version, a whole number";
        return Err(Problem::invalid([Invalid::new("min_version", why)]));
    };
    let name = stream_name(Operation::CATEGORY, id);
    let operation = Stream::<Operation>::load(&deliveries.log, &name).await;
    let operation = operation.map_err(|error| failed(error.into()))?;
    let Some(consumer) = operation.state.consumer().map(Name::as_str) else {
        let detail = format!("nothing is known of {id}");
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "unknown-stream",
            detail,
        ));
    };
    let version = operation.version;
    if version < min_version {
        let detail = format!("min_version is {min_version}, the stream is at version {version}");
        let ahead = Problem::new(StatusCode::CONFLICT, "version-ahead", detail);
        return Err(ahead.with("version", version));
    }
    let mut body = json!({
        "id": id, "consumer": consumer, "status": Operation::status(&operation.state), "version": version,
        "asked": asked_for(deliveries, &name).await.map_err(|error| failed(error.into()))?,
    });
    let answer = Answer::new(StatusCode::OK).version(version);
    match &operation.state {
        // OK because it makes no generation: what became of it, the deliveries of its streams say.
        State::Remade { stream, .. } => body["stream"] = json!(stream),
        State::Redriven { stream, .. } => body["stream"] = json!(stream),
        state => {
            let deployed = deliveries.consumers.named(consumer).await.map_err(failed)?;
            if let Some(consumer) = deployed {
                let progress = rebuilt(&consumer).await?.progress;
                let is_over = matches!(state, State::Cancelled { .. } | State::Discarded { .. });
                let is_forgotten = !progress.generations.waiting.contains(&name);
                body["phase"] = match phase(&name, &progress) {
                    // OK because it was called off before the consumer began with it.
                    Phase::Waiting if is_over && is_forgotten => json!(Phase::Gone),
                    phase => json!(phase),
                };
                body["progress"] = json!(progress);
            }
        }
    }
    Ok(json(answer, &body))
}

/// Who asked for what, when and why, oldest first.
async fn asked_for(
    deliveries: &Deliveries<impl EventLog, impl SeenStreams>,
    name: &str,
) -> Result<Vec<Value>, StoreError> {
    let commits = deliveries.log.read(name, 1..=u64::MAX, ASKED).await?;
    let mut asked = Vec::new();
    for commit in commits {
        let (metadata, at) = (commit.metadata()?, commit.stamp()?.timestamp);
        for event in commit.events()? {
            asked.push(json!({
                "type": event.kind, "timestamp": rfc3339(at), "actor": metadata.actor, "reason": metadata.reason,
            }));
        }
    }
    Ok(asked)
}

async fn rebuilt(consumer: &Consumer) -> Result<Rebuilt, Problem> {
    let progress = progress(&consumer.table).await;
    let progress = progress.map_err(|error: ConsumerError| {
        tracing::error!(error = causes(&error), "progress cannot be read");
        Problem::unavailable("the store did not answer; send the same request again")
    })?;
    Ok(Rebuilt {
        consumer: consumer.name.to_owned(),
        progress,
    })
}
