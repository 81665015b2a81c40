//! Reads what a function of the template is given: routes, streams, queues, schedules.

use crate::intrinsics::Names;
use crate::resources::number;
use crate::template::{QueueMapping, Route, Schedule, StreamMapping, Template};
use crate::yaml::{Node, Wrong};
use std::time::Duration;

const METHODS: [&str; 8] = [
    "ANY", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS",
];

impl Template {
    /// Takes each event source of a function; what is wrong is returned.
    pub(crate) fn events<'a>(
        &mut self,
        names: &Names<'a>,
        function: &str,
        node: &'a Node,
    ) -> Vec<Wrong> {
        let events = node.at(&["Properties", "Events"]);
        let mut wrong = Vec::new();
        for (id, _, event) in events.iter().flat_map(|events| events.entries()) {
            wrong.extend(self.event(names, function, id, event).err());
        }
        wrong
    }

    fn event<'a>(
        &mut self,
        names: &Names<'a>,
        function: &str,
        id: &str,
        event: &'a Node,
    ) -> Result<(), Wrong> {
        let kind = event.need("Type")?;
        let properties = event.get("Properties").unwrap_or(event);
        match kind.text().unwrap_or_default() {
            "HttpApi" => self.route(names, function, properties),
            "DynamoDB" => self.stream(names, function, properties),
            "SQS" => self.consumer(names, function, properties),
            "Schedule" => self.schedule(names, function, id, properties),
            other => {
                let message =
                    format!("an event of type `{other}` is not served by the local stack");
                Err(Wrong::new(kind.line, message))
            }
        }
    }

    fn route<'a>(
        &mut self,
        names: &Names<'a>,
        function: &str,
        node: &'a Node,
    ) -> Result<(), Wrong> {
        if let Some(api) = node.get("ApiId") {
            names.resource(api, "AWS::Serverless::HttpApi")?;
        }
        let default = "$default".to_owned();
        let path = node
            .get("Path")
            .map_or(Ok(default.clone()), |path| names.text(path))?;
        let method = match node.get("Method") {
            Some(method) => names.text(method)?.to_uppercase(),
            None => "ANY".to_owned(),
        };
        let line = node.get("Path").unwrap_or(node).line;
        if path != default && !path.starts_with('/') {
            return Err(Wrong::new(
                line,
                format!("a path begins with `/`, found `{path}`"),
            ));
        }
        if let Some(written) = node
            .get("Method")
            .filter(|_| !METHODS.contains(&method.as_str()))
        {
            return Err(Wrong::new(written.line, format!("`{method}` is no method")));
        }
        let same = |route: &&Route| route.method == method && shape(&route.path) == shape(&path);
        if let Some(route) = self.routes.iter().find(same) {
            let (path, other) = (&route.path, &route.function);
            let message = format!("the route `{method} {path}` is already served by {other}");
            return Err(Wrong::new(line, message));
        }
        let authorizer = node.at(&["Auth", "Authorizer"]);
        self.routes.push(Route {
            method,
            path,
            function: function.to_owned(),
            is_open: authorizer.and_then(Node::text) == Some("NONE"),
        });
        Ok(())
    }

    fn stream<'a>(
        &mut self,
        names: &Names<'a>,
        function: &str,
        node: &'a Node,
    ) -> Result<(), Wrong> {
        node.only(&[
            "Stream",
            "StartingPosition",
            "BatchSize",
            "BisectBatchOnFunctionError",
            "FunctionResponseTypes",
            "MaximumRetryAttempts",
            "MaximumRecordAgeInSeconds",
            "MaximumBatchingWindowInSeconds",
            "ParallelizationFactor",
            "DestinationConfig",
            "MetricsConfig",
        ])?;
        let stream = node.need("Stream")?;
        let table = names.resource(stream, "AWS::DynamoDB::Table")?;
        if !names.has_stream(table) {
            return Err(Wrong::new(
                stream.line,
                format!("`{table}` has no StreamSpecification"),
            ));
        }
        let retries = node.get("MaximumRetryAttempts");
        let retries = retries.filter(|retries| retries.text() != Some("-1"));
        let bisect = node.get("BisectBatchOnFunctionError").map(Node::to_json);
        self.streams.push(StreamMapping {
            table: names.physical(table)?,
            function: function.to_owned(),
            batch_size: batch_size(names, node, 100)?,
            bisect: bisect == Some(true.into()),
            retries: number(names, retries)?,
            partial: is_partial(node),
        });
        Ok(())
    }

    fn consumer<'a>(
        &mut self,
        names: &Names<'a>,
        function: &str,
        node: &'a Node,
    ) -> Result<(), Wrong> {
        node.only(&[
            "Queue",
            "BatchSize",
            "FunctionResponseTypes",
            "ScalingConfig",
            "MaximumBatchingWindowInSeconds",
            "MetricsConfig",
        ])?;
        let written = node.need("Queue")?;
        let queue = names.resource(written, "AWS::SQS::Queue")?.to_owned();
        if let Some(other) = self.consumers.iter().find(|other| other.queue == queue) {
            let message = format!("`{queue}` is already consumed by {}", other.function);
            return Err(Wrong::new(written.line, message));
        }
        let window = number(names, node.get("MaximumBatchingWindowInSeconds"))?;
        let concurrency = node.at(&["ScalingConfig", "MaximumConcurrency"]);
        let concurrency = number(names, concurrency)?;
        self.consumers.push(QueueMapping {
            queue,
            function: function.to_owned(),
            batch_size: batch_size(names, node, 10)?,
            window: Duration::from_secs(window.unwrap_or(0).into()),
            concurrency: concurrency.unwrap_or(1),
            partial: is_partial(node),
        });
        Ok(())
    }

    fn schedule(
        &mut self,
        names: &Names,
        function: &str,
        id: &str,
        node: &Node,
    ) -> Result<(), Wrong> {
        node.only(&["Schedule", "Description", "Enabled", "RetryPolicy"])?;
        let written = node.need("Schedule")?;
        let text = names.text(written)?;
        let Some(every) = rate(&text) else {
            let message = format!("a rate is needed, as in `rate(5 minutes)`, found `{text}`");
            return Err(Wrong::new(written.line, message));
        };
        if node.get("Enabled").map(Node::to_json) != Some(false.into()) {
            self.schedules.push(Schedule {
                rule: format!("{function}{id}"),
                function: function.to_owned(),
                every,
            });
        }
        Ok(())
    }
}

/// The time that `rate(5 minutes)` says.
fn rate(text: &str) -> Option<Duration> {
    let (number, unit) = text
        .strip_prefix("rate(")?
        .strip_suffix(')')?
        .split_once(' ')?;
    let seconds = match unit.strip_suffix('s').unwrap_or(unit) {
        "minute" => 60,
        "hour" => 60 * 60,
        "day" => 24 * 60 * 60,
        _ => return None,
    };
    let number: u64 = number.parse().ok()?;
    // EventBridge wants `1 minute` and `2 minutes`, and refuses the template otherwise.
    let agrees = number > 0 && (number == 1) != unit.ends_with('s');
    agrees.then(|| Duration::from_secs(number * seconds))
}

fn batch_size(names: &Names, node: &Node, default: u32) -> Result<usize, Wrong> {
    let written = node.get("BatchSize");
    match (number(names, written)?.unwrap_or(default), written) {
        (0, Some(written)) => Err(Wrong::new(written.line, "a batch holds at least 1")),
        (size, _) => Ok(size as usize),
    }
}

fn is_partial(node: &Node) -> bool {
    let types = node.get("FunctionResponseTypes");
    types.is_some_and(|types| {
        types
            .items()
            .iter()
            .any(|item| item.text() == Some("ReportBatchItemFailures"))
    })
}

/// Two paths that differ only in the names of their parameters are one route.
fn shape(path: &str) -> Vec<&str> {
    let shape = |segment| match parameter(segment) {
        Some(name) if name.ends_with('+') => "{+}",
        Some(_) => "{}",
        None => segment,
    };
    path.split('/').map(shape).collect()
}

/// The name of a path's parameter: `id` of `{id}`, `proxy+` of `{proxy+}`.
pub(crate) fn parameter(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}
