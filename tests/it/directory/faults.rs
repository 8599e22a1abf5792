//! The faults that a test arms.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::Client;
use crate::support::directory::lists::{Lists, Versions};
use crate::support::directory::{Directory, Gate, TOKEN};

const PATH: &str = "/groups/7";

fn start() -> (Directory<Lists>, Client) {
    let directory = Directory::start(Lists::new().with_group(7, "Night shift", &[1]));
    let client = Client::new(&directory.url(), &[("authorization", &format!("Bearer {TOKEN}"))]);
    (directory, client)
}

fn members(members: &[u64]) -> Json {
    json!({ "group": { "members": members } })
}

#[test]
fn a_fault_answers_in_place_of_the_service_so_often() {
    let (directory, client) = start();
    let wait = json!({ "message": "wait" });
    directory.arm(directory.on("PUT", "/groups/*").after(1).times(2).answers(
        429,
        &[("retry-after", "1")],
        wait.clone(),
    ));
    directory.arm(directory.on("DELETE", PATH).always().answers(500, &[], Json::Null));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(client.ask("PUT", PATH, &members(&[2])).status);
    }
    assert_eq!((statuses, directory.outstanding()), (vec![200, 429, 429, 200], 0));
    assert_eq!(client.ask("DELETE", PATH, &Json::Null).status, 500);
    assert_eq!(client.ask("DELETE", PATH, &Json::Null).status, 500);
    directory.calm();
    assert_eq!(client.ask("DELETE", PATH, &Json::Null).status, 204);
    directory.forget();
    assert!(directory.requests().is_empty());
}

#[test]
fn answers_are_lost_after_acting_and_connections_close_before() {
    let (directory, client) = start();
    directory.arm(directory.on("PUT", PATH).loses_answer());
    assert!(client.send("PUT", PATH, &members(&[2])).is_none());
    assert_eq!(directory.state().members(7), [2]);
    directory.arm(directory.on("PUT", PATH).closes());
    assert!(client.send("PUT", PATH, &members(&[3])).is_none());
    assert_eq!(directory.state().members(7), [2]);
    directory.arm(directory.on("PUT", PATH).when(|request| request.json()["group"]["members"][0] == 4).pretends());
    assert_eq!(client.ask("PUT", PATH, &members(&[4])).json["group"]["members"], json!([4]));
    assert_eq!(directory.state().members(7), [2]);
    assert_eq!(directory.write_lines(), ["PUT /groups/7"; 3]);
    assert_eq!(directory.write_bodies()[2], members(&[4]));
}

#[test]
fn a_write_waits_until_another_was_acted_on() {
    let (directory, client) = start();
    directory.change(|lists| lists.versions = Versions::Header);
    let version = client.get(PATH).headers["etag"].clone();
    directory.arm(directory.on("PUT", PATH).waits_for("PUT", PATH));
    std::thread::scope(|scope| {
        let first = scope.spawn(|| client.with("if-match", &version).ask("PUT", PATH, &members(&[2])).status);
        while directory.writes().is_empty() {
            std::thread::yield_now();
        }
        assert_eq!(client.with("if-match", &version).ask("PUT", PATH, &members(&[3])).status, 200);
        assert_eq!(first.join().unwrap(), 412);
    });
    directory.arm(directory.on("PUT", PATH).meanwhile(|lists| lists.set_members(7, &[5, 6])).pretends());
    client.ask("PUT", PATH, &members(&[8]));
    assert_eq!(directory.state().members(7), [5, 6]);
}

#[test]
fn a_gate_holds_a_write_and_other_requests_go_on() {
    let (directory, client) = start();
    let gate = Gate::default();
    directory.arm(directory.on("PUT", PATH).waits_at(&gate));
    std::thread::scope(|scope| {
        let held = scope.spawn(|| client.ask("PUT", PATH, &members(&[2])).status);
        gate.reached_by(1);
        assert_eq!(client.get(PATH).json["group"]["members"], json!([1]));
        gate.open();
        assert_eq!(held.join().unwrap(), 200);
    });
}

#[test]
fn something_happens_and_time_passes_before_and_after_acting() {
    let (directory, client) = start();
    let seen = Arc::new(AtomicUsize::new(0));
    let (before, after) = (seen.clone(), seen.clone());
    let fault = directory.on("PUT", PATH).first(move || before.store(1, Ordering::SeqCst));
    let fault = fault.waits(Duration::from_millis(20)).stalls(Duration::from_millis(20));
    directory.arm(fault.finally(move || after.store(after.load(Ordering::SeqCst) + 1, Ordering::SeqCst)));
    let begun = Instant::now();
    client.ask("PUT", PATH, &members(&[2]));
    assert!(begun.elapsed() >= Duration::from_millis(40));
    assert_eq!(seen.load(Ordering::SeqCst), 2);
}
