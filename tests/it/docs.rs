//! The setup pages of connectors: what they show as commands and manifests works as it stands, and
//! no page holds a secret.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use engine_spec::manual::{self, Setting};
use serde::Deserialize as _;
use serde_json::Value as Json;

use crate::support::atlas::{self, Desk};
use crate::support::server::Server;
use crate::support::{binary, engine, folder, root};

/// The specs of the repository, as commands name them from its top.
pub fn shipped() -> Vec<PathBuf> {
    specs("specs")
}

fn specs(below: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(below)).unwrap();
    let paths = entries.map(|entry| Path::new(below).join(entry.unwrap().file_name()));
    let mut specs: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|it| it == "yaml")).collect();
    specs.sort();
    specs
}

/// The page of a spec, made inside this process.
fn page(spec: &Path) -> String {
    let plan = crate::support::compile(&std::fs::read_to_string(root().join(spec)).unwrap());
    manual::page(&plan, &Setting { spec: spec.to_str().unwrap(), image: "engine" })
}

/// The blocks of a language, in order.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let opened = format!("```{language}\n");
    page.split(&opened).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// The Kubernetes objects of a page by kind.
fn manifests(page: &str) -> BTreeMap<String, Json> {
    let mut found = BTreeMap::new();
    for block in blocks(page, "yaml") {
        for document in serde_yaml::Deserializer::from_str(&block) {
            let object = Json::deserialize(document).unwrap_or_else(|error| panic!("{error}\n{block}"));
            let kind = object["kind"].as_str().unwrap().to_owned();
            assert!(found.insert(kind, object).is_none(), "{block}");
        }
    }
    found
}

fn pod(job: &Json) -> &Json {
    &job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
}

/// The variables of the container: name and value.
fn variables(job: &Json) -> BTreeMap<String, String> {
    let text = |json: &Json| json.as_str().unwrap().to_owned();
    let list = pod(job)["containers"][0]["env"].as_array().unwrap();
    list.iter().map(|variable| (text(&variable["name"]), text(&variable["value"]))).collect()
}

#[test]
fn the_manifests_of_every_page_fit_together() {
    let all = [specs("specs"), specs("tests/hard"), specs("tests/behaviour")].concat();
    for spec in &all {
        let manifests = manifests(&page(spec));
        let job = &manifests["CronJob"];
        let shown = spec.display();
        for object in manifests.values() {
            let name = object["metadata"]["name"].as_str().unwrap();
            assert_eq!(name, job["metadata"]["name"].as_str().unwrap(), "{shown}");
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            assert!(name.len() <= 52 && name.bytes().all(plain) && !name.ends_with('-'), "{shown}: {name}");
        }
        // Every file that a variable names is a key of the Secret, and the other way round.
        let mounts = pod(job)["containers"][0]["volumeMounts"].as_array().unwrap();
        let secrets = mounts.iter().find(|mount| mount["name"] == "secrets").map(|mount| &mount["mountPath"]);
        let held: Vec<String> = match manifests.get("Secret") {
            Some(secret) => secret["stringData"].as_object().unwrap().keys().cloned().collect(),
            None => Vec::new(),
        };
        assert_eq!(secrets.is_some(), !held.is_empty(), "{shown}");
        let folder = secrets.map(|path| format!("{}/", path.as_str().unwrap())).unwrap_or_default();
        let variables = variables(job);
        let files = variables.iter().filter(|(name, _)| name.ends_with("_FILE"));
        let mut named: Vec<&str> = files.map(|(_, path)| path.strip_prefix(&folder).unwrap()).collect();
        named.sort_unstable();
        assert_eq!(named, held, "{shown}");
        for volume in mounts {
            let there = pod(job)["volumes"].as_array().unwrap().iter().any(|it| it["name"] == volume["name"]);
            assert!(there, "{shown}: {volume}");
        }
    }
}

#[test]
fn the_cron_job_of_a_page_reads_the_vendor() {
    let server = Server::start(atlas::answer);
    let desk = Desk::new(server.url());
    let page = engine(["docs", "atlas.yaml"]).within(desk.folder()).run().stdout;
    let manifests = manifests(&page);
    let job = &manifests["CronJob"];
    // A folder stands in for the container: what is mounted there, lies here.
    let inside = |path: &str| {
        let path = path.strip_prefix("/specs/").unwrap_or(path);
        desk.path(path.trim_start_matches('/')).to_str().unwrap().to_owned()
    };
    std::fs::create_dir_all(inside("/data")).unwrap();
    std::fs::create_dir_all(inside("/run/secrets/engine")).unwrap();
    for key in manifests["Secret"]["stringData"].as_object().unwrap().keys() {
        assert_eq!(key, "api_token");
        std::fs::write(inside(&format!("/run/secrets/engine/{key}")), format!("{}\n", atlas::TOKEN)).unwrap();
    }
    let arguments = pod(job)["containers"][0]["args"].as_array().unwrap();
    let arguments = arguments.iter().map(|word| word.as_str().unwrap());
    let arguments: Vec<String> =
        arguments.map(|word| if word.starts_with('/') { inside(word) } else { word.to_owned() }).collect();
    let mut run = engine(&arguments).env("BATON_ATLAS_BASE_URL", server.url());
    for (name, value) in variables(job) {
        run = run.env(&name, if value.starts_with('/') { inside(&value) } else { value });
    }
    let run = run.run();
    assert_eq!(run.status, 0, "{run}");
    assert!(Path::new(&inside("/data/atlas.c1z")).is_file());
}

#[test]
fn the_commands_of_a_page_read_the_vendor() {
    let server = Server::start(atlas::answer);
    let desk = Desk::new(server.url());
    let page = engine(["docs", "atlas.yaml"]).within(desk.folder()).run().stdout;
    std::fs::create_dir(desk.path("secrets")).unwrap();
    desk.write("secrets/api_token", atlas::TOKEN);
    let commands = &blocks(&page, "sh")[0];
    assert!(commands.contains("BATON_ATLAS_ORG='<Organization>'"), "{commands}");
    let path = format!("{}:{}", binary().parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("bash");
    shell.args(["-euc", commands]).current_dir(desk.folder()).env_clear().env("PATH", path);
    let ended = shell.env("BATON_ATLAS_BASE_URL", server.url()).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(desk.path("atlas.c1z").is_file());
}

#[test]
fn every_command_of_every_page_is_one_that_a_shell_can_read() {
    for spec in shipped() {
        for block in blocks(&page(&spec), "sh") {
            let read = Command::new("bash").args(["-nc", &block]).output().unwrap();
            assert!(read.status.success(), "{}: {block}", spec.display());
        }
    }
}

#[test]
fn a_page_names_every_field_with_its_variable_and_where_it_is_found() {
    for spec in shipped() {
        let page = page(&spec);
        let text = std::fs::read_to_string(root().join(&spec)).unwrap();
        let plan = crate::support::compile(&text);
        for field in &plan.config {
            let section = page.split(&format!("### {}\n", field.title)).nth(1).unwrap().split("\n#").next().unwrap();
            assert!(section.contains(&format!("`{}`", field.env)), "{section}");
            assert!(section.contains(&format!("`{}_FILE`", field.env)), "{section}");
            assert!(field.docs.iter().all(|docs| section.contains(docs)), "{section}");
            assert_eq!(section.contains("* Secret"), field.secret, "{section}");
        }
        for kind in &plan.types {
            assert!(page.contains(&format!("\n| `{}` |", kind.id)), "{}: {}", spec.display(), kind.id);
        }
    }
}

/// What an author may write and Markdown, shells and YAML would take for their own.
const AWKWARD: &str = r#"format: 1
id: awkward
name: "A <b>bold</b> | vendor"
summary: "Reads `users` | *all* of them"
notes: ["Not \"verified\": [x](y) ``` `"]
config:
  token: { title: "The 'token' | <secret>", help: "Under A | B", secret: true }
  org: { title: "Org: #1 '\"x", help: "- none" }
  tenant: { title: Tenant, example: "it's: \"here\" # $(touch made) `touch made`" }
http:
  base_url: "https://{{ config.tenant }}.awkward.example/api"
  auth: { bearer: "{{ config.token }}" }
resources:
  user:
    list: { get: /users, items: $.items, pages: none }
    id: $.id
    display_name: $.name
    user: { status: enabled }
"#;

#[test]
fn awkward_words_of_a_spec_do_no_harm_to_its_page() {
    let place = folder();
    std::fs::write(place.path().join("awkward.yaml"), AWKWARD).unwrap();
    let run = engine(["docs", "awkward.yaml", "--image", "registry.example/engine:1"]).within(place.path()).run();
    assert_eq!(run.status, 0, "{run}");
    let page = run.stdout;
    assert!(page.starts_with("# A \\<b>bold\\</b> | vendor\n"), "{page}");
    assert!(page.contains("{BATON_AWKWARD_TENANT}.awkward.example"), "{page}");
    let manifests = manifests(&page);
    assert_eq!(manifests["Secret"]["stringData"]["token"], "<The 'token' | <secret>>");
    let variables = variables(&manifests["CronJob"]);
    assert_eq!(variables["BATON_AWKWARD_TENANT"], "it's: \"here\" # $(touch made) `touch made`");
    assert_eq!(pod(&manifests["CronJob"])["containers"][0]["image"], "registry.example/engine:1");
    // A shell is given the same, and runs nothing that is in it.
    let lines = blocks(&page, "sh")[0].replace("engine sync", "printenv BATON_AWKWARD_TENANT BATON_AWKWARD_ORG #");
    let mut shell = Command::new("bash");
    let said = shell.args(["-euc", &lines]).current_dir(place.path()).output().unwrap().stdout;
    let said = String::from_utf8(said).unwrap();
    assert_eq!(said, "it's: \"here\" # $(touch made) `touch made`\n<Org: #1 '\"x>\n");
    assert!(!place.path().join("made").exists());
    let tables = page.lines().filter(|line| line.starts_with("| "));
    for line in tables {
        let cells = line.replace("\\|", "").matches('|').count();
        assert!([4, 5, 10].contains(&cells), "{line}");
    }
}

#[test]
fn pages_and_the_table_are_written_and_a_stale_one_is_told() {
    let place = folder();
    let write = |name: &str, text: &str| std::fs::write(place.path().join(name), text).unwrap();
    write("atlas.yaml", atlas::SPEC);
    write(
        "README.md",
        "# Ours\n\n<!-- connectors: made by `engine docs --table` -->\n<!-- end of connectors -->\n\nEnd.\n",
    );
    let docs = |more: &[&str]| engine(["docs", "atlas.yaml"]).with(more).within(place.path()).run();
    let both = ["--out", "pages", "--table", "README.md"];
    let checked = [both.as_slice(), &["--check"]].concat();
    let run = docs(&checked);
    assert_eq!(run.status, 1, "{run}");
    assert!(run.says("not up to date: pages/atlas.md, README.md"), "{run}");
    assert!(run.says("run `engine docs atlas.yaml --out pages --table README.md`"), "{run}");
    assert!(!place.path().join("pages").exists());
    assert_eq!(docs(&both).status, 0);
    assert_eq!(docs(&checked).status, 0);
    let readme = std::fs::read_to_string(place.path().join("README.md")).unwrap();
    assert!(readme.contains("| Atlas: [spec](atlas.yaml), [setup](pages/atlas.md) |"), "{readme}");
    assert!(readme.starts_with("# Ours\n\n") && readme.ends_with("\n\nEnd.\n"), "{readme}");
    write("atlas.yaml", &atlas::SPEC.replace("title: Organization", "title: Workspace"));
    let run = docs(&checked);
    assert_eq!(run.status, 1, "{run}");
    assert!(run.says("not up to date: pages/atlas.md\n"), "{run}");
    assert_eq!(docs(&["--out", "one.md"]).status, 0);
    assert!(std::fs::read_to_string(place.path().join("one.md")).unwrap().contains("### Workspace"));
}

#[test]
fn what_cannot_be_written_is_told_with_what_to_do() {
    let place = folder();
    std::fs::write(place.path().join("atlas.yaml"), atlas::SPEC).unwrap();
    std::fs::write(place.path().join("bare.md"), "nothing\n").unwrap();
    let docs = |words: &[&str]| engine(["docs"]).with(words).within(place.path()).run();
    let run = docs(&["atlas.yaml", "--table", "bare.md"]);
    assert!(run.status == 2 && run.says("bare.md has no place for the table"), "{run}");
    let run = docs(&["atlas.yaml", "atlas.yaml"]);
    assert!(run.status == 2 && run.says("--out DIR"), "{run}");
    let run = docs(&["atlas.yaml", "atlas.yaml", "--out", "pages"]);
    assert!(run.status == 2 && run.says("would be the same file"), "{run}");
    let run = docs(&["atlas.yaml", "--check"]);
    assert!(run.status == 2 && run.says("nothing to check"), "{run}");
    std::fs::write(place.path().join("broken.yaml"), "format: 1\n").unwrap();
    assert_eq!(docs(&["broken.yaml"]).status, 2);
}

#[test]
fn the_image_is_built_of_what_is_there() {
    let recipe = std::fs::read_to_string(root().join("engine/Dockerfile")).unwrap();
    let version = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let rust = version.split("rust-version = \"").nth(1).unwrap().split('"').next().unwrap();
    assert!(recipe.contains(&format!("FROM rust:{rust}-")), "{recipe}");
    assert!(version.contains("[profile.dist]") && recipe.contains("--profile dist"), "{recipe}");
    assert!(recipe.contains("COPY specs /specs") && root().join("specs").is_dir(), "{recipe}");
}
