//! One value of one row that is null or not there: for each path that is read, in the first row that
//! has it.

use std::collections::BTreeSet;

use engine_spec::path::Path;
use engine_spec::plan::{IdRule, NoWitness, Other, Plan, Take, Value, ValueKind};
use engine_spec::scope::Scope;
use serde_json::{Map, Value as Json};

use super::feeds::{Feeds, Reader, Slot, Use};
use super::spots::{List, Role, Rows, Spot, body, counted, spec_line};
use super::wanted::{Fields, RowChange, Wanted};
use super::{Base, Derived, change, with_exchange};
use crate::case::ExpectedVerdict;

/// Every value of the rows of an exchange that is read, null and absent.
pub(super) fn derive(plan: &Plan, base: &Base<'_>, spots: &[Spot<'_>], spot: &Spot<'_>) -> Vec<Derived> {
    // Of a graph that lacks something already it cannot be said what it must lack.
    let body = base.case.exchanges.get(spot.number).and_then(body);
    let body = body.filter(|_| base.verdict == ExpectedVerdict::Complete);
    let Some((list, rows)) = body.and_then(|body| rows(spot, body)) else { return Vec::new() };
    let feeds = Feeds::of(plan, list.source, list.rows);
    let ids = ids(plan, base, spots, list);
    let is_only = rows.len() == 1;
    let rows: Vec<(usize, Json)> = rows.into_iter().filter(|(_, row)| is_used(plan, base, list, row)).collect();
    let mut derived = Vec::new();
    for path in paths(&feeds) {
        let known = |row: &&(usize, Json)| path.one(&row.1).is_some_and(|found| !found.is_null());
        let Some((at, row)) = rows.iter().find(known) else { continue };
        let mut change = row_change(plan, list, &feeds, path, row, &ids);
        if !change.lines.is_empty() {
            change.lines.extend(spot.sites.iter().cloned());
        }
        change.requests.clone_from(&spot.paths);
        let place = if is_only { format!(" in {}", spot.line) } else { format!(" in row {} of {}", at + 1, spot.line) };
        for (what, is_null) in [(format!("null for {}", path.text()), true), (format!("{} absent", path.text()), false)]
        {
            // An element of a list cannot be away without the others moving.
            if !is_null && path.remove(&mut row.clone()).is_none() {
                continue;
            }
            let edit = |case: &mut _| {
                with_exchange(case, spot.number, |exchange| {
                    change_row(exchange, spot, *at, |row| {
                        if !(is_null && path.put(row, Json::Null)) {
                            path.remove(row);
                        }
                    });
                });
            };
            derived.push(Derived::new(
                base,
                format!("{what}{place}"),
                // A path tells the same on the first page and on a later one.
                format!("{what}{}", spot.tries.trim_end_matches(" later")),
                edit,
                Wanted::Row(Box::new(change.clone())),
            ));
        }
    }
    derived
}

fn change_row(exchange: &mut crate::case::Exchange, spot: &Spot<'_>, at: usize, edit: impl FnOnce(&mut Json)) {
    change(exchange, |body| {
        if let Some(row) = row_mut(spot, body, at) {
            edit(row);
        }
    });
}

/// The rows that an exchange brings, with their places; nothing where what is read are not they.
fn rows<'p>(spot: &Spot<'p>, body: &Json) -> Option<(List<'p>, Vec<(usize, Json)>)> {
    match spot.role {
        Role::Page(list) if list.source.unnest.is_none() => {
            // A detail without a name takes the place of the row.
            if list.source.detail.as_ref().is_some_and(|detail| detail.name.is_none()) {
                return None;
            }
            if let Take::Item(path) = &list.source.take {
                let item = path.one(spot.unwrapped(body)?).filter(|_| path.is_plain())?;
                return Some((list, vec![(0, item.clone())]));
            }
            Some((list, spot.rows(body)?.iter().cloned().enumerate().collect()))
        }
        Role::Detail(list, detail)
            if detail.name.is_none() && detail.batch.is_none() && list.source.unnest.is_none() =>
        {
            let inner = spot.unwrapped(body)?;
            let item = match &detail.item {
                Some(path) => path.one(inner).filter(|_| path.is_plain())?,
                None => inner,
            };
            Some((list, vec![(0, item.clone())]))
        }
        _ => None,
    }
}

fn row_mut<'j>(spot: &Spot<'_>, body: &'j mut Json, at: usize) -> Option<&'j mut Json> {
    match spot.role {
        Role::Page(List { source, .. }) => match &source.take {
            Take::Item(path) => path.one_mut(spot.unwrapped_mut(body)?),
            _ => spot.rows_mut(body)?.get_mut(at),
        },
        Role::Detail(_, detail) => {
            let inner = spot.unwrapped_mut(body)?;
            match &detail.item {
                Some(path) => path.one_mut(inner),
                None => Some(inner),
            }
        }
        _ => None,
    }
}

/// The plain paths that are read, in order.
fn paths<'p>(feeds: &Feeds<'p>) -> Vec<&'p Path> {
    let mut paths: Vec<&Path> = Vec::new();
    let mut values: Vec<&Value> = feeds.uses.iter().map(|of| of.value).collect();
    for filter in &feeds.filters {
        match filter {
            Reader::Value(value) => values.push(value),
            Reader::Path(path) => paths.push(path),
            Reader::Condition(_) => {}
        }
    }
    values.into_iter().for_each(|value| inside(value, &mut paths));
    let mut seen = BTreeSet::new();
    // Row and list themselves are other disturbances.
    paths.retain(|path| path.is_plain() && !path.names().is_empty() && seen.insert(path.text().to_owned()));
    paths
}

fn inside<'p>(value: &'p Value, paths: &mut Vec<&'p Path>) {
    match &value.kind {
        ValueKind::Path(path, _) => paths.push(path),
        ValueKind::From(from) => inside(&from.from, paths),
        ValueKind::Coalesce(values) | ValueKind::Join(values, _) => {
            values.iter().for_each(|value| inside(value, paths))
        }
        ValueKind::Cases(cases, otherwise) => {
            cases.iter().for_each(|(_, value)| inside(value, paths));
            otherwise.iter().for_each(|value| inside(value, paths));
        }
        ValueKind::Pick(pick) => inside(&pick.list, paths),
        ValueKind::LookUp { key, .. } => inside(key, paths),
        ValueKind::Literal(_) | ValueKind::Template(_) | ValueKind::Quote { .. } => {}
    }
}

fn row_change(
    plan: &Plan,
    list: List<'_>,
    feeds: &Feeds<'_>,
    path: &Path,
    row: &Json,
    ids: &BTreeSet<String>,
) -> RowChange {
    let reading: Vec<&Use<'_>> = feeds.uses.iter().filter(|of| feeds.reads(Reader::Value(of.value), path)).collect();
    let filtered = feeds.filters.iter().any(|filter| feeds.reads(*filter, path));
    let resource = resource(plan, list, row);
    // Another row of the same id would take its place, or have its own say.
    let is_alone = resource.as_ref().is_none_or(|(_, id)| ids.contains(id));
    let direct = |of: &Use<'_>| matches!(&of.value.kind, ValueKind::Path(own, _) if own == path);
    let needs = |of: &&Use<'_>| of.slot == Slot::Required && direct(of) && !of.value.is_optional(false);
    let conditions =
        !list.source.matches.is_empty() || list.source.keep_where.is_some() || list.source.dedupe_by.is_some();
    let surely_used = matches!(list.rows, Rows::Resources(_)) || !conditions;
    let must_be_told = !filtered && is_alone && surely_used && reading.iter().any(needs);
    let drops = reading.iter().any(|of| may_drop(of.value));
    let mut lines = BTreeSet::new();
    reading.iter().for_each(|of| sites(of.value, &mut lines));
    lines.insert(spec_line(&list.source.site));
    for filter in feeds.filters.iter().filter(|filter| feeds.reads(**filter, path)) {
        if let Reader::Value(value) = filter {
            lines.insert(spec_line(&value.site));
        }
    }
    // A condition has no line of its own in the plan, and may fail for what it finds.
    if filtered {
        lines.clear();
    }
    RowChange {
        path: path.text().to_owned(),
        requests: Vec::new(),
        lines,
        must_be_told,
        fields: fields(&reading).filter(|_| !filtered && is_alone),
        resource: resource.filter(|_| is_alone),
        may_vanish: filtered || drops || !is_alone,
        texts: texts(row),
        made_of_it: feeds.made_of_it.clone(),
    }
}

/// The lines of a value and of those inside it.
fn sites(value: &Value, lines: &mut BTreeSet<String>) {
    lines.insert(spec_line(&value.site));
    match &value.kind {
        ValueKind::From(from) => sites(&from.from, lines),
        ValueKind::Coalesce(values) | ValueKind::Join(values, _) | ValueKind::Quote { args: values, .. } => {
            values.iter().for_each(|value| sites(value, lines));
        }
        ValueKind::Cases(cases, otherwise) => {
            cases.iter().for_each(|(_, value)| sites(value, lines));
            otherwise.iter().for_each(|value| sites(value, lines));
        }
        ValueKind::Pick(pick) => sites(&pick.list, lines),
        ValueKind::LookUp { key, .. } => sites(key, lines),
        ValueKind::Literal(_) | ValueKind::Path(..) | ValueKind::Template(_) => {}
    }
}

/// The keys that a path fills, where it does nothing else.
fn fields(reading: &[&Use<'_>]) -> Option<Fields> {
    let mut fields = Fields::default();
    for of in reading {
        let Slot::Field(ways) = &of.slot else { return None };
        let is_gone = matches!(of.value.kind, ValueKind::Path(..)) && ways.iter().all(|way| !way.is_empty());
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
    match &value.kind {
        ValueKind::From(from) => {
            let mapped = from.map.iter().flat_map(|map| map.values()).filter_map(|mapped| mapped.value.as_ref());
            matches!(from.other, Other::Drop) || may_drop(&from.from) || mapped.chain(&from.default).any(may_drop)
        }
        ValueKind::Coalesce(values) | ValueKind::Join(values, _) => values.iter().any(may_drop),
        ValueKind::Cases(cases, otherwise) => {
            cases.iter().any(|(_, value)| may_drop(value)) || otherwise.iter().any(|value| may_drop(value))
        }
        ValueKind::LookUp { key, missing_is_expected, .. } => *missing_is_expected || may_drop(key),
        ValueKind::Pick(_)
        | ValueKind::Literal(_)
        | ValueKind::Path(..)
        | ValueKind::Template(_)
        | ValueKind::Quote { .. } => false,
    }
}

/// The resource that a row makes, as far as its own values tell.
fn resource(plan: &Plan, list: List<'_>, row: &Json) -> Option<(String, String)> {
    let Rows::Resources(number) = list.rows else { return None };
    let kind = plan.types.get(number)?;
    let IdRule::One(value) = &kind.mapping.id else { return None };
    let names = Map::new();
    let root = Scope::root(&names);
    let id = value.text(&root.with_node("row", row), &NoWitness).ok()??.into_owned();
    Some((kind.id.clone(), id))
}

/// Whether a row has made a record: a resource that is in the graph, or anything else.
fn is_used(plan: &Plan, base: &Base<'_>, list: List<'_>, row: &Json) -> bool {
    if !row.is_object() {
        return false;
    }
    let is_resource = matches!(list.rows, Rows::Resources(_));
    match resource(plan, list, row) {
        Some((kind, id)) => base.graph.lines().any(|line| {
            let json: Json = serde_json::from_str(line).unwrap_or_default();
            let is = |name: &str, wanted: &str| json.get(name).and_then(Json::as_str) == Some(wanted);
            is("kind", "resource") && is("resource_type", &kind) && is("id", &id)
        }),
        None if is_resource => true,
        None => {
            let texts = texts(row);
            let mut grants = base.graph.lines().filter(|line| line.starts_with("{\"kind\":\"grant\""));
            grants.any(|line| {
                let json: Json = serde_json::from_str(line).unwrap_or_default();
                let holder = json.get("principal").and_then(Json::as_str).unwrap_or_default();
                texts.iter().any(|text| holder.contains(text.as_str()))
            })
        }
    }
}

/// The ids of a type that one row of the case has and no other.
fn ids(plan: &Plan, base: &Base<'_>, spots: &[Spot<'_>], list: List<'_>) -> BTreeSet<String> {
    let alike = spots.iter().filter_map(|spot| {
        let (other, rows) = rows(spot, body(base.case.exchanges.get(spot.number)?)?)?;
        (other.rows == list.rows).then_some((other, rows))
    });
    let ids = alike.flat_map(|(other, rows)| {
        rows.into_iter().filter_map(move |(_, row)| Some(resource(plan, other, &row)?.1)).collect::<Vec<_>>()
    });
    counted(ids).into_iter().filter(|(_, count)| *count == 1).map(|(id, _)| id).collect()
}

/// Every text and number of a row that tells it from others.
fn texts(row: &Json) -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    collect(row, &mut texts);
    texts
}

fn collect(json: &Json, texts: &mut BTreeSet<String>) {
    match json {
        Json::String(text) if !text.trim().is_empty() => {
            texts.insert(text.trim().to_owned());
        }
        Json::Number(number) => {
            texts.insert(number.to_string());
        }
        Json::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Json::Object(members) => members.values().for_each(|member| collect(member, texts)),
        Json::String(_) | Json::Null | Json::Bool(_) => {}
    }
}
