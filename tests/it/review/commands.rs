//! The commands as a user runs them.

use crate::cli::assert_says;
use crate::support::{engine, folder, root};

/// A spec over a fragment, with a client that says how lists go on.
const CLUB: &str = include_str!("club.yaml");

#[test]
fn explain_shows_a_spec_its_requests_and_their_number() {
    let folder = folder();
    std::fs::write(folder.path().join("club.yaml"), CLUB).unwrap();
    for show in ["resolved", "requests", "cost"] {
        let run = engine(["explain", "club.yaml", "--users", "50000", "--groups", "2000", "--show", show]);
        assert_says(&format!("explain-{show}"), &run.within(folder.path()).run());
    }
    let run = engine(["explain", "club.yaml", "--rows", "grop=3"]).within(folder.path()).run();
    assert_eq!(run.status, 2, "{run}");
    assert!(run.says("there is no resource type `grop`") && run.says("did you mean `group`?"), "{run}");
}

#[test]
fn explain_tells_programs_where_each_value_comes_from() {
    let run = engine(["explain", "specs/dbt-scim.yaml", "-o", "json", "--show", "resolved"]).run();
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let of = |at: &str| json["resolved"].as_array().unwrap().iter().find(|value| value["at"] == at).unwrap();
    assert_eq!(of("/http/base_url")["origin"]["from"], "spec");
    let limit = of("/http/pages/limit/value");
    assert_eq!((&limit["value"], &limit["origin"]["from"]), (&100.into(), &"fragment".into()));
    assert_eq!(limit["origin"]["options"][0]["option"], "page_size");
    assert_eq!(of("/resources/user/list/pages/limit/value")["origin"]["from"], "client");
    assert_eq!(of("/http/pages/ceiling")["origin"]["from"], "engine");
    let instead = of("/resources/user/delete/verify");
    assert_eq!(instead["origin"]["from"], "spec");
}

#[test]
fn diff_spec_puts_hosts_credentials_and_lost_guards_first() {
    let folder = folder();
    let changed = CLUB
        .replace("https://api.club.example", "https://eu.club.example")
        .replace("bearer: \"{{ config.token }}\"", "headers: { X-Token: \"{{ config.token }}\" }")
        .replace("value: 100", "value: 50")
        .replace("login: $.nick", "login: $.login")
        .replace("DELETE /users", "POST /bin")
        .replace("          - { when: resource.id == '1', say: the owner stays }\n", "")
        .replace("        refuse:\n", "");
    std::fs::write(folder.path().join("old.yaml"), CLUB).unwrap();
    std::fs::write(folder.path().join("new.yaml"), changed).unwrap();
    let run = |arguments: &[&str]| engine(["diff-spec"]).with(arguments).within(folder.path()).run();
    assert_says("diff-spec", &run(&["old.yaml", "new.yaml"]));
    let same = run(&["old.yaml", "old.yaml"]);
    assert_eq!((same.status, same.stdout.as_str(), same.stderr.as_str()), (0, "", ""));
    let json: serde_json::Value = serde_json::from_str(&run(&["old.yaml", "new.yaml", "-o", "json"]).stdout).unwrap();
    assert_eq!(json["changes"][0]["section"], "hosts");
    assert!(json["counts"]["warnings"].as_u64().unwrap() >= 4, "{json:#}");
    std::fs::write(folder.path().join("broken.yaml"), "format: 1\n").unwrap();
    assert_eq!(run(&["old.yaml", "broken.yaml"]).status, 2);
    assert_eq!(run(&["old.yaml", "nowhere.yaml"]).status, 2);
}

#[test]
fn a_fragment_that_changes_changes_the_specs_over_it() {
    let folder = folder();
    let fragments = folder.path().join("fragments");
    std::fs::create_dir(&fragments).unwrap();
    let text = std::fs::read_to_string(root().join("specs/fragments/scim2.yaml")).unwrap();
    std::fs::write(fragments.join("scim2.yaml"), text.replace("default: 100", "default: 20")).unwrap();
    let run = engine(["diff-spec", "specs/rudderstack.yaml", "specs/rudderstack.yaml", "--old-fragments"]);
    let run = run.with([&fragments]).run();
    assert_eq!(run.status, 1, "{run}");
    assert!(run.says("20 a page") && run.says("100 a page"), "{run}");
}

#[test]
fn a_spec_that_comes_through_a_pipe_takes_the_fragments_of_the_other() {
    let run = engine(["diff-spec", "-", "specs/dbt-scim.yaml"]).reading(&root().join("specs/dbt-scim.yaml")).run();
    assert_eq!((run.status, run.stdout.as_str()), (0, ""), "{run}");
    assert!(run.says("as it is now"), "{run}");
}
