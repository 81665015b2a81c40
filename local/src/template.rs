//! Reads `template.yaml` into what the local stack serves. What is wrong, or not understood where it
//! matters, is refused with its line.

use crate::intrinsics::Names;
use crate::parameters::Given;
use crate::patterns::Pattern;
use crate::workers::another;
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
    /// Which function is called how often.
    pub schedules: Vec<Schedule>,
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
    /// Anybody may call, without a token.
    pub is_open: bool,
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
    /// How long a batch that is not full waits for more messages.
    pub window: Duration,
    /// How many processes of the function may work on batches at a time.
    pub concurrency: u32,
    /// Whether the answer names messages that failed.
    pub partial: bool,
}

/// A function that is called regularly.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// The name of its rule.
    pub rule: String,
    /// The function's logical id.
    pub function: String,
    /// The time from one call to the next.
    pub every: Duration,
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
    /// Its logical id.
    pub id: String,
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
    /// Values for the template's parameters.
    pub parameters: &'a Given,
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

    /// The functions and who is given which queue, where functions that consume one have as many processes as they may, up
    /// to `most`. Each process is a function of its own to whoever gives it work.
    pub fn processes(&self, most: u32) -> (Vec<Function>, Vec<QueueMapping>) {
        let (mut functions, mut consumers) = (self.functions.clone(), self.consumers.clone());
        for mapping in &self.consumers {
            for number in 2..=mapping.concurrency.min(most) {
                let id = another(&mapping.function, number);
                let function = (self.functions.iter()).find(|known| known.id == mapping.function);
                functions.extend(function.map(|function| Function {
                    id: id.clone(),
                    ..function.clone()
                }));
                consumers.push(QueueMapping {
                    function: id,
                    ..mapping.clone()
                });
            }
        }
        (functions, consumers)
    }

    /// Reads a template.
    ///
    /// # Errors
    /// Each line that is wrong, in order.
    pub fn parse(text: &str, known: &Known) -> Result<Self, Vec<Wrong>> {
        let root = Node::parse(text).map_err(|wrong| vec![wrong])?;
        let names = Names::of(&root, known.parameters).map_err(|wrong| vec![wrong])?;
        let mut template = Template::default();
        let mut wrong = names.dangling(&root);
        let globals = root.at(&["Globals", "Function"]);
        for (id, kind, node) in names.resources() {
            let read = match kind {
                "AWS::DynamoDB::Table" => template.table(&names, id, node),
                "AWS::SQS::Queue" => template.queue(&names, id, node),
                "AWS::Events::Rule" => template.rule(&names, id, node, known),
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

#[cfg(test)]
#[path = "template_refusal_tests.rs"]
mod refusals;
