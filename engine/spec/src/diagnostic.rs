//! What is wrong with a spec: where, what, and how to mend it. Every kind of fault has a stable
//! code; its text may change.

mod code;
mod explanation;

use std::ops::Range;

pub use code::{Code, Severity};
pub use explanation::{Example, Explanation};

use crate::source::{Place, Source};

/// One fault.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// What kind of fault it is.
    pub code: Code,
    /// Where it is.
    pub place: Place,
    /// What is wrong, in one sentence.
    pub message: String,
    /// Another place that belongs to it, with what it is.
    pub related: Option<(Place, String)>,
    /// How to mend it.
    pub help: Option<String>,
}

/// More faults than this help nobody.
const MOST: usize = 200;

/// The faults found so far, and the texts they are in.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    /// The texts.
    pub sources: Vec<Source>,
    found: Vec<Diagnostic>,
    /// Errors that are not told, as there are so many.
    left_out: usize,
}

impl Diagnostics {
    /// Adds a text and gives its number.
    pub fn add_source(&mut self, source: Source) -> usize {
        self.sources.push(source);
        self.sources.len() - 1
    }

    /// Adds a fault.
    pub fn push(&mut self, mut diagnostic: Diagnostic) {
        self.widen(&mut diagnostic.place);
        if let Some((place, _)) = &mut diagnostic.related {
            self.widen(place);
        }
        let known = self
            .found
            .iter()
            .any(|d| d.code == diagnostic.code && d.place == diagnostic.place && d.message == diagnostic.message);
        // Where something is wrong, advice on the same words would only be in the way.
        let is_advice = diagnostic.code.severity() == Severity::Warning
            && self.found.iter().any(|d| d.code.severity() == Severity::Error && d.place == diagnostic.place);
        if known || is_advice {
            return;
        }
        if self.found.len() >= MOST {
            self.left_out += usize::from(diagnostic.code.severity() == Severity::Error);
        } else {
            if diagnostic.code.severity() == Severity::Error {
                self.found.retain(|d| d.code.severity() == Severity::Error || d.place != diagnostic.place);
            }
            self.found.push(diagnostic);
        }
    }

    /// Makes a range one of whole characters inside its text.
    fn widen(&self, place: &mut Place) {
        let Some(source) = self.sources.get(place.source) else { return };
        let text = &source.text;
        let end = place.range.end.min(text.len());
        let mut range = place.range.start.min(end)..end;
        while !text.is_char_boundary(range.start) {
            range.start -= 1;
        }
        while !text.is_char_boundary(range.end) {
            range.end += 1;
        }
        place.range = range;
    }

    /// Adds the faults of a text that was made of a source, at their places in that source.
    pub(crate) fn adopt(
        &mut self,
        found: &Diagnostics,
        source: usize,
        original: impl Fn(&Range<usize>) -> Range<usize>,
    ) {
        let place = |place: &Place| Place { source, range: original(&place.range) };
        for known in &found.found {
            let related = known.related.as_ref().map(|(at, label)| (place(at), label.clone()));
            self.push(Diagnostic { place: place(&known.place), related, ..known.clone() });
        }
        self.left_out += found.left_out;
    }

    /// Adds a fault at a byte range.
    pub fn report(
        &mut self,
        code: Code,
        source: usize,
        range: Range<usize>,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        self.push(Diagnostic { code, place: Place { source, range }, message: message.into(), related: None, help });
    }

    /// Whether something was found that keeps the spec from running.
    pub fn has_errors(&self) -> bool {
        self.found.iter().any(|diagnostic| diagnostic.code.severity() == Severity::Error)
    }

    /// How many errors and how many warnings there are.
    pub fn counts(&self) -> (usize, usize) {
        let errors = self.found.iter().filter(|d| d.code.severity() == Severity::Error).count();
        (errors + self.left_out, self.found.len() - errors)
    }

    /// How many errors are not told, as there are so many.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// The faults by place.
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut all: Vec<_> = self.found.iter().collect();
        all.sort_by_key(|d| (d.place.source, d.place.range.start, d.place.range.end, d.code));
        all
    }
}
