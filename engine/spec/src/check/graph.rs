//! What only shows when types are seen together: which type feeds which, and lists that wait for each
//! other. In: the types as far as they stand. Out: the numbers that connect them, and the cycles, told.

use std::collections::BTreeSet;

use crate::diagnostic::Code;
use crate::plan::{ForEach, GrantRule, Origin, ParentRule, Plan, ResourceType};

use super::Checker;

/// The types for whose lists each type waits: before its rows are mapped, and before it is asked for at all.
pub(super) struct Waits {
    after: Vec<BTreeSet<usize>>,
}

impl Waits {
    /// Of types as far as they stand: one with faults waits for nothing.
    pub fn of(types: &[Option<ResourceType>], rules: &[GrantRule]) -> Self {
        let after = |kind: &Option<ResourceType>| kind.iter().flat_map(|kind| kind.after.iter().copied()).collect();
        let mut after: Vec<BTreeSet<usize>> = types.iter().map(after).collect();
        for rule in rules {
            if let Origin::EachRow(feeding) = rule.source.origin
                && let Some(feeding) = after.get_mut(feeding)
            {
                feeding.extend(rule.after.iter().copied());
            }
        }
        // Rows of a type that come from the rows of another are made when those pass: what they wait
        // for, the other waits for.
        for _ in 0..types.len() {
            for (number, kind) in types.iter().enumerate() {
                for source in kind.iter().flat_map(|kind| &kind.sources) {
                    if let Origin::EachRow(of) = source.origin {
                        let own = after.get(number).cloned().unwrap_or_default();
                        after.get_mut(of).into_iter().for_each(|feeding| feeding.extend(own.iter().copied()));
                    }
                }
            }
        }
        Self { after }
    }

    /// All types that a type waits for.
    fn all(&self, number: usize, resource: &ResourceType) -> BTreeSet<usize> {
        let after = self.after.get(number).cloned().unwrap_or_default();
        let waits_for_own_rows = after.contains(&number);
        let mut waits = after;
        if let Some(ParentRule::Repeated(parent)) = resource.parent {
            waits.insert(parent);
        }
        for source in &resource.sources {
            for each in &source.for_each {
                if let ForEach::Resources { of, .. } = each {
                    waits.insert(*of);
                }
            }
            if let Origin::EachRow(of) = source.origin {
                waits.insert(of);
            }
        }
        // A type may be repeated for its own resources: a tree is walked level by level.
        let is_own = |each: &ForEach| matches!(each, ForEach::Resources { of, .. } if *of == number);
        let own_tree = matches!(resource.parent, Some(ParentRule::Repeated(parent)) if parent == number)
            || resource.sources.iter().any(|source| source.for_each.iter().any(is_own));
        if own_tree && !waits_for_own_rows {
            waits.remove(&number);
        }
        waits
    }
}

impl Checker<'_> {
    /// Fills in the numbers that connect types, grant rules and look-up tables.
    pub(super) fn connect(&self, plan: &mut Plan, waits: Waits) {
        for (number, rule) in plan.grant_rules.iter().enumerate() {
            if let Some(owner) = plan.types.get_mut(rule.owner) {
                owner.grant_rules.push(number);
            }
            if let Origin::EachRow(feeding) = rule.source.origin
                && let Some(feeding) = plan.types.get_mut(feeding)
            {
                feeding.row_rules.push(number);
            }
        }
        for (number, look_up) in plan.look_ups.iter().enumerate() {
            if let Some(of) = plan.types.get_mut(look_up.of) {
                of.look_ups.push(number);
            }
        }
        for (number, (resource, after)) in plan.types.iter_mut().zip(waits.after).enumerate() {
            resource.scope_needed = self.scope_needed.contains(&number);
            resource.after = after.into_iter().collect();
        }
    }

    /// Tells lists that wait for each other.
    pub(super) fn cycles(&mut self, types: &[Option<ResourceType>], waits: &Waits) {
        for (number, kind) in types.iter().enumerate() {
            let Some(kind) = kind else { continue };
            let own = |each: &ForEach| matches!(each, ForEach::Resources { of, .. } if *of == number);
            let repeated = |each: &&ForEach| matches!(each, ForEach::Resources { .. });
            let tree_with_more = kind.sources.iter().any(|source| {
                let axes = source.for_each.iter().filter(repeated).count();
                let axes = axes + usize::from(matches!(kind.parent, Some(ParentRule::Repeated(_))));
                source.for_each.iter().any(own) && axes > 1
            });
            if tree_with_more {
                let pointer = format!("/resources/{}", crate::yaml::escape(&kind.id));
                let message = "a tree is walked for its own resources alone".to_owned();
                let help = Some(
                    "keep what the inner requests need with `keep:`, instead of repeating them for two types"
                        .to_owned(),
                );
                self.at_key(Code::Cycle, &pointer, message, help);
            }
        }
        let all = |(number, kind): (usize, &Option<ResourceType>)| {
            kind.as_ref().map(|kind| waits.all(number, kind)).unwrap_or_default()
        };
        let waits: Vec<BTreeSet<usize>> = types.iter().enumerate().map(all).collect();
        for start in 0..waits.len() {
            if let Some(way) = way_back(&waits, start) {
                // Each cycle is told once, at its first member.
                if way.iter().min() != Some(&start) {
                    continue;
                }
                let names: Vec<&str> = way
                    .iter()
                    .chain(std::iter::once(&start))
                    .filter_map(|n| self.types.get(*n).map(String::as_str))
                    .collect();
                let message = format!("these lists wait for each other: {}", names.join(" → "));
                let pointer = format!("/resources/{}", crate::yaml::escape(names.first().copied().unwrap_or_default()));
                self.at_key(
                    Code::Cycle,
                    &pointer,
                    message,
                    Some("one of them must be readable without the other".to_owned()),
                );
            }
        }
    }
}

/// A way from a type back to itself, if there is one.
fn way_back(waits: &[BTreeSet<usize>], start: usize) -> Option<Vec<usize>> {
    let mut stack = vec![vec![start]];
    let mut seen = BTreeSet::new();
    while let Some(way) = stack.pop() {
        let last = *way.last()?;
        for next in waits.get(last).into_iter().flatten() {
            if *next == start {
                return Some(way);
            }
            if seen.insert(*next) {
                let mut longer = way.clone();
                longer.push(*next);
                stack.push(longer);
            }
        }
    }
    None
}
