//! Judges events by EventBridge patterns. An operator that is not known here is refused when the
//! pattern is read, never guessed.

use crate::yaml::{Kind, Node, Wrong};
use serde_json::Value;

/// A pattern that events match or do not.
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    /// Every named field must match.
    Fields(Vec<(String, Pattern)>),
    /// One of the tests must hold for one of the field's values.
    AnyOf(Vec<Test>),
}

/// One alternative for a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// The value itself: a text, a whole number, true, false or null.
    Equals(Value),
    /// A text that begins so.
    Prefix(String),
    /// A text that ends so.
    Suffix(String),
    /// A text that is the same but for upper and lower case.
    EqualsIgnoreCase(String),
    /// The field is there, or is not.
    Exists(bool),
    /// The field is there and holds something else.
    AnythingBut(Vec<Value>),
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// The line of what EventBridge would refuse, or what cannot be judged here.
    pub fn parse(node: &Node) -> Result<Pattern, Wrong> {
        match &node.kind {
            Kind::Map(entries) if entries.is_empty() => {
                Err(Wrong::new(node.line, "a pattern must name a field"))
            }
            Kind::Map(entries) => {
                let mut fields = Vec::new();
                for (key, line, value) in entries {
                    if key.starts_with('$') {
                        return Err(cannot_judge(*line, key));
                    }
                    fields.push((key.clone(), Pattern::parse(value)?));
                }
                Ok(Pattern::Fields(fields))
            }
            Kind::List(items) if items.is_empty() => {
                let message = "a pattern must have a value to compare with";
                Err(Wrong::new(node.line, message))
            }
            Kind::List(items) => {
                let tests: Result<_, _> = items.iter().map(Test::parse).collect();
                tests.map(Pattern::AnyOf)
            }
            Kind::Scalar { .. } => Err(Wrong::new(node.line, "a pattern's value must be a list")),
        }
    }

    /// Whether an event matches.
    pub fn matches(&self, event: &Value) -> bool {
        self.matches_field(Some(event))
    }

    fn matches_field(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (_, Some(Value::Array(items))) if !items.is_empty() => {
                let mut items = items.iter();
                match self {
                    // OK because a list that holds a value has no element for which it is absent.
                    Pattern::AnyOf(tests) if tests.contains(&Test::Exists(false)) => {
                        let others = tests.iter().filter(|test| **test != Test::Exists(false));
                        let others = Pattern::AnyOf(others.cloned().collect());
                        items.any(|item| others.matches_field(Some(item)))
                    }
                    _ => items.any(|item| self.matches_field(Some(item))),
                }
            }
            (Pattern::Fields(fields), value) => fields.iter().all(|(key, pattern)| {
                pattern.matches_field(value.and_then(|value| value.get(key)))
            }),
            (Pattern::AnyOf(tests), value) => {
                // `exists` works on leaves alone: an object, or an empty list, is none.
                let leaf = value.filter(|value| !value.is_object() && !value.is_array());
                tests.iter().any(|test| test.holds(leaf))
            }
        }
    }
}

impl Test {
    fn parse(node: &Node) -> Result<Test, Wrong> {
        match &node.kind {
            Kind::Scalar { .. } => Ok(Test::Equals(comparable(node)?)),
            Kind::List(_) => Err(Wrong::new(node.line, "a list in a list is no pattern")),
            Kind::Map(entries) => {
                let [(operator, line, operand)] = entries.as_slice() else {
                    let message = "a pattern's value must have one operator";
                    return Err(Wrong::new(node.line, message));
                };
                Test::operator(operator, *line, operand)
            }
        }
    }

    fn operator(operator: &str, line: usize, operand: &Node) -> Result<Test, Wrong> {
        let text = || match operand.to_json() {
            Value::String(text) => Ok(text),
            _ => Err(cannot_judge(
                line,
                &format!("{operator}` of anything but a text, `{operator}"),
            )),
        };
        match operator {
            "prefix" => text().map(Test::Prefix),
            "suffix" => text().map(Test::Suffix),
            "equals-ignore-case" => text().map(Test::EqualsIgnoreCase),
            "exists" => match operand.to_json() {
                Value::Bool(exists) => Ok(Test::Exists(exists)),
                _ => Err(Wrong::new(line, "`exists` must be true or false")),
            },
            "anything-but" => anything_but(line, operand).map(Test::AnythingBut),
            _ => Err(cannot_judge(line, operator)),
        }
    }

    fn holds(&self, leaf: Option<&Value>) -> bool {
        let text = leaf.and_then(Value::as_str);
        match self {
            Test::Equals(wanted) => leaf.is_some_and(|leaf| equal(leaf, wanted)),
            Test::Prefix(start) => text.is_some_and(|text| text.starts_with(start)),
            Test::Suffix(end) => text.is_some_and(|text| text.ends_with(end)),
            Test::EqualsIgnoreCase(wanted) => {
                text.is_some_and(|text| text.to_lowercase() == wanted.to_lowercase())
            }
            Test::Exists(wanted) => leaf.is_some() == *wanted,
            Test::AnythingBut(others) => {
                leaf.is_some_and(|leaf| !others.iter().any(|other| equal(leaf, other)))
            }
        }
    }
}

fn anything_but(line: usize, operand: &Node) -> Result<Vec<Value>, Wrong> {
    let others = match &operand.kind {
        Kind::Scalar { .. } => vec![comparable(operand)?],
        Kind::List(items) => items.iter().map(comparable).collect::<Result<_, _>>()?,
        Kind::Map(entries) => {
            let inner = entries.first().map_or("{}", |(key, _, _)| key);
            return Err(cannot_judge(line, &format!("anything-but` of `{inner}")));
        }
    };
    let all = |kind: fn(&Value) -> bool| others.iter().all(kind);
    if others.is_empty() || !(all(Value::is_string) || all(Value::is_number)) {
        let message = "`anything-but` takes texts or numbers, and not both";
        return Err(Wrong::new(line, message));
    }
    Ok(others)
}

/// EventBridge compares fractions by rules of its own, so only whole numbers are taken.
fn comparable(node: &Node) -> Result<Value, Wrong> {
    match node.to_json() {
        Value::Number(number) if !number.is_i64() => {
            let message = format!("the number `{number}` cannot be compared: it must be whole");
            Err(Wrong::new(node.line, message))
        }
        value @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => Ok(value),
        Value::Array(_) | Value::Object(_) => Err(Wrong::new(
            node.line,
            "a text, a number, true, false or null is needed",
        )),
    }
}

fn equal(leaf: &Value, wanted: &Value) -> bool {
    match (leaf.as_i64(), wanted.as_i64()) {
        (Some(leaf), Some(wanted)) => leaf == wanted,
        (None, Some(wanted)) => leaf.as_f64() == Some(wanted as f64),
        (_, None) => leaf == wanted,
    }
}

fn cannot_judge(line: usize, operator: &str) -> Wrong {
    let known = "prefix, suffix, equals-ignore-case, exists, anything-but";
    let message =
        format!("the pattern operator `{operator}` cannot be judged here; known are {known}");
    Wrong::new(line, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn judge(pattern: Value, event: Value) -> bool {
        let node = Node::parse(&pattern.to_string()).unwrap();
        Pattern::parse(&node).unwrap().matches(&event)
    }

    fn refusal(pattern: &str) -> Wrong {
        Pattern::parse(&Node::parse(pattern).unwrap()).unwrap_err()
    }

    #[test]
    fn values_match_exactly() {
        for value in [json!("x"), json!(3), json!(-1), json!(true), json!(null)] {
            assert!(
                judge(json!({ "a": [value] }), json!({ "a": value })),
                "{value}"
            );
            assert!(
                !judge(json!({ "a": [value] }), json!({ "a": "other" })),
                "{value}"
            );
            assert!(!judge(json!({ "a": [value] }), json!({})), "{value}");
        }
        assert!(judge(json!({ "a": [300] }), json!({ "a": 300.0 })));
        assert!(!judge(json!({ "a": ["3"] }), json!({ "a": 3 })));
        assert!(!judge(json!({ "a": ["x"] }), json!({ "A": "x" })));
    }

    #[test]
    fn one_alternative_is_enough_but_every_field_must_match() {
        let pattern = json!({ "a": ["x", "y"], "b": { "c": [1] } });
        assert!(judge(
            pattern.clone(),
            json!({ "a": "y", "b": { "c": 1, "d": 2 } })
        ));
        assert!(!judge(
            pattern.clone(),
            json!({ "a": "y", "b": { "c": 2 } })
        ));
        assert!(!judge(pattern, json!({ "a": "y" })));
    }

    #[test]
    fn an_element_of_a_list_is_enough() {
        assert!(judge(json!({ "a": ["x"] }), json!({ "a": ["w", "x"] })));
        assert!(!judge(json!({ "a": ["x"] }), json!({ "a": ["w"] })));
        let pattern = json!({ "a": { "b": [1], "c": [2] } });
        assert!(judge(
            pattern.clone(),
            json!({ "a": [{ "b": 1, "c": 2 }, {}] })
        ));
        assert!(!judge(pattern, json!({ "a": [{ "b": 1 }, { "c": 2 }] })));
    }

    #[test]
    fn operators_on_texts() {
        let prefix = json!({ "a": [{ "prefix": "user-" }] });
        assert!(judge(prefix.clone(), json!({ "a": "user-1" })));
        assert!(!judge(prefix.clone(), json!({ "a": "account-1" })));
        assert!(!judge(prefix, json!({ "a": 7 })));
        assert!(judge(
            json!({ "a": [{ "suffix": ".png" }] }),
            json!({ "a": "b.png" })
        ));
        assert!(judge(
            json!({ "a": [{ "equals-ignore-case": "ÄB" }] }),
            json!({ "a": "äb" })
        ));
    }

    #[test]
    fn exists_looks_at_leaves_alone() {
        let (there, absent) = (
            json!({ "a": [{ "exists": true }] }),
            json!({ "a": [{ "exists": false }] }),
        );
        for (event, exists) in [
            (json!({ "a": null }), true),
            (json!({ "a": ["x", "y"] }), true),
            (json!({}), false),
            (json!({ "a": { "b": 1 } }), false),
            (json!({ "a": [] }), false),
        ] {
            assert_eq!(judge(there.clone(), event.clone()), exists, "{event}");
            assert_eq!(judge(absent.clone(), event.clone()), !exists, "{event}");
        }
        assert!(judge(
            json!({ "a": { "b": [{ "exists": false }] } }),
            json!({})
        ));
    }

    #[test]
    fn anything_but_needs_a_value_that_is_another() {
        let pattern = json!({ "a": [{ "anything-but": ["x", "y"] }] });
        assert!(judge(pattern.clone(), json!({ "a": "z" })));
        assert!(!judge(pattern.clone(), json!({ "a": "x" })));
        assert!(!judge(pattern.clone(), json!({})));
        assert!(judge(pattern, json!({ "a": ["x", "z"] })));
        assert!(!judge(
            json!({ "a": [{ "anything-but": 3 }] }),
            json!({ "a": 3 })
        ));
    }

    #[test]
    fn an_unknown_operator_is_refused_by_name_and_line() {
        let wrong = refusal("source: [strangelog]\ndetail:\n  version:\n    - numeric: ['>', 3]\n");
        assert_eq!(wrong.line, 4);
        assert!(wrong.message.contains("`numeric`"), "{}", wrong.message);
        for pattern in [
            "$or: [{a: [1]}, {b: [2]}]",
            "a: [{wildcard: 'x*'}]",
            "a: [{cidr: 10.0.0.0/8}]",
            "a: [{anything-but: {prefix: x}}]",
            "a: [{prefix: {equals-ignore-case: x}}]",
        ] {
            assert!(
                refusal(pattern).message.contains("cannot be judged"),
                "{pattern}"
            );
        }
    }

    #[test]
    fn what_eventbridge_refuses_is_refused() {
        for pattern in [
            "{}",
            "a: []",
            "a: x",
            "a: [[x]]",
            "a: [{}]",
            "a: [{exists: 1}]",
            "a: [{prefix: x, suffix: y}]",
            "a: [1.5]",
            "a: [{anything-but: [x, 1]}]",
        ] {
            assert_eq!(refusal(pattern).line, 1, "{pattern}");
        }
    }
}
