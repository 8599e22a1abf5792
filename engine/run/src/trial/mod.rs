//! A trial: a few rows of one list read from the vendor, with everything that came of each.
//!
//! In go a plan, its clients, and what is to be tried; out comes a [`Trial`]: the requests in order,
//! the rows with the records made of them or the reason why none was made, and the paths of the spec
//! that found nothing, each with the nearest path that is there. The lists that the tried one needs
//! (parents, look-ups) are read first, a few rows of each. The same jobs read them as in a sync, page
//! rules and all; nothing is written, and no text here holds a secret.

mod exchanged;
mod field;
mod misses;

use std::collections::BTreeSet;
use std::sync::Arc;

use engine_json::{Map, Value as Json};
use engine_model::ResourceRef;
use engine_spec::plan::{NoWitness, Origin, ParentRule, Plan, Source};
use serde::Serialize;

pub use exchanged::{Collector, Exchanged};
pub use field::Field;
pub(crate) use misses::Misses;
pub use misses::Unfound;

use crate::environment::Environment;
use crate::extract::{Note, Tallied, combinations};
use crate::http::{Clients, Redactor};
use crate::sync::SyncError;
use crate::sync::part::{Part, Reader, Sampler, bare_scope, repeated_for};
use crate::sync::task::{Task, TaskKind};

/// Look-up tables are filled with so many rows: a key of any row may be asked for.
const FOR_LOOK_UPS: usize = 1_000;

/// What is to be tried.
#[derive(Clone, Debug)]
pub enum Target {
    /// The list of a resource type.
    Resource(String),
    /// What is read for an entitlement: its type, and its slug where one is meant.
    Entitlement(String, Option<String>),
}

/// How far a trial goes.
#[derive(Clone, Debug)]
pub struct Reach {
    /// Most rows of a list, and most resources that a list is repeated for.
    pub rows: usize,
    /// The resource that the list is repeated for; without, the first ones of its type.
    pub on: Option<ResourceRef>,
}

/// What a trial saw.
#[derive(Debug, Default, Serialize)]
pub struct Trial {
    /// The requests that come before every list.
    pub opening: Vec<Exchanged>,
    /// The lists in the order in which they were read.
    pub lists: Vec<TriedList>,
    /// Paths of the spec that found nothing.
    pub paths_not_found: Vec<Unfound>,
    /// Why the trial ended early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stopped>,
    /// The error behind `stopped`.
    #[serde(skip)]
    pub failure: Option<SyncError>,
}

/// Why a trial ended early.
#[derive(Clone, Debug, Serialize)]
pub struct Stopped {
    /// What happened.
    pub reason: String,
    /// What to try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A list that was read.
#[derive(Debug, Serialize)]
pub struct TriedList {
    /// What reports call it.
    pub list: String,
    /// Where its request stands in the spec.
    pub spec: String,
    /// Whether it is what was to be tried; others were read because it needs them.
    pub is_target: bool,
    /// Whether the vendor has more rows than were read.
    pub has_more: bool,
    /// The requests.
    pub exchanges: Vec<Exchanged>,
    /// The rows.
    pub rows: Vec<TriedRow>,
    /// What is to be known beside the rows.
    pub notes: Vec<Finding>,
}

/// A row and what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct TriedRow {
    /// The resource that the list was repeated for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// The row, secrets removed.
    pub row: Json,
    /// The records made of it.
    pub records: Vec<Made>,
    /// How many rows in it the spec's own conditions leave out.
    #[serde(skip_serializing_if = "is_zero")]
    pub filtered: u64,
    /// Why it made no record, or lacks something.
    pub findings: Vec<Finding>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A record made of a row.
#[derive(Clone, Debug, Serialize)]
pub struct Made {
    /// `resource`, `entitlement` or `grant`.
    pub kind: &'static str,
    /// Its id in words.
    pub id: String,
    /// What it holds.
    pub fields: Vec<Field>,
}

/// Something noticed about a row or a list.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What.
    pub what: String,
    /// Place in the spec.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec: Option<String>,
    /// The offending value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<String>,
    /// What to try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Finding {
    pub(crate) fn of(note: Note) -> Self {
        Self { what: note.what, spec: note.spec, sample: note.sample, hint: note.hint }
    }

    fn saying(what: impl Into<String>) -> Self {
        Self { what: what.into(), spec: None, sample: None, hint: None }
    }
}

/// Tries what a target names. `collector` must be the observer of `clients`; `names` holds `config`.
pub async fn attempt(
    plan: Arc<Plan>,
    clients: Clients,
    names: Map,
    environment: Arc<dyn Environment>,
    collector: &Collector,
    target: &Target,
    reach: &Reach,
) -> Trial {
    let mut trial = Trial::default();
    let opened = Reader::open(plan, clients, names, environment).await;
    trial.opening = collector.take();
    let result = match opened {
        Ok(reader) => tried(&reader, collector, target, reach, &mut trial).await,
        Err(error) => Err(error),
    };
    if let Err(error) = result {
        trial.stopped = Some(Stopped { reason: error.to_string(), hint: error.hint() });
        trial.failure = Some(error);
    }
    trial
}

async fn tried(
    reader: &Reader,
    collector: &Collector,
    target: &Target,
    reach: &Reach,
    trial: &mut Trial,
) -> Result<(), SyncError> {
    let tasks = reader.tasks();
    let wanted: Vec<Task> = tasks.iter().filter(|task| reads(&reader.plan, task, target)).cloned().collect();
    let is_target = |task: &Task| wanted.iter().any(|known| known.kind == task.kind);
    let mut part = Part::new();
    if let Some(on) = &reach.on {
        part.given.push((on.resource_type.clone(), given(reader, on, &wanted).await?));
        // The requests that read it belong to no list.
        trial.opening.extend(collector.take());
    }
    let given: BTreeSet<usize> = part.given.iter().filter_map(|(id, _)| Some(reader.plan.type_named(id)?.0)).collect();
    let needs = Needs::of(&reader.plan, &wanted, &given);
    part.lists.clone_from(&needs.lists);
    let mut open: Vec<Task> = tasks
        .into_iter()
        .filter(|task| {
            let is_needed =
                matches!(task.kind, TaskKind::List(kind, _) if needs.lists.contains(&kind) && !given.contains(&kind));
            is_needed || is_target(task)
        })
        .collect();
    let sampler = reader.sampler(part);
    let result = loop {
        if open.is_empty() {
            break Ok(());
        }
        // A tree waits for itself, and is begun all the same.
        let next = open.iter().position(|task| is_ready(task, &open, &reader.plan)).unwrap_or(0);
        let task = open.remove(next);
        let is_target = is_target(&task);
        let most = match task.kind {
            TaskKind::List(kind, _) if !is_target && needs.look_ups.contains(&kind) => FOR_LOOK_UPS.max(reach.rows),
            _ => reach.rows,
        };
        let (list, result) = read(reader, &sampler, Arc::new(task), is_target, most, collector).await;
        trial.lists.push(list);
        if let Err(error) = result {
            break Err(error);
        }
    };
    trial.paths_not_found = sampler.unfound();
    clean(trial, reader.clients.redactor());
    result
}

/// The resource that lists are to be repeated for, as requests see it.
async fn given(reader: &Reader, on: &ResourceRef, wanted: &[Task]) -> Result<Json, SyncError> {
    let reads_id_only = |task: &Task| task.grant_rule(&reader.plan).is_some_and(|rule| !rule.reads_resource);
    let found = match reader.plan.type_named(&on.resource_type) {
        Some((_, known)) if wanted.iter().all(reads_id_only) => Some(bare_scope(known, &on.id)),
        Some((kind, _)) => reader.entry(kind, &on.id).await?.map(|entry| entry.scope),
        None => None,
    };
    found.ok_or_else(|| SyncError::List {
        request: None,
        doing: format!("reading `{on}`"),
        reason: "the vendor has no such resource".to_owned(),
        spec: reader.plan.type_named(&on.resource_type).map(|(_, kind)| kind.site.to_string()).unwrap_or_default(),
        hint: Some("leave `--on` away to take the first ones of the type".to_owned()),
        about_one: true,
    })
}

/// Reads a few rows of one list.
async fn read(
    reader: &Reader,
    sampler: &Sampler,
    task: Arc<Task>,
    is_target: bool,
    most: usize,
    collector: &Collector,
) -> (TriedList, Result<(), SyncError>) {
    let source = task.source(&reader.plan);
    let mut list = TriedList {
        list: task.list.clone(),
        spec: source.map(|source| source.site.to_string()).unwrap_or_default(),
        is_target,
        has_more: false,
        exchanges: Vec::new(),
        rows: Vec::new(),
        notes: Vec::new(),
    };
    let runs = source.map_or(Ok(Vec::new()), |source| runs(sampler, &task, source, most));
    let result = match runs {
        Err(error) => Err(error),
        Ok(runs) if runs.is_empty() => {
            let of: Vec<&str> = task
                .resources
                .iter()
                .filter_map(|(_, kind)| reader.plan.types.get(*kind))
                .map(|kind| kind.id.as_str())
                .collect();
            list.notes
                .push(Finding::saying(format!("nothing was asked: there is no `{}` to ask for", of.join("` and `"))));
            Ok(())
        }
        Ok(runs) => {
            let last = runs.len();
            let is_cut = !task.resources.is_empty() && last >= most;
            let mut result = Ok(());
            for (at, names) in runs.into_iter().enumerate() {
                result = sampler.sample(task.clone(), names, most, &mut list).await;
                if result.is_err() {
                    break;
                }
                if list.rows.len() >= most {
                    list.has_more |= at + 1 < last;
                    break;
                }
            }
            if is_cut && list.rows.len() < most && result.is_ok() {
                list.notes.push(Finding::saying(format!("only the first {most} were asked for")));
            }
            result
        }
    };
    list.exchanges = collector.take();
    (list, result)
}

/// The names for each of the first runs of a task.
fn runs(sampler: &Sampler, task: &Task, source: &Source, most: usize) -> Result<Vec<Map>, SyncError> {
    let mut runs = vec![Map::new()];
    for (name, kind) in &task.resources {
        let scopes = sampler.scopes(*kind, most)?;
        let with = |names: &Map, scope: &Json| {
            let mut names = names.clone();
            names.insert(name.clone(), scope.clone());
            names
        };
        runs = runs.iter().flat_map(|names| scopes.iter().map(move |scope| with(names, scope))).take(most).collect();
    }
    let mut all = Vec::new();
    for names in runs {
        let root = sampler.scope();
        let values =
            combinations(&source.for_each, &root.with_all(&names), &NoWitness).map_err(|fault| SyncError::List {
                request: None,
                doing: task.doing.clone(),
                reason: fault.reason,
                spec: fault.site.to_string(),
                hint: None,
                about_one: true,
            })?;
        all.extend(values.into_iter().map(|values| names.clone().into_iter().chain(values).collect()));
    }
    all.truncate(most);
    Ok(all)
}

/// Whether a task reads what a target names.
fn reads(plan: &Plan, task: &Task, target: &Target) -> bool {
    let (Target::Resource(id) | Target::Entitlement(id, _)) = target;
    let Some((owner, _)) = plan.type_named(id) else { return false };
    let Target::Entitlement(_, slug) = target else {
        return matches!(task.kind, TaskKind::List(kind, _) if feeding(plan, owner).contains(&kind));
    };
    let mut rules = plan.grant_rules.iter().filter(|rule| rule.owner == owner && may_give(rule, slug.as_deref()));
    match task.kind {
        TaskKind::List(kind, _) => {
            rules.any(|rule| matches!(rule.source.origin, Origin::EachRow(of) if feeding(plan, of).contains(&kind)))
        }
        TaskKind::Grants(number) => rules.any(|rule| rule.number == number),
        TaskKind::Entitlements(kind, _) => kind == owner,
        TaskKind::Ask(_) => false,
    }
}

/// Whether a rule may give grants on an entitlement.
fn may_give(rule: &engine_spec::plan::GrantRule, slug: Option<&str>) -> bool {
    let Some(slug) = slug else { return true };
    !rule.slug.is_constant()
        || rule.slug.literals().iter().any(|value| value.as_literal().is_some_and(|json| json == slug))
}

/// The types whose own requests bring the rows of a type.
fn feeding(plan: &Plan, kind: usize) -> BTreeSet<usize> {
    let mut kinds = BTreeSet::new();
    let mut open = vec![kind];
    while let Some(kind) = open.pop() {
        let sources = plan.types.get(kind).map(|known| known.sources.as_slice()).unwrap_or_default();
        for source in sources {
            match source.origin {
                Origin::EachRow(of) => open.push(of),
                _ => drop(kinds.insert(kind)),
            }
        }
    }
    kinds
}

/// The lists that tasks need.
struct Needs {
    /// All of them.
    lists: BTreeSet<usize>,
    /// Those that fill look-up tables.
    look_ups: BTreeSet<usize>,
}

impl Needs {
    fn of(plan: &Plan, wanted: &[Task], given: &BTreeSet<usize>) -> Self {
        let mut needs = Self { lists: BTreeSet::new(), look_ups: BTreeSet::new() };
        let mut open: Vec<usize> = Vec::new();
        for task in wanted {
            needs.look_ups.extend(task.waits.iter().flat_map(|kind| feeding(plan, *kind)));
            open.extend(task.waits.iter().chain(task.resources.iter().map(|(_, kind)| kind)));
        }
        while let Some(kind) = open.pop() {
            if given.contains(&kind) || !needs.lists.insert(kind) {
                continue;
            }
            let Some(known) = plan.types.get(kind) else { continue };
            needs.look_ups.extend(known.after.iter().flat_map(|kind| feeding(plan, *kind)));
            open.extend(known.after.iter().copied().chain(feeding(plan, kind)));
            if let Some(ParentRule::Repeated(of)) = known.parent {
                open.push(of);
            }
            open.extend(known.sources.iter().flat_map(repeated_for));
        }
        needs
    }
}

/// Whether no other open task lists what a task needs.
fn is_ready(task: &Task, open: &[Task], plan: &Plan) -> bool {
    let needed: BTreeSet<usize> = task
        .waits
        .iter()
        .chain(task.resources.iter().map(|(_, kind)| kind))
        .flat_map(|kind| feeding(plan, *kind))
        .collect();
    open.iter().filter(|other| other.kind != task.kind).all(|other| match other.kind {
        TaskKind::List(kind, _) => !needed.contains(&kind),
        _ => true,
    })
}

/// Takes secrets out of what rows hold.
fn clean(trial: &mut Trial, redactor: &Redactor) {
    for row in trial.lists.iter_mut().flat_map(|list| &mut list.rows) {
        redact(&mut row.row, redactor);
        for field in row.records.iter_mut().flat_map(|record| &mut record.fields) {
            redact(&mut field.value, redactor);
        }
        for sample in row.findings.iter_mut().filter_map(|finding| finding.sample.as_mut()) {
            *sample = redactor.redact(sample);
        }
    }
}

fn redact(json: &mut Json, redactor: &Redactor) {
    match json {
        Json::String(text) => *text = redactor.redact(text).into(),
        Json::Array(items) => items.iter_mut().for_each(|item| redact(item, redactor)),
        Json::Object(members) => members.values_mut().for_each(|member| redact(member, redactor)),
        _ => {}
    }
}

impl TriedRow {
    /// What one row made.
    pub(crate) fn of(plan: &Plan, row: Json, of: Option<String>, emitter: &crate::extract::Emitter<'_>) -> Self {
        let mut tried = Self { of, row, records: Vec::new(), filtered: 0, findings: Vec::new() };
        tried.records.extend(emitter.page.resources.iter().map(|(resource, _)| field::of_resource(plan, resource)));
        tried.records.extend(emitter.page.entitlements.iter().map(field::of_entitlement));
        tried.records.extend(emitter.page.grants.iter().map(|grant| field::of_grant(plan, &grant.to_grant())));
        for (what, count) in emitter.recorder.counts() {
            match what {
                Tallied::Filtered => tried.filtered += u64::try_from(count).unwrap_or(0),
                Tallied::Problem(note) | Tallied::Notice(note) => tried.findings.push(Finding::of(note.clone())),
                _ => {}
            }
        }
        tried
    }
}
