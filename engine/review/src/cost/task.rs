//! The lists of a sync with their extents: the same tasks as a sync has.

use engine_json::Value as Json;
use engine_model::Trait;
use engine_spec::plan::{Asked, Detail, ForEach, Origin, ParentRule, Plan, ResourceType, Source, Take, ValueKind};

use super::Sizes;

/// A list that a sync reads, once or for each of something.
pub(super) struct Task<'p> {
    /// How the report of costs calls it.
    pub label: String,
    /// Where its rows come from.
    pub source: &'p Source,
    /// Types that it is repeated for.
    pub axes: Vec<usize>,
    /// Types whose lists must be in first.
    pub waits: Vec<usize>,
    /// Rows in all.
    pub rows: u64,
    /// How a formula names them.
    pub rows_named: String,
    /// How it names those of one resource of the type that the list belongs to.
    pub of_one: Option<(usize, &'static str)>,
    /// The type that it lists.
    pub lists: Option<usize>,
    /// What would need fewer requests.
    pub instead: Instead,
}

/// What would need fewer requests.
#[derive(Clone, Copy)]
pub(super) enum Instead {
    /// One list of a whole type.
    List,
    /// One list of all memberships.
    Grants,
    /// Rows that hold them.
    Entitlements,
}

/// How many resources each type has.
pub(super) fn counts(plan: &Plan, sizes: &Sizes) -> Vec<u64> {
    let count = |kind: &ResourceType| {
        let known = sizes.rows.get(&kind.id).copied().or_else(|| known_count(kind));
        known.unwrap_or(match kind.mapping.trait_rule.kind() {
            Some(Trait::User) => sizes.users,
            Some(Trait::Group) => sizes.groups,
            _ => sizes.others,
        })
    };
    plan.types.iter().map(count).collect()
}

/// The number of resources that the spec itself fixes: constant rows, and single objects.
fn known_count(kind: &ResourceType) -> Option<u64> {
    if matches!(kind.parent, Some(ParentRule::Repeated(_))) {
        return None;
    }
    let fixed = |source: &Source| {
        if source.unnest.is_some() || source.keep_where.is_some() || !source.for_each.is_empty() {
            return None;
        }
        match &source.origin {
            Origin::Constant(rows) => Some(rows.len() as u64),
            Origin::Request(_) if matches!(source.take, Take::Item(_)) => Some(1),
            _ => None,
        }
    };
    kind.sources.iter().map(fixed).sum()
}

/// The lists of a sync: of types first, as others are repeated for their resources.
pub(super) fn tasks<'p>(plan: &'p Plan, sizes: &Sizes, counts: &[u64]) -> Vec<Task<'p>> {
    let count = |kind: usize| counts.get(kind).copied().unwrap_or_default();
    let mut tasks = Vec::new();
    for (number, kind) in plan.types.iter().enumerate() {
        let asking: Vec<&Source> =
            kind.sources.iter().filter(|source| !matches!(source.origin, Origin::EachRow(_))).collect();
        let parent = match kind.parent {
            Some(ParentRule::Repeated(of)) => Some(of),
            _ => None,
        };
        for (at, source) in asking.iter().enumerate() {
            let several = asking.len() as u64;
            let share = count(number) / several + u64::from((at as u64) < count(number) % several);
            let rows_named = if several == 1 { kind.id.clone() } else { format!("{}/{several}", kind.id) };
            tasks.push(Task {
                label: kind.id.clone(),
                source,
                axes: parent.into_iter().chain(repeated_for(source)).collect(),
                waits: kind.after.clone(),
                rows: share,
                rows_named,
                of_one: None,
                lists: Some(number),
                instead: Instead::List,
            });
        }
    }
    for (number, kind) in plan.types.iter().enumerate() {
        for rule in &kind.entitlements {
            let Some(source) = &rule.list else { continue };
            tasks.push(Task {
                label: format!("entitlements {}:{}", kind.id, rule.key),
                source,
                axes: std::iter::once(number).chain(repeated_for(source)).collect(),
                waits: kind.after.clone(),
                rows: count(number).saturating_mul(sizes.others),
                rows_named: format!("{} × {}", kind.id, sizes.others),
                of_one: None,
                lists: None,
                instead: Instead::Entitlements,
            });
        }
    }
    for rule in &plan.grant_rules {
        tasks.push(Task {
            label: format!("grants {}", rule.label),
            source: &rule.source,
            axes: repeated_for(&rule.source).collect(),
            waits: rule.after.clone(),
            rows: count(rule.owner).saturating_mul(sizes.members),
            rows_named: format!("{} × members", plan.types.get(rule.owner).map_or("", |kind| kind.id.as_str())),
            of_one: Some((rule.owner, "members")),
            lists: None,
            instead: Instead::Grants,
        });
    }
    tasks.retain(|task| !matches!(task.source.origin, Origin::EachRow(_)));
    tasks
}

/// The request and the details of a source.
pub(super) fn parts(source: &Source) -> (Option<&Asked>, Option<&Detail>) {
    let asked = match &source.origin {
        Origin::Request(asked) => Some(&**asked),
        _ => None,
    };
    (asked, source.detail.as_deref())
}

fn repeated_for(source: &Source) -> impl Iterator<Item = usize> {
    source.for_each.iter().filter_map(|each| match each {
        ForEach::Resources { of, .. } => Some(*of),
        ForEach::Values { .. } => None,
    })
}

/// How many elements a list has that a source is repeated for; one where only the user knows.
pub(super) fn values_of(each: &ForEach) -> u64 {
    match each {
        ForEach::Values { list, .. } => match &list.kind {
            ValueKind::Literal(Json::Array(items)) => items.len() as u64,
            _ => 1,
        },
        ForEach::Resources { .. } => 1,
    }
}
