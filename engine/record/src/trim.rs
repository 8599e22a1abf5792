//! Makes a draft small. In go a draft and the graph that came of it, out comes a draft with fewer
//! rows and pages: of each list its first page, one that goes on and the last one, a few rows on
//! each, as different from each other as can be, and whatever they refer to. What refers to
//! something that is gone goes with it.

use std::collections::{BTreeMap, BTreeSet};

use engine_spec::plan::{IdRule, NoWitness, Plan};
use engine_spec::scope::Scope;
use serde_json::{Map, Value as Json};

use crate::draft::Draft;
use crate::graph::Graph;
use crate::lists::{Known, List, is_numbered, known, lists, put_together};
use crate::rows::{is_closed, leaves, pick, purge};

/// Rows on a page.
const ROWS: usize = 3;
/// Full pages that are larger are not kept for the sake of the page that follows.
const LARGEST_FULL_PAGE: usize = 100;

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
                leave_rows(known, &mut small, *page, rows);
            }
        }
        let gone = self.gone(draft, &lists, &chosen);
        if !gone.is_empty() {
            for entry in &mut small.entries {
                for answer in &mut entry.answers {
                    answer.json.iter_mut().for_each(|json| purge(json, &gone));
                }
            }
        }
        for (number, list) in lists.iter().enumerate() {
            let Some((known, _)) = self.list(&lists, number) else { continue };
            if known.can_be_cut() && names.contains(&known.name) {
                self.cut(known, list, draft, &mut small);
            }
        }
        small.entries.retain(|entry| !entry.answers.is_empty());
        small
    }

    fn list<'b>(&'b self, lists: &'b [List], number: usize) -> Option<(&'b Known<'a>, &'b List)> {
        let list = lists.get(number)?;
        Some((self.known.get(list.known)?, list))
    }

    /// The rows that stay of lists whose rows are resources.
    fn choose(&self, draft: &Draft, lists: &[List], names: &BTreeSet<String>) -> Chosen {
        let mut chosen = Chosen::new();
        let mut places: BTreeMap<Resource, Vec<(usize, usize, usize)>> = BTreeMap::new();
        let required = self.required(draft, lists);
        for number in 0..lists.len() {
            let Some((known, list)) = self.list(lists, number) else { continue };
            if known.home.is_none() {
                continue;
            }
            let rows = rows_of(known, list, draft);
            let all: Vec<(usize, usize, &Json)> = rows
                .iter()
                .enumerate()
                .flat_map(|(page, rows)| rows.iter().enumerate().map(move |(at, row)| (page, at, *row)))
                .collect();
            for (page, at, row) in &all {
                if let Some(resource) = self.resource(known, row) {
                    places.entry(resource).or_default().push((number, *page, *at));
                }
            }
            let mut stay: Vec<BTreeSet<usize>> = rows.iter().map(|_| BTreeSet::new()).collect();
            let is_cut = known.can_be_cut() && names.contains(&known.name);
            let needed =
                |row: &Json| self.is_told(row) || self.resource(known, row).is_some_and(|it| required.contains(&it));
            let plain: Vec<&Json> = all.iter().map(|(_, _, row)| *row).collect();
            let wanted =
                if is_cut { pick(&plain, quota(known, list, draft), &needed) } else { (0..all.len()).collect() };
            for number in wanted {
                if let Some((page, at, _)) = all.get(number)
                    && let Some(stay) = stay.get_mut(*page)
                {
                    stay.insert(*at);
                }
            }
            chosen.insert(number, stay);
        }
        self.close(draft, lists, &places, &mut chosen);
        chosen
    }

    /// Adds what the rows that stay refer to, outside of lists.
    fn close(
        &self,
        draft: &Draft,
        lists: &[List],
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
            let Some((known, list)) = self.list(lists, number) else { continue };
            let row = list.pages.get(page).and_then(|page| draft.entries.get(*page)).and_then(|entry| entry.page());
            let Some(row) = row.and_then(|answer| known.rows(answer)).and_then(|rows| rows.get(at)) else { continue };
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
            if seen.insert((list.known, list.pages.len().min(3), has_rows, ends_empty)) {
                named.extend(
                    list.pages
                        .first()
                        .and_then(|at| draft.entries.get(*at))
                        .into_iter()
                        .flat_map(|entry| entry.named()),
                );
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
            .filter(|(kind, id)| named.contains(id) || self.told.iter().any(|told| tells_of(told, kind, id)))
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
                    let Some(resource) = self.resource(known, row) else { continue };
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
        let pages = kept_pages(known, list, draft);
        let left: Vec<Json> = rows_of(known, list, small).into_iter().flatten().cloned().collect();
        let left = match known.home {
            Some(_) => left,
            None => {
                let plain: Vec<&Json> = left.iter().collect();
                let needed = |row: &Json| {
                    self.is_told(row) || leaves(row, true).iter().any(|(_, leaf)| self.examples.contains(leaf))
                };
                let wanted = pick(&plain, quota(known, list, draft), &needed);
                wanted.into_iter().filter_map(|at| left.get(at).cloned()).collect()
            }
        };
        let filled: Vec<bool> = pages.iter().map(|page| original_rows(known, list, draft, *page) > 0).collect();
        let kept = dealt(known, &pages, &filled, left);
        put_together(known, list, small, &kept);
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

/// Deals rows to pages; pages that had none get none.
fn dealt(known: &Known<'_>, pages: &[usize], filled: &[bool], rows: Vec<Json>) -> Vec<(usize, Vec<Json>)> {
    let numbered = known.rules.is_some_and(is_numbered);
    let mut wanted = filled.iter().filter(|filled| **filled).count().clamp(1, rows.len().max(1));
    // Numbered pages are asked for ahead by what came on the first: all are as long, but the last.
    let mut each = rows.len().div_ceil(wanted);
    while numbered && wanted > 1 && (wanted - 1) * each >= rows.len() {
        wanted -= 1;
        each = rows.len().div_ceil(wanted);
    }
    if let Some(full) = known.full_page() {
        each = if rows.len() > full { full } else { rows.len() };
        wanted = if rows.len() > full { 2 } else { 1 };
    }
    // Of pages that are not needed, those in the middle go first.
    let needless = filled.iter().filter(|filled| **filled).count().saturating_sub(wanted);
    let mut pages: Vec<(usize, bool)> = pages.iter().copied().zip(filled.iter().copied()).collect();
    for _ in 0..needless {
        let at = pages
            .len()
            .checked_sub(2)
            .and_then(|last| (0..=last).rev().find(|at| pages.get(*at).is_some_and(|page| page.1)));
        match at {
            Some(at) => drop(pages.remove(at)),
            None => break,
        }
    }
    let last_filled = pages.iter().rposition(|(_, filled)| *filled);
    let mut rows = rows.into_iter();
    let dealt = pages.into_iter().enumerate().map(|(position, (page, filled))| {
        let count = if Some(position) == last_filled {
            usize::MAX
        } else if filled {
            each
        } else {
            0
        };
        (page, rows.by_ref().take(count).collect())
    });
    dealt.collect()
}

/// The rows of each page.
fn rows_of<'d>(known: &Known<'_>, list: &List, draft: &'d Draft) -> Vec<Vec<&'d Json>> {
    let pages = list.pages.iter().map(|at| {
        let answer = draft.entries.get(*at).and_then(|entry| entry.page());
        answer.and_then(|answer| known.rows(answer)).map(|rows| rows.iter().collect()).unwrap_or_default()
    });
    pages.collect()
}

fn original_rows(known: &Known<'_>, list: &List, draft: &Draft, page: usize) -> usize {
    rows_of(known, list, draft).get(page).map_or(0, Vec::len)
}

fn leave_rows(known: &Known<'_>, draft: &mut Draft, page: usize, stay: &BTreeSet<usize>) {
    let Some(entry) = draft.entries.get_mut(page) else { return };
    let Some(answer) = entry.page() else { return };
    let Some(rows) = known.rows(answer) else { return };
    let rows = rows.iter().enumerate().filter(|(at, _)| stay.contains(at)).map(|(_, row)| row.clone()).collect();
    if let Some(answer) = known.with_rows(answer, rows) {
        entry.set_page(answer);
    }
}

/// The pages that stay: the first, one that goes on, an empty one if there is one, and the last.
fn kept_pages(known: &Known<'_>, list: &List, draft: &Draft) -> Vec<usize> {
    let count = list.pages.len();
    if count <= 3 {
        return (0..count).collect();
    }
    let empty = (1..count - 1).find(|page| original_rows(known, list, draft, *page) == 0);
    vec![0, empty.unwrap_or(1), count - 1]
}

/// How many rows of a list stay.
fn quota(known: &Known<'_>, list: &List, draft: &Draft) -> usize {
    let pages = kept_pages(known, list, draft);
    let filled = pages.iter().filter(|page| original_rows(known, list, draft, **page) > 0).count().max(1);
    match known.full_page() {
        Some(full) if full <= LARGEST_FULL_PAGE && list.pages.len() > 1 => full + ROWS,
        Some(_) => ROWS,
        None => ROWS * filled,
    }
}

/// Whether a sample of a report, `type:id` or `type:id:slug`, names a resource.
fn tells_of(told: &str, kind: &str, id: &str) -> bool {
    let rest = told.strip_prefix(kind).and_then(|rest| rest.strip_prefix(':')).and_then(|rest| rest.strip_prefix(id));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}
