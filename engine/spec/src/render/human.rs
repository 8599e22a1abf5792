//! For terminals: the line, a caret under the fault, what to do.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, Diagnostics, Severity};

/// The widest range that is underlined; longer ones would mark whole blocks.
const LONGEST: usize = 200;

/// All faults by place, with colour or without.
pub fn human(diagnostics: &Diagnostics, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let mut text = String::new();
    for diagnostic in diagnostics.sorted() {
        text.push_str(&renderer.render(&report(diagnostics, diagnostic)));
        text.push_str("\n\n");
    }
    if diagnostics.left_out() > 0 {
        text.push_str(&format!("and {} more errors, not shown\n\n", diagnostics.left_out()));
    }
    // The renderer shows the older control characters as pictures, and passes these on.
    text.replace(|c: char| matches!(c, '\u{80}'..='\u{9f}'), "\u{fffd}")
}

fn report<'a>(diagnostics: &'a Diagnostics, diagnostic: &'a Diagnostic) -> Vec<Group<'a>> {
    let level = match diagnostic.code.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.name());
    let mut group = match diagnostics.sources.get(diagnostic.place.source) {
        Some(source) => {
            let primary = shown(&source.text, &diagnostic.place.range);
            let related = diagnostic
                .related
                .as_ref()
                .filter(|(place, _)| place.source == diagnostic.place.source)
                .map(|(place, label)| (shown(&source.text, &place.range), label.as_str()));
            // Only the lines that are shown: the renderer walks all that it is given.
            let from = related.iter().map(|(range, _)| range.start).fold(primary.start, usize::min);
            let to = related.iter().map(|(range, _)| range.end).fold(primary.end, usize::max);
            let from = source.text.get(..from).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
            let to = source.text.get(to..).and_then(|rest| rest.find('\n')).map_or(source.text.len(), |at| to + at);
            let inside = |range: std::ops::Range<usize>| range.start - from..range.end - from;
            let mut snippet = Snippet::source(source.text.get(from..to).unwrap_or_default())
                .path(&*source.name)
                .line_start(source.position(from).0 as usize)
                .annotation(AnnotationKind::Primary.span(inside(primary)));
            if let Some((range, label)) = related {
                snippet = snippet.annotation(AnnotationKind::Context.span(inside(range)).label(label));
            }
            title.element(snippet)
        }
        None => Group::with_title(title),
    };
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    vec![group]
}

/// The first line of a range, inside the text.
fn shown(text: &str, range: &std::ops::Range<usize>) -> std::ops::Range<usize> {
    let start = range.start.min(text.len());
    let rest = text.get(start..range.end.min(text.len())).unwrap_or_default();
    let line = rest.lines().next().unwrap_or_default();
    let length =
        line.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= LONGEST).last().unwrap_or(0);
    start..start + length
}
