//! Plans: nothing that changes anything is sent, and what is shown is what would be sent.

use serde_json::{Value as Json, json};

use super::desk::{Desk, ended};
use crate::support::directory::fivetran::{Fivetran, Holder};
use crate::support::directory::lists::Lists;
use crate::support::directory::scim::{Dialect, Patch, Scim};
use crate::support::directory::{Directory, Service, TOKEN};

/// A plan of a line sends no write, and what it shows is then sent.
#[track_caller]
fn assert_planned<S: Service>(desk: &Desk, directory: &Directory<S>, line: &str) {
    directory.forget();
    let run = desk.run(&format!("{line} --plan -o json"));
    let plan: Json = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("no JSON: {run}"));
    assert_eq!((&plan["outcome"], run.status), (&json!("done"), 0), "{line}: {run}");
    assert_eq!(directory.write_lines(), [""; 0], "{line}");

    desk.does(line);
    let writes = directory.writes();
    let sent =
        writes.iter().map(|write| (format!("{} {}{}", write.method, directory.url(), write.target), write.json()));
    let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
    let planned = plan["requests"].as_array().unwrap().iter().map(|request| {
        let line = format!("{} {}", text(&request["method"]), text(&request["url"]));
        (line, serde_json::from_str(&text(&request["body"])).unwrap_or_default())
    });
    assert_eq!(planned.collect::<Vec<_>>(), sent.collect::<Vec<_>>(), "{line}");
}

const GUILD: [&str; 8] = [
    "account create --input user_name=cy@guild.example --input given_name=Cy",
    "account update user:u1 --input given_name=Ada",
    "account disable user:u1",
    "grant group:g1:member user:u2",
    "revoke group:g1:member user:u2",
    "account create --type group --input display_name=Watch",
    "account update group:g1 --input display_name=Crew",
    "account delete group:g1 --yes",
];

fn guild(dialect: Dialect) -> Directory<Scim> {
    let scim = Scim::new(dialect).with_user("u1", "ada@guild.example").with_user("u2", "bob@guild.example");
    Directory::start(scim.with_group("g1", "Staff", &["u1"]))
}

#[test]
fn plans_of_scim_show_what_is_sent() {
    let directory = guild(Dialect::default());
    let desk = Desk::guild("patch_ops: add", &directory);
    GUILD.iter().for_each(|line| assert_planned(&desk, &directory, line));
}

#[test]
fn plans_of_edits_show_what_is_sent() {
    let directory = guild(Dialect { patch: Patch::Unsupported, ..Dialect::default() });
    let desk = Desk::guild("user_updates: put, active_form: put, group_changes: put", &directory);
    GUILD[1..5].iter().for_each(|line| assert_planned(&desk, &directory, line));

    let directory = Directory::start(Lists::new().with_user(2, "Bob").with_group(7, "Night shift", &[1]));
    let desk = Desk::roster("", &directory);
    for line in ["grant group:7:member user:2", "action rename --on group:7 --input name=Crew"] {
        assert_planned(&desk, &directory, line);
    }
}

#[test]
fn plans_of_fivetran_show_what_is_sent() {
    let fivetran = Fivetran::new().with_user("reed", "omar@harbor.example", None).with_team("ledger", "Head of BI");
    let directory = Directory::start(fivetran.with_group("sickle", "Warehouse").with_member(
        Holder::Team,
        "ledger",
        "reed",
        "Team Member",
    ));
    let desk = Desk::fivetran(&directory);
    for line in [
        "account create --input email=a@b.example --input given_name=A --input family_name=B",
        "grant role:Account~Reviewer:assigned account:reed",
        "grant team:ledger:manager account:reed",
        "grant group:sickle:member account:reed",
        "account delete --yes account:reed",
    ] {
        assert_planned(&desk, &directory, line);
    }
}

#[test]
fn a_plan_is_shown_to_people() {
    let directory = guild(Dialect::default());
    let desk = Desk::guild("patch_ops: add", &directory);
    let run = desk.run("grant group:g1:member user:u2 --plan");
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run}");
    let url = directory.url();
    let shown = format!("plan: grant group:g1:member to user:u2\n  PATCH {url}/scim/v2/Groups/g1\n    asked for at ");
    assert!(run.stdout.starts_with(&shown), "{run}");
    assert!(run.stdout.contains("        \"path\": \"members\","), "{run}");
    assert!(run.stdout.ends_with("  nothing was sent\n"), "{run}");
    assert!(directory.writes().is_empty());
}

#[test]
fn plans_say_what_changes_and_what_is_so_already() {
    let directory = guild(Dialect::default());
    let desk = Desk::guild("patch_ops: add", &directory);
    let run =
        desk.run("account update user:u1 --plan --input user_name=ada@guild.example --input email=a@guild.example");
    assert!(run.stdout.contains("email: `ada@guild.example` → `a@guild.example`"), "{run}");
    assert!(!run.stdout.contains("user_name: "), "{run}");
    let run = desk.run("account enable user:u1 --plan");
    assert_eq!(run.stdout, "plan: enable user:u1\n  already: nothing would be sent\n", "{run}");
    assert_eq!(run.status, 0);
    let run = desk.run("account update user:u9 --plan --input user_name=x@guild.example");
    assert_eq!(ended(&run), ("failed", 1), "{run}");
    assert!(directory.writes().is_empty());
}

#[test]
fn plans_hide_secrets_wherever_they_stand() {
    let directory = guild(Dialect::default());
    let change = |text: String| {
        text.replace(
            "  user:\n    create: {",
            "  user:\n    create: { headers: { X-Key: \"{{ config.token }}\" }, json: { title: \"key {{ config.token }}\" },",
        )
    };
    let desk = Desk::guild_like(change, &directory);
    let line = "account create --input user_name=cy@guild.example";
    let shown = desk.run(&format!("{line} --plan --log-level trace"));
    let told = desk.run(&format!("{line} --plan -o json"));
    assert!(directory.writes().is_empty());
    for run in [&shown, &told] {
        assert!(run.stdout.contains("key ***"), "{run}");
        assert!(!run.says(TOKEN), "{run}");
    }
    desk.does(line);
    assert_eq!(directory.state().user_named("cy@guild.example").unwrap()["title"], format!("key {TOKEN}"));
}
