//! The file of a push: YAML, JSON or CSV of people and groups, read into rows.
//!
//! YAML and JSON have a list for each section, CSV has one person a line. Values are texts, numbers
//! and booleans; `groups` and `members` are lists, in CSV separated by `;`. An empty cell says nothing.

use std::path::Path;

use engine_json::{Map, Value as Json};
use engine_run::push::{Row, Section, Wanted};

use crate::exit::Failure;

/// Reads a file; its name says which form it has.
pub fn read(path: &Path) -> Result<Wanted, Failure> {
    let shown = path.display().to_string();
    let text =
        std::fs::read_to_string(path).map_err(|error| Failure::usage(format!("cannot read {shown}: {error}")))?;
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        Some("csv") => table(&shown, &text),
        // JSON is YAML too, and this reader refuses a key that stands twice.
        _ => {
            let wrong = |error: serde_yaml::Error| Failure::usage(format!("{shown} cannot be read: {error}"));
            let read: serde_yaml::Value = serde_yaml::from_str(&text).map_err(wrong)?;
            sections(&shown, serde_yaml::from_value(read).map_err(wrong)?)
        }
    }
}

fn sections(shown: &str, json: Json) -> Result<Wanted, Failure> {
    let form = || {
        Failure::usage(format!("{shown} is not a map of lists"))
            .hint("write `people:` with a list of people, and `groups:` with a list of groups")
    };
    let Json::Object(members) = json else { return Err(form()) };
    let mut wanted = Wanted::default();
    for (kind, rows) in members {
        let Json::Array(list) = rows else { return Err(form()) };
        let mut section = Section { kind: kind.clone(), rows: Vec::new() };
        for (number, row) in list.into_iter().enumerate() {
            let place = format!("{shown}, {kind} {}", number + 1);
            let Json::Object(values) = row else {
                return Err(Failure::usage(format!("{place}: a map is due, such as `email: …`")));
            };
            section.rows.push(row_of(place, values)?);
        }
        wanted.sections.push(section);
    }
    Ok(wanted)
}

fn row_of(place: String, values: Map) -> Result<Row, Failure> {
    let mut row = Row { place, ..Row::default() };
    for (key, value) in values {
        let wrong = |what: &str| Failure::usage(format!("{}: `{key}` is {what}", row.place));
        match (key.as_str(), value) {
            (_, Json::Null) => {}
            ("active", Json::Bool(active)) => row.active = Some(active),
            ("active", _) => return Err(wrong("true or false")),
            ("groups" | "members", Json::Array(items)) => {
                let texts: Option<Vec<String>> = items.iter().map(scalar).collect();
                let texts = texts.ok_or_else(|| wrong("a list of texts"))?;
                if key == "groups" {
                    row.groups = Some(texts);
                } else {
                    row.members = Some(texts);
                }
            }
            ("groups" | "members", _) => return Err(wrong("a list")),
            (_, value) => {
                let text = scalar(&value).ok_or_else(|| wrong("a text, a number or true or false"))?;
                row.values.insert(key, text);
            }
        }
    }
    Ok(row)
}

fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.trim().to_owned()),
        Json::Number(_) | Json::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// One person a line; the first line names the columns. An empty cell says nothing.
fn table(shown: &str, text: &str) -> Result<Wanted, Failure> {
    let fault = |error: csv::Error| Failure::usage(format!("{shown} is not CSV: {error}"));
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let columns: Vec<String> = reader.headers().map_err(fault)?.iter().map(str::to_owned).collect();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(fault)?;
        let line = record.position().map_or(0, csv::Position::line);
        let mut row = Row { place: format!("{shown}:{line}"), ..Row::default() };
        for (column, cell) in columns.iter().zip(&record) {
            match column.as_str() {
                // A lone `;` says that there are none.
                "groups" if !cell.is_empty() => {
                    let groups = cell.split(';').map(str::trim).filter(|group| !group.is_empty());
                    row.groups = Some(groups.map(str::to_owned).collect());
                }
                "active" if !cell.is_empty() => {
                    row.active = Some(match cell.to_ascii_lowercase().as_str() {
                        "true" | "1" => true,
                        "false" | "0" => false,
                        _ => return Err(Failure::usage(format!("{}: `active` is true or false", row.place))),
                    });
                }
                _ if cell.is_empty() => {}
                column => {
                    row.values.insert(column.to_owned(), cell.to_owned());
                }
            }
        }
        rows.push(row);
    }
    Ok(Wanted { sections: vec![Section { kind: "people".to_owned(), rows }] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_person_a_line_and_empty_cells_say_nothing() {
        let wanted =
            table("p.csv", "email,given_name,active,groups\na@x.example, Ada ,true,Staff; Ops\nb@x.example,,,\n")
                .unwrap();
        let [first, second] = wanted.sections[0].rows.as_slice() else { panic!("two rows") };
        assert_eq!(first.values["given_name"], "Ada");
        assert_eq!((first.active, first.groups.clone()), (Some(true), Some(vec!["Staff".into(), "Ops".into()])));
        assert_eq!((second.values.len(), second.active, second.groups.clone()), (1, None, None));
        assert_eq!(second.place, "p.csv:3");
    }

    #[test]
    fn a_file_of_another_shape_is_refused_with_its_place() {
        let json = engine_json::json!({"people": [{"email": "a@x.example", "groups": "Staff"}]});
        assert!(sections("p.yaml", json).unwrap_err().message.contains("p.yaml, people 1: `groups` is a list"));
        assert!(sections("p.yaml", engine_json::json!([])).is_err());
    }
}
