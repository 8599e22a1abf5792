//! The audit file: who sent what and what came of it, one JSON object a line; and the outcome as one
//! object for programs.

use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value as Json, json};

use super::desk::{Desk, assert_says, ended};
use crate::support::directory::lists::Lists;
use crate::support::directory::{Directory, TOKEN};

const GRANT: &str = "grant group:7:member user:2";
const REVOKE: &str = "revoke group:7:member user:2";

fn start() -> (Directory<Lists>, Desk) {
    let directory = Directory::start(Lists::new().with_user(2, "Bob").with_group(7, "Night shift", &[1]));
    let desk = Desk::roster("", &directory).knowing("USER", "ada");
    (directory, desk)
}

fn lines(desk: &Desk) -> Vec<Json> {
    let text = std::fs::read_to_string(desk.path("audit.jsonl")).unwrap();
    assert!(text.ends_with('\n'), "{text}");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
}

fn events(lines: &[Json]) -> Vec<&str> {
    lines.iter().map(|line| line["event"].as_str().unwrap()).collect()
}

#[test]
fn each_request_and_each_outcome_is_a_line() {
    let (directory, desk) = start();
    for (line, word) in [(GRANT, "done"), (GRANT, "already"), (REVOKE, "done")] {
        let run = desk.does(&format!("{line} --audit audit.jsonl"));
        assert_eq!(ended(&run), (word, 0), "{run}");
    }
    let lines = lines(&desk);
    assert_eq!(events(&lines), ["sending", "ended", "ended", "sending", "ended"]);
    for line in &lines {
        assert!(line["at"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{line}");
        assert!(line["who"].as_str().unwrap().starts_with("ada@"), "{line}");
        assert_eq!((&line["spec"], line["spec_digest"].as_str().unwrap().is_empty()), (&json!("roster"), false));
    }
    assert_eq!(lines[0]["operation"], "grant group:7:member to user:2");
    let request = &lines[0]["request"];
    assert_eq!((&request["method"], &request["url"]), (&json!("PUT"), &json!(format!("{}/groups/7", directory.url()))));
    assert!(request["body"].as_str().unwrap().contains("\"members\":[1,2]"), "{request}");
    assert_eq!((&lines[1]["outcome"], &lines[1]["verified"]), (&json!("done"), &json!(true)));
    assert_eq!(lines[1]["requests"][0]["status"], 200);
    assert_eq!(lines[2]["outcome"], "already");
    assert!(!std::fs::read_to_string(desk.path("audit.jsonl")).unwrap().contains(TOKEN));
}

#[cfg(unix)]
#[test]
fn the_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_directory, desk) = start();
    desk.does(&format!("{GRANT} --audit audit.jsonl"));
    let mode = std::fs::metadata(desk.path("audit.jsonl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_line_is_written_before_its_request_is_sent() {
    let (directory, desk) = start();
    let seen: Arc<Mutex<String>> = Arc::default();
    let (file, before) = (desk.path("audit.jsonl"), seen.clone());
    let look = move || *before.lock().unwrap() = std::fs::read_to_string(&file).unwrap_or_default();
    directory.arm(directory.on("PUT", "/groups/7").first(look));
    desk.does(&format!("{GRANT} --audit audit.jsonl"));
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen.lines().count(), 1, "{seen}");
    assert!(seen.contains("\"event\":\"sending\""), "{seen}");
}

#[test]
fn failures_and_repetitions_are_written_down_too() {
    let (directory, desk) = start();
    directory.arm(directory.on("PUT", "/groups/7").answers(422, &[], json!({ "error": { "message": "no" } })));
    let run = desk.does(&format!("{GRANT} --audit audit.jsonl"));
    assert_eq!(ended(&run), ("failed", 1), "{run}");
    directory.arm(directory.on("PUT", "/groups/7").closes());
    let run = desk.does(&format!("{GRANT} --audit audit.jsonl"));
    assert_eq!(ended(&run), ("done", 0), "{run}");
    let lines = lines(&desk);
    assert_eq!(events(&lines), ["sending", "ended", "sending", "sending", "ended"]);
    assert_eq!((&lines[1]["outcome"], &lines[1]["vendor"]["status"]), (&json!("failed"), &json!(422)));
}

#[test]
fn a_plan_is_not_written_down() {
    let (_directory, desk) = start();
    let run = desk.run(&format!("{GRANT} --plan --audit audit.jsonl"));
    assert_eq!(run.status, 0, "{run}");
    assert_eq!(std::fs::read_to_string(desk.path("audit.jsonl")).unwrap_or_default(), "");
}

#[test]
fn what_cannot_be_written_down_is_not_sent() {
    let (directory, desk) = start();
    std::fs::create_dir(desk.path("folder")).unwrap();
    for path in ["folder", "missing/audit.jsonl"] {
        let run = desk.does(&format!("{GRANT} --audit {path}"));
        assert_eq!((run.stdout.as_str(), run.status), ("", 2), "{run}");
        assert_says(&run, &["cannot write the audit log", path]);
    }
    assert!(directory.requests().is_empty());
    if cfg!(target_os = "linux") {
        let run = desk.does(&format!("{GRANT} --audit /dev/full"));
        assert_eq!(ended(&run), ("failed", 1), "{run}");
        assert_says(&run, &["nothing was sent, because the audit log could not be written"]);
        assert!(directory.writes().is_empty());
    }
}

#[test]
fn two_processes_share_a_file() {
    let (_directory, desk) = start();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for line in [GRANT, REVOKE] {
                    desk.does(&format!("{line} --audit audit.jsonl"));
                }
            });
        }
    });
    assert_eq!(events(&lines(&desk)).iter().filter(|event| **event == "ended").count(), 4);
}

#[test]
fn an_outcome_is_one_object_for_programs() {
    let (directory, desk) = start();
    let told = |line: &str, status: i32| {
        let run = desk.does(&format!("{line} -o json"));
        assert_eq!(run.status, status, "{run}");
        serde_json::from_str::<Json>(&run.stdout).unwrap_or_else(|_| panic!("no JSON: {run}"))
    };
    let done = told(GRANT, 0);
    assert_eq!((&done["operation"], &done["outcome"]), (&json!("grant group:7:member to user:2"), &json!("done")));
    assert_eq!((&done["verified"], &done["requests"][0]["status"]), (&json!(true), &json!(200)));
    let already = told(GRANT, 0);
    assert_eq!((&already["outcome"], &already["requests"]), (&json!("already"), &Json::Null));
    let made = told("account create --type group --input name=Watch", 0);
    assert_eq!(made["resource"], json!({ "type": "group", "id": "9001", "display_name": "Watch" }));
    directory.arm(directory.on("PUT", "/groups/7").answers(422, &[], json!({ "error": { "code": "locked" } })));
    let failed = told(REVOKE, 1);
    assert_eq!(
        (&failed["outcome"], &failed["vendor"]),
        (&json!("failed"), &json!({ "status": 422, "code": "locked" }))
    );
    let misused = told("account disable group:7", 2);
    assert_eq!(misused["outcome"], "failed");
    assert!(misused["hint"].is_string(), "{misused}");
}
