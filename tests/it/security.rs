//! Promises of SECURITY.md that need the binary, and that each of its lines has a test that is there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::support::atlas::{self, Desk};
use crate::support::server::{Answer, Server};
use crate::support::{Reins, compiled, engine, root};

#[test]
fn every_line_of_the_threat_model_names_tests_that_are_there() {
    let text = std::fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let there = tests_of_the_repository();
    let mut lines = 0;
    let is_threat = |line: &&str| {
        line.starts_with("| ")
            && line.matches('|').count() == 5
            && !["| threat", "| ---"].iter().any(|head| line.starts_with(head))
    };
    for line in text.lines().filter(is_threat) {
        let promised = line.trim_matches('|').rsplit('|').next().unwrap();
        let named: Vec<&str> = promised.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "this line names no test:\n{line}");
        for name in named {
            let is_there = there.contains(name) || (name.contains('/') && root().join(name).exists());
            assert!(is_there, "there is no test `{name}`, which SECURITY.md names:\n{line}");
        }
        lines += 1;
    }
    assert!(lines > 30, "only {lines} lines of the threat model were found");
}

/// The names of all functions in files with tests.
fn tests_of_the_repository() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in sources(&root().join("engine")).into_iter().chain(sources(&root().join("tests"))) {
        let text = std::fs::read_to_string(file).unwrap();
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            let function = line.trim_start_matches("async ").strip_prefix("fn ");
            if let Some((name, _)) = function.and_then(|rest| rest.split_once('(')) {
                if is_test {
                    names.insert(name.to_owned());
                }
                is_test = false;
            }
        }
    }
    names
}

/// All Rust files below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn nothing_turns_the_check_of_certificates_off() {
    for file in sources(&root().join("engine")) {
        let text = std::fs::read_to_string(&file).unwrap();
        for way in ["danger_accept", "tls_danger", ".dangerous()", "ServerCertVerifier", "min_tls_version"] {
            assert!(!text.contains(way), "{} has `{way}`", file.display());
        }
    }
    for tls in ["{ insecure: true }", "{ verify: false }", "{ version: \"1.0\" }", "false", "none"] {
        let spec = atlas::SPEC.replace(
            "  answers: { message: $.message }\n",
            &format!("  answers: {{ message: $.message }}\n  tls: {tls}\n"),
        );
        let (plan, diagnostics) = compiled("spec.yaml", &spec);
        assert!(plan.is_none() && diagnostics.has_errors(), "{tls}");
    }
}

#[test]
fn only_the_command_line_reads_the_environment_and_prints() {
    for file in sources(&root().join("engine")) {
        let place = file.strip_prefix(root()).unwrap().display().to_string();
        if place.starts_with("engine/cli/src") || place.contains("tests") || place.starts_with("engine/proto/generate")
        {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for way in ["env::var", "println!", "print!(", "dbg!("] {
            assert!(!code.contains(way), "{place} has `{way}`");
        }
    }
}

/// What steers a terminal: a title, a colour, the other reading direction, an older escape.
const STEERING: &str = "a\u{1b}]0;owned\u{7}\u{1b}[31mb\u{202e}c\u{9b}31md";

fn assert_harmless(text: &str, what: &str) {
    let found = text.chars().find(|c| c.is_control() && *c != '\n' || matches!(c, '\u{202e}'));
    assert!(found.is_none(), "{what} has {found:?}:\n{}", text.escape_debug());
}

#[test]
fn nothing_that_a_vendor_says_steers_the_terminal() {
    let server = Server::start(|request| match request.path.as_str() {
        "/users" => {
            Answer::json(&json!({ "items": [{ "id": STEERING, "name": STEERING, "role": STEERING }], "next": null }))
        }
        "/teams" => Answer::json(&json!({ "items": [{ "id": "t1" }], "total": 1 })),
        "/teams/t1/members" => Answer::json(&json!({ "items": [{ "user": format!("{STEERING}2") }], "next": null })),
        _ => atlas::answer(request),
    });
    let desk = Desk::new(server.url());
    let run = desk.sync_to("c1z").run();
    assert_eq!(run.status, 3, "{run}");
    assert!(run.says("such as user:"), "{run}");
    assert_harmless(&run.stdout, "the summary");
    assert_harmless(&run.stderr, "what is said beside it");
    let file = desk.path("sync.incomplete.c1z");
    for arguments in [vec!["resources"], vec!["entitlements"], vec!["grants"]] {
        let run = engine(arguments).with(["-f", file.to_str().unwrap()]).run();
        assert_harmless(&run.stdout, "a table");
        assert_harmless(&run.stderr, "a table's fault");
    }
    let refusing = Server::start(|_| Answer::json(&json!({ "message": STEERING })).status(422));
    let desk = Desk::new(refusing.url());
    let run = desk.sync().run();
    assert_eq!(run.status, 1, "{run}");
    assert_harmless(&run.stderr, "an error");
}

#[test]
fn nothing_that_a_spec_says_steers_the_terminal() {
    let desk = Desk::new(String::new());
    let steering = STEERING.escape_debug().to_string().replace("\\u{", "\\x{");
    let steering: String = steering.replace("\\x{1b}", "\\e").replace("\\x{7}", "\\a").replace("\\x{202e}", "\\u202e");
    let steering = steering.replace("\\x{9b}", "\\x9b");
    let spec = atlas::SPEC
        .replace("name: Atlas", &format!("name: \"{steering}\""))
        .replace("purpose: assignment", &format!("purpose: \"{steering}\""))
        .replace("group: {}", &format!("\"{steering}\": {{}}"));
    desk.write("steering.yaml", &spec);
    for format in ["human", "github"] {
        let run = engine(["validate", "--format", format, "steering.yaml"]).within(desk.folder()).run();
        assert_eq!(run.status, 2, "{run}");
        assert_harmless(&run.stdout, format);
        assert_harmless(&run.stderr, format);
    }
}

#[cfg(unix)]
#[test]
fn a_report_is_for_its_owner_only_and_goes_through_no_link() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::start(atlas::answer);
    let desk = Desk::new(server.url());
    desk.write("precious", "kept");
    std::os::unix::fs::symlink(desk.path("precious"), desk.path("report.json")).unwrap();
    let run = desk.sync().with(["--report", "report.json"]).run();
    assert_eq!(run.status, 0, "{run}");
    assert_eq!(desk.read("precious").unwrap(), "kept");
    let report = std::fs::symlink_metadata(desk.path("report.json")).unwrap();
    assert!(report.is_file());
    assert_eq!(report.permissions().mode() & 0o777, 0o600);
    assert!(desk.read("report.json").unwrap().contains("\"verdict\": \"complete\""));
    let run = desk.sync().with(["--report", "/dev/stdout"]).run();
    assert!(run.stdout.contains("\"verdict\": \"complete\""), "{run}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_crash_leaves_no_core_file() {
    let reins = Reins::default();
    let (told, limits) = std::sync::mpsc::channel();
    let seen = reins.clone();
    let server = Server::start(move |request| {
        // The process waits for this answer, and its limits can be looked at meanwhile.
        let text = std::fs::read_to_string(format!("/proc/{}/limits", seen.id())).unwrap_or_default();
        let _ = told.send(text);
        atlas::answer(request)
    });
    let run = Desk::new(server.url()).sync().run_with(&reins);
    assert_eq!(run.status, 0, "{run}");
    let limits = limits.recv().unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
}

#[test]
fn a_spec_names_no_variable_of_another_program() {
    let server = Server::start(atlas::answer);
    let desk = Desk::new(server.url());
    for name in ["AWS_SECRET_ACCESS_KEY", "HOME", "SSH_AUTH_SOCK", "BATON", "XBATON_A"] {
        let spec = atlas::SPEC.replace("secret: true }", &format!("secret: true, env: {name} }}"));
        desk.write("stranger.yaml", &spec);
        let run = engine(["sync", "--spec", "stranger.yaml"])
            .within(desk.folder())
            .env("BATON_ATLAS_BASE_URL", server.url())
            .env("BATON_ATLAS_ORG", "o")
            .env(name, "made-up-value-of-another-program")
            .run();
        assert_eq!(run.status, 2, "{run}");
        assert!(!run.says("made-up-value"), "{run}");
    }
    assert!(server.asked().is_empty());
}

/// A recorded case of Atlas in which everything is empty.
const QUIET: &str = r#"case: Nothing there
config: { api_token: made-up-token, org: o }
exchanges:
  - { get: /me, query: { org: o }, answer: { json: { ok: true } }, times: any }
  - { get: /users, query: { org: o, limit: "5" }, answer: { json: { items: [], next: null } }, times: any }
  - { get: /teams, query: { org: o, limit: "3", offset: "0" }, answer: { json: { items: [], total: 0 } }, times: any }
expect: { verdict: complete }
"#;

#[test]
fn what_is_simulated_reaches_no_vendor() {
    let vendor = Server::start(atlas::answer);
    let desk = Desk::new(vendor.url());
    desk.write("quiet.yaml", QUIET);
    desk.write("elsewhere.yaml", &QUIET.replace("org: o }", &format!("org: o, base_url: \"{}\" }}", vendor.url())));
    let fixed = atlas::SPEC.replace("base_url: \"{{ config.base_url }}\"", &format!("base_url: \"{}\"", vendor.url()));
    desk.write("fixed.yaml", &fixed);
    let signed = atlas::SPEC.replace(
        "bearer: \"{{ config.api_token }}\"",
        &format!("oauth2: {{ grant: client_credentials, token_url: \"{}/token\", client_id: a, client_secret: \"{{{{ config.api_token }}}}\" }}", vendor.url()),
    );
    desk.write("signed.yaml", &signed);
    let writing = "    create: { request: POST /users, json: { name: \"{{ input.name }}\" } }\n    attributes: { name: { read: $.name } }\n";
    let commands: [&[&str]; 4] = [
        &["sync"],
        &["try", "--resource", "user"],
        &["record", "--out", "cases"],
        &["account", "create", "--input", "name=Ada"],
    ];
    for (spec, case) in [("atlas.yaml", "elsewhere.yaml"), ("fixed.yaml", "quiet.yaml"), ("signed.yaml", "quiet.yaml")]
    {
        let text = desk.read(spec).unwrap();
        desk.write(spec, &text.replace("    user: { email", &format!("{writing}    user: {{ email")));
        for command in commands {
            let run = engine(command)
                .with(["--spec", spec, &format!("--simulate={case}")])
                .within(desk.folder())
                .env("BATON_ATLAS_API_TOKEN", atlas::TOKEN)
                .run();
            let shown = format!("{command:?} of {spec}: {run}");
            assert_eq!(run.status, 2, "{shown}");
            assert!(run.says("the recording answers at loopback") && run.says(&vendor.url()), "{shown}");
        }
    }
    assert!(vendor.asked().is_empty());
    // Nor does a recorded answer lead away, to a host that the spec allows.
    let host = vendor.url().replace("http://", "");
    desk.write(
        "wide.yaml",
        &format!(
            "format: 1\nid: wide\nname: Wide\n\
         config: {{ base_url: {{ title: Base URL, type: url, default: \"https://api.wide.example\" }} }}\n\
         http: {{ base_url: \"{{{{ config.base_url }}}}\", hosts: [\"{host}\"] }}\n\
         resources:\n  user:\n    list:\n      get: /users\n      items: $.items\n      \
         pages: {{ next_url: {{ next: $.next }}, last: [next_absent] }}\n    \
         id: $.id\n    display_name: $.id\n    user: {{ status: enabled }}\n"
        ),
    );
    desk.write(
        "led.yaml",
        &format!(
            "case: Led away\nexchanges:\n  \
         - {{ get: /users, answer: {{ json: {{ items: [], next: \"{}/users\" }} }}, times: any }}\n\
         expect: {{ verdict: complete }}\n",
            vendor.url()
        ),
    );
    let run = engine(["sync", "--spec", "wide.yaml", "--simulate=led.yaml"]).within(desk.folder()).run();
    assert_ne!(run.status, 0, "{run}");
    assert!(run.says("leads away from the recording at"), "{run}");
    assert!(vendor.asked().is_empty());
    // What is at home is played.
    let sync = || engine(["sync", "--spec", "atlas.yaml", "--simulate=quiet.yaml"]).within(desk.folder());
    let run = sync().run();
    assert_eq!(run.status, 0, "{run}");
    assert!(!run.says("takes its config from the recorded case"), "{run}");
    let run = sync().with(["--set", &format!("base_url={}", vendor.url())]).run();
    assert_eq!(run.status, 0, "{run}");
    assert!(run.says("takes its config from the recorded case"), "{run}");
    assert!(vendor.asked().is_empty());
}
