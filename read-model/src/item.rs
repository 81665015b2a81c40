//! The item of a document: how large it is, and the condition that it is still the one that was read.

use crate::StoredDocument;
use crate::dynamodb::{Item, PARTITION, number, text};
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::HashMap;

/// How large the item of a document may be, of the 400 KB that DynamoDB takes: the rest is for its key, and for what may have
/// to be noted of it.
pub(crate) const MAX_SIZE: usize = 396 * 1024;

/// The condition that a document is the one that was read, or that there is none.
pub(crate) struct Unchanged {
    pub expression: String,
    pub names: HashMap<String, String>,
    pub values: Option<Item>,
}

impl Unchanged {
    pub fn of(document: Option<&StoredDocument>) -> Self {
        let name = |name: &str, of: &str| (name.to_owned(), of.to_owned());
        let Some(document) = document else {
            return Self {
                expression: "attribute_not_exists(#pk)".to_owned(),
                names: HashMap::from([name("#pk", PARTITION)]),
                values: None,
            };
        };
        let mut names = vec![
            name("#applied", "applied"),
            name("#fold", "fold"),
            name("#trouble", "trouble"),
        ];
        let mut values = vec![(":applied".to_owned(), number(document.applied))];
        let fold = match document.fold {
            0 => "attribute_not_exists(#fold)",
            fold => {
                values.push((":fold".to_owned(), number(fold.into())));
                "#fold = :fold"
            }
        };
        // A failure of the moment may be noted meanwhile; parking, and what ends it, is a change of the document.
        let trouble = match document.parked() {
            None => {
                names.push(name("#parked", "parked_by"));
                "attribute_not_exists(#trouble.#parked)"
            }
            Some(trouble) => {
                names.extend([name("#since", "since"), name("#attempts", "attempts")]);
                values.extend([
                    (":since".to_owned(), text(&trouble.since)),
                    (":attempts".to_owned(), number(trouble.attempts.into())),
                ]);
                "#trouble.#since = :since AND #trouble.#attempts = :attempts"
            }
        };
        Self {
            expression: format!("#applied = :applied AND {fold} AND {trouble}"),
            names: HashMap::from_iter(names),
            values: Some(HashMap::from_iter(values)),
        }
    }
}

/// What the item of a document takes, as DynamoDB counts it: names and values in UTF-8, numbers at their most.
pub(crate) fn item_size(document: &StoredDocument) -> usize {
    fn size(value: &AttributeValue) -> usize {
        const NUMBER: usize = 21;
        // Of a list or a map, and of each of their elements.
        const OVERHEAD: usize = 3;
        match value {
            AttributeValue::S(text) => text.len(),
            AttributeValue::N(_) => NUMBER,
            AttributeValue::L(list) => {
                list.iter().map(|value| 1 + size(value)).sum::<usize>() + OVERHEAD
            }
            AttributeValue::M(map) => named(map) + map.len() + OVERHEAD,
            _ => 1,
        }
    }
    fn named(map: &Item) -> usize {
        map.iter()
            .map(|(name, value)| name.len() + size(value))
            .sum()
    }
    // OK because what has no item is refused when it is written.
    serde_dynamo::to_item(document).map_or(0, |item: Item| named(&item)) + document.id.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Row, RowChange};

    #[test]
    fn index_rows_take_room_and_so_do_those_that_are_still_to_be_written() {
        let row = Row {
            partition: "x".repeat(1000),
            sort: "a".to_owned(),
        };
        let none = StoredDocument::default();
        let rows = vec![row.clone()];
        let pending = vec![RowChange::come(row)];
        let has = StoredDocument {
            rows,
            ..none.clone()
        };
        let owes = StoredDocument {
            pending,
            ..none.clone()
        };
        for document in [has, owes] {
            assert!(item_size(&document) > item_size(&none) + 1000);
        }
    }
}
