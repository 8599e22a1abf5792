//! What must come of a generated case, and whether it did. The rule above all rules: a graph that is
//! called complete lacks nothing, and no graph holds what the vendor did not say.

use std::collections::BTreeSet;

use engine_json::Value as Json;

use super::Base;
use super::spots::Spot;
use crate::case::ExpectedVerdict;
use crate::compare;

/// What must come of a generated case.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// The same as of the recorded case: what was disturbed has passed.
    Same,
    /// An error or something missing, told with its place.
    Told(Told),
    /// One or the other.
    SameOrTold(Told),
    /// Everything as before but for one row.
    Row(Box<RowChange>),
}

/// What an error has to name.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// One of these lines of the spec, as `file:line:`.
    pub lines: BTreeSet<String>,
    /// One of these words: the path that was asked for.
    pub words: Vec<String>,
}

/// What a value of a row that is not there may change.
#[derive(Clone, Debug, Default)]
pub struct RowChange {
    /// The path that finds nothing.
    pub path: String,
    /// The path of the URL whose answer has the row, and those that led there.
    pub requests: Vec<String>,
    /// The lines of the spec that read it.
    pub lines: BTreeSet<String>,
    /// Whether no record can be made without, so that it must be told.
    pub must_be_told: bool,
    /// The resource of the row: type and id. Without, the row makes grants or entitlements.
    pub resource: Option<(String, String)>,
    /// Keys of the resource that must be gone, and the only ones that may differ; without, all of it
    /// may differ.
    pub fields: Option<Fields>,
    /// Whether the row may make no record and nobody say so: the spec has a condition on it.
    pub may_vanish: bool,
    /// Texts of the row, of which whatever changes has one; nothing where the rest of the row stands in
    /// another answer.
    pub texts: Option<BTreeSet<String>>,
    /// Types that are made of the row's rows, under ids of their own.
    pub made_of_it: BTreeSet<String>,
}

/// Keys of a resource, by way: `["profile", "role"]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// These may differ.
    pub may_differ: Vec<Vec<String>>,
    /// These must be gone.
    pub gone: Vec<Vec<String>>,
}

/// What came of a case.
#[derive(Clone, Copy, Debug)]
pub struct Came<'a> {
    /// How it ended.
    pub verdict: ExpectedVerdict,
    /// Everything that was said.
    pub said: &'a str,
    /// The graph as JSON Lines; empty where it failed.
    pub graph: &'a str,
    /// What was asked that the case does not have.
    pub unexpected: &'a [String],
}

impl Told {
    pub(super) fn at(spot: &Spot<'_>) -> Self {
        Self { lines: spot.sites.clone(), words: spot.paths.clone() }
    }

    fn is_told(&self, said: &str) -> Result<(), String> {
        if !self.lines.is_empty() && !self.lines.iter().any(|line| said.contains(line.as_str())) {
            let lines: Vec<&str> = self.lines.iter().map(|line| line.trim_end_matches(':')).collect();
            return Err(format!("nothing names the line of the spec, one of {}", lines.join(", ")));
        }
        if !self.words.is_empty() && !self.words.iter().any(|word| said.contains(word.as_str())) {
            return Err(format!("nothing names the request, {}", self.words.join(" or ")));
        }
        Ok(())
    }
}

impl Wanted {
    /// In words, for whoever reads that it did not come so.
    pub fn words(&self, base: &Base<'_>) -> String {
        let told = "failed or incomplete, with an error that names the request and the line of the spec";
        match self {
            Self::Same => format!("{} with the graph of the recorded case", word(base.verdict)),
            Self::Told(_) => told.to_owned(),
            Self::SameOrTold(_) => format!("{} with the graph of the recorded case, or {told}", word(base.verdict)),
            Self::Row(row) if row.must_be_told => {
                format!("failed or incomplete, with an error that names `{}` and the line of the spec", row.path)
            }
            Self::Row(row) => {
                format!(
                    "the graph of the recorded case but for what comes from `{}`, or an error that names it",
                    row.path
                )
            }
        }
    }

    /// What went otherwise; nothing if it came out as it should.
    pub fn faults(&self, base: &Base<'_>, came: &Came<'_>) -> Vec<String> {
        let found = match self {
            Self::Same => same(base, came),
            Self::Told(told) => is_told(told, base, came),
            Self::SameOrTold(told) => {
                let same = same(base, came);
                match same.is_ok() || came.verdict == ExpectedVerdict::Complete {
                    true => same,
                    false => is_told(told, base, came),
                }
            }
            Self::Row(row) => row.changed(base, came),
        };
        found.err().into_iter().collect()
    }
}

fn same(base: &Base<'_>, came: &Came<'_>) -> Result<(), String> {
    if let Some(unexpected) = came.unexpected.first() {
        return Err(unexpected.clone());
    }
    if came.verdict != base.verdict {
        return Err(format!("it is {}", word(came.verdict)));
    }
    match compare::differences(base.graph, came.graph) {
        Some(differences) => Err(format!("the graph differs from the one of the recorded case:\n{differences}")),
        None => Ok(()),
    }
}

fn is_told(told: &Told, base: &Base<'_>, came: &Came<'_>) -> Result<(), String> {
    if came.verdict == ExpectedVerdict::Complete {
        let differences = compare::differences(base.graph, came.graph).unwrap_or_else(|| "  (the same)\n".to_owned());
        return Err(format!("it is complete, with the graph\n{differences}"));
    }
    told.is_told(came.said)?;
    nothing_new(base, came)
}

/// An incomplete graph holds records of the complete one and no others.
fn nothing_new(base: &Base<'_>, came: &Came<'_>) -> Result<(), String> {
    let known: BTreeSet<String> = lines(base.graph).map(|line| key(&line)).collect();
    match lines(came.graph).find(|line| !known.contains(&key(line))) {
        Some(new) => Err(format!("the graph holds a record that nobody told of:\n  + {new}")),
        None => Ok(()),
    }
}

impl RowChange {
    fn changed(&self, base: &Base<'_>, came: &Came<'_>) -> Result<(), String> {
        let told = Told { lines: self.lines.clone(), words: Vec::new() };
        if self.must_be_told {
            let words = std::iter::once(format!("`{}`", self.path)).chain(self.requests.iter().cloned());
            let told = Told { words: words.collect(), ..told };
            return is_told(&told, base, came);
        }
        if came.verdict != base.verdict {
            told.is_told(came.said).map_err(|reason| format!("it is {}, and {reason}", word(came.verdict)))?;
        }
        // Whatever depends on the row is missing with it, and that has been told.
        if came.verdict != ExpectedVerdict::Complete {
            return if self.may_vanish { Ok(()) } else { nothing_new(base, came) };
        }
        let before: BTreeSet<&str> = base.graph.lines().collect();
        let after: BTreeSet<&str> = came.graph.lines().collect();
        let (lost, new): (Vec<&str>, Vec<&str>) =
            (before.difference(&after).copied().collect(), after.difference(&before).copied().collect());
        for line in lost.iter().chain(&new) {
            let json: Json = serde_json::from_str(line).unwrap_or_default();
            let is_made_of_it =
                json.get("resource_type").and_then(Json::as_str).is_some_and(|kind| self.made_of_it.contains(kind));
            if !is_made_of_it && !self.texts.as_ref().is_none_or(|texts| has_a_text(&json, texts)) {
                return Err(format!("a record of another row changed:\n  {line}"));
            }
        }
        if self.may_vanish {
            return Ok(());
        }
        let grants = |lines: &[&str]| lines.iter().filter(|line| line.starts_with("{\"kind\":\"grant\"")).count();
        if grants(&lost) > grants(&new) {
            let line = lost.iter().find(|line| line.starts_with("{\"kind\":\"grant\"")).copied().unwrap_or_default();
            return Err(format!("a grant is gone, and the graph is called complete:\n  - {line}"));
        }
        self.resource_is_there(base, came)
    }

    fn resource_is_there(&self, base: &Base<'_>, came: &Came<'_>) -> Result<(), String> {
        let Some((kind, id)) = &self.resource else { return Ok(()) };
        let find = |graph: &str| {
            lines(graph).find(|line| {
                let is = |name: &str, wanted: &str| line.get(name).and_then(Json::as_str) == Some(wanted);
                is("kind", "resource") && is("resource_type", kind) && is("id", id)
            })
        };
        let Some(mut before) = find(base.graph) else { return Ok(()) };
        let Some(mut after) = find(came.graph) else {
            return Err(format!("{kind}:{id} is gone, and the graph is called complete"));
        };
        let Some(fields) = &self.fields else { return Ok(()) };
        if let Some(there) = fields.gone.iter().find(|way| at(&after, way).is_some()) {
            return Err(format!("{kind}:{id} has `{}`, which the vendor does not tell any more", there.join(".")));
        }
        for way in &fields.may_differ {
            remove(&mut before, way);
            remove(&mut after, way);
        }
        // A profile that has lost all it had is not written.
        for json in [&mut before, &mut after] {
            if json.get("profile").and_then(Json::as_object).is_some_and(engine_json::Map::is_empty) {
                remove(json, &["profile".to_owned()]);
            }
        }
        if before != after {
            return Err(format!("{kind}:{id} changed elsewhere:\n  - {before}\n  + {after}"));
        }
        Ok(())
    }
}

fn has_a_text(json: &Json, texts: &BTreeSet<String>) -> bool {
    match json {
        Json::String(text) => texts.iter().any(|known| text.contains(known.as_str())),
        Json::Number(_) | Json::Bool(_) => texts.contains(&json.to_string()),
        Json::Array(items) => items.iter().any(|item| has_a_text(item, texts)),
        Json::Object(members) => members.values().any(|member| has_a_text(member, texts)),
        Json::Null => false,
    }
}

fn lines(graph: &str) -> impl Iterator<Item = Json> {
    graph.lines().filter_map(|line| serde_json::from_str(line).ok())
}

/// What a record is, without what it says.
fn key(line: &Json) -> String {
    let parts = ["kind", "resource_type", "id"].map(|name| line.get(name).and_then(Json::as_str).unwrap_or_default());
    parts.join(" ")
}

fn at<'j>(json: &'j Json, way: &[String]) -> Option<&'j Json> {
    way.iter().try_fold(json, |json, name| json.get(name))
}

fn remove(json: &mut Json, way: &[String]) {
    let Some((last, before)) = way.split_last() else { return };
    let mut node = json;
    for name in before {
        match node.get_mut(name) {
            Some(inner) => node = inner,
            None => return,
        }
    }
    if let Some(members) = node.as_object_mut() {
        members.remove(last);
    }
}

fn word(verdict: ExpectedVerdict) -> &'static str {
    match verdict {
        ExpectedVerdict::Complete => "complete",
        ExpectedVerdict::Incomplete => "incomplete",
        ExpectedVerdict::Failed => "failed",
    }
}
