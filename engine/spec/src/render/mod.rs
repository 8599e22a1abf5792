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
use crate::source::Place;

/// The place of a fault: file, line, column, end line, end column. Columns count characters.
fn location(diagnostics: &Diagnostics, diagnostic: &Diagnostic) -> Option<(String, u32, u32, u32, u32)> {
    location_of(diagnostics, &diagnostic.place)
}

fn location_of(diagnostics: &Diagnostics, place: &Place) -> Option<(String, u32, u32, u32, u32)> {
    let source = diagnostics.sources.get(place.source)?;
    let (line, column) = source.position(place.range.start);
    let (end_line, end_column) = source.position(place.range.end);
    Some((source.name.to_string(), line, column, end_line, end_column))
}
