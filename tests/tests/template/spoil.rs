//! The template as JSON, and the way that a rule is tried on it.

use serde_json::{Map, Value, json};

const TEMPLATE: &str = include_str!("../../../template.yaml");
const FUNCTION: &str = "AWS::Serverless::Function";
const NOTHING: &Value = &Value::Null;

/// A template, its short forms `!Ref`, `!GetAtt` and `!Sub` spelled out.
pub struct Template(Value);

/// What a rule found wrong.
#[derive(Default)]
pub struct Faults(Vec<String>);

/// An event of a function.
pub struct Trigger<'t> {
    pub function: &'t str,
    pub id: &'t str,
    pub properties: &'t Value,
}

/// Checks that the template keeps a rule, and that it would be noticed if any one place where it says the first text of a
/// pair said the second one.
pub fn holds(rule: fn(&Template, &mut Faults), pairs: &[(&str, &str)]) {
    let faults = |text: &str| {
        let mut faults = Faults::default();
        rule(&Template::read(text), &mut faults);
        faults.0
    };
    assert_eq!(faults(TEMPLATE), Vec::<String>::new());
    for (right, wrong) in pairs {
        assert!(
            TEMPLATE.contains(right),
            "the template says nowhere: {right}"
        );
        for (at, _) in TEMPLATE.match_indices(right) {
            let (before, after) = (&TEMPLATE[..at], &TEMPLATE[at + right.len()..]);
            let found = faults(&[before, wrong, after].concat());
            let line = before.lines().count();
            assert!(!found.is_empty(), "went unnoticed: {wrong} in line {line}");
        }
    }
}

/// The logical id in a reference to a resource or to one of its attributes.
pub fn id_of(reference: &Value) -> &str {
    let text = reference["Ref"]
        .as_str()
        .or(reference["Fn::GetAtt"].as_str());
    text.and_then(|text| text.split('.').next())
        .unwrap_or_default()
}

impl Template {
    fn read(text: &str) -> Self {
        Self(spelled_out(yaml_serde::from_str(text).expect("YAML")))
    }

    /// The resources of a type by their ids.
    pub fn resources(&self, kind: &str) -> impl Iterator<Item = (&str, &Value)> {
        let all = self.0["Resources"].as_object().into_iter().flatten();
        let wanted = all.filter(move |(_, resource)| resource["Type"] == kind);
        wanted.map(|(id, resource)| (id.as_str(), resource))
    }

    /// Ids and conditions of all resources.
    pub fn conditional(&self) -> impl Iterator<Item = (&str, &Value)> {
        let all = self.0["Resources"].as_object().into_iter().flatten();
        all.map(|(id, resource)| (id.as_str(), resource.get("Condition").unwrap_or(NOTHING)))
    }

    /// What a condition says.
    pub fn condition(&self, name: &str) -> &Value {
        &self.0["Conditions"][name]
    }

    /// The properties of the resources of a type.
    pub fn of(&self, kind: &str) -> impl Iterator<Item = (&str, &Value)> {
        self.resources(kind)
            .map(|(id, resource)| (id, &resource["Properties"]))
    }

    /// The properties of a resource.
    pub fn properties(&self, id: &str) -> &Value {
        &self.0["Resources"][id]["Properties"]
    }

    /// Whether there is such a resource of this type.
    pub fn is_a(&self, id: &str, kind: &str) -> bool {
        self.0["Resources"][id]["Type"] == kind
    }

    /// The names of the parameters.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        let all = self.0["Parameters"].as_object().into_iter().flatten();
        all.map(|(name, _)| name.as_str())
    }

    /// A whole number, or the default of the parameter that stands for one.
    pub fn number(&self, value: &Value) -> Option<u64> {
        match value["Ref"].as_str() {
            Some(parameter) => self.0["Parameters"][parameter]["Default"].as_u64(),
            None => value.as_u64(),
        }
    }

    /// Whether something in the template refers to this id.
    pub fn refers_to(&self, id: &str) -> bool {
        let text = self.0.to_string();
        text.contains(&format!("{{\"Ref\":\"{id}\"}}")) || text.contains(&format!("${{{id}}}"))
    }

    /// What is set for all functions.
    pub fn globals(&self) -> &Value {
        &self.0["Globals"]["Function"]
    }

    /// The properties of the functions.
    pub fn functions(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.of(FUNCTION)
    }

    /// The binary that a function runs.
    pub fn binary(&self, function: &str) -> &str {
        let metadata = &self.0["Resources"][function]["Metadata"];
        let built = metadata["BuildMethod"] == "rust-cargolambda";
        let binary = metadata["BuildProperties"]["Binary"].as_str();
        binary.filter(|_| built).unwrap_or_default()
    }

    /// A variable of a function's environment.
    pub fn variable(&self, function: &str, name: &str) -> Option<&str> {
        self.variables(function)[name].as_str()
    }

    /// The variables of a function's environment.
    pub fn variables(&self, function: &str) -> &Value {
        &self.properties(function)["Environment"]["Variables"]
    }

    /// The events of a type, of all functions.
    pub fn triggers(&self, kind: &str) -> impl Iterator<Item = Trigger<'_>> {
        self.functions().flat_map(move |(function, properties)| {
            let events = properties["Events"].as_object().into_iter().flatten();
            let wanted = events.filter(move |(_, event)| event["Type"] == kind);
            wanted.map(move |(id, event)| Trigger {
                function,
                id,
                properties: event.get("Properties").unwrap_or(NOTHING),
            })
        })
    }

    /// The statements of a role's policies.
    pub fn statements(&self, role: &str) -> impl Iterator<Item = &Value> {
        let policies = self.properties(role)["Policies"]
            .as_array()
            .into_iter()
            .flatten();
        policies.flat_map(|policy| {
            let statements = &policy["PolicyDocument"]["Statement"];
            statements.as_array().into_iter().flatten()
        })
    }
}

impl Faults {
    /// Notes a fault unless it is well.
    pub fn unless(&mut self, well: bool, id: &str, fault: &str) {
        if !well {
            self.0.push(format!("{id} {fault}"));
        }
    }
}

impl Trigger<'_> {
    /// The route key of an event of the HTTP API.
    pub fn route(&self) -> String {
        let text = |name: &str| self.properties[name].as_str().unwrap_or_default();
        match text("Path") {
            "$default" => "$default".to_owned(),
            path => format!("{} {path}", text("Method")),
        }
    }
}

/// One or more texts, as policies have them.
pub fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        value => value.as_str().into_iter().collect(),
    }
}

fn spelled_out(value: yaml_serde::Value) -> Value {
    use yaml_serde::Value as Yaml;
    match value {
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = match tag.trim_start_matches('!') {
                "Ref" => "Ref".to_owned(),
                name => format!("Fn::{name}"),
            };
            json!({ name: spelled_out(tagged.value) })
        }
        Yaml::Mapping(mapping) => {
            let pairs = mapping.into_iter().map(|(key, value)| {
                (
                    key.as_str().expect("keys are texts").to_owned(),
                    spelled_out(value),
                )
            });
            Value::Object(Map::from_iter(pairs))
        }
        Yaml::Sequence(values) => values.into_iter().map(spelled_out).collect(),
        scalar => serde_json::to_value(scalar).expect("a scalar"),
    }
}
