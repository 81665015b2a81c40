//! How what is found is written to stdout: for people, or for programs.

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::json;
use std::fmt::{Display, Write as _};
use std::io::{self, Write};

/// How what is found is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people: columns, or a sentence for each
    Table,
    /// One JSON document
    Json,
    /// A JSON object on a line for each
    Jsonl,
}

/// What has columns as a table.
pub trait Columns {
    /// Their names.
    const NAMES: &'static [&'static str];
    /// What stands in each.
    fn cells(&self) -> Vec<String>;
}

impl Output {
    /// A list with what it amounts to, in columns.
    pub fn columns<T: Columns + Serialize>(
        self,
        rows: &[T],
        summary: &impl Serialize,
    ) -> anyhow::Result<()> {
        self.list(rows, summary, |rows| {
            table(T::NAMES, rows.iter().map(T::cells))
        })
    }

    /// A list with what it amounts to, in sentences.
    pub fn sentences<T: Display + Serialize>(
        self,
        rows: &[T],
        summary: &impl Serialize,
    ) -> anyhow::Result<()> {
        self.list(rows, summary, |rows| {
            rows.iter()
                .map(|row| format!("{}\n", plain(&row.to_string())))
                .collect()
        })
    }

    /// One thing.
    pub fn document(
        self,
        document: &impl Serialize,
        table: impl FnOnce() -> String,
    ) -> anyhow::Result<()> {
        print(&match self {
            Self::Table => table(),
            Self::Json => format!("{}\n", serde_json::to_string_pretty(document)?),
            Self::Jsonl => format!("{}\n", serde_json::to_string(document)?),
        })
    }

    fn list<T: Serialize>(
        self,
        rows: &[T],
        summary: &impl Serialize,
        table: impl FnOnce(&[T]) -> String,
    ) -> anyhow::Result<()> {
        match self {
            Self::Table => print(&table(rows)),
            Self::Json => {
                let document = json!({ "data": rows, "summary": summary });
                print(&format!("{}\n", serde_json::to_string_pretty(&document)?))
            }
            Self::Jsonl => {
                let mut lines = String::new();
                for row in rows {
                    lines += &serde_json::to_string(row)?;
                    lines.push('\n');
                }
                print(&lines)
            }
        }
    }
}

/// Columns that are as wide as what stands in them; nothing at all where there are no rows.
pub fn table(names: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(names.iter().map(|name| name.to_uppercase()));
    let mut is_empty = true;
    for cells in rows {
        is_empty = false;
        table.add_row(cells.iter().map(|cell| plain(cell)));
    }
    if is_empty {
        return String::new();
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    format!("{}\n", table.trim_fmt())
}

/// A text that a terminal shows as it is: what callers put into names and reasons moves no cursor, and hides nothing.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        // What turns the direction of writing is no control character, and makes a text look like another one.
        let turns = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        match character {
            '\n' => plain.push_str("\\n"),
            character if character.is_control() || turns => {
                // OK because a String takes whatever is written to it.
                let _ = write!(plain, "\\u{{{:x}}}", u32::from(character));
            }
            character => plain.push(character),
        }
    }
    plain
}

/// Writes to stdout.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_stands_in_them() {
        let rows =
            [["users", "0"], ["statistics", "12"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(
            table(&["consumer", "pending"], rows),
            "CONSUMER    PENDING\nusers       0\nstatistics  12\n"
        );
        assert_eq!(table(&["consumer"], []), "");
    }

    #[test]
    fn what_callers_wrote_moves_no_cursor() {
        assert_eq!(
            plain("Zoë\u{1b}[2J\r\nx\u{9b}\u{202e}"),
            "Zoë\\u{1b}[2J\\u{d}\\nx\\u{9b}\\u{202e}"
        );
    }
}
