//! Makes a draft small. In go a draft and the graph that came of it, out comes a draft with fewer
//! rows and pages: of each list its first page, one that goes on and the last one, a few rows on
//! each, as different from each other as can be, and whatever they refer to. What refers to
//! something that is gone goes with it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use engine_json::{Map, Value as Json};
use engine_spec::plan::{IdRule, NoWitness, Plan};
use engine_spec::scope::Scope;

use crate::anew::{announce, put_together};
use crate::draft::{Draft, Entry};
use crate::graph::Graph;
use crate::lists::{Known, List, Window, known, lists};
use crate::pages::{dealt, full_page, kept_pages, quota};
use crate::request::names;
use crate::rows::{is_closed, leaves, pick, purge};

/// Knows what can be left out.
pub(crate) struct Trimmer<'a> {
    plan: &'a Plan,
    known: Vec<Known<'a>>,
    graph: &'a Graph,
    /// The ids of the graph, by type.
    ids: BTreeMap<&'a str, BTreeSet<&'a str>>,
    /// Ids of which there is to be one of each kind.
    examples: BTreeSet<String>,
    /// Texts that one resource has and no other of its type, where look-ups find it by such.
    other_names: BTreeMap<Resource, Vec<String>>,
    /// Texts that problems and notes name: what they tell of stays.
    told: &'a [String],
}

/// A resource: type and id.
type Resource = (String, String);

/// Which rows of a list stay, by page.
type Chosen = BTreeMap<usize, Vec<BTreeSet<usize>>>;

/// The rows of a list, by page.
type Paged<'d> = Vec<Vec<Cow<'d, Json>>>;

impl<'a> Trimmer<'a> {
    /// A trimmer of what came of a draft.
    pub fn new(plan: &'a Plan, graph: &'a Graph, told: &'a [String]) -> Self {
        let mut ids: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (kind, id, _) in graph.resources() {
            ids.entry(kind).or_default().insert(id);
        }
        let examples = graph.examples().into_iter().map(|(_, id)| id).collect();
        Self { plan, known: known(plan), graph, other_names: other_names(plan, graph, &ids), ids, examples, told }
    }

    /// The names of the lists that can be made smaller.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.known.iter().filter(|known| known.can_be_cut()).map(|known| known.name.clone()).collect();
        names.dedup();
        names
    }

    /// The draft with fewer rows and pages in the lists of these names.
    pub fn trimmed(&self, draft: &Draft, names: &BTreeSet<String>) -> Draft {
        let lists = lists(&self.known, draft);
        let mut small = draft.clone();
        let chosen = self.choose(draft, &lists, names);
        for (number, pages) in &chosen {
            let Some((known, list)) = self.list(&lists, *number) else { continue };
            for (page, rows) in list.pages.iter().zip(pages) {
                leave_rows(known, list, &mut small, *page, rows);
            }
        }
        let gone = self.gone(draft, &lists, &chosen);
        if !gone.is_empty() {
            self.purge(&lists, &mut small, &gone);
        }
        for (number, list) in lists.iter().enumerate() {
            let Some((known, _)) = self.list(&lists, number) else { continue };
            if is_cut(known, list, names) {
                self.cut(known, list, draft, &mut small);
            }
            if let Window::After(first) = list.window
                && let Some((_, first)) = self.list(&lists, first)
            {
                announce_all(known, first, list, &mut small);
            }
        }
        small.entries.retain(|entry| !entry.answers.is_empty());
        small
    }

    fn list<'b>(&'b self, lists: &'b [List], number: usize) -> Option<(&'b Known<'a>, &'b List)> {
        let list = lists.get(number)?;
        Some((self.known.get(list.known)?, list))
    }

    /// Takes what refers to something that is gone out of all answers.
    fn purge(&self, lists: &[List], small: &mut Draft, gone: &BTreeSet<String>) {
        let all = (0..lists.len()).filter_map(|number| self.list(lists, number));
        let owners: BTreeMap<usize, (&Known<'a>, &List)> =
            all.flat_map(|(known, list)| list.pages.iter().map(move |page| (*page, (known, list)))).collect();
        for (at, entry) in small.entries.iter_mut().enumerate() {
            for json in entry.answers.iter_mut().filter_map(|answer| answer.json.as_mut()) {
                match owners.get(&at).and_then(|(known, list)| known.purged(&list.columns, json, gone)) {
                    Some(purged) => *json = purged,
                    None => purge(json, gone),
                }
            }
        }
    }

    /// The rows that stay of lists whose rows are resources.
    fn choose(&self, draft: &Draft, lists: &[List], names: &BTreeSet<String>) -> Chosen {
        let mut chosen = Chosen::new();
        let mut places: BTreeMap<Resource, Vec<(usize, usize, usize)>> = BTreeMap::new();
        let required = self.required(draft, lists);
        let homes = (0..lists.len()).filter_map(|number| Some((number, self.list(lists, number)?)));
        let homes: BTreeMap<usize, Paged<'_>> = homes
            .filter(|(_, (known, _))| known.home.is_some())
            .map(|(number, (known, list))| (number, rows_of(known, list, draft)))
            .collect();
        for (number, rows) in &homes {
            let Some((known, list)) = self.list(lists, *number) else { continue };
            let all: Vec<(usize, usize, &Json)> = rows
                .iter()
                .enumerate()
                .flat_map(|(page, rows)| rows.iter().enumerate().map(move |(at, row)| (page, at, row.as_ref())))
                .collect();
            for (page, at, row) in &all {
                if let Some(resource) = self.resource(known, row) {
                    places.entry(resource).or_default().push((*number, *page, *at));
                }
            }
            let mut stay: Vec<BTreeSet<usize>> = rows.iter().map(|_| BTreeSet::new()).collect();
            let is_cut = is_cut(known, list, names);
            let again = coming_again(known, list, rows);
            let needed = |row: &Json| {
                again.as_ref() == Some(row)
                    || self.is_told(row)
                    || self.resource(known, row).is_some_and(|it| required.contains(&it))
            };
            let counts: Vec<usize> = rows.iter().map(Vec::len).collect();
            let full = full_page(known, list, draft);
            let plain: Vec<&Json> = all.iter().map(|(_, _, row)| *row).collect();
            let wanted = if is_cut {
                pick(&plain, quota(known, list, &counts, full), &needed)
            } else {
                (0..all.len()).collect()
            };
            for number in wanted {
                if let Some((page, at, _)) = all.get(number)
                    && let Some(stay) = stay.get_mut(*page)
                {
                    stay.insert(*at);
                }
            }
            chosen.insert(*number, stay);
        }
        self.close(&homes, &places, &mut chosen);
        chosen
    }

    /// Adds what the rows that stay refer to, outside of lists.
    fn close(
        &self,
        homes: &BTreeMap<usize, Paged<'_>>,
        places: &BTreeMap<Resource, Vec<(usize, usize, usize)>>,
        chosen: &mut Chosen,
    ) {
        let mut by_name: BTreeMap<String, Vec<(usize, usize, usize)>> = BTreeMap::new();
        for (resource, found) in places {
            for name in self.names_of(resource) {
                by_name.entry(name).or_default().extend(found);
            }
        }
        let mut open: Vec<(usize, usize, usize)> = chosen
            .iter()
            .flat_map(|(number, pages)| {
                pages.iter().enumerate().flat_map(move |(page, rows)| rows.iter().map(move |at| (*number, page, *at)))
            })
            .collect();
        while let Some((number, page, at)) = open.pop() {
            let row = homes.get(&number).and_then(|pages| pages.get(page)).and_then(|rows| rows.get(at));
            let Some(row) = row else { continue };
            for (_, leaf) in leaves(row, false) {
                for place in by_name.get(&leaf.to_lowercase()).into_iter().flatten() {
                    let rows = chosen.get_mut(&place.0).and_then(|pages| pages.get_mut(place.1));
                    if rows.is_some_and(|rows| rows.insert(place.2)) {
                        open.push(*place);
                    }
                }
            }
        }
    }

    /// Resources whose own requests show something that no other's do: a list over several pages, an
    /// empty one, a refusal. And those that problems and notes name.
    fn required(&self, draft: &Draft, lists: &[List]) -> BTreeSet<Resource> {
        let mut named: BTreeSet<String> = BTreeSet::new();
        let mut seen: BTreeSet<(usize, usize, bool, bool)> = BTreeSet::new();
        for list in lists {
            let Some(known) = self.known.get(list.known) else { continue };
            let rows = rows_of(known, list, draft);
            let has_rows = rows.iter().any(|rows| !rows.is_empty());
            let ends_empty = rows.len() > 1 && rows.last().is_some_and(|rows| rows.is_empty());
            if !seen.insert((list.known, list.pages.len().min(3), has_rows, ends_empty)) {
                continue;
            }
            let first = list.pages.first().and_then(|at| draft.entries.get(*at));
            named.extend(first.into_iter().flat_map(Entry::named));
            if known.home.is_none() {
                // Without what a row of each page names, the page would have none.
                let counts: Vec<usize> = rows.iter().map(Vec::len).collect();
                let kept = kept_pages(known, list, &counts).into_iter().filter_map(|(page, _)| rows.get(page)?.first());
                named.extend(kept.flat_map(|row| leaves(row, true)).map(|(_, leaf)| leaf));
            }
        }
        let mut refused: BTreeSet<(String, u16)> = BTreeSet::new();
        for entry in &draft.entries {
            let sites = entry.sites.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            for status in entry.answers.iter().filter_map(|answer| answer.status) {
                if refused.insert((sites.clone(), status)) {
                    named.extend(entry.named());
                }
            }
        }
        let resources = self.graph.resources().map(|(kind, id, _)| (kind.to_owned(), id.to_owned()));
        resources
            .filter(|(kind, id)| {
                // A name may stand in a statement, and a short one anywhere.
                let is_named = || named.contains(id) || id.len() >= 3 && named.iter().any(|text| names(text, id));
                is_named() || self.told.iter().any(|told| tells_of(told, kind, id))
            })
            .chain(self.graph.examples())
            .collect()
    }

    /// Whether a problem or a note names something in a row that is no resource.
    fn is_told(&self, row: &Json) -> bool {
        leaves(row, true).iter().any(|(_, leaf)| {
            leaf.len() >= 3
                && !self.ids.values().any(|ids| ids.contains(leaf.as_str()))
                && self.told.iter().any(|told| told == leaf || told.split(':').any(|part| part == leaf))
        })
    }

    /// The resource that a row makes.
    fn resource(&self, known: &Known<'_>, row: &Json) -> Option<Resource> {
        let kind = self.plan.types.get(known.home?)?;
        let ids = self.ids.get(kind.id.as_str())?;
        if let IdRule::One(value) = &kind.mapping.id {
            let names = Map::new();
            let scope = Scope::root(&names);
            if let Ok(Some(id)) = value.text(&scope.with_node("row", row), &NoWitness)
                && ids.contains(id.as_ref())
            {
                return Some((kind.id.clone(), id.into_owned()));
            }
        }
        // An id that is made of more than the row: the one that ends in something of the row.
        let leaves = leaves(row, false);
        let is_in = |leaf: &str| {
            ids.contains(leaf) || ids.iter().any(|id| id.contains('/') && id.split('/').any(|part| part == leaf))
        };
        let (_, leaf) = leaves.iter().find(|(_, leaf)| is_in(leaf))?;
        let id = ids.get(leaf.as_str()).or_else(|| ids.iter().find(|id| id.split('/').any(|part| part == leaf)))?;
        Some((kind.id.clone(), (*id).to_owned()))
    }

    /// The names of the resources that go.
    fn gone(&self, draft: &Draft, lists: &[List], chosen: &Chosen) -> BTreeSet<String> {
        let (mut stay, mut go): (BTreeSet<Resource>, BTreeSet<Resource>) = Default::default();
        for (number, pages) in chosen {
            let Some((known, list)) = self.list(lists, *number) else { continue };
            for (rows, kept) in rows_of(known, list, draft).into_iter().zip(pages) {
                for (at, row) in rows.iter().enumerate() {
                    let Some(resource) = self.resource(known, row.as_ref()) else { continue };
                    if kept.contains(&at) {
                        stay.insert(resource)
                    } else {
                        go.insert(resource)
                    };
                }
            }
        }
        let names = |resources: &BTreeSet<Resource>| -> BTreeSet<String> {
            resources.iter().flat_map(|resource| self.names_of(resource)).collect()
        };
        let go: BTreeSet<Resource> = go.difference(&stay).cloned().collect();
        names(&go).difference(&names(&stay)).cloned().collect()
    }

    /// The names by which others refer to a resource, in lower case: its id, and where look-ups know
    /// it by something else, every text that no other resource of its type has.
    fn names_of(&self, (kind, id): &Resource) -> Vec<String> {
        let more = self.other_names.get(&(kind.clone(), id.clone())).into_iter().flatten().cloned();
        std::iter::once(id.to_lowercase()).chain(more).collect()
    }

    /// Puts a list together of the rows that are left.
    fn cut(&self, known: &Known<'a>, list: &List, draft: &Draft, small: &mut Draft) {
        let rows = rows_of(known, list, draft);
        let counts: Vec<usize> = rows.iter().map(Vec::len).collect();
        let again = coming_again(known, list, &rows);
        let full = full_page(known, list, draft);
        let left: Vec<Json> = rows_of(known, list, small).into_iter().flatten().map(Cow::into_owned).collect();
        let left = if known.cap().is_some() { once_each(left, again.as_ref()) } else { left };
        let left = match known.home {
            Some(_) => left,
            None => {
                let plain: Vec<&Json> = left.iter().collect();
                let needed = |row: &Json| {
                    again.as_ref() == Some(row)
                        || self.is_told(row)
                        || leaves(row, true).iter().any(|(_, leaf)| self.examples.contains(leaf))
                };
                let wanted = pick(&plain, quota(known, list, &counts, full), &needed);
                wanted.into_iter().filter_map(|at| left.get(at).cloned()).collect()
            }
        };
        let kept = dealt(known, full, kept_pages(known, list, &counts), left);
        put_together(known, list, draft, small, &kept);
    }
}

/// Texts that one resource has and no other of its type, of types that look-ups find.
fn other_names(plan: &Plan, graph: &Graph, ids: &BTreeMap<&str, BTreeSet<&str>>) -> BTreeMap<Resource, Vec<String>> {
    let mut owners: BTreeMap<(&str, String), BTreeSet<&str>> = BTreeMap::new();
    for (kind, id, record) in graph.resources() {
        let is_found = plan.type_named(kind).is_some_and(|(_, kind)| !kind.look_ups.is_empty());
        let own = leaves(record, true)
            .into_iter()
            .filter(|(key, leaf)| is_found && !is_closed(key) && !ids.values().any(|ids| ids.contains(leaf.as_str())));
        for (_, leaf) in own {
            owners.entry((kind, leaf.to_lowercase())).or_default().insert(id);
        }
    }
    let mut names: BTreeMap<Resource, Vec<String>> = BTreeMap::new();
    for ((kind, name), owners) in owners {
        if let (1, Some(id)) = (owners.len(), owners.first()) {
            names.entry((kind.to_owned(), (*id).to_owned())).or_default().push(name);
        }
    }
    names
}

/// The rows of each page.
fn rows_of<'d>(known: &Known<'_>, list: &List, draft: &'d Draft) -> Paged<'d> {
    let pages = list.pages.iter().map(|at| {
        let answer = draft.entries.get(*at).and_then(|entry| entry.page());
        answer.and_then(|answer| known.rows(&list.columns, answer)).unwrap_or_default()
    });
    pages.collect()
}

fn leave_rows(known: &Known<'_>, list: &List, draft: &mut Draft, page: usize, stay: &BTreeSet<usize>) {
    let Some(entry) = draft.entries.get_mut(page) else { return };
    let Some(answer) = entry.page() else { return };
    let Some(rows) = known.rows(&list.columns, answer) else { return };
    let rows = rows.into_iter().enumerate().filter(|(at, _)| stay.contains(at)).map(|(_, row)| row.into_owned());
    if let Some(answer) = known.with_rows(&list.columns, answer, rows.collect()) {
        entry.set_page(answer);
    }
}

/// Whether a list is to be cut.
fn is_cut(known: &Known<'_>, list: &List, names: &BTreeSet<String>) -> bool {
    known.can_be_cut() && list.window != Window::Full && names.contains(&known.name)
}

/// A row that shows that rows come again where a window begins: they are told of.
fn coming_again(known: &Known<'_>, list: &List, rows: &Paged<'_>) -> Option<Json> {
    known.cap()?;
    let mut all = rows.iter().flatten().map(AsRef::as_ref);
    let mut seen = HashSet::new();
    let found = match list.window {
        Window::After(_) => all.next(),
        _ => all.find(|row| !seen.insert(*row)),
    };
    found.cloned()
}

/// The rows without those that have come before, but for this one.
fn once_each(rows: Vec<Json>, again: Option<&Json>) -> Vec<Json> {
    let mut seen = HashSet::new();
    rows.into_iter().filter(|row| seen.insert(row.clone()) || again == Some(row)).collect()
}

/// Lets a first window announce what is left in it and in the windows behind it.
fn announce_all(known: &Known<'_>, first: &List, after: &List, small: &mut Draft) {
    let rows = [first, after].into_iter().flat_map(|list| rows_of(known, list, small)).flatten();
    let total = rows.collect::<HashSet<_>>().len();
    let Some(rules) = known.rules else { return };
    for at in &first.pages {
        let Some(entry) = small.entries.get_mut(*at) else { continue };
        let Some(mut answer) = entry.page().cloned() else { continue };
        if announce(rules, rules.total.as_ref(), total, &mut answer) {
            entry.set_page(answer);
        }
    }
}

/// Whether a sample of a report, `type:id` or `type:id:slug`, names a resource.
fn tells_of(told: &str, kind: &str, id: &str) -> bool {
    let rest = told.strip_prefix(kind).and_then(|rest| rest.strip_prefix(':')).and_then(|rest| rest.strip_prefix(id));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}
