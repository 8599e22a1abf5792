//! Which answer leads to which: the pages of a list whose requests do not say that they belong
//! together.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use engine_case::case::{SERVER, Scalar};
use engine_json::Value as Json;
use engine_run::http::link;
use engine_spec::plan::{Next, PageKind, PageRules};
use engine_spec::template::scalar_text;

use crate::body::yielded;
use crate::draft::{Draft, Entry};
use crate::lists::Known;
use crate::request::{names, texts};

/// What stands for the server where a URL is taken apart.
const BASE: &str = "http://server.invalid";

/// Where one answer leads to the next, they belong to one list.
pub(crate) fn chains(rules: &PageRules, draft: &Draft, own: Vec<usize>) -> Vec<Vec<usize>> {
    // A link leads to a request of its path with its parameters; those are looked up, as pages may be
    // many.
    let mut asked: HashMap<(String, Query), Vec<usize>> = HashMap::new();
    for at in &own {
        if let Some(entry) = draft.entries.get(*at) {
            asked.entry(asked_with(entry)).or_default().push(*at);
        }
    }
    let follower: BTreeMap<usize, usize> = own
        .iter()
        .filter_map(|at| {
            let entry = draft.entries.get(*at)?;
            let link = next_of(rules, entry)?;
            // A link without a path is one to the path of the page itself.
            let found = asked.get(&led_to(&link, entry)?)?;
            Some((*at, *found.iter().find(|other| *other != at)?))
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

/// First pages, each with the later ones that name something of its answer.
pub(crate) fn continued(rules: &PageRules, draft: &Draft, own: Vec<usize>, later: Vec<usize>) -> Vec<Vec<usize>> {
    let mut lists: Vec<(Vec<usize>, Vec<String>)> = Vec::new();
    for at in own {
        let page = draft.entries.get(at).and_then(Entry::page);
        let firsts = page.map(|page| rules.firsts(page)).unwrap_or_default();
        let told = firsts.values().filter_map(|value| scalar_text(Some(value)).ok());
        // What is shorter may stand in any request.
        lists.push((vec![at], told.filter(|text| text.len() >= 4).map(|text| text.into_owned()).collect()));
    }
    let is_only = lists.len() == 1;
    for at in later {
        let asked = draft.entries.get(at).map(|entry| texts(&entry.request)).unwrap_or_default();
        let is_named = |told: &String| asked.values().any(|text| names(text, told));
        if let Some((pages, _)) = lists.iter_mut().find(|(_, told)| is_only || told.iter().any(is_named)) {
            pages.push(at);
        }
    }
    lists.into_iter().map(|(pages, _)| pages).collect()
}

/// What tells what the request after some entries names, with the names of the values in rows.
type EndsWith<'a> = dyn Fn(&[String], &[usize]) -> Option<String> + 'a;

/// Where a request names what the entries before ended with, they belong together.
pub(crate) fn named(
    known: &Known<'_>,
    draft: &Draft,
    all: Vec<Vec<usize>>,
    ends: &EndsWith<'_>,
) -> Vec<Vec<Vec<usize>>> {
    let first_of = |entries: &[usize]| entries.first().and_then(|at| draft.entries.get(*at));
    let asked = all.iter().map(|entries| first_of(entries).map(|entry| texts(&entry.request)).unwrap_or_default());
    let mut open = Open::of(asked.collect());
    let mut lists = Vec::new();
    for (number, first) in all.iter().enumerate() {
        if !open.take(number) {
            continue;
        }
        let columns = first_of(first).and_then(Entry::page).map(|page| known.columns(page)).unwrap_or_default();
        let (mut last, mut list) = (number, vec![first.clone()]);
        while let Some(name) = list.last().and_then(|entries| ends(&columns, entries))
            && let Some(next) = open.naming(&name, last)
            && let Some(entries) = all.get(next)
        {
            open.take(next);
            list.push(entries.clone());
            last = next;
        }
        lists.push(list);
    }
    lists
}

/// Requests by number, and of which of them it is not known yet what they come after.
struct Open {
    /// The texts of each.
    asked: Vec<BTreeMap<String, String>>,
    /// In which of them a word stands.
    words: HashMap<String, BTreeSet<usize>>,
    left: BTreeSet<usize>,
}

impl Open {
    fn of(asked: Vec<BTreeMap<String, String>>) -> Self {
        let mut words: HashMap<String, BTreeSet<usize>> = HashMap::new();
        for (number, texts) in asked.iter().enumerate() {
            for word in texts.values().flat_map(|text| words_of(text)) {
                words.entry(word.to_owned()).or_default().insert(number);
            }
        }
        Self { left: (0..asked.len()).collect(), asked, words }
    }

    /// Takes one that is left.
    fn take(&mut self, number: usize) -> bool {
        self.left.remove(&number)
    }

    /// Which of those left names something where another one does not, and is most like that one
    /// otherwise.
    fn naming(&self, name: &str, other: usize) -> Option<usize> {
        let other = self.asked.get(other)?;
        // Every word of the name stands there: that in the fewest tells soonest.
        let rarest = words_of(name).map(|word| self.words.get(word)).min_by_key(|found| found.map_or(0, BTreeSet::len));
        let found = rarest??.intersection(&self.left).filter_map(|number| {
            let texts = self.asked.get(*number)?;
            let places: BTreeSet<&String> = texts.keys().chain(other.keys()).collect();
            let differing = || places.iter().filter(|place| texts.get(**place) != other.get(**place));
            let is_named = differing().any(|place| texts.get(*place).is_some_and(|text| names(text, name)));
            is_named.then(|| (differing().count(), *number))
        });
        found.min().map(|(_, number)| number)
    }
}

fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// What the request after a page names: its token, or the key of its last row.
pub(crate) fn page_end(known: &Known<'_>, rules: &PageRules, columns: &[String], entry: &Entry) -> Option<String> {
    match &rules.kind {
        PageKind::Keyset { .. } => {
            let key = known.key(known.rows(columns, entry.page()?)?.last()?)?;
            scalar_text(Some(&key)).ok().map(|text| text.into_owned())
        }
        PageKind::Cursor { part: Some(part), .. } => {
            let url = next_of(rules, entry)?.replace(SERVER, BASE);
            let url = url::Url::parse(BASE).ok()?.join(&url).ok()?;
            url.query_pairs().find(|(name, _)| name == part.as_str()).map(|(_, value)| value.into_owned())
        }
        _ => next_of(rules, entry),
    }
}

/// What the request after a window names, if the window is full: the value of its last row.
pub(crate) fn window_end(known: &Known<'_>, draft: &Draft, columns: &[String], pages: &[usize]) -> Option<String> {
    let (cap, value) = known.rules?.window.as_ref()?;
    let answers = pages.iter().filter_map(|at| draft.entries.get(*at)?.page());
    let rows: Vec<_> = answers.filter_map(|answer| known.rows(columns, answer)).flatten().collect();
    let is_full = u32::try_from(rows.len()).is_ok_and(|count| count >= *cap);
    let last = yielded(value, rows.last().filter(|_| is_full)?)?;
    scalar_text(Some(&last)).ok().map(|text| text.into_owned())
}

/// Parameters by name.
type Query = BTreeMap<String, Vec<String>>;

/// The path and parameters that an entry was asked with.
fn asked_with(entry: &Entry) -> (String, Query) {
    let (_, path) = entry.request.line();
    (path.to_owned(), entry.request.query.iter().map(|(name, texts)| (name.clone(), texts.list())).collect())
}

/// The path and parameters that a link in the answer of an entry leads to.
fn led_to(link: &str, entry: &Entry) -> Option<(String, Query)> {
    let (_, path) = entry.request.line();
    let url = url::Url::parse(&format!("{BASE}{path}")).ok()?.join(&link.replace(SERVER, BASE)).ok()?;
    let mut query = Query::new();
    for (name, value) in url.query_pairs() {
        query.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    Some((url.path().to_owned(), query))
}

/// What leads to the next page, as text.
fn next_of(rules: &PageRules, entry: &Entry) -> Option<String> {
    let next = match &rules.kind {
        PageKind::Cursor { next, .. } | PageKind::NextUrl { next } => next,
        _ => return None,
    };
    let answer = entry.answers.last()?;
    match next {
        Next::Path(path, _) => match path.one(answer.json.as_ref()?)? {
            Json::String(text) => Some(text.to_string()),
            Json::Number(number) => Some(number.to_string()),
            _ => None,
        },
        Next::Header(name) => answer.headers.get(name).map(Scalar::text),
        Next::Link { relation, attributes } => {
            let links = link::parse(&answer.headers.get("link")?.text());
            Some(link::find(&links, relation, attributes)?.target.clone())
        }
    }
}
