//! Spots: which request of the plan each recorded exchange answers. Exchanges that a disturbance
//! would say nothing about (answers other than success, answers that change) are none.

use std::collections::{BTreeMap, BTreeSet};

use engine_json::Value as Json;
use engine_spec::path::Path;
use engine_spec::plan::{
    Asked, Client, Detail, Origin, PageRules, Pages, Plan, Request, Site, Source, StatusRule, Take,
};

use super::Base;
use crate::case::{AnswerSpec, Case, Exchange};

/// An exchange and what it is to the plan.
pub(super) struct Spot<'p> {
    /// The number of the exchange.
    pub number: usize,
    /// How names say it: `GET /v1/users`.
    pub line: String,
    /// The path that is asked for, and those that were redirected to it. An error has to name one.
    pub paths: Vec<String>,
    /// What it is.
    pub role: Role<'p>,
    /// The client that asks.
    pub client: Option<&'p Client>,
    /// What answers other than success mean there.
    pub statuses: &'p [StatusRule],
    /// The lines of the spec that an error may name.
    pub sites: BTreeSet<String>,
    /// The site that asks, and whether another exchange before it was asked for there: the rest of
    /// what is tried.
    pub tries: String,
}

/// What an exchange is to the plan.
#[derive(Clone, Copy)]
pub(super) enum Role<'p> {
    /// A page of a list.
    Page(List<'p>),
    /// Details of a row.
    Detail(List<'p>, &'p Detail),
    /// A request that comes first.
    Opening,
    /// A sign-in, or whatever else the plan's lists do not name.
    Other,
}

/// A source that asks, and what its rows are.
#[derive(Clone, Copy)]
pub(super) struct List<'p> {
    /// The source.
    pub source: &'p Source,
    /// What it asks for.
    pub asked: &'p Asked,
    /// What its rows become.
    pub rows: Rows,
}

/// What rows become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rows {
    /// Resources of this type.
    Resources(usize),
    /// Grants of this rule.
    Grants(usize),
    /// Entitlements of this type by this rule.
    Entitlements(usize, usize),
}

impl<'p> Spot<'p> {
    /// The list, where the exchange is a page of one.
    pub fn list(&self) -> Option<List<'p>> {
        match self.role {
            Role::Page(list) => Some(list),
            _ => None,
        }
    }

    /// The rule for its pages.
    pub fn rules(&self) -> Option<&'p PageRules> {
        match &self.list()?.asked.pages {
            Pages::Rules(rules) => Some(rules),
            Pages::None => None,
        }
    }

    /// The part of a body that holds the answer.
    pub fn unwrapped<'j>(&self, body: &'j Json) -> Option<&'j Json> {
        match self.client.and_then(|client| client.answers.unwrap.as_ref()) {
            Some(path) => path.one(body),
            None => Some(body),
        }
    }

    /// The same, to be changed.
    pub fn unwrapped_mut<'j>(&self, body: &'j mut Json) -> Option<&'j mut Json> {
        match self.client.and_then(|client| client.answers.unwrap.as_ref()) {
            Some(path) => path.one_mut(body),
            None => Some(body),
        }
    }

    /// The array with the rows, where the list takes them from one.
    pub fn items(&self, body: &Json) -> Option<&'p Path> {
        let Take::Items { paths, .. } = &self.list()?.source.take else { return None };
        let inner = self.unwrapped(body)?;
        paths.iter().find(|path| path.is_plain() && path.one(inner).is_some_and(|found| !found.is_null()))
    }

    /// The rows of an answer, where they are an array.
    pub fn rows<'j>(&self, body: &'j Json) -> Option<&'j Vec<Json>> {
        self.items(body)?.one(self.unwrapped(body)?)?.as_array()
    }

    /// The same, to be changed.
    pub fn rows_mut<'j>(&self, body: &'j mut Json) -> Option<&'j mut Vec<Json>> {
        let path = self.items(body)?;
        path.one_mut(self.unwrapped_mut(body)?)?.as_array_mut()
    }
}

/// The spots of a case, in order.
pub(super) fn spots<'p>(plan: &'p Plan, base: &Base<'_>) -> Vec<Spot<'p>> {
    let lists = lists(plan);
    let mut known: BTreeSet<(String, String)> = BTreeSet::new();
    let mut spots = Vec::new();
    for (number, exchange) in base.case.exchanges.iter().enumerate() {
        let Some(asked) = base.asked.get(number).filter(|asked| !asked.is_empty()) else { continue };
        if body(exchange).is_none() {
            continue;
        }
        let (method, path) = exchange.line();
        let (role, request, statuses) = role(plan, &lists, asked);
        let sites: String = asked.iter().map(|site| format!(" {site}")).collect();
        let later = !known.insert((sites.clone(), format!("{method} {path}")));
        spots.push(Spot {
            number,
            line: line(base.case, number),
            paths: std::iter::once(path.to_owned()).chain(redirected(base, asked)).collect(),
            client: request.and_then(|request| plan.clients.get(request.client)),
            statuses,
            sites: named(plan, &lists, asked),
            tries: format!("{sites}{}", if later { " later" } else { "" }),
            role,
        });
    }
    spots
}

/// The paths of exchanges of the same request that led elsewhere.
fn redirected(base: &Base<'_>, asked: &BTreeSet<Site>) -> Vec<String> {
    let exchanges = base.case.exchanges.iter().zip(base.asked);
    let leads = |exchange: &Exchange| {
        exchange.all_answers().iter().any(|answer| answer.status.is_some_and(|status| (300..400).contains(&status)))
    };
    let own = exchanges.filter(|(exchange, other)| *other == asked && leads(exchange));
    own.map(|(exchange, _)| exchange.line().1.to_owned()).collect()
}

/// The answer that an exchange comes to, where nothing but demands to sign in stands before it.
pub(super) fn answer(exchange: &Exchange) -> Option<&AnswerSpec> {
    let answers = exchange.all_answers();
    let (last, before) = answers.split_last()?;
    before.iter().all(|answer| answer.status == Some(401)).then_some(*last)
}

/// Its body, where it is JSON that came with success.
pub(super) fn body(exchange: &Exchange) -> Option<&Json> {
    let answer = answer(exchange)?;
    let is_good = answer.status.is_none_or(|status| (200..300).contains(&status));
    answer.json.as_ref().filter(|_| is_good)
}

/// How names say an exchange: method and path, and as much more as tells it from others.
fn line(case: &Case, number: usize) -> String {
    let Some(exchange) = case.exchanges.get(number) else { return String::new() };
    let (method, path) = exchange.line();
    let line = format!("{method} {path}");
    let query: Vec<String> = exchange
        .query
        .iter()
        .flat_map(|(name, texts)| texts.list().into_iter().map(move |value| format!("{name}={value}")))
        .collect();
    let alike = || case.exchanges.iter().filter(|other| other.line() == (method, path));
    if alike().count() == 1 {
        return line;
    }
    if alike().filter(|other| other.query == exchange.query).count() == 1 {
        return if query.is_empty() { line } else { format!("{line}?{}", query.join("&")) };
    }
    format!("{line} (exchange {})", number + 1)
}

fn lists(plan: &Plan) -> Vec<(&Source, Rows)> {
    let mut lists = Vec::new();
    for (number, kind) in plan.types.iter().enumerate() {
        lists.extend(kind.sources.iter().map(|source| (source, Rows::Resources(number))));
        let entitlements = kind.entitlements.iter().enumerate();
        lists.extend(entitlements.filter_map(|(at, rule)| Some((rule.list.as_ref()?, Rows::Entitlements(number, at)))));
    }
    lists.extend(plan.grant_rules.iter().enumerate().map(|(number, rule)| (&rule.source, Rows::Grants(number))));
    lists
}

type Found<'p> = (Role<'p>, Option<&'p Request>, &'p [StatusRule]);

fn role<'p>(plan: &'p Plan, lists: &[(&'p Source, Rows)], asked: &BTreeSet<Site>) -> Found<'p> {
    let asks = |request: &Request| asked.contains(&request.site);
    for (source, rows) in lists {
        if let Some(detail) = source.detail.as_deref().filter(|detail| asks(&detail.request))
            && let Origin::Request(request) = &source.origin
        {
            let list = List { source, asked: request, rows: *rows };
            return (Role::Detail(list, detail), Some(&detail.request), &detail.statuses);
        }
        let Origin::Request(request) = &source.origin else { continue };
        let next = match &request.pages {
            Pages::Rules(rules) => rules.next_request.as_ref(),
            Pages::None => None,
        };
        let waits = request.wait.as_ref().map(|wait| &wait.request);
        if asks(&request.request) || next.into_iter().chain(waits).any(asks) {
            let list = List { source, asked: request, rows: *rows };
            return (Role::Page(list), Some(&request.request), &request.statuses);
        }
    }
    let openings = plan.starts.iter().map(|start| (&start.request, &start.statuses));
    let openings = openings.chain(plan.checks.iter().map(|check| (&check.request, &check.statuses)));
    for (request, statuses) in openings {
        if asks(request) {
            return (Role::Opening, Some(request), statuses);
        }
    }
    (Role::Other, None, &[])
}

/// The lines of the spec that an error about an exchange may name: those of everything that asks it.
fn named(plan: &Plan, lists: &[(&Source, Rows)], asked: &BTreeSet<Site>) -> BTreeSet<String> {
    let mut sites: BTreeSet<Site> = asked.clone();
    let asks = |request: &Request| asked.contains(&request.site);
    for (source, _) in lists {
        let Origin::Request(request) = &source.origin else { continue };
        let mut requests = vec![&request.request];
        requests.extend(request.wait.as_ref().map(|wait| &wait.request));
        requests.extend(source.detail.as_ref().map(|detail| &detail.request));
        if let Pages::Rules(rules) = &request.pages {
            requests.extend(rules.next_request.as_ref());
        }
        if !requests.iter().any(|request| asks(request)) {
            continue;
        }
        sites.extend([source.site.clone(), request.request.site.clone()]);
        let details = source.detail.iter().flat_map(|detail| &detail.statuses);
        sites.extend(request.statuses.iter().chain(details).map(|rule| rule.site.clone()));
        if let Pages::Rules(rules) = &request.pages {
            sites.insert(rules.site.clone());
        }
    }
    for start in plan.starts.iter().filter(|start| asks(&start.request)) {
        sites.extend(start.statuses.iter().map(|rule| rule.site.clone()));
        sites.extend(start.keep.iter().map(|(_, value)| value.site.clone()));
    }
    for check in plan.checks.iter().filter(|check| asks(&check.request)) {
        sites.insert(check.site.clone());
        sites.extend(check.statuses.iter().map(|rule| rule.site.clone()));
    }
    sites.iter().map(spec_line).collect()
}

/// File and line, as they stand in what is said: `specs/acme.yaml:12:`.
pub(super) fn spec_line(site: &Site) -> String {
    format!("{}:{}:", site.file, site.line)
}

/// How often each is among others.
pub(super) fn counted<T: Ord>(all: impl IntoIterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counts = BTreeMap::new();
    for one in all {
        *counts.entry(one).or_default() += 1;
    }
    counts
}
