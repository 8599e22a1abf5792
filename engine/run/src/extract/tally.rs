//! Counts of what was seen and what could not be used. They are stored with each page, so that a
//! resumed run reports the whole sync.

use std::collections::BTreeMap;

use engine_model::Tally;
use engine_spec::plan::{Fault, FaultKind, Site};
use serde::{Deserialize, Serialize};

/// The most samples kept for one problem on one page.
const SAMPLES: usize = 5;

/// A problem or note, as it is stored in the name of a tally.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Note {
    /// What happened.
    pub what: String,
    /// Place in the spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<String>,
    /// The request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// What to try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// An example.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<String>,
}

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tallied {
    /// Pages read.
    Pages,
    /// Rows seen.
    Rows,
    /// Records made.
    Emitted,
    /// Rows whose id had been seen before.
    Duplicates,
    /// Rows the vendor announced.
    Announced,
    /// Parents asked.
    ParentsVisited,
    /// Rows that `where`, `match` or `dedupe_by` leave out.
    Filtered,
    /// Rows left out, with the reason.
    Dropped(String),
    /// Values no map names, with the place.
    Unknown(String),
    /// Something is missing.
    Problem(Note),
    /// Worth knowing.
    Notice(Note),
    /// A tracked path found something: its number.
    PathFound(usize),
    /// A tracked map key was hit: its number.
    KeyHit(usize),
}

impl Tallied {
    /// The count of one of it in a list.
    pub fn once(&self, list: &str) -> Tally {
        Tally { list: list.to_owned(), name: self.name(), add: 1 }
    }

    fn name(&self) -> String {
        let json = |note: &Note| serde_json::to_string(note).unwrap_or_else(|_| note.what.clone());
        match self {
            Self::Pages => "pages".to_owned(),
            Self::Rows => "rows".to_owned(),
            Self::Emitted => "emitted".to_owned(),
            Self::Duplicates => "duplicates".to_owned(),
            Self::Announced => "announced".to_owned(),
            Self::ParentsVisited => "parents visited".to_owned(),
            Self::Filtered => "filtered".to_owned(),
            Self::Dropped(reason) => format!("dropped {reason}"),
            Self::Unknown(place) => format!("unknown {place}"),
            Self::Problem(note) => format!("problem {}", json(note)),
            Self::Notice(note) => format!("notice {}", json(note)),
            Self::PathFound(number) => format!("path {number}"),
            Self::KeyHit(number) => format!("key {number}"),
        }
    }

    /// Reads the name of a stored tally.
    pub fn parse(name: &str) -> Option<Self> {
        let (kind, rest) = name.split_once(' ').unwrap_or((name, ""));
        let note = || serde_json::from_str(rest).ok();
        Some(match (kind, rest) {
            ("pages", "") => Self::Pages,
            ("rows", "") => Self::Rows,
            ("emitted", "") => Self::Emitted,
            ("duplicates", "") => Self::Duplicates,
            ("announced", "") => Self::Announced,
            ("parents", "visited") => Self::ParentsVisited,
            ("filtered", "") => Self::Filtered,
            ("dropped", _) => Self::Dropped(rest.to_owned()),
            ("unknown", _) => Self::Unknown(rest.to_owned()),
            ("problem", _) => Self::Problem(note()?),
            ("notice", _) => Self::Notice(note()?),
            ("path", _) => Self::PathFound(rest.parse().ok()?),
            ("key", _) => Self::KeyHit(rest.parse().ok()?),
            _ => return None,
        })
    }
}

/// Counts of one page.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    counts: BTreeMap<String, BTreeMap<Tallied, i64>>,
    samples: BTreeMap<Note, usize>,
}

impl Recorder {
    /// Counts something for a list.
    pub fn add(&mut self, list: &str, what: Tallied, count: i64) {
        if count == 0 {
            return;
        }
        // Each row is counted: its list is nearly always known.
        match self.counts.get_mut(list) {
            Some(counts) => *counts.entry(what).or_default() += count,
            None => drop(self.counts.insert(list.to_owned(), BTreeMap::from([(what, count)]))),
        }
    }

    /// Notes that something is missing.
    pub fn problem(&mut self, list: &str, note: Note) {
        self.add(list, Tallied::Problem(note), 1);
    }

    /// Notes something worth knowing.
    pub fn notice(&mut self, list: &str, note: Note) {
        self.add(list, Tallied::Notice(note), 1);
    }

    /// Counts a row that makes no record because of a fault.
    pub fn row_fault(&mut self, list: &str, fault: &Fault) {
        let what = fault.reason.clone();
        self.add(list, Tallied::Dropped(what.clone()), 1);
        match fault.kind {
            FaultKind::Dropped => {
                self.sampled(list, fault, false, format!("rows were left out, as the spec says: {what}"))
            }
            FaultKind::Dangling => {
                self.sampled(list, fault, true, format!("rows refer to something that is not there: {what}"))
            }
            FaultKind::Unknown | FaultKind::Broken | FaultKind::Stop => {
                self.sampled(list, fault, true, format!("rows could not be used: {what}"));
            }
        }
    }

    /// Counts a value that no map names, in a row that makes a record all the same.
    pub fn unknown_value(&mut self, list: &str, slot: &str, fault: &Fault) {
        self.add(list, Tallied::Unknown(format!("{slot} at {}", fault.site)), 1);
        self.sampled(list, fault, false, format!("{slot}: {}", fault.reason));
    }

    /// Counts a value that could not be read, in a row that makes a record all the same.
    pub fn unusable_value(&mut self, list: &str, slot: &str, fault: &Fault) {
        self.sampled(list, fault, false, format!("{slot} was left out: {}", fault.reason));
    }

    fn sampled(&mut self, list: &str, fault: &Fault, is_problem: bool, what: String) {
        let mut note = Note { what, spec: Some(fault.site.to_string()), request: None, hint: None, sample: None };
        let kept = self.samples.entry(note.clone()).or_default();
        if *kept < SAMPLES {
            *kept += 1;
            note.sample.clone_from(&fault.sample);
        }
        if is_problem { self.problem(list, note) } else { self.notice(list, note) }
    }

    /// A note about a place in the spec.
    pub fn at(site: &Site, what: impl Into<String>) -> Note {
        Note { what: what.into(), spec: Some(site.to_string()), request: None, hint: None, sample: None }
    }

    /// What is missing first, and the place in the spec.
    pub fn first_problem(&self) -> Option<(String, String)> {
        self.counts.values().flat_map(BTreeMap::keys).find_map(|what| match what {
            Tallied::Problem(note) => Some((note.what.clone(), note.spec.clone().unwrap_or_default())),
            _ => None,
        })
    }

    /// All counts of all lists, in order.
    pub fn counts(&self) -> impl Iterator<Item = (&Tallied, i64)> {
        self.counts.values().flatten().map(|(what, count)| (what, *count))
    }

    /// All counts, for the store.
    pub fn into_tallies(self) -> Vec<Tally> {
        let tallies = self.counts.into_iter().flat_map(|(list, counts)| {
            counts.into_iter().map(move |(what, add)| Tally { list: list.clone(), name: what.name(), add })
        });
        tallies.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tallies_are_read_back_as_they_were_stored() {
        let note = Note {
            what: "x y".into(),
            spec: Some("a:1:1".into()),
            request: None,
            hint: None,
            sample: Some("s".into()),
        };
        for tallied in [
            Tallied::Pages,
            Tallied::ParentsVisited,
            Tallied::Dropped("id is required".into()),
            Tallied::Problem(note.clone()),
            Tallied::Notice(note),
            Tallied::PathFound(7),
            Tallied::KeyHit(0),
        ] {
            assert_eq!(Tallied::parse(&tallied.name()), Some(tallied));
        }
        assert_eq!(Tallied::parse("nonsense"), None);
    }
}
