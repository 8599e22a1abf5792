//! Power cuts at moments that no request marks: while pages are mapped and stored, and while the
//! file is written.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value as Json;

use crate::support::Reins;
use crate::support::atlas::{self, Desk};
use crate::support::server::Server;

/// What the report says of what was read, without times and traffic.
fn report(desk: &Desk) -> Json {
    let mut report: Json = serde_json::from_str(&desk.read("report.json").unwrap()).unwrap();
    for volatile in ["started_at", "finished_at", "resumed", "traffic"] {
        report.as_object_mut().unwrap().remove(volatile);
    }
    report
}

#[test]
fn a_sync_cut_off_while_it_stores_ends_with_the_same_file_and_the_same_report() {
    let with_report = ["--report", "report.json"];
    let peaceful = Server::start(atlas::answer);
    let undisturbed = Desk::new(peaceful.url());
    let run = undisturbed.sync().with(with_report).run();
    assert_eq!(run.status, 0, "{run}");
    let (lines, reported) = (undisturbed.read("sync.jsonl"), report(&undisturbed));
    let requests = peaceful.asked().len();

    let reins = Reins::default();
    let countdown = Arc::new(AtomicUsize::new(0));
    let (killer, left, odd) = (reins.clone(), countdown.clone(), AtomicUsize::new(0));
    let server = Server::start(move |request| {
        let answer = atlas::answer(request);
        let left = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left != Ok(1) {
            return answer;
        }
        let killer = killer.clone();
        let later = Duration::from_micros(1300 * (odd.fetch_add(1, Ordering::SeqCst) as u64 % 7));
        answer.then(move || {
            // No event marks the moment that is wanted.
            std::thread::sleep(later);
            killer.kill();
        })
    });
    let desk = Desk::new(server.url());
    let mut cut = 0;
    for k in (2..=requests).rev().step_by(4) {
        countdown.store(k, Ordering::SeqCst);
        let run = desk.sync().with(with_report).run_with(&reins);
        countdown.store(0, Ordering::SeqCst);
        assert!(matches!(run.status, -1 | 0), "after answer {k}: {run}");
        if run.status == -1 {
            cut += 1;
            let found = desk.read("sync.jsonl");
            assert!(found.is_none() || found == lines, "after answer {k}: a file of half a run");
            let run = desk.sync().with(with_report).run();
            assert_eq!(run.status, 0, "after answer {k}: {run}");
        }
        assert_eq!(desk.read("sync.jsonl"), lines, "after answer {k}");
        assert_eq!(report(&desk), reported, "after answer {k}");
        assert_eq!(desk.files(), ["report.json", "sync.jsonl"], "after answer {k}");
        std::fs::remove_file(desk.path("sync.jsonl")).unwrap();
    }
    assert!(cut > 8, "only {cut} runs were cut off");
}
