//! One row and everything that follows from it: the resource, its entitlements, look-up entries,
//! grants of rules that live on the rows of the type, and the rows of types made of them.

use std::collections::HashSet;

use engine_json::{Map, Value as Json};
use engine_model::{Entitlement, EntitlementRef, Page, ResourceRef};
use engine_spec::plan::{self, Fault, FaultKind, ForEach, Origin, Plan, Source, Witness};
use engine_spec::scope::Scope;
use engine_spec::template::scalar_text;

use super::grant::{self, Bindings};
use super::resource;
use super::rows::{Piped, pipeline};
use super::slot::Slots;
use super::tally::{Recorder, Tallied};
use crate::sync::AskedRow;

/// Collects the records of one page.
pub(crate) struct Emitter<'a> {
    plan: &'a Plan,
    labels: &'a Labels,
    active: &'a [bool],
    witness: &'a dyn Witness,
    /// The records so far.
    pub page: Page,
    /// The counts so far.
    pub recorder: Recorder,
    /// Keys of `dedupe_by` on this page, per source.
    seen: Vec<(*const Source, HashSet<String>)>,
    /// Rows that answer a question.
    pub asked: Vec<AskedRow>,
}

impl<'a> Emitter<'a> {
    /// An empty page.
    pub fn new(plan: &'a Plan, labels: &'a Labels, active: &'a [bool], witness: &'a dyn Witness) -> Self {
        Self {
            plan,
            labels,
            active,
            witness,
            page: Page::default(),
            recorder: Recorder::default(),
            seen: Vec::new(),
            asked: Vec::new(),
        }
    }

    /// A row of the list of a type.
    pub fn list_row(&mut self, kind: usize, source: &'a Source, row: &Json, scope: &Scope<'_>) -> Result<(), Fault> {
        let list = self.labels.list(kind);
        self.recorder.add(list, Tallied::Rows, 1);
        self.piped(source, row, scope, list, &mut |emitter, row, scope| emitter.resource_row(kind, row, scope))
    }

    /// A row of a grant rule.
    pub fn grant_row(
        &mut self,
        rule: &'a plan::GrantRule,
        row: &Json,
        scope: &Scope<'_>,
        bindings: Bindings<'_>,
    ) -> Result<(), Fault> {
        let list = self.labels.grants(rule.number);
        self.recorder.add(list, Tallied::Rows, 1);
        self.piped(&rule.source, row, scope, list, &mut |emitter, _, scope| {
            let slots = Slots { scope, witness: emitter.witness, list };
            let mut grant = grant::make(emitter.plan, rule, bindings, &slots)?;
            let plan = emitter.plan;
            let is_synced = |id: &String| plan.type_named(id).is_some_and(|(kind, _)| emitter.is_active(kind));
            if !grant.types.iter().all(is_synced) {
                grant.types.to_mut().retain(is_synced);
            }
            if grant.types.is_empty() {
                let mut fault =
                    super::rows::broken(&rule.site, "the principal is of a type that is not synced".to_owned());
                fault.kind = FaultKind::Dropped;
                return Err(fault);
            }
            emitter.recorder.add(list, Tallied::Emitted, 1);
            emitter.page.grants.push(grant);
            Ok(())
        })
    }

    /// A row of the entitlements that are read per resource.
    pub fn entitlement_row(
        &mut self,
        rule: &'a plan::Entitlement,
        resource: &ResourceRef,
        row: &Json,
        scope: &Scope<'_>,
    ) -> Result<(), Fault> {
        let list = format!("entitlements of {}:{}", resource.resource_type, rule.key);
        self.recorder.add(&list, Tallied::Rows, 1);
        let Some(source) = &rule.list else { return Ok(()) };
        self.piped(source, row, scope, &list, &mut |emitter, _, scope| {
            emitter.recorder.add(&list, Tallied::Emitted, 1);
            emitter.entitlement(rule, resource, scope, &list)
        })
    }

    /// A row that answers a question. One that cannot be worked on may be the answer, so it stops.
    pub fn asked_row(&mut self, source: &'a Source, row: &Json, scope: &Scope<'_>) -> Result<(), Fault> {
        let mut seen = self.take_seen(source);
        let mut names: Vec<&str> = source.lets.iter().map(|(name, _)| name.as_str()).collect();
        names.extend(source.detail.iter().map(|detail| detail.name.as_deref().unwrap_or("listed")));
        names.push("body");
        let mut unnest = source.unnest.as_deref();
        while let Some(level) = unnest {
            names.extend(level.outer.as_deref());
            names.extend(level.lets.iter().map(|(name, _)| name.as_str()));
            unnest = level.unnest.as_deref();
        }
        let asked = &mut self.asked;
        let result = pipeline(source, row, scope, self.witness, &mut seen, &mut |piped| match piped {
            Piped::Row(row, scope) => {
                let named = names.iter().filter_map(|name| Some(((*name).to_owned(), scope.get(name)?.clone())));
                asked.push(AskedRow { row: row.clone(), names: named.collect() });
                Ok(())
            }
            Piped::Fault(fault) => Err(fault),
            Piped::Filtered => Ok(()),
        });
        self.seen.push((source, seen));
        result
    }

    /// Puts a row through a pipeline; faults of single rows are counted, others come back.
    fn piped(
        &mut self,
        source: &'a Source,
        row: &Json,
        scope: &Scope<'_>,
        list: &str,
        each: &mut dyn FnMut(&mut Self, &Json, &Scope<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if let (Origin::EachRow(_), Some(when)) = (&source.origin, &source.when)
            && !when.holds(scope).map_err(|error| super::rows::broken(&source.site, error.to_string()))?
        {
            return Ok(());
        }
        let mut seen = self.take_seen(source);
        let witness = self.witness;
        let result = pipeline(source, row, scope, witness, &mut seen, &mut |piped| {
            let done = match piped {
                Piped::Row(row, scope) => each(self, row, scope),
                Piped::Fault(fault) => Err(fault),
                Piped::Filtered => {
                    self.recorder.add(list, Tallied::Filtered, 1);
                    Ok(())
                }
            };
            match done {
                Err(mut fault) if fault.kind != FaultKind::Stop => {
                    // Which row it was: by its id, where it has one.
                    let id = row.get("id").and_then(|id| scalar_text(Some(id)).ok());
                    fault.sample = fault.sample.or_else(|| id.map(|id| id.chars().take(60).collect()));
                    self.recorder.row_fault(list, &fault);
                    Ok(())
                }
                other => other,
            }
        });
        self.seen.push((source, seen));
        result
    }

    fn take_seen(&mut self, source: &Source) -> HashSet<String> {
        match self.seen.iter().position(|(known, _)| std::ptr::eq(*known, source)) {
            Some(at) => self.seen.swap_remove(at).1,
            None => HashSet::new(),
        }
    }

    fn resource_row(&mut self, kind: usize, row: &Json, scope: &Scope<'_>) -> Result<(), Fault> {
        let Some(resource_type) = self.plan.types.get(kind) else { return Ok(()) };
        let list = self.labels.list(kind);
        let slots = Slots { scope, witness: self.witness, list };
        let before = self.page.resources.last().map(|(before, _)| before);
        let made = resource::make(self.plan, resource_type, before, &slots, &mut self.recorder)?;
        let reference = &made.resource.id;
        let inner = scope.with("resource", &made.scope);
        // Before anything else is kept: a row that makes no resource leaves nothing behind.
        let (entitlements, look_ups) = (self.page.entitlements.len(), self.page.look_ups.len());
        if let Err(fault) = self.belongings(resource_type, reference, &inner, list) {
            self.page.entitlements.truncate(entitlements);
            self.page.look_ups.truncate(look_ups);
            return Err(fault);
        }
        for number in &resource_type.row_rules {
            if let Some(rule) = self.plan.grant_rules.get(*number).filter(|rule| self.is_active(rule.owner)) {
                // `resource` is the row's own resource only for rules of the type itself.
                let scope = if rule.owner == kind { &inner } else { scope };
                self.grant_row(rule, row, scope, Bindings { row_resource: Some(reference) })?;
            }
        }
        for (derived, derived_type) in self.plan.types.iter().enumerate() {
            if !self.is_active(derived) {
                continue;
            }
            for source in
                derived_type.sources.iter().filter(|source| matches!(source.origin, Origin::EachRow(of) if of == kind))
            {
                self.list_row(derived, source, row, scope)?;
            }
        }
        self.recorder.add(list, Tallied::Emitted, 1);
        let kept = resource_type.scope_needed.then_some(made.scope);
        self.page.resources.push((made.resource, kept));
        Ok(())
    }

    fn is_active(&self, kind: usize) -> bool {
        self.active.get(kind).copied().unwrap_or(false)
    }

    /// The entitlements and look-up entries of a resource.
    fn belongings(
        &mut self,
        resource_type: &'a plan::ResourceType,
        resource: &ResourceRef,
        scope: &Scope<'_>,
        list: &str,
    ) -> Result<(), Fault> {
        for rule in resource_type.entitlements.iter().filter(|rule| rule.list.is_none()) {
            self.own_entitlements(rule, resource, scope, list)?;
        }
        for number in &resource_type.look_ups {
            self.look_up_entry(*number, resource, scope)?;
        }
        Ok(())
    }

    /// The entitlements of a resource that its type itself gives.
    fn own_entitlements(
        &mut self,
        rule: &'a plan::Entitlement,
        resource: &ResourceRef,
        scope: &Scope<'_>,
        list: &str,
    ) -> Result<(), Fault> {
        if let Some(condition) = &rule.when {
            let holds = condition.holds(scope).map_err(|error| super::rows::broken(&rule.site, error.to_string()))?;
            if !holds {
                return Ok(());
            }
        }
        let combinations = combinations(&rule.each, scope, self.witness)?;
        for names in combinations {
            let scope = scope.with_all(&names);
            self.entitlement(rule, resource, &scope, list)?;
        }
        Ok(())
    }

    fn entitlement(
        &mut self,
        rule: &plan::Entitlement,
        resource: &ResourceRef,
        scope: &Scope<'_>,
        list: &str,
    ) -> Result<(), Fault> {
        let slots = Slots { scope, witness: self.witness, list };
        let slug = match &rule.slug {
            Some(value) => slots.required_text(value, "the slug")?,
            None => rule.key.clone(),
        };
        let name = slots.text(rule.name.as_ref(), "the entitlement's name", &mut self.recorder)?;
        let resource_name =
            scope.get("resource").and_then(|r| r.get("display_name")).and_then(Json::as_str).unwrap_or_default();
        let display_name = name.unwrap_or_else(|| format!("{resource_name} {slug}"));
        let description = slots.text(rule.description.as_ref(), "the entitlement's description", &mut self.recorder)?;
        self.page.entitlements.push(Entitlement {
            id: EntitlementRef { resource: resource.clone(), slug },
            display_name,
            description,
            purpose: rule.purpose,
            grantable_to: rule.grantable_to.clone(),
            immutable: rule.immutable,
        });
        Ok(())
    }

    fn look_up_entry(&mut self, number: usize, resource: &ResourceRef, scope: &Scope<'_>) -> Result<(), Fault> {
        let Some(look_up) = self.plan.look_ups.get(number) else { return Ok(()) };
        for key in &look_up.keys {
            if let Some(text) = key.text(scope, self.witness)? {
                let text = if look_up.fold_case { text.to_lowercase() } else { text.into_owned() };
                self.page.look_ups.push((look_up.name.clone(), text, resource.id.clone()));
            }
        }
        Ok(())
    }
}

/// Every combination of the values that something is repeated for, as names.
pub(crate) fn combinations(each: &[ForEach], scope: &Scope<'_>, witness: &dyn Witness) -> Result<Vec<Map>, Fault> {
    let mut combined = vec![Map::new()];
    for axis in each {
        let ForEach::Values { name, list } = axis else { continue };
        let found = list.yields_all(scope, witness)?.ok_or_else(|| list.missing("the list to repeat for"))?;
        let values: Vec<Json> = found.into_iter().map(std::borrow::Cow::into_owned).collect();
        combined = combined
            .into_iter()
            .flat_map(|names| {
                values.iter().map(move |value| {
                    let mut names = names.clone();
                    names.insert(name.clone(), value.clone());
                    names
                })
            })
            .collect();
    }
    Ok(combined)
}

/// How the report calls the lists of a plan. Made once: each row is counted under one of them.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    lists: Vec<String>,
    grants: Vec<String>,
}

impl Labels {
    /// The labels of all types and grant rules.
    pub fn new(plan: &Plan) -> Self {
        Self {
            lists: plan.types.iter().map(|kind| list_label(&kind.id)).collect(),
            grants: plan.grant_rules.iter().map(|rule| grants_label(&rule.label)).collect(),
        }
    }

    fn list(&self, kind: usize) -> &str {
        self.lists.get(kind).map(String::as_str).unwrap_or_default()
    }

    fn grants(&self, rule: usize) -> &str {
        self.grants.get(rule).map(String::as_str).unwrap_or_default()
    }
}

/// How the report calls the list of a type.
pub(crate) fn list_label(type_id: &str) -> String {
    format!("resource {type_id}")
}

/// How the report calls the grants of a rule.
pub(crate) fn grants_label(label: &str) -> String {
    format!("grants of {label}")
}
