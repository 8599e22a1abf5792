//! The changes that lead from what is there to what is wanted. Pure: nothing is asked here.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use engine_model::{EntitlementRef, Resource, ResourceRef, StatusValue, TraitData};
use engine_spec::document::attribute::{CommonName, Leave, MatchKey};
use engine_spec::plan::{Plan, ResourceType};
use engine_spec::scope::Scope;
use serde_json::{Map, Value as Json};

use super::survey::{Survey, membership};
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
            Self::Percent(percent) => removed as f64 <= there as f64 * percent / 100.0,
        }
    }
}

/// Compares what is wanted with what is there. `names` are `config` and `start`.
pub fn compare(plan: &Plan, wanted: &Wanted, survey: &Survey, names: &Map<String, Json>, limit: Limit) -> PushPlan {
    let mut comparison = Comparison {
        plan,
        survey,
        names,
        found: PushPlan::default(),
        keys: HashMap::new(),
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
struct Placed<'a> {
    kind: usize,
    row: &'a Row,
    key: Key,
}

struct Comparison<'a> {
    plan: &'a Plan,
    survey: &'a Survey,
    names: &'a Map<String, Json>,
    found: PushPlan,
    /// The rows that have claimed a resource.
    keys: HashMap<ResourceRef, String>,
    rows: Vec<Placed<'a>>,
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
        let there = survey.resources.get(&number).map(Vec::as_slice).unwrap_or_default();
        let mut matching: Vec<&(Resource, Json)> = Vec::new();
        for key in &kind.push.by {
            let Some(value) = wanted_key(kind, row, *key) else { continue };
            matching = there.iter().filter(|(resource, scope)| has_key(kind, resource, scope, *key, value)).collect();
            if !matching.is_empty() {
                break;
            }
            if *key == MatchKey::Id {
                self.problem(format!("{}: there is no {} with the id `{value}`", row.place, kind.id));
                return;
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
        let details = input.iter().map(|(name, value)| format!("{name}: {value}")).collect();
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

    fn change(&mut self, kind: ChangeKind, label: &str, details: Vec<String>, deed: Deed) {
        self.found.changes.push(Change { kind, label: label.to_owned(), details, deed });
    }

    fn is_protected(&mut self, kind: &ResourceType, scope: &Json) -> bool {
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

    /// Memberships: exactly the groups of a person, exactly the members of a group.
    fn memberships(&mut self) {
        let mut adds: BTreeMap<(Key, String, Key), ()> = BTreeMap::new();
        let mut whole_people: BTreeSet<Key> = BTreeSet::new();
        let mut whole_groups: BTreeSet<Key> = BTreeSet::new();
        let mut problems = Vec::new();
        for placed in &self.rows {
            for reference in placed.row.groups.iter().flatten() {
                match self.group(reference, placed.kind) {
                    Ok((group, slug)) => drop(adds.insert((group, slug, placed.key.clone()), ())),
                    Err(reason) => problems.push(format!("{}: {reason}", placed.row.place)),
                }
            }
            if placed.row.groups.is_some() {
                whole_people.insert(placed.key.clone());
            }
            let Some(members) = &placed.row.members else { continue };
            whole_groups.insert(placed.key.clone());
            let Some((kind, rule)) = self.plan.types.get(placed.kind).and_then(|kind| Some((kind, membership(kind)?)))
            else {
                problems.push(format!("{}: the spec cannot change who is in it", placed.row.place));
                continue;
            };
            for reference in members {
                match self.principal(reference, &rule.grantable_to) {
                    Ok(principal) => drop(adds.insert((placed.key.clone(), rule.key.clone(), principal), ())),
                    Err(reason) => problems.push(format!("{} ({}): {reason}", placed.row.place, kind.id)),
                }
            }
        }
        let is_wanted = |entitlement: &EntitlementRef, principal: &ResourceRef| {
            let key =
                (Key::There(entitlement.resource.clone()), entitlement.slug.clone(), Key::There(principal.clone()));
            adds.contains_key(&key)
        };
        let mut removed = Vec::new();
        for (entitlement, principal) in &self.survey.members {
            let is_whole = whole_people.contains(&Key::There(principal.clone()))
                || whole_groups.contains(&Key::There(entitlement.resource.clone()));
            let known = self.plan.type_named(&entitlement.resource.resource_type).map(|(_, kind)| kind);
            let is_membership = known.and_then(membership).is_some_and(|rule| rule.key == entitlement.slug);
            if is_whole && is_membership && !is_wanted(entitlement, principal) {
                removed.push((entitlement.clone(), principal.clone()));
            }
        }
        let already: BTreeSet<(Key, String, Key)> = self
            .survey
            .members
            .iter()
            .map(|(e, p)| (Key::There(e.resource.clone()), e.slug.clone(), Key::There(p.clone())))
            .collect();
        let added: Vec<_> = adds.into_keys().filter(|key| !already.contains(key)).collect();
        self.found.problems.extend(problems);
        for (group, slug, principal) in added {
            let label = format!("{} + {}", self.name(&group), self.name(&principal));
            self.change(
                ChangeKind::AddMember,
                &label,
                Vec::new(),
                Deed::Member { grants: true, group, slug, principal },
            );
        }
        for (entitlement, principal) in removed {
            if self.is_protected_ref(&principal) {
                continue;
            }
            let (group, principal) = (Key::There(entitlement.resource), Key::There(principal));
            let label = format!("{} − {}", self.name(&group), self.name(&principal));
            let deed = Deed::Member { grants: false, group, slug: entitlement.slug, principal };
            self.change(ChangeKind::RemoveMember, &label, Vec::new(), deed);
        }
    }

    fn is_protected_ref(&mut self, reference: &ResourceRef) -> bool {
        let Some((number, kind)) = self.plan.type_named(&reference.resource_type) else { return false };
        let there = self.survey.resources.get(&number).map(Vec::as_slice).unwrap_or_default();
        match there.iter().find(|(resource, _)| resource.id == *reference) {
            Some((_, scope)) => self.is_protected(kind, scope),
            None => false,
        }
    }

    /// A group that a row names: by id, by name, or as `TYPE:ID`, with the slug of membership.
    fn group(&self, reference: &str, principal: usize) -> Result<(Key, String), String> {
        let Some(principal) = self.plan.types.get(principal) else { return Err("of no type".to_owned()) };
        let types = self.plan.types.iter().enumerate();
        let groups: Vec<(usize, &str, &String)> = types
            .filter_map(|(number, kind)| {
                let rule = membership(kind).filter(|rule| rule.grantable_to.contains(&principal.id))?;
                Some((number, kind.id.as_str(), &rule.key))
            })
            .collect();
        let mut found: Vec<(Key, String)> = Vec::new();
        for (number, id, slug) in &groups {
            let named = reference.strip_prefix(&format!("{id}:")).unwrap_or(reference);
            found.extend(self.named(*number, named).into_iter().map(|key| (key, (*slug).clone())));
        }
        match found.len() {
            1 => found.pop().ok_or_else(String::new),
            0 => Err(format!("there is no group `{reference}`; add it to `groups` to have it made")),
            many => Err(format!("{many} groups are called `{reference}`; write TYPE:ID")),
        }
    }

    /// A principal that a row names.
    fn principal(&self, reference: &str, types: &[String]) -> Result<Key, String> {
        let mut found: Vec<Key> = Vec::new();
        for id in types {
            let Some((number, _)) = self.plan.type_named(id) else { continue };
            let named = reference.strip_prefix(&format!("{id}:")).unwrap_or(reference);
            found.extend(self.named(number, named));
        }
        found.dedup();
        match found.len() {
            1 => found.pop().ok_or_else(String::new),
            0 => Err(format!("there is nobody known as `{reference}`")),
            many => Err(format!("{many} are known as `{reference}`; write TYPE:ID")),
        }
    }

    /// The resources of a type that a text names, among those there and those that are made.
    fn named(&self, number: usize, text: &str) -> Vec<Key> {
        let Some(kind) = self.plan.types.get(number) else { return Vec::new() };
        let there = self.survey.resources.get(&number).map(Vec::as_slice).unwrap_or_default();
        if let Some((resource, _)) = there.iter().find(|(resource, _)| resource.id.id == text) {
            return vec![Key::There(resource.id.clone())];
        }
        let keys = [MatchKey::ExternalId, MatchKey::Login, MatchKey::Email, MatchKey::DisplayName];
        for key in keys {
            let fits = there.iter().filter(|(resource, scope)| has_key(kind, resource, scope, key, text));
            let found: Vec<Key> = fits.map(|(resource, _)| Key::There(resource.id.clone())).collect();
            if !found.is_empty() {
                return found;
            }
        }
        let made = self.rows.iter().filter(|placed| placed.kind == number && matches!(placed.key, Key::Made(_)));
        made.filter(|placed| {
            keys.iter().any(|key| wanted_key(kind, placed.row, *key).is_some_and(|value| value == text))
        })
        .map(|placed| placed.key.clone())
        .collect()
    }

    fn name(&self, key: &Key) -> String {
        match key {
            Key::There(reference) => {
                let number = self.plan.type_named(&reference.resource_type).map(|(number, _)| number);
                let there = number.and_then(|number| self.survey.resources.get(&number));
                let found = there.and_then(|there| there.iter().find(|(resource, _)| resource.id == *reference));
                found.map_or_else(
                    || reference.to_string(),
                    |(resource, _)| format!("{reference} {}", resource.display_name),
                )
            }
            Key::Made(_) => {
                let placed = self.rows.iter().find(|placed| placed.key == *key);
                placed.map_or_else(|| "what is made".to_owned(), |placed| placed.row.label())
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
        let touched: BTreeSet<usize> = self.rows.iter().map(|placed| placed.kind).collect();
        let there: usize = touched.iter().filter_map(|kind| self.survey.resources.get(kind)).map(Vec::len).sum();
        for (what, removed, there) in [
            ("memberships would be removed", members, self.survey.members.len()),
            ("resources would be deactivated or deleted", resources, there),
        ] {
            if removed > 0 && !limit.allows(removed, there) {
                self.problem(format!("{removed} of {there} {what}, which is more than `--max-deletes` allows"));
            }
        }
    }
}

/// What a row says for a key.
fn wanted_key<'r>(kind: &ResourceType, row: &'r Row, key: MatchKey) -> Option<&'r String> {
    let common = |is: CommonName, word: &str| {
        let attribute = kind.attributes.iter().find(|attribute| attribute.is == Some(is));
        attribute.and_then(|attribute| row.value_of(attribute)).or_else(|| row.values.get(word))
    };
    match key {
        MatchKey::Id => row.values.get("id"),
        MatchKey::ExternalId => common(CommonName::ExternalId, "external_id"),
        MatchKey::Login => common(CommonName::Login, "login"),
        MatchKey::Email => common(CommonName::Email, "email"),
        MatchKey::DisplayName => common(CommonName::DisplayName, "display_name"),
    }
}

/// Whether a resource has a value for a key.
fn has_key(kind: &ResourceType, resource: &Resource, scope: &Json, key: MatchKey, value: &str) -> bool {
    let attribute = |is: CommonName| {
        let attribute = kind.attributes.iter().find(|attribute| attribute.is == Some(is))?;
        scope.get(attribute_key(attribute.name()))?.as_str().map(str::to_owned)
    };
    let user = match &resource.trait_data {
        TraitData::User(user) => Some(user),
        _ => None,
    };
    match key {
        MatchKey::Id => resource.id.id == value,
        MatchKey::ExternalId => attribute(CommonName::ExternalId).is_some_and(|found| found == value),
        MatchKey::Login => {
            let login = user.and_then(|user| user.login.clone()).or_else(|| attribute(CommonName::Login));
            login.is_some_and(|login| login.eq_ignore_ascii_case(value))
        }
        MatchKey::Email => {
            user.is_some_and(|user| user.emails.iter().any(|email| email.address.eq_ignore_ascii_case(value)))
                || attribute(CommonName::Email).is_some_and(|found| found.eq_ignore_ascii_case(value))
        }
        MatchKey::DisplayName => resource.display_name == value,
    }
}

fn status_of(resource: &Resource) -> StatusValue {
    match &resource.trait_data {
        TraitData::User(user) => user.status.value,
        _ => StatusValue::Unknown,
    }
}
