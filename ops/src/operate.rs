//! What is asked of consumers: each is a commit in a stream of its own, with who asked and why. The consumer that it names hears
//! of it as of any other, and does it.

use crate::consent::Why;
use crate::exit::Stop;
use anyhow::Context;
use decider::Decider;
use domain::{Operation, parse};
use event_store::{
    Cache, DynamoDbEventLog, ExecuteError, Metadata, Part, ServiceClock, execute, stream_name,
};
use serde_json::{Map, Value};
use std::env;
use uuid::Uuid;

/// Who asks, and why.
#[derive(Clone, Debug)]
pub struct Asking {
    /// Why: it stands in the stream for good.
    pub reason: String,
    /// Who; else who is logged in here.
    pub actor: Option<String>,
}

impl Asking {
    /// What the options say.
    pub fn of(why: Why) -> Self {
        Self {
            reason: why.reason.unwrap_or_default(),
            actor: why.actor,
        }
    }

    /// Appends a command to a new stream of operations, or to the one with this id; its id.
    ///
    /// # Errors
    /// The command is refused, or the store failed.
    pub async fn append(
        &self,
        log: &DynamoDbEventLog,
        clock: &ServiceClock,
        id: Option<Uuid>,
        command: &str,
        fields: &[(&str, Option<&str>)],
    ) -> anyhow::Result<Uuid> {
        let given = fields.iter().filter_map(|(name, value)| {
            let value = Value::from((*value)?);
            Some(((*name).to_owned(), value))
        });
        let mut fields: Map<_, _> = given.collect();
        fields.insert("reason".to_owned(), self.reason.as_str().into());
        let command = parse::<Operation>(command, fields).map_err(|errors| {
            let errors = errors
                .iter()
                .map(|error| format!("{} {}", error.field, error.why));
            Stop::Usage(errors.collect::<Vec<_>>().join("; "))
        })?;
        let metadata = Metadata {
            reason: Some(self.reason.clone()),
            ..Metadata::new(self.actor()?, "strangelog")
        };
        let creates = id.is_none();
        let id = id.unwrap_or_else(Uuid::now_v7);
        let (stream, cache) = (
            stream_name(Operation::CATEGORY, id),
            Cache::<Operation>::none(),
        );
        let part = Part::new(&stream, &command, &cache).creating(creates);
        match execute(log, clock, &metadata, part).await {
            Ok(_) => Ok(id),
            Err(ExecuteError::Rejected { error, .. }) => {
                Err(Stop::Refused(error.to_string()).into())
            }
            Err(error) => Err(error).with_context(|| format!("{stream} was not written")),
        }
    }

    fn actor(&self) -> anyhow::Result<String> {
        let user = || env::var("USER").ok().filter(|user| !user.is_empty());
        match self.actor.clone().or_else(user) {
            Some(actor) => Ok(actor),
            None => {
                let why = "who asks? name yourself with --actor";
                Err(Stop::Usage(why.to_owned()).into())
            }
        }
    }
}
