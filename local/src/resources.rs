//! Reads the template's tables, queues, rules and functions.

use crate::intrinsics::Names;
use crate::patterns::Pattern;
use crate::template::{Function, Known, Queue, Rule, Table, Template};
use crate::yaml::{Node, Wrong};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

impl Template {
    pub(crate) fn table(&mut self, names: &Names, id: &str, node: &Node) -> Result<(), Wrong> {
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
            time_to_live: properties.get("TimeToLiveSpecification").map(Node::to_json),
        });
        Ok(())
    }

    pub(crate) fn queue<'a>(
        &mut self,
        names: &Names<'a>,
        id: &str,
        node: &'a Node,
    ) -> Result<(), Wrong> {
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

    pub(crate) fn rule<'a>(
        &mut self,
        names: &Names<'a>,
        id: &str,
        node: &'a Node,
        known: &Known,
    ) -> Result<(), Wrong> {
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
        let samples: Vec<_> = crate::bus::samples(known.aggregates).collect();
        if !samples.iter().any(|event| pattern.matches(event)) {
            let line = blame(written, &pattern, &samples.iter().collect::<Vec<_>>());
            return Err(Wrong::new(
                line,
                "no event of any aggregate matches this pattern",
            ));
        }
        let bus = names.physical(bus)?;
        self.rules.push(Rule {
            id: id.to_owned(),
            bus,
            pattern,
            queues,
        });
        Ok(())
    }

    pub(crate) fn function(
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

/// The line of the part of a pattern that alone matches nothing; of the whole, if only its parts together do so.
fn blame(written: &Node, pattern: &Pattern, samples: &[&Value]) -> usize {
    let Pattern::Fields(fields) = pattern else {
        return written
            .items()
            .first()
            .map_or(written.line, |item| item.line);
    };
    for (key, field) in fields {
        let values: Vec<_> = samples.iter().filter_map(|event| event.get(key)).collect();
        let part = Pattern::Fields(vec![(key.clone(), field.clone())]);
        let (is_met, below) = (
            samples.iter().any(|event| part.matches(event)),
            written.get(key),
        );
        if let (false, Some(below)) = (is_met, below) {
            return if values.is_empty() {
                below.line
            } else {
                blame(below, field, &values)
            };
        }
    }
    written.line
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
