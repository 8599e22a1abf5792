//! Files and folders that are not as they should be.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use crate::support::Reins;
use crate::support::atlas::{self, Desk};
use crate::support::server::{Answer, Server};

const GOOD: &str = "the good file of yesterday\n";

#[test]
fn a_target_that_cannot_be_written_is_told_before_anything_is_asked() {
    let server = Server::start(atlas::answer);
    let desk = Desk::new(server.url());
    desk.write("file", "");
    std::fs::create_dir(desk.path("folder")).unwrap();
    for target in ["file/sync.jsonl", "no/such/folder/sync.jsonl", "/proc/sync.jsonl", "folder", "."] {
        let run = desk.sync().with(["--file", target]).run();
        assert_eq!(run.status, 1, "{target}: {run}");
        assert!(run.stderr.starts_with("error: "), "{target}: {run}");
        assert!(run.stderr.contains(target) || target == ".", "{target}: {run}");
        assert!(run.stderr.contains("hint: "), "{target}: {run}");
        assert_eq!(server.asked().len(), 0, "{target}: the vendor was asked in vain");
        assert_eq!(desk.files(), ["file", "folder"], "{target}: something is left behind");
    }
}

#[test]
fn a_report_that_cannot_be_written_is_told_and_the_file_is_there() {
    let server = Server::start(atlas::answer);
    let desk = Desk::new(server.url());
    let run = desk.sync().with(["--report", "no/such/folder/report.json"]).run();
    assert_eq!(run.status, 1, "{run}");
    assert!(run.stderr.contains("cannot write no/such/folder/report.json"), "{run}");
    assert!(run.stdout.contains("Atlas: complete"), "{run}");
    assert_eq!(desk.files(), ["sync.jsonl"]);
}

#[test]
fn an_incomplete_sync_writes_beside_the_good_file() {
    let closed = Arc::new(AtomicBool::new(true));
    let state = closed.clone();
    let server = Server::start(move |request| match request.path.as_str() {
        "/teams/t7/members" if state.load(Ordering::SeqCst) => {
            Answer::json(&serde_json::json!({ "message": "t7 is secret" })).status(404)
        }
        _ => atlas::answer(request),
    });
    let desk = Desk::new(server.url());
    desk.write("sync.jsonl", GOOD);
    let run = desk.sync().run();
    assert_eq!(run.status, 3, "{run}");
    assert!(run.stdout.contains("Atlas: INCOMPLETE"), "{run}");
    assert!(run.stdout.contains("team:t7: t7 is secret"), "{run}");
    assert!(run.stdout.contains("sync.incomplete.jsonl"), "{run}");
    assert!(run.stderr.contains("sync.jsonl is left as it was"), "{run}");
    assert!(run.stderr.contains("the same command asks again for what could not be read"), "{run}");
    assert_eq!(desk.read("sync.jsonl").as_deref(), Some(GOOD));
    assert_eq!(
        desk.files(),
        ["sync.incomplete.jsonl", "sync.jsonl", "sync.jsonl.partial", "sync.jsonl.partial-ledger"]
    );
    closed.store(false, Ordering::SeqCst);
    let before = server.asked().len();
    let lines = desk.complete();
    let again: Vec<String> = server.asked()[before..].iter().map(|request| request.path.clone()).collect();
    assert_eq!(again, ["/me", "/teams/t7/members", "/teams/t7/members"]);
    let undisturbed = Desk::new(server.url());
    assert_eq!(lines, undisturbed.complete());
}

#[test]
fn a_second_run_on_the_same_file_is_turned_away_and_the_first_goes_on() {
    let (arrived, has_arrived) = mpsc::channel();
    let (go, may_go) = mpsc::channel::<()>();
    let may_go = std::sync::Mutex::new(may_go);
    let server = Server::start(move |request| {
        // The first run waits in the middle of its work until the second one is through.
        if request.path == "/users" && request.query.get("cursor").is_some_and(|cursor| cursor == "after-5") {
            arrived.send(()).unwrap();
            may_go.lock().unwrap().recv().unwrap();
        }
        atlas::answer(request)
    });
    let desk = Desk::new(server.url());
    let first = desk.sync();
    let first = std::thread::spawn(move || first.run_with(&Reins::default()));
    has_arrived.recv().unwrap();
    let before = server.asked().iter().filter(|request| request.path == "/me").count();
    let second = desk.sync().run();
    assert_eq!(second.status, 1, "{second}");
    assert!(second.stderr.contains("another run is writing sync.jsonl"), "{second}");
    assert!(second.stderr.contains("wait until it ends, or write to another file"), "{second}");
    assert_eq!(server.asked().iter().filter(|request| request.path == "/me").count(), before);
    go.send(()).unwrap();
    let first = first.join().unwrap();
    assert_eq!(first.status, 0, "{first}");
    assert_eq!(desk.files(), ["sync.jsonl"]);
}

#[test]
fn a_partial_file_that_cannot_be_read_is_kept_and_the_sync_begins_anew() {
    let server = Server::start(atlas::answer);
    let desk = Desk::new(server.url());
    desk.write("sync.jsonl.partial", &"no database of ours\n".repeat(500));
    let run = desk.sync().run();
    assert_eq!(run.status, 0, "{run}");
    assert!(run.stderr.contains("the stopped run cannot be read"), "{run}");
    assert!(run.stderr.contains("it is kept as sync.jsonl.partial.damaged; beginning anew"), "{run}");
    assert_eq!(desk.files(), ["sync.jsonl", "sync.jsonl.partial.damaged"]);
    assert!(desk.read("sync.jsonl.partial.damaged").unwrap().starts_with("no database"));
}

#[test]
fn a_file_to_look_into_that_is_no_sync_file_is_told() {
    let server = Server::start(atlas::answer);
    let desk = Desk::new(server.url());
    desk.write("sync.c1z", "no sync file");
    for command in ["resources", "entitlements", "grants"] {
        let run = crate::support::engine([command]).within(desk.folder()).run();
        assert_ne!(run.status, 0, "{run}");
        assert!(run.stderr.contains("sync.c1z"), "{run}");
        let run = crate::support::engine([command, "--file", "nowhere.c1z"]).within(desk.folder()).run();
        assert_ne!(run.status, 0, "{run}");
        assert!(run.stderr.contains("nowhere.c1z"), "{run}");
    }
}

#[cfg(unix)]
#[test]
fn files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let server = Server::start(|request| match request.path.as_str() {
        "/teams/t7/members" => Answer::json(&serde_json::json!({})).status(404),
        _ => atlas::answer(request),
    });
    let desk = Desk::new(server.url());
    // A file that all may read does not hand that on.
    desk.write("sync.incomplete.jsonl", "");
    std::fs::set_permissions(desk.path("sync.incomplete.jsonl"), PermissionsExt::from_mode(0o644)).unwrap();
    assert_eq!(desk.sync().run().status, 3);
    for name in desk.files() {
        assert_eq!(mode(&desk.path(&name)), 0o600, "{name}");
    }
    let server = Server::start(atlas::answer);
    let desk = Desk::new(server.url());
    let run = desk.sync_to("c1z").run();
    assert_eq!(run.status, 0, "{run}");
    assert_eq!(mode(&desk.path("sync.c1z")), 0o600);
}
