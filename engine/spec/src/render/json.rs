//! For programs: one object with a list.

use serde_json::{Value as Json, json};

use super::location;
use crate::diagnostic::{Diagnostics, Severity};

/// All faults by place: `{"diagnostics": [{"code", "severity", "message", "help", "file", "line", "column", "end_line", "end_column"}]}`.
pub fn json(diagnostics: &Diagnostics) -> Json {
    let list: Vec<Json> = diagnostics
        .sorted()
        .into_iter()
        .map(|diagnostic| {
            let (file, line, column, end_line, end_column) = location(diagnostics, diagnostic).unwrap_or_default();
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
            })
        })
        .collect();
    json!({ "diagnostics": list })
}
