//! `engine export`: what a file holds, for other programs.

use std::fs;

use crate::support::{engine, folder, root};

/// A folder with a sync of a spec's first case.
fn synced() -> tempfile::TempDir {
    let place = folder();
    let spec = root().join("specs/fivetran.yaml");
    for arguments in [["-f", "sync.c1z", "--format", "c1z"], ["-f", "sync.jsonl", "--format", "jsonl"]] {
        let sync = engine(["sync", "--spec", spec.to_str().unwrap(), "--simulate", "--expand"]);
        assert_eq!(sync.with(arguments).within(place.path()).run().status, 0);
    }
    place
}

#[test]
fn json_lines_are_those_that_a_sync_writes() {
    let place = synced();
    let written = fs::read_to_string(place.path().join("sync.jsonl")).unwrap();
    assert!(written.lines().count() > 20);
    let to_stdout = engine(["export"]).within(place.path()).run();
    assert_eq!((to_stdout.status, to_stdout.stdout.as_str()), (0, written.as_str()));
    let to_file = engine(["export", "--out", "copy.jsonl"]).within(place.path()).run();
    assert_eq!((to_file.status, to_file.stdout.as_str(), to_file.stderr.as_str()), (0, "", ""));
    assert_eq!(fs::read_to_string(place.path().join("copy.jsonl")).unwrap(), written);
}

#[test]
fn a_folder_of_csv_holds_what_the_lists_show() {
    let place = synced();
    let run = engine(["export", "-o", "csv", "--out", "out/access"]).within(place.path()).run();
    assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (0, "", ""));
    let folder = place.path().join("out/access");
    for kind in ["resources", "entitlements", "grants"] {
        let listed = engine([kind, "-o", "csv"]).within(place.path()).run();
        assert_eq!(fs::read_to_string(folder.join(format!("{kind}.csv"))).unwrap(), listed.stdout, "{kind}");
    }
    let types = fs::read_to_string(folder.join("resource_types.csv")).unwrap();
    assert!(
        types.starts_with("id,display_name,description,traits,has_entitlements,children\naccount,Account,"),
        "{types}"
    );
}

#[cfg(unix)]
#[test]
fn files_are_for_their_owner_only_and_replaced_as_a_whole() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = synced();
    let (file, other) = (place.path().join("copy.jsonl"), place.path().join("other"));
    fs::write(&other, "another file").unwrap();
    std::os::unix::fs::symlink(&other, &file).unwrap();
    assert_eq!(engine(["export", "--out", "copy.jsonl"]).within(place.path()).run().status, 0);
    let there = fs::symlink_metadata(&file).unwrap();
    assert!(there.is_file());
    assert_eq!(there.permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_to_string(other).unwrap(), "another file");
}

#[test]
fn what_cannot_be_read_or_written_is_told_and_nothing_is_left() {
    let place = synced();
    fs::write(place.path().join("taken"), "a file").unwrap();
    let fails = |arguments: &[&str], status: i32, says: &str| {
        let run = engine(["export"]).with(arguments).within(place.path()).run();
        assert_eq!(run.status, status, "{}", run.stderr);
        assert!(run.stderr.contains(says), "{}", run.stderr);
    };
    fails(&["-o", "csv"], 2, "--out <FILE|DIR>");
    fails(&["-o", "csv", "--out", "taken"], 1, "cannot write taken: ");
    fails(&["--out", "."], 1, "cannot write .: ");
    fails(&["--out", "no/such/file"], 1, "cannot write no/such/file: No such file or directory");
    fails(&["-f", "none.c1z"], 1, "none.c1z: there is no such file");
    fails(&["-f", "taken", "--out", "copy.jsonl"], 1, "taken: not a .c1z file");
    fails(&["--out", "sync.c1z"], 2, "sync.c1z is the file that is exported");
    fs::create_dir_all(place.path().join("folder/grants.csv")).unwrap();
    fails(&["-o", "csv", "--out", "folder"], 1, "cannot write folder/grants.csv: is a directory");
    assert_eq!(fs::read_dir(place.path().join("folder")).unwrap().count(), 1);
    fs::remove_dir_all(place.path().join("folder")).unwrap();
    fails(&["--max-unpacked", "0"], 1, "sync.c1z: unpacked, it has more than 0 MiB\nhint: raise `--max-unpacked`");
    fails(&["--sync-id", "none", "--out", "copy.jsonl"], 2, "there is no sync none in it");
    let left = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut left: Vec<String> = left.collect();
    left.sort();
    assert_eq!(left, ["sync.c1z", "sync.jsonl", "taken"]);
}
