//! The lists of a draft: which answers are pages of which list of the plan, where their rows are,
//! and how pages can be put together anew.

use std::collections::BTreeMap;

use engine_case::case::{Exchange, SERVER, Scalar, Texts};
use engine_spec::document::page::LastWord;
use engine_spec::path::Path;
use engine_spec::plan::{Next, Origin, PageKind, PageRules, Pages, Plan, Send, Site, Source, Take, Value, ValueKind};
use serde_json::Value as Json;

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
    unwrap: Option<&'p Path>,
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
        || !matches!(source.take, Take::Items { .. })
        || rules.is_some_and(|rules| {
            rules.window.is_some() || rules.next_request.is_some() || !rules.first.is_empty() || !can_count(rules)
        });
    let unwrap = plan.clients.get(asked.request.client).and_then(|client| client.answers.unwrap.as_ref());
    Some(Known { name, site: &asked.request.site, source, rules, unwrap, home, fixed })
}

/// Whether totals can be changed with the rows.
fn can_count(rules: &PageRules) -> bool {
    let can_put = |value: &Value| {
        let paths = paths_of(value);
        !paths.is_empty() && paths.iter().all(|path| path.is_plain())
    };
    rules.total.iter().chain(&rules.page_total).all(can_put)
}

/// The paths that a value is read from.
fn paths_of(value: &Value) -> Vec<&Path> {
    match &value.kind {
        ValueKind::Path(path, _) => vec![path],
        ValueKind::From(from) if from.map.is_none() => paths_of(&from.from),
        ValueKind::Coalesce(values) => values.iter().flat_map(paths_of).collect(),
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
    /// The rows of an answer; nothing where there is no array.
    pub fn rows<'a>(&self, answer: &'a Json) -> Option<&'a Vec<Json>> {
        let body = self.unwrap.map_or(Some(answer), |path| path.one(answer))?;
        self.array(body)?.one(body)?.as_array()
    }

    fn array(&self, body: &Json) -> Option<&Path> {
        let Take::Items { paths, .. } = &self.source.take else { return None };
        paths.iter().find(|path| path.one(body).is_some_and(Json::is_array))
    }

    /// The answer with other rows; nothing where they cannot be put there.
    pub fn with_rows(&self, answer: &Json, rows: Vec<Json>) -> Option<Json> {
        let body = self.unwrap.map_or(Some(answer), |path| path.one(answer))?;
        let path = self.array(body).filter(|path| path.is_plain())?;
        let mut body = body.clone();
        if !path.put(&mut body, Json::Array(rows)) {
            return None;
        }
        match self.unwrap {
            None => Some(body),
            Some(unwrap) => {
                let mut whole = answer.clone();
                (unwrap.is_plain() && unwrap.put(&mut whole, body)).then_some(whole)
            }
        }
    }

    /// Whether its rows and pages can be put together anew.
    pub fn can_be_cut(&self) -> bool {
        !self.fixed
            && self.rules.is_none_or(|rules| match &rules.kind {
                PageKind::NextUrl { .. } => true,
                PageKind::Cursor { send, .. } | PageKind::Offset { send, .. } | PageKind::Page { send, .. } => {
                    send.is_some()
                }
                PageKind::StartIndex { send, .. } => send.is_some(),
                // The key of the last row leads to the next page.
                PageKind::Keyset { .. } => false,
            })
    }

    /// Rows that a page must have for another to follow.
    pub fn full_page(&self) -> Option<usize> {
        let rules = self.rules?;
        let limit = rules.limit.as_ref().map(|limit| usize::try_from(limit.value).unwrap_or(usize::MAX));
        limit.filter(|_| rules.last.contains(&LastWord::ShortPage))
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
            Some(rules) => grouped(rules, draft, own),
            None => own.into_iter().map(|at| vec![at]).collect(),
        };
        lists.extend(pages.into_iter().map(|pages| List { known: number, pages }));
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

/// Where one answer leads to the next, they belong to one list.
fn chains(rules: &PageRules, draft: &Draft, own: Vec<usize>) -> Vec<Vec<usize>> {
    let follower: BTreeMap<usize, usize> = own
        .iter()
        .filter_map(|at| {
            let url = next_of(rules, draft.entries.get(*at)?)?;
            let own = own.iter().filter(|other| *other != at);
            let mut leads = own.filter(|other| draft.entries.get(**other).is_some_and(|entry| leads_to(&url, entry)));
            Some((*at, *leads.next()?))
        })
        .collect();
    let mut chains = Vec::new();
    for at in own.iter().filter(|at| follower.values().all(|next| next != *at)) {
        let mut chain = vec![*at];
        while let Some(next) = chain.last().and_then(|last| follower.get(last)).filter(|next| !chain.contains(next)) {
            chain.push(*next);
        }
        chains.push(chain);
    }
    chains
}

/// Whether a link leads to the request of an entry.
fn leads_to(link: &str, entry: &Entry) -> bool {
    let (_, path) = entry.request.line();
    let base = format!("http://server.invalid{path}");
    let link = link.replace(SERVER, "http://server.invalid");
    let Some(url) = url::Url::parse(&base).ok().and_then(|base| base.join(&link).ok()) else { return false };
    let mut query: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in url.query_pairs() {
        query.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    let own: BTreeMap<String, Vec<String>> =
        entry.request.query.iter().map(|(name, texts)| (name.clone(), texts.list())).collect();
    url.path() == path && query == own
}

/// What leads to the next page, as text.
fn next_of(rules: &PageRules, entry: &Entry) -> Option<String> {
    let next = match &rules.kind {
        PageKind::Cursor { next, .. } | PageKind::NextUrl { next } => next,
        _ => return None,
    };
    let answer = entry.answers.last()?;
    match next {
        Next::Path(path, _) => path.one(answer.json.as_ref()?)?.as_str().map(str::to_owned),
        Next::Header(name) => answer.headers.get(name).map(Scalar::text),
        Next::Link { relation, .. } => {
            let header = answer.headers.get("link")?.text();
            let link = header.split(',').find(|link| {
                link.contains(&format!("rel=\"{relation}\"")) || link.ends_with(&format!("rel={relation}"))
            })?;
            Some(link.split('<').nth(1)?.split('>').next()?.to_owned())
        }
    }
}

/// Puts a list together anew: of its pages, those with these numbers, each with these rows. Gives
/// back whether that can be done; the draft is as before where it cannot.
pub(crate) fn put_together(known: &Known<'_>, list: &List, draft: &mut Draft, kept: &[(usize, Vec<Json>)]) -> bool {
    let mut made: Vec<(usize, Entry)> = Vec::new();
    let total: usize = kept.iter().map(|(_, rows)| rows.len()).sum();
    let mut before = 0;
    for (position, (page, rows)) in kept.iter().enumerate() {
        let Some(at) = list.pages.get(*page) else { return false };
        let Some(entry) = draft.entries.get(*at) else { return false };
        let mut entry = entry.clone();
        // A list that begins with this page begins as it did; numbered pages differ in nothing else.
        if position == 0 || known.rules.is_some_and(is_numbered) {
            let Some(first) = list.pages.first().and_then(|first| draft.entries.get(*first)) else { return false };
            entry.request = first.request.clone();
        }
        let Some(mut answer) = entry.page().and_then(|answer| known.with_rows(answer, rows.clone())) else {
            return false;
        };
        describe(&mut answer, rows.len(), before);
        if let Some(rules) = known.rules {
            // The last page that is left out before the next one that is kept knows how to go on.
            let follower = kept.get(position + 1).map_or(list.pages.len(), |(next, _)| *next);
            let leads = follower.checked_sub(1);
            let leads = leads.and_then(|leads| list.pages.get(leads)).and_then(|at| draft.entries.get(*at));
            if !leads.is_some_and(|leads| go_on_as(rules, leads, &mut entry, &mut answer)) {
                return false;
            }
            let counts = [(&rules.total, total), (&rules.page_total, kept.len())];
            for (value, count) in counts {
                for path in value.iter().flat_map(paths_of) {
                    let count = match path.one(&answer) {
                        Some(Json::Number(_)) => Json::from(count),
                        Some(Json::String(_)) => Json::from(count.to_string()),
                        _ => continue,
                    };
                    if !path.put(&mut answer, count) {
                        return false;
                    }
                }
            }
            if position > 0 {
                let number = match &rules.kind {
                    PageKind::Offset { start, .. } | PageKind::StartIndex { start, .. } => Some(*start + before as u64),
                    PageKind::Page { start, .. } => Some(*start + position as u64),
                    _ => None,
                };
                if let Some(number) = number
                    && !ask_for(&mut entry.request, send(rules), number)
                {
                    return false;
                }
            }
        }
        entry.set_page(answer);
        before += rows.len();
        made.push((*at, entry));
    }
    for at in &list.pages {
        let Some(entry) = draft.entries.get_mut(*at) else { continue };
        match made.iter().position(|(known, _)| known == at) {
            Some(found) => *entry = made.swap_remove(found).1,
            None => entry.answers.clear(),
        }
    }
    true
}

/// What SCIM (RFC 7644, 3.4.2) says of a page.
fn describe(answer: &mut Json, rows: usize, before: usize) {
    let Some(members) = answer.as_object_mut() else { return };
    for (name, value) in [("itemsPerPage", rows), ("startIndex", before + 1)] {
        if let Some(number) = members.get_mut(name).filter(|number| number.is_number()) {
            *number = Json::from(value);
        }
    }
}

/// Lets an answer lead where another one leads.
fn go_on_as(rules: &PageRules, leads: &Entry, entry: &mut Entry, answer: &mut Json) -> bool {
    let next = match &rules.kind {
        PageKind::Cursor { next, .. } | PageKind::NextUrl { next } => next,
        _ => return true,
    };
    let Some(from) = leads.answers.last() else { return false };
    let header = match next {
        Next::Path(path, _) => {
            let found = from.json.as_ref().and_then(|json| path.one(json)).cloned();
            return match found {
                Some(found) => path.one(answer) == Some(&found) || path.is_plain() && path.put(answer, found),
                None => path.one(answer).is_none(),
            };
        }
        Next::Header(name) => name.as_str(),
        Next::Link { .. } => "link",
    };
    for own in &mut entry.answers {
        match from.headers.get(header) {
            Some(value) => drop(own.headers.insert(header.to_owned(), value.clone())),
            None => drop(own.headers.remove(header)),
        }
    }
    true
}

/// Lets a request ask for a page by its number.
fn ask_for(request: &mut Exchange, send: Option<&Send>, number: u64) -> bool {
    let text = || Texts::One(Scalar::Text(number.to_string()));
    match send {
        Some(Send::Query(name)) => drop(request.query.insert(name.clone(), text())),
        Some(Send::Header(name)) => drop(request.headers.insert(name.clone(), number.to_string())),
        Some(Send::Form(name)) => match &mut request.form {
            Some(form) => drop(form.insert(name.clone(), text())),
            None => return false,
        },
        Some(Send::Json(pointer)) => match request.json.as_mut().and_then(|json| json.pointer_mut(pointer)) {
            Some(place) => *place = Json::from(number),
            None => return false,
        },
        None => return false,
    }
    true
}
