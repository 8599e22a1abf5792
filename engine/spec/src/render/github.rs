//! For GitHub Actions: workflow commands that mark the line in a pull request.

use super::location;
use crate::diagnostic::{Diagnostics, Severity};

/// One command a fault.
pub fn github(diagnostics: &Diagnostics) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics.sorted() {
        let (file, line, column, _, _) = location(diagnostics, diagnostic).unwrap_or_default();
        let level = match diagnostic.code.severity() {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let message = match &diagnostic.help {
            Some(help) => format!("{}\n{help}", diagnostic.message),
            None => diagnostic.message.clone(),
        };
        text.push_str(&format!(
            "::{level} file={},line={line},col={column},title={}::{}\n",
            property(&file),
            diagnostic.code.name(),
            data(&message)
        ));
    }
    text
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
