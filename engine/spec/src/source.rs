//! Source texts and places in them. What a person reads is `file:line:column`; inside, a place is
//! a byte range of a source.

use std::ops::Range;
use std::sync::Arc;

use crate::plan::Site;

/// A text that was read, and the name the user knows it by.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file as the user named it.
    pub name: Arc<str>,
    /// The whole text.
    pub text: Arc<str>,
    lines: Arc<[usize]>,
}

/// A byte range of one of several sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Number of the source.
    pub source: usize,
    /// The bytes.
    pub range: Range<usize>,
}

impl Source {
    /// Takes a text and finds its lines.
    pub fn new(name: &str, text: &str) -> Self {
        // Some editors begin a file with a byte order mark, which is no part of the text.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { name: name.into(), text: text.into(), lines: lines.into() }
    }

    /// Line and column, both from 1, of a byte offset. Columns count characters.
    pub fn position(&self, offset: usize) -> (u32, u32) {
        let offset = offset.min(self.text.len());
        let line = self.lines.partition_point(|start| *start <= offset).saturating_sub(1);
        let start = self.lines.get(line).copied().unwrap_or_default();
        let before = self.text.get(start..offset).unwrap_or_default();
        (number(line + 1), number(before.chars().count() + 1))
    }

    /// The place of a byte offset for messages.
    pub fn site(&self, offset: usize) -> Site {
        let (line, column) = self.position(offset);
        Site { file: self.name.clone(), line, column }
    }

    /// Byte offset of a line and column, both from 1, as YAML parsers report them.
    pub fn offset(&self, line: usize, column: usize) -> usize {
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len());
        let rest = self.text.get(start..).unwrap_or_default();
        let inside = rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at);
        start + inside
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let source = Source::new("a.yaml", "é: 1\nb: 2\n");
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(4), (1, 4));
        assert_eq!(source.position(6), (2, 1));
        assert_eq!(source.site(9).to_string(), "a.yaml:2:4");
        assert_eq!(source.offset(2, 4), 9);
    }
}
