//! Nested groups: who holds an entitlement because they hold another one.
//!
//! In: a settled store. Out: sheets with one row per derived grant and its sources, entitlement by
//! entitlement. The graph of entitlements that pass on is held in memory as numbers; holders never
//! are. Each edge is taken once, sources before targets, so the work is linear in what is derived.
//! The rules are those of the format's readers:
//!
//! - a derived grant names its sources and whether each is held directly;
//! - `shallow` passes on direct holders only, a type filter only principals of those types;
//! - two edges between the same nodes merge: deep beats shallow, unfiltered beats filtered;
//! - entitlements that reach each other in a circle are one node: what comes from outside reaches
//!   all of them, what goes out comes from all of them, and nothing is passed on among them.

mod graph;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;

use engine_model::StoreError;

use crate::settled::{GrantsRow, Placed, join, merged};
use crate::sheet::{Keyed, Rows, Sheet};
use crate::sorter::Sorter;
use crate::wire::{Fields, damaged, put_bytes, put_kind, put_number, put_part};
use crate::working::WorkingStore;
use graph::{Edge, Graph, Incoming};

/// What follows from nested groups.
#[derive(Debug)]
pub(crate) struct Expanded {
    /// Circles of entitlements.
    pub(crate) circles: u64,
    /// The entitlements that pass on or are passed on to: their places among all, sorted. What
    /// follows names them by their place in this list.
    nodes: Vec<u64>,
    /// The ids of the nodes, and where each begins.
    ids: Sheet,
    ids_at: Vec<u64>,
    /// Rows of what was derived: the key of the principal, then its sources, each a node and whether
    /// it is held directly.
    derived: Sheet,
    /// Where the rows of each node begin and end.
    derived_at: Vec<(u64, u64)>,
}

/// A rule of a nesting.
type Filter = Option<Rc<BTreeSet<u16>>>;

impl WorkingStore {
    /// Expands nested groups.
    pub(crate) fn expand(&self) -> Result<Expanded, StoreError> {
        let edges = self.nestings()?;
        if edges.is_empty() {
            return Ok(Expanded::nothing(self.folder()));
        }
        let nodes: BTreeSet<u64> = edges.iter().flat_map(|edge| [edge.source, edge.target]).collect();
        let nodes: Vec<u64> = nodes.into_iter().collect();
        let node = |place: u64| {
            let node = nodes.binary_search(&place).map_err(|_| damaged())?;
            u32::try_from(node).map_err(|_| damaged())
        };
        let edge = |of: Nesting| {
            let (source, target) = (node(of.source)?, node(of.target)?);
            Ok(Edge { source, target, shallow: of.shallow, types: of.types })
        };
        let graph = Graph::of(edges.into_iter().map(edge).collect::<Result<_, StoreError>>()?);
        let mut expanded = Expanded {
            circles: graph.circles(),
            derived_at: vec![(0, 0); nodes.len()],
            nodes,
            ..Expanded::nothing(self.folder())
        };
        self.name_nodes(&mut expanded)?;
        let holders = self.holders_of(&expanded.nodes)?;
        let mut sorter = Sorter::new(self.folder());
        graph.each_node(&mut |targets, incoming| {
            sorter.clear();
            for incoming in incoming {
                self.pass_on(incoming, &holders, &expanded, &mut sorter)?;
            }
            expanded.add(targets, &mut sorter)
        })?;
        Ok(expanded)
    }

    /// Every "holders of the source also hold the target". Sources that are not there are skipped.
    fn nestings(&self) -> Result<Vec<Nesting>, StoreError> {
        let settled = self.settled()?;
        let (names, terms) = (self.type_names(), self.terms());
        let mut filters: BTreeMap<BTreeSet<u16>, Rc<BTreeSet<u16>>> = BTreeMap::new();
        let mut rules: Vec<(bool, Filter)> = Vec::new();
        let mut sources = Sorter::new(self.folder());
        let (mut key, mut value) = (Vec::new(), Vec::new());
        let mut target = 0;
        let mut rows = settled.grants.rows();
        while let Some(row) = rows.next()? {
            let holder = match GrantsRow::of(row)? {
                GrantsRow::Entitlement(place, _) => {
                    target = place;
                    continue;
                }
                GrantsRow::Grant(holder) => holder,
            };
            let expands = terms.get(holder.terms as usize).map_or(&[][..], |terms| &terms.expands);
            let name = names.name(holder.kind);
            let Some(rule) = merged(expands, name) else { continue };
            let types = (!rule.resource_types.is_empty()).then(|| {
                let types: BTreeSet<u16> = rule.resource_types.iter().filter_map(|id| names.number(id)).collect();
                Rc::clone(filters.entry(types.clone()).or_insert_with(|| Rc::new(types)))
            });
            let rule_number = match rules.iter().position(|known| *known == (rule.shallow, types.clone())) {
                Some(number) => number,
                None => {
                    rules.push((rule.shallow, types));
                    rules.len() - 1
                }
            };
            for slug in &rule.slugs {
                key.clear();
                put_kind(&mut key, holder.kind);
                put_part(&mut key, holder.principal);
                put_part(&mut key, slug);
                value.clear();
                put_number(&mut value, target);
                put_number(&mut value, rule_number as u64);
                sources.push(&key, &value)?;
            }
        }
        let mut entitlements = Keyed::over(settled.entitlements.rows())?;
        let mut nestings = Vec::new();
        let mut sorted = sources.sorted()?;
        while let Some(entry) = sorted.next()? {
            let Some(source) = entitlements.find(entry.key)? else { continue };
            let mut value = Fields::of(entry.value);
            let target = value.number()?;
            let (shallow, types) = rules.get(value.small::<usize>()?).cloned().ok_or_else(damaged)?;
            nestings.push(Nesting { source, target, shallow, types });
        }
        Ok(nestings)
    }

    fn name_nodes(&self, expanded: &mut Expanded) -> Result<(), StoreError> {
        let names = self.type_names();
        let mut rows = self.settled()?.entitlements.rows();
        let (mut place, mut id) = (0, String::new());
        for node in &expanded.nodes {
            while place <= *node {
                if !rows.advance()? {
                    return Err(damaged());
                }
                place += 1;
            }
            let mut key = Placed::of(rows.row())?.key;
            let kind = names.name(key.kind()?);
            join(&mut id, &[kind, &key.part()?, &key.part()?]);
            expanded.ids_at.push(expanded.ids.end());
            expanded.ids.push(&[id.as_bytes()])?;
        }
        expanded.ids_at.push(expanded.ids.end());
        Ok(())
    }

    /// Where the grants on each node begin and end.
    fn holders_of(&self, nodes: &[u64]) -> Result<Vec<(u64, u64)>, StoreError> {
        let mut found = vec![(0, 0); nodes.len()];
        let mut rows = self.settled()?.grants.rows();
        let mut open: Option<usize> = None;
        loop {
            let start = rows.position();
            let Some(row) = rows.next()? else {
                close(&mut found, open, start);
                return Ok(found);
            };
            if let GrantsRow::Entitlement(place, _) = GrantsRow::of(row)? {
                close(&mut found, open, start);
                open = nodes.binary_search(&place).ok();
                if let Some(region) = open.and_then(|node| found.get_mut(node)) {
                    *region = (rows.position(), 0);
                }
            }
        }
    }

    /// Adds what a source passes on: those that hold it, and unless it is shallow those that got it by
    /// expansion.
    fn pass_on(
        &self,
        from: &Incoming<'_>,
        holders: &[(u64, u64)],
        expanded: &Expanded,
        sorter: &mut Sorter,
    ) -> Result<(), StoreError> {
        let region = |of: &[(u64, u64)]| of.get(from.source as usize).copied().unwrap_or_default();
        let passes = |kind: u16| from.types.is_none_or(|types| types.contains(&kind));
        // Holders are sorted by their types.
        let is_past = |kind: u16| from.types.is_some_and(|types| types.last().is_none_or(|last| kind > *last));
        let mut key = Vec::new();
        let (start, end) = region(holders);
        let mut rows = self.settled()?.grants.rows_of(start, end);
        while let Some(row) = rows.next()? {
            let GrantsRow::Grant(holder) = GrantsRow::of(row)? else { continue };
            if is_past(holder.kind) {
                break;
            }
            if passes(holder.kind) {
                key.clear();
                put_kind(&mut key, holder.kind);
                put_part(&mut key, holder.principal);
                key.extend_from_slice(&from.source.to_be_bytes());
                key.push(DIRECT);
                sorter.push(&key, &[])?;
            }
        }
        if from.shallow {
            return Ok(());
        }
        let (start, end) = region(&expanded.derived_at);
        let mut rows = expanded.derived.rows_of(start, end);
        while let Some(row) = rows.next()? {
            let principal = Fields::of(row).bytes()?;
            let kind = Fields::of(principal).kind()?;
            if is_past(kind) {
                break;
            }
            if passes(kind) {
                key.clear();
                key.extend_from_slice(principal);
                key.extend_from_slice(&from.source.to_be_bytes());
                key.push(BY_EXPANSION);
                sorter.push(&key, &[])?;
            }
        }
        Ok(())
    }
}

fn close(regions: &mut [(u64, u64)], open: Option<usize>, end: u64) {
    if let Some(region) = open.and_then(|node| regions.get_mut(node)) {
        region.1 = end;
    }
}

/// How a source is held; of both ways the direct one counts, and sorts first.
const DIRECT: u8 = 0;
const BY_EXPANSION: u8 = 1;

/// "Holders of `source` also hold `target`", by their places among all entitlements.
struct Nesting {
    source: u64,
    target: u64,
    shallow: bool,
    types: Filter,
}

impl Expanded {
    /// Nothing follows.
    fn nothing(folder: &Path) -> Self {
        let sheet = || Sheet::new(folder);
        Self {
            circles: 0,
            nodes: Vec::new(),
            ids: sheet(),
            ids_at: Vec::new(),
            derived: sheet(),
            derived_at: Vec::new(),
        }
    }

    /// Adds what all sources pass on to the entitlements of a node.
    fn add(&mut self, targets: &[u32], sorter: &mut Sorter) -> Result<(), StoreError> {
        let start = self.derived.end();
        let mut sorted = sorter.sorted()?;
        let (mut principal, mut row, mut last) = (Vec::new(), Vec::new(), None);
        while let Some(entry) = sorted.next()? {
            let (key, tail) = entry.key.split_at_checked(entry.key.len().saturating_sub(5)).ok_or_else(damaged)?;
            let mut tail = Fields::of(tail);
            let source: [u8; 4] = tail.take(4)?.try_into().map_err(|_| damaged())?;
            if key != principal {
                if !principal.is_empty() {
                    self.derived.push(&[&row])?;
                }
                principal.clear();
                principal.extend_from_slice(key);
                row.clear();
                put_bytes(&mut row, key);
                last = None;
            }
            if last.replace(source) != Some(source) {
                put_number(&mut row, u32::from_be_bytes(source).into());
                row.extend_from_slice(tail.take(1)?);
            }
        }
        if !principal.is_empty() {
            self.derived.push(&[&row])?;
        }
        for target in targets {
            if let Some(region) = self.derived_at.get_mut(*target as usize) {
                *region = (start, self.derived.end());
            }
        }
        Ok(())
    }

    /// What was derived for the entitlement at a place among all, if anything was.
    pub(crate) fn on(&self, place: u64) -> Result<Option<Derived<'_>>, StoreError> {
        let node = self.nodes.binary_search(&place).ok();
        let Some((start, end)) = node.and_then(|node| self.derived_at.get(node)).filter(|(start, end)| start < end)
        else {
            return Ok(None);
        };
        let rows = self.derived.rows_of(*start, *end);
        let mut derived = Derived {
            expanded: self,
            rows,
            ids: BTreeMap::new(),
            kind: 0,
            principal: String::new(),
            sources: Vec::new(),
            is_over: false,
        };
        derived.advance()?;
        Ok(Some(derived))
    }

    fn id(&self, node: u32) -> Result<String, StoreError> {
        let at = |node: usize| self.ids_at.get(node).copied().ok_or_else(damaged);
        let node = node as usize;
        let mut rows = self.ids.rows_of(at(node)?, at(node + 1)?);
        let id = rows.next()?.ok_or_else(damaged)?.to_vec();
        String::from_utf8(id).map_err(|_| damaged())
    }
}

/// What was derived for one entitlement, one principal after the other.
pub(crate) struct Derived<'expanded> {
    expanded: &'expanded Expanded,
    rows: Rows<'expanded>,
    /// Ids of the sources: an entitlement has few.
    ids: BTreeMap<u32, String>,
    kind: u16,
    principal: String,
    sources: Vec<(u32, bool)>,
    is_over: bool,
}

impl Derived<'_> {
    /// The present principal; nothing behind the last.
    pub(crate) fn holder(&self) -> Option<(u16, &str)> {
        (!self.is_over).then_some((self.kind, &self.principal))
    }

    /// The entitlements that the principal's grant follows from, sorted by their ids, and whether it
    /// holds them directly. The ids of two entitlements can be the same text: a file names that once.
    pub(crate) fn sources(&self) -> Vec<(&str, bool)> {
        let source = |(node, direct): &(u32, bool)| Some((self.ids.get(node)?.as_str(), *direct));
        let mut sources: Vec<_> = self.sources.iter().filter_map(source).collect();
        sources.sort_unstable();
        sources.dedup_by(|next, kept| {
            let is_same = next.0 == kept.0;
            kept.1 |= is_same && next.1;
            is_same
        });
        sources
    }

    /// Goes on to the next principal.
    pub(crate) fn advance(&mut self) -> Result<(), StoreError> {
        let Some(row) = self.rows.next()? else {
            self.is_over = true;
            return Ok(());
        };
        let mut fields = Fields::of(row);
        let mut key = Fields::of(fields.bytes()?);
        self.kind = key.kind()?;
        self.principal.clear();
        self.principal.push_str(&key.part()?);
        self.sources.clear();
        while !fields.is_empty() {
            let node = fields.small()?;
            self.sources.push((node, fields.take(1)? == [DIRECT]));
            if let std::collections::btree_map::Entry::Vacant(place) = self.ids.entry(node) {
                place.insert(self.expanded.id(node)?);
            }
        }
        Ok(())
    }
}
