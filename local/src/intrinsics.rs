//! What `!Ref`, `!GetAtt` and `!Sub` stand for on one machine.

use crate::parameters::{Given, Parameters};
use crate::yaml::{Kind, Node, Wrong};

/// The stack's name, which begins the name of everything in it.
pub const STACK: &str = "strangelog";
/// The region that everything claims to be in.
pub const REGION: &str = "us-east-1";
/// The account that everything claims to be in; no account of AWS has this number.
pub const ACCOUNT: &str = "000000000000";

const QUEUE: &str = "AWS::SQS::Queue";

/// Everything in a template that can be referred to.
pub struct Names<'a> {
    parameters: Parameters<'a>,
    resources: &'a Node,
}

impl<'a> Names<'a> {
    /// Finds the names of a template whose parameters were given these values.
    ///
    /// # Errors
    /// There are no resources, or a parameter or condition is wrong.
    pub fn of(root: &'a Node, given: &'a Given) -> Result<Self, Wrong> {
        let parameters = Parameters::of(root, given)?;
        let resources = root.need("Resources")?;
        Ok(Names {
            parameters,
            resources,
        })
    }

    /// Logical id, type and value of each resource that exists.
    pub fn resources(&self) -> impl Iterator<Item = (&'a str, &'a str, &'a Node)> {
        let typed = |(id, _, node): (&'a str, usize, &'a Node)| (id, kind(node), node);
        let exists = |(_, _, node): &(_, _, &Node)| self.parameters.includes(node) != Ok(false);
        self.resources.entries().map(typed).filter(exists)
    }

    /// The resource that a `!Ref` or `!GetAtt` points at, which must be of type `wanted`.
    ///
    /// # Errors
    /// It points elsewhere.
    pub fn resource(&self, node: &'a Node, wanted: &str) -> Result<&'a str, Wrong> {
        let id = match node.tag.as_deref() {
            Some("Ref" | "GetAtt") => node.text().and_then(|text| text.split('.').next()),
            _ => None,
        };
        let Some(id) = id else {
            let message = format!("a !Ref or !GetAtt of a resource of type {wanted} is needed");
            return Err(Wrong::new(node.line, message));
        };
        match self.find(id).map(kind) {
            Some(found) if found == wanted => Ok(id),
            Some(found) => {
                let message =
                    format!("a resource of type {wanted} is needed, `{id}` is of type {found}");
                Err(Wrong::new(node.line, message))
            }
            None => Err(missing(node.line, id)),
        }
    }

    /// The text that a scalar stands for. Secrets are not looked up: any dynamic reference is `local`.
    ///
    /// # Errors
    /// It is no text, or refers to nothing.
    pub fn text(&self, node: &Node) -> Result<String, Wrong> {
        let Some(text) = node.text() else {
            let message = "a text, or one of !Ref, !GetAtt and !Sub with a text, is needed";
            return Err(Wrong::new(node.line, message));
        };
        let text = match node.tag.as_deref() {
            None => text.to_owned(),
            Some("Ref") => self.reference(text, node.line)?,
            Some("GetAtt") => self.attribute(text, node.line)?,
            Some("Sub") => self.substitute(text, node.line)?,
            Some(tag) => {
                let message = format!("`!{tag}` is not understood by the local stack");
                return Err(Wrong::new(node.line, message));
            }
        };
        let secret = text.contains("{{resolve:");
        Ok(if secret { "local".to_owned() } else { text })
    }

    /// A copy of `node` in which every tag is replaced by the text that it stands for.
    ///
    /// # Errors
    /// One of them refers to nothing.
    pub fn resolved(&self, node: &Node) -> Result<Node, Wrong> {
        let kind = match &node.kind {
            kind @ Kind::Scalar { .. } if node.tag.is_none() => kind.clone(),
            Kind::Scalar { .. } => Kind::Scalar {
                text: self.text(node)?,
                plain: false,
            },
            Kind::List(items) => Kind::List(
                items
                    .iter()
                    .map(|item| self.resolved(item))
                    .collect::<Result<_, _>>()?,
            ),
            Kind::Map(entries) => {
                let resolve = |(key, line, value): &(String, usize, Node)| {
                    Ok((key.clone(), *line, self.resolved(value)?))
                };
                Kind::Map(entries.iter().map(resolve).collect::<Result<_, _>>()?)
            }
        };
        let (line, tag) = (node.line, None);
        Ok(Node { line, tag, kind })
    }

    /// Everything below `node` that refers to nothing.
    pub fn dangling(&self, node: &Node) -> Vec<Wrong> {
        let below: Vec<&Node> = match &node.kind {
            Kind::Scalar { text, .. } => {
                let checked = match node.tag.as_deref() {
                    Some("Ref") => self.reference(text, node.line),
                    Some("GetAtt") => self.attribute(text, node.line),
                    Some("Sub") => self.substitute(text, node.line),
                    _ => return Vec::new(),
                };
                return checked.err().into_iter().collect();
            }
            Kind::List(items) => items.iter().collect(),
            Kind::Map(entries) => match self.parameters.includes(node) {
                Ok(true) => entries.iter().map(|(_, _, value)| value).collect(),
                Ok(false) => Vec::new(),
                Err(wrong) => return vec![wrong],
            },
        };
        below
            .into_iter()
            .flat_map(|node| self.dangling(node))
            .collect()
    }

    /// The name that a resource is known by at run time.
    ///
    /// # Errors
    /// The name it gives itself refers to nothing.
    pub fn physical(&self, id: &str) -> Result<String, Wrong> {
        let properties = self
            .resources
            .get(id)
            .and_then(|node| node.get("Properties"));
        let named = ["TableName", "QueueName", "FunctionName", "Name"]
            .iter()
            .find_map(|key| properties?.get(key));
        named.map_or_else(|| Ok(format!("{STACK}-{id}")), |name| self.text(name))
    }

    /// Whether a table has a stream.
    pub fn has_stream(&self, id: &str) -> bool {
        self.resources
            .at(&[id, "Properties", "StreamSpecification"])
            .is_some()
    }

    fn reference(&self, name: &str, line: usize) -> Result<String, Wrong> {
        if let Some(value) = self.parameters.value(name) {
            return Ok(value);
        }
        match name {
            "AWS::StackName" => Ok(STACK.to_owned()),
            "AWS::Region" => Ok(REGION.to_owned()),
            "AWS::AccountId" => Ok(ACCOUNT.to_owned()),
            "AWS::Partition" => Ok("aws".to_owned()),
            "AWS::URLSuffix" => Ok("amazonaws.com".to_owned()),
            "AWS::StackId" => Ok(arn("cloudformation", &format!("stack/{STACK}/local"))),
            "AWS::NoValue" => Ok(String::new()),
            _ if self.find(name).is_some_and(|node| kind(node) == QUEUE) => Ok(queue_url(name)),
            _ if self.find(name).is_some() => self.physical(name),
            _ if self.is_generated(name) => Ok(format!("{STACK}-{name}")),
            _ => Err(missing(line, name)),
        }
    }

    fn attribute(&self, path: &str, line: usize) -> Result<String, Wrong> {
        let Some((id, attribute)) = path.split_once('.') else {
            let message = format!("`{path}` names no attribute, as in `Resource.Arn`");
            return Err(Wrong::new(line, message));
        };
        let name = match self.find(id) {
            Some(_) => self.physical(id)?,
            None => self.reference(id, line)?,
        };
        Ok(match attribute {
            "Arn" => arn("local", &name),
            "StreamArn" => arn("dynamodb", &format!("table/{name}/stream/local")),
            "QueueName" => name,
            _ => format!("{name}.{attribute}"),
        })
    }

    fn substitute(&self, text: &str, line: usize) -> Result<String, Wrong> {
        let mut pieces = text.split("${");
        let mut whole = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let Some((name, rest)) = piece.split_once('}') else {
                return Err(Wrong::new(line, "a `${` is not closed"));
            };
            match name.strip_prefix('!') {
                Some(literal) => whole.push_str(&format!("${{{literal}}}")),
                None if name.contains('.') => whole.push_str(&self.attribute(name, line)?),
                None => whole.push_str(&self.reference(name, line)?),
            }
            whole.push_str(rest);
        }
        Ok(whole)
    }

    /// A resource that exists.
    fn find(&self, id: &str) -> Option<&'a Node> {
        let found = self.resources.get(id)?;
        (self.parameters.includes(found) != Ok(false)).then_some(found)
    }

    /// SAM makes resources of its own, under names that begin with ours.
    fn is_generated(&self, name: &str) -> bool {
        self.resources().any(|(id, kind, node)| {
            let Some(rest) = name.strip_prefix(id) else {
                return false;
            };
            let events = node.at(&["Properties", "Events"]);
            match kind {
                "AWS::Serverless::Function" => {
                    rest == "Role" || events.is_some_and(|events| events.get(rest).is_some())
                }
                "AWS::Serverless::HttpApi" => rest == "ApiGatewayDefaultStage",
                _ => false,
            }
        })
    }
}

/// A name in the form in which AWS spells it.
pub fn arn(service: &str, name: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{name}")
}

/// What a queue is called by those who send to it. The endpoint that they post it to is told to them apart.
fn queue_url(id: &str) -> String {
    format!("http://sqs.{REGION}.localhost/{ACCOUNT}/{id}")
}

/// The queue of a URL, by its logical id.
pub fn queue_of(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or_default()
}

fn kind(resource: &Node) -> &str {
    resource
        .get("Type")
        .and_then(Node::text)
        .unwrap_or_default()
}

fn missing(line: usize, name: &str) -> Wrong {
    Wrong::new(line, format!("there is no `{name}` in this template"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "
Parameters:
  Plain: {Type: String}
  Given: {Type: String, Default: value}
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: !Sub ${AWS::StackName}-things
  Queue: {Type: AWS::SQS::Queue}
  Maker:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Commits: {Type: DynamoDB}
";

    fn text(value: &str) -> Result<String, Wrong> {
        let root = Node::parse(TEMPLATE).unwrap();
        let value = Node::parse(&format!("value: {value}")).unwrap();
        let given = Given::new();
        let names = Names::of(&root, &given).unwrap();
        names.text(value.get("value").unwrap())
    }

    #[test]
    fn references_stand_for_names() {
        for (value, expected) in [
            ("plain", "plain"),
            ("!Ref Plain", "local-Plain"),
            ("!Ref Given", "value"),
            ("!Ref Table", "strangelog-things"),
            ("!Ref AWS::StackName", "strangelog"),
            (
                "!Ref Queue",
                "http://sqs.us-east-1.localhost/000000000000/Queue",
            ),
            ("!Ref MakerCommits", "strangelog-MakerCommits"),
            ("!GetAtt Queue.QueueName", "strangelog-Queue"),
            (
                "!GetAtt Queue.Arn",
                "arn:aws:local:us-east-1:000000000000:strangelog-Queue",
            ),
            (
                "!Sub a-${Given}-${Queue.QueueName}-${!kept}",
                "a-value-strangelog-Queue-${kept}",
            ),
            (
                "!Sub '{{resolve:secretsmanager:${Queue}:SecretString}}'",
                "local",
            ),
        ] {
            assert_eq!(text(value).as_deref(), Ok(expected), "{value}");
        }
    }

    #[test]
    fn what_is_not_there_or_not_understood_is_refused() {
        for (value, message) in [
            ("!Ref Nothing", "there is no `Nothing` in this template"),
            (
                "!GetAtt Nothing.Arn",
                "there is no `Nothing` in this template",
            ),
            (
                "!Sub a-${Nothing}",
                "there is no `Nothing` in this template",
            ),
            (
                "!Ref MakerOther",
                "there is no `MakerOther` in this template",
            ),
            (
                "!GetAtt Queue",
                "`Queue` names no attribute, as in `Resource.Arn`",
            ),
            ("!Sub a-${Queue", "a `${` is not closed"),
            ("!Join x", "`!Join` is not understood by the local stack"),
        ] {
            assert_eq!(text(value).unwrap_err().message, message, "{value}");
        }
    }
}
