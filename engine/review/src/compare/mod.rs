//! What differs between two plans: what the new one reads, writes and reaches differently.
//!
//! In: two plans. Out: [`Change`]s, the riskiest first. Only meaning counts: order of keys, quotes,
//! comments, and whether a value is written in the spec or comes from its fragment make no difference.

mod render;

use std::collections::BTreeSet;

use engine_spec::plan::{Plan, Site};
use serde::Serialize;

use crate::describe::{self, Guard, Part, Section};

pub use render::human;

/// How something differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Only the old plan has it.
    Removed,
    /// Only the new plan has it.
    Added,
    /// Both have it, and it says something else.
    Changed,
    /// Both have the same in another order, and order counts.
    Moved,
}

/// What one of the plans says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Side {
    /// The text, a line for each part.
    pub lines: Vec<String>,
    /// The place in the spec.
    pub spec: Option<String>,
}

/// A difference.
#[derive(Clone, Debug, Serialize)]
pub struct Change {
    /// What it is about.
    pub section: Section,
    /// How it differs.
    pub change: Way,
    /// What differs, from the outside in.
    pub at: Vec<String>,
    /// What the old plan says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Side>,
    /// What the new plan says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Side>,
    /// Why it deserves a second look.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<&'static str>,
    /// Where else the very same lines of the specs make the same difference.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also_at: Vec<Vec<String>>,
}

/// All differences between two plans, by section.
pub fn compare(old: &Plan, new: &Plan) -> Vec<Change> {
    let mut found = Found::default();
    found.siblings(&describe::plan(old), &describe::plan(new), &Around::default());
    found.in_order()
}

/// What stands around parts that are compared.
#[derive(Clone)]
struct Around {
    path: Vec<String>,
    section: Section,
    /// The places of the nearest parts around that have one.
    old: Option<Site>,
    new: Option<Site>,
}

impl Default for Around {
    fn default() -> Self {
        Self { path: Vec::new(), section: Section::About, old: None, new: None }
    }
}

impl Around {
    /// What stands around the parts of a part, or of two that are one.
    fn inside(&self, label: String, old: Option<&Part>, new: Option<&Part>) -> Self {
        let mut inside = self.clone();
        inside.path.push(label);
        inside.section = [new, old].into_iter().flatten().find_map(|part| part.section).unwrap_or(self.section);
        inside.old = old.and_then(|part| part.site.clone()).or(inside.old);
        inside.new = new.and_then(|part| part.site.clone()).or(inside.new);
        inside
    }

    fn side(&self, way: Way, lines: Vec<String>) -> Option<Side> {
        let site = if way == Way::Removed { &self.old } else { &self.new };
        Some(Side { lines, spec: site.as_ref().map(|site| format!("{}:{}", site.file, site.line)) })
    }
}

/// The differences found so far.
#[derive(Default)]
struct Found {
    changes: Vec<Change>,
}

impl Found {
    fn in_order(self) -> Vec<Change> {
        let mut merged: Vec<Change> = Vec::new();
        for change in self.changes {
            // What many lists take over from one place differs in one place.
            let placed = [&change.old, &change.new].into_iter().flatten().any(|side| side.spec.is_some());
            let same = |known: &&mut Change| {
                (known.section, known.change, known.at.last()) == (change.section, change.change, change.at.last())
                    && (&known.old, &known.new) == (&change.old, &change.new)
            };
            match merged.iter_mut().find(same).filter(|_| placed) {
                Some(same) => same.also_at.push(change.at),
                None => merged.push(change),
            }
        }
        merged.sort_by_key(|change| change.section);
        merged
    }

    /// Compares parts under one parent: each with its likeliest counterpart of the same name.
    fn siblings(&mut self, old: &[Part], new: &[Part], around: &Around) {
        let mut keys: Vec<&str> = Vec::new();
        let mut seen = BTreeSet::new();
        for part in old.iter().chain(new) {
            if seen.insert(part.key.as_str()) {
                keys.push(&part.key);
            }
        }
        for key in keys {
            let of =
                |parts: &'_ [Part]| -> Vec<Part> { parts.iter().filter(|part| part.key == key).cloned().collect() };
            self.namesakes(&of(old), &of(new), around);
        }
    }

    fn namesakes(&mut self, old: &[Part], new: &[Part], around: &Around) {
        let pairs = paired(old, new);
        let several = old.len() > 1 || new.len() > 1;
        let label = |part: &Part| match &part.value {
            Some(value) if several => format!("{} {}", part.key, shortened(value)),
            _ => part.key.clone(),
        };
        let mut taken = BTreeSet::new();
        let mut order = Vec::new();
        for (one, pair) in old.iter().zip(&pairs) {
            match pair.and_then(|at| Some((at, new.get(at)?))) {
                Some((at, other)) => {
                    taken.insert(at);
                    order.push(at);
                    self.pair(one, other, &around.inside(label(other), Some(one), Some(other)));
                }
                None => self.alone(one, Way::Removed, &around.inside(label(one), Some(one), None)),
            }
        }
        for (at, part) in new.iter().enumerate() {
            if !taken.contains(&at) {
                self.alone(part, Way::Added, &around.inside(label(part), None, Some(part)));
            }
        }
        let counts = old.iter().chain(new).any(|part| part.ordered);
        if let Some(first) = new.first().filter(|_| counts && !order.is_sorted()) {
            let said = |parts: &[Part]| {
                parts.iter().map(|part| part.value.clone().unwrap_or_else(|| part.key.clone())).collect()
            };
            let here = around.inside(format!("order of {}", first.key), old.first(), Some(first));
            let sides = (here.side(Way::Removed, said(old)), here.side(Way::Added, said(new)));
            self.found(Way::Moved, &here, sides, Vec::new());
        }
    }

    fn pair(&mut self, old: &Part, new: &Part, here: &Around) {
        if old.value != new.value {
            let said = |part: &Part| part.value.iter().cloned().collect();
            let sides = (here.side(Way::Removed, said(old)), here.side(Way::Added, said(new)));
            let warnings = new.guard.or(old.guard).and_then(|guard| warning(guard, Way::Changed, new.value.as_deref()));
            self.found(Way::Changed, here, sides, warnings.into_iter().collect());
        }
        self.siblings(&old.parts, &new.parts, here);
    }

    /// Something that only one of the plans has. Its parts that are about something else are told there.
    fn alone(&mut self, part: &Part, way: Way, here: &Around) {
        let mut lines: Vec<String> = part.value.iter().cloned().collect();
        let mut elsewhere = Vec::new();
        gather(&part.parts, 0, here, &mut lines, &mut elsewhere);
        let mut warnings: Vec<_> =
            part.guard.and_then(|guard| warning(guard, way, part.value.as_deref())).into_iter().collect();
        if way == Way::Added {
            nested(&part.parts, here.section, &mut warnings);
        }
        let side = here.side(way, lines);
        let sides = if way == Way::Removed { (side, None) } else { (None, side) };
        self.found(way, here, sides, warnings);
        for (inner, around) in elsewhere {
            let (old, new) = if way == Way::Removed { (Some(inner), None) } else { (None, Some(inner)) };
            self.alone(inner, way, &around.inside(inner.key.clone(), old, new));
        }
    }

    fn found(&mut self, way: Way, here: &Around, sides: (Option<Side>, Option<Side>), warnings: Vec<&'static str>) {
        self.changes.push(Change {
            section: here.section,
            change: way,
            at: here.path.clone(),
            old: sides.0,
            new: sides.1,
            warnings,
            also_at: Vec::new(),
        });
    }
}

/// The most of a value that tells one namesake from another.
const LABEL: usize = 60;

fn shortened(value: &str) -> String {
    let mut letters = value.chars();
    let mut label: String = letters.by_ref().take(LABEL).collect();
    if letters.next().is_some() {
        label.push('…');
    }
    label
}

/// For each old part, the new one that it became: the same, else one that says the same in a line,
/// else the next one.
fn paired(old: &[Part], new: &[Part]) -> Vec<Option<usize>> {
    let mut pairs: Vec<Option<usize>> = vec![None; old.len()];
    let mut free: BTreeSet<usize> = (0..new.len()).collect();
    let likenesses: [fn(&Part, &Part) -> bool; 3] =
        [Part::says_the_same, |one, other| one.value == other.value, |_, _| true];
    for alike in likenesses {
        for (one, pair) in old.iter().zip(&mut pairs) {
            if pair.is_none()
                && let Some(at) = free.iter().copied().find(|at| new.get(*at).is_some_and(|other| alike(one, other)))
            {
                free.remove(&at);
                *pair = Some(at);
            }
        }
    }
    pairs
}

/// Lines of parts, each level further in; parts of another section go elsewhere.
fn gather<'p>(
    parts: &'p [Part],
    depth: usize,
    around: &Around,
    lines: &mut Vec<String>,
    elsewhere: &mut Vec<(&'p Part, Around)>,
) {
    for part in parts {
        if part.section.is_some_and(|known| known != around.section) {
            elsewhere.push((part, around.clone()));
            continue;
        }
        let indent = "  ".repeat(depth);
        match &part.value {
            Some(value) => lines.push(format!("{indent}{}: {value}", part.key)),
            None => lines.push(format!("{indent}{}", part.key)),
        }
        gather(&part.parts, depth + 1, &around.inside(part.key.clone(), None, None), lines, elsewhere);
    }
}

/// What something new brings along that deserves a second look.
fn nested(parts: &[Part], section: Section, warnings: &mut Vec<&'static str>) {
    for part in parts.iter().filter(|part| part.section.is_none_or(|known| known == section)) {
        if let Some(guard @ (Guard::Host | Guard::Credential | Guard::Write)) = part.guard
            && let Some(brings) = warning(guard, Way::Added, part.value.as_deref())
            && !warnings.contains(&brings)
        {
            warnings.push(brings);
        }
        nested(&part.parts, section, warnings);
    }
}

/// What a difference may mean.
fn warning(guard: Guard, way: Way, new: Option<&str>) -> Option<&'static str> {
    match (guard, way) {
        (Guard::Host, Way::Added) => Some("requests may go to a host that they did not go to"),
        (Guard::Host, Way::Changed) => Some("requests go to another host"),
        (Guard::Credential, Way::Added) => Some("a credential goes where none went"),
        (Guard::Credential, Way::Changed) => Some("a credential goes elsewhere, or in another form"),
        (Guard::Refusal, Way::Removed) => Some("a guard is gone: what it refused is done now"),
        (Guard::Refusal, Way::Changed) => Some("a guard refuses something else now"),
        (Guard::Proof, Way::Added | Way::Changed) => Some("a change is proved in another way, or not at all"),
        (Guard::Proof, Way::Removed) => Some("something that proved a change is gone"),
        (Guard::Write, Way::Added) => Some("a new request changes the vendor"),
        (Guard::Write, Way::Changed) => Some("a request that changes the vendor is another one"),
        (Guard::Protection, Way::Removed | Way::Changed) => Some("what was protected may be changed now"),
        (Guard::Failure, Way::Removed | Way::Changed) => Some("what was an error may pass now"),
        (Guard::Meaning, Way::Added | Way::Changed) if new.is_some_and(|new| new.ends_with("no rows")) => {
            Some("an answer that may be an error is taken for an empty list")
        }
        (Guard::Secrecy, Way::Changed) if new == Some("shown") => Some("a value is no longer kept secret"),
        (Guard::Redaction, Way::Removed | Way::Changed) => Some("a secret in an answer may be shown now"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(old: &[Part], new: &[Part]) -> Vec<(Way, String)> {
        let mut found = Found::default();
        found.siblings(old, new, &Around::default());
        found.in_order().into_iter().map(|change| (change.change, change.at.join(", "))).collect()
    }

    #[test]
    fn the_same_is_no_difference_wherever_it_stands() {
        let parts = [Part::new("a", "1"), Part::new("b", "2")];
        let turned = [Part::new("b", "2"), Part::new("a", "1")];
        assert_eq!(found(&parts, &turned), []);
    }

    #[test]
    fn namesakes_find_the_one_that_says_the_same() {
        let list = |path: &str, limit: &str| Part::new("list", path).with([Part::new("limit", limit)]);
        let old = [list("GET /a", "1"), list("GET /b", "1")];
        let new = [list("GET /new", "1"), list("GET /a", "1"), list("GET /b", "2")];
        assert_eq!(
            found(&old, &new),
            [(Way::Changed, "list GET /b, limit".to_owned()), (Way::Added, "list GET /new".to_owned())]
        );
    }

    #[test]
    fn order_counts_where_the_first_that_fits_decides() {
        let rule = |text: &str| Part::new("outcome", text).ordered();
        let (old, new) = ([rule("1"), rule("2")], [rule("2"), rule("1")]);
        assert_eq!(found(&old, &new), [(Way::Moved, "order of outcome".to_owned())]);
        assert_eq!(found(&[Part::new("n", "1"), Part::new("n", "2")], &[Part::new("n", "2"), Part::new("n", "1")]), []);
    }

    #[test]
    fn what_is_about_something_else_is_told_there() {
        let kind = Part::group("team").with([
            Part::new("list", "GET /teams"),
            Part::new("delete", "DELETE /teams").about(Section::Writing).guarded(Guard::Write),
        ]);
        let mut found = Found::default();
        found.siblings(&[], &[kind.about(Section::Reading)], &Around::default());
        let changes = found.in_order();
        let told: Vec<_> =
            changes.iter().map(|change| (change.section, change.at.join(", "), change.warnings.clone())).collect();
        assert_eq!(
            told,
            [
                (Section::Reading, "team".to_owned(), vec![]),
                (Section::Writing, "team, delete".to_owned(), vec!["a new request changes the vendor"]),
            ]
        );
        assert_eq!(changes[0].new.as_ref().unwrap().lines, ["list: GET /teams"]);
    }

    #[test]
    fn a_value_taken_over_by_many_lists_differs_in_one_place() {
        let site = Site { file: "x.yaml".into(), line: 3, column: 1 };
        let list = |name: &str, pages: &str| Part::group(name).with([Part::new("pages", pages).at(&site)]);
        let mut found = Found::default();
        let old = [list("a", "1"), list("b", "1")];
        let new = [list("a", "2"), list("b", "2")];
        found.siblings(&old, &new, &Around::default());
        let changes = found.in_order();
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].also_at, [["b", "pages"]]);
    }

    #[test]
    fn a_refusal_that_goes_is_said_loudly() {
        let guard = Part::new("refused where", "x").guarded(Guard::Refusal);
        let mut found = Found::default();
        found.siblings(&[guard], &[], &Around::default());
        assert_eq!(found.changes[0].warnings, ["a guard is gone: what it refused is done now"]);
    }
}
