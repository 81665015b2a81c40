//! What the rest of the system asks of an aggregate, beyond deciding: names, routes and JSON.

use decider::{Claim, Decider};
use garde::Validate;
use schemars::JsonSchema;
use serde::{
    Serialize,
    de::{DeserializeOwned, value::MapDeserializer},
};
use serde_json::{Map, Value};

/// An aggregate that is served over HTTP. Its commands and events are enums of the JSON form `{"type", "data"}`. Its state is
/// what callers see of it, so its JSON is an object: a `status` and whatever else there is to say.
pub trait Aggregate:
    'static
    + Decider<
        State: Serialize + DeserializeOwned + Send + Sync,
        Command: DeserializeOwned + Validate<Context = ()> + JsonSchema + Send + Sync,
        Event: Serialize + DeserializeOwned + Send + Sync,
        Error: std::error::Error + Serialize + Send + Sync,
    >
{
    /// Names it in paths, and its read model: `users`.
    const COLLECTION: &'static str;
    /// Begins the scopes that its routes ask for: `users` gives `users:read` and `users:write`.
    const SCOPE: &'static str = Self::COLLECTION;
    /// Each route key of the HTTP API with the type of its command: `("POST /users", "CreateUser")`.
    const ROUTES: &'static [(&'static str, &'static str)];
    /// The type of each event that is written, for whoever matches on it: rules, filters.
    const EVENT_TYPES: &'static [&'static str];
    /// The statuses that are listed, and may be asked for with `?status=`. What is in another one is gone: it is in no list,
    /// and GET answers 410.
    const STATUSES: &'static [&'static str];
    /// Whether streams are searched by a part of their texts, where a deployment has that: then `SearchOf` is registered.
    const IS_SEARCHED: bool = false;

    /// The status of a state, as its JSON has it.
    fn status(state: &Self::State) -> &'static str;

    /// The texts that such a search looks at.
    fn texts(_state: &Self::State) -> Vec<&str> {
        Vec::new()
    }

    /// The command that these events of one commit answer, so that it can be decided again; `None` where they do not tell.
    fn asked(_events: &[Self::Event]) -> Option<Self::Command> {
        None
    }

    /// The claim that an exact `?query=` is looked up by.
    ///
    /// # Errors
    /// Why `query` cannot be looked up, for the caller.
    fn lookup(query: &str) -> Result<Claim, String>;

    /// The subject of the caller to whom the scope `self` gives this stream, if it is anybody's.
    fn owner<'a>(id: &'a str, state: &'a Self::State) -> Option<&'a str>;
}

/// One field of a command that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field's name.
    pub field: String,
    /// What it must be.
    pub why: String,
}

/// A rule that refused a command, as callers see it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Refusal {
    /// Which rule: `insufficient-funds`.
    pub code: String,
    /// The same in words.
    pub detail: String,
    /// What it depends on: the other members of the error's JSON.
    #[serde(flatten)]
    pub members: Map<String, Value>,
}

impl Refusal {
    /// An error whose JSON form is an object with a `code`.
    pub fn of(error: &(impl std::error::Error + Serialize)) -> Self {
        let mut members = match serde_json::to_value(error) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        };
        let code = members.shift_remove("code");
        let code = code.as_ref().and_then(Value::as_str);
        Self {
            code: code.unwrap_or("refused").to_owned(),
            detail: error.to_string(),
            members,
        }
    }
}

/// Reads the command of type `command` from its fields, and checks each of them.
///
/// # Errors
/// Every field that is missing, unknown or not as it must be; of those that cannot be read, the first few.
pub fn parse<A: Aggregate>(
    command: &str,
    fields: Map<String, Value>,
) -> Result<A::Command, Vec<FieldError>> {
    let mut fields = Value::Object(fields);
    let mut errors: Vec<FieldError> = Vec::new();
    // OK because each turn ends the loop or takes one field out; serde stops at the first that it cannot read.
    let parsed = loop {
        match read::<A::Command>(command, &fields) {
            Ok(parsed) => break parsed,
            Err(error) => {
                let known = fields
                    .as_object_mut()
                    .and_then(|fields| fields.remove(&error.field));
                errors.push(error);
                if known.is_none() || errors.len() >= MOST_ERRORS {
                    return Err(errors);
                }
            }
        }
    };
    let report = parsed.validate().err();
    for (path, error) in report.iter().flat_map(garde::Report::iter) {
        let field = path.to_string();
        // A field that could not be read was taken out, and would be reported once more as missing.
        if errors.iter().all(|known| known.field != field) {
            errors.push(FieldError {
                field,
                why: error.to_string(),
            });
        }
    }
    if errors.is_empty() {
        return Ok(parsed);
    }
    errors.sort_by(|one, other| one.field.cmp(&other.field));
    Err(errors)
}

/// How many unreadable fields are enough for one answer.
const MOST_ERRORS: usize = 20;

/// Reads an event of today from its type and its data, which may have no other members than it keeps.
///
/// # Errors
/// The member that is missing, unknown or cannot be read; an empty name stands for the data as a whole.
pub fn parse_event<A: Aggregate>(kind: &str, data: &Value) -> Result<A::Event, FieldError> {
    let Value::Object(given) = data else {
        return Err(FieldError {
            field: String::new(),
            why: "must be an object with what the event says".to_owned(),
        });
    };
    let event: A::Event = read(kind, data)?;
    let kept = serde_json::to_value(&event).unwrap_or_default();
    let is_kept = |name: &&String| kept["data"].get(name.as_str()).is_some();
    // OK because what is left out where it is null is nothing that was dropped.
    let dropped = given.iter().filter(|(_, value)| !value.is_null());
    match dropped.map(|(name, _)| name).find(|name| !is_kept(name)) {
        Some(name) => Err(FieldError {
            field: name.clone(),
            why: "unknown, this event has no such field".to_owned(),
        }),
        None => Ok(event),
    }
}

/// Reads a value of the JSON form `{"type", "data"}`.
fn read<T: DeserializeOwned>(kind: &str, data: &Value) -> Result<T, FieldError> {
    // OK because the tag comes first: after it serde reads the data where they are, and knows the path to a bad one.
    let tag = Value::from(kind);
    let parts = [("type", &tag), ("data", data)];
    let typed = MapDeserializer::new(parts.into_iter());
    serde_path_to_error::deserialize(typed).map_err(
        |error: serde_path_to_error::Error<serde_json::Error>| {
            let field = error.path().to_string();
            let field = field.strip_prefix("data.").unwrap_or(&field);
            let field = if field == "data" { "" } else { field };
            FieldError {
                field: field.to_owned(),
                why: error.inner().to_string(),
            }
        },
    )
}
