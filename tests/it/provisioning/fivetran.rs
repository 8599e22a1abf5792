//! Fivetran: people are invited, hold one account role, and are in teams and groups with a role.

use serde_json::{Value as Json, json};

use super::desk::{Desk, assert_already, assert_done_once, assert_ends, assert_says, made};
use crate::support::directory::Directory;
use crate::support::directory::fivetran::{Fivetran, Holder};

fn start() -> (Directory<Fivetran>, Desk) {
    let mut fivetran = Fivetran::new()
        .with_user("patient_heron", "nadia@harbor.example", Some("Account Administrator"))
        .with_user("hollow_reed", "omar@harbor.example", None)
        .with_team("ledger", "Head of BI")
        .with_group("sickle", "Warehouse")
        .with_member(Holder::Team, "ledger", "patient_heron", "Team Manager")
        .with_member(Holder::Group, "sickle", "patient_heron", "Manage Destination");
    fivetran.own_user = Some("patient_heron".to_owned());
    let directory = Directory::start(fivetran);
    let desk = Desk::fivetran(&directory);
    (directory, desk)
}

const INVITE: &str = "account create --input email=sofia@harbor.example --input given_name=Sofia --input family_name=L";

#[test]
fn somebody_is_invited_once_changed_and_deleted() {
    let (directory, desk) = start();
    let run = assert_ends(&desk, INVITE, "action_required", 0);
    assert_says(&run, &["an invitation was sent", "without a role the person sees nothing"]);
    let id = made(&run);
    assert_eq!(directory.state().user(&id).unwrap()["email"], "sofia@harbor.example");
    // Fivetran finds nobody by address, so it is asked, and its refusal looked into.
    for conflict in [400, 409] {
        directory.change(|fivetran| fivetran.conflict = Some(conflict));
        let run = assert_ends(&desk, &INVITE.replace("sofia@", "Sofia@"), "already", 0);
        assert_eq!(made(&run), id);
    }
    assert_done_once(&desk, &directory, &format!("account update account:{id} --input given_name=Sophie"));
    let kept = directory.state().user(&id).unwrap().clone();
    assert_eq!((&kept["given_name"], &kept["family_name"]), (&json!("Sophie"), &json!("L")));
    assert_done_once(&desk, &directory, &format!("account delete --yes account:{id}"));
    assert!(directory.state().user(&id).is_none());
}

#[test]
fn a_role_replaces_the_one_held_and_is_cleared() {
    let (directory, desk) = start();
    let role = || directory.state().user("hollow_reed").unwrap()["role"].clone();
    let reviewer = "role:Account~Reviewer:assigned account:hollow_reed";
    let administrator = "role:Account~Administrator:assigned account:hollow_reed";
    assert_done_once(&desk, &directory, &format!("grant {reviewer}"));
    assert_eq!(role(), "Account Reviewer");
    assert_done_once(&desk, &directory, &format!("grant {administrator}"));
    assert_eq!(role(), "Account Administrator");
    assert_already(&desk, &directory, &format!("revoke {reviewer}"));
    assert_done_once(&desk, &directory, &format!("revoke {administrator}"));
    assert_eq!(role(), Json::Null);
}

#[test]
fn somebody_is_member_or_manager_of_a_team() {
    let (directory, desk) = start();
    let roles = || directory.state().members(Holder::Team, "ledger");
    let held = |user: &str, role: &str| (user.to_owned(), role.to_owned());
    assert_done_once(&desk, &directory, "grant team:ledger:member account:hollow_reed");
    assert!(roles().contains(&held("hollow_reed", "Team Member")));
    assert_done_once(&desk, &directory, "grant team:ledger:manager account:hollow_reed");
    assert!(roles().contains(&held("hollow_reed", "Team Manager")));
    assert_already(&desk, &directory, "revoke team:ledger:member account:hollow_reed");
    assert_done_once(&desk, &directory, "revoke team:ledger:manager account:hollow_reed");
    assert_eq!(roles(), [held("patient_heron", "Team Manager")]);
}

#[test]
fn somebody_comes_into_a_group_and_leaves_it() {
    let (directory, desk) = start();
    assert_done_once(&desk, &directory, "grant group:sickle:member account:hollow_reed");
    let members = directory.state().members(Holder::Group, "sickle");
    assert_eq!(members[1], ("hollow_reed".to_owned(), "View Destination".to_owned()));
    assert_done_once(&desk, &directory, "revoke group:sickle:member account:hollow_reed");
    assert_eq!(directory.state().members(Holder::Group, "sickle").len(), 1);
}

#[test]
fn the_owner_of_the_key_is_left_alone() {
    let (directory, desk) = start();
    let run = assert_ends(&desk, "account delete --yes account:patient_heron", "failed", 1);
    assert_says(&run, &["this is the account that the engine runs as"]);
    let revoke = "revoke role:Account~Administrator:assigned account:patient_heron";
    let run = assert_ends(&desk, revoke, "failed", 1);
    assert_says(&run, &["a key cannot change the role of its owner"]);
    assert_eq!(directory.write_lines(), [""; 0]);
}

#[test]
fn what_the_spec_does_not_know_is_told_before_anything_is_written() {
    let (directory, desk) = start();
    for (line, said) in [
        ("account disable account:hollow_reed", "the spec has no `disable` for `account`"),
        ("account update account:hollow_reed --input given_nam=X", "did you mean `given_name`?"),
        ("account update account:hollow_reed", "nothing was given that could change"),
        ("account create --input email=a@b.example", "given_name is required"),
        ("grant team:ledger:membr account:hollow_reed", "did you mean `member`?"),
        ("grant team:ledger:member team:ledger", "it is grantable to account"),
        ("grant tem:ledger:member account:hollow_reed", "did you mean `team`?"),
    ] {
        let run = desk.does(line);
        assert_eq!(run.status, 2, "{line}: {run}");
        assert_says(&run, &[said]);
    }
    let invite = "account create --input email=a@b.example --input given_name=A --input family_name=B";
    let run = desk.does(&format!("{invite} --input role=Account~Reviwer"));
    assert_eq!(run.status, 2, "{run}");
    assert_says(&run, &["there is no role `Account Reviwer`", "did you mean `Account Reviewer`?"]);
    assert_eq!(directory.write_lines(), [""; 0]);
}
