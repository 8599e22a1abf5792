//! What a user gives, wrongly or not at all.

use crate::support::atlas::{self, Desk, TOKEN};
use crate::support::server::Server;

fn desk() -> (Server, Desk) {
    let server = Server::start(atlas::answer);
    let desk = Desk::new(server.url());
    (server, desk)
}

#[test]
fn all_missing_values_are_told_at_once_with_where_to_get_them() {
    let (server, desk) = desk();
    let run = desk.bare_sync().run();
    assert_eq!(run.status, 2, "{run}");
    assert_eq!(run.stdout, "");
    for text in [
        "Atlas needs 2 more values",
        "API token",
        "BATON_ATLAS_API_TOKEN, or BATON_ATLAS_API_TOKEN_FILE",
        "Made under Profile › Tokens.",
        "https://atlas.example/tokens",
        "Organization",
        "BATON_ATLAS_ORG",
        "The last part of the address of your start page.",
    ] {
        assert!(run.stderr.contains(text), "`{text}` is not in {run}");
    }
    assert!(server.asked().is_empty());
    assert!(desk.files().is_empty(), "{:?}", desk.files());
}

#[test]
fn an_empty_variable_is_a_missing_value() {
    let (_server, desk) = desk();
    let run = desk.sync().env("BATON_ATLAS_API_TOKEN", " ").run();
    assert_eq!(run.status, 2, "{run}");
    assert!(run.stderr.contains("Atlas needs one more value"), "{run}");
}

#[test]
fn a_secret_on_the_command_line_is_refused_and_not_repeated() {
    let (server, desk) = desk();
    let run = desk.sync().with(["--set", "api_token=made-up-on-the-command-line"]).run();
    assert_eq!(run.status, 2, "{run}");
    assert!(run.stderr.contains("`api_token` is a secret, and flags can be seen by every user"), "{run}");
    assert!(run.stderr.contains("set BATON_ATLAS_API_TOKEN, or BATON_ATLAS_API_TOKEN_FILE to a file"), "{run}");
    assert!(!run.says("made-up-on-the-command-line"), "{run}");
    assert!(server.asked().is_empty());
}

#[test]
fn a_field_that_is_not_there_is_told_with_the_one_that_was_meant() {
    let (_server, desk) = desk();
    let run = desk.sync().with(["--set", "orgg=acme"]).run();
    assert_eq!(run.status, 2, "{run}");
    assert!(run.stderr.contains("Atlas has no config field `orgg`"), "{run}");
    assert!(run.stderr.contains("did you mean `org`?"), "{run}");
    let run = desk.sync().with(["--set", "org"]).run();
    assert_eq!(run.status, 2, "{run}");
    assert!(run.stderr.contains("write `--set FIELD=VALUE`"), "{run}");
}

#[test]
fn a_variable_may_name_a_file_that_holds_the_value() {
    let (_server, desk) = desk();
    desk.write("token", &format!("{TOKEN}\n"));
    let sync = || desk.bare_sync().env("BATON_ATLAS_ORG", "acme");
    let run = sync().env("BATON_ATLAS_API_TOKEN_FILE", "token").run();
    assert_eq!(run.status, 0, "{run}");
    let run = sync().env("BATON_ATLAS_API_TOKEN_FILE", "no-such-file").run();
    assert_eq!(run.status, 2, "{run}");
    assert!(run.stderr.contains("BATON_ATLAS_API_TOKEN_FILE names no-such-file, which cannot be read"), "{run}");
}

#[test]
fn a_config_file_gives_values_and_the_environment_and_flags_go_before_it() {
    let (server, desk) = desk();
    desk.write("config.yaml", &format!("api_token: {TOKEN}\norg: from-file\n"));
    let sync = || desk.bare_sync().with(["--config", "config.yaml"]);
    let org_of_the_last = || server.asked().last().unwrap().query["org"].clone();
    let run = sync().run();
    assert_eq!((run.status, org_of_the_last().as_str()), (0, "from-file"), "{run}");
    let run = sync().env("BATON_ATLAS_ORG", "from-environment").run();
    assert_eq!((run.status, org_of_the_last().as_str()), (0, "from-environment"), "{run}");
    let run = sync().env("BATON_ATLAS_ORG", "from-environment").with(["--set", "org=from-flag"]).run();
    assert_eq!((run.status, org_of_the_last().as_str()), (0, "from-flag"), "{run}");
}

#[test]
fn a_broken_config_file_is_told_without_its_values() {
    let (server, desk) = desk();
    for (text, told) in [
        (format!("api_token: {TOKEN}\norgg: acme\n"), "has no config field `orgg`"),
        (format!("api_token: {TOKEN}\norg: [\n"), "config.yaml is not a map of config fields"),
        (format!("- {TOKEN}\n"), "config.yaml is not a map of config fields"),
        (format!("api_token: {{ value: {TOKEN} }}\n"), "config.yaml: `api_token` must be a text"),
    ] {
        desk.write("config.yaml", &text);
        let run = desk.bare_sync().with(["--config", "config.yaml"]).run();
        assert_eq!(run.status, 2, "{run}");
        assert!(run.stderr.contains(told), "`{told}` is not in {run}");
        assert!(!run.says(TOKEN), "{run}");
    }
    let run = desk.bare_sync().with(["--config", "nowhere.yaml"]).run();
    assert_eq!(run.status, 2, "{run}");
    assert!(run.stderr.contains("cannot read nowhere.yaml"), "{run}");
    assert!(server.asked().is_empty());
}

#[test]
fn plain_http_is_for_loopback_only() {
    let (_server, desk) = desk();
    let run = desk.sync().with(["--set", "base_url=http://api.atlas.example"]).run();
    assert_eq!(run.status, 2, "{run}");
    assert!(run.stderr.contains("Base URL (from --set): `http://api.atlas.example` is not encrypted"), "{run}");
}

#[test]
fn credentials_that_are_refused_have_their_own_exit_status() {
    let (_server, desk) = desk();
    desk.write("sync.jsonl", "the good file of yesterday\n");
    let run = desk.sync().env("BATON_ATLAS_API_TOKEN", "made-up-and-wrong").with(["--report", "report.json"]).run();
    assert_eq!(run.status, 4, "{run}");
    for text in ["checking the connection", "this token is not known", "401", "GET", "/me", "atlas.yaml:", "hint: "] {
        assert!(run.stderr.contains(text), "`{text}` is not in {run}");
    }
    assert!(!run.says("made-up-and-wrong"), "{run}");
    assert_eq!(desk.files(), ["report.json", "sync.jsonl"], "nothing was read, so nothing is kept");
    assert_eq!(desk.read("sync.jsonl").as_deref(), Some("the good file of yesterday\n"));
    assert!(desk.read("report.json").unwrap().contains("\"verdict\": \"failed\""));
}

#[test]
fn a_spec_that_is_not_there_or_not_right_is_wrong_usage() {
    let (server, desk) = desk();
    desk.write("atlas.yaml", "format: 1\nid: atlas\n");
    let run = desk.sync().run();
    assert_eq!(run.status, 2, "{run}");
    assert!(run.stderr.contains("atlas.yaml is not a valid spec"), "{run}");
    std::fs::remove_file(desk.path("atlas.yaml")).unwrap();
    let run = desk.sync().run();
    assert_eq!(run.status, 2, "{run}");
    assert!(run.stderr.contains("cannot read atlas.yaml"), "{run}");
    assert!(server.asked().is_empty());
}
