//! Faults as people and programs read them.

mod github;
mod human;
mod json;
mod sarif;

pub use github::github;
pub use human::human;
pub use json::json;
pub use sarif::sarif;

use crate::diagnostic::{Diagnostic, Diagnostics};

/// The place of a fault: file, line, column, end line, end column.
fn location(diagnostics: &Diagnostics, diagnostic: &Diagnostic) -> Option<(String, u32, u32, u32, u32)> {
    let source = diagnostics.sources.get(diagnostic.place.source)?;
    let (line, column) = source.position(diagnostic.place.range.start);
    let (end_line, end_column) = source.position(diagnostic.place.range.end);
    Some((source.name.to_string(), line, column, end_line, end_column))
}
