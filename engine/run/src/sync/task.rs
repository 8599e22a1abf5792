//! Tasks: each source of the plan that asks or has rows of its own, and what it is repeated for.

use engine_spec::plan::{Entitlement, ForEach, GrantRule, Origin, ParentRule, Plan, Source};

use super::SyncError;
use super::run::Run;
use crate::extract::{grants_label, list_label};

/// A source to be read, once or for each of something.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    /// Its name in marks, stable for one plan.
    pub name: String,
    /// How the report calls its list.
    pub list: String,
    /// What is being done, for errors.
    pub doing: String,
    /// What its rows become.
    pub kind: TaskKind,
    /// The resource types it is repeated for, with the name each resource gets.
    pub resources: Vec<(String, usize)>,
    /// Types whose lists must be in before it can begin.
    pub waits: Vec<usize>,
}

/// What the rows of a task become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskKind {
    /// Resources: number of the type and of its source.
    List(usize, usize),
    /// Grants: number of the rule.
    Grants(usize),
    /// Entitlements of one resource: number of the type and of its rule.
    Entitlements(usize, usize),
    /// Rows that answer one question: number of the source among the plan's asks.
    Ask(usize),
}

impl Task {
    /// The source it reads.
    pub fn source<'p>(&self, plan: &'p Plan) -> Option<&'p Source> {
        match self.kind {
            TaskKind::List(kind, source) => plan.types.get(kind)?.sources.get(source),
            TaskKind::Grants(rule) => Some(&plan.grant_rules.get(rule)?.source),
            TaskKind::Entitlements(..) => self.entitlement(plan)?.list.as_ref(),
            TaskKind::Ask(ask) => plan.asks.get(ask),
        }
    }

    /// The grant rule, for grants.
    pub fn grant_rule<'p>(&self, plan: &'p Plan) -> Option<&'p GrantRule> {
        match self.kind {
            TaskKind::Grants(rule) => plan.grant_rules.get(rule),
            _ => None,
        }
    }

    /// The entitlement rule, for entitlements.
    pub fn entitlement<'p>(&self, plan: &'p Plan) -> Option<&'p Entitlement> {
        match self.kind {
            TaskKind::Entitlements(kind, rule) => plan.types.get(kind)?.entitlements.get(rule),
            _ => None,
        }
    }

    /// Whether it is repeated for resources, so that one failing run leaves the others good.
    pub fn is_repeated(&self) -> bool {
        !self.resources.is_empty()
    }
}

/// Which types of the plan are synced: those whose `when` holds.
pub(super) fn active_types(run: &Run) -> Result<Vec<bool>, SyncError> {
    run.plan
        .types
        .iter()
        .map(|kind| match &kind.when {
            None => Ok(true),
            Some(when) => when.holds(&run.scope()).map_err(|error| SyncError::List {
                doing: format!("deciding whether to sync `{}`", kind.id),
                reason: error.to_string(),
                spec: kind.site.to_string(),
                hint: None,
                request: None,
                about_one: false,
            }),
        })
        .collect()
}

/// The tasks of a plan: lists first, as others wait for them.
pub(super) fn tasks(plan: &Plan, active: &[bool]) -> Vec<Task> {
    let is_active = |number: usize| active.get(number).copied().unwrap_or(false);
    let mut tasks = Vec::new();
    for (number, kind) in plan.types.iter().enumerate().filter(|(number, _)| is_active(*number)) {
        for (at, source) in kind.sources.iter().enumerate() {
            if matches!(source.origin, Origin::EachRow(_)) {
                continue;
            }
            let parent = match &kind.parent {
                Some(ParentRule::Repeated(of)) => Some(("parent".to_owned(), *of)),
                _ => None,
            };
            tasks.push(Task {
                name: format!("list:{}:{at}", kind.id),
                list: list_label(&kind.id),
                doing: format!("listing `{}`", kind.id),
                kind: TaskKind::List(number, at),
                resources: parent.into_iter().chain(resources(source)).collect(),
                waits: kind.after.clone(),
            });
        }
    }
    for (number, kind) in plan.types.iter().enumerate().filter(|(number, _)| is_active(*number)) {
        for (at, rule) in kind.entitlements.iter().enumerate() {
            let Some(source) = &rule.list else { continue };
            let own = std::iter::once(("resource".to_owned(), number));
            tasks.push(Task {
                name: format!("entitlements:{}:{}", kind.id, rule.key),
                list: format!("entitlements of {}:{}", kind.id, rule.key),
                doing: format!("reading the entitlements `{}` of `{}`", rule.key, kind.id),
                kind: TaskKind::Entitlements(number, at),
                resources: own.chain(resources(source)).collect(),
                waits: kind.after.clone(),
            });
        }
    }
    for (number, rule) in plan.grant_rules.iter().enumerate().filter(|(_, rule)| is_active(rule.owner)) {
        if matches!(rule.source.origin, Origin::EachRow(_)) {
            continue;
        }
        tasks.push(Task {
            name: format!("grants:{number}:{}", rule.label),
            list: grants_label(&rule.label),
            doing: format!("reading the grants of `{}`", rule.label),
            kind: TaskKind::Grants(number),
            resources: resources(&rule.source).collect(),
            waits: rule.after.clone(),
        });
    }
    tasks
}

fn resources(source: &Source) -> impl Iterator<Item = (String, usize)> {
    source.for_each.iter().filter_map(|each| match each {
        ForEach::Resources { name, of } => Some((name.clone(), *of)),
        ForEach::Values { .. } => None,
    })
}
