//! What the commands say, as a user reads it: the snapshots in `tests/cli/snapshots`.
//!
//! What differs from run to run (ports, times, ids of syncs, sizes) is replaced before it is
//! compared. `INSTA_UPDATE=always` takes what is said now for what is wanted; read it first.

use std::path::Path;

use crate::support::atlas::{self, Desk};
use crate::support::server::{Answer, Server};
use crate::support::{Run, engine, folder, root};

/// Compares what a run said with its snapshot.
pub fn assert_says(name: &str, run: &Run) {
    assert_text(name, &run.to_string());
}

pub fn assert_text(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../cli/snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT");
    settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME");
    settings.add_filter(r"\b[0-9A-Za-z]{27}\b", "KSUID");
    settings.add_filter(r"\(\d+(\.\d+)? (bytes|KiB|MiB)\)", "(SIZE)");
    settings.add_filter(r"\b\d+ ms\b", "TIME ms");
    settings.add_filter(r"[ \t]+\n", "\n");
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// The commands, in the order of the help.
const COMMANDS: &[&str] = &[
    "sync",
    "try",
    "test",
    "record",
    "validate",
    "new",
    "explain",
    "diff-spec",
    "account",
    "grant",
    "revoke",
    "action",
    "push",
    "resources",
    "entitlements",
    "grants",
    "diff",
    "export",
    "docs",
    "schema",
    "completions",
];

#[test]
fn help_is_written_for_people() {
    let of = |arguments: &[&str]| engine(arguments).run();
    assert_says("help", &of(&["--help"]));
    assert_says("help-short", &of(&["-h"]));
    for command in COMMANDS.iter().copied() {
        let run = of(&[command, "--help"]);
        assert_eq!(run.status, 0, "{run}");
        assert_says(&format!("help-{command}"), &run);
    }
}

#[test]
fn help_names_every_command_that_is_there() {
    let help = engine(["--help"]).run().stdout;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<&str> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    let known: Vec<&str> = COMMANDS.iter().copied().chain(["help"]).collect();
    assert_eq!(names, known, "a new command needs a snapshot of its help");
}

#[test]
fn wrong_usage_is_told_with_the_right_one() {
    assert_says("usage-nothing", &engine(Vec::<&str>::new()).run());
    assert_says("usage-unknown-command", &engine(["snyc"]).run());
    assert_says("usage-sync-without-spec", &engine(["sync"]).run());
    assert_says("usage-unknown-flag", &engine(["sync", "--spec", "x.yaml", "--simulat"]).run());
    assert_says("usage-concurrency", &engine(["sync", "--spec", "x.yaml", "--concurrency", "0"]).run());
}

/// A spec with faults of several kinds.
const BROKEN: &str = r#"format: 1
id: broken
name: Broken
config:
  base_url: { title: Base URL, type: url, default: "https://api.broken.example" }
  token: { title: Token, secret: true }
  spare: { title: Spare, optional: true }
http:
  base_url: "{{ config.base_ulr }}"
  auth: { bearer: "{{ config.token }}" }
resources:
  user:
    list: { get: /users, items: "$.items[*]", pages: none }
    id: $.id
    display_name: "{{ row.name | uper }}"
    user: { status: { from: $.active, map: { on: enabled } }, email: "$.mail[" }
  team:
    list: { get: /teams, items: $.items }
    id: $.id
    display_name: $.name
    grants:
      - { each_row: team, entitlement: member, principal: { usr: $.owner } }
"#;

#[test]
fn faults_of_a_spec_are_shown_in_four_formats() {
    let place = folder();
    std::fs::write(place.path().join("broken.yaml"), BROKEN).unwrap();
    for format in ["human", "json", "github", "sarif"] {
        let run = engine(["validate", "broken.yaml", "--format", format]).within(place.path()).run();
        assert_eq!(run.status, 2, "{run}");
        assert_text(&format!("validate-{format}"), &without_rules(&run.to_string()));
    }
    let run = engine(["sync", "--spec", "broken.yaml"]).within(place.path()).run();
    assert_eq!(run.status, 2, "{run}");
    assert_says("sync-of-a-broken-spec", &run);
}

/// SARIF names every rule there is; schema/codes.md does that already.
fn without_rules(text: &str) -> String {
    let Some((before, rules)) = text.split_once("          \"rules\": [") else { return text.to_owned() };
    let (_, after) = rules.split_once("\n          ]").unwrap();
    format!("{before}          \"rules\": […]{after}")
}

/// What SARIF 2.1.0 (OASIS, section 3) requires of a log, and code scanning of a result.
fn sarif_schema() -> serde_json::Value {
    let text = serde_json::json!({ "type": "object", "required": ["text"], "properties": { "text": { "type": "string", "minLength": 1 } } });
    let level = serde_json::json!({ "enum": ["none", "note", "warning", "error"] });
    let count = serde_json::json!({ "type": "integer", "minimum": 1 });
    let region = serde_json::json!({
        "type": "object",
        "required": ["startLine", "startColumn"],
        "properties": { "startLine": count, "startColumn": count, "endLine": count, "endColumn": count },
    });
    let artifact = serde_json::json!({
        "type": "object",
        "required": ["uri"],
        "properties": { "uri": { "type": "string", "pattern": "^[A-Za-z0-9._~!$&'()*+,;=:@/%-]+$" } },
    });
    let location = serde_json::json!({
        "type": "object",
        "required": ["physicalLocation"],
        "properties": {
            "message": text,
            "physicalLocation": {
                "type": "object",
                "required": ["artifactLocation", "region"],
                "properties": { "artifactLocation": artifact, "region": region },
            },
        },
    });
    let rule = serde_json::json!({
        "type": "object",
        "required": ["id", "shortDescription"],
        "properties": {
            "id": { "type": "string", "minLength": 1 },
            "shortDescription": text,
            "fullDescription": text,
            "help": text,
            "defaultConfiguration": { "type": "object", "properties": { "level": level } },
        },
    });
    let driver = serde_json::json!({
        "type": "object",
        "required": ["name", "version", "rules"],
        "properties": { "name": { "const": "engine" }, "rules": { "type": "array", "minItems": 1, "items": rule, "uniqueItems": true } },
    });
    let result = serde_json::json!({
        "type": "object",
        "required": ["ruleId", "ruleIndex", "level", "message", "locations"],
        "properties": {
            "ruleId": { "type": "string" },
            "ruleIndex": { "type": "integer", "minimum": 0 },
            "level": level,
            "message": text,
            "locations": { "type": "array", "minItems": 1, "maxItems": 10, "items": location },
            "relatedLocations": { "type": "array", "items": location },
        },
    });
    serde_json::json!({
        "type": "object",
        "required": ["version", "runs", "$schema"],
        "properties": {
            "version": { "const": "2.1.0" },
            "runs": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["tool", "results"],
                    "properties": {
                        "tool": { "type": "object", "required": ["driver"], "properties": { "driver": driver } },
                        "columnKind": { "enum": ["utf16CodeUnits", "unicodeCodePoints"] },
                        "results": { "type": "array", "items": result },
                    },
                },
            },
        },
    })
}

#[test]
fn what_is_told_for_code_scanning_has_the_shape_of_sarif() {
    let place = folder();
    std::fs::create_dir(place.path().join("a b")).unwrap();
    // One fault of each kind that has a place of its own: none at all, a file that ends too early, an
    // empty one, two that belong together, and letters that are more than one byte.
    let twice = BROKEN.replace("name: ", "name: Größe\nname: ");
    let files = [("broken.yaml", BROKEN), ("a b/twice#1.yaml", &twice), ("empty.yaml", ""), ("open.yaml", "format: [")];
    for (name, text) in files {
        std::fs::write(place.path().join(name), text).unwrap();
    }
    let good = root().join("specs/fivetran.yaml");
    let validator = jsonschema::validator_for(&sarif_schema()).unwrap();
    for names in [files.map(|(name, _)| name).to_vec(), vec![good.to_str().unwrap()]] {
        let run = engine(["validate", "--format", "sarif"]).with(&names).within(place.path()).run();
        let log: serde_json::Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run}"));
        let faults: Vec<String> =
            validator.iter_errors(&log).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(faults.is_empty(), "{}\n{run}", faults.join("\n"));
        let results = log["runs"][0]["results"].as_array().unwrap();
        let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
        for result in results {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"], "{result}");
        }
        let told: Vec<&str> = results
            .iter()
            .map(|result| result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap())
            .collect();
        let is_good = names.len() == 1;
        assert_eq!(is_good, told.is_empty(), "{run}");
        for uri in ["broken.yaml", "a%20b/twice%231.yaml", "empty.yaml", "open.yaml"] {
            assert!(is_good || told.contains(&uri), "{uri}: {run}");
        }
        let related = |result: &serde_json::Value| result.get("relatedLocations").is_some();
        assert!(is_good || results.iter().any(related), "{run}");
    }
}

#[test]
fn specs_without_faults_are_told_in_one_line() {
    let run = engine(["validate", "specs/fivetran.yaml", "specs/circleci.yaml"]).run();
    assert_eq!(run.status, 0, "{run}");
    assert_says("validate-good", &run);
    assert_says("validate-nowhere", &engine(["validate", "specs/nowhere.yaml"]).run());
    assert_says("validate-explain", &engine(["validate", "--explain", "wrong-type"]).run());
    assert_says("validate-explain-unknown", &engine(["validate", "--explain", "wrong-tipe"]).run());
}

/// A folder with a simulated sync of Fivetran.
fn fivetran() -> (tempfile::TempDir, Run) {
    let place = folder();
    let file = place.path().join("sync.c1z");
    let run = engine(["sync", "--spec", "specs/fivetran.yaml", "--simulate", "--file"]).with([file]).run();
    (place, run)
}

#[test]
fn a_simulated_sync_ends_with_a_summary() {
    let (place, run) = fivetran();
    assert_eq!(run.status, 0, "{run}");
    let shown = run.to_string().replace(place.path().to_str().unwrap(), "FOLDER");
    assert_text("sync-simulate", &shown);
}

#[test]
fn a_file_can_be_looked_into_as_tables_json_and_csv() {
    let (place, run) = fivetran();
    assert_eq!(run.status, 0, "{run}");
    for command in ["resources", "entitlements", "grants"] {
        for output in ["table", "json", "csv"] {
            let run = look(place.path(), &[command, "--output", output]);
            assert_eq!(run.status, 0, "{run}");
            assert_says(&format!("{command}-{output}"), &run);
        }
    }
}

#[test]
fn what_is_looked_for_and_not_there_is_told() {
    let (place, _) = fivetran();
    assert_says("resources-of-no-type", &look(place.path(), &["resources", "--type", "acount"]));
    assert_says("resources-no-file", &look(place.path(), &["resources", "--file", "nowhere.c1z"]));
    std::fs::write(place.path().join("text.c1z"), "no sync file").unwrap();
    assert_says("resources-no-sync-file", &look(place.path(), &["resources", "--file", "text.c1z"]));
}

fn look(folder: &Path, arguments: &[&str]) -> Run {
    engine(arguments).within(folder).run()
}

#[test]
fn a_sync_that_cannot_be_done_says_why() {
    let desk = Desk::new("http://127.0.0.1:1".to_owned());
    assert_says("sync-missing-values", &desk.bare_sync().run());
    assert_says("sync-secret-flag", &desk.sync().with(["--set", "api_token=x"]).run());
    let server = Server::start(atlas::answer);
    let desk = Desk::new(server.url());
    assert_says("sync-refused", &desk.sync().env("BATON_ATLAS_API_TOKEN", "wrong").run());
}

#[test]
fn an_incomplete_sync_says_what_is_missing() {
    let server = Server::start(|request| match request.path.as_str() {
        "/teams/t7/members" => Answer::json(&serde_json::json!({ "message": "t7 is secret" })).status(404),
        "/teams/t9/members" => Answer::json(&serde_json::json!({ "items": [{ "user": "gone" }], "next": null })),
        _ => atlas::answer(request),
    });
    let desk = Desk::new(server.url());
    let run = desk.sync_to("c1z").run();
    assert_eq!(run.status, 3, "{run}");
    assert_says("sync-incomplete", &run);
}

#[test]
fn every_end_has_its_exit_status() {
    let desk = Desk::new("http://127.0.0.1:1".to_owned());
    let refusing = Server::start(|_| Answer::json(&serde_json::json!({})).status(401));
    let failing = Server::start(|_| Answer::json(&serde_json::json!({})).status(400));
    let partly = Server::start(|request| match request.path.as_str() {
        "/teams/t7/members" => Answer::json(&serde_json::json!({})).status(404),
        _ => atlas::answer(request),
    });
    let good = Server::start(atlas::answer);
    let status = |server: &Server| Desk::new(server.url()).sync().run().status;
    assert_eq!(status(&good), 0);
    assert_eq!(status(&failing), 1);
    assert_eq!(desk.bare_sync().run().status, 2);
    assert_eq!(status(&partly), 3);
    assert_eq!(status(&refusing), 4);
}

#[test]
fn a_reader_that_goes_away_ends_the_output_without_a_word() {
    let (place, _) = fivetran();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let run = engine(["grants", "--output", "csv"]).within(place.path()).run_into(writer);
    assert_eq!(run.stderr, "");
    assert!(matches!(run.status, 0 | 1), "{run}");
}

#[test]
fn completions_are_made_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = engine(["completions", shell]).run();
        assert_eq!(run.status, 0, "{run}");
        assert!(run.stdout.contains("entitlements"), "{shell}: {run}");
    }
}

#[test]
fn what_the_rows_of_another_type_repeat_is_no_trouble() {
    let server = Server::start(atlas::answer);
    let run = Desk::new(server.url()).sync().run();
    // Roles are made of users, and several pages of users name the same role.
    assert_eq!(run.status, 0, "{run}");
    assert!(run.says("role ") && !run.says("had come before"), "{run}");
}
