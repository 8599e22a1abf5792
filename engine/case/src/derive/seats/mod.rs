//! Seats: where the rows of an answer stand, those inside other rows too, and what reads them there.
//!
//! A row is what `$` stands for somewhere in the plan: an element of a list, a detail, an element of
//! a list inside a row (`unnest`, `pick`, `emails`), a member of an object (`entries`), a line under
//! `columns`. One element may have several readers: two rules that unnest the same list.

mod finder;

use std::collections::BTreeSet;

use engine_json::Value as Json;
use engine_spec::expression::Expression;
use engine_spec::path::Path;
use engine_spec::plan::{Source, Unnest, Value};

pub(super) use self::finder::{given, seats};
use super::feeds::Slot;
use super::spots::Rows;

/// A row where it stands.
pub(super) struct Seat<'p> {
    /// How names say it, before the request: `row 2 of `; nothing for the only row of an answer.
    pub says: String,
    /// The list inside the row that it is an element of, and those around that.
    pub inside: String,
    /// The row, as values see it.
    pub row: Json,
    /// What the records of the row may hold of it and of the rows around it.
    pub texts: BTreeSet<String>,
    /// What reads it.
    pub readings: Vec<Reading<'p>>,
    place: Place,
}

/// What reads a row.
#[derive(Clone)]
pub(super) struct Reading<'p> {
    /// The source whose row it is.
    pub source: &'p Source,
    /// What the source's rows become.
    pub rows: Rows,
    /// Where in the source it is read.
    pub level: Level<'p>,
    /// What is made of it.
    pub made: Made,
    /// The resource that the row around makes, if the elements of a list inside it are read.
    pub around: Option<(String, String)>,
    /// Whether something between the row around and this one may leave it out.
    pub is_conditional: bool,
}

impl Reading<'_> {
    /// Whether the row is not mapped itself, but the elements of a list inside it are.
    pub fn is_unnested(&self) -> bool {
        match &self.level {
            Level::Row => self.source.unnest.is_some(),
            Level::Inner(level) => level.unnest.is_some(),
            Level::Listed | Level::Detail(_) | Level::Element(_) => false,
        }
    }
}

/// Where a source reads a row.
#[derive(Clone)]
pub(super) enum Level<'p> {
    /// A row of the list, for whose place a detail is asked.
    Listed,
    /// A detail under a name.
    Detail(&'p str),
    /// The row.
    Row,
    /// An element of a list inside the row.
    Inner(&'p Unnest),
    /// An element of a list that a value of the row chooses from.
    Element(Element<'p>),
}

/// What a value makes of the elements of a list.
#[derive(Clone)]
pub(super) struct Element<'p> {
    /// The value.
    pub of: &'p Value,
    /// The part of an element that counts.
    pub take: Option<&'p Value>,
    /// Which elements count.
    pub condition: Option<&'p Expression>,
    /// What the value is for.
    pub slot: Slot,
}

/// What is made of a row, as far as the rows themselves tell.
#[derive(Clone, Default)]
pub(super) struct Made {
    /// A resource: its type and its id.
    pub resource: Option<(String, String)>,
    /// Grants that have these: the id of the holder.
    pub principal: Option<String>,
    /// The id of what is held.
    pub held: Option<String>,
}

#[derive(Clone, PartialEq, Eq)]
struct Place {
    /// RFC 6901, from the body.
    pointer: String,
    form: Form,
}

#[derive(Clone, PartialEq, Eq)]
enum Form {
    /// The node is the row.
    Node,
    /// The node is the value of a member; the row has `key` and `value`.
    Entry,
    /// The node is a list of values under these names.
    Cells(Vec<String>),
}

impl Seat<'_> {
    /// Makes the value null that a path of the row leads to, or takes it away. `false` where that
    /// cannot be: a value under `columns` and the value of a member are always there.
    pub fn disturb(&self, body: &mut Json, path: &Path, is_null: bool) -> bool {
        let Some(node) = body.pointer_mut(&self.place.pointer) else { return false };
        let (node, path) = match &self.place.form {
            Form::Node => (node, path.clone()),
            Form::Entry => match path.split_first() {
                Some(("value", rest)) => (node, rest),
                _ => return false,
            },
            Form::Cells(names) => {
                let Some((first, rest)) = path.split_first() else { return false };
                let cell = names.iter().position(|name| name == first);
                match cell.and_then(|cell| node.get_mut(cell)) {
                    Some(cell) => (cell, rest),
                    None => return false,
                }
            }
        };
        (is_null && path.put(node, Json::Null)) || path.remove(node).is_some()
    }

    /// What is read, apart from which row it is: rows that have it in common are disturbed alike.
    pub fn kind(&self) -> String {
        let lines = self.readings.iter().map(|reading| match &reading.level {
            Level::Inner(level) => format!("{}:{}", reading.source.site, level.site),
            Level::Element(element) => format!("{}:{}", reading.source.site, element.of.site),
            _ => reading.source.site.to_string(),
        });
        format!("{}{}", self.inside, lines.collect::<Vec<_>>().join(" "))
    }
}
