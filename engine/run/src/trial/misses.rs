//! Paths that found nothing, and what is there instead.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use engine_json::Value as Json;
use engine_spec::plan::Missed;
use engine_spec::suggest::nearest_path;
use serde::Serialize;

/// So many names are told of what is there.
const MOST_NAMES: usize = 12;

/// A path of the spec that found nothing in any row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unfound {
    /// The path.
    pub path: String,
    /// Where it stands.
    pub spec: String,
    /// In how many rows or answers it was looked for.
    pub asked: u64,
    /// The nearest path that is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
    /// The names at the top of what was looked into.
    pub there: Vec<String>,
}

/// The misses of a trial.
#[derive(Debug, Default)]
pub(crate) struct Misses(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    found: BTreeSet<usize>,
    missed: BTreeMap<(String, String), (Option<usize>, Unfound)>,
}

impl Misses {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A tracked path found something.
    pub fn found(&self, number: usize) {
        self.seen().found.insert(number);
    }

    /// A path found nothing.
    pub fn missed(&self, missed: &Missed<'_>) {
        let (spec, path) = (missed.site.to_string(), missed.path.text().to_owned());
        let mut seen = self.seen();
        let entry = seen.missed.entry((spec.clone(), path.clone())).or_insert_with(|| {
            let unfound = Unfound { path, spec, asked: 0, nearest: None, there: Vec::new() };
            (missed.tracked, unfound)
        });
        entry.1.asked += 1;
        if entry.1.nearest.is_none() {
            entry.1.nearest = nearest_path(missed.path, missed.node, |json| !json.is_null());
        }
        if entry.1.there.is_empty() {
            let names = missed.node.as_object().into_iter().flat_map(engine_json::Map::keys);
            entry.1.there = names.take(MOST_NAMES).cloned().collect();
        }
    }

    /// The paths that never found anything, in the order of the spec. Paths that only requests use
    /// have no number; a request that lacks a value says so itself.
    pub fn unfound(&self) -> Vec<Unfound> {
        let seen = self.seen();
        let never = |number: &Option<usize>| number.is_some_and(|number| !seen.found.contains(&number));
        seen.missed.values().filter(|(number, _)| never(number)).map(|(_, unfound)| unfound.clone()).collect()
    }
}

/// Whether something is worth showing: neither null nor blank.
pub(super) fn says_something(json: &Json) -> bool {
    match json {
        Json::Null => false,
        Json::String(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        Json::Object(members) => !members.is_empty(),
        _ => true,
    }
}
