//! Which paths of a row are read, and whether a value, a condition or a request reads one.

use std::collections::BTreeSet;

use engine_spec::expression::{Expression, Key};
use engine_spec::path::Path;
use engine_spec::plan::{Value, ValueKind};

use super::{Feeds, Reader, Use, What, inside};

impl<'p> Feeds<'p> {
    /// The paths of the row that are read, each once, in order.
    pub fn paths(&self) -> Vec<Path> {
        let mut paths = Vec::new();
        for reader in self.uses.iter().map(|of| &of.reader).chain(&self.filters) {
            match reader.what {
                What::Value(value) => self.value_paths(value, reader.of_row, &mut paths),
                What::Expression(expression) => self.expression_paths(expression, reader.of_row, &mut paths),
                What::Path(path) if reader.of_row => paths.push(path.clone()),
                What::Path(_) => {}
            }
        }
        let mut seen = BTreeSet::new();
        // Row and list themselves are other disturbances.
        paths.retain(|path| path.is_plain() && !path.names().is_empty() && seen.insert(path.text().to_owned()));
        paths
    }

    fn value_paths(&self, value: &'p Value, of_row: bool, paths: &mut Vec<Path>) {
        match &value.kind {
            ValueKind::Path(path, _) if of_row => paths.push(path.clone()),
            ValueKind::Template(template) => {
                template.expressions().for_each(|(expression, _)| self.expression_paths(expression, of_row, paths));
            }
            ValueKind::Cases(cases, _) => {
                cases.iter().for_each(|(when, _)| self.expression_paths(when, of_row, paths));
            }
            _ => {}
        }
        inside(value).for_each(|inner| self.value_paths(inner, of_row, paths));
    }

    fn expression_paths(&self, expression: &Expression, of_row: bool, paths: &mut Vec<Path>) {
        for variable in expression.variables() {
            if self.is_row(&variable.root, of_row) {
                paths.push(Path::of_names(&names(&variable.rest)));
            }
        }
    }

    /// Whether something reads a path of the row.
    pub fn reads(&self, reader: Reader<'p>, path: &Path) -> bool {
        self.reader_reads(reader, path, 0)
    }

    fn reader_reads(&self, reader: Reader<'p>, path: &Path, depth: usize) -> bool {
        match reader.what {
            What::Path(other) => reader.of_row && overlap(&other.names(), &path.names()),
            What::Expression(expression) => self.expression_reads(expression, reader.of_row, path, depth),
            What::Value(value) => self.value_reads(value, reader.of_row, path, depth),
        }
    }

    fn value_reads(&self, value: &'p Value, of_row: bool, path: &Path, depth: usize) -> bool {
        let expression_reads = |expression| self.expression_reads(expression, of_row, path, depth);
        let itself = match &value.kind {
            ValueKind::Path(own, _) => of_row && overlap(&own.names(), &path.names()),
            ValueKind::Template(template) => template.expressions().any(|(expression, _)| expression_reads(expression)),
            ValueKind::Cases(cases, _) => cases.iter().any(|(when, _)| expression_reads(when)),
            _ => false,
        };
        itself || inside(value).any(|inner| self.value_reads(inner, of_row, path, depth))
    }

    /// Whether a condition inside a value reads a path of the row, so that the value is another one
    /// without it.
    pub fn chooses_by(&self, value: &'p Value, of: &Use<'p>, path: &Path) -> bool {
        let reads = |condition| self.expression_reads(condition, of.reader.of_row, path, 0);
        let itself = matches!(&value.kind, ValueKind::Cases(cases, _) if cases.iter().any(|(when, _)| reads(when)));
        itself || inside(value).any(|inner| self.chooses_by(inner, of, path))
    }

    fn expression_reads(&self, expression: &'p Expression, of_row: bool, path: &Path, depth: usize) -> bool {
        expression.variables().iter().any(|variable| match variable.root.as_str() {
            root if self.is_row(root, of_row) => overlap(&names(&variable.rest), &path.names()),
            "row" | "listed" | "config" | "start" | "page" | "first" | "status" | "headers" | "parent" => false,
            name if self.foreign.contains(&name) => false,
            name => match self.lets.iter().find(|(known, _)| *known == name) {
                // Values that name each other in a circle are refused by the checker; this ends all the same.
                Some((_, reader)) => depth > 8 || self.reader_reads(*reader, path, depth + 1),
                None => true,
            },
        })
    }

    fn is_row(&self, root: &str, of_row: bool) -> bool {
        (of_row && root == "row") || self.names.contains(&root)
    }
}

/// The names that a variable goes through.
fn names(keys: &[Key]) -> Vec<&str> {
    keys.iter()
        .map_while(|key| match key {
            Key::Name(name) => Some(name.as_str()),
            Key::Index(_) => None,
        })
        .collect()
}

/// Whether one way begins with the other. A path that is more than names has no names, and overlaps all.
fn overlap(one: &[&str], other: &[&str]) -> bool {
    one.iter().zip(other).all(|(one, other)| one == other)
}
