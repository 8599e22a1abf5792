//! Rows inside an answer: taken out of it as the spec sees them, and put back in the form in which
//! they came, be it an array of objects, the members of an object, or arrays of values under names.

use std::borrow::Cow;
use std::collections::BTreeSet;

use engine_json::{Map, Value as Json, json};
use engine_spec::document::page::LastWord;
use engine_spec::path::Path;
use engine_spec::plan::{Columns, NoWitness, PageKind, PageRules, Take, Value, entry};
use engine_spec::scope::Scope;

use crate::lists::Known;
use crate::rows::purge;

impl Known<'_> {
    /// The rows of an answer whose values have these names, where they have none themselves; nothing
    /// where there is nothing to take rows from.
    pub fn rows<'a>(&self, columns: &[String], answer: &'a Json) -> Option<Vec<Cow<'a, Json>>> {
        let body = self.unwrapped(answer)?;
        let found = self.place(body)?.one(body)?;
        match &self.source.take {
            Take::Entries(_) => {
                let members = found.as_object()?.iter();
                Some(members.map(|(key, value)| Cow::Owned(entry(key, value))).collect())
            }
            Take::Columns { .. } => {
                let columns = Columns::new(columns);
                found.as_array()?.iter().map(|cells| Some(Cow::Owned(columns.row(cells)?))).collect()
            }
            _ => Some(found.as_array()?.iter().map(Cow::Borrowed).collect()),
        }
    }

    /// Whether rows can be taken from an answer.
    pub fn has_rows(&self, answer: &Json) -> bool {
        self.unwrapped(answer).is_some_and(|body| self.place(body).is_some_and(|path| path.one(body).is_some()))
    }

    /// The answer with other rows; nothing where they cannot be put there.
    pub fn with_rows(&self, columns: &[String], answer: &Json, rows: Vec<Json>) -> Option<Json> {
        let body = self.unwrapped(answer)?;
        let place = self.place(body).filter(|path| path.is_plain())?;
        let rows = match &self.source.take {
            Take::Entries(_) => Json::Object(rows.into_iter().map(member).collect::<Option<_>>()?),
            Take::Columns { .. } => {
                let cells = |row: Json| columns.iter().map(|name| row.get(name).cloned().unwrap_or_default()).collect();
                Json::Array(rows.into_iter().map(cells).collect())
            }
            _ => Json::Array(rows),
        };
        let mut body = body.clone();
        if !place.put(&mut body, rows) {
            return None;
        }
        match self.unwrap {
            None => Some(body),
            Some(unwrap) => {
                let mut whole = answer.clone();
                (unwrap.is_plain() && unwrap.put(&mut whole, body)).then_some(whole)
            }
        }
    }

    /// The answer without the rows that refer to something that is gone, where its rows do not stand
    /// there as objects: what is no row of its own must not be taken out of one.
    pub fn purged(&self, columns: &[String], answer: &Json, gone: &BTreeSet<String>) -> Option<Json> {
        if !matches!(self.source.take, Take::Entries(_) | Take::Columns { .. }) {
            return None;
        }
        let mut rows: Json = self.rows(columns, answer)?.into_iter().map(Cow::into_owned).collect();
        purge(&mut rows, gone);
        match rows {
            Json::Array(rows) => self.with_rows(columns, answer, rows),
            _ => None,
        }
    }

    /// The names of the values in rows, as the first answer of a list tells them.
    pub fn columns(&self, first: &Json) -> Vec<String> {
        self.unwrapped(first).and_then(|body| self.source.column_names(first, body)).unwrap_or_default()
    }

    /// The key of a row, where the next request names it.
    pub fn key(&self, row: &Json) -> Option<Json> {
        let PageKind::Keyset { key, .. } = &self.rules?.kind else { return None };
        yielded(key, row)
    }

    /// Rows that a page must have for another to follow, as the rules say or as one of its answers
    /// shows.
    pub fn full_page(&self, columns: &[String], answer: &Json) -> Option<usize> {
        let rules = self.rules?;
        let limit = rules.limit.as_ref().map(|limit| usize::try_from(limit.value).unwrap_or(usize::MAX));
        if rules.last.contains(&LastWord::ShortPage) {
            return limit;
        }
        let rows = self.rows(columns, answer)?;
        let one =
            self.with_rows(columns, answer, rows.first().map(|row| row.as_ref().clone()).into_iter().collect())?;
        (!ends(rules, answer) && ends(rules, &one)).then_some(rows.len())
    }

    fn unwrapped<'a>(&self, answer: &'a Json) -> Option<&'a Json> {
        self.unwrap.map_or(Some(answer), |path| path.one(answer))
    }

    /// Where the rows of an answer stand.
    fn place(&self, body: &Json) -> Option<&Path> {
        match &self.source.take {
            Take::Items { paths, .. } => paths.iter().find(|path| path.one(body).is_some_and(Json::is_array)),
            Take::Entries(path) | Take::Columns { rows: path, .. } => Some(path),
            Take::Item(_) | Take::Rows => None,
        }
    }
}

/// Whether a condition of `last` says that an answer is the last one.
fn ends(rules: &PageRules, answer: &Json) -> bool {
    let names = Map::from_iter([
        ("page".to_owned(), json!({ "limit": rules.limit.as_ref().map(|limit| limit.value) })),
        ("first".to_owned(), Json::Object(rules.firsts(answer))),
        ("headers".to_owned(), json!({})),
    ]);
    let root = Scope::root(&names);
    let scope = root.with_node("body", answer);
    rules.last_when.iter().any(|condition| condition.holds(&scope).unwrap_or(false))
}

/// What a value yields for a row.
pub(crate) fn yielded(value: &Value, row: &Json) -> Option<Json> {
    let nothing = Map::new();
    let root = Scope::root(&nothing);
    let found = value.yields(&root.with_node("row", row), &NoWitness).ok()?;
    found.map(Cow::into_owned).filter(|found| !found.is_null())
}

/// A row as a member of an object.
fn member(row: Json) -> Option<(String, Json)> {
    let Json::Object(mut row) = row else { return None };
    let Some(Json::String(key)) = row.remove("key") else { return None };
    Some((key.into(), row.remove("value").unwrap_or_default()))
}
