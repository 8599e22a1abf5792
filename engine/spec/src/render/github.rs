//! For GitHub Actions: workflow commands that mark the line in a pull request.

use super::location;
use crate::diagnostic::{Diagnostics, Severity};

/// One command a fault.
pub fn github(diagnostics: &Diagnostics) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics.sorted() {
        let (file, line, column, end_line, end_column) = location(diagnostics, diagnostic).unwrap_or_default();
        // Columns are of one line; of a range over several GitHub shows the lines.
        let place = match end_line == line {
            true => format!("line={line},col={column},endColumn={}", end_column.max(column + 1) - 1),
            false => format!("line={line},endLine={end_line}"),
        };
        let level = match diagnostic.code.severity() {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let message = match &diagnostic.help {
            Some(help) => format!("{}\n{help}", diagnostic.message),
            None => diagnostic.message.clone(),
        };
        text.push_str(&format!(
            "::{level} file={},{place},title={}::{}\n",
            property(file.trim_start_matches("./")),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_property_or_a_command_is_escaped() {
        assert_eq!(property("a,b:c%d"), "a%2Cb%3Ac%25d");
        assert_eq!(data("a: b, c\r\n100 %"), "a: b, c%0D%0A100 %25");
    }
}
