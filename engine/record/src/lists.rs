//! The lists of a draft: what the sources of a plan are, and which answers are pages of which list
//! of them.

use std::collections::BTreeMap;

use engine_spec::expression::{Expression, Key};
use engine_spec::path::Path;
use engine_spec::plan::{Origin, PageKind, PageRules, Pages, Plan, Send, Site, Source, Take, Value, ValueKind};
use serde_json::Value as Json;

use crate::chains::{chains, named};
use crate::draft::{Draft, Entry};

/// A source of the plan that asks.
pub(crate) struct Known<'p> {
    /// What the report calls it: `user`, `grants of team:member`.
    pub name: String,
    pub site: &'p Site,
    pub source: &'p Source,
    /// The rules of its pages; none where one answer holds everything.
    pub rules: Option<&'p PageRules>,
    /// The part of an answer that holds everything else.
    pub unwrap: Option<&'p Path>,
    /// Number of the type whose resources its rows are.
    pub home: Option<usize>,
    /// Whether something about it cannot be put together anew.
    fixed: bool,
}

/// One list that was read: entries of the draft in order of its pages.
pub(crate) struct List {
    /// Number among the known sources.
    pub known: usize,
    pub pages: Vec<usize>,
    /// The names of the values in its rows, where they have none themselves.
    pub columns: Vec<String>,
}

/// The sources of a plan that ask.
pub(crate) fn known(plan: &Plan) -> Vec<Known<'_>> {
    let mut all = Vec::new();
    let one = |name: String, source, home| one_known(plan, name, source, home);
    for (number, kind) in plan.types.iter().enumerate() {
        all.extend(kind.sources.iter().filter_map(|source| one(kind.id.clone(), source, Some(number))));
        let lists = kind.entitlements.iter().filter_map(|known| Some((known, known.list.as_ref()?)));
        all.extend(
            lists.filter_map(|(known, list)| one(format!("entitlements {}:{}", kind.id, known.key), list, None)),
        );
    }
    let rules = plan.grant_rules.iter();
    all.extend(rules.filter_map(|rule| one(format!("grants {}", rule.label), &rule.source, None)));
    all
}

fn one_known<'p>(plan: &'p Plan, name: String, source: &'p Source, home: Option<usize>) -> Option<Known<'p>> {
    let Origin::Request(asked) = &source.origin else { return None };
    let rules = match &asked.pages {
        Pages::Rules(rules) => Some(&**rules),
        Pages::None => None,
    };
    let fixed = asked.wait.is_some()
        || matches!(source.take, Take::Item(_) | Take::Rows)
        || rules.is_some_and(|rules| rules.window.is_some() || rules.next_request.is_some() || !can_count(rules));
    let unwrap = plan.clients.get(asked.request.client).and_then(|client| client.answers.unwrap.as_ref());
    Some(Known { name, site: &asked.request.site, source, rules, unwrap, home, fixed })
}

/// Whether totals can be changed with the rows.
fn can_count(rules: &PageRules) -> bool {
    let can_put = |value: &Value| {
        let paths = paths_of(rules, value);
        !paths.is_empty() && paths.iter().all(Path::is_plain)
    };
    rules.total.iter().chain(&rules.page_total).all(can_put)
}

/// The paths on an answer that a value is read from, itself or by way of the first answer.
pub(crate) fn paths_of(rules: &PageRules, value: &Value) -> Vec<Path> {
    match &value.kind {
        ValueKind::Path(path, _) => vec![path.clone()],
        ValueKind::From(from) if from.map.is_none() => paths_of(rules, &from.from),
        ValueKind::Coalesce(values) => values.iter().flat_map(|value| paths_of(rules, value)).collect(),
        ValueKind::Template(template) => {
            let Some(variable) = template.lone().and_then(Expression::as_variable) else { return Vec::new() };
            match (variable.root.as_str(), variable.rest.as_slice()) {
                ("body", _) => Path::parse(&variable.as_path()).into_iter().collect(),
                ("first", [Key::Name(name)]) => {
                    let own = rules.first.iter().filter(|(known, _)| known == name);
                    own.flat_map(|(_, value)| paths_of(rules, value)).collect()
                }
                _ => Vec::new(),
            }
        }
        _ => Vec::new(),
    }
}

/// The rules of the pages that a place in the spec asks for.
pub(crate) fn paged<'p>(plan: &'p Plan, site: &Site) -> Option<&'p PageRules> {
    let sources = plan
        .types
        .iter()
        .flat_map(|kind| kind.sources.iter().chain(kind.entitlements.iter().filter_map(|known| known.list.as_ref())));
    sources.chain(plan.grant_rules.iter().map(|rule| &rule.source)).find_map(|source| match &source.origin {
        Origin::Request(asked) => match &asked.pages {
            Pages::Rules(rules)
                if asked.request.site == *site
                    || rules.next_request.as_ref().is_some_and(|request| request.site == *site) =>
            {
                Some(&**rules)
            }
            _ => None,
        },
        _ => None,
    })
}

/// Where the position of a page goes.
pub(crate) fn send(rules: &PageRules) -> Option<&Send> {
    match &rules.kind {
        PageKind::Cursor { send, .. }
        | PageKind::Offset { send, .. }
        | PageKind::Page { send, .. }
        | PageKind::StartIndex { send, .. }
        | PageKind::Keyset { send, .. } => send.as_ref(),
        PageKind::NextUrl { .. } => None,
    }
}

/// Whether pages are numbered.
pub(crate) fn is_numbered(rules: &PageRules) -> bool {
    matches!(rules.kind, PageKind::Offset { .. } | PageKind::Page { .. } | PageKind::StartIndex { .. })
}

impl Known<'_> {
    /// Whether its rows and pages can be put together anew.
    pub fn can_be_cut(&self) -> bool {
        // A number that the request names itself may stand anywhere in it.
        !self.fixed && self.rules.is_none_or(|rules| !is_numbered(rules) || send(rules).is_some())
    }
}

/// The lists that were read.
pub(crate) fn lists(known: &[Known<'_>], draft: &Draft) -> Vec<List> {
    let mut lists = Vec::new();
    for (number, source) in known.iter().enumerate() {
        let asked = draft.entries.iter().enumerate();
        let own: Vec<usize> = asked
            .filter(|(_, entry)| entry.sites.contains(source.site) && entry.page().is_some())
            .map(|(at, _)| at)
            .collect();
        let pages = match source.rules {
            Some(rules) if matches!(rules.kind, PageKind::NextUrl { .. }) => chains(rules, draft, own),
            Some(rules) if send(rules).is_none() && !is_numbered(rules) => named(source, rules, draft, own),
            Some(rules) => grouped(rules, draft, own),
            None => own.into_iter().map(|at| vec![at]).collect(),
        };
        lists.extend(pages.into_iter().map(|pages| {
            let first = pages.first().and_then(|first| draft.entries.get(*first)).and_then(Entry::page);
            let columns = first.map(|first| source.columns(first)).unwrap_or_default();
            List { known: number, pages, columns }
        }));
    }
    lists
}

/// Requests that differ in nothing but the page belong to one list.
fn grouped(rules: &PageRules, draft: &Draft, own: Vec<usize>) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    for at in own {
        let Some(entry) = draft.entries.get(at) else { continue };
        let mut request = entry.request.clone();
        match send(rules) {
            Some(Send::Query(name)) => drop(request.query.remove(name)),
            Some(Send::Header(name)) => drop(request.headers.remove(name)),
            Some(Send::Form(name)) => drop(request.form.as_mut().and_then(|form| form.remove(name))),
            Some(Send::Json(pointer)) => {
                let (parent, name) = pointer.rsplit_once('/').unwrap_or(("", pointer));
                let parent = request.json.as_mut().and_then(|json| json.pointer_mut(parent));
                drop(parent.and_then(Json::as_object_mut).and_then(|members| members.remove(name)));
            }
            None => {}
        }
        let number = *numbers.entry(format!("{request:?}")).or_insert(groups.len());
        match groups.get_mut(number) {
            Some(group) => group.push(at),
            None => groups.push(vec![at]),
        }
    }
    groups
}
