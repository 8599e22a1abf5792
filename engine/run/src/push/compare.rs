//! The changes that lead from what is there to what is wanted. Pure: nothing is asked here.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use engine_json::{Map, Value as Json};
use engine_model::{Resource, ResourceRef, StatusValue};
use engine_spec::document::attribute::{Leave, MatchKey};
use engine_spec::plan::{Find, Plan, ResourceType};
use engine_spec::scope::Scope;

use super::keys::{Index, folded, keys_of, status_of, wanted_key};
use super::survey::Survey;
use super::wanted::{Row, Wanted, type_of, unknown_keys};
use super::{Change, ChangeKind, Deed, Key, PushPlan};
use crate::provision::{Given, Order, attribute_key, same_attribute, shown};

/// How much a push may take away.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// A share of what is there, in percent: of the resources, and of the memberships.
    Percent(f64),
    /// So many.
    Number(usize),
}

impl Limit {
    fn allows(self, removed: usize, there: usize) -> bool {
        match self {
            Self::Number(most) => removed <= most,
            #[expect(clippy::cast_precision_loss, reason = "counts of a directory are far below 2^52")]
            Self::Percent(percent) => removed as f64 <= (there as f64 * percent / 100.0).ceil(),
        }
    }
}

/// Compares what is wanted with what is there. `names` are `config` and `start`.
pub fn compare(plan: &Plan, wanted: &Wanted, survey: &Survey, names: &Map, limit: Limit) -> PushPlan {
    let mut comparison = Comparison {
        plan,
        survey,
        names,
        found: PushPlan::default(),
        keys: HashMap::new(),
        made: HashMap::new(),
        index: Index::of(plan, survey),
        rows: Vec::new(),
        creates: 0,
    };
    comparison.rows(wanted);
    comparison.left_over(wanted);
    comparison.memberships();
    comparison.limit(limit);
    let mut found = comparison.found;
    found.gap.clone_from(&survey.gap);
    found.changes.sort_by_key(|change| change.kind);
    found
}

/// A row of the file that has its resource.
pub(super) struct Placed<'a> {
    pub kind: usize,
    pub row: &'a Row,
    pub key: Key,
}

pub(super) struct Comparison<'a> {
    pub plan: &'a Plan,
    pub survey: &'a Survey,
    names: &'a Map,
    pub found: PushPlan,
    /// The rows that have claimed a resource.
    keys: HashMap<ResourceRef, String>,
    /// The keys of the resources that are made, and the rows that want them.
    made: HashMap<(usize, MatchKey, String), String>,
    pub index: Index,
    pub rows: Vec<Placed<'a>>,
    creates: usize,
}

impl<'a> Comparison<'a> {
    fn problem(&mut self, text: String) {
        self.found.problems.push(text);
    }

    fn rows(&mut self, wanted: &'a Wanted) {
        for section in &wanted.sections {
            let (number, kind) = match type_of(self.plan, section) {
                Ok(found) => found,
                Err(reason) => {
                    self.problem(reason);
                    continue;
                }
            };
            for row in &section.rows {
                let unknown = unknown_keys(kind, row);
                if !unknown.is_empty() {
                    self.found.problems.extend(unknown);
                    continue;
                }
                self.row(number, kind, row);
            }
        }
    }

    fn row(&mut self, number: usize, kind: &'a ResourceType, row: &'a Row) {
        let survey = self.survey;
        let mut matching: Vec<&(Resource, Json)> = Vec::new();
        let mut surer: Vec<(MatchKey, &String)> = Vec::new();
        for key in &kind.push.by {
            let Some(value) = wanted_key(kind, row, *key) else { continue };
            matching = self.index.find(survey, number, *key, value);
            if !matching.is_empty() {
                break;
            }
            if *key == MatchKey::Id {
                self.problem(format!("{}: there is no {} with the id `{value}`", row.place, kind.id));
                return;
            }
            surer.push((*key, value));
        }
        // Known by one key, and somebody else by a surer one.
        if let [(resource, scope)] = matching.as_slice() {
            for (key, value) in surer {
                let others = keys_of(kind, resource, scope, key);
                if let Some(other) = others.first() {
                    self.problem(format!(
                        "{}: {} is known as `{other}`, and not as `{value}`; say which is meant with `id`",
                        row.place, resource.id
                    ));
                    return;
                }
            }
        }
        match matching.as_slice() {
            [] => self.create(number, kind, row),
            [(resource, scope)] => {
                if let Some(other) = self.keys.insert(resource.id.clone(), row.place.clone()) {
                    self.problem(format!("{} and {other} are both {}", row.place, resource.id));
                    return;
                }
                let key = Key::There(resource.id.clone());
                self.rows.push(Placed { kind: number, row, key });
                if !self.is_protected(kind, scope) {
                    self.update(kind, row, resource, scope);
                }
            }
            several => {
                let ids: Vec<&str> = several.iter().map(|(resource, _)| resource.id.id.as_str()).collect();
                self.problem(format!(
                    "{}: `{}` fits several: {}; say which with `id`",
                    row.place,
                    row.label(),
                    ids.join(", ")
                ));
            }
        }
    }

    fn create(&mut self, number: usize, kind: &'a ResourceType, row: &'a Row) {
        for key in &kind.push.by {
            let Some(value) = wanted_key(kind, row, *key) else { continue };
            if let Some(other) = self.made.insert((number, *key, folded(*key, value)), row.place.clone()) {
                self.problem(format!("{} and {other} are both `{value}`", row.place));
                return;
            }
        }
        if row.active == Some(false) {
            self.found.notes.push(format!(
                "{}: {} is not there and not to be active; not made",
                row.place,
                row.label()
            ));
            return;
        }
        let Some(_) = &kind.operations.create else {
            self.problem(format!(
                "{}: there is no {} `{}`, and the spec cannot make one",
                row.place,
                kind.id,
                row.label()
            ));
            return;
        };
        let is_asked_for = kind.find.iter().any(|(_, find)| matches!(find, Find::Ask(_)));
        if self.survey.gap.is_some() && !is_asked_for {
            self.problem(format!(
                "{}: {} may be among what could not be read, so it is not made",
                row.place,
                row.label()
            ));
            return;
        }
        let mut input = Given::new();
        let mut faults = Vec::new();
        for attribute in kind.attributes.iter().filter(|attribute| attribute.on_create) {
            match row.value_of(attribute) {
                Some(value) => {
                    if let Err(reason) = attribute.accept(value) {
                        faults.push(format!("{}: {reason}", attribute.name()));
                    }
                    input.insert(attribute.name().to_owned(), value.clone());
                }
                None if attribute.required_on_create && attribute.default.is_none() && attribute.generate.is_none() => {
                    faults.push(format!("{} is required ({})", attribute.name(), attribute.field.title));
                }
                None => {}
            }
        }
        if !faults.is_empty() {
            self.problem(format!("{}: {}", row.place, faults.join("; ")));
            return;
        }
        let is_secret = |name: &String| kind.attributes.iter().any(|known| known.name() == name && known.is_secret());
        let shown_input = |(name, value): (&String, &String)| {
            format!("{name}: {}", if is_secret(name) { "***" } else { value.as_str() })
        };
        let details = input.iter().map(shown_input).collect();
        let order = Order::Create { kind: kind.id.clone(), parent: None, input };
        self.found.changes.push(Change {
            kind: ChangeKind::Create,
            label: format!("{} {}", kind.id, row.label()),
            details,
            deed: Deed::Create(order, self.creates),
        });
        self.rows.push(Placed { kind: number, row, key: Key::Made(self.creates) });
        self.creates += 1;
    }

    fn update(&mut self, kind: &ResourceType, row: &Row, resource: &Resource, scope: &Json) {
        let mut input = Given::new();
        let mut details = Vec::new();
        for attribute in kind.attributes.iter().filter(|attribute| attribute.read.is_some()) {
            let Some(value) = row.value_of(attribute) else { continue };
            let wanted = match attribute.accept(value) {
                Ok(wanted) => wanted,
                Err(reason) => {
                    self.problem(format!("{}: {}: {reason}", row.place, attribute.name()));
                    continue;
                }
            };
            let found = scope.get(attribute_key(attribute.name())).unwrap_or(&Json::Null);
            if same_attribute(attribute, &wanted, found) {
                continue;
            }
            if attribute.managed && attribute.on_update {
                details.push(format!("{}: {} → {}", attribute.name(), shown(found), shown(&wanted)));
                input.insert(attribute.name().to_owned(), value.clone());
            } else {
                self.found.notes.push(format!(
                    "{}: {} of {} is {} and not {}; it is not changed by a push",
                    row.place,
                    attribute.name(),
                    resource.id,
                    shown(found),
                    shown(&wanted)
                ));
            }
        }
        let label = format!("{} {}", resource.id, resource.display_name);
        if !input.is_empty() {
            if kind.operations.update.is_none() {
                self.problem(format!("{}: the spec cannot change a {}: {}", row.place, kind.id, details.join(", ")));
                return;
            }
            let order = Order::Update { resource: resource.id.clone(), input };
            self.change(ChangeKind::Update, &label, details, Deed::Order(order));
        }
        let status = status_of(resource);
        let (change, operation, order): (_, _, fn(ResourceRef) -> Order) = match (row.active, status) {
            (Some(true), StatusValue::Disabled) => {
                (ChangeKind::Reactivate, kind.operations.enable.is_some(), Order::Enable)
            }
            (Some(false), StatusValue::Enabled) => {
                (ChangeKind::Deactivate, kind.operations.disable.is_some(), Order::Disable)
            }
            _ => return,
        };
        if !operation {
            self.problem(format!("{}: the spec cannot {} a {}", row.place, change.word(), kind.id));
            return;
        }
        self.change(change, &label, Vec::new(), Deed::Order(order(resource.id.clone())));
    }

    pub fn change(&mut self, kind: ChangeKind, label: &str, details: Vec<String>, deed: Deed) {
        self.found.changes.push(Change { kind, label: label.to_owned(), details, deed });
    }

    pub fn is_protected(&mut self, kind: &ResourceType, scope: &Json) -> bool {
        let Some(protect) = &kind.push.protect else { return false };
        let root = Scope::root(self.names);
        match protect.holds(&root.with("resource", scope)) {
            Ok(holds) => holds,
            Err(error) => {
                self.problem(format!("{}: {error} ({})", kind.id, kind.push.site));
                true
            }
        }
    }

    /// What becomes of resources that the file does not name.
    fn left_over(&mut self, wanted: &Wanted) {
        let named: BTreeSet<usize> =
            wanted.sections.iter().filter_map(|section| Some(type_of(self.plan, section).ok()?.0)).collect();
        let survey = self.survey;
        for number in named {
            let Some(kind) = self.plan.types.get(number) else { continue };
            if kind.push.leave == Leave::Nothing {
                continue;
            }
            for (resource, scope) in survey.resources.get(&number).map(Vec::as_slice).unwrap_or_default() {
                if self.keys.contains_key(&resource.id) || self.is_protected(kind, scope) {
                    continue;
                }
                let label = format!("{} {}", resource.id, resource.display_name);
                match kind.push.leave {
                    Leave::Disable if status_of(resource) != StatusValue::Enabled => {}
                    Leave::Disable => {
                        let order = Order::Disable(resource.id.clone());
                        self.change(ChangeKind::Deactivate, &label, Vec::new(), Deed::Order(order));
                    }
                    Leave::Delete => {
                        let order = Order::Delete(resource.id.clone());
                        self.change(ChangeKind::Delete, &label, Vec::new(), Deed::Order(order));
                    }
                    Leave::Nothing => {}
                }
            }
        }
    }

    /// Refuses to take away more than it may, or anything after a read that was not complete.
    fn limit(&mut self, limit: Limit) {
        let count =
            |kinds: &[ChangeKind]| self.found.changes.iter().filter(|change| kinds.contains(&change.kind)).count();
        let members = count(&[ChangeKind::RemoveMember]);
        let resources = count(&[ChangeKind::Deactivate, ChangeKind::Delete]);
        if members + resources == 0 {
            return;
        }
        if self.survey.gap.is_some() {
            self.problem("not everything could be read, so nothing is taken away".to_owned());
            return;
        }
        let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
        for change in &self.found.changes {
            let (ChangeKind::Deactivate | ChangeKind::Delete, Deed::Order(order)) = (change.kind, &change.deed) else {
                continue;
            };
            if let Some((number, _)) = self.plan.type_named(order.kind()) {
                *taken.entry(number).or_default() += 1;
            }
        }
        let mut counts: Vec<(String, usize, usize)> = taken
            .into_iter()
            .filter_map(|(number, removed)| {
                let there = self.survey.resources.get(&number).map_or(0, Vec::len);
                let id = &self.plan.types.get(number)?.id;
                Some((format!("resources of the type {id} would be deactivated or deleted"), removed, there))
            })
            .collect();
        let pushed = self.survey.members.iter().filter(|(entitlement, _)| self.is_membership(entitlement)).count();
        counts.push(("memberships would be removed".to_owned(), members, pushed));
        for (what, removed, there) in counts {
            if removed > 0 && !limit.allows(removed, there) {
                self.problem(format!(
                    "{removed} of {there} {what}, which is more than `--max-deletes` allows; `--max-deletes {removed}` would"
                ));
            }
        }
    }
}
