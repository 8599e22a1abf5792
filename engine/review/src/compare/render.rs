//! Differences for people: warnings first, then a section for each kind, the riskiest first, with the
//! lines of both specs.

use super::{Change, Side, Way};
use crate::describe::Section;

/// The differences as text; empty where there are none.
pub fn human(changes: &[Change], colour: bool) -> String {
    let paint = Paint { colour };
    let mut text = String::new();
    for change in changes {
        for warning in &change.warnings {
            let place = change.new.as_ref().or(change.old.as_ref()).and_then(|side| side.spec.as_deref());
            let place = place.map_or_else(String::new, |place| format!(" ({place})"));
            text.push_str(&format!("{}: {warning}: {}{place}\n", paint.warning("warning"), change.at.join(", ")));
        }
    }
    for section in Section::ALL {
        let mut here = changes.iter().filter(|change| change.section == section).peekable();
        if here.peek().is_none() {
            continue;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!("{}\n", paint.heading(section.title())));
        here.for_each(|change| one(change, &paint, &mut text));
    }
    text
}

fn one(change: &Change, paint: &Paint, text: &mut String) {
    let what = match change.change {
        Way::Removed => " is gone",
        Way::Added => " is new",
        Way::Changed => "",
        Way::Moved => "",
    };
    text.push_str(&format!("  {}{what}\n", change.at.join(", ")));
    for at in &change.also_at {
        text.push_str(&format!("  {}{what}\n", at.join(", ")));
    }
    side(change.old.as_ref(), '-', paint, text);
    side(change.new.as_ref(), '+', paint, text);
}

fn side(side: Option<&Side>, sign: char, paint: &Paint, text: &mut String) {
    let Some(side) = side else { return };
    let mut lines = side.lines.iter().flat_map(|line| line.lines());
    let place = side.spec.as_ref().map_or_else(String::new, |spec| format!("  [{spec}]"));
    let first = match lines.next() {
        Some(first) => format!(" {first}"),
        None => String::new(),
    };
    text.push_str(&format!("    {}\n", paint.side(sign, &format!("{sign}{first}{place}"))));
    for line in lines {
        text.push_str(&format!("    {}\n", paint.side(sign, &format!("{sign} {line}"))));
    }
}

struct Paint {
    colour: bool,
}

impl Paint {
    fn with(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn warning(&self, text: &str) -> String {
        self.with("1;33", text)
    }

    fn heading(&self, text: &str) -> String {
        self.with("1", text)
    }

    fn side(&self, sign: char, text: &str) -> String {
        self.with(if sign == '-' { "31" } else { "32" }, text)
    }
}
