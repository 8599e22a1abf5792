//! `engine test --hard`: cases that are generated from a recorded one. A spec that ends a list quietly
//! must not pass them, however well it does with what was recorded.

use std::path::Path;

use tempfile::TempDir;

use crate::support::{Run, engine, folder};

/// A spec with a hole for the rules of its list.
const SPEC: &str = r#"
format: 1
id: acme
name: Acme
config:
  base_url: { title: Base URL, type: url, default: "https://api.acme.example" }
http:
  base_url: "{{ config.base_url }}"
resources:
  user:
    list:
      get: /users
      items: $.items
      pages: { cursor: { next: $.next, send: { query: cursor } }, last: [LAST] }
      STATUSES
    id: $.id
    display_name: { coalesce: [$.name, $.email] }
    user: { email: $.email, status: { from: $.state, map: { "on": enabled, "off": disabled } } }
    profile: { team: $.team }
"#;

const CASE: &str = r#"
case: Two pages of users
exchanges:
  - get: /users
    answer:
      json:
        items:
          - { id: u1, name: Ada, email: ada@acme.example, state: "on", team: red }
          - { id: u2, name: Ben, email: ben@acme.example, state: "off", team: blue }
        next: c2
  - get: /users
    query: { cursor: c2 }
    answer: { json: { items: [{ id: u3, name: Cleo, email: cleo@acme.example, state: "on", team: red }], next: null } }
expect: { verdict: complete }
"#;

/// A folder with a spec and its case.
fn acme(last: &str, statuses: &str) -> TempDir {
    let folder = folder();
    std::fs::create_dir(folder.path().join("acme")).unwrap();
    let spec = SPEC.replace("LAST", last).replace("STATUSES", statuses);
    std::fs::write(folder.path().join("acme.yaml"), spec).unwrap();
    std::fs::write(folder.path().join("acme/main.yaml"), CASE).unwrap();
    let accepted = run(folder.path(), &["--accept"]);
    assert_eq!(accepted.status, 0, "{accepted}");
    folder
}

fn run(folder: &Path, arguments: &[&str]) -> Run {
    engine(["test", "acme.yaml"]).with(arguments).within(folder).run()
}

#[test]
fn a_spec_that_lets_nothing_end_quietly_passes_every_generated_case() {
    let folder = acme("next_null", "");
    let hard = run(folder.path(), &["--hard"]);
    assert_eq!(hard.status, 0, "{hard}");
    let generated: usize = hard
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("acme.yaml: 1 recorded, ")?.split(' ').next()?.parse().ok())
        .unwrap();
    assert!(generated > 40, "{hard}");
    assert!(hard.says(&format!("{} passed, 0 failed", generated + 1)), "{hard}");
}

#[test]
fn a_page_rule_that_ends_at_a_page_without_rows_by_a_condition_is_found_out() {
    let folder = acme("next_null, { when: \"body.items == []\" }", "");
    assert_eq!(run(folder.path(), &[]).status, 0);
    let hard = run(folder.path(), &["--hard", "--only", "empty page"]);
    assert_eq!(hard.status, 1, "{hard}");
    assert!(hard.says("FAIL acme/main.yaml: an empty page in the middle on GET /users"), "{hard}");
    assert!(hard.says("expected: complete with the graph of the recorded case"), "{hard}");
    assert!(hard.says(r#"- {"kind":"resource","resource_type":"user","id":"u3""#), "{hard}");
}

#[test]
fn a_status_rule_that_takes_a_broken_answer_for_an_empty_list_is_found_out() {
    let folder = acme("next_null", "statuses: [{ status: 200, when: body.items is not present, is: no_rows }]");
    assert_eq!(run(folder.path(), &[]).status, 0);
    let hard = run(folder.path(), &["--hard", "--only", "items missing"]);
    assert_eq!(hard.status, 1, "{hard}");
    assert!(hard.says("items missing on GET /users"), "{hard}");
    assert!(hard.says("but it is complete, with the graph"), "{hard}");
}

#[test]
fn a_failure_says_how_it_is_repeated_and_can_be_kept_as_a_case() {
    let folder = acme("next_null, { when: \"body.items == []\" }", "");
    let hard = run(folder.path(), &["--hard", "--only", "empty page"]);
    let again = hard.stdout.lines().find_map(|line| line.trim().strip_prefix("again: engine ")).unwrap();
    let only = again.split_once("--only '").unwrap().1.trim_end_matches('\'');
    let repeated = run(folder.path(), &["--hard", "--only", only, "--keep", "kept"]);
    assert_eq!(repeated.status, 1, "{repeated}");
    assert!(repeated.says("acme.yaml: 0 recorded, 1 generated, 1 failed"), "{repeated}");
    let kept = run(folder.path(), &["--cases", "kept"]);
    assert_eq!(kept.status, 1, "{kept}");
    assert!(
        kept.says("the graph differs from kept/0001-main-an-empty-page-in-the-middle-on-get-users.jsonl"),
        "{kept}"
    );
}

#[test]
fn generated_cases_and_what_is_said_of_them_are_the_same_every_time() {
    let folder = acme("next_null, { when: \"body.items == []\" }", "");
    let without_ports = |run: Run| {
        let parts: Vec<String> = run.stdout.split("127.0.0.1:").map(str::to_owned).collect();
        let rest = parts.iter().skip(1).map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned());
        parts.iter().take(1).cloned().chain(rest).collect::<String>()
    };
    let hard = || run(folder.path(), &["--hard", "--only", "page"]);
    let (one, other) = (hard(), hard());
    assert_eq!(without_ports(one), without_ports(other));
}
