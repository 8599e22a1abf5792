//! What a sync amounts to: the stored counts and the problems of this run, as a report.

use std::collections::{BTreeMap, BTreeSet};

use engine_model::{ListReport, Problem, Report, Store, Totals, Verdict};
use engine_spec::plan::{Origin, Source, Tracked};

use super::run::{Passing, Run};
use super::{SyncError, SyncOptions};
use crate::extract::{Note, Tallied};

/// Version of the report's form.
const FORMAT: u32 = 1;

/// The report of a sync that came to its end, or stopped with a failure.
pub(super) fn report(run: &Run, options: &SyncOptions, failure: Option<&SyncError>) -> Result<Report, SyncError> {
    let mut report = blank(run, options);
    let mut found = Found::default();
    for tally in run.store(|store: &mut dyn Store| store.tallies())? {
        let Some(what) = Tallied::parse(&tally.name) else { continue };
        let count = u64::try_from(tally.add).unwrap_or(0);
        match what {
            Tallied::PathFound(number) => {
                found.paths.insert(number);
            }
            Tallied::KeyHit(number) => {
                found.keys.insert(number);
            }
            Tallied::Problem(note) => add(&mut report.problems, &tally.list, note, count),
            Tallied::Notice(note) => add(&mut report.notes, &tally.list, note, count),
            counted => {
                if let Some(list) = list_report(&mut report, &tally.list) {
                    count_in(list, counted, count);
                }
            }
        }
    }
    for (kind, list) in report.resources.iter().filter(|(_, list)| list.duplicates > 0) {
        // What the rows of another type name is named again and again.
        let of_rows = |source: &Source| matches!(source.origin, Origin::EachRow(_));
        if run.plan.types.iter().any(|known| known.id == **kind && known.sources.iter().all(of_rows)) {
            continue;
        }
        let note = Note {
            what: "rows had an id that had come before; the first one stays. A list that changes while its pages \
                   are read looks like this, and then as many rows may be missing"
                .to_owned(),
            spec: None,
            request: None,
            hint: None,
            sample: None,
        };
        add(&mut report.notes, &format!("resource {kind}"), note, list.duplicates);
    }
    for passing in run.all_passing() {
        match passing {
            Passing::Unread(problem) => {
                if let Some(list) = list_report(&mut report, &problem.list) {
                    list.unread += 1;
                }
                merge(&mut report.problems, problem);
            }
            Passing::Dangling(problem) => {
                count_dangling(&mut report, &problem);
                merge(&mut report.problems, problem);
            }
            Passing::Expected(problem) => {
                count_dangling(&mut report, &problem);
                merge(&mut report.notes, problem);
            }
        }
    }
    if let Some(failure) = failure {
        report.problems.insert(0, failed(failure));
    }
    report.verdict = match (failure, report.problems.is_empty()) {
        (Some(_), _) => Verdict::Failed,
        (None, true) => Verdict::Complete,
        (None, false) => Verdict::Incomplete,
    };
    if failure.is_none() {
        report.totals = totals(run)?;
        unused(&mut report, run, &found);
    }
    Ok(report)
}

/// The report of a sync whose store can no longer be read.
pub(super) fn empty(run: &Run, options: &SyncOptions, failure: &SyncError) -> Report {
    let mut report = blank(run, options);
    report.problems.push(failed(failure));
    report
}

/// Grants that were made and are not written, as what they refer to is not there.
fn count_dangling(report: &mut Report, problem: &Problem) {
    if let Some(list) = problem.list.strip_prefix("grants of ").and_then(|label| report.grants.get_mut(label)) {
        list.dangling += problem.count;
    }
}

#[derive(Default)]
struct Found {
    paths: BTreeSet<usize>,
    keys: BTreeSet<usize>,
}

fn blank(run: &Run, options: &SyncOptions) -> Report {
    let traffic = run.clients.totals();
    Report {
        format: FORMAT,
        engine: env!("CARGO_PKG_VERSION").to_owned(),
        spec: run.plan.id.clone(),
        spec_digest: digest(&run.plan.canonical),
        started_at: options.started_at.to_string(),
        finished_at: options.environment.now().to_string(),
        resumed: options.resumed,
        verdict: Verdict::Failed,
        problems: Vec::new(),
        notes: Vec::new(),
        totals: Totals::default(),
        resources: BTreeMap::new(),
        entitlements: BTreeMap::new(),
        grants: BTreeMap::new(),
        traffic: engine_model::Traffic {
            requests: traffic.requests,
            retries: traffic.retries,
            bytes: traffic.bytes,
            waited_seconds: traffic.waited.as_secs_f64(),
        },
        paths_never_found: Vec::new(),
        map_keys_never_hit: Vec::new(),
    }
}

/// SHA-256 of a text, hexadecimal.
pub fn digest(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn list_report<'r>(report: &'r mut Report, list: &str) -> Option<&'r mut ListReport> {
    if let Some(kind) = list.strip_prefix("resource ") {
        return Some(report.resources.entry(kind.to_owned()).or_default());
    }
    if let Some(label) = list.strip_prefix("entitlements of ") {
        return Some(report.entitlements.entry(label.to_owned()).or_default());
    }
    let label = list.strip_prefix("grants of ")?;
    Some(report.grants.entry(label.to_owned()).or_default())
}

fn count_in(list: &mut ListReport, what: Tallied, count: u64) {
    match what {
        Tallied::Pages => list.pages += count,
        Tallied::Rows => list.rows += count,
        Tallied::Emitted => list.emitted += count,
        Tallied::Duplicates => list.duplicates += count,
        Tallied::Announced => list.announced = Some(list.announced.unwrap_or(0) + count),
        Tallied::ParentsVisited => list.parents_visited += count,
        Tallied::Filtered => list.filtered += count,
        Tallied::Dropped(reason) => *list.dropped.entry(reason).or_default() += count,
        Tallied::Unknown(place) => *list.unknown_values.entry(place).or_default() += count,
        Tallied::Problem(_) | Tallied::Notice(_) | Tallied::PathFound(_) | Tallied::KeyHit(_) => {}
    }
}

/// Adds a note to a list; notes that differ in their sample only are one.
fn add(list: &mut Vec<Problem>, of: &str, note: Note, count: u64) {
    merge(
        list,
        Problem {
            list: of.to_owned(),
            what: note.what,
            spec: note.spec,
            request: note.request,
            count,
            samples: note.sample.into_iter().collect(),
            hint: note.hint,
        },
    );
}

fn merge(list: &mut Vec<Problem>, problem: Problem) {
    let known = list
        .iter_mut()
        .find(|known| known.list == problem.list && known.what == problem.what && known.spec == problem.spec);
    match known {
        Some(known) => {
            known.count += problem.count;
            for sample in problem.samples {
                if known.samples.len() < 5 && !known.samples.contains(&sample) {
                    known.samples.push(sample);
                }
            }
        }
        None => list.push(problem),
    }
}

fn failed(failure: &SyncError) -> Problem {
    let (spec, request) = match failure {
        SyncError::Request(error) => (error.site.as_ref().map(ToString::to_string), error.request.clone()),
        SyncError::List { spec, request, .. } => (Some(spec.clone()).filter(|spec| !spec.is_empty()), request.clone()),
        _ => (None, None),
    };
    Problem {
        list: "sync".to_owned(),
        what: failure.to_string(),
        spec,
        request,
        count: 1,
        samples: Vec::new(),
        hint: failure.hint(),
    }
}

fn totals(run: &Run) -> Result<Totals, SyncError> {
    let mut totals = Totals::default();
    for (_, resources, entitlements, grants) in run.store(|store: &mut dyn Store| store.totals())? {
        totals.resource_types += 1;
        totals.resources += resources;
        totals.entitlements += entitlements;
        totals.grants += grants;
    }
    Ok(totals)
}

fn unused(report: &mut Report, run: &Run, found: &Found) {
    let missing = |tracked: &[Tracked], found: &BTreeSet<usize>| -> Vec<String> {
        let missing = tracked.iter().enumerate().filter(|(number, _)| !found.contains(number));
        missing.map(|(_, tracked)| format!("{} {}", tracked.site, tracked.text)).collect()
    };
    report.paths_never_found = missing(&run.plan.tracked_paths, &found.paths);
    report.map_keys_never_hit = missing(&run.plan.tracked_keys, &found.keys);
}
