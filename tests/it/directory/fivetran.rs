//! The service like Fivetran.

use serde_json::{Value as Json, json};

use super::Client;
use crate::support::directory::Directory;
use crate::support::directory::fivetran::{Fivetran, Holder};

fn start(change: impl FnOnce(&mut Fivetran)) -> (Directory<Fivetran>, Client) {
    let mut fivetran = Fivetran::new()
        .with_user("patient_heron", "nadia@harbor.example", Some("Account Administrator"))
        .with_user("hollow_reed", "team.only@harbor.example", None)
        .with_team("ledger", "Head of BI")
        .with_group("sickle", "Warehouse")
        .with_member(Holder::Team, "ledger", "patient_heron", "Team Manager");
    change(&mut fivetran);
    let directory = Directory::start(fivetran);
    let headers = [
        // made-up-key:made-up-secret
        ("authorization", "Basic bWFkZS11cC1rZXk6bWFkZS11cC1zZWNyZXQ="),
        ("accept", "application/json"),
        ("content-type", "application/json"),
    ];
    let client = Client::new(&directory.url(), &headers);
    (directory, client)
}

#[test]
fn fivetran_lists_by_cursor_and_knows_its_key() {
    let (_directory, client) = start(|fivetran| fivetran.change_user("hollow_reed", "active", json!(false)));
    let page = client.get("/v1/users?limit=1").json;
    let cursor = page["data"]["next_cursor"].as_str().unwrap();
    let last = client.get(&format!("/v1/users?limit=1&cursor={cursor}")).json;
    assert_eq!((&last["data"]["items"][0]["id"], &last["data"]["next_cursor"]), (&json!("hollow_reed"), &Json::Null));
    assert_eq!(client.get("/v1/users?active=true").json["data"]["items"].as_array().unwrap().len(), 1);
    assert_eq!(client.get("/v1/users?limit=1001").status, 400);
    assert_eq!(client.get("/v1/account/info").json["data"]["system_key_id"], "cobalt_lantern");
    assert_eq!(client.with("authorization", "Basic d3Jvbmc=").get("/v1/users").status, 401);
    assert_eq!(client.with("accept", "*/*").get("/v1/users").status, 406);
    assert_eq!(client.with("content-type", "text/plain").ask("POST", "/v1/users", &json!({})).status, 415);
}

#[test]
fn fivetran_invites_once_changes_roles_and_deletes() {
    let (directory, client) = start(|fivetran| {
        fivetran.own_user = Some("patient_heron".to_owned());
        fivetran.conflict = Some(400);
        fivetran.creations = Some(1);
    });
    let mut person =
        json!({ "email": "S@harbor.example", "given_name": "S", "family_name": "L", "role": "Chief Wizard" });
    assert_eq!(client.ask("POST", "/v1/users", &person).json["code"], "IllegalArgument");
    person["role"] = json!("Account Reviewer");
    let made = client.ask("POST", "/v1/users", &person);
    assert_eq!((made.status, &made.json["data"]["verified"]), (201, &json!(false)));
    person["email"] = json!("s@harbor.example");
    assert_eq!(client.ask("POST", "/v1/users", &person).status, 400);
    person["email"] = json!("t@harbor.example");
    assert_eq!(client.ask("POST", "/v1/users", &person).headers["retry-after"], "1");
    let path = format!("/v1/users/{}", made.json["data"]["id"].as_str().unwrap());
    let role = json!({ "role": "Account Administrator" });
    assert_eq!(client.ask("PATCH", &path, &role).json["data"]["role"], "Account Administrator");
    assert_eq!(client.ask("PATCH", "/v1/users/patient_heron", &role).status, 400);
    assert_eq!(client.ask("DELETE", &format!("{path}/role"), &Json::Null).json["data"]["role"], Json::Null);
    assert!(directory.state().user_with_email("S@HARBOR.example").is_some());
    assert_eq!(client.ask("DELETE", &path, &Json::Null).status, 200);
    assert_eq!(client.ask("DELETE", &path, &Json::Null).json["code"], "NotFound_User");
    assert_eq!(client.ask("DELETE", "/v1/users/patient_heron", &Json::Null).status, 200);
    assert_eq!(client.get("/v1/users").status, 401);
}

#[test]
fn fivetran_keeps_members_of_teams_and_groups() {
    let (directory, client) = start(|_| {});
    let path = "/v1/teams/ledger/users";
    let member = json!({ "user_id": "hollow_reed", "role": "Team Member" });
    assert_eq!(client.ask("POST", path, &member).status, 201);
    assert_eq!(client.ask("POST", path, &member).status, 409);
    let one = format!("{path}/hollow_reed");
    assert_eq!(client.ask("PATCH", &one, &json!({ "role": "Team Manager" })).status, 200);
    assert_eq!(client.get(path).json["data"]["items"][1]["role"], "Team Manager");
    assert_eq!(client.ask("DELETE", &one, &Json::Null).status, 200);
    assert_eq!((client.ask("DELETE", &one, &Json::Null).status, client.get(&one).status), (404, 404));
    assert_eq!(directory.state().members(Holder::Team, "ledger").len(), 1);
    let email = json!({ "email": "Team.Only@harbor.example", "role": "View Destination" });
    assert_eq!(client.ask("POST", "/v1/groups/sickle/users", &email).status, 200);
    assert_eq!(client.get("/v1/users/hollow_reed/groups").json["data"]["items"][0]["id"], "sickle");
    assert_eq!(client.get("/v1/groups/sickle/users").json["data"]["items"][0]["id"], "hollow_reed");
    assert_eq!(client.ask("DELETE", "/v1/users/hollow_reed/groups/sickle", &Json::Null).status, 200);
    let group = json!({ "id": "sickle", "role": "Manage Destination" });
    assert_eq!(client.ask("POST", "/v1/users/hollow_reed/groups", &group).status, 201);
    directory.change(|fivetran| fivetran.remove_user("hollow_reed"));
    assert!(directory.state().members(Holder::Group, "sickle").is_empty());
    assert!(directory.state().user("hollow_reed").is_none());
}
