//! Index rows as they are kept beside a document: many have their sort key in common, which is then written once.

use crate::{Row, RowChange};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A sort key, and the partitions that follow it.
type Group = Vec<String>;

/// Rows one after another that have a sort key in common, together.
fn groups<'r>(rows: impl IntoIterator<Item = &'r Row>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for Row { partition, sort } in rows {
        match groups.last_mut() {
            Some(group) if group.first() == Some(sort) => group.push(partition.clone()),
            _ => groups.push(vec![sort.clone(), partition.clone()]),
        }
    }
    groups
}

fn ungrouped(group: &Group) -> impl Iterator<Item = Row> {
    let (sort, partitions) = group.split_first().unzip();
    let partitions: &[String] = partitions.unwrap_or_default();
    partitions.iter().map(move |partition| Row {
        partition: partition.clone(),
        sort: sort.cloned().unwrap_or_default(),
    })
}

pub(crate) mod rows {
    use super::*;

    /// What a list of rows may hold: until they were grouped, they were rows.
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Kept {
        Group(Group),
        Row(Row),
    }

    pub(crate) fn serialize<S: Serializer>(rows: &[Row], to: S) -> Result<S::Ok, S::Error> {
        groups(rows).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Row>, D::Error> {
        let mut rows = Vec::new();
        for kept in Vec::<Kept>::deserialize(from)? {
            match kept {
                Kept::Group(group) => rows.extend(ungrouped(&group)),
                Kept::Row(row) => rows.push(row),
            }
        }
        Ok(rows)
    }
}

pub(crate) mod changes {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Grouped {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        come: Vec<Group>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        gone: Vec<Group>,
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Kept {
        Changes(Vec<RowChange>),
        Grouped(Grouped),
    }

    pub(crate) fn serialize<S: Serializer>(
        changes: &[RowChange],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let groups = |gone| {
            let changes = changes.iter().filter(move |change| change.gone == gone);
            groups(changes.map(|change| &change.row))
        };
        let (come, gone) = (groups(false), groups(true));
        Grouped { come, gone }.serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<RowChange>, D::Error> {
        let Grouped { come, gone } = match Kept::deserialize(from)? {
            Kept::Changes(changes) => return Ok(changes),
            Kept::Grouped(grouped) => grouped,
        };
        let come = come.iter().flat_map(ungrouped).map(RowChange::come);
        let gone = gone.iter().flat_map(ungrouped).map(RowChange::gone);
        Ok(come.chain(gone).collect())
    }
}

#[cfg(test)]
mod tests {
    use crate::dynamodb::Item;
    use crate::{Row, RowChange, StoredDocument};
    use serde_json::json;

    fn row(partition: &str, sort: &str) -> Row {
        Row {
            partition: partition.to_owned(),
            sort: sort.to_owned(),
        }
    }

    fn document() -> StoredDocument {
        let rows = vec![
            row("list#all#1", "t#a"),
            row("list#active#1", "t#a"),
            row("email#x", "#a"),
        ];
        let pending = vec![
            RowChange::come(rows[0].clone()),
            RowChange::gone(rows[2].clone()),
        ];
        StoredDocument {
            id: "a".into(),
            rows,
            pending,
            ..StoredDocument::default()
        }
    }

    #[test]
    fn a_sort_key_is_written_once_for_all_rows_that_have_it() {
        let written = serde_json::to_value(document()).expect("it has JSON");
        assert_eq!(
            written["rows"],
            json!([["t#a", "list#all#1", "list#active#1"], ["#a", "email#x"]])
        );
        assert_eq!(
            written["pending"],
            json!({ "come": [["t#a", "list#all#1"]], "gone": [["#a", "email#x"]] })
        );
        let item: Item = serde_dynamo::to_item(document()).expect("it has an item");
        let read: StoredDocument = serde_dynamo::from_item(item).expect("it is whole");
        assert_eq!(read, document());
    }

    #[test]
    fn rows_stay_in_their_order() {
        let rows = vec![
            row("list#all#1", "t#a"),
            row("email#x", "#a"),
            row("list#active#1", "t#a"),
        ];
        let document = StoredDocument { rows, ..document() };
        let item: Item = serde_dynamo::to_item(&document).expect("it has an item");
        let read: StoredDocument = serde_dynamo::from_item(item).expect("it is whole");
        assert_eq!(read, document);
    }

    #[test]
    fn rows_that_were_written_one_by_one_are_read() {
        let row = |row: &Row| json!({ "partition": row.partition, "sort": row.sort });
        let document = document();
        let rows: Vec<_> = document.rows.iter().map(row).collect();
        let changes = document.pending.iter();
        let pending: Vec<_> = changes
            .map(|change| json!({ "row": row(&change.row), "gone": change.gone }))
            .collect();
        let old = json!({ "id": "a", "applied": 0, "rows": rows, "pending": pending });
        let item: Item = serde_dynamo::to_item(old).expect("it has an item");
        let read: StoredDocument = serde_dynamo::from_item(item).expect("it is whole");
        assert_eq!(read, document);
    }
}
