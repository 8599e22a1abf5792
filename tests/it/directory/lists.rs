//! Whole lists, operations, and GraphQL.

use serde_json::{Value as Json, json};

use super::Client;
use crate::support::directory::lists::{Lists, Versions, Work};
use crate::support::directory::{Directory, TOKEN};

fn start(change: impl FnOnce(&mut Lists)) -> (Directory<Lists>, Client) {
    let roles = json!([{ "role_id": 4, "assignment_scope": "specified_groups", "groups": [7] }]);
    let mut lists = Lists::new()
        .with_user(1, "Ada")
        .with_user(2, "Bob")
        .with_group(7, "Night shift", &[1])
        .with_agent(1, "Ada", roles)
        .with_team("t1", "Core")
        .with_membership("m1", "t1", 1);
    change(&mut lists);
    let directory = Directory::start(lists);
    let client = Client::new(&directory.url(), &[("authorization", &format!("Bearer {TOKEN}"))]);
    (directory, client)
}

#[test]
fn a_whole_list_is_written_and_what_is_left_out_is_lost() {
    let (directory, client) = start(|_| {});
    let mut body = client.get("/groups/7").json;
    body["group"]["members"] = json!([1, 2]);
    assert_eq!(client.ask("PUT", "/groups/7", &body).json, body);
    assert_eq!(directory.state().members(7), [1, 2]);
    for members in [json!(null), json!(["2"])] {
        assert_eq!(client.ask("PUT", "/groups/7", &json!({ "group": { "members": members } })).status, 400);
    }
    assert_eq!(client.ask("PUT", "/groups/7", &json!({ "members": [] })).status, 200);
    assert_eq!(directory.state().group(7).unwrap(), &json!({ "id": 7, "members": [] }));
    let mut body = client.get("/agents/1").json;
    body["agent"]["roles"].as_array_mut().unwrap().push(json!({ "role_id": 5, "assignment_scope": "member_groups" }));
    assert_eq!(client.ask("PUT", "/agents/1", &body).status, 200);
    assert_eq!(directory.state().agent(1).unwrap()["signature"], "Yours");
    assert_eq!(client.ask("PUT", "/agents/1", &json!({ "roles": [{ "role_id": "5" }] })).status, 400);
    let made = client.ask("POST", "/groups", &json!({ "group": { "name": "New" } })).json;
    let path = format!("/groups/{}", made["group"]["id"]);
    assert_eq!(client.ask("DELETE", &path, &Json::Null).status, 204);
    directory.change(|lists| lists.remove_group(7));
    assert_eq!(client.get("/groups").json, json!({ "groups": [] }));
    assert_eq!(client.get("/users").json["users"].as_array().unwrap().len(), 2);
}

#[test]
fn a_lost_update_is_noticed_by_header_or_field() {
    let (directory, client) = start(|lists| lists.versions = Versions::Header);
    let read = client.get("/groups/7");
    let current = client.with("if-match", &read.headers["etag"]);
    directory.change(|lists| lists.set_members(7, &[1, 2]));
    assert_eq!(current.ask("PUT", "/groups/7", &read.json).status, 412);
    let (directory, client) = start(|lists| {
        lists.versions = Versions::Field;
        lists.partial = true;
    });
    let version = client.get("/groups/7").json["group"]["version"].clone();
    let write = |version: &Json| {
        client.ask("PUT", "/groups/7", &json!({ "group": { "version": version, "members": [2] } })).status
    };
    assert_eq!((write(&version), write(&version)), (200, 409));
    assert_eq!(directory.state().group(7).unwrap()["other"]["limits"]["open"], 10);
}

#[test]
fn a_write_may_be_carried_out_later_or_fail_then() {
    for fails in [false, true] {
        let (directory, client) = start(|lists| lists.work = Some(Work { running: 2, fails }));
        let begun = client.ask("PUT", "/groups/7", &json!({ "group": { "members": [2] } }));
        assert_eq!((begun.status, &begun.json["operation"]["status"]), (202, &json!("running")));
        let status = || client.get(&begun.headers["location"]).json["operation"]["status"].clone();
        assert_eq!([status(), status()], ["running", "running"]);
        assert_eq!(directory.state().members(7), [1]);
        assert_eq!(status(), if fails { "failed" } else { "done" });
        assert_eq!(directory.state().members(7), if fails { [1] } else { [2] });
    }
}

#[test]
fn graphql_answers_errors_inside_200() {
    let (directory, client) = start(|_| {});
    let ask = |query: &str, variables: Json| {
        let answer = client.ask("POST", "/graphql", &json!({ "query": query, "variables": variables }));
        assert_eq!(answer.status, 200);
        answer.json
    };
    let create = "mutation C($input: TeamMembershipCreateInput!) { teamMembershipCreate(input: $input) { success } }";
    let delete = "mutation D($id: String!) { teamMembershipDelete(id: $id) { success } }";
    let list = "query T($id: String!) { team(id: $id) { memberships { nodes { id user { id } } } } }";
    let member = json!({ "input": { "teamId": "t1", "userId": "2" } });
    let made = ask(create, member.clone());
    assert_eq!(ask(create, member.clone())["errors"][0]["extensions"]["code"], "INPUT_ERROR");
    let page = ask(list, json!({ "id": "t1", "first": 1, "after": "1" }))["data"]["team"]["memberships"].clone();
    assert_eq!((&page["nodes"][0]["user"]["id"], &page["pageInfo"]["hasNextPage"]), (&json!("2"), &json!(false)));
    let id = json!({ "id": made["data"]["teamMembershipCreate"]["teamMembership"]["id"] });
    assert_eq!(ask(delete, id.clone())["data"]["teamMembershipDelete"]["success"], true);
    assert_eq!(ask(delete, id)["errors"][0]["extensions"]["code"], "ENTITY_NOT_FOUND");
    assert_eq!(directory.writes().len(), 4);
    assert!(directory.change(|lists| lists.remove_membership("m1")));
    directory.change(|lists| lists.quiet_failures = true);
    let quiet = ask(delete, json!({ "id": "m1" }));
    assert_eq!(quiet, json!({ "data": { "teamMembershipDelete": { "success": false } } }));
    assert!(directory.state().team_members("t1").is_empty());
}
