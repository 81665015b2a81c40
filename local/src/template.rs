//! Reads `template.yaml` into what the local stack serves. What is wrong, or not understood where it
//! matters, is refused with its line.

use crate::intrinsics::Names;
use crate::patterns::Pattern;
use crate::yaml::{Node, Wrong};
use anyhow::{Context, bail};
use serde_json::{Value, json};
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

    fn table(&mut self, names: &Names, id: &str, node: &Node) -> Result<(), Wrong> {
        let properties = names.resolved(node.need("Properties")?)?;
        properties.need("KeySchema")?;
        properties.need("AttributeDefinitions")?;
        let mut definition = json!({ "BillingMode": "PAY_PER_REQUEST" });
        for key in [
            "KeySchema",
            "AttributeDefinitions",
            "GlobalSecondaryIndexes",
            "LocalSecondaryIndexes",
        ] {
            if let Some(value) = properties.get(key) {
                definition[key] = value.to_json();
            }
        }
        if let Some(stream) = properties.get("StreamSpecification") {
            definition["StreamSpecification"] = stream.to_json();
            definition["StreamSpecification"]["StreamEnabled"] = true.into();
        }
        let name = names.physical(id)?;
        definition["TableName"] = name.clone().into();
        let id = id.to_owned();
        self.tables.push(Table {
            id,
            name,
            definition,
        });
        Ok(())
    }

    fn queue<'a>(&mut self, names: &Names<'a>, id: &str, node: &'a Node) -> Result<(), Wrong> {
        let properties = node.get("Properties");
        let visibility = properties.and_then(|properties| properties.get("VisibilityTimeout"));
        let visibility = number(names, visibility)?.unwrap_or(30);
        let dead_letters = match properties.and_then(|properties| properties.get("RedrivePolicy")) {
            None => None,
            Some(policy) => {
                let target =
                    names.resource(policy.need("deadLetterTargetArn")?, "AWS::SQS::Queue")?;
                let receives = number(names, Some(policy.need("maxReceiveCount")?))?;
                receives.map(|receives| (target.to_owned(), receives))
            }
        };
        let visibility = Duration::from_secs(visibility.into());
        let id = id.to_owned();
        self.queues.push(Queue {
            id,
            visibility,
            dead_letters,
        });
        Ok(())
    }

    fn rule<'a>(&mut self, names: &Names<'a>, node: &'a Node, known: &Known) -> Result<(), Wrong> {
        let properties = node.need("Properties")?;
        let bus = names.resource(properties.need("EventBusName")?, "AWS::Events::EventBus")?;
        let written = properties.need("EventPattern")?;
        let pattern = Pattern::parse(&names.resolved(written)?)?;
        let mut queues = Vec::new();
        for target in properties.need("Targets")?.items() {
            target.only(&["Id", "Arn", "DeadLetterConfig", "RetryPolicy"])?;
            queues.push(
                names
                    .resource(target.need("Arn")?, "AWS::SQS::Queue")?
                    .to_owned(),
            );
        }
        if !crate::bus::samples(known.aggregates).any(|event| pattern.matches(&event)) {
            return Err(Wrong::new(
                written.line,
                "no event of any aggregate matches this pattern",
            ));
        }
        let bus = names.physical(bus)?;
        self.rules.push(Rule {
            bus,
            pattern,
            queues,
        });
        Ok(())
    }

    fn function(
        &mut self,
        names: &Names,
        id: &str,
        node: &Node,
        globals: Option<&Node>,
        known: &Known,
    ) -> Result<(), Wrong> {
        let properties = node.need("Properties")?;
        let written = node
            .need("Metadata")?
            .need("BuildProperties")?
            .need("Binary")?;
        let binary = names.text(written)?;
        if !known.binaries.contains(&binary) {
            return Err(Wrong::new(
                written.line,
                format!("no package of this workspace has a binary `{binary}`"),
            ));
        }
        let setting = |key| properties.get(key).or_else(|| globals?.get(key));
        let timeout = number(names, setting("Timeout"))?.unwrap_or(3);
        let memory = number(names, setting("MemorySize"))?.unwrap_or(128);
        let mut environment = BTreeMap::new();
        for from in [globals, Some(properties)].into_iter().flatten() {
            for (key, _, value) in from
                .at(&["Environment", "Variables"])
                .iter()
                .flat_map(|node| node.entries())
            {
                environment.insert(key.to_owned(), names.text(value)?);
            }
        }
        self.functions.push(Function {
            id: id.to_owned(),
            binary,
            environment,
            timeout: Duration::from_secs(timeout.into()),
            memory: memory.to_string(),
        });
        Ok(())
    }
}

/// A whole number, if the node is there.
pub(crate) fn number(names: &Names, node: Option<&Node>) -> Result<Option<u32>, Wrong> {
    let Some(node) = node else { return Ok(None) };
    let text = names.text(node)?;
    match text.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(Wrong::new(
            node.line,
            format!("a whole number is needed, found `{text}`"),
        )),
    }
}
