//! `engine diff`: what changed between two files, as users and programs read it.

use std::path::Path;
use std::sync::LazyLock;

use serde_json::Value as Json;

use crate::cli::assert_says;
use crate::support::{Run, engine, folder, root};

/// What happened between two syncs: one leaves a team's lead, one joins it, an account is replaced
/// and another gets a new address.
const LATER: [(&str, &str); 4] = [
    ("role: Team Manager", "role: Team Member"),
    ("already_deleted, ", "brisk_juniper, "),
    ("founder@", "fiona@"),
    ("blank_names", "azure_ibis"),
];

/// A folder with `old.c1z`, `again.c1z` of the same vendor, and `new.c1z`; made once for all tests.
fn files() -> &'static Path {
    static PLACE: LazyLock<tempfile::TempDir> = LazyLock::new(made);
    PLACE.path()
}

fn made() -> tempfile::TempDir {
    let place = folder();
    let case = std::fs::read_to_string(root().join("tests/vendors/fivetran/main.yaml")).unwrap();
    let later = LATER.iter().fold(case.clone(), |case, (from, to)| {
        assert!(case.contains(from), "{from}");
        case.replace(from, to)
    });
    for (name, case) in [("old", &case), ("again", &case), ("new", &later)] {
        let path = place.path().join(format!("{name}.yaml"));
        std::fs::write(&path, case).unwrap();
        let simulate = format!("--simulate={}", path.display());
        let file = place.path().join(format!("{name}.c1z"));
        let run = engine(["sync", "--spec", "specs/fivetran.yaml", "--expand", &simulate, "--file"]).with([file]).run();
        assert_eq!(run.status, 0, "{run}");
    }
    place
}

fn diff(place: &Path, arguments: &[&str]) -> Run {
    engine(["diff"]).with(arguments).within(place).run()
}

fn rows(run: &Run) -> Vec<Json> {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"))
}

/// Sign, kind and id of every row.
fn told(rows: &[Json]) -> Vec<String> {
    let text = |row: &Json, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    rows.iter().map(|row| format!("{} {} {}", text(row, "change"), text(row, "kind"), text(row, "id"))).collect()
}

#[test]
fn differences_are_shown_as_tables_json_and_csv() {
    let place = files();
    for output in ["table", "json", "csv"] {
        let run = diff(place, &["old.c1z", "new.c1z", "--output", output]);
        assert_eq!(run.status, 1, "{run}");
        assert_says(&format!("diff-{output}"), &run);
    }
}

#[test]
fn two_syncs_of_the_same_have_no_difference() {
    let place = files();
    for (output, nothing) in [("table", ""), ("json", "[]\n")] {
        let run = diff(place, &["old.c1z", "again.c1z", "-o", output]);
        assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (0, nothing, ""), "{run}");
    }
}

#[test]
fn what_was_added_the_other_way_round_is_removed() {
    let place = files();
    let there = rows(&diff(place, &["old.c1z", "new.c1z", "-o", "json"]));
    let back = diff(place, &["new.c1z", "old.c1z", "-o", "json"]);
    let turned = |line: &String| match line.split_once(' ') {
        Some(("added", of)) => format!("removed {of}"),
        Some(("removed", of)) => format!("added {of}"),
        _ => line.clone(),
    };
    assert_eq!(told(&there).iter().map(turned).collect::<Vec<_>>(), told(&rows(&back)));
    assert!(back.stderr.is_empty() || back.says("OLD ended after that of NEW"), "{back}");
}

#[test]
fn filters_and_ignored_keys_leave_out_what_was_not_asked_for() {
    let place = files();
    let shown = |flags: &[&str]| {
        let run = diff(place, &[&["old.c1z", "new.c1z", "-o", "json"], flags].concat());
        (run.status, told(&rows(&run)))
    };
    let of_teams = [
        "removed grant team:cherished_ledger:manager:account:patient_heron",
        "added grant team:cherished_ledger:member:account:brisk_juniper",
        "added grant team:cherished_ledger:member:account:patient_heron",
    ];
    assert_eq!(shown(&["-t", "team"]), (1, of_teams.map(str::to_owned).to_vec()));
    let gained = [
        "added grant group:projected_sickle:member:account:brisk_juniper",
        "added grant team:cherished_ledger:member:account:brisk_juniper",
    ];
    let of_omar = ["-p", "account:brisk_juniper", "--ignore", "sources"];
    assert_eq!(shown(&of_omar), (1, gained.map(str::to_owned).to_vec()));
    assert_eq!(shown(&[&of_omar[..], &["-t", "team"]].concat()).1, [of_teams[1]]);
    assert_eq!(shown(&["-p", "account:azure_ibis"]), (0, Vec::new()));
    let (_, without) = shown(&["--ignore", "emails", "--ignore", "login"]);
    assert!(without.iter().any(|line| line.starts_with("added resource")), "{without:?}");
    assert!(!without.iter().any(|line| line.starts_with("changed resource")), "{without:?}");
}

#[test]
fn what_cannot_be_compared_is_told_and_is_no_difference() {
    let place = files();
    std::fs::write(place.join("text.c1z"), "no sync file").unwrap();
    let refused: [(&[&str], &str); 7] = [
        (&["old.c1z", "nowhere.c1z"], "nowhere.c1z: there is no such file"),
        (&["text.c1z", "new.c1z"], "text.c1z: not a .c1z file"),
        (&["old.c1z", "./old.c1z"], "there is nothing to compare it with"),
        (&["old.c1z", "new.c1z", "--old-sync-id", "none"], "old.c1z: there is no sync none in it"),
        (&["old.c1z", "new.c1z", "-t", "acount"], "did you mean `account`?"),
        (&["old.c1z", "new.c1z", "-p", "account:omar"], "there is no resource `account:omar`"),
        (&["old.c1z"], "<NEW>"),
    ];
    for (arguments, said) in refused {
        let run = diff(place, arguments);
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{run}");
        assert!(run.says(said), "{said}: {run}");
    }
}

#[test]
fn a_sync_is_chosen_by_its_id() {
    let place = files();
    let listed = diff(place, &["old.c1z", "new.c1z", "--new-sync-id", "none"]);
    let id = listed.stderr.split("the file has ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap().to_owned();
    let run = diff(place, &["old.c1z", "new.c1z", "--new-sync-id", &id]);
    assert_eq!(run.status, 1, "{run}");
    assert!(run.says("gained"), "{run}");
}

#[test]
fn a_reader_that_goes_away_ends_the_output_without_a_word() {
    let place = files();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let run = engine(["diff", "old.c1z", "new.c1z", "-o", "csv"]).within(place).run_into(writer);
    assert_eq!((run.stderr.as_str(), run.status), ("", 1));
}
