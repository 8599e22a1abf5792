//! Which answer leads to which: the pages of a list whose requests do not say that they belong
//! together.

use std::collections::BTreeMap;

use engine_case::case::{SERVER, Scalar};
use engine_run::http::link;
use engine_spec::plan::{Next, PageKind, PageRules};

use crate::draft::{Draft, Entry};

/// Where one answer leads to the next, they belong to one list.
pub(crate) fn chains(rules: &PageRules, draft: &Draft, own: Vec<usize>) -> Vec<Vec<usize>> {
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
        Next::Link { relation, attributes } => {
            let links = link::parse(&answer.headers.get("link")?.text());
            Some(link::find(&links, relation, attributes)?.target.clone())
        }
    }
}
