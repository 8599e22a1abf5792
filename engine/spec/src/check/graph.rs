//! What only shows when all parts stand: which type feeds which, and lists that wait for each other.

use std::collections::BTreeSet;

use crate::diagnostic::Code;
use crate::plan::{ForEach, Origin, ParentRule, Plan};

use super::Checker;

impl Checker<'_> {
    /// Fills in the numbers that connect types, grant rules and look-up tables.
    pub(super) fn connect(&mut self, plan: &mut Plan) {
        for (number, rule) in plan.grant_rules.iter().enumerate() {
            if let Some(owner) = plan.types.get_mut(rule.owner) {
                owner.grant_rules.push(number);
            }
            if let Origin::EachRow(feeding) = rule.source.origin
                && let Some(feeding) = plan.types.get_mut(feeding)
            {
                feeding.row_rules.push(number);
                feeding.after.extend(rule.after.iter().copied());
            }
        }
        for (number, look_up) in plan.look_ups.iter().enumerate() {
            if let Some(of) = plan.types.get_mut(look_up.of) {
                of.look_ups.push(number);
            }
        }
        for (number, resource) in plan.types.iter_mut().enumerate() {
            resource.scope_needed = self.scope_needed.contains(&number);
        }
        derived_waits(plan);
        for (number, kind) in plan.types.iter().enumerate() {
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
        self.cycles(plan);
    }

    fn cycles(&mut self, plan: &Plan) {
        let waits: Vec<BTreeSet<usize>> = plan
            .types
            .iter()
            .enumerate()
            .map(|(number, resource)| {
                let mut waits: BTreeSet<usize> = resource.after.iter().copied().collect();
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
                let own_tree = matches!(resource.parent, Some(ParentRule::Repeated(parent)) if parent == number)
                    || resource.sources.iter().any(|source| {
                        source
                            .for_each
                            .iter()
                            .any(|each| matches!(each, ForEach::Resources { of, .. } if *of == number))
                    });
                if own_tree && !resource.after.contains(&number) {
                    waits.remove(&number);
                }
                waits
            })
            .collect();
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

/// Rows of a type that come from the rows of another are made when those pass: what they wait for,
/// the other waits for.
fn derived_waits(plan: &mut Plan) {
    for _ in 0..plan.types.len() {
        let derived: Vec<(usize, Vec<usize>)> = plan
            .types
            .iter()
            .flat_map(|kind| kind.sources.iter().map(move |source| (source, &kind.after)))
            .filter_map(|(source, after)| match source.origin {
                Origin::EachRow(of) => Some((of, after.clone())),
                _ => None,
            })
            .collect();
        for (of, after) in derived {
            if let Some(feeding) = plan.types.get_mut(of) {
                feeding.after.extend(after);
            }
        }
        for kind in &mut plan.types {
            kind.after.sort_unstable();
            kind.after.dedup();
        }
    }
}
