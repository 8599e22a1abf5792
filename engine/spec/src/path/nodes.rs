//! The nodes that a path of many nodes yields: in go parsed segments and a value, out come
//! references into the value, in the library's order.
//!
//! The library writes the path of every node that it visits. Names of members come from the vendor,
//! so that a few long ones above many values would cost their product. Here nothing is written;
//! only what a filter says of one element is left to the library.

use engine_json::Value as Json;
use jsonpath_rust::parser::model::{
    Comparable, Filter, FilterAtom, FnArg, JpQuery, Segment, Selector, SingularQuery, Test, TestFunction,
};
use jsonpath_rust::query::{QueryRef, js_path_process};

/// One step of a path.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// To children.
    Children(Vec<Selection>),
    /// To all lists and objects below, and to their children.
    Descendants(Vec<Selection>),
}

/// Which children.
#[derive(Clone, Debug)]
pub(super) enum Selection {
    Name(String),
    Index(i64),
    Wildcard,
    Slice(Option<i64>, Option<i64>, i64),
    /// Those of which a filter holds, as a query of the library that begins at their parent.
    Filter(Box<JpQuery>),
}

/// The steps of a query.
pub(super) fn steps(query: JpQuery) -> Vec<Step> {
    query.segments.into_iter().map(step).collect()
}

fn step(segment: Segment) -> Step {
    match segment {
        Segment::Selector(selector) => Step::Children(vec![selection(selector)]),
        Segment::Selectors(selectors) => Step::Children(selectors.into_iter().map(selection).collect()),
        Segment::Descendant(inner) => match step(*inner) {
            Step::Children(selections) | Step::Descendants(selections) => Step::Descendants(selections),
        },
    }
}

fn selection(selector: Selector) -> Selection {
    match selector {
        Selector::Name(name) => Selection::Name(name),
        Selector::Index(index) => Selection::Index(index),
        Selector::Wildcard => Selection::Wildcard,
        Selector::Slice(start, end, by) => Selection::Slice(start, end, by.unwrap_or(1)),
        filter @ Selector::Filter(_) => Selection::Filter(Box::new(JpQuery::new(vec![Segment::Selector(filter)]))),
    }
}

/// All nodes that the steps lead to.
pub(super) fn all<'a>(steps: &[Step], root: &'a Json) -> Vec<&'a Json> {
    let mut nodes = vec![root];
    for step in steps {
        let selections = match step {
            Step::Children(selections) => selections,
            Step::Descendants(selections) => {
                let mut below = Vec::new();
                nodes.into_iter().for_each(|node| descend(node, &mut below));
                nodes = below;
                selections
            }
        };
        nodes = selections.iter().flat_map(|selection| select(selection, &nodes)).collect();
    }
    nodes
}

/// A node and all lists and objects below it, each before its own.
fn descend<'a>(node: &'a Json, found: &mut Vec<&'a Json>) {
    if node.is_array() || node.is_object() {
        found.push(node);
        children(node).for_each(|child| descend(child, found));
    }
}

fn children(node: &Json) -> impl Iterator<Item = &Json> {
    let items = node.as_array().into_iter().flatten();
    items.chain(node.as_object().into_iter().flat_map(|members| members.values()))
}

fn select<'a>(selection: &Selection, nodes: &[&'a Json]) -> Vec<&'a Json> {
    let nodes = nodes.iter().copied();
    match selection {
        Selection::Name(name) => nodes.filter_map(|node| node.as_object()?.get(name)).collect(),
        Selection::Index(index) => nodes.filter_map(|node| super::element(node.as_array()?, *index)).collect(),
        Selection::Wildcard => nodes.flat_map(children).collect(),
        Selection::Slice(start, end, by) => nodes
            .filter_map(Json::as_array)
            .flat_map(|items| places(items.len(), *start, *end, *by).filter_map(|place| items.get(place)))
            .collect(),
        Selection::Filter(filter) => nodes.flat_map(|node| filtered(filter, node)).collect(),
    }
}

/// The places of a slice (RFC 9535, 2.3.4.2.2).
fn places(length: usize, start: Option<i64>, end: Option<i64>, by: i64) -> Box<dyn Iterator<Item = usize>> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let from_front = |place: i64| if place < 0 { place.saturating_add(length) } else { place };
    let stride = usize::try_from(by.unsigned_abs()).unwrap_or(usize::MAX);
    if by > 0 {
        let lower = from_front(start.unwrap_or(0)).clamp(0, length);
        let upper = from_front(end.unwrap_or(length)).clamp(0, length);
        Box::new((lower..upper).step_by(stride).filter_map(|place| usize::try_from(place).ok()))
    } else if by < 0 {
        let upper = start.map_or(length - 1, from_front).clamp(-1, length - 1);
        let lower = end.map_or(-1, from_front).clamp(-1, length - 1);
        Box::new((lower + 1..=upper).rev().step_by(stride).filter_map(|place| usize::try_from(place).ok()))
    } else {
        Box::new(std::iter::empty())
    }
}

fn filtered<'a>(filter: &JpQuery, node: &'a Json) -> Vec<&'a Json> {
    let found = js_path_process(filter, node).unwrap_or_default();
    found.into_iter().map(QueryRef::val).collect()
}

/// Why a filter is not one that specs may have, and what to write instead.
///
/// A query inside a filter may not spread twice, or begin at the root: the library writes paths there
/// too, of all that lies between an element and what is found below it, and would look through the
/// whole answer for every element. It also takes names of functions that RFC 9535 does not have.
pub(super) fn refused(segment: &Segment) -> Option<(&'static str, &'static str)> {
    match segment {
        Segment::Descendant(inner) => refused(inner),
        Segment::Selector(selector) => refused_selector(selector),
        Segment::Selectors(selectors) => selectors.iter().find_map(refused_selector),
    }
}

const SPREADS: (&str, &str) = (
    "a filter looks at its own element (`@`), with one `*` or slice at most and without `..`",
    "unnest the inner list and filter it with `where`",
);
const UNKNOWN_FUNCTION: (&str, &str) = (
    "the functions of a filter are `length`, `count`, `match`, `search` and `value` (RFC 9535, 2.4)",
    "filter the rows with `where`, which knows `in` and more",
);

fn refused_selector(selector: &Selector) -> Option<(&'static str, &'static str)> {
    match selector {
        Selector::Filter(filter) => refused_filter(filter),
        _ => None,
    }
}

fn refused_filter(filter: &Filter) -> Option<(&'static str, &'static str)> {
    match filter {
        Filter::Or(parts) | Filter::And(parts) => parts.iter().find_map(refused_filter),
        Filter::Atom(FilterAtom::Filter { expr, .. }) => refused_filter(expr),
        Filter::Atom(FilterAtom::Test { expr, .. }) => refused_test(expr),
        Filter::Atom(FilterAtom::Comparison(comparison)) => {
            let (left, right) = comparison.vals();
            [left, right].into_iter().find_map(|side| match side {
                Comparable::Function(function) => refused_function(function),
                Comparable::SingularQuery(SingularQuery::Root(_)) => Some(SPREADS),
                Comparable::SingularQuery(_) | Comparable::Literal(_) => None,
            })
        }
    }
}

fn refused_test(test: &Test) -> Option<(&'static str, &'static str)> {
    match test {
        Test::RelQuery(segments) => (segments.iter().map(width).sum::<usize>() > 1).then_some(SPREADS),
        Test::AbsQuery(_) => Some(SPREADS),
        Test::Function(function) => refused_function(function),
    }
}

fn refused_function(function: &TestFunction) -> Option<(&'static str, &'static str)> {
    let refused_argument = |argument: &FnArg| match argument {
        FnArg::Literal(_) => None,
        FnArg::Test(test) => refused_test(test),
        FnArg::Filter(filter) => refused_filter(filter),
    };
    match function {
        TestFunction::Custom(..) => Some(UNKNOWN_FUNCTION),
        TestFunction::Length(argument) => refused_argument(argument),
        TestFunction::Value(argument) | TestFunction::Count(argument) => refused_argument(argument),
        TestFunction::Search(one, other) | TestFunction::Match(one, other) => {
            refused_argument(one).or_else(|| refused_argument(other))
        }
    }
}

/// How often a segment spreads; all descendants are too many by themselves.
fn width(segment: &Segment) -> usize {
    match segment {
        Segment::Selector(Selector::Name(_) | Selector::Index(_)) => 0,
        Segment::Selector(_) => 1,
        Segment::Selectors(_) | Segment::Descendant(_) => 2,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use engine_json::json;
    use jsonpath_rust::parser::parse_json_path;
    use proptest::prelude::*;

    use super::super::Path;
    use super::*;

    fn any_json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            (-3i64..4).prop_map(Json::from),
            "[ab]{0,2}".prop_map(Json::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
                prop::collection::btree_map("[abc]", inner, 0..4)
                    .prop_map(|members| Json::Object(members.into_iter().collect())),
            ]
        })
    }

    fn any_path() -> impl Strategy<Value = String> {
        let segment = prop::sample::select(vec![
            ".a",
            ".b",
            "['a']",
            "[0]",
            "[1]",
            "[-1]",
            "[*]",
            ".*",
            "..a",
            "..*",
            "..[0]",
            "[0,'a']",
            "['b',*]",
            "[1:]",
            "[:2]",
            "[::2]",
            "[::-1]",
            "[-2:]",
            "[3:0:-2]",
            "[?@.a]",
            "[?@.a == 1]",
            "[?!@.b]",
            "[?@ > 0]",
            "[?@.a == 'a']",
            "[?length(@) > 1]",
            "[?@.*]",
            "[?@.a || @.b]",
            "..[?@.a]",
            "[?count(@.*) > 1]",
        ]);
        prop::collection::vec(segment, 0..5).prop_map(|segments| format!("${}", segments.concat()))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_nodes_are_those_of_the_library_in_its_order(value in any_json(), path in any_path()) {
            let query = parse_json_path(&path).unwrap();
            let theirs: Vec<&Json> =
                js_path_process(&query, &value).unwrap_or_default().into_iter().map(|found| found.val()).collect();
            prop_assert_eq!(all(&steps(query), &value), theirs, "{}", path);
        }
    }

    #[test]
    fn long_names_above_many_values_cost_nothing() {
        let name = "n".repeat(1 << 20);
        let mut value = json!(vec![json!({"id": 1, "tags": ["x"]}); 20_000]);
        for _ in 0..8 {
            value = json!({ name.as_str(): value });
        }
        let begun = Instant::now();
        assert_eq!(Path::parse("$..id").unwrap().all(&value).len(), 20_000);
        assert_eq!(Path::parse("$..[?@.tags[*]].id").unwrap().all(&value).len(), 20_000);
        // The paths of all nodes would be 300 GB of text.
        assert!(begun.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_filter_looks_at_its_element_and_one_level_of_many_at_most() {
        for refused in [
            "$[?@..a]",
            "$[?@.*.*]",
            "$[?count(@..a) > 1]",
            "$[?$.a]",
            "$[?@.a == $.a]",
            "$[?length(value(@.*.*)) > 1]",
        ] {
            assert!(Path::parse(refused).is_err(), "{refused}");
        }
        assert!(Path::parse("$.users[?@.roles[*].name]").is_ok());
    }

    #[test]
    fn a_filter_has_the_functions_of_the_standard_and_no_others() {
        for refused in ["$[?in(@.role, @.roles)]", "$[?length(@.a) > 1 && any_of(@.a, @.b)]"] {
            let error = Path::parse(refused).unwrap_err();
            assert!(error.reason.contains("`length`, `count`, `match`, `search` and `value`"), "{error}");
        }
        assert!(Path::parse("$[?match(@.name, 'a.*') && count(@.roles[*]) > 1]").is_ok());
    }
}
