//! The summary of a sync for people: what was read, the verdict, and what is missing.

use std::path::Path;

use engine_model::{ListReport, Problem, Report, Verdict};
use engine_run::sync::SyncError;
use engine_spec::plan::Plan;

/// The most samples shown for a problem.
const SAMPLES: usize = 3;

/// Turns what `--strict` minds into problems.
pub fn make_strict(report: &mut Report) {
    if report.verdict == Verdict::Failed {
        return;
    }
    let mut problems: Vec<(String, String, Vec<String>)> = Vec::new();
    if !report.paths_never_found.is_empty() {
        problems.push(("spec".to_owned(), "paths that no row had".to_owned(), report.paths_never_found.clone()));
    }
    if !report.map_keys_never_hit.is_empty() {
        problems.push(("spec".to_owned(), "map keys that no value hit".to_owned(), report.map_keys_never_hit.clone()));
    }
    for (kind, list) in &report.resources {
        if !list.unknown_values.is_empty() {
            problems.push((
                format!("resource {kind}"),
                "values that no map names".to_owned(),
                list.unknown_values.keys().cloned().collect(),
            ));
        }
    }
    for (list, what, samples) in problems {
        let count = samples.len() as u64;
        report.problems.push(Problem { list, what, spec: None, request: None, count, samples, hint: None });
    }
    if !report.problems.is_empty() {
        report.verdict = Verdict::Incomplete;
    }
}

/// The summary; `written` is the size, in words, and the path of the file, if one was written.
pub fn summary(plan: &Plan, report: &Report, written: Option<(&str, &Path)>) -> String {
    let mut text = String::new();
    table(&mut text, report);
    for problem in report.problems.iter().filter(|problem| problem.list != "sync") {
        one(&mut text, "missing", problem);
    }
    for note in &report.notes {
        one(&mut text, "note", note);
    }
    let requests = counted(report.traffic.requests, "request");
    text.push_str(&format!("\n{}: ", plan.name));
    match report.verdict {
        Verdict::Failed => {
            let stopped = report.problems.first().is_some_and(|problem| problem.what == SyncError::Stopped.to_string());
            text.push_str(&format!("{}, {requests}\n", if stopped { "STOPPED" } else { "FAILED" }));
        }
        verdict => {
            let word = if verdict == Verdict::Complete { "complete" } else { "INCOMPLETE" };
            let totals = &report.totals;
            text.push_str(&format!(
                "{word}, {}, {}, {}, {requests}\n",
                counted(totals.resources, "resource"),
                counted(totals.entitlements, "entitlement"),
                counted(totals.grants, "grant"),
            ));
        }
    }
    if let Some((size, path)) = written {
        text.push_str(&format!("{} ({size})\n", path.display()));
    }
    text
}

fn table(text: &mut String, report: &Report) {
    let mut rows: Vec<[String; 7]> =
        vec![["", "pages", "rows", "filtered", "left out", "written", "unread"].map(str::to_owned)];
    rows.extend(report.resources.iter().map(|(kind, list)| row(kind, list)));
    rows.extend(report.entitlements.iter().map(|(label, list)| row(&format!("entitlements {label}"), list)));
    rows.extend(report.grants.iter().map(|(label, list)| row(&format!("grants {label}"), list)));
    if rows.len() == 1 {
        return;
    }
    let width = rows.iter().map(|row| row.first().map_or(0, |cell| cell.chars().count())).max().unwrap_or(0);
    for row in rows {
        let [name, numbers @ ..] = row;
        text.push_str(&format!("{name:width$}"));
        for number in numbers {
            text.push_str(&format!("  {number:>8}"));
        }
        text.push('\n');
    }
}

/// A line of the table: rows are filtered by the spec, left out for a reason that is told (repeated
/// ones too), or written.
fn row(name: &str, list: &ListReport) -> [String; 7] {
    let left_out = list.dropped.values().sum::<u64>() + list.dangling + list.duplicates;
    let written = list.emitted.saturating_sub(list.dangling + list.duplicates);
    let number = |count: u64| if count == 0 { "-".to_owned() } else { count.to_string() };
    let counts = [list.pages, list.rows, list.filtered, left_out, written, list.unread];
    let [pages, rows, filtered, left_out, written, unread] = counts.map(number);
    [name.to_owned(), pages, rows, filtered, left_out, written, unread]
}

/// A number with its noun.
fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn one(text: &mut String, word: &str, problem: &Problem) {
    text.push_str(&format!("\n{word}: {}: {}", problem.list, problem.what));
    if problem.count > 1 {
        text.push_str(&format!(" ({} times)", problem.count));
    }
    text.push('\n');
    if !problem.samples.is_empty() {
        let shown: Vec<&str> = problem.samples.iter().take(SAMPLES).map(String::as_str).collect();
        let more = if problem.samples.len() > SAMPLES { ", …" } else { "" };
        text.push_str(&format!("  such as {}{more}\n", shown.join(", ")));
    }
    for (name, value) in [("request", &problem.request), ("spec", &problem.spec), ("try", &problem.hint)] {
        if let Some(value) = value {
            text.push_str(&format!("  {name}: {value}\n"));
        }
    }
}

/// What readers of version 0.7.27 of the field's SDK unpack unless they are told otherwise.
const UNPACKED_BY_ALL: u64 = 3 << 30;

/// What is to be known of a file with a database of so many bytes.
pub fn large(unpacked: u64) -> Option<String> {
    (unpacked > UNPACKED_BY_ALL).then(|| {
        format!(
            "note: unpacked, the file has {}; where a reader takes 3 GiB at most, set \
             BATON_DECODER_MAX_DECODED_SIZE_MB={} there",
            size(unpacked),
            (unpacked >> 20) + 1
        )
    })
}

/// A number of bytes in words.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_not_every_reader_unpacks_is_told() {
        assert_eq!(large(3 << 30), None);
        let note = large((3 << 30) + (5 << 20)).unwrap();
        assert!(note.contains("3077.0 MiB") && note.contains("BATON_DECODER_MAX_DECODED_SIZE_MB=3078"), "{note}");
    }
}
