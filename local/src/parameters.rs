//! A template's parameters, with the values that they were given, and its conditions.

use crate::yaml::{Node, Wrong};
use std::collections::BTreeMap;

/// Values for parameters, by name; the others keep their defaults.
pub type Given = BTreeMap<String, String>;

/// The parameters and conditions of a template.
pub struct Parameters<'a> {
    declared: Option<&'a Node>,
    given: &'a Given,
    conditions: BTreeMap<&'a str, bool>,
}

impl<'a> Parameters<'a> {
    /// Reads the parameters and conditions of a template.
    ///
    /// # Errors
    /// A value was given for what is no parameter, or is not among its allowed ones; a condition is no `!Equals`.
    pub fn of(root: &'a Node, given: &'a Given) -> Result<Self, Wrong> {
        let mut parameters = Parameters {
            declared: root.get("Parameters"),
            given,
            conditions: BTreeMap::new(),
        };
        for (name, value) in given {
            let declared = parameters.declared.and_then(|node| node.get(name));
            let line = declared.or(parameters.declared).map_or(1, |node| node.line);
            let Some(declared) = declared else {
                return Err(Wrong::new(line, format!("there is no parameter `{name}`")));
            };
            let allowed = declared.get("AllowedValues").map_or(&[][..], Node::items);
            if !allowed.is_empty() && !allowed.iter().any(|one| one.text() == Some(value)) {
                let message = format!("`{value}` is not allowed for the parameter `{name}`");
                return Err(Wrong::new(line, message));
            }
        }
        for (name, _, condition) in root.get("Conditions").iter().flat_map(|all| all.entries()) {
            let holds = parameters.judge(condition)?;
            parameters.conditions.insert(name, holds);
        }
        Ok(parameters)
    }

    /// The value of a parameter; `None` if there is none of this name.
    pub fn value(&self, name: &str) -> Option<String> {
        let declared = self.declared?.get(name)?;
        let default = || declared.get("Default").and_then(Node::text);
        let value = self.given.get(name).map(String::as_str).or_else(default);
        Some(value.map_or_else(|| format!("local-{name}"), str::to_owned))
    }

    /// Whether a part of the template exists: its condition holds, or it has none.
    ///
    /// # Errors
    /// There is no such condition.
    pub fn includes(&self, node: &Node) -> Result<bool, Wrong> {
        // What a policy calls a condition is no text.
        let Some((condition, name)) = node
            .get("Condition")
            .and_then(|node| Some((node, node.text()?)))
        else {
            return Ok(true);
        };
        let missing = || Wrong::new(condition.line, format!("there is no condition `{name}`"));
        self.conditions.get(name).copied().ok_or_else(missing)
    }

    fn judge(&self, condition: &Node) -> Result<bool, Wrong> {
        let wrong = || {
            let message = "a condition is `!Equals` of a parameter and a text, as in `!Equals [!Ref P, value]`";
            Wrong::new(condition.line, message)
        };
        let [left, right] = condition.items() else {
            return Err(wrong());
        };
        let value = |node: &Node| match (node.tag.as_deref(), node.text()) {
            (None, Some(text)) => Some(text.to_owned()),
            (Some("Ref"), Some(name)) => self.value(name),
            _ => None,
        };
        match (condition.tag.as_deref(), value(left), value(right)) {
            (Some("Equals"), Some(left), Some(right)) => Ok(left == right),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "
Parameters:
  Search: {Type: String, Default: 'on', AllowedValues: ['on', 'off']}
  Size: {Type: Number, Default: 10}
Conditions:
  WithSearch: !Equals [!Ref Search, 'on']
Resources:
  Always: {Type: Some}
  Sometimes: {Type: Some, Condition: WithSearch}
  Broken: {Type: Some, Condition: WithLuck}
";

    fn with<T>(
        given: &[(&str, &str)],
        look: impl FnOnce(&Parameters, &Node) -> T,
    ) -> Result<T, Wrong> {
        let root = Node::parse(TEMPLATE).unwrap();
        let pairs = given
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let given = pairs.collect();
        let parameters = Parameters::of(&root, &given)?;
        Ok(look(&parameters, root.get("Resources").unwrap()))
    }

    #[test]
    fn a_parameter_is_what_was_given_or_its_default() {
        let size = |given: &[_]| with(given, |parameters, _| parameters.value("Size")).unwrap();
        assert_eq!(size(&[]).as_deref(), Some("10"));
        assert_eq!(size(&[("Size", "3")]).as_deref(), Some("3"));
        assert_eq!(
            with(&[], |parameters, _| parameters.value("Other")),
            Ok(None)
        );
    }

    #[test]
    fn what_its_condition_rules_out_does_not_exist() {
        let exists = |given: &[_], id: &str| {
            with(given, |parameters, all| {
                parameters.includes(all.get(id).unwrap())
            })
            .unwrap()
        };
        assert_eq!(exists(&[], "Sometimes"), Ok(true));
        assert_eq!(exists(&[("Search", "off")], "Sometimes"), Ok(false));
        assert_eq!(exists(&[("Search", "off")], "Always"), Ok(true));
        let wrong = exists(&[], "Broken").unwrap_err();
        assert_eq!(wrong, Wrong::new(10, "there is no condition `WithLuck`"));
    }

    #[test]
    fn a_value_for_no_parameter_or_not_among_the_allowed_ones_is_refused() {
        let refused = |given: &[_]| with(given, |_, _| ()).unwrap_err().message;
        assert_eq!(refused(&[("Luck", "on")]), "there is no parameter `Luck`");
        assert_eq!(
            refused(&[("Search", "maybe")]),
            "`maybe` is not allowed for the parameter `Search`"
        );
    }

    #[test]
    fn a_condition_that_cannot_be_judged_is_refused() {
        for condition in [
            "!Not [!Ref P]",
            "!Equals [!Ref P]",
            "!Equals [!Ref Q, x]",
            "x",
        ] {
            let text =
                format!("Parameters: {{P: {{Default: x}}}}\nConditions:\n  C: {condition}\n");
            let root = Node::parse(&text).unwrap();
            let wrong = Parameters::of(&root, &Given::new()).err().unwrap();
            assert_eq!(wrong.line, 3, "{condition}");
        }
    }
}
