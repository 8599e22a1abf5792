//! The lists of a draft: what the sources of a plan are, and which answers are pages of which list
//! of them.

use std::collections::BTreeMap;

use engine_json::Value as Json;
use engine_spec::expression::{Expression, Key, Variable};
use engine_spec::path::Path;
use engine_spec::plan::{Origin, PageKind, PageRules, Pages, Plan, Send, Site, Source, Take, Value, ValueKind};

use crate::chains::{chains, continued, named, page_end, window_end};
use crate::draft::{Draft, Entry};

/// Full pages and windows that are larger are not kept for the sake of what follows.
pub(crate) const LARGEST_FULL_PAGE: usize = 100;

/// A source of the plan that asks.
pub(crate) struct Known<'p> {
    /// What the report calls it: `user`, `grants of team:member`.
    pub name: String,
    /// The places that ask for its first page: the request, and the one that waits for its answer.
    sites: Vec<&'p Site>,
    /// The place that asks for every page after the first, where it is another one.
    later: Option<&'p Site>,
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
    /// How many of its pages were asked for before the list was asked for anew, behind a cap on
    /// results; all of them where it was not.
    pub asked_first: usize,
    /// What it is among several windows of one list.
    pub window: Window,
}

/// What a list is among several windows of one list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Window {
    /// All that there are.
    Only,
    /// The first, which must be as long as it is for the next one to be asked for.
    Full,
    /// All that come after the first, which is the list of this number.
    After(usize),
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
    let fixed = matches!(source.take, Take::Item(_) | Take::Rows)
        || rules.is_some_and(|rules| !can_count(rules) || is_odd(rules));
    let unwrap = plan.clients.get(asked.request.client).and_then(|client| client.answers.unwrap.as_ref());
    let waits = asked.wait.iter().map(|wait| &wait.request.site);
    let sites = std::iter::once(&asked.request.site).chain(waits).collect();
    let later = rules.and_then(|rules| Some(&rules.next_request.as_ref()?.site));
    Some(Known { name, sites, later, source, rules, unwrap, home, fixed })
}

/// Whether a list goes on by windows and, in them, behind the last key or with other requests.
fn is_odd(rules: &PageRules) -> bool {
    rules.window.is_some() && (matches!(rules.kind, PageKind::Keyset { .. }) || rules.next_request.is_some())
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
            let Some(variable) = template.lone().and_then(counted) else { return Vec::new() };
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

/// The chain of names that an expression is, or whose length it is.
fn counted(expression: &Expression) -> Option<&Variable> {
    let of_length = || match expression.variables() {
        [only] => expression
            .text()
            .strip_suffix("length")?
            .trim_end()
            .strip_suffix('|')?
            .trim()
            .eq(&only.text())
            .then_some(only),
        _ => None,
    };
    expression.as_variable().or_else(of_length)
}

/// The rules of the pages that a place in the spec asks for.
pub(crate) fn paged<'p>(plan: &'p Plan, site: &Site) -> Option<&'p PageRules> {
    plan.sources().find_map(|source| match &source.origin {
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
    /// Rows after which the list is asked for anew.
    pub fn cap(&self) -> Option<usize> {
        let (cap, _) = self.rules?.window.as_ref()?;
        usize::try_from(*cap).ok()
    }

    /// Whether its pages were asked for at a place.
    pub fn asks_at(&self, site: &Site) -> bool {
        self.sites.contains(&site) || self.later == Some(site)
    }

    /// Whether its rows are members of an object, and the next request names the last of their keys.
    pub fn goes_on_by_member(&self) -> bool {
        let is_keyset = self.rules.is_some_and(|rules| matches!(rules.kind, PageKind::Keyset { .. }));
        is_keyset && matches!(self.source.take, Take::Entries(_))
    }

    /// Whether its rows and pages can be put together anew.
    pub fn can_be_cut(&self) -> bool {
        !self.fixed
            && self.rules.is_none_or(|rules| !is_numbered(rules) || send(rules).is_some() || self.asks_by_place())
    }

    /// Whether each of its pages is asked for by a request of its own that is known by its place.
    pub fn asks_by_place(&self) -> bool {
        self.later.is_some() && self.rules.is_some_and(|rules| matches!(rules.kind, PageKind::Page { .. }))
    }

    /// Whether pages after the first are asked for by another request.
    pub fn asks_later(&self) -> bool {
        self.later.is_some()
    }

    /// The entries that pages of its lists came with, if they were asked for at one of these places.
    fn asked_at(&self, draft: &Draft, sites: &[&Site]) -> Vec<usize> {
        let asked = draft.entries.iter().enumerate();
        let own = asked.filter(|(_, entry)| {
            let is_page = |page| self.sites.len() == 1 || self.has_rows(page);
            sites.iter().any(|site| entry.sites.contains(site)) && entry.page().is_some_and(is_page)
        });
        own.map(|(at, _)| at).collect()
    }
}

/// The lists that were read.
pub(crate) fn lists(known: &[Known<'_>], draft: &Draft) -> Vec<List> {
    let mut lists = Vec::new();
    for (number, source) in known.iter().enumerate() {
        let mut own = source.asked_at(draft, &source.sites);
        let later = source.later.map(|later| source.asked_at(draft, &[later])).unwrap_or_default();
        let alone = |own: Vec<usize>| own.into_iter().map(|at| vec![at]).collect::<Vec<_>>();
        let groups = match source.rules {
            Some(rules) if source.later.is_some() && is_numbered(rules) => continued(rules, draft, own, later),
            Some(rules) if matches!(rules.kind, PageKind::NextUrl { .. }) => {
                own.extend(later);
                chains(rules, draft, own)
            }
            Some(rules) if source.later.is_some() || send(rules).is_none() && !is_numbered(rules) => {
                own.extend(later);
                let ends = |columns: &[String], pages: &[usize]| {
                    page_end(source, rules, columns, draft.entries.get(*pages.last()?)?)
                };
                named(source, draft, alone(own), &ends).into_iter().map(|pages| pages.concat()).collect()
            }
            Some(rules) => grouped(rules, draft, own),
            None => alone(own),
        };
        let windows = match source.rules.and_then(|rules| rules.window.as_ref()) {
            Some(_) => named(source, draft, groups, &|columns, pages| window_end(source, draft, columns, pages)),
            None => alone_each(groups),
        };
        for windows in windows {
            let found = in_windows(source, number, draft, windows, lists.len());
            lists.extend(found);
        }
    }
    lists
}

/// The lists of which each is one of these.
fn alone_each(groups: Vec<Vec<usize>>) -> Vec<Vec<Vec<usize>>> {
    groups.into_iter().map(|pages| vec![pages]).collect()
}

/// A list of the windows that it was read in: one, or two where the first can be kept for the sake of
/// those that follow. The number is that of the first.
fn in_windows(source: &Known<'_>, known: usize, draft: &Draft, windows: Vec<Vec<usize>>, number: usize) -> Vec<List> {
    let first = windows.first().and_then(|pages| draft.entries.get(*pages.first()?)).and_then(Entry::page);
    let columns = first.map(|first| source.columns(first)).unwrap_or_default();
    let list = |windows: &[Vec<usize>], window| {
        let asked_first = windows.first().map_or(0, Vec::len);
        List { known, pages: windows.concat(), columns: columns.clone(), asked_first, window }
    };
    let is_small = source.cap().is_some_and(|cap| cap <= LARGEST_FULL_PAGE);
    match windows.split_first() {
        Some((first, after)) if is_small && !after.is_empty() => {
            vec![list(std::slice::from_ref(first), Window::Full), list(after, Window::After(number))]
        }
        _ => vec![list(&windows, Window::Only)],
    }
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
