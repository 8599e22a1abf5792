//! What editors are told of the language, and the checks for CI and before commits.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use engine_spec::expression::Expression;
use engine_spec::path::Path as JsonPath;
use engine_spec::schema::{EXAMPLES, file_schema, flow, fragment_file_schema, spec_schema};
use engine_spec::template::Template;
use serde_json::{Value as Json, json};

use crate::support::{Run, binary, folder, root};

/// A key of the language: the block it stands in, its name, its schema.
type Key<'s> = (String, String, &'s Json);

/// Every key of a schema.
fn keys<'s>(schema: &'s Json, root: &str) -> Vec<Key<'s>> {
    let mut found = Vec::new();
    for (name, definition) in schema["$defs"].as_object().into_iter().flatten() {
        collect(definition, name, &mut found);
    }
    collect(schema, root, &mut found);
    found
}

fn collect<'s>(schema: &'s Json, block: &str, found: &mut Vec<Key<'s>>) {
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        found.push((block.to_owned(), key.clone(), property));
        collect(property, block, found);
    }
    for inner in ["items", "additionalProperties"].iter().filter_map(|key| schema.get(key)) {
        collect(inner, block, found);
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        schema[key].as_array().into_iter().flatten().for_each(|form| collect(form, block, found));
    }
}

/// A schema of maps in which each number stands for a key of the language.
fn numbered(keys: &[Key<'_>], whole: &Json) -> jsonschema::Validator {
    let numbered = keys.iter().enumerate().map(|(number, (_, _, property))| (number.to_string(), (*property).clone()));
    let properties: serde_json::Map<String, Json> = numbered.collect();
    jsonschema::validator_for(&json!({ "properties": properties, "$defs": whole["$defs"] })).unwrap()
}

fn published() -> [(Json, &'static str); 2] {
    [(file_schema(), "Spec"), (fragment_file_schema(), "Fragment")]
}

#[test]
fn every_key_has_a_description_and_an_example_that_fits_it() {
    let mut wrong = Vec::new();
    for (schema, root) in published() {
        let keys = keys(&schema, root);
        assert!(keys.len() > 5, "{root}: {}", keys.len());
        let fits = numbered(&keys, &schema);
        for (number, (block, key, property)) in keys.iter().enumerate() {
            if property["description"].as_str().is_none_or(|text| text.trim().is_empty()) {
                wrong.push(format!("{block}.{key} has no description"));
            }
            let examples = property["examples"].as_array().cloned().unwrap_or_default();
            if examples.is_empty() {
                wrong.push(format!("{block}.{key} has no example"));
            }
            for example in examples.iter().chain(property.get("default")) {
                if let Err(error) = fits.validate(&json!({ number.to_string(): example })) {
                    wrong.push(format!("{block}.{key}: {example} does not fit: {error}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_example_is_left_over() {
    let mut known = BTreeSet::new();
    let schemas = published();
    for (schema, root) in &schemas {
        known.extend(keys(schema, root).into_iter().map(|(block, key, _)| (block, key)));
    }
    // Blocks whose keys others take, and that stand nowhere themselves.
    let lent = |block: &str| ["Request", "Rows"].contains(&block);
    let left: Vec<String> = EXAMPLES
        .keys()
        .filter(|(block, key)| !lent(block) && !known.contains(&((*block).to_owned(), (*key).to_owned())))
        .map(|(block, key)| format!("{block}.{key}"))
        .collect();
    assert!(left.is_empty(), "{}", left.join(", "));
}

#[test]
fn paths_templates_and_conditions_in_examples_are_right() {
    let schema = file_schema();
    let mut wrong = Vec::new();
    for (block, key, property) in keys(&schema, "Spec") {
        let prose = ["help", "say", "title", "summary", "description", "message", "fail", "absent", "given"];
        for example in property["examples"].as_array().into_iter().flatten() {
            let literal = block == "Literal" || key == "pattern" || key == "unless";
            let words = prose.contains(&key.as_str()) && example.is_string();
            if !literal && !words {
                judge(example, &key, &format!("{block}.{key}"), &mut wrong);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Looks into an example: what has the form of a path, a template or a condition must be one.
fn judge(value: &Json, key: &str, place: &str, wrong: &mut Vec<String>) {
    let conditions = ["when", "where", "holds", "some", "while", "protect", "primary"];
    match value {
        Json::Object(map) => {
            for (key, value) in map {
                if key.starts_with('$') {
                    judge(&Json::from(key.as_str()), "", place, wrong);
                }
                judge(value, key, place, wrong);
            }
        }
        Json::Array(items) => items.iter().for_each(|item| judge(item, key, place, wrong)),
        Json::String(text) if text.starts_with('$') && JsonPath::parse(text).is_err() => {
            wrong.push(format!("{place}: {text} is no path"));
        }
        Json::String(text) if Template::is_template(text) && Template::compile(text).is_err() => {
            wrong.push(format!("{place}: {text} is no template"));
        }
        Json::String(text) if conditions.contains(&key) && Expression::compile(text).is_err() => {
            wrong.push(format!("{place}: {text} is no condition"));
        }
        _ => {}
    }
}

#[test]
fn every_word_of_a_choice_says_what_it_means() {
    let schema = file_schema();
    let mut choices = 0;
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        let mut forms = vec![definition];
        forms.extend(definition["oneOf"].as_array().into_iter().chain(definition["anyOf"].as_array()).flatten());
        for form in forms {
            if let Some(word) = form.get("const") {
                assert!(form["description"].is_string(), "{name}: {word}");
            }
            let Some(words) = form.get("enum").and_then(Json::as_array) else { continue };
            choices += 1;
            for list in ["enumDescriptions", "markdownEnumDescriptions"] {
                let meanings = form[list].as_array().unwrap_or_else(|| panic!("{name} has no {list}"));
                assert_eq!(meanings.len(), words.len(), "{name}");
                assert!(meanings.iter().all(|meaning| !meaning.as_str().unwrap().is_empty()), "{name}");
            }
            let told = form["x-intellij-enum-metadata"].as_object().unwrap();
            assert!(words.iter().all(|word| told.contains_key(word.as_str().unwrap())), "{name}");
        }
    }
    assert!(choices > 20, "{choices}");
}

#[test]
fn no_default_offers_what_nobody_writes() {
    for (schema, root) in published() {
        for (block, key, property) in keys(&schema, root) {
            let default = property.get("default");
            let nothing = [Json::Null, json!([]), json!({})];
            assert!(default.is_none_or(|default| !nothing.contains(default)), "{block}.{key}");
        }
    }
}

#[test]
fn what_is_offered_to_begin_with_is_the_first_example() {
    let schema = file_schema();
    let mut offered = 0;
    for (block, key, property) in keys(&schema, "Spec") {
        let first = &property["examples"][0];
        let snippets = property["defaultSnippets"].as_array().map(Vec::as_slice).unwrap_or_default();
        let wanted = (first.is_object() || first.is_array()) && property.get("$ref").is_none();
        assert_eq!(snippets.len(), usize::from(wanted), "{block}.{key}");
        for snippet in snippets {
            offered += 1;
            let body = snippet["body"].as_str().unwrap().strip_prefix('^').unwrap();
            // As an editor takes it: `\$` is a dollar and no place to type.
            let text = body.replace("\\$", "$").replace("\\\\", "\\");
            assert_eq!(&serde_yaml::from_str::<Json>(&text).unwrap(), first, "{block}.{key}: {text}");
            assert!(!body.replace("\\$", "").contains('$'), "{block}.{key}: {body}");
        }
    }
    assert!(offered > 100, "{offered}");
}

#[test]
fn an_editor_refuses_what_the_engine_refuses_by_its_schema() {
    let (told, engine) = (file_schema(), spec_schema());
    let told = jsonschema::validator_for(&told).unwrap();
    let engine = jsonschema::validator_for(&engine).unwrap();
    let (mut accepted, mut refused) = (0, 0);
    for below in ["tests/invalid", "tests/behaviour"] {
        for entry in std::fs::read_dir(root().join(below)).unwrap() {
            let path = entry.unwrap().path();
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            let Ok(tree) = serde_yaml::from_str::<Json>(&text) else { continue };
            if engine.is_valid(&tree) {
                accepted += 1;
                assert!(told.is_valid(&tree), "{}", path.display());
            } else if told.is_valid(&tree) {
                // A fragment may give what is not there, and null takes away what it gives.
                let may = text.contains("\nuse:") || text.starts_with("# expect: missing-key") || text.contains("null");
                assert!(may, "{}", path.display());
            } else {
                refused += 1;
            }
        }
    }
    assert!(accepted > 300 && refused > 50, "{accepted} accepted, {refused} refused");
}

#[test]
fn the_reference_shows_the_examples() {
    let reference = std::fs::read_to_string(root().join("schema/reference.md")).unwrap();
    for (block, key) in [("Spec", "config"), ("PageRules", "cursor"), ("ListSource", "items"), ("Auth", "bearer")] {
        let example = flow(&EXAMPLES.of(block, key).unwrap()[0]);
        assert!(reference.contains(&example), "{block}.{key}: {example}");
    }
}

/// A YAML file of the repository.
fn yaml(name: &str) -> Json {
    serde_yaml::from_str(&std::fs::read_to_string(root().join(name)).unwrap()).unwrap()
}

/// Runs lines as a shell step does, in a folder, with the engine on the PATH.
fn step(lines: &str, within: &Path, variables: &[(&str, &str)]) -> Run {
    let path = format!("{}:{}", binary().parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("bash");
    shell.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", lines]).current_dir(within);
    shell.env_clear().env("PATH", path).env("NO_COLOR", "1").envs(variables.iter().copied());
    Run::of(shell.output().unwrap())
}

/// A folder with a good spec, its case, and two broken specs, one of which has a space in its name.
fn desk() -> tempfile::TempDir {
    let place = folder();
    let copy = |from: &str, to: &str| {
        let to = place.path().join(to);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(root().join(from), to).unwrap();
    };
    copy("tests/behaviour/item.yaml", "good/item.yaml");
    for case in std::fs::read_dir(root().join("tests/behaviour/item")).unwrap() {
        let name = case.unwrap().file_name().into_string().unwrap();
        copy(&format!("tests/behaviour/item/{name}"), &format!("good/item/{name}"));
        copy(&format!("tests/behaviour/item/{name}"), &format!("cases/item/{name}"));
    }
    copy("tests/behaviour/item.yaml", "apart/item.yaml");
    copy("tests/invalid/account-type-unknown.yaml", "broken/one.yaml");
    copy("tests/invalid/account-type-unknown.yaml", "broken/with space.yaml");
    place
}

/// The steps of the action: their names with their lines.
fn steps() -> Vec<(String, String)> {
    let action = yaml(".github/actions/validate/action.yml");
    assert_eq!(action["runs"]["using"], "composite");
    let inputs = action["inputs"].as_object().unwrap();
    let mut steps = Vec::new();
    for step in action["runs"]["steps"].as_array().unwrap() {
        assert_eq!(step["shell"], "bash");
        let lines = step["run"].as_str().unwrap().to_owned();
        // What a user gives reaches the shell by variables, never as a part of its lines.
        assert!(!lines.contains("${{"), "{lines}");
        for (name, value) in step["env"].as_object().unwrap() {
            assert!(lines.contains(&format!("${name}")) || lines.contains(&format!("${{{name}")), "{name}: {lines}");
            let value = value.as_str().unwrap();
            let input = value.split("inputs.").nth(1).map(|rest| rest.trim_end_matches([' ', '}']));
            assert!(input.is_none_or(|input| inputs.contains_key(input)), "{value}");
        }
        steps.push((step["name"].as_str().unwrap().to_owned(), lines));
    }
    steps
}

#[test]
fn the_action_marks_faults_and_plays_cases() {
    let place = desk();
    let steps = steps();
    let [_, (_, validate), (_, test)] = steps.as_slice() else { panic!("{steps:?}") };
    let with = |lines: &str, specs: &str, cases: &str| {
        let variables = [("ENGINE", "engine"), ("SPECS", specs), ("STRICT", "true"), ("CASES", cases)];
        step(lines, place.path(), &variables)
    };
    let run = with(validate, "good/*.yaml", "");
    assert_eq!((run.status, run.stdout.as_str()), (0, ""), "{run}");
    let run = with(validate, "good/*.yaml broken/*.yaml", "");
    assert_eq!(run.status, 2, "{run}");
    assert!(run.stdout.contains("::error file=broken/one.yaml,line="), "{run}");
    assert!(run.stdout.contains("::error file=broken/with space.yaml,line="), "{run}");
    let run = with(validate, "nowhere/*.yaml", "");
    assert_eq!(run.status, 2, "{run}");
    let run = with(test, "good/*.yaml\n", "");
    assert!(run.status == 0 && run.stdout.ends_with(" passed, 0 failed\n"), "{run}");
    let run = with(test, "apart/item.yaml", "");
    assert!(run.status == 1 && run.says("has no recorded cases"), "{run}");
    assert_eq!(with(test, "apart/item.yaml", "cases").status, 0);
    let run = with(test, "$(touch made) `touch made` broken/*.yaml", "");
    assert!(run.status != 0 && !place.path().join("made").exists(), "{run}");
}

#[test]
fn the_action_builds_the_engine_only_where_there_is_none() {
    let place = folder();
    let steps = steps();
    let build = &steps[0].1;
    // Stands in for cargo: says what it was asked for, as building takes long.
    let cargo = place.path().join("bin/cargo");
    std::fs::create_dir(place.path().join("bin")).unwrap();
    std::fs::write(&cargo, "#!/bin/sh\necho \"$@\" > \"$RUNNER_TEMP/asked\"\n").unwrap();
    std::fs::set_permissions(&cargo, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let temporary = place.path().to_str().unwrap();
    let file = place.path().join("path");
    let path = format!("{temporary}/bin:{}", std::env::var("PATH").unwrap());
    let run = |engine: &str| {
        let told = file.to_str().unwrap();
        let source = root().join(".github/actions/validate/../../..");
        let variables = [
            ("ENGINE", engine),
            ("SOURCE", source.to_str().unwrap()),
            ("RUNNER_TEMP", temporary),
            ("GITHUB_PATH", told),
        ];
        let mut lines = String::from(build);
        if engine != "engine" {
            lines.insert_str(0, &format!("PATH='{path}'\n"));
        }
        step(&lines, place.path(), &variables)
    };
    assert_eq!(run("engine").status, 0);
    assert!(!place.path().join("asked").exists());
    let there_is_none = run("engine-that-is-not-there");
    assert_eq!(there_is_none.status, 0, "{there_is_none}");
    let asked = std::fs::read_to_string(place.path().join("asked")).unwrap();
    assert!(asked.starts_with("install --locked --path ") && asked.contains("/engine/cli "), "{asked}");
    let package = asked.split_whitespace().nth(3).unwrap();
    assert!(Path::new(package).join("Cargo.toml").is_file(), "{package}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{temporary}/engine/bin\n"));
}

#[test]
fn the_hooks_check_the_specs_they_are_given() {
    let place = desk();
    let hooks = yaml(".pre-commit-hooks.yaml");
    let hooks = hooks.as_array().unwrap();
    assert_eq!(hooks.len(), 2);
    for hook in hooks {
        let entry = hook["entry"].as_str().unwrap();
        assert_eq!(hook["language"], "script");
        // pre-commit looks for the script in the repository of the hook, and adds the files.
        let with = |spec: &str| step(&format!("{}/{entry} {spec}", root().display()), place.path(), &[]);
        assert_eq!(with("good/item.yaml").status, 0, "{entry}");
        assert_eq!(with("'broken/with space.yaml'").status, 2, "{entry}");
        let files = regex::Regex::new(hook["files"].as_str().unwrap()).unwrap();
        assert!(files.is_match("specs/acme.yaml") && !files.is_match("specs/fragments/scim2.yaml"), "{files}");
    }
}

#[test]
fn the_snippets_of_the_guide_for_ci_are_right() {
    let guide = std::fs::read_to_string(root().join("specs/README.md")).unwrap();
    let part = guide.split("## Specs in CI").nth(1).unwrap().split("\n## ").next().unwrap();
    let texts: Vec<&str> = part.split("```yml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let names: Vec<&str> = texts.iter().map(|text| text.lines().next().unwrap()).collect();
    assert_eq!(names, ["# .github/workflows/specs.yml", "# .gitlab-ci.yml", "# .pre-commit-config.yaml"]);
    let blocks: Vec<Json> = texts.iter().map(|text| serde_yaml::from_str(text).unwrap()).collect();
    let [github, gitlab, hooks] = blocks.as_slice() else { panic!("{part}") };
    let uses = github["jobs"]["specs"]["steps"][1]["uses"].as_str().unwrap();
    let action = uses.split('@').next().unwrap().strip_prefix("OWNER/REPOSITORY/").unwrap();
    assert!(root().join(action).join("action.yml").is_file(), "{uses}");
    let known = yaml(".pre-commit-hooks.yaml");
    let known: Vec<&Json> = known.as_array().unwrap().iter().map(|hook| &hook["id"]).collect();
    let named = hooks["repos"][0]["hooks"].as_array().unwrap();
    assert_eq!(named.iter().map(|hook| &hook["id"]).collect::<Vec<_>>(), known);
    // The job of GitLab, on a good repository and on a broken one.
    let lines = gitlab["specs"]["script"].as_array().unwrap().iter().map(|line| line.as_str().unwrap());
    let lines = lines.collect::<Vec<_>>().join("\n");
    let place = desk();
    std::fs::rename(place.path().join("good"), place.path().join("specs")).unwrap();
    let run = step(&lines, place.path(), &[]);
    assert!(run.status == 0 && run.says(" passed, 0 failed"), "{run}");
    std::fs::rename(place.path().join("broken/one.yaml"), place.path().join("specs/one.yaml")).unwrap();
    assert_eq!(step(&lines, place.path(), &[]).status, 2);
    let rust = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let rust = rust.split("rust-version = \"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(gitlab["specs"]["image"], format!("rust:{rust}"));
}
