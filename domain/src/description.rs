//! What callers may ask of an aggregate, told so that a form can be made of it.

use crate::{Aggregate, parse};
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::{Map, Value};

/// An aggregate, as those see it who know nothing of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AggregateDescription {
    /// Names it in paths: `users`.
    pub collection: &'static str,
    /// Begins the names of its streams: `user`.
    pub category: &'static str,
    /// The statuses that are listed.
    pub statuses: &'static [&'static str],
    /// The types of its events.
    pub event_types: &'static [&'static str],
    /// What may be asked of it over HTTP.
    pub commands: Vec<CommandDescription>,
}

/// A command.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CommandDescription {
    /// Its type: `ChangeUserName`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The route that it is sent to.
    pub route: &'static str,
    /// Its fields.
    pub fields: Vec<FieldDescription>,
}

/// A field of a command.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldDescription {
    /// Its name.
    pub name: String,
    /// What JSON it is: `string`, `integer`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it looks like, where that is more than its type: `uuid`.
    pub format: Option<String>,
    /// The values that it may have, where they are few.
    pub choices: Option<Vec<String>>,
    /// Whether the command is refused without it, or without one that may stand in for it.
    pub required: bool,
    /// What it must be, where it is required.
    pub why: Option<String>,
}

impl AggregateDescription {
    /// The description of `A`.
    pub fn of<A: Aggregate>() -> Self {
        let settings = SchemaSettings::default().with(|settings| settings.inline_subschemas = true);
        let schema = settings
            .into_generator()
            .into_root_schema_for::<A::Command>();
        let describe = |(route, kind): &(&'static str, &'static str)| CommandDescription {
            kind,
            route,
            fields: fields::<A>(schema.as_value(), kind),
        };
        Self {
            collection: A::COLLECTION,
            category: A::CATEGORY,
            statuses: A::STATUSES,
            event_types: A::EVENT_TYPES,
            commands: A::ROUTES.iter().map(describe).collect(),
        }
    }
}

/// The fields of a command: their shapes from its schema, and from what its validation says of none whether they are needed.
fn fields<A: Aggregate>(schema: &Value, kind: &str) -> Vec<FieldDescription> {
    let missing = parse::<A>(kind, Map::new()).err().unwrap_or_default();
    let variants = schema["oneOf"].as_array().into_iter().flatten();
    let mut data = variants.map(|variant| &variant["properties"]);
    let data = data.find(|properties| properties["type"]["const"] == kind);
    let properties = data.and_then(|properties| properties["data"]["properties"].as_object());
    let describe = |(name, schema): (&String, &Value)| {
        let needed = missing.iter().find(|error| error.field == *name);
        let texts = |names: &[&str]| {
            let mut texts = Vec::new();
            gather(schema, names, &mut texts);
            texts
        };
        let choices = texts(&["enum", "const"]);
        FieldDescription {
            name: name.clone(),
            // OK because a field that may be left out may be null, too.
            kind: texts(&["type"])
                .into_iter()
                .find(|kind| kind != "null")
                .unwrap_or_default(),
            format: texts(&["format"]).pop(),
            choices: Some(choices).filter(|choices| !choices.is_empty()),
            required: needed.is_some(),
            why: needed.map(|error| error.why.clone()),
        }
    };
    properties.into_iter().flatten().map(describe).collect()
}

/// The texts under these keywords of a schema, and of those that it is one of.
fn gather(schema: &Value, names: &[&str], texts: &mut Vec<String>) {
    let of = |name: &&str| match &schema[*name] {
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        one => Vec::from_iter(one.as_str()),
    };
    texts.extend(names.iter().flat_map(of).map(str::to_owned));
    for inner in ["anyOf", "oneOf"] {
        let inner = schema[inner].as_array().into_iter().flatten();
        inner.for_each(|schema| gather(schema, names, texts));
    }
}

#[cfg(test)]
mod tests {
    use crate::registry;
    use serde_json::json;

    #[test]
    fn every_command_of_every_aggregate_has_fields_of_known_types() {
        for aggregate in registry::descriptions() {
            for command in &aggregate.commands {
                assert!(!command.fields.is_empty(), "{}", command.kind);
                for field in &command.fields {
                    let known = ["string", "integer", "boolean"].contains(&field.kind.as_str());
                    assert!(known, "{} {field:?}", command.kind);
                }
            }
        }
    }

    #[test]
    fn a_field_says_what_it_may_be_and_whether_it_is_needed() {
        let aggregates = registry::descriptions();
        let commands = aggregates.iter().flat_map(|aggregate| &aggregate.commands);
        let told = |kind: &str| {
            let mut commands = commands.clone();
            json!(
                commands
                    .find(|command| command.kind == kind)
                    .map(|command| &command.fields)
            )
        };
        assert_eq!(
            told("ChangeUserStatus"),
            json!([
                { "name": "status", "type": "string", "format": null, "choices": ["active", "suspended"],
                  "required": true, "why": "is required: active or suspended" },
                { "name": "reason", "type": "string", "format": null, "choices": null,
                  "required": true, "why": "is required: 1 to 500 characters" },
            ])
        );
        let withdrawal = told("WithdrawMoney");
        assert_eq!(withdrawal[0]["type"], "integer");
        assert_eq!(withdrawal[0]["required"], true);
        assert_eq!(withdrawal[1]["name"], "description");
        assert_eq!(withdrawal[1]["required"], false);
        assert_eq!(told("MakeTransfer")[0]["format"], "uuid");
    }
}
