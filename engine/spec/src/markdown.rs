//! Markdown (CommonMark with the tables of GitHub), made of texts that others wrote.
//!
//! In: the texts of a spec. Out: Markdown that shows them as they are, whatever they hold.

use std::fmt::Write;

/// A text of an author in running prose: what stands between backticks stays code, and nothing
/// else of it is taken for markup.
pub fn prose(text: &str) -> String {
    let closed = text.matches('`').count().is_multiple_of(2);
    let mut shown = String::new();
    for (at, piece) in text.split('`').enumerate() {
        if at > 0 {
            shown.push_str(if closed { "`" } else { "\\`" });
        }
        if closed && at % 2 == 1 {
            shown.push_str(piece);
            continue;
        }
        for character in piece.chars() {
            if matches!(character, '<' | '*' | '[' | ']' | '\\') {
                shown.push('\\');
            }
            shown.push(character);
        }
    }
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text as code.
pub fn code(text: &str) -> String {
    // A span of code ends at as many backticks as it began with.
    let runs = text.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(runs + 1);
    let space = if runs > 0 { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// Several texts as code, separated by commas.
pub fn codes<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    texts.into_iter().map(|text| code(text.as_ref())).collect::<Vec<_>>().join(", ")
}

/// An address as a link.
pub fn address(url: &str) -> String {
    format!("<{}>", url.replace(['<', '>', ' '], ""))
}

/// Markdown as the content of a cell of a table.
pub fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// A block of code.
pub fn block(language: &str, text: &str) -> String {
    format!("```{language}\n{}\n```\n", text.trim_end())
}

/// A table; rows are as wide as its head.
pub struct Table {
    text: String,
}

impl Table {
    /// A table with these columns.
    pub fn new(columns: &[&str]) -> Self {
        let mut text = String::new();
        let _ = writeln!(text, "| {} |", columns.join(" | "));
        let _ = writeln!(text, "| {} |", vec!["---"; columns.len()].join(" | "));
        Self { text }
    }

    /// Adds a row.
    pub fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        let cells: Vec<String> = cells.into_iter().map(|text| cell(text.as_ref())).collect();
        let _ = writeln!(self.text, "| {} |", cells.join(" | "));
    }

    /// The table as text.
    pub fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_author_wrote_is_shown_and_never_taken_for_markup() {
        assert_eq!(prose("use <b> and `<i>`"), "use \\<b> and `<i>`");
        assert_eq!(prose("org-* and [x](y)\n  second"), "org-\\* and \\[x\\](y) second");
        assert_eq!(prose("an open ` one"), "an open \\` one");
    }

    #[test]
    fn code_may_hold_backticks_and_cells_may_hold_bars() {
        assert_eq!(code("a`b"), "`` a`b ``");
        let mut table = Table::new(&["a", "b"]);
        table.row(["x|y", "two\nlines"]);
        assert_eq!(table.finish(), "| a | b |\n| --- | --- |\n| x\\|y | two lines |\n");
    }
}
