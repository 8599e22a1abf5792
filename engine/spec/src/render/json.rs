//! For programs: one object with a list.

use serde_json::{Value as Json, json};

use super::{location, location_of};
use crate::diagnostic::{Diagnostics, Severity};

/// All faults by place: `{"diagnostics": [{"code", "severity", "message", "help", "file", "line", "column", "end_line", "end_column", "related"}]}`.
/// Columns count characters from 1; `related` is a second place that belongs to the fault, or null.
pub fn json(diagnostics: &Diagnostics) -> Json {
    let list: Vec<Json> = diagnostics
        .sorted()
        .into_iter()
        .map(|diagnostic| {
            let (file, line, column, end_line, end_column) = location(diagnostics, diagnostic).unwrap_or_default();
            let related = diagnostic.related.as_ref().and_then(|(place, label)| {
                let (file, line, column, end_line, end_column) = location_of(diagnostics, place)?;
                Some(json!({
                    "message": label,
                    "file": file,
                    "line": line,
                    "column": column,
                    "end_line": end_line,
                    "end_column": end_column,
                }))
            });
            json!({
                "code": diagnostic.code.name(),
                "severity": match diagnostic.code.severity() { Severity::Error => "error", Severity::Warning => "warning" },
                "message": diagnostic.message,
                "help": diagnostic.help,
                "file": file,
                "line": line,
                "column": column,
                "end_line": end_line,
                "end_column": end_column,
                "related": related,
            })
        })
        .collect();
    json!({ "diagnostics": list })
}
