//! Rows by their `id`, in the order in which they came. A row is a JSON object; an id may be text
//! or a number.

use serde_json::Value as Json;

/// The rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table(Vec<Json>);

impl Table {
    /// A row.
    pub fn get(&self, id: &str) -> Option<&Json> {
        self.rows().find(|row| id_of(row) == id)
    }

    /// A row, to change.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut Json> {
        self.0.iter_mut().find(|row| id_of(row) == id)
    }

    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = &Json> {
        self.0.iter()
    }

    /// All rows, to change.
    pub fn rows_mut(&mut self) -> impl Iterator<Item = &mut Json> {
        self.0.iter_mut()
    }

    /// Adds a row, or puts it in the place of the one with its id.
    pub fn put(&mut self, row: Json) {
        match self.get_mut(&id_of(&row)) {
            Some(known) => *known = row,
            None => self.0.push(row),
        }
    }

    /// Removes a row; tells whether it was there.
    pub fn remove(&mut self, id: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|row| id_of(row) != id);
        self.0.len() < before
    }
}

/// The id of a row as text.
pub fn id_of(row: &Json) -> String {
    text(&row["id"])
}

/// A text or a number as text.
pub fn text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
