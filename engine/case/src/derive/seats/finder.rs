//! Finds the rows of an answer as a sync would: a row, then the lists inside it that rules, types and
//! values take their own rows from. Each is found by its node, so that it can be changed there.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use engine_json::{Map, Value as Json};
use engine_spec::path::Path;
use engine_spec::plan::{
    Columns, Detail, IdRule, NoWitness, Origin, Plan, PrincipalRule, Source, Take, TraitRule, Unnest, Value, ValueKind,
    entry, named_values,
};
use engine_spec::scope::Scope;

use super::super::feeds::{Feeds, Slot, has_conditions, inside};
use super::super::spots::{List, Role, Rows, Spot};
use super::{Element, Form, Level, Made, Place, Reading, Seat};
use crate::case::Case;

/// The names that values read besides the rows, as far as a case gives them.
pub(in super::super) fn given(plan: &Plan, case: &Case) -> Map {
    let defaults = plan.config.iter().filter_map(|field| Some((field.name.clone(), field.default.clone()?)));
    let own = case.config.iter().map(|(name, value)| (name.clone(), value.clone()));
    let config: Map = defaults.chain(own).collect();
    Map::from_iter([("config".to_owned(), config.into())])
}

/// The rows of an answer; none where what is read are not they.
pub(in super::super) fn seats<'p>(plan: &'p Plan, given: &Map, spot: &Spot<'p>, body: &Json) -> Vec<Seat<'p>> {
    let mut finder = Finder { plan, given, body, nodes: HashMap::new(), seats: Vec::new(), places: HashMap::new() };
    finder.note(body, String::new());
    let Some(inner) = spot.unwrapped(body) else { return Vec::new() };
    match spot.role {
        Role::Page(list) => finder.page(spot, list, inner),
        Role::Detail(list, detail) => finder.details(list, detail, inner),
        Role::Opening | Role::Other => {}
    }
    finder.seats
}

/// A row in an answer.
struct Found<'j> {
    node: &'j Json,
    /// The row, as values see it.
    row: Cow<'j, Json>,
    form: Form,
}

struct Finder<'p, 'b> {
    plan: &'p Plan,
    given: &'b Map,
    body: &'b Json,
    /// The nodes of the body by address, each with where it stands: RFC 6901.
    nodes: HashMap<usize, (&'b Json, String)>,
    seats: Vec<Seat<'p>>,
    /// Numbers of seats by where they are; members of objects stand for themselves, too.
    places: HashMap<(String, bool), usize>,
}

impl<'p, 'b> Finder<'p, 'b> {
    fn note(&mut self, node: &'b Json, pointer: String) {
        match node {
            Json::Array(items) => {
                items.iter().enumerate().for_each(|(at, item)| self.note(item, format!("{pointer}/{at}")));
            }
            Json::Object(members) => {
                let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
                members.iter().for_each(|(name, member)| self.note(member, format!("{pointer}/{}", escaped(name))));
            }
            _ => {}
        }
        self.nodes.insert(address(node), (node, pointer));
    }

    fn page(&mut self, spot: &Spot<'p>, list: List<'p>, inner: &'b Json) {
        let is_listed = list.source.detail.as_ref().is_some_and(|detail| detail.name.is_none());
        let level = if is_listed { Level::Listed } else { Level::Row };
        let rows: Vec<Found<'b>> = match &list.source.take {
            Take::Items { .. } => spot.rows(self.body).into_iter().flatten().map(itself).collect(),
            Take::Item(path) => path.one(inner).into_iter().map(itself).collect(),
            Take::Entries(path) => path.one(inner).and_then(Json::as_object).into_iter().flat_map(entries).collect(),
            Take::Columns { rows, .. } => columns(list.source, self.body, inner, rows),
            Take::Rows => Vec::new(),
        };
        let is_only = rows.len() == 1;
        for (at, found) in rows.iter().enumerate() {
            let says = if is_only { String::new() } else { format!("row {} of ", at + 1) };
            self.row(list.source, list.rows, level.clone(), says, found);
        }
    }

    fn details(&mut self, list: List<'p>, detail: &'p Detail, inner: &'b Json) {
        let level = detail.name.as_deref().map_or(Level::Row, Level::Detail);
        let (path, is_batch) = match &detail.batch {
            Some(batch) => (Some(&batch.items), true),
            None => (detail.item.as_ref(), false),
        };
        let Some(found) = path.map_or(Some(inner), |path| path.one(inner)) else { return };
        if !is_batch {
            return self.row(list.source, list.rows, level, String::new(), &itself(found));
        }
        for (at, item) in found.as_array().into_iter().flatten().enumerate() {
            self.row(list.source, list.rows, level.clone(), format!("row {} of ", at + 1), &itself(item));
        }
    }

    /// A row of an answer and those inside it.
    fn row(&mut self, source: &'p Source, rows: Rows, level: Level<'p>, says: String, found: &Found<'b>) {
        let Found { node, row, .. } = found;
        let root = Scope::root(self.given);
        let scope = root.with_node("row", row);
        let lets = named_values(&source.lets, &scope);
        let scope = scope.with_all(&lets);
        let mut reading = Reading { source, rows, level, made: Made::default(), around: None, is_conditional: false };
        if matches!(reading.level, Level::Row) && !reading.is_unnested() {
            reading.made = self.made(rows, &scope, None);
        }
        self.sit(found, &says, "", BTreeSet::new(), reading.clone());
        let mut texts = BTreeSet::new();
        collect_around(row, &mut texts);
        let within = Within {
            node,
            says: &says,
            inside: "",
            texts: &texts,
            around: None,
            is_conditional: has_conditions(source),
        };
        match (&reading.level, source.unnest.as_deref()) {
            (Level::Row, None) => self.made_of(&reading, row, &scope, &within),
            (Level::Row, Some(level)) => self.unnested(source, rows, level, row, &scope, &within),
            (Level::Detail(name), Some(level)) => {
                let scope = root.with(name, row);
                self.unnested(source, rows, level, &Json::Null, &scope, &within);
            }
            _ => {}
        }
    }

    /// The rows inside a row of which records are made.
    fn made_of(&mut self, reading: &Reading<'p>, row: &Json, scope: &Scope<'_>, within: &Within<'_, 'b>) {
        self.elements(reading, scope, within);
        let Rows::Resources(kind) = reading.rows else { return };
        let around = reading.made.resource.as_ref();
        // What a list may leave out is there where its resource is.
        let within = Within { around, is_conditional: within.is_conditional && around.is_none(), ..*within };
        let mut seen = BTreeSet::new();
        self.rules_of(kind, row, scope, &within, &mut seen);
    }

    /// The rows that rules and types unnest from the rows of a type.
    fn rules_of(
        &mut self,
        kind: usize,
        row: &Json,
        scope: &Scope<'_>,
        within: &Within<'_, 'b>,
        seen: &mut BTreeSet<usize>,
    ) {
        let plan = self.plan;
        if !seen.insert(kind) {
            return;
        }
        let rules = plan.types.get(kind).into_iter().flat_map(|kind| &kind.row_rules);
        for (rule, source) in rules.filter_map(|rule| Some((*rule, &plan.grant_rules.get(*rule)?.source))) {
            self.of_each_row(source, Rows::Grants(rule), row, scope, within);
        }
        for (derived, of) in plan.types.iter().enumerate() {
            for source in of.sources.iter().filter(|source| matches!(source.origin, Origin::EachRow(of) if of == kind))
            {
                match source.unnest {
                    Some(_) => self.of_each_row(source, Rows::Resources(derived), row, scope, within),
                    None => self.rules_of(derived, row, scope, &Within { around: None, ..*within }, seen),
                }
            }
        }
    }

    fn of_each_row(&mut self, source: &'p Source, rows: Rows, row: &Json, scope: &Scope<'_>, within: &Within<'_, 'b>) {
        let Some(level) = source.unnest.as_deref() else { return };
        let lets = named_values(&source.lets, scope);
        let within = Within { is_conditional: within.is_conditional || has_conditions(source), ..*within };
        self.unnested(source, rows, level, row, &scope.with_all(&lets), &within);
    }

    fn unnested(
        &mut self,
        source: &'p Source,
        rows: Rows,
        level: &'p Unnest,
        row: &Json,
        scope: &Scope<'_>,
        within: &Within<'_, 'b>,
    ) {
        let name = list_name(&level.of);
        let inside = within.inside(&name);
        let is_conditional = within.is_conditional || level.keep_where.is_some();
        let found: Vec<Found<'b>> = match level.entries {
            true => self.members_of(&level.of, scope, within.node).into_iter().flat_map(entries).collect(),
            false => self.elements_of(&level.of, scope, within.node),
        };
        let named;
        let outer = match &level.outer {
            Some(name) => {
                named = scope.with(name, row);
                &named
            }
            None => scope,
        };
        for (at, found) in found.iter().enumerate() {
            let Found { node, row: inner, .. } = found;
            let scope = outer.with_node("row", inner);
            let lets = named_values(&level.lets, &scope);
            let scope = scope.with_all(&lets);
            let made = match level.unnest {
                None => self.made(rows, &scope, within.around),
                Some(_) => Made::default(),
            };
            let around = within.around.cloned();
            let reading = Reading { source, rows, level: Level::Inner(level), made, around, is_conditional };
            let says = format!("row {} of {name} in {}", at + 1, within.says);
            self.sit(found, &says, &inside, within.texts.clone(), reading.clone());
            let mut texts = within.texts.clone();
            collect_around(inner, &mut texts);
            let within =
                Within { node, says: &says, inside: &inside, texts: &texts, around: within.around, is_conditional };
            match &level.unnest {
                Some(deeper) => self.unnested(source, rows, deeper, inner, &scope, &within),
                None => self.made_of(&reading, inner, &scope, &within),
            }
        }
    }

    /// The elements of the lists that values choose from.
    fn elements(&mut self, reading: &Reading<'p>, scope: &Scope<'_>, within: &Within<'_, 'b>) {
        let feeds = Feeds::of(self.plan, reading);
        let mut lists: Vec<(&'p Value, Element<'p>)> = Vec::new();
        for of in &feeds.uses {
            of.value().into_iter().for_each(|value| picks(value, &of.slot.loosened(), &mut lists));
        }
        if let Rows::Resources(kind) = reading.rows
            && let Some(TraitRule::User(user)) = self.plan.types.get(kind).map(|kind| &kind.mapping.trait_rule)
            && let Some((list, address, primary)) = &user.emails
        {
            let slot = Slot::Field(vec![vec!["emails".to_owned()], Vec::new()]);
            lists.push((list, Element { of: list, take: Some(address), condition: primary.as_ref(), slot }));
        }
        for (list, element) in lists {
            let name = list_name(list);
            let inside = within.inside(&name);
            for (at, found) in self.elements_of(list, scope, within.node).iter().enumerate() {
                let says = format!("row {} of {name} in {}", at + 1, within.says);
                let reading = Reading { level: Level::Element(element.clone()), ..reading.clone() };
                self.sit(found, &says, &inside, within.texts.clone(), reading);
            }
        }
    }

    fn sit(&mut self, found: &Found<'b>, says: &str, inside: &str, mut texts: BTreeSet<String>, reading: Reading<'p>) {
        let Found { node, row, form } = found;
        let Some((_, pointer)) = self.nodes.get(&address(node)).filter(|_| row.is_object()) else { return };
        let place = Place { pointer: pointer.clone(), form: form.clone() };
        collect(row, &mut texts);
        let is_entry = matches!(form, Form::Entry);
        let number = *self.places.entry((pointer.clone(), is_entry)).or_insert(self.seats.len());
        match self.seats.get_mut(number) {
            Some(seat) => {
                seat.texts.append(&mut texts);
                seat.readings.push(reading);
            }
            None => self.seats.push(Seat {
                says: says.to_owned(),
                inside: inside.to_owned(),
                row: row.clone().into_owned(),
                texts,
                readings: vec![reading],
                place,
            }),
        }
    }

    /// The elements that a value takes from the node of a row as they are.
    fn elements_of(&self, list: &Value, scope: &Scope<'_>, node: &'b Json) -> Vec<Found<'b>> {
        let found = list.yields_all(scope, &NoWitness).ok().flatten().unwrap_or_default();
        let there: Option<Vec<&'b Json>> = found.iter().map(|element| self.itself(element)).collect();
        let there = there.unwrap_or_else(|| {
            // What is a copy, as that under a name, is told from others by what it holds.
            let copy = Json::Array(found.into_iter().map(Cow::into_owned).collect());
            only_equal(node, &copy).and_then(Json::as_array).into_iter().flatten().collect()
        });
        there.into_iter().map(itself).collect()
    }

    /// The object that a value takes from the node of a row as it is.
    fn members_of(&self, object: &Value, scope: &Scope<'_>, node: &'b Json) -> Option<&'b Map> {
        let found = object.yields(scope, &NoWitness).ok().flatten()?;
        self.itself(&found).or_else(|| only_equal(node, &found))?.as_object()
    }

    /// The very node in the body.
    fn itself(&self, found: &Json) -> Option<&'b Json> {
        self.nodes.get(&address(found)).map(|(node, _)| *node)
    }

    /// What is made of a row.
    fn made(&self, rows: Rows, scope: &Scope<'_>, around: Option<&(String, String)>) -> Made {
        let text = |value: &Value| value.text(scope, &NoWitness).ok().flatten().map(Cow::into_owned);
        match rows {
            Rows::Resources(number) => {
                let Some(kind) = self.plan.types.get(number) else { return Made::default() };
                let IdRule::One(value) = &kind.mapping.id else { return Made::default() };
                Made { resource: text(value).map(|id| (kind.id.clone(), id)), ..Made::default() }
            }
            Rows::Grants(number) => {
                let Some(rule) = self.plan.grant_rules.get(number) else { return Made::default() };
                let principal = match &rule.principal {
                    PrincipalRule::Row => around.map(|(_, id)| id.clone()),
                    PrincipalRule::Types { id, .. } | PrincipalRule::Told { id, .. } => text(id),
                };
                let held = match &rule.resource {
                    Some(resource) => text(resource),
                    None => around.map(|(_, id)| id.clone()),
                };
                Made { resource: None, principal, held }
            }
            Rows::Entitlements(..) => Made::default(),
        }
    }
}

/// What a row stands within.
struct Within<'a, 'b> {
    /// The node of the row around.
    node: &'b Json,
    /// How names say the row around.
    says: &'a str,
    /// The lists that it is an element of.
    inside: &'a str,
    /// What the rows around have, apart from their lists.
    texts: &'a BTreeSet<String>,
    /// The resource that the row around makes.
    around: Option<&'a (String, String)>,
    /// Whether something may leave the row around out.
    is_conditional: bool,
}

impl Within<'_, '_> {
    /// A list inside the row, and the lists that the row is an element of.
    fn inside(&self, name: &str) -> String {
        if self.inside.is_empty() { name.to_owned() } else { format!("{name} of {}", self.inside) }
    }
}

fn itself(node: &Json) -> Found<'_> {
    Found { node, row: Cow::Borrowed(node), form: Form::Node }
}

fn entries(members: &Map) -> impl Iterator<Item = Found<'_>> {
    members.iter().map(|(key, value)| Found { node: value, row: Cow::Owned(entry(key, value)), form: Form::Entry })
}

fn columns<'j>(source: &Source, body: &Json, inner: &'j Json, rows: &Path) -> Vec<Found<'j>> {
    let names = source.column_names(body, inner).unwrap_or_default();
    let columns = Columns::new(&names);
    let lines = rows.one(inner).and_then(Json::as_array).into_iter().flatten();
    let found = lines.filter_map(|line| {
        let row = Cow::Owned(columns.row(line)?);
        Some(Found { node: line, row, form: Form::Cells(names.clone()) })
    });
    found.collect()
}

/// The node inside another that holds the same, where there is but one.
fn only_equal<'j>(within: &'j Json, wanted: &Json) -> Option<&'j Json> {
    let mut found = Vec::new();
    equal_to(within, wanted, &mut found);
    match found.as_slice() {
        [only] => Some(only),
        _ => None,
    }
}

fn equal_to<'j>(json: &'j Json, wanted: &Json, found: &mut Vec<&'j Json>) {
    if json == wanted {
        found.push(json);
    }
    match json {
        Json::Array(items) => items.iter().for_each(|item| equal_to(item, wanted, found)),
        Json::Object(members) => members.values().for_each(|member| equal_to(member, wanted, found)),
        _ => {}
    }
}

fn picks<'p>(value: &'p Value, slot: &Slot, lists: &mut Vec<(&'p Value, Element<'p>)>) {
    if let ValueKind::Pick(pick) = &value.kind {
        let element =
            Element { of: value, take: pick.take.as_ref(), condition: pick.keep_where.as_ref(), slot: slot.clone() };
        lists.push((&pick.list, element));
    }
    inside(value).for_each(|inner| picks(inner, slot, lists));
}

/// How names say a list inside a row.
fn list_name(list: &Value) -> String {
    match &list.kind {
        ValueKind::Path(path, _) => path.text().to_owned(),
        _ => format!("the list of line {}", list.site.line),
    }
}

/// What tells one node from others that hold the same.
fn address(node: &Json) -> usize {
    std::ptr::from_ref(node).addr()
}

/// Every text and number of a row that tells it from others.
fn collect(json: &Json, texts: &mut BTreeSet<String>) {
    if let Json::Array(items) = json {
        items.iter().for_each(|item| collect(item, texts));
    }
    collect_with(json, texts, collect);
}

/// The same of a row around others: its lists are theirs.
fn collect_around(json: &Json, texts: &mut BTreeSet<String>) {
    collect_with(json, texts, collect_around);
}

fn collect_with(json: &Json, texts: &mut BTreeSet<String>, inner: fn(&Json, &mut BTreeSet<String>)) {
    match json {
        Json::String(text) if !text.trim().is_empty() => {
            texts.insert(text.trim().to_owned());
        }
        Json::Number(number) => {
            texts.insert(number.to_string());
        }
        Json::Object(members) => members.values().for_each(|member| inner(member, texts)),
        _ => {}
    }
}
