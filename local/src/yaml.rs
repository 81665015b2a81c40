//! YAML that remembers its lines, so that a wrong template can be pointed at.
//! Just what a CloudFormation template needs: no anchors, one document.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};
use serde_json::Value;
use std::borrow::Cow;

/// A place in a file that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wrong {
    /// Counted from 1.
    pub line: usize,
    /// What was needed, and what was found.
    pub message: String,
}

/// One value of a YAML file.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it begins; for a collection that is the value of a key, the line of the key.
    pub line: usize,
    /// `Ref` of `!Ref`.
    pub tag: Option<String>,
    /// What it holds.
    pub kind: Kind,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A text; `plain` means without quotes, so that `true` and `3` are no texts.
    Scalar { text: String, plain: bool },
    /// The items of a sequence.
    List(Vec<Node>),
    /// The entries of a mapping in the order of the file, each with the line of its key.
    Map(Vec<(String, usize, Node)>),
}

impl Node {
    /// Reads one document.
    ///
    /// # Errors
    /// The line that is no YAML, repeats a key or uses an anchor.
    pub fn parse(text: &str) -> Result<Node, Wrong> {
        let mut parser = Parser::new_from_str(text);
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(scan_error)?;
            if !matches!(event, Event::StreamStart | Event::DocumentStart(_)) {
                return node(&mut parser, event, span.start.line());
            }
        }
        Err(Wrong::new(1, "the file is empty"))
    }

    /// The value of a key, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .find(|(name, _, _)| *name == key)
            .map(|(_, _, node)| node)
    }

    /// The value under a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The value of a key that must be there.
    ///
    /// # Errors
    /// It is not.
    pub fn need(&self, key: &str) -> Result<&Node, Wrong> {
        self.get(key)
            .ok_or_else(|| Wrong::new(self.line, format!("`{key}` is missing")))
    }

    /// Key, line of the key and value of each entry; none if this is no mapping.
    pub fn entries(&self) -> impl Iterator<Item = (&str, usize, &Node)> {
        let entries: &[_] = match &self.kind {
            Kind::Map(entries) => entries,
            Kind::Scalar { .. } | Kind::List(_) => &[],
        };
        entries
            .iter()
            .map(|(key, line, node)| (key.as_str(), *line, node))
    }

    /// The items; none if this is no list.
    pub fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            Kind::Scalar { .. } | Kind::Map(_) => &[],
        }
    }

    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// Refuses every key but these, so that nothing is passed over in silence.
    ///
    /// # Errors
    /// The first key that is not among them.
    pub fn only(&self, keys: &[&str]) -> Result<(), Wrong> {
        match self.entries().find(|(key, _, _)| !keys.contains(key)) {
            None => Ok(()),
            Some((key, line, _)) => Err(Wrong::new(
                line,
                format!("`{key}` is not understood by the local stack"),
            )),
        }
    }

    /// The same as JSON; tags are not looked at.
    pub fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Scalar { text, plain: false } => Value::String(text.clone()),
            Kind::Scalar { text, plain: true } => plain(text),
            Kind::List(items) => items.iter().map(Node::to_json).collect(),
            Kind::Map(entries) => entries
                .iter()
                .map(|(key, _, node)| (key.clone(), node.to_json()))
                .collect(),
        }
    }
}

impl Wrong {
    /// What is wrong with a line.
    pub fn new(line: usize, message: impl Into<String>) -> Wrong {
        let message = message.into();
        Wrong { line, message }
    }
}

fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        // OK because what JSON calls a number is one in YAML too, and a template needs no other form.
        _ => match serde_json::from_str(text) {
            Ok(number @ Value::Number(_)) => number,
            _ => Value::String(text.to_owned()),
        },
    }
}

type Tag<'a> = Option<Cow<'a, saphyr_parser::Tag>>;

fn node<'a>(
    parser: &mut Parser<'a, saphyr_parser::StrInput<'a>>,
    event: Event<'a>,
    line: usize,
) -> Result<Node, Wrong> {
    let tag = |tag: Tag| tag.map(|tag| tag.suffix.clone());
    match event {
        Event::Scalar(text, style, _, tagged) => {
            let plain = style == ScalarStyle::Plain;
            let text = text.into_owned();
            let kind = Kind::Scalar { text, plain };
            let tag = tag(tagged);
            Ok(Node { line, tag, kind })
        }
        Event::SequenceStart(_, tagged) => {
            let mut items = Vec::new();
            while let Some((event, line)) = next(parser)? {
                items.push(node(parser, event, line)?);
            }
            let (tag, kind) = (tag(tagged), Kind::List(items));
            Ok(Node { line, tag, kind })
        }
        Event::MappingStart(_, tagged) => {
            let mut entries = Vec::new();
            while let Some((event, line)) = next(parser)? {
                entries.push(entry(parser, event, line)?);
            }
            if let Some((key, line)) = repeated(&entries) {
                return Err(Wrong::new(line, format!("`{key}` is here twice")));
            }
            let (tag, kind) = (tag(tagged), Kind::Map(entries));
            Ok(Node { line, tag, kind })
        }
        Event::Alias(_) => Err(Wrong::new(line, "anchors and aliases are not understood")),
        Event::Nothing
        | Event::StreamStart
        | Event::StreamEnd
        | Event::DocumentStart(_)
        | Event::DocumentEnd
        | Event::SequenceEnd
        | Event::MappingEnd => Err(Wrong::new(line, "a value is missing")),
    }
}

fn entry<'a>(
    parser: &mut Parser<'a, saphyr_parser::StrInput<'a>>,
    event: Event<'a>,
    line: usize,
) -> Result<(String, usize, Node), Wrong> {
    let Event::Scalar(key, ..) = event else {
        return Err(Wrong::new(line, "a key must be a text"));
    };
    let (event, value_line) =
        next(parser)?.ok_or_else(|| Wrong::new(line, "a value is missing"))?;
    let mut value = node(parser, event, value_line)?;
    if value.text().is_none_or(str::is_empty) {
        value.line = line;
    }
    Ok((key.into_owned(), line, value))
}

/// The next event and its line; `None` at the end of a collection.
fn next<'a>(
    parser: &mut Parser<'a, saphyr_parser::StrInput<'a>>,
) -> Result<Option<(Event<'a>, usize)>, Wrong> {
    match parser.next_event() {
        Some(Ok((Event::SequenceEnd | Event::MappingEnd, _))) | None => Ok(None),
        Some(Ok((event, span))) => Ok(Some((event, span.start.line()))),
        Some(Err(error)) => Err(scan_error(error)),
    }
}

fn repeated(entries: &[(String, usize, Node)]) -> Option<(&str, usize)> {
    let twice = |(at, (key, _, _)): &(usize, &(String, usize, Node))| {
        entries[..*at].iter().any(|(earlier, _, _)| earlier == key)
    };
    let found = entries.iter().enumerate().find(twice);
    found.map(|(_, (key, line, _))| (key.as_str(), *line))
}

fn scan_error(error: ScanError) -> Wrong {
    Wrong::new(error.marker().line(), error.info())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_knows_its_line() {
        let root =
            Node::parse("# first\na:\n  b: !Ref x\n  c:\n    - 1\n    - {d: '2'}\n").unwrap();
        assert_eq!(root.need("a").unwrap().line, 2);
        let b = root.at(&["a", "b"]).unwrap();
        assert_eq!(
            (b.line, b.tag.as_deref(), b.text()),
            (3, Some("Ref"), Some("x"))
        );
        let c = root.at(&["a", "c"]).unwrap();
        assert_eq!((c.line, c.items()[0].line, c.items()[1].line), (4, 5, 6));
        assert_eq!(c.to_json(), serde_json::json!([1, { "d": "2" }]));
    }

    #[test]
    fn a_tagged_collection_keeps_its_tag() {
        let root = Node::parse("a: !Sub\n  - x\n  - {}\n").unwrap();
        assert_eq!(root.get("a").unwrap().tag.as_deref(), Some("Sub"));
    }

    #[test]
    fn a_repeated_key_is_refused_with_its_line() {
        let wrong = Node::parse("a: 1\nb: 2\na: 3\n").unwrap_err();
        assert_eq!(wrong, Wrong::new(3, "`a` is here twice"));
    }

    #[test]
    fn what_is_no_yaml_is_refused_with_its_line() {
        assert_eq!(Node::parse("a: 1\nb: [2\nc: 3\n").unwrap_err().line, 3);
        assert_eq!(Node::parse("").unwrap_err().line, 1);
        assert_eq!(Node::parse("a: &x 1\nb: *x\n").unwrap_err().line, 2);
    }
}
