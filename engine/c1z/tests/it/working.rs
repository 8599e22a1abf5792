//! The working store: what is stored, what is resumed, what is refused.
//!
//! In: pages. Out: what the store says about them. Nothing is sealed here.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use engine_c1z::{Discarded, Form, Policy, Start, WorkingStore};
use engine_json::json;
use engine_model::{
    Dangling, Entitlement, Grant, Mark, MissingReference, Page, Resource, ResourceRef, Store as _, Tally,
};
use jiff::SignedDuration;

use crate::support::{
    at, grant, group, held, member_of, open, open_grant, open_lines, page, policy, sample, start, types, user,
};

fn mark(task: &str, state: &str) -> Mark {
    Mark { task: task.into(), key: "1".into(), state: state.into() }
}

fn tally(name: &str, add: i64) -> Tally {
    Tally { list: "resource user".into(), name: name.into(), add }
}

/// A page whose users are counted if they came before.
fn repeating(resources: Vec<Resource>) -> Page {
    Page { repeated_resources: BTreeMap::from([("user".to_owned(), tally("duplicates", 1))]), ..page(resources) }
}

fn progress(store: &mut WorkingStore) {
    store.declare(&types()).unwrap();
    for number in 0..3 {
        let scope = json!({"id": number, "name": format!("user {number}")});
        let page = Page {
            resources: vec![(user(&format!("u{number}")), Some(scope))],
            look_ups: vec![("by_login".into(), "ada".into(), format!("u{number}"))],
            marks: vec![mark("list:user:0", &format!("page {number}"))],
            tallies: vec![tally("rows", 10), tally("dropped: no id", 1)],
            ..Page::default()
        };
        store.commit(page).unwrap();
    }
}

fn assert_progress(store: &mut WorkingStore) {
    assert_eq!(store.marks().unwrap(), [mark("list:user:0", "page 2")]);
    assert_eq!(store.tallies().unwrap(), [tally("dropped: no id", 3), tally("rows", 30)]);
    assert_eq!(store.look_up("by_login", "ada").unwrap(), ["u0", "u1", "u2"]);
    let rows = store.scope_rows("user", 0, 10).unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row.scope["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["user 0", "user 1", "user 2"]);
    let rest = store.scope_rows("user", rows[0].sequence, 1).unwrap();
    assert_eq!(rest, [rows[1].clone()]);
    assert_eq!(store.scope_rows("group", 0, 10).unwrap(), []);
    assert_eq!(store.totals().unwrap()[2], ("user".to_owned(), 3, 0, 0));
}

#[test]
fn a_dropped_store_goes_on_where_it_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    let mut store = open(&target);
    assert_eq!(store.start(), &Start::Fresh);
    progress(&mut store);
    assert_progress(&mut store);
    drop(store);

    let later = Policy::new("spec 1", start() + SignedDuration::from_hours(1));
    let mut store = WorkingStore::open(&target, &later).unwrap();
    assert_eq!(store.start(), &Start::Resumed);
    assert_eq!(store.started_at(), start());
    store.declare(&types()).unwrap();
    assert_progress(&mut store);
    assert!(store.declare(&types()[..1]).is_err());
    store.commit(repeating(vec![user("u1"), user("u9")])).unwrap();
    assert_eq!(store.totals().unwrap()[2], ("user".to_owned(), 4, 0, 0));
    assert_eq!(store.tallies().unwrap()[1], tally("duplicates", 1));
}

#[test]
fn pages_of_one_transaction_are_stored_all_or_none() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(&directory.path().join("sync.c1z"));
    store.declare(&types()).unwrap();
    let marked = |state: &str, resources| Page { marks: vec![mark("list:user:0", state)], ..repeating(resources) };
    let endless = "u".repeat(10_000);
    let pages = vec![marked("page 1", vec![user("u1")]), marked("page 2", vec![user(&endless)])];
    let refused = store.commit_all(pages).unwrap_err().to_string();
    assert!(refused.contains("the id of a user"), "{refused}");
    assert_eq!(store.marks().unwrap(), []);
    assert_eq!(store.totals().unwrap()[2], ("user".to_owned(), 0, 0, 0));

    let pages = vec![marked("page 1", vec![user("u1"), user("u2")]), marked("page 2", vec![user("u2"), user("u3")])];
    store.commit_all(pages).unwrap();
    assert_eq!(store.settle().unwrap(), []);
    assert_eq!(store.tallies().unwrap(), [tally("duplicates", 1)]);
    assert_eq!(store.marks().unwrap(), [mark("list:user:0", "page 2")]);
    assert_eq!(store.totals().unwrap()[2], ("user".to_owned(), 3, 0, 0));
}

#[test]
fn what_a_killed_run_left_is_resumed() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    let mut store = open(&target);
    progress(&mut store);
    // The files as they are while the store is open: the log is not checkpointed.
    let killed = directory.path().join("killed.c1z");
    for suffix in [".partial", ".partial-wal", ".partial-ledger"] {
        let from = format!("{}{suffix}", target.display());
        fs::copy(from, format!("{}{suffix}", killed.display())).unwrap();
    }
    let mut store = open(&killed);
    assert_eq!(store.start(), &Start::Resumed);
    assert_progress(&mut store);
}

#[test]
fn a_second_run_on_the_same_target_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    let store = open(&target);
    let error = WorkingStore::open(&target, &policy()).unwrap_err();
    assert!(error.reason.contains("another run is writing"), "{error}");
    assert!(error.hint.is_some());
    drop(store);
    open(&target);
}

fn start_of(target: &Path, policy: &Policy) -> Start {
    WorkingStore::open(target, policy).unwrap().start().clone()
}

#[test]
fn a_run_that_does_not_fit_is_started_anew_and_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    progress(&mut open(&target));
    assert_eq!(start_of(&target, &policy()), Start::Resumed);

    let other = Policy::new("spec 2", start());
    assert_eq!(start_of(&target, &other), Start::Anew(Discarded::OtherFingerprint));
    assert_eq!(start_of(&target, &other), Start::Resumed);

    let old = Policy::new("spec 2", start() + SignedDuration::from_hours(24));
    let started_at = start();
    assert_eq!(start_of(&target, &old), Start::Anew(Discarded::TooOld { started_at }));

    let asked = Policy { resume: false, ..old };
    assert_eq!(start_of(&target, &asked), Start::Anew(Discarded::Asked));

    let lines = Policy { resume: true, form: Form::JsonLines, ..asked };
    assert_eq!(start_of(&target, &lines), Start::Anew(Discarded::OtherForm));
    assert_eq!(start_of(&target, &lines), Start::Resumed);

    let path = format!("{}.partial", target.display());
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    assert_eq!(start_of(&target, &policy()), Start::Anew(Discarded::OtherLayout));
    assert_eq!(open(&target).marks().unwrap(), []);
}

#[test]
fn a_damaged_working_file_is_set_aside() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    let partial = directory.path().join("sync.c1z.partial");
    for content in [
        &b"not a database, but long enough to be looked at as one ................................................"[..],
        b"short",
    ] {
        fs::write(&partial, content).unwrap();
        let Start::Anew(Discarded::Damaged { kept_as, .. }) = start_of(&target, &policy()) else {
            panic!("it was used");
        };
        assert_eq!(fs::read(&kept_as).unwrap(), content);
        fs::remove_file(&partial).unwrap();
    }
    let foreign = rusqlite::Connection::open(&partial).unwrap();
    foreign.execute_batch("create table precious (x)").unwrap();
    drop(foreign);
    assert!(matches!(start_of(&target, &policy()), Start::Anew(Discarded::Damaged { .. })));
    fs::write(&partial, []).unwrap();
    assert_eq!(start_of(&target, &policy()), Start::Fresh);
}

#[test]
fn a_run_whose_records_are_damaged_is_set_aside() {
    let ledger = |directory: &Path| directory.join("sync.c1z.partial-ledger");
    let damages: [&dyn Fn(&Path); 3] = [
        &|ledger| fs::remove_file(ledger).unwrap(),
        &|ledger| fs::write(ledger, &fs::read(ledger).unwrap()[1..]).unwrap(),
        &|ledger| {
            let mut bytes = fs::read(ledger).unwrap();
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            fs::write(ledger, bytes).unwrap();
        },
    ];
    for damage in damages {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("sync.c1z");
        progress(&mut open(&target));
        // What was never stored goes unnoticed.
        let mut bytes = fs::read(ledger(directory.path())).unwrap();
        bytes.extend_from_slice(b"half of a batch");
        fs::write(ledger(directory.path()), bytes).unwrap();
        assert_eq!(start_of(&target, &policy()), Start::Resumed);

        damage(&ledger(directory.path()));
        let records = fs::read(ledger(directory.path())).ok();
        let Start::Anew(Discarded::Damaged { reason, kept_as }) = start_of(&target, &policy()) else {
            panic!("it was used");
        };
        assert!(reason.contains("records"), "{reason}");
        assert!(kept_as.exists());
        assert_eq!(fs::read(directory.path().join("sync.c1z.partial.damaged-ledger")).ok(), records);
        assert_eq!(open(&target).marks().unwrap(), []);
    }
}

#[test]
fn a_missing_directory_is_a_clear_error() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("absent/sync.c1z");
    let error = WorkingStore::open(&target, &policy()).unwrap_err();
    assert!(error.hint.unwrap().contains("must exist"), "{}", error.reason);
}

#[cfg(unix)]
#[test]
fn working_files_are_private_and_go_on_request() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    let store = sample(&target);
    let mut seen = 0;
    for entry in fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
        seen += 1;
    }
    assert!(seen >= 2);
    store.remove().unwrap();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn the_first_of_equal_ids_stays_and_repetitions_are_counted() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(&directory.path().join("sync.c1z"));
    store.declare(&types()).unwrap();
    let mut other = member_of("g1");
    other.display_name = "other".into();
    store
        .commit(Page {
            entitlements: vec![member_of("g1"), member_of("g1"), other],
            grants: vec![
                grant("g1", "user", "u1"),
                Grant { rule: 4, ..grant("g1", "user", "u1") },
                open_grant("g1", &["user", "group"], "u1"),
                open_grant("g1", &["user", "group"], "u1"),
            ]
            .into(),
            repeated_grants: Some(tally("duplicate grants", 1)),
            conflicting_entitlements: Some(tally("conflicts", 1)),
            ..repeating(vec![user("u1"), user("u1"), group("g1")])
        })
        .unwrap();
    let repeated = [tally("conflicts", 1), tally("duplicate grants", 2), tally("duplicates", 1)];
    assert_eq!(store.tallies().unwrap(), []);
    assert_eq!(store.settle().unwrap(), []);
    assert_eq!(store.tallies().unwrap(), repeated);
    // What settles on the same grant is one grant.
    assert_eq!(store.totals().unwrap()[0], ("group".to_owned(), 1, 1, 1));
}

#[test]
fn of_equal_ids_the_lower_rank_stays_whichever_came_first() {
    let named = |id: &str, name: &str| Resource { display_name: name.to_owned(), ..user(id) };
    let page_of = |rank: &str, name: &str| Page {
        rank: rank.to_owned(),
        resources: vec![(named("u", name), Some(json!({ "name": name })))],
        entitlements: vec![Entitlement { display_name: name.to_owned(), ..member_of("g") }],
        grants: vec![Grant { rule: if name == "one" { 1 } else { 2 }, ..grant("g", "user", "u") }].into(),
        ..Page::default()
    };
    let (first, second) = (page_of("0000 org:a", "one"), page_of("0000 org:b", "two"));
    let again = page_of("0000 org:a", "three");
    let (late_first, late_second) = (page_of("0000 org:a", "one"), page_of("0000 org:b", "two"));
    for pages in [[first, second], [late_second, late_first]] {
        let directory = tempfile::tempdir().unwrap();
        let mut store = open_lines(&directory.path().join("sync.jsonl"));
        store.declare(&types()).unwrap();
        pages.into_iter().for_each(|page| store.commit(page).unwrap());
        assert_eq!(store.totals().unwrap()[2], ("user".to_owned(), 1, 0, 0));
        let scopes = store.scope_rows("user", 0, 10).unwrap();
        assert_eq!(scopes.len(), 1);
        assert_eq!(scopes[0].scope, json!({ "name": "one" }));
        let mut lines = Vec::new();
        store.write_lines(&mut lines, false).unwrap();
        let lines = String::from_utf8(lines).unwrap();
        assert_eq!(lines.matches("\"one\"").count(), 2, "{lines}");
        assert!(!lines.contains("two"), "{lines}");
    }
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(&directory.path().join("sync.c1z"));
    store.declare(&types()).unwrap();
    store.commit(page_of("0000 org:a", "one")).unwrap();
    // Pages of one list come in its own order: there the first one stays.
    store.commit(again).unwrap();
    assert_eq!(store.scope_rows("user", 0, 10).unwrap()[0].scope, json!({ "name": "one" }));
}

#[test]
fn a_page_with_a_bad_record_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(&directory.path().join("sync.c1z"));
    store.declare(&types()).unwrap();
    let long = "x".repeat(1025);
    for bad in [user(&long), user(""), Resource { id: ResourceRef::new("team", "t"), ..user("t") }] {
        let page = Page { marks: vec![mark("list", "1")], ..page(vec![user("good"), bad]) };
        assert!(store.commit(page).is_err());
    }
    let error = store.commit(page(vec![user(&long)])).unwrap_err();
    assert!(error.reason.contains("`xxx"), "{error}");
    let wide = Page { grants: vec![grant(&"g".repeat(600), "user", &"u".repeat(600))].into(), ..Page::default() };
    assert!(store.commit(wide).unwrap_err().reason.contains("the id of a grant"));
    assert_eq!(store.marks().unwrap(), []);
    assert_eq!(store.totals().unwrap()[2], ("user".to_owned(), 0, 0, 0));
}

#[test]
fn a_type_id_with_a_colon_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(&directory.path().join("sync.c1z"));
    let bad = crate::support::resource_type("a:b", None, false);
    assert!(store.declare(&[bad]).unwrap_err().reason.contains("colon"));
}

#[test]
fn candidates_settle_on_the_first_type_that_has_the_id_and_again_when_more_came() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("sync.c1z");
    let mut store = open_lines(&target);
    store.declare(&types()).unwrap();
    store
        .commit(Page {
            entitlements: vec![member_of("g1")],
            grants: vec![
                open_grant("g1", &["user", "group"], "g1"),
                open_grant("g1", &["user", "group"], "later"),
                Grant { rule: 3, missing: MissingReference::Drop, ..grant("g1", "user", "gone") },
                Grant { rule: 2, ..grant("g9", "group", "g1") },
            ]
            .into(),
            ..page(vec![group("g1")])
        })
        .unwrap();
    let dangling = |rule, expected, principal_missing, sample: &str| Dangling {
        rule,
        expected,
        principal_missing,
        count: 1,
        samples: vec![sample.to_owned()],
    };
    assert_eq!(
        store.settle().unwrap(),
        [
            dangling(0, false, true, "user|group:later"),
            dangling(2, false, false, "group:g9:member"),
            dangling(3, true, true, "user:gone"),
        ]
    );
    assert_eq!(store.totals().unwrap()[0], ("group".to_owned(), 1, 1, 1));

    store
        .commit(Page {
            entitlements: vec![member_of("g9")],
            ..page(vec![user("later"), user("g1"), user("gone"), group("g9")])
        })
        .unwrap();
    assert_eq!(store.settle().unwrap(), []);
    assert_eq!(store.totals().unwrap()[0], ("group".to_owned(), 2, 2, 4));
    drop(store);

    // The user is the first candidate, so the grant moved from the group to it.
    let mut lines = Vec::new();
    open_lines(&target).write_lines(&mut lines, false).unwrap();
    let lines = String::from_utf8(lines).unwrap();
    assert!(lines.contains("\"group:g1:member:user:g1\""), "{lines}");
    assert!(!lines.contains("\"group:g1:member:group:g1\""), "{lines}");
}

#[test]
fn dangling_samples_are_the_smallest_five() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(&directory.path().join("sync.c1z"));
    store.declare(&types()).unwrap();
    let grants = (10..30).rev().map(|number| grant("g1", "user", &format!("u{number}"))).collect();
    store.commit(Page { entitlements: vec![member_of("g1")], grants, ..page(vec![group("g1")]) }).unwrap();
    let dangling = store.settle().unwrap();
    assert_eq!(dangling[0].count, 20);
    assert_eq!(dangling[0].samples, ["user:u10", "user:u11", "user:u12", "user:u13", "user:u14"]);
}

#[test]
fn missing_parents_are_reported() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(&directory.path().join("sync.c1z"));
    store.declare(&types()).unwrap();
    let below = |id: &str, parent: &str| Resource { parent: Some(ResourceRef::new("group", parent)), ..group(id) };
    store.commit(page(vec![group("g1"), below("g2", "g1"), below("g3", "gone")])).unwrap();
    let missing = store.missing_parents().unwrap();
    assert_eq!(missing.len(), 1);
    assert_eq!((missing[0].resource_type.as_str(), missing[0].count), ("group", 1));
    assert_eq!(missing[0].samples, ["group:gone"]);
}

#[test]
fn an_entitlement_is_known_by_all_parts_of_its_id() {
    assert_eq!(held("g:1").to_string(), "group:g:1:member");
    assert_eq!(at("2026-11-21T20:45:43.650583Z"), start());
}
