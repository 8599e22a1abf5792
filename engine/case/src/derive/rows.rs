//! One value of one row that is null or not there: for each path that is read, in the first row that
//! has it.

use std::collections::{BTreeMap, BTreeSet};

use engine_json::Value as Json;
use engine_spec::path::Path;
use engine_spec::plan::{Other, Plan, Value, ValueKind};

use super::feeds::{Feeds, Slot, Use, What, has_conditions, inside};
use super::seats::{Level, Made, Reading, Seat, given, seats};
use super::spots::{Rows, Spot, body, counted, spec_line};
use super::wanted::{Fields, RowChange, Wanted};
use super::{Base, Derived, change, with_exchange};
use crate::case::ExpectedVerdict;

/// Every value of the rows that is read, null and absent.
pub(super) fn derive(plan: &Plan, base: &Base<'_>, spots: &[Spot<'_>]) -> Vec<Derived> {
    // Of a graph that lacks something already it cannot be said what it must lack.
    if base.verdict != ExpectedVerdict::Complete {
        return Vec::new();
    }
    let graph = Graph::of(base.graph);
    let given = given(plan, base.case);
    let bodies = spots.iter().filter_map(|spot| Some((spot, body(base.case.exchanges.get(spot.number)?)?)));
    let all: Vec<(&Spot<'_>, &Json, Vec<Seat<'_>>)> =
        bodies.map(|(spot, body)| (spot, body, seats(plan, &given, spot, body))).collect();
    let ids = ids(all.iter().flat_map(|(_, _, seats)| seats));
    let mut derived = Vec::new();
    for (spot, body, seats) in all {
        let mut kinds: Vec<Vec<&Seat<'_>>> = Vec::new();
        let mut numbers = BTreeMap::new();
        for seat in &seats {
            let number = *numbers.entry(seat.kind()).or_insert(kinds.len());
            match kinds.get_mut(number) {
                Some(alike) => alike.push(seat),
                None => kinds.push(vec![seat]),
            }
        }
        for alike in kinds {
            of_kind(&Looked { plan, base, spot, body, graph: &graph, ids: &ids }, &alike, &mut derived);
        }
    }
    derived
}

/// What is looked at to disturb a row.
struct Looked<'a> {
    plan: &'a Plan,
    base: &'a Base<'a>,
    spot: &'a Spot<'a>,
    body: &'a Json,
    graph: &'a Graph,
    ids: &'a BTreeSet<(String, String)>,
}

/// Disturbs each path that is read of rows that are read alike, in the first of them that has it:
/// if possible, one of which a record is made.
fn of_kind(looked: &Looked<'_>, alike: &[&Seat<'_>], derived: &mut Vec<Derived>) {
    let Some(first) = alike.first() else { return };
    let feeds: Vec<Feeds<'_>> = first.readings.iter().map(|reading| Feeds::of(looked.plan, reading)).collect();
    let has = |seat: &Seat<'_>, wanted: Option<bool>| {
        seat.readings.iter().any(|reading| looked.graph.has(&reading.made) == wanted)
    };
    let used = alike.iter().filter(|seat| has(seat, Some(true)));
    let unknown = alike.iter().filter(|seat| !has(seat, Some(true)) && has(seat, None));
    let seats: Vec<&Seat<'_>> = used.chain(unknown).copied().collect();
    let mut seen = BTreeSet::new();
    let paths = feeds.iter().flat_map(Feeds::paths).filter(|path| seen.insert(path.text().to_owned()));
    for path in paths {
        let known = |seat: &&&Seat<'_>| path.one(&seat.row).is_some_and(|found| !found.is_null());
        if let Some(seat) = seats.iter().find(known) {
            disturb(looked, &feeds, seat, &path, derived);
        }
    }
}

fn disturb(looked: &Looked<'_>, feeds: &[Feeds<'_>], seat: &Seat<'_>, path: &Path, derived: &mut Vec<Derived>) {
    let spot = looked.spot;
    let changes = seat.readings.iter().zip(feeds);
    let changes = changes.map(|(reading, feeds)| row_change(looked, reading, feeds, path, seat));
    let Some(mut wanted) = changes.reduce(merged) else { return };
    if !wanted.lines.is_empty() {
        wanted.lines.extend(spot.sites.iter().cloned());
    }
    wanted.requests.clone_from(&spot.paths);
    for (what, is_null) in [(format!("null for {}", path.text()), true), (format!("{} absent", path.text()), false)] {
        if !seat.disturb(&mut looked.body.clone(), path, is_null) {
            continue;
        }
        let edit = |case: &mut _| {
            with_exchange(case, spot.number, |exchange| {
                change(exchange, |body| {
                    seat.disturb(body, path, is_null);
                });
            });
        };
        let inside = if seat.inside.is_empty() { String::new() } else { format!(" of {}", seat.inside) };
        derived.push(Derived::new(
            looked.base,
            format!("{what} in {}{}", seat.says, spot.line),
            // A path tells the same on the first page and on a later one.
            format!("{what}{inside}{}", spot.tries.trim_end_matches(" later")),
            edit,
            Wanted::Row(Box::new(wanted.clone())),
        ));
    }
}

/// What may change for one of the readers of a row.
fn row_change(
    looked: &Looked<'_>,
    reading: &Reading<'_>,
    feeds: &Feeds<'_>,
    path: &Path,
    seat: &Seat<'_>,
) -> RowChange {
    let uses: Vec<&Use<'_>> = feeds.uses.iter().filter(|of| feeds.reads(of.reader, path)).collect();
    let filters: Vec<What<'_>> =
        feeds.filters.iter().filter(|filter| feeds.reads(**filter, path)).map(|filter| filter.what).collect();
    let filtered = !filters.is_empty();
    let resource = reading.made.resource.as_ref();
    // Another row of the same id would take its place, or have its own say.
    let is_alone = match (resource, reading.rows, &reading.level) {
        (Some(resource), ..) => looked.ids.contains(resource),
        (None, Rows::Resources(_), Level::Inner(_)) => false,
        (None, ..) => true,
    };
    let direct = |value: &Value| matches!(&value.kind, ValueKind::Path(own, _) if own.text() == path.text());
    let needs = |of: &&Use<'_>| {
        of.slot == Slot::Required && of.value().is_some_and(|value| direct(value) && !value.is_optional(false))
    };
    let is_there = |around: &(String, String)| looked.graph.resources.contains(around) && looked.ids.contains(around);
    let has_conditions =
        has_conditions(reading.source) || reading.is_conditional || !reading.around.as_ref().is_none_or(is_there);
    let is_used = match looked.graph.has(&reading.made) {
        Some(is_used) => is_used && (resource.is_some() || !has_conditions),
        // A row that is not mapped itself is unnested all the same.
        None => !has_conditions && reading.is_unnested(),
    };
    let chooses = |of: &Use<'_>| of.value().is_some_and(|value| feeds.chooses_by(value, of, path));
    let values = || uses.iter().filter_map(|of| of.value());
    let mut lines = BTreeSet::new();
    values().for_each(|value| sites(value, &mut lines));
    lines.insert(spec_line(&reading.source.site));
    // An element that is not chosen lets another one be, or none.
    let element = match &reading.level {
        Level::Element(element) => Some(element),
        _ => None,
    };
    element.into_iter().for_each(|element| sites(element.of, &mut lines));
    let is_chosen = element.is_some_and(|element| element.slot == Slot::Other);
    // A condition has no line of its own in the plan, and may fail for what it finds.
    if filtered || uses.iter().any(|of| of.value().is_none()) {
        lines.clear();
    }
    RowChange {
        path: path.text().to_owned(),
        requests: Vec::new(),
        lines,
        must_be_told: !filtered && is_alone && is_used && uses.iter().any(needs),
        fields: fields(&uses).filter(|_| !filtered && is_alone),
        resource: resource.filter(|_| is_alone && !is_chosen).cloned(),
        may_vanish: filtered || !is_alone || is_chosen || values().any(may_drop) || uses.iter().any(|of| chooses(of)),
        texts: match reading.level {
            Level::Detail(_) => None,
            _ => Some(seat.texts.clone()).filter(|_| !is_chosen),
        },
        made_of_it: feeds.made_of_it.clone(),
    }
}

/// What may change where both may.
fn merged(one: RowChange, other: RowChange) -> RowChange {
    let lines = match (one.must_be_told, other.must_be_told) {
        (true, false) => one.lines,
        (false, true) => other.lines,
        _ if one.lines.is_empty() || other.lines.is_empty() => BTreeSet::new(),
        _ => one.lines.union(&other.lines).cloned().collect(),
    };
    RowChange {
        lines,
        must_be_told: one.must_be_told || other.must_be_told,
        fields: match (one.fields, other.fields) {
            (Some(one), Some(other)) if one == other => Some(one),
            _ => None,
        },
        resource: one.resource.filter(|resource| other.resource.as_ref() == Some(resource)),
        may_vanish: one.may_vanish || other.may_vanish,
        texts: one.texts.and(other.texts),
        made_of_it: one.made_of_it.union(&other.made_of_it).cloned().collect(),
        ..other
    }
}

/// The lines of a value and of those inside it.
fn sites(value: &Value, lines: &mut BTreeSet<String>) {
    lines.insert(spec_line(&value.site));
    inside(value).for_each(|value| sites(value, lines));
}

/// The keys that a path fills, where it does nothing else.
fn fields(uses: &[&Use<'_>]) -> Option<Fields> {
    let mut fields = Fields::default();
    for of in uses {
        let Slot::Field(ways) = &of.slot else { return None };
        let is_path = of.value().is_some_and(|value| matches!(value.kind, ValueKind::Path(..)));
        let is_gone = is_path && ways.iter().all(|way| !way.is_empty());
        for way in ways.iter().filter(|way| !way.is_empty()) {
            fields.may_differ.push(way.clone());
            if is_gone {
                fields.gone.push(way.clone());
            }
        }
    }
    Some(fields)
}

/// Whether a value may say that a row makes no record.
fn may_drop(value: &Value) -> bool {
    let itself = match &value.kind {
        ValueKind::From(from) => matches!(from.other, Other::Drop),
        ValueKind::LookUp { missing_is_expected, .. } => *missing_is_expected,
        _ => false,
    };
    itself || inside(value).any(may_drop)
}

/// What a graph has, to look rows up.
struct Graph {
    resources: BTreeSet<(String, String)>,
    /// Holder and what is held.
    grants: Vec<(String, String)>,
}

impl Graph {
    fn of(graph: &str) -> Self {
        let mut found = Self { resources: BTreeSet::new(), grants: Vec::new() };
        for line in graph.lines() {
            let json: Json = serde_json::from_str(line).unwrap_or_default();
            let text = |name: &str| json.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
            match text("kind").as_str() {
                "resource" => {
                    found.resources.insert((text("resource_type"), text("id")));
                }
                "grant" => found.grants.push((text("principal"), text("resource"))),
                _ => {}
            }
        }
        found
    }

    /// Whether it has what is made of a row; nothing where the row does not tell.
    fn has(&self, made: &Made) -> Option<bool> {
        if let Some(resource) = &made.resource {
            return Some(self.resources.contains(resource));
        }
        if made.principal.is_none() && made.held.is_none() {
            return None;
        }
        let is = |known: &Option<String>, found: &String| known.as_ref().is_none_or(|known| known == found);
        Some(self.grants.iter().any(|(principal, held)| is(&made.principal, principal) && is(&made.held, held)))
    }
}

/// The resources that one row of the case makes and no other.
fn ids<'s>(seats: impl Iterator<Item = &'s Seat<'s>>) -> BTreeSet<(String, String)> {
    let readings = seats.flat_map(|seat| &seat.readings);
    let rows = readings.filter(|reading| !matches!(reading.level, Level::Element(_)));
    let counts = counted(rows.filter_map(|reading| reading.made.resource.clone()));
    counts.into_iter().filter(|(_, count)| *count == 1).map(|(id, _)| id).collect()
}
