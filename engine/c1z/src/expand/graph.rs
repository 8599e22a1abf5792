//! The graph of entitlements that pass on their holders.
//!
//! In: edges between numbered entitlements. Out: the steps in an order in which every source is
//! complete before it is passed on. Entitlements in a circle are one node. Numbers only: a million
//! edges take some 150 MB while they are put in order.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// "Holders of `source` also hold `target`."
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) source: u32,
    pub(super) target: u32,
    /// Pass on direct holders only.
    pub(super) shallow: bool,
    /// Pass on principals of these types only.
    pub(super) types: Option<Rc<BTreeSet<u16>>>,
}

/// The edges between nodes, merged, and the entitlements of each node.
pub(super) struct Graph {
    /// By node of the target, those first that no later one feeds, then by node of the source.
    edges: BTreeMap<(Reverse<u32>, u32), Rule>,
    members: BTreeMap<u32, Vec<u32>>,
}

#[derive(Clone)]
struct Rule {
    shallow: bool,
    types: Option<Rc<BTreeSet<u16>>>,
}

impl Graph {
    pub(super) fn of(edges: Vec<Edge>) -> Self {
        let nodes = components(&edges);
        let node = |of: u32| place(&nodes, of);
        let mut members: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let used: BTreeSet<u32> = edges.iter().flat_map(|edge| [edge.source, edge.target]).collect();
        for entitlement in used {
            members.entry(node(entitlement)).or_default().push(entitlement);
        }
        let mut merged: BTreeMap<(Reverse<u32>, u32), Rule> = BTreeMap::new();
        for edge in edges {
            let (source, target) = (node(edge.source), node(edge.target));
            if source == target {
                continue;
            }
            let rule = Rule { shallow: edge.shallow, types: edge.types };
            merged.entry((Reverse(target), source)).and_modify(|known| known.merge(&rule)).or_insert(rule);
        }
        Self { edges: merged, members }
    }

    /// How many nodes hold more than one entitlement.
    pub(super) fn circles(&self) -> u64 {
        self.members.values().map(|members| u64::from(members.len() > 1)).sum()
    }

    /// Calls `with` for every node that something is passed on to, sources before what they feed: its
    /// entitlements, and every entitlement that passes on to them.
    pub(super) fn each_node<E>(&self, with: WithNode<'_, E>) -> Result<(), E> {
        let members = |node: u32| self.members.get(&node).map_or(&[][..], Vec::as_slice);
        let mut edges = self.edges.iter().peekable();
        let mut incoming = Vec::new();
        while let Some(((Reverse(target), source), rule)) = edges.next() {
            incoming.extend(members(*source).iter().map(|source| Incoming {
                source: *source,
                shallow: rule.shallow,
                types: rule.types.as_deref(),
            }));
            if edges.peek().is_none_or(|((Reverse(next), _), _)| next != target) {
                with(members(*target), &incoming)?;
                incoming.clear();
            }
        }
        Ok(())
    }
}

/// What is done for a node: its entitlements, and what is passed on to them.
type WithNode<'with, E> = &'with mut dyn FnMut(&[u32], &[Incoming<'_>]) -> Result<(), E>;

/// What an entitlement passes on to a node.
pub(super) struct Incoming<'graph> {
    pub(super) source: u32,
    /// Direct holders only.
    pub(super) shallow: bool,
    /// Principals of these types only.
    pub(super) types: Option<&'graph BTreeSet<u16>>,
}

impl Rule {
    /// Deep beats shallow, unfiltered beats filtered, and two filters let through what either does.
    fn merge(&mut self, other: &Self) {
        self.shallow &= other.shallow;
        self.types = match (&self.types, &other.types) {
            (Some(mine), Some(others)) if mine == others => return,
            (Some(mine), Some(others)) => Some(Rc::new(mine.union(others).copied().collect())),
            _ => None,
        };
    }
}

const UNSEEN: u32 = u32::MAX;

/// Numbers the strongly connected components (Tarjan, without recursion): entitlement to node. A
/// node is numbered after every node that it leads to.
fn components(edges: &[Edge]) -> Vec<u32> {
    let count = edges.iter().map(|edge| edge.source.max(edge.target) as usize + 1).max().unwrap_or(0);
    let mut targets: Vec<(u32, u32)> = edges.iter().map(|edge| (edge.source, edge.target)).collect();
    targets.sort_unstable();
    targets.dedup();
    let mut starts = vec![0_usize; count + 1];
    for (source, _) in &targets {
        if let Some(start) = starts.get_mut(*source as usize + 1) {
            *start += 1;
        }
    }
    let mut sum = 0;
    for start in &mut starts {
        sum += *start;
        *start = sum;
    }
    let mut walk = Walk {
        order: vec![UNSEEN; count],
        low: vec![UNSEEN; count],
        component: vec![UNSEEN; count],
        open: Vec::new(),
        seen: 0,
        finished: 0,
    };
    for first in 0..u32::try_from(count).unwrap_or(UNSEEN) {
        if place(&walk.order, first) != UNSEEN {
            continue;
        }
        let mut path = vec![walk.enter(first, &starts)];
        while let Some((node, next)) = path.last_mut() {
            let node = *node;
            let end = starts.get(node as usize + 1).copied().unwrap_or(0);
            let step = (*next < end).then(|| targets.get(*next)).flatten();
            *next += 1;
            match step {
                Some((_, target)) if place(&walk.order, *target) == UNSEEN => {
                    path.push(walk.enter(*target, &starts));
                }
                Some((_, target)) => walk.see(node, *target),
                None => {
                    path.pop();
                    walk.leave(node, path.last().map(|(parent, _)| *parent));
                }
            }
        }
    }
    walk.component
}

struct Walk {
    order: Vec<u32>,
    low: Vec<u32>,
    component: Vec<u32>,
    open: Vec<u32>,
    seen: u32,
    finished: u32,
}

impl Walk {
    fn enter(&mut self, node: u32, starts: &[usize]) -> (u32, usize) {
        set(&mut self.order, node, self.seen);
        set(&mut self.low, node, self.seen);
        self.seen += 1;
        self.open.push(node);
        (node, starts.get(node as usize).copied().unwrap_or(0))
    }

    /// An edge to a node that was met before; it counts while that node is open.
    fn see(&mut self, node: u32, target: u32) {
        if place(&self.component, target) == UNSEEN {
            self.lower(node, place(&self.order, target));
        }
    }

    fn leave(&mut self, node: u32, parent: Option<u32>) {
        let low = place(&self.low, node);
        if low == place(&self.order, node) {
            while let Some(member) = self.open.pop() {
                set(&mut self.component, member, self.finished);
                if member == node {
                    break;
                }
            }
            self.finished += 1;
        }
        if let Some(parent) = parent {
            self.lower(parent, low);
        }
    }

    fn lower(&mut self, node: u32, to: u32) {
        let low = place(&self.low, node).min(to);
        set(&mut self.low, node, low);
    }
}

fn place(of: &[u32], number: u32) -> u32 {
    of.get(number as usize).copied().unwrap_or(UNSEEN)
}

fn set(of: &mut [u32], number: u32, value: u32) {
    if let Some(place) = of.get_mut(number as usize) {
        *place = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(source: u32, target: u32) -> Edge {
        Edge { source, target, shallow: false, types: None }
    }

    fn steps(edges: Vec<Edge>) -> (Vec<(u32, u32)>, u64) {
        let graph = Graph::of(edges);
        let mut steps = Vec::new();
        graph
            .each_node(&mut |targets, incoming| {
                steps.extend(targets.iter().flat_map(|target| incoming.iter().map(|from| (from.source, *target))));
                Ok::<_, ()>(())
            })
            .unwrap();
        (steps, graph.circles())
    }

    #[test]
    fn sources_come_before_what_they_feed() {
        let (steps, circles) = steps(vec![edge(1, 2), edge(3, 1), edge(2, 4), edge(3, 4)]);
        let place = |step| steps.iter().position(|known| *known == step).unwrap();
        assert!(place((3, 1)) < place((1, 2)));
        assert!(place((1, 2)) < place((2, 4)));
        assert_eq!((steps.len(), circles), (4, 0));
    }

    #[test]
    fn a_circle_is_one_node_fed_and_feeding_as_a_whole() {
        let (mut steps, circles) = steps(vec![edge(1, 2), edge(2, 3), edge(3, 2), edge(3, 4), edge(5, 5)]);
        steps.sort_unstable();
        assert_eq!(steps, [(1, 2), (1, 3), (2, 4), (3, 4)]);
        assert_eq!(circles, 1);
    }

    #[test]
    fn merged_edges_are_deep_and_unfiltered_if_one_of_them_is() {
        let types = |types: &[u16]| Some(Rc::new(types.iter().copied().collect::<BTreeSet<_>>()));
        let filtered = Edge { types: types(&[1]), ..edge(1, 2) };
        let shallow = Edge { shallow: true, types: types(&[2]), ..edge(1, 2) };
        let merged = |edges| Graph::of(edges).edges.into_values().next().unwrap();
        let rule = merged(vec![filtered.clone(), shallow.clone()]);
        assert_eq!((rule.shallow, rule.types), (false, types(&[1, 2])));
        assert_eq!(merged(vec![shallow, edge(1, 2), filtered]).types, None);
    }

    #[test]
    fn a_chain_of_many_thousands_does_not_overflow_the_stack() {
        let (steps, circles) = steps((1..200_000).map(|number| edge(number, number + 1)).collect());
        assert_eq!(steps.first(), Some(&(1, 2)));
        assert_eq!((steps.len(), circles), (199_999, 0));
    }
}
