//! A revoke takes one member out, whatever the service makes of it: a `remove` of `members` that
//! names nobody would empty the group.

use serde_json::{Value as Json, json};

use super::desk::{Desk, ended};
use crate::support::directory::Directory;
use crate::support::directory::scim::{Dialect, Removal, Scim};

fn start(dialect: Dialect) -> Directory<Scim> {
    let names = ["u1", "u2", "u3"];
    let scim = names.iter().fold(Scim::new(dialect), |scim, id| scim.with_user(id, &format!("{id}@guild.example")));
    Directory::start(scim.with_group("g1", "Staff", &names))
}

/// Nothing in a PATCH removes members without saying which.
fn assert_names_members(body: &Json) {
    for operation in body["Operations"].as_array().into_iter().flatten() {
        let removes = operation["op"].as_str().unwrap().eq_ignore_ascii_case("remove");
        let names = operation["path"].as_str().is_some_and(|path| path.contains('['))
            || operation["value"].as_array().is_some_and(|value| !value.is_empty());
        assert!(!removes || names, "{body}");
    }
}

#[test]
fn other_members_stay_whatever_is_understood_by_a_removal() {
    use Removal::{Any, Careless, Filter, Replacement, Values};
    for (option, removal, word) in [
        ("filter", Any, "done"),
        ("filter", Filter, "done"),
        ("filter", Careless, "done"),
        ("filter", Values, "failed"),
        ("filter", Replacement, "failed"),
        ("value", Any, "done"),
        ("value", Values, "done"),
        ("value", Filter, "failed"),
        ("list", Any, "done"),
        ("list", Replacement, "done"),
        ("list", Careless, "done"),
    ] {
        let directory = start(Dialect { removal, ..Dialect::default() });
        let desk = Desk::guild(&format!("member_removal: {option}"), &directory);
        let run = desk.does("revoke group:g1:member user:u2");
        let left: &[&str] = if word == "done" { &["u1", "u3"] } else { &["u1", "u2", "u3"] };
        assert_eq!(ended(&run), (word, i32::from(word == "failed")), "{option} {removal:?}: {run}");
        assert_eq!(directory.state().members("g1"), left, "{option} {removal:?}: {run}");
        directory.write_bodies().iter().for_each(assert_names_members);
    }
}

#[test]
fn an_id_cannot_widen_the_filter() {
    let odd = r#"x"orvalueeq"u2"#;
    let directory = start(Dialect { removal: Removal::Careless, ..Dialect::default() });
    directory.change(|scim| {
        scim.put_user(json!({ "id": odd, "userName": "odd@guild.example", "active": true }));
        scim.add_member("g1", odd);
    });
    let desk = Desk::guild("member_removal: filter", &directory);
    let run = desk.does(&format!("revoke group:g1:member user:{odd}"));
    assert_eq!(ended(&run), ("done", 0), "{run}");
    assert_eq!(directory.state().members("g1"), ["u1", "u2", "u3"]);
    let path = directory.write_bodies()[0]["Operations"][0]["path"].clone();
    assert_eq!(path, r#"members[value eq "x\"orvalueeq\"u2"]"#);
}

#[test]
fn the_last_member_goes_too() {
    for option in ["filter", "value", "list"] {
        let directory = start(Dialect::default());
        directory.change(|scim| ["u1", "u3"].map(|id| scim.remove_member("g1", id)));
        let desk = Desk::guild(&format!("member_removal: {option}"), &directory);
        let run = desk.does("revoke group:g1:member user:u2");
        assert_eq!(ended(&run), ("done", 0), "{option}: {run}");
        assert!(directory.state().members("g1").is_empty());
        directory.write_bodies().iter().for_each(assert_names_members);
    }
}
