//! Looks for originals in what was made: the last look before anything is written.
//!
//! In go the case, its graph, and what the run held: secrets, addresses, hosts, ids, names of people.
//! Each of them is searched for in every text of the case. What the spec itself names is no secret.

use std::collections::{BTreeMap, BTreeSet};

use engine_case::Case;
use engine_case::case::{Scalar, Texts};
use engine_json::Value as Json;
use engine_spec::plan::Plan;

use crate::RecordError;
use crate::disguise::Disguise;
use crate::graph::Graph;
use crate::taken::Taken;
use crate::vocabulary::tokens;

/// Shorter texts tell nothing, and would be found everywhere.
const SHORTEST: usize = 4;

/// The names by which a resource with the trait of a user is known as a person.
pub(crate) fn names_of_people(record: &Json) -> Vec<String> {
    let is_user =
        record.get("traits").and_then(Json::as_array).is_some_and(|traits| traits.iter().any(|one| one == "user"));
    if !is_user {
        return Vec::new();
    }
    let texts =
        ["display_name", "given_name", "family_name", "login"].iter().filter_map(|key| record.get(*key)?.as_str());
    let emails = record.get("emails").and_then(Json::as_array).into_iter().flatten();
    let emails = emails.filter_map(|email| email.get("address")?.as_str());
    let given = record.get("given_name").and_then(Json::as_str);
    let family = record.get("family_name").and_then(Json::as_str);
    // A name in two fields tells which is which.
    let whole = given.zip(family).map(|(given, family)| format!("{given} {family}"));
    let plain = texts.chain(emails).map(|text| text.split('@').next().unwrap_or_default().to_owned());
    whole.into_iter().chain(plain).collect()
}

/// The names of people that came out as they were.
pub(crate) fn kept(run: &Graph, disguise: &Disguise) -> Vec<String> {
    let names = run.resources().flat_map(|(_, _, record)| names_of_people(record));
    let kept = names.filter(|name| name.chars().count() >= SHORTEST && !disguise.replaced().contains_key(name));
    let kept = kept.filter(|name| tokens(name).all(|token| disguise.keeps(token)));
    kept.collect::<BTreeSet<String>>().into_iter().collect()
}

/// How many texts were replaced, by what they are.
pub(crate) fn counts(disguise: &Disguise) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for original in disguise.replaced().keys() {
        let kind = if original.contains("://") {
            "links"
        } else if original.contains('@') {
            "addresses"
        } else if original.contains(' ') {
            "names and texts"
        } else {
            "ids and words"
        };
        *counts.entry(kind).or_default() += 1;
    }
    counts
}

/// Fails where something of the run stands in what was made.
pub(crate) fn look(
    case: &Case,
    graph: &str,
    plan: &Plan,
    taken: &[Taken],
    run: &Graph,
    disguise: &Disguise,
) -> Result<(), RecordError> {
    let texts = texts(case, graph);
    let all: String = texts.iter().map(|(_, text)| format!("{}\n", text.to_lowercase())).collect();
    for (kind, original) in originals(plan, taken, run, disguise) {
        let needle = original.to_lowercase();
        if !holds(&all, &needle) {
            continue;
        }
        let place = texts.iter().find(|(_, text)| holds(&text.to_lowercase(), &needle));
        let place = place.map_or("a text", |(place, _)| place.as_str()).to_owned();
        return Err(RecordError::Left { kind: kind.to_owned(), place });
    }
    Ok(())
}

/// Whether a text holds another one that does not begin or end inside a word.
fn holds(text: &str, needle: &str) -> bool {
    text.match_indices(needle).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + needle.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

/// What must not be found. What comes out of the disguise as it was consists of words that stay, and
/// what the spec itself says is no secret.
fn originals(plan: &Plan, taken: &[Taken], run: &Graph, disguise: &Disguise) -> Vec<(&'static str, String)> {
    let mut found: BTreeSet<(&'static str, String)> = BTreeSet::new();
    let (mut disguise_again, spec) = (disguise.clone(), plan.canonical.to_lowercase());
    let mut changed = |text: &str| disguise_again.text(text) != text && !holds(&spec, &text.to_lowercase());
    for (_, id, record) in run.resources() {
        if changed(id) {
            found.insert(("an id", id.to_owned()));
        }
        for name in names_of_people(record).into_iter().filter(|name| changed(name)) {
            found.insert(("the name of a person", name));
        }
    }
    for original in disguise.replaced().keys().filter(|text| text.contains('@') && !text.contains(' ')) {
        found.insert(("an address", original.clone()));
    }
    for one in taken {
        let host = one.url.host_str().unwrap_or_default();
        // The public host of a vendor stands in the spec.
        if !plan.canonical.contains(host) && host != "127.0.0.1" && host != "localhost" {
            found.insert(("a host", host.to_owned()));
        }
    }
    for secret in disguise.secrets() {
        found.insert(("a secret", secret.to_owned()));
    }
    found.into_iter().filter(|(_, text)| text.chars().count() >= SHORTEST).collect()
}

/// Every text of a case and its graph, with the place where it stands.
fn texts(case: &Case, graph: &str) -> Vec<(String, String)> {
    let mut texts: Vec<(String, String)> = Vec::new();
    let config = case.config.iter().map(|(name, value)| (format!("the config field `{name}`"), value.clone()));
    for (place, value) in config {
        leaves(&value, &place, &mut texts);
    }
    for exchange in &case.exchanges {
        let (method, path) = exchange.line();
        let place = format!("the exchange {method} {path}");
        let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned();
        texts.push((place.clone(), path));
        let parameters = exchange.query.values().chain(exchange.form.iter().flatten().map(|(_, texts)| texts));
        texts.extend(parameters.flat_map(Texts::list).map(|text| (place.clone(), text)));
        texts.extend(exchange.headers.values().map(|text| (place.clone(), text.clone())));
        exchange.json.iter().for_each(|json| leaves(json, &place, &mut texts));
        for answer in exchange.all_answers() {
            texts.extend(answer.headers.values().map(|text| (place.clone(), Scalar::text(text))));
            texts.extend(answer.text.iter().map(|text| (place.clone(), text.clone())));
            if let Some(json) = &answer.json {
                leaves(json, &place, &mut texts);
                names(json, &place, &mut texts);
            }
        }
    }
    for record in graph.lines().filter_map(|line| serde_json::from_str::<Json>(line).ok()) {
        // Types come from the spec.
        if record.get("kind").and_then(Json::as_str) == Some("resource_type") {
            continue;
        }
        leaves(&record, "the graph", &mut texts);
        if let Some(profile) = record.get("profile") {
            names(profile, "the graph", &mut texts);
        }
    }
    texts
}

/// The values in JSON.
fn leaves(json: &Json, place: &str, texts: &mut Vec<(String, String)>) {
    match json {
        Json::String(text) => texts.push((place.to_owned(), text.to_string())),
        Json::Number(number) => texts.push((place.to_owned(), number.to_string())),
        Json::Array(items) => items.iter().for_each(|item| leaves(item, place, texts)),
        Json::Object(members) => members.values().for_each(|member| leaves(member, place, texts)),
        Json::Null | Json::Bool(_) => {}
    }
}

/// The names of members in JSON.
fn names(json: &Json, place: &str, texts: &mut Vec<(String, String)>) {
    match json {
        Json::Array(items) => items.iter().for_each(|item| names(item, place, texts)),
        Json::Object(members) => members.iter().for_each(|(name, member)| {
            texts.push((place.to_owned(), name.clone()));
            names(member, place, texts);
        }),
        Json::Null | Json::Bool(_) | Json::String(_) | Json::Number(_) => {}
    }
}
