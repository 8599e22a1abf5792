//! Every operation on users and groups, in the dialects of SCIM: the vendor's state, the word, the
//! status, and the repetition.

use serde_json::{Value as Json, json};

use super::desk::{Desk, assert_already, assert_done_once, assert_ends, assert_says, made};
use crate::support::Run;
use crate::support::directory::scim::{Dialect, LICENSE, Ops, Patch, Removal, Scim};
use crate::support::directory::{Directory, TOKEN};

fn start(dialect: Dialect) -> Directory<Scim> {
    let scim = Scim::new(dialect)
        .with_user("u1", "ada@guild.example")
        .with_user("u2", "bob@guild.example")
        .with_group("g1", "Staff", &["u1"])
        .with_group("g2", "Crew", &[]);
    Directory::start(scim)
}

/// A service in a dialect, and a desk with the options for it.
struct Life {
    directory: Directory<Scim>,
    desk: Desk,
    /// Whether each operation is asked for a second time.
    twice: bool,
}

impl Life {
    fn new(options: &str, dialect: Dialect) -> Self {
        let directory = start(dialect);
        Self { desk: Desk::guild(options, &directory), directory, twice: false }
    }

    fn done(&self, line: &str) -> Run {
        match self.twice {
            true => assert_done_once(&self.desk, &self.directory, line),
            false => assert_ends(&self.desk, line, "done", 0),
        }
    }

    fn user(&self, id: &str) -> Json {
        self.directory.state().user(id).unwrap().clone()
    }

    /// A user comes and goes.
    fn of_a_user(&self) {
        let create = "account create --input user_name=cy@guild.example --input given_name=Cy --input family_name=T";
        let id = made(&self.done(create));
        let kept = self.user(&id);
        assert_eq!(kept["userName"], "cy@guild.example");
        assert_eq!(kept["name"], json!({ "givenName": "Cy", "familyName": "T" }));
        assert_eq!((&kept["active"], &kept["emails"][0]["value"]), (&json!(true), &json!("cy@guild.example")));
        self.done(&format!("account delete --yes user:{id}"));
        assert_eq!(self.directory.state().users().len(), 2);
    }

    /// A user is changed, and nothing else of it.
    fn of_changes(&self) {
        self.done("account update user:u1 --input given_name=Ada --input email=ada.l@guild.example");
        let kept = self.user("u1");
        assert_eq!(kept["name"]["givenName"], "Ada");
        assert_eq!(kept["emails"][0]["value"], "ada.l@guild.example");
        assert_eq!((&kept["userName"], &kept["active"]), (&json!("ada@guild.example"), &json!(true)));
        self.done("account disable user:u1");
        assert_eq!((&self.user("u1")["active"], &self.user("u2")["active"]), (&json!(false), &json!(true)));
        self.done("account enable user:u1");
        assert_eq!(self.user("u1")["active"], true);
    }

    /// Users and groups come into a group and leave it, the last one too.
    fn of_members(&self) {
        self.done("grant group:g1:member user:u2");
        self.done("grant group:g1:member group:g2");
        assert_eq!(self.directory.state().members("g1"), ["u1", "u2", "g2"]);
        self.done("revoke group:g1:member user:u1");
        assert_eq!(self.directory.state().members("g1"), ["u2", "g2"]);
        self.done("revoke group:g1:member group:g2");
        self.done("revoke group:g1:member user:u2");
        assert!(self.directory.state().members("g1").is_empty());
    }

    /// A group comes, another is renamed, and one goes.
    fn of_groups(&self) {
        let id = made(&self.done("account create --type group --input display_name=Watch"));
        assert_eq!(self.directory.state().group(&id).unwrap()["displayName"], "Watch");
        self.done("account update group:g1 --input display_name=Staffers");
        let kept = self.directory.state().group("g1").unwrap().clone();
        assert_eq!((&kept["displayName"], &kept["members"]), (&json!("Staffers"), &json!([{ "value": "u1" }])));
        self.done(&format!("account delete --yes group:{id}"));
        assert_eq!(self.directory.state().groups().len(), 2);
    }
}

#[test]
fn a_service_after_the_rfcs() {
    let life = Life { twice: true, ..Life::new("patch_ops: add", Dialect::default()) };
    life.of_a_user();
    life.of_changes();
    life.of_groups();
    life.of_members();
}

#[test]
fn a_strict_service_without_members_in_lists() {
    let dialect = Dialect {
        patch: Patch::NoContent,
        ops: Ops::LowerCase,
        removal: Removal::Filter,
        no_target: true,
        page: 1,
        listed_members: false,
        unique_groups: true,
        ..Dialect::default()
    };
    let life = Life::new("absent_active: enabled", dialect);
    life.of_changes();
    life.of_members();
}

#[test]
fn a_service_as_entra_wants_it() {
    let dialect = Dialect {
        patch: Patch::Empty,
        ops: Ops::Capitalised,
        removal: Removal::Values,
        pathless_active: true,
        ..Dialect::default()
    };
    let email = r#"email_path: "emails[type eq \"work\"].value""#;
    let life = Life::new(&format!("patch_ops: Add, member_removal: value, active_form: pathless, {email}"), dialect);
    life.of_changes();
    life.of_members();
}

#[test]
fn a_service_without_patch_that_overlooks_filters() {
    let dialect = Dialect { patch: Patch::Unsupported, created: 200, ignores_filters: true, ..Dialect::default() };
    let life = Life::new("user_updates: put, active_form: put, group_changes: put", dialect);
    life.of_a_user();
    life.of_changes();
    life.of_groups();
    life.of_members();
}

#[test]
fn a_service_with_patch_of_groups_only_that_replaces_members() {
    let dialect = Dialect { patch: Patch::NotOnUsers, removal: Removal::Replacement, ..Dialect::default() };
    Life::new("user_updates: put, active_form: put, member_removal: list", dialect).of_members();
}

#[test]
fn ids_may_hold_anything() {
    let odd = r#"a:b/c?d="e"&%2F"#;
    let directory = start(Dialect::default());
    directory.change(|scim| {
        scim.put_user(json!({ "id": odd, "userName": "odd@guild.example", "active": true }));
        scim.put_group(json!({ "id": odd, "displayName": "Odd" }));
    });
    let desk = Desk::guild("patch_ops: add", &directory);
    assert_done_once(&desk, &directory, &format!("grant group:{odd}:member user:{odd}"));
    assert_eq!(directory.state().members(odd), [odd]);
    let flags = format!("revoke --entitlement-id group {odd} member --principal-id user {odd}");
    assert_done_once(&desk, &directory, &flags);
    assert_done_once(&desk, &directory, &format!("account disable user:{odd}"));
    assert_done_once(&desk, &directory, &format!("account delete --yes user:{odd}"));
}

#[test]
fn a_user_whose_status_is_not_told_is_enabled_and_disabled() {
    let directory = start(Dialect::default());
    directory.change(|scim| scim.put_user(json!({ "id": "u3", "userName": "cy@guild.example" })));
    let desk = Desk::guild("patch_ops: add", &directory);
    assert_done_once(&desk, &directory, "account enable user:u3");
    directory.change(|scim| scim.put_user(json!({ "id": "u3", "userName": "cy@guild.example" })));
    assert_done_once(&desk, &directory, "account disable user:u3");
    assert_eq!(directory.state().user("u3").unwrap()["active"], false);
}

fn dbt(wrapped: bool) -> (Directory<Scim>, Desk) {
    let directory = start(Dialect { wrapped, ..Dialect::dbt() });
    let desk = Desk::of("specs/dbt-scim.yaml")
        .knowing("BATON_DBT_SCIM_BASE_URL", format!("{}/scim/v2", directory.url()))
        .knowing("BATON_DBT_SCIM_TOKEN", TOKEN);
    (directory, desk)
}

const NEW: &str = "account create --input email=cy@guild.example --input given_name=Cy --input family_name=T";

#[test]
fn dbt_with_bare_answers() {
    let (directory, desk) = dbt(false);
    let new = format!("{NEW} --input license_type=read_only");
    let run = assert_ends(&desk, &new, "action_required", 0);
    assert_says(&run, &["dbt sends an invitation"]);
    let id = made(&run);
    assert_eq!(directory.state().user(&id).unwrap()[LICENSE]["licenseType"], "read_only");
    assert_already(&desk, &directory, &new);

    let grant = format!("grant group:g1:member user:{id}");
    let run = assert_ends(&desk, &grant, "failed", 1);
    assert_says(&run, &["the person has no license yet"]);
    directory.change(|scim| scim.accept(&id));
    assert_done_once(&desk, &directory, &grant);
    assert_eq!(directory.state().members("g1"), ["u1", &id]);
    assert_done_once(&desk, &directory, "revoke group:g1:member user:u1");
    assert_eq!(directory.state().members("g1"), [&id[..]]);

    assert_done_once(&desk, &directory, &format!("account update user:{id} --input given_name=Cyrus"));
    let kept = directory.state().user(&id).unwrap().clone();
    assert_eq!(kept["name"], json!({ "givenName": "Cyrus", "familyName": "T" }));
    assert_eq!((&kept["active"], &kept[LICENSE]["licenseType"]), (&json!(true), &json!("read_only")));
    let moved = format!("account update user:{id} --input email=cyrus@guild.example");
    let run = assert_ends(&desk, &moved, "action_required", 0);
    assert_says(&run, &["the person has to confirm the new address"]);
    assert_already(&desk, &directory, &moved);

    assert_done_once(&desk, &directory, &format!("account disable user:{id}"));
    assert_eq!(directory.state().user(&id).unwrap()["active"], false);
    assert_ends(&desk, &format!("account enable user:{id}"), "done", 0);
    assert_done_once(&desk, &directory, &format!("account delete --yes user:{id}"));
    assert!(directory.state().user(&id).is_none());

    assert_done_once(&desk, &directory, "account create --type group --input display_name=Watch");
    assert_ends(&desk, "account update group:g2 --input display_name=Sailors", "done", 0);
    assert_ends(&desk, "account delete --yes group:g2", "done", 0);
    assert_eq!(directory.state().groups().len(), 2);
}

#[test]
fn dbt_with_answers_in_an_envelope() {
    let (directory, desk) = dbt(true);
    let id = made(&assert_ends(&desk, NEW, "action_required", 0));
    assert_already(&desk, &directory, NEW);
    directory.change(|scim| scim.accept(&id));
    assert_done_once(&desk, &directory, &format!("grant group:g1:member user:{id}"));
    assert_done_once(&desk, &directory, "revoke group:g1:member user:u1");
    assert_eq!(directory.state().members("g1"), [&id[..]]);
    assert_ends(&desk, &format!("account update user:{id} --input given_name=Cyrus"), "done", 0);
    assert_ends(&desk, &format!("account disable user:{id}"), "done", 0);
    let kept = directory.state().user(&id).unwrap().clone();
    assert_eq!((&kept["name"]["givenName"], &kept["active"]), (&json!("Cyrus"), &json!(false)));
    for line in [
        "account create --type group --input display_name=Watch",
        "account update group:g2 --input display_name=Sailors",
        "account delete --yes group:g2",
        &format!("account delete --yes user:{id}"),
    ] {
        assert_ends(&desk, line, "done", 0);
    }
    assert_eq!((directory.state().users().len(), directory.state().groups().len()), (2, 2));
}

#[test]
fn dbt_warns_of_a_paid_seat_and_takes_groups_into_no_group() {
    let (directory, desk) = dbt(false);
    let run = assert_ends(&desk, NEW, "action_required", 0);
    assert_says(&run, &["a paid seat"]);
    directory.forget();
    let run = assert_ends(&desk, "grant group:g1:member group:g2", "failed", 1);
    assert_says(&run, &["dbt's groups have users as members, and no groups"]);
    assert!(directory.writes().is_empty());
}

#[test]
fn rudderstack_makes_renames_and_deactivates_users_and_nothing_else() {
    let directory = start(Dialect { created: 200, ..Dialect::default() });
    let desk = Desk::of("specs/rudderstack.yaml")
        .knowing("BATON_RUDDERSTACK_SCIM_BASE_URL", format!("{}/scim/v2", directory.url()))
        .knowing("BATON_RUDDERSTACK_SCIM_TOKEN", TOKEN);
    let done = |line: &str| assert_done_once(&desk, &directory, line);
    let run = done("account create --input user_name=cy@guild.example --input display_name=Cy");
    let id = made(&run);
    done(&format!("account update user:{id} --input display_name=Cyrus"));
    done(&format!("account disable user:{id}"));
    let kept = directory.state().user(&id).unwrap().clone();
    assert_eq!((&kept["displayName"], &kept["active"]), (&json!("Cyrus"), &json!(false)));
    done(&format!("account enable user:{id}"));
    directory.forget();
    for line in [
        "account delete --yes user:u1",
        "account update user:u1 --input user_name=other@guild.example",
        "account create --type group --input display_name=Watch",
        "grant group:g1:member user:u2",
        "revoke group:g1:member user:u1",
    ] {
        let run = desk.does(line);
        assert_eq!(run.status, 2, "{line}: {run}");
        assert_says(&run, &["error: ", "hint: "]);
    }
    assert_eq!(directory.write_lines(), [""; 0]);
    assert_eq!(directory.state().user("u1").unwrap()["userName"], Json::from("ada@guild.example"));
}
