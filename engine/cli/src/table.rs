//! Tables for people: aligned columns, cut to the terminal, a bold header there.
//!
//! In: columns and the text of their cells, first all rows to measure, then all rows again to
//! write, so that no row is kept. Out: lines of text. Control characters are shown and not sent:
//! a display name comes from a vendor and must not steer a terminal. Data for programs is not
//! written here.

use std::borrow::Cow;
use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::output;

/// Between two columns.
const GAP: &str = "  ";
/// A column is not cut below this.
const NARROWEST: usize = 8;

/// One column of rows of a kind.
pub struct Column<R> {
    /// The header.
    pub title: &'static str,
    /// When it is cut.
    pub cut: Cut,
    /// The text of a row's cell.
    pub cell: fn(&R) -> String,
}

/// Which columns give way where the terminal is too narrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Gives way first: what people read.
    First,
    /// Gives way when nothing else is left: what people copy.
    Last,
}

/// What the table is written on.
#[derive(Clone, Copy, Debug)]
pub struct Surface {
    /// Columns of the terminal; `None` cuts nothing.
    pub width: Option<usize>,
    /// Whether the header is bold.
    pub bold: bool,
}

impl Surface {
    /// Standard output as it is: a terminal, or something that takes every width and no colour.
    pub fn of_stdout() -> Self {
        Self { width: output::stdout_width(), bold: output::stdout_colour() }
    }
}

/// A table that is being measured.
pub struct Draft<R: 'static> {
    columns: &'static [Column<R>],
    widths: Vec<usize>,
}

impl<R> Draft<R> {
    /// A table with these columns and no row.
    pub fn new(columns: &'static [Column<R>]) -> Self {
        Self { columns, widths: vec![0; columns.len()] }
    }

    /// Makes room for a row.
    pub fn measure(&mut self, row: &R) {
        for (column, width) in self.columns.iter().zip(&mut self.widths) {
            let cell = (column.cell)(row);
            *width = (*width).max(visible(&cell).width());
        }
    }

    /// The table at its final widths. Columns without any text are left out.
    pub fn fit(self, surface: Surface) -> Table<R> {
        let filled = self.columns.iter().zip(self.widths).filter(|(_, width)| *width > 0);
        let mut columns: Vec<Placed<R>> =
            filled.map(|(column, width)| Placed { column, width: width.max(column.title.width()) }).collect();
        if let Some(width) = surface.width {
            narrow(&mut columns, width);
        }
        Table { columns, bold: surface.bold }
    }
}

/// A column at its width.
struct Placed<R: 'static> {
    column: &'static Column<R>,
    width: usize,
}

/// A table that is being written.
pub struct Table<R: 'static> {
    columns: Vec<Placed<R>>,
    bold: bool,
}

impl<R> Table<R> {
    /// Writes the header.
    pub fn write_header(&self, out: &mut dyn Write) -> io::Result<()> {
        let line = self.line(|column| Cow::Borrowed(column.title));
        match (line.is_empty(), self.bold) {
            (true, _) => Ok(()),
            (false, true) => writeln!(out, "\u{1b}[1m{line}\u{1b}[0m"),
            (false, false) => writeln!(out, "{line}"),
        }
    }

    /// Writes a row.
    pub fn write_row(&self, row: &R, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.line(|column| Cow::Owned((column.cell)(row))))
    }

    fn line(&self, cell: impl Fn(&Column<R>) -> Cow<'static, str>) -> String {
        let mut line = String::new();
        for (place, placed) in self.columns.iter().enumerate() {
            if place > 0 {
                line.push_str(GAP);
            }
            let text = cell(placed.column);
            let text = cut(visible(&text), placed.width);
            line.push_str(&text);
            line.extend(std::iter::repeat_n(' ', placed.width.saturating_sub(text.width())));
        }
        line.truncate(line.trim_end_matches(' ').len());
        line
    }
}

/// Makes columns narrower until they fit, the widest ones first; ids keep their width as long as
/// cutting names is enough.
fn narrow<R>(columns: &mut [Placed<R>], width: usize) {
    let gaps = GAP.len() * columns.len().saturating_sub(1);
    let width = width.saturating_sub(gaps);
    for give_way in [&[Cut::First] as &[Cut], &[Cut::First, Cut::Last]] {
        let total: usize = columns.iter().map(|placed| placed.width).sum();
        let yielding = |placed: &Placed<R>| give_way.contains(&placed.column.cut);
        let fixed: usize = columns.iter().filter(|placed| !yielding(placed)).map(|placed| placed.width).sum();
        if total <= width {
            return;
        }
        let widths = columns.iter().filter(|placed| yielding(placed)).map(|placed| placed.width);
        let widest = level(widths.collect(), width.saturating_sub(fixed)).max(NARROWEST);
        for placed in columns.iter_mut().filter(|placed| give_way.contains(&placed.column.cut)) {
            placed.width = placed.width.min(widest);
        }
    }
}

/// The largest width to which columns can be cut so that together they take at most `room`.
fn level(mut widths: Vec<usize>, mut room: usize) -> usize {
    widths.sort_unstable();
    let mut left = widths.len();
    for width in widths {
        let share = room / left.max(1);
        if width > share {
            return share;
        }
        room -= width;
        left -= 1;
    }
    usize::MAX
}

/// The text with everything escaped that would steer a terminal or turn the reading direction.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if steers(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

fn steers(character: char) -> bool {
    let turns =
        matches!(character, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// The text at no more than a width, with an ellipsis where it was cut.
pub fn cut(text: Cow<'_, str>, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return text;
    }
    let (mut kept, mut taken) = (String::new(), 0);
    for character in text.chars() {
        taken += character.width().unwrap_or(0);
        if taken >= width {
            break;
        }
        kept.push(character);
    }
    // Some sequences are wider than their characters: an emoji with a selector behind it.
    while kept.width() >= width && kept.pop().is_some() {}
    kept.push('…');
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row = [&'static str; 3];

    const COLUMNS: &[Column<Row>] = &[
        Column { title: "NAME", cut: Cut::First, cell: |row| row[0].to_owned() },
        Column { title: "NOTE", cut: Cut::First, cell: |row| row[1].to_owned() },
        Column { title: "ID", cut: Cut::Last, cell: |row| row[2].to_owned() },
    ];

    fn written(rows: &[Row], width: Option<usize>, bold: bool) -> String {
        let mut draft = Draft::new(COLUMNS);
        rows.iter().for_each(|row| draft.measure(row));
        let table = draft.fit(Surface { width, bold });
        let mut out = Vec::new();
        table.write_header(&mut out).unwrap();
        for row in rows {
            table.write_row(row, &mut out).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_are_aligned_and_empty_ones_left_out() {
        let rows = [["Ada Lovelace", "", "user:1"], ["Bo", "", "user:22"]];
        assert_eq!(written(&rows, None, false), "NAME          ID\nAda Lovelace  user:1\nBo            user:22\n");
    }

    #[test]
    fn wide_characters_take_two_columns_and_joined_ones_none() {
        let rows = [["山田太郎", "x", "1"], ["e\u{301}va", "x", "2"], ["👩‍🚀", "x", "3"]];
        let text = written(&rows, None, false);
        assert_eq!(text, "NAME      NOTE  ID\n山田太郎  x     1\ne\u{301}va       x     2\n👩‍🚀        x     3\n");
        let at = |line: &str| line.split('x').next().unwrap().width();
        assert!(text.lines().skip(1).all(|line| at(line) == 10), "{text}");
    }

    #[test]
    fn a_terminal_cuts_names_before_ids() {
        let rows = [["a name that is rather long", "short", "user:0123456789"]];
        let text = written(&rows, Some(36), false);
        assert_eq!(text, "NAME          NOTE   ID\na name that…  short  user:0123456789\n");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let rows = [
            ["山田太郎山田太郎山田太郎", "❤\u{fe0f}❤\u{fe0f}❤\u{fe0f}❤\u{fe0f}❤\u{fe0f}❤\u{fe0f}", "0123456789012345"],
            ["a", "b", "c"],
        ];
        for width in 28..60 {
            let text = written(&rows, Some(width), false);
            assert!(text.lines().all(|line| line.width() <= width), "{width}\n{text}");
        }
    }

    #[test]
    fn the_header_is_bold_on_request_only() {
        assert_eq!(written(&[["a", "", ""]], None, true), "\u{1b}[1mNAME\u{1b}[0m\na\n");
    }

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        let rows = [["a\u{1b}[31m\nb\u{202e}c\u{9b}", "", ""]];
        assert_eq!(written(&rows, None, false), "NAME\na\\u{1b}[31m\\nb\\u{202e}c\\u{9b}\n");
    }

    #[test]
    fn a_table_without_rows_is_empty() {
        assert_eq!(written(&[], Some(80), true), "");
    }
}
