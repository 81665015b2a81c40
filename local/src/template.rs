//! Reads `template.yaml` into what the local stack serves. What is wrong, or not understood where it
//! matters, is refused with its line.

use crate::intrinsics::Names;
use crate::patterns::Pattern;
use crate::yaml::{Node, Wrong};
use anyhow::{Context, bail};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

/// What a template defines, as far as one machine can serve it.
#[derive(Debug, Default)]
pub struct Template {
    /// The tables.
    pub tables: Vec<Table>,
    /// The functions.
    pub functions: Vec<Function>,
    /// The routes of the API.
    pub routes: Vec<Route>,
    /// Which function is given which table's stream.
    pub streams: Vec<StreamMapping>,
    /// Which function is given which queue's messages.
    pub consumers: Vec<QueueMapping>,
    /// The queues, dead-letter queues among them.
    pub queues: Vec<Queue>,
    /// The names of the buses.
    pub buses: Vec<String>,
    /// What goes from a bus to queues.
    pub rules: Vec<Rule>,
}

/// A table of DynamoDB.
#[derive(Debug)]
pub struct Table {
    /// Its logical id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The request that creates it.
    pub definition: Value,
    /// What says when its items are forgotten, if they are.
    pub time_to_live: Option<Value>,
}

/// A function: one process.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its logical id.
    pub id: String,
    /// The workspace's binary that it runs.
    pub binary: String,
    /// What the template adds to its environment.
    pub environment: BTreeMap<String, String>,
    /// How long one invocation may take.
    pub timeout: Duration,
    /// How much memory it would have, in MB.
    pub memory: String,
}

/// A route of the HTTP API.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// `POST`, or `ANY`.
    pub method: String,
    /// `/users/{id}`, or `$default`.
    pub path: String,
    /// The logical id of the function that answers.
    pub function: String,
}

/// From a table's stream to a function.
#[derive(Clone, Debug)]
pub struct StreamMapping {
    /// The table's name.
    pub table: String,
    /// The function's logical id.
    pub function: String,
    /// How many records it is given at most.
    pub batch_size: usize,
    /// Whether a failed batch is split.
    pub bisect: bool,
    /// How often records are tried again; `None` is for ever.
    pub retries: Option<u32>,
    /// Whether the answer names records that failed.
    pub partial: bool,
}

/// From a queue to a function.
#[derive(Clone, Debug)]
pub struct QueueMapping {
    /// The queue's logical id.
    pub queue: String,
    /// The function's logical id.
    pub function: String,
    /// How many messages it is given at most.
    pub batch_size: usize,
    /// Whether the answer names messages that failed.
    pub partial: bool,
}

/// A queue of SQS.
#[derive(Clone, Debug)]
pub struct Queue {
    /// Its logical id.
    pub id: String,
    /// How long a message that failed stays away.
    pub visibility: Duration,
    /// The logical id of its dead-letter queue, and how often a message is received before it goes there.
    pub dead_letters: Option<(String, u32)>,
}

/// A rule of EventBridge.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The name of its bus.
    pub bus: String,
    /// What matches.
    pub pattern: Pattern,
    /// The logical ids of the queues that are sent it.
    pub queues: Vec<String>,
}

/// What a template is checked against.
pub struct Known<'a> {
    /// The workspace's binaries.
    pub binaries: &'a BTreeSet<String>,
    /// Each aggregate's category and the types of its events.
    pub aggregates: &'a [(&'a str, &'a [&'a str])],
}

impl Template {
    /// Reads a template file.
    ///
    /// # Errors
    /// It cannot be read, or each line that is wrong.
    pub fn read(path: &Path, known: &Known) -> anyhow::Result<Self> {
        let file = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {file}"))?;
        match Self::parse(&text, known) {
            Ok(template) => Ok(template),
            Err(wrong) => {
                let lines = wrong
                    .iter()
                    .map(|wrong| format!("{file}:{}: {}", wrong.line, wrong.message));
                bail!(lines.collect::<Vec<_>>().join("\n"))
            }
        }
    }

    /// Reads a template.
    ///
    /// # Errors
    /// Each line that is wrong, in order.
    pub fn parse(text: &str, known: &Known) -> Result<Self, Vec<Wrong>> {
        let root = Node::parse(text).map_err(|wrong| vec![wrong])?;
        let names = Names::of(&root).map_err(|wrong| vec![wrong])?;
        let mut template = Template::default();
        let mut wrong = names.dangling(&root);
        let globals = root.at(&["Globals", "Function"]);
        for (id, kind, node) in names.resources() {
            let read = match kind {
                "AWS::DynamoDB::Table" => template.table(&names, id, node),
                "AWS::SQS::Queue" => template.queue(&names, id, node),
                "AWS::Events::Rule" => template.rule(&names, node, known),
                "AWS::Events::EventBus" => names.physical(id).map(|name| template.buses.push(name)),
                "AWS::Serverless::Function" => {
                    wrong.extend(template.events(&names, id, node));
                    template.function(&names, id, node, globals, known)
                }
                _ => Ok(()),
            };
            wrong.extend(read.err());
        }
        // A reference to nothing is found wherever it is used.
        wrong.sort();
        wrong.dedup_by_key(|wrong| wrong.line);
        if wrong.is_empty() {
            Ok(template)
        } else {
            Err(wrong)
        }
    }
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
