//! Compares graphs line by line. Graphs come sorted, so a line that is only on one side is a
//! record that is missing or new.

use std::collections::BTreeSet;

/// The most differences that are told.
const MOST: usize = 12;

/// What differs between an expected and an actual graph, in lines that begin with `-` (missing)
/// and `+` (unexpected); nothing if they are equal.
pub fn differences(expected: &str, actual: &str) -> Option<String> {
    let expected: BTreeSet<&str> = expected.lines().filter(|line| !line.trim().is_empty()).collect();
    let actual: BTreeSet<&str> = actual.lines().filter(|line| !line.trim().is_empty()).collect();
    let mut lines: Vec<(&str, char)> = expected.difference(&actual).map(|line| (*line, '-')).collect();
    lines.extend(actual.difference(&expected).map(|line| (*line, '+')));
    if lines.is_empty() {
        return None;
    }
    lines.sort();
    let more = lines.len().saturating_sub(MOST);
    let mut text: String = lines.iter().take(MOST).map(|(line, sign)| format!("  {sign} {line}\n")).collect();
    if more > 0 {
        text.push_str(&format!("  … and {more} more\n"));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_graphs_have_no_differences_and_others_show_both_sides() {
        assert_eq!(differences("a\nb\n", "b\na"), None);
        assert_eq!(differences("a\nb", "a\nc").as_deref(), Some("  - b\n  + c\n"));
    }
}
