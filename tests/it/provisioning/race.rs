//! Two writers of one document: whoever is too late reads again, so that nobody is lost.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::desk::{Desk, assert_ends, assert_says, ended};
use crate::support::directory::lists::{Lists, Versions};
use crate::support::directory::scim::{Dialect, Ops, Removal, Scim};
use crate::support::directory::{Directory, Gate, Service, TOKEN};

const HEADER: &str = "version: { of: { header: ETag }, send: { header: If-Match } }";
const FIELD: &str = "version: { of: { field: $.version } }";

fn start(versions: Versions) -> Directory<Lists> {
    let lists = Lists::new().with_user(1, "Ada").with_user(2, "Bob").with_user(3, "Cy");
    let directory = Directory::start(lists.with_group(7, "Night shift", &[1, 9]));
    directory.change(|lists| lists.versions = versions);
    directory
}

/// Two processes read the same document before either writes it. `meanwhile` is done when both are
/// about to write.
fn race<S: Service>(
    desk: &Desk,
    directory: &Directory<S>,
    write: (&str, &str),
    lines: [&str; 2],
    meanwhile: impl FnOnce(&dyn Fn()),
) {
    let gate = Gate::default();
    directory.arm(directory.on(write.0, write.1).times(2).waits_at(&gate));
    thread::scope(|scope| {
        let runs = lines.map(|line| scope.spawn(move || desk.does(line)));
        gate.reached_by(2);
        meanwhile(&|| gate.open());
        for (line, run) in lines.iter().zip(runs) {
            let run = run.join().unwrap();
            assert_eq!(ended(&run), ("done", 0), "{line}: {run}");
        }
    });
}

fn sorted(directory: &Directory<Lists>) -> Vec<u64> {
    let mut members = directory.state().members(7);
    members.sort_unstable();
    members
}

const BOTH: [&str; 2] = ["grant group:7:member user:2", "grant group:7:member user:3"];

#[test]
fn two_members_at_once_with_a_version_in_a_header() {
    let directory = start(Versions::Header);
    race(&Desk::roster(HEADER, &directory), &directory, ("PUT", "/groups/7"), BOTH, |open| open());
    assert_eq!(sorted(&directory), [1, 2, 3, 9]);
    assert_eq!(directory.write_lines(), ["PUT /groups/7"; 3]);
}

#[test]
fn one_comes_and_one_goes_at_once_with_a_version_in_the_document() {
    let directory = start(Versions::Field);
    let lines = ["grant group:7:member user:2", "revoke group:7:member user:1"];
    race(&Desk::roster(FIELD, &directory), &directory, ("PUT", "/groups/7"), lines, |open| open());
    assert_eq!(sorted(&directory), [2, 9]);
    assert_eq!(directory.write_lines(), ["PUT /groups/7"; 3]);
}

#[test]
fn two_members_at_once_without_versions() {
    let directory = start(Versions::None);
    // Both have written before either reads back, so that the loser can see it.
    let late = Gate::default();
    race(&Desk::roster("", &directory), &directory, ("PUT", "/groups/7"), BOTH, |open| {
        directory.arm(directory.on("GET", "/groups/7").times(2).waits_at(&late));
        open();
        late.reached_by(2);
        late.open();
    });
    assert_eq!(sorted(&directory), [1, 2, 3, 9]);
    assert_eq!(directory.write_lines(), ["PUT /groups/7"; 3]);
}

#[test]
fn two_removals_by_a_list_of_scim_at_once() {
    let dialect =
        Dialect { ops: Ops::Capitalised, removal: Removal::Replacement, versions: true, ..Dialect::default() };
    let scim = Scim::new(dialect).with_user("u1", "ada@guild.example").with_user("u2", "bob@guild.example");
    let directory = Directory::start(scim.with_group("g1", "Staff", &["u1", "u2", "u3"]));
    let desk = Desk::of("tests/hard/scim-replace.yaml")
        .knowing("BATON_SCIM_REPLACE_BASE_URL", format!("{}/scim/v2", directory.url()))
        .knowing("BATON_SCIM_REPLACE_TOKEN", TOKEN);
    let lines = ["revoke group:g1:member user:u1", "revoke group:g1:member user:u2"];
    race(&desk, &directory, ("PATCH", "/scim/v2/Groups/g1"), lines, |open| open());
    assert_eq!(directory.state().members("g1"), ["u3"]);
    assert_eq!(directory.writes().len(), 3);
}

#[test]
fn a_lost_update_is_noticed_by_reading_back() {
    let directory = start(Versions::None);
    let fault = directory.on("PUT", "/groups/7").meanwhile(|lists| lists.set_members(7, &[1, 5])).pretends();
    directory.arm(fault);
    assert_ends(&Desk::roster("", &directory), "grant group:7:member user:2", "done", 0);
    assert_eq!(directory.state().members(7), [1, 5, 2]);
}

#[test]
fn an_update_that_is_lost_again_is_told() {
    for (versions, said) in [(Versions::None, ""), (Versions::Header, HEADER), (Versions::Field, FIELD)] {
        let directory = start(versions);
        let others = AtomicU64::new(5);
        let other = move |lists: &mut Lists| lists.set_members(7, &[1, others.fetch_add(1, Ordering::SeqCst)]);
        let fault = directory.on("PUT", "/groups/7").always().meanwhile(other);
        directory.arm(if versions == Versions::None { fault.pretends() } else { fault });
        let run = assert_ends(&Desk::roster(said, &directory), "grant group:7:member user:2", "failed", 1);
        assert_says(&run, &["someone else changes the same at the same time", "lost twice"]);
        assert_eq!(directory.state().members(7), [1, 6], "{versions:?}");
        assert_eq!(directory.writes().len(), 2, "{versions:?}");
    }
}

#[test]
fn somebody_else_who_does_the_same_is_no_trouble() {
    let directory = start(Versions::Header);
    directory.arm(directory.on("PUT", "/groups/7").meanwhile(|lists| lists.set_members(7, &[1, 2])));
    let run = Desk::roster(HEADER, &directory).does("grant group:7:member user:2");
    assert_eq!(run.status, 0, "{run}");
    assert_eq!(directory.state().members(7), [1, 2]);
    assert_eq!(directory.writes().len(), 1);
}

#[test]
fn the_same_twice_at_once_is_done_once() {
    let scim = Scim::new(Dialect { no_target: true, ..Dialect::default() }).with_user("u1", "ada@guild.example");
    let directory = Directory::start(scim.with_group("g1", "Staff", &[]));
    let desk = Desk::guild("patch_ops: add", &directory);
    for (line, method, path) in [
        ("account create --input user_name=cy@guild.example", "POST", "/scim/v2/Users"),
        ("grant group:g1:member user:u1", "PATCH", "/scim/v2/Groups/g1"),
        ("revoke group:g1:member user:u1", "PATCH", "/scim/v2/Groups/g1"),
        ("account delete --yes user:u1", "DELETE", "/scim/v2/Users/u1"),
    ] {
        let gate = Gate::default();
        directory.arm(directory.on(method, path).times(2).waits_at(&gate));
        let mut words = thread::scope(|scope| {
            let runs = [0, 1].map(|_| scope.spawn(|| desk.does(line)));
            gate.reached_by(2);
            gate.open();
            runs.map(|run| run.join().unwrap())
        });
        words.sort_by(|one, other| other.stdout.cmp(&one.stdout));
        assert_eq!(ended(&words[0]), ("done", 0), "{line}: {}", words[0]);
        // Adding somebody who is there is a success of its own.
        let other = if line.starts_with("grant") { "done" } else { "already" };
        assert_eq!(ended(&words[1]), (other, 0), "{line}: {}", words[1]);
    }
    let names: Vec<_> = directory.state().users().iter().map(|user| user["userName"].clone()).collect();
    assert_eq!(names, ["cy@guild.example"]);
}
