//! Changes to a text that is not the YAML a spec may be, and the way back from the changed text to
//! the one that was written. What was told is put right, so that the rest can be read too.

use std::ops::Range;

/// A part of a text, and what is read instead of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub at: Range<usize>,
    pub with: String,
}

impl Edit {
    /// Puts something into a text.
    pub(super) fn insert(at: usize, with: &str) -> Self {
        Self { at: at..at, with: with.to_owned() }
    }
}

/// Stands in keys that are there already; it is for private use, so no author writes it.
pub(super) const AGAIN: char = '\u{f8ff}';

/// A text with changes.
pub(super) struct Mended {
    pub text: String,
    /// Each change with its place in the changed text, in order.
    edits: Vec<(Range<usize>, Edit)>,
}

impl Mended {
    /// Applies changes; of those that overlap the first counts.
    pub(super) fn new(original: &str, edits: &[Edit]) -> Self {
        let mut sorted = edits.to_vec();
        sorted.sort_by_key(|edit| (edit.at.start, edit.at.end));
        let mut mended = Self { text: String::with_capacity(original.len()), edits: Vec::new() };
        let mut done = 0;
        for edit in sorted {
            let Some(before) = original.get(done..edit.at.start) else { continue };
            mended.text.push_str(before);
            let start = mended.text.len();
            mended.text.push_str(&edit.with);
            done = edit.at.end;
            mended.edits.push((start..mended.text.len(), edit));
        }
        mended.text.push_str(original.get(done..).unwrap_or_default());
        mended
    }

    /// Where a byte of the changed text stands in the original.
    pub(super) fn original(&self, offset: usize) -> usize {
        let before = self.edits.partition_point(|(range, _)| range.start <= offset);
        match before.checked_sub(1).and_then(|last| self.edits.get(last)) {
            None => offset,
            Some((range, edit)) if offset < range.end => edit.at.start,
            Some((range, edit)) => edit.at.end + (offset - range.end),
        }
    }

    /// Where a part of the changed text stands in the original.
    pub(super) fn original_range(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.original(range.start);
        start..self.original(range.end).max(start)
    }
}

/// Spaces for the tabs of a line and of those below it that begin with tabs too, each a change.
pub(super) fn without_tabs(text: &str, line_start: usize) -> Vec<Edit> {
    let unit = text.lines().map(|line| line.len() - line.trim_start_matches(' ').len()).filter(|n| *n > 0).min();
    let unit = unit.unwrap_or(2).clamp(2, 8);
    let columns = |indentation: &str| indentation.chars().map(|c| if c == '\t' { unit } else { 1 }).sum::<usize>();
    let above = text.get(..line_start).unwrap_or_default().lines().rev();
    let above = above.map(str::trim_end).find(|line| !line.trim_start().starts_with('#') && !line.trim().is_empty());
    let due = above.map_or(0, |line| {
        let own = columns(indentation(line));
        let element = line.trim_start().starts_with("- ");
        own + if line.ends_with(':') { unit } else { 0 } + if element { 2 } else { 0 }
    });
    let mut first = None;
    let mut edits = Vec::new();
    let mut at = line_start;
    for line in text.get(line_start..).unwrap_or_default().split_inclusive('\n') {
        let own = indentation(line);
        if !own.contains('\t') {
            break;
        }
        let first = *first.get_or_insert(columns(own));
        let width = (due + columns(own)).saturating_sub(first);
        edits.push(Edit { at: at..at + own.len(), with: " ".repeat(width) });
        at += line.len();
    }
    edits
}

/// Quotes around the value in which a template begins at `hole`, if one kind of quotes fits.
pub(super) fn quoted(text: &str, hole: usize) -> Vec<Edit> {
    let line_start = text.get(..hole).and_then(|before| before.rfind('\n')).map_or(0, |found| found + 1);
    let before = text.get(line_start..hole).unwrap_or_default();
    let rest = text.get(hole..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let count = |brackets: [char; 2]| before.matches(brackets).count();
    let in_flow = count(['{', '[']) > count(['}', ']']) || rest.trim_end().ends_with(',');
    let begin = [": ", ", ", "- ", "[", "{ "].iter().filter_map(|mark| Some(before.rfind(mark)? + mark.len())).max();
    let begin = begin.unwrap_or(before.len() - before.trim_start().len());
    let begin = begin + before.get(begin..).map_or(0, |value| value.len() - value.trim_start().len());
    let close = rest.rfind("}}").map_or(rest.len(), |at| at + 2);
    let end = if in_flow {
        let close = rest.find("}}").map_or(rest.len(), |at| at + 2);
        let after = rest.get(close..).unwrap_or_default();
        close + after.find([',', '}', ']']).unwrap_or(after.len())
    } else {
        let after = rest.get(close..).unwrap_or_default();
        close + after.find(" #").unwrap_or(after.len())
    };
    let value = text.get(line_start + begin..hole + end).unwrap_or_default().trim_end();
    let quote = match (value.contains(['"', '\\']), value.contains('\'')) {
        (false, _) => "\"",
        (true, false) => "'",
        (true, true) => return Vec::new(),
    };
    let start = line_start + begin;
    vec![Edit::insert(start, quote), Edit::insert(start + value.len(), quote)]
}

/// White space at the beginning of a line.
pub(super) fn indentation(line: &str) -> &str {
    line.get(..line.len() - line.trim_start().len()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_of_a_changed_text_has_its_place_in_the_original() {
        let text = "a: {{ b }}\n\tc: 1\n";
        let mut edits = quoted(text, 3);
        edits.extend(without_tabs(text, 11));
        let mended = Mended::new(text, &edits);
        assert_eq!(mended.text, "a: \"{{ b }}\"\nc: 1\n");
        let hole = mended.text.find("{{").unwrap();
        assert_eq!(mended.original_range(&(hole..hole + 7)), 3..10);
        assert_eq!(mended.original(mended.text.find("c:").unwrap()), 12);
    }

    #[test]
    fn quotes_go_around_the_whole_value() {
        for (text, wanted) in [
            ("get: /a/{{ b }}/c # d", "get: \"/a/{{ b }}/c\" # d"),
            ("{ a: {{ b }}, c: {{ d }}/e }", "{ a: \"{{ b }}\", c: {{ d }}/e }"),
            ("- {{ a | join(\", \") }}", "- '{{ a | join(\", \") }}'"),
        ] {
            let hole = text.find("{{").unwrap();
            assert_eq!(Mended::new(text, &quoted(text, hole)).text, wanted);
        }
    }
}
