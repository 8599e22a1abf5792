//! Secrets of provisioning: a password is shown to the user once, where it was set, and stands
//! nowhere else; the secrets of the config stand nowhere at all.

use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};

use super::desk::{Desk, assert_says, ended};
use crate::support::Run;
use crate::support::directory::scim::{Dialect, Scim};
use crate::support::directory::{Directory, TOKEN};
use crate::support::server::{Answer, Request, Server};

const CREATE: &str = "account create --input user_name=cy@guild.example";
const EVERYTHING: &str = "--log-level trace --audit audit.jsonl";

/// Users have passwords, made by the engine where none is given.
fn with_passwords(text: String) -> String {
    let user = r#"  user:
    attributes:
      password: { title: Password, is: password, secret: true, generate: { length: 24 }, given_to: [create, rotate] }
    rotate:
      request: PATCH /Users/{{ resource.id }}
      headers: { Content-Type: application/scim+json }
      json:
        schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]
        Operations:
          - { op: replace, path: password, value: "{{ input.password }}" }
    create: { json: { password: "{{ input.password }}" }, redact: { invitation: $.invitation },"#;
    text.replace("  user:\n    create: {", user)
}

fn start() -> (Directory<Scim>, Desk) {
    let directory = Directory::start(Scim::new(Dialect::default()).with_user("u1", "ada@guild.example"));
    let desk = Desk::guild_like(with_passwords, &directory);
    (directory, desk)
}

fn kept(directory: &Directory<Scim>, user_name: &str) -> String {
    directory.state().user_named(user_name).unwrap()["password"].as_str().unwrap().to_owned()
}

/// A secret stands so often on standard output, and neither on standard error nor in the audit.
#[track_caller]
fn assert_shown(desk: &Desk, run: &Run, secret: &str, times: usize) {
    assert_eq!(run.stdout.matches(secret).count(), times, "{secret}: {run}");
    let audit = std::fs::read_to_string(desk.path("audit.jsonl")).unwrap_or_default();
    let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    for form in [secret, &encoded] {
        assert!(!run.stderr.contains(form), "{secret} is on standard error: {run}");
        assert!(!audit.contains(form), "{secret} is in the audit: {audit}");
    }
    assert!(!run.says(TOKEN) && !audit.contains(TOKEN), "{run}\n{audit}");
}

#[test]
fn a_generated_password_is_shown_once() {
    let (directory, desk) = start();
    let run = desk.does(&format!("{CREATE} {EVERYTHING}"));
    assert_eq!(ended(&run), ("done", 0), "{run}");
    let first = kept(&directory, "cy@guild.example");
    assert_eq!(first.chars().count(), 24);
    assert!(run.stdout.contains(&format!("\npassword: {first}\n")), "{run}");
    assert_says(&run, &["shown this once", "answered"]);
    assert_shown(&desk, &run, &first, 1);

    let run = desk.does(&format!("account rotate user:u1 {EVERYTHING}"));
    assert_eq!(ended(&run), ("done", 0), "{run}");
    let second = kept(&directory, "ada@guild.example");
    assert_ne!(first, second);
    assert_shown(&desk, &run, &second, 1);
    assert_shown(&desk, &run, &first, 0);

    let run = desk.does(&format!("account rotate user:u1 -o json {EVERYTHING}"));
    let told: Json = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(told["secrets"]["password"], kept(&directory, "ada@guild.example"));
    assert_shown(&desk, &run, &kept(&directory, "ada@guild.example"), 1);
}

#[test]
fn a_plan_makes_a_password_and_keeps_it_for_itself() {
    let (directory, desk) = start();
    for form in ["", " -o json"] {
        let run = desk.run(&format!("{CREATE} --plan {EVERYTHING}{form}"));
        assert_eq!(run.status, 0, "{run}");
        assert!(run.stdout.contains("***") && !run.stdout.contains("password: "), "{run}");
        assert!(!run.stdout.contains("secrets"), "{run}");
    }
    assert!(directory.writes().is_empty());
}

#[test]
fn a_password_that_was_not_set_is_not_shown() {
    let (directory, desk) = start();
    let run = desk.does("account create --input user_name=ada@guild.example");
    assert_eq!(ended(&run), ("already", 0), "{run}");
    assert!(!run.says("password"), "nobody has this password: {run}");
    let refusal = json!({ "detail": "no more seats" });
    directory.arm(directory.on("POST", "/scim/v2/Users").answers(403, &[], refusal));
    let run = desk.does(CREATE);
    assert_eq!(ended(&run), ("failed", 4), "{run}");
    assert!(!run.says("password"), "nobody has this password: {run}");
}

#[test]
fn a_password_that_may_have_been_set_is_shown() {
    let (directory, desk) = start();
    directory.arm(directory.on("POST", "/scim/v2/Users").loses_answer());
    let run = desk.does(&format!("{CREATE} {EVERYTHING}"));
    assert_eq!(ended(&run), ("done", 0), "{run}");
    assert_shown(&desk, &run, &kept(&directory, "cy@guild.example"), 1);

    directory.arm(directory.on("PATCH", "/scim/v2/Users/u1").loses_answer());
    let run = desk.does(&format!("account rotate user:u1 {EVERYTHING}"));
    assert_eq!(ended(&run), ("failed", 1), "{run}");
    assert_says(&run, &["it may have happened all the same"]);
    assert_shown(&desk, &run, &kept(&directory, "ada@guild.example"), 1);
}

#[test]
fn a_given_password_comes_by_a_file_and_is_never_shown() {
    let (directory, desk) = start();
    let given = "made-up/pass+word-93";
    std::fs::write(desk.path("password"), format!("{given}\n")).unwrap();
    let run = desk.does(&format!("{CREATE} --input password={given} {EVERYTHING}"));
    assert_eq!(run.status, 2, "{run}");
    assert_says(&run, &["--input-file password=FILE"]);
    assert_shown(&desk, &run, given, 0);
    assert!(directory.requests().is_empty());
    for line in [format!("{CREATE} --plan"), CREATE.to_owned()] {
        let run = desk.does(&format!("{line} --input-file password=password {EVERYTHING}"));
        assert_eq!(run.status, 0, "{run}");
        assert_shown(&desk, &run, given, 0);
    }
    assert_eq!(kept(&directory, "cy@guild.example"), given);
}

#[test]
fn a_password_that_cannot_be_read_is_changed_all_the_same() {
    let (directory, _) = start();
    let update = r#"    update:
      request: PATCH /Users/{{ resource.id }}
      headers: { Content-Type: application/scim+json }
      json:
        schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]
        Operations:
          - { op: replace, path: password, value: "{{ input.password }}" }"#;
    let changeable = |text| {
        let text = with_passwords(text).replace("given_to: [create, rotate]", "given_to: [create, rotate, update]");
        text.replacen("    update: { verify: { for: 300ms, every: 20ms } }", update, 1)
    };
    let desk = Desk::guild_like(changeable, &directory);
    std::fs::write(desk.path("password"), "made-up/pass+word-93").unwrap();
    let run = desk.does(&format!("account update user:u1 --input-file password=password {EVERYTHING}"));
    assert_eq!(ended(&run), ("done", 0), "{run}");
    assert_eq!(kept(&directory, "ada@guild.example"), "made-up/pass+word-93");
    assert_shown(&desk, &run, "made-up/pass+word-93", 0);
}

/// A vendor without users, which answers a create by a function, and remembers the password of it.
fn vendor(answer: impl Fn(&Request, &str) -> Answer + Send + Sync + 'static) -> (Server, Arc<Mutex<String>>) {
    let password: Arc<Mutex<String>> = Arc::default();
    let seen = password.clone();
    let server = Server::start(move |request| {
        if request.method == "GET" {
            return Answer::json(&json!({ "totalResults": 0, "Resources": [] }));
        }
        let password = request.json()["password"].as_str().unwrap_or_default().to_owned();
        seen.lock().unwrap().clone_from(&password);
        answer(request, &password)
    });
    (server, password)
}

#[test]
fn a_vendor_that_repeats_a_password_in_its_refusal_is_not_quoted_with_it() {
    for (place, status, exit) in [("detail", 400, 1), ("detail", 403, 4), ("detail", 500, 1), ("scimType", 400, 1)] {
        let (server, password) = vendor(move |request, password| {
            let encoded: String = url::form_urlencoded::byte_serialize(password.as_bytes()).collect();
            let header = request.headers["authorization"].clone();
            let words = json!({ place: format!("wrong: {password} {encoded} {header}") });
            Answer::json(&words).status(status)
        });
        let desk = Desk::guild_at(with_passwords, &server.url());
        let run = desk.does(&format!("{CREATE} {EVERYTHING}"));
        assert_eq!(ended(&run), ("failed", exit), "{run}");
        assert_says(&run, &["wrong: *** *** Bearer ***"]);
        let password = password.lock().unwrap().clone();
        assert_shown(&desk, &run, &password, run.stdout.matches(&password).count());
        assert!(run.stdout.lines().count() <= 2, "{run}");
    }
}

#[test]
fn a_program_is_not_told_a_password_that_the_vendor_repeats() {
    for place in ["detail", "scimType"] {
        let (server, password) = vendor(move |_, password| Answer::json(&json!({ place: password })).status(400));
        let desk = Desk::guild_at(with_passwords, &server.url());
        let run = desk.does(&format!("{CREATE} -o json"));
        let mut told: Json = serde_json::from_str(&run.stdout).unwrap();
        told.as_object_mut().unwrap().remove("secrets");
        assert!(!told.to_string().contains(password.lock().unwrap().as_str()), "{place}: {run}");
    }
}

#[test]
fn a_vendor_that_makes_a_password_the_name_tells_it_to_nobody_else() {
    let (server, password) = vendor(|_, password| {
        let user = json!({ "id": "u9", "userName": "cy@guild.example", "displayName": password, "active": true });
        Answer::json(&user).status(201)
    });
    let believing = |text| with_passwords(text).replacen("verify: { for: 300ms, every: 20ms }", "verify: none", 1);
    let desk = Desk::guild_at(believing, &server.url());
    let run = desk.does(&format!("{CREATE} {EVERYTHING}"));
    assert_eq!(ended(&run), ("done", 0), "{run}");
    assert_shown(&desk, &run, &password.lock().unwrap(), 1);
}

#[test]
fn a_secret_of_an_answer_is_shown_once() {
    let link = "https://guild.example/join/made-up-invitation-0d1b";
    let (server, _) = vendor(move |_, _| {
        let user = json!({ "id": "u9", "userName": "cy@guild.example", "invitation": link });
        Answer::json(&user).status(201)
    });
    let believing = |text| with_passwords(text).replacen("verify: { for: 300ms, every: 20ms }", "verify: none", 1);
    let desk = Desk::guild_at(believing, &server.url());
    let run = desk.does(&format!("{CREATE} {EVERYTHING}"));
    assert_eq!(ended(&run), ("done", 0), "{run}");
    assert!(run.stdout.contains(&format!("\ninvitation: {link}\n")), "{run}");
    assert_shown(&desk, &run, link, 1);
    let audit = std::fs::read_to_string(desk.path("audit.jsonl")).unwrap();
    assert!(audit.contains("cy@guild.example"), "{audit}");
}
