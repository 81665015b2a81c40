//! Events as the tool shows them.

use crate::output::{Columns, plain};
use serde::Serialize;
use serde_json::Value;

/// An event of one stream, as [`past::view`] shows it.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Event(pub Value);

/// An event of any stream.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Happened(pub Event);

impl Event {
    fn text(&self, name: &str) -> String {
        match &self.0[name] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    /// What it says beyond its type; or that it cannot be read.
    fn data(&self) -> String {
        match self.text("unreadable") {
            unreadable if unreadable.is_empty() => self.text("data"),
            unreadable => unreadable,
        }
    }

    /// Whether somebody of this name did it.
    pub fn is_of(&self, actor: &str) -> bool {
        self.0["actor"] == actor
    }
}

impl Columns for Event {
    const NAMES: &'static [&'static str] = &["version", "time", "type", "actor", "reason", "data"];

    fn cells(&self) -> Vec<String> {
        let mut cells: Vec<_> = ["version", "timestamp", "type", "actor", "reason"]
            .map(|name| self.text(name))
            .into();
        cells.push(self.data());
        cells
    }
}

impl Columns for Happened {
    const NAMES: &'static [&'static str] = &[
        "time", "stream", "version", "type", "actor", "reason", "data",
    ];

    fn cells(&self) -> Vec<String> {
        let Self(event) = self;
        let mut cells: Vec<_> = ["timestamp", "stream", "version", "type", "actor", "reason"]
            .map(|name| event.text(name))
            .into();
        cells.push(event.data());
        cells
    }
}

impl Happened {
    /// A line of its own, where it is not known what others will follow.
    pub fn line(&self) -> String {
        let Self(event) = self;
        let reason = Some(event.text("reason")).filter(|reason| !reason.is_empty());
        let reason = reason.map(|reason| format!(", because: {reason}"));
        let line = format!(
            "{}  {} at {:<4} {:<20} by {}{}  {}",
            event.text("timestamp"),
            event.text("stream"),
            event.text("version"),
            event.text("type"),
            event.text("actor"),
            reason.unwrap_or_default(),
            event.data(),
        );
        plain(&line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_is_a_line_and_a_row() {
        let event = Event(json!({
            "stream": "user-1", "version": 2, "type": "UserDeleted", "timestamp": "2026-11-21T15:47:00.000000Z",
            "actor": "mei", "reason": "clean-up\u{1b}[2J", "data": { "name": "Sarah" },
        }));
        assert_eq!(
            event.cells(),
            [
                "2",
                "2026-11-21T15:47:00.000000Z",
                "UserDeleted",
                "mei",
                "clean-up\u{1b}[2J",
                r#"{"name":"Sarah"}"#
            ]
        );
        assert_eq!(
            Happened(event).line(),
            r#"2026-11-21T15:47:00.000000Z  user-1 at 2    UserDeleted          by mei, because: clean-up\u{1b}[2J  {"name":"Sarah"}"#
        );
    }

    #[test]
    fn what_cannot_be_read_is_shown_as_that() {
        let event = Event(past::unreadable("user-1", 3));
        assert_eq!(event.cells()[0], "3");
        assert!(
            event.cells()[5].starts_with("what is stored cannot be read"),
            "{event:?}"
        );
    }
}
